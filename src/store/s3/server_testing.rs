//! Servers of the S3 protocol inside the test's process: `s3s-fs` on a folder, and one in memory, whose conditional writes are
//! atomic. Both check signatures. Used by the tests of the library and, by path, by those of the program.

use futures_util::StreamExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, ETag, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    ListObjectsV2Input, ListObjectsV2Output, Object, PutObjectInput, PutObjectOutput, StreamingBlob, Timestamp,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};
use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

pub const ACCESS_KEY: &str = "testaccesskey";
pub const SECRET_KEY: &str = "testsecretkey";
pub const BUCKET: &str = "fixtures";

/// What becomes of a write with `If-None-Match: *`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditions {
    /// It is refused where an object is there, as by AWS.
    Kept,
    /// The condition is ignored, as by Garage.
    Ignored,
    /// The request is refused as unknown, as by some proxies.
    Unknown,
}

/// A server that ends with the process.
pub struct Server {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// Its objects, if it has them in memory.
    pub memory: InMemory,
}

impl Server {
    /// `s3s-fs` on a folder, with the bucket made.
    pub fn on_folder(folder: &Path) -> Self {
        std::fs::create_dir_all(folder.join(BUCKET)).unwrap();
        let files = s3s_fs::FileSystem::new(folder).unwrap();
        Self { endpoint: serve(S3ServiceBuilder::new(files)), memory: InMemory::new(Conditions::Kept) }
    }

    /// A server in memory.
    pub fn in_memory(conditions: Conditions) -> Self {
        let memory = InMemory::new(conditions);
        Self { endpoint: serve(S3ServiceBuilder::new(memory.clone())), memory }
    }

    /// The address of a store behind `prefix`.
    pub fn store(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}?endpoint={}", self.endpoint)
    }
}

/// Runs a service on a free port of this machine, in a thread of its own.
fn serve(mut builder: S3ServiceBuilder) -> String {
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    let service = builder.build();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                tokio::spawn(answer(stream, service.clone()));
            }
        });
    });
    format!("http://{}", told.recv().unwrap())
}

async fn answer(stream: tokio::net::TcpStream, service: S3Service) {
    // A client that hangs up is none of a server's business.
    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await.unwrap_or_default();
}

type Objects = BTreeMap<String, (Arc<Vec<u8>>, SystemTime)>;

/// A bucket in memory.
#[derive(Clone)]
pub struct InMemory {
    objects: Arc<Mutex<Objects>>,
    conditions: Conditions,
}

impl InMemory {
    fn new(conditions: Conditions) -> Self {
        Self { objects: Arc::default(), conditions }
    }

    /// The bucket's objects by key.
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let objects = self.objects.lock().unwrap();
        objects.iter().map(|(key, (bytes, _))| (key.clone(), bytes.to_vec())).collect()
    }

    /// Puts an object there without a request.
    pub fn insert(&self, key: &str, bytes: Vec<u8>, written: SystemTime) {
        self.objects.lock().unwrap().insert(key.to_owned(), (Arc::new(bytes), written));
    }

    fn find(&self, bucket: &str, key: &str) -> S3Result<(Arc<Vec<u8>>, SystemTime)> {
        if bucket != BUCKET {
            return Err(s3_error!(NoSuchBucket));
        }
        self.objects.lock().unwrap().get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey))
    }

    async fn put(&self, input: PutObjectInput) -> S3Result<S3Response<PutObjectOutput>> {
        if input.bucket != BUCKET {
            return Err(s3_error!(NoSuchBucket));
        }
        let mut bytes = Vec::new();
        if let Some(mut body) = input.body {
            while let Some(part) = body.next().await {
                bytes.extend_from_slice(&part.map_err(|_| s3_error!(IncompleteBody))?);
            }
        }
        let is_conditional = input.if_none_match.is_some();
        if is_conditional && self.conditions == Conditions::Unknown {
            return Err(s3_error!(NotImplemented));
        }
        let mut objects = self.objects.lock().unwrap();
        if is_conditional && self.conditions == Conditions::Kept && objects.contains_key(&input.key) {
            return Err(s3_error!(PreconditionFailed));
        }
        objects.insert(input.key, (Arc::new(bytes), SystemTime::now()));
        Ok(S3Response::new(PutObjectOutput { e_tag: Some(ETag::Strong("x".into())), ..Default::default() }))
    }

    fn get(&self, input: &GetObjectInput) -> S3Result<S3Response<GetObjectOutput>> {
        let (bytes, written) = self.find(&input.bucket, &input.key)?;
        let length = bytes.len() as u64;
        let range = input.range.map(|range| range.check(length)).transpose()?;
        let content_range = range.as_ref().map(|range| format!("bytes {}-{}/{length}", range.start, range.end - 1));
        let part = match range {
            Some(range) => bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec(),
            None => bytes.to_vec(),
        };
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(i64::try_from(part.len()).unwrap()),
            content_range,
            last_modified: Some(Timestamp::from(written)),
            body: Some(StreamingBlob::from(Body::from(part))),
            ..Default::default()
        }))
    }

    fn list(&self, input: &ListObjectsV2Input) -> S3Result<S3Response<ListObjectsV2Output>> {
        if input.bucket != BUCKET {
            return Err(s3_error!(NoSuchBucket));
        }
        let prefix = input.prefix.clone().unwrap_or_default();
        let most = usize::try_from(input.max_keys.unwrap_or(1000)).unwrap();
        let after = input.continuation_token.clone();
        let objects = self.objects.lock().unwrap();
        let from = after.clone().unwrap_or_else(|| prefix.clone());
        let mut rest = objects.range(from..).filter(|(key, _)| Some(*key) != after.as_ref());
        let contents: Vec<Object> = rest
            .by_ref()
            .take_while(|(key, _)| key.starts_with(&prefix))
            .take(most)
            .map(|(key, (bytes, written))| Object {
                key: Some(key.clone()),
                size: Some(i64::try_from(bytes.len()).unwrap()),
                last_modified: Some(Timestamp::from(*written)),
                ..Default::default()
            })
            .collect();
        let more = contents.len() == most && rest.next().is_some_and(|(key, _)| key.starts_with(&prefix));
        let next = contents.last().and_then(|object| object.key.clone()).filter(|_| more);
        Ok(S3Response::new(ListObjectsV2Output {
            is_truncated: Some(more),
            next_continuation_token: next,
            key_count: Some(i32::try_from(contents.len()).unwrap()),
            contents: Some(contents),
            ..Default::default()
        }))
    }
}

type Answer<'a, O> = Pin<Box<dyn Future<Output = S3Result<S3Response<O>>> + Send + 'a>>;

impl S3 for InMemory {
    fn put_object<'l, 'a>(&'l self, request: S3Request<PutObjectInput>) -> Answer<'a, PutObjectOutput>
    where
        'l: 'a,
    {
        Box::pin(self.put(request.input))
    }

    fn get_object<'l, 'a>(&'l self, request: S3Request<GetObjectInput>) -> Answer<'a, GetObjectOutput>
    where
        'l: 'a,
    {
        Box::pin(std::future::ready(self.get(&request.input)))
    }

    fn head_object<'l, 'a>(&'l self, request: S3Request<HeadObjectInput>) -> Answer<'a, HeadObjectOutput>
    where
        'l: 'a,
    {
        let found = self.find(&request.input.bucket, &request.input.key).map(|(bytes, written)| {
            S3Response::new(HeadObjectOutput {
                content_length: Some(i64::try_from(bytes.len()).unwrap()),
                last_modified: Some(Timestamp::from(written)),
                ..Default::default()
            })
        });
        Box::pin(std::future::ready(found))
    }

    fn list_objects_v2<'l, 'a>(&'l self, request: S3Request<ListObjectsV2Input>) -> Answer<'a, ListObjectsV2Output>
    where
        'l: 'a,
    {
        Box::pin(std::future::ready(self.list(&request.input)))
    }

    fn delete_object<'l, 'a>(&'l self, request: S3Request<DeleteObjectInput>) -> Answer<'a, DeleteObjectOutput>
    where
        'l: 'a,
    {
        drop(self.objects.lock().unwrap().remove(&request.input.key));
        Box::pin(std::future::ready(Ok(S3Response::new(DeleteObjectOutput::default()))))
    }
}
