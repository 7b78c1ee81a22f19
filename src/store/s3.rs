//! A store in a bucket of S3 or a server that speaks its protocol.
//!
//! Objects are written by one request from memory, so that a bucket never holds half of one. Nothing rests on conditional
//! writes: an object's name is a digest or random, so whatever is written twice under a name is the same. Where the server
//! keeps the condition, it only makes a wrong content under a name impossible instead of unheard of.

mod address;
mod client;
mod failure;
mod listing;
mod probe;

use super::{Listed, Store};
use crate::error::{Error, Result};
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use crate::secret::Address;
use address::Place;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use failure::{Action, Class, Failure};
use listing::Broken;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(crate) use probe::probe;

/// How often a write is begun anew when others write the same object.
const ROUNDS: u32 = 5;

/// More than a hint has.
const HINT_LIMIT: u64 = 64 << 10;

/// A store in a bucket.
#[derive(Debug)]
pub struct Bucket {
    client: Client,
    place: Arc<Place>,
    /// Whether the server takes conditional writes, as far as is known.
    conditions: AtomicBool,
}

/// An object as it was asked for.
enum Fetched {
    Whole(Vec<u8>),
    Longer(u64),
    Missing,
}

/// Opens `s3://bucket/prefix?...`. Making a store takes a bucket that is there.
pub(super) fn open(address: &Address, create: bool) -> Result<Box<dyn Store>> {
    let bucket = Bucket::new(address)?;
    bucket.check(create)?;
    Ok(Box::new(bucket))
}

impl Bucket {
    fn new(address: &Address) -> Result<Self> {
        let place = Place::parse(address)?;
        let client = client::connect(&place, None)?;
        Ok(Self { client, place: Arc::new(place), conditions: AtomicBool::new(true) })
    }

    /// Whether there is a store, or a place for one.
    fn check(&self, create: bool) -> Result<()> {
        match client::wait(self.fetch(&ObjectName::hint(), HINT_LIMIT))? {
            Ok(Fetched::Missing) if !create => Err(super::not_a_store(&self.place)),
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.explain(&self.place, Action::Get, "")),
        }
    }

    /// One request that writes the object.
    async fn send(&self, object: &Sealed) -> std::result::Result<(), Failure> {
        let bytes = object.bytes();
        let config = Builder::new().timeout_config(client::timeouts(&self.place, bytes.len() as u64));
        let condition = self.conditions.load(Ordering::Relaxed).then(|| "*".to_owned());
        let request = self.client.put_object().bucket(&self.place.bucket).key(self.place.key(object.name().path()));
        let request = request.set_if_none_match(condition).body(ByteStream::from(bytes.to_vec()));
        request.customize().config_override(config).send().await.map(drop).map_err(Failure::from)
    }

    /// Writes an object that was not there a moment ago.
    async fn write(&self, object: &Sealed) -> Result<()> {
        let mut last = None;
        for round in 0..ROUNDS {
            let Err(failure) = self.send(object).await else { return Ok(()) };
            match failure.class() {
                Class::NoCondition if self.conditions.swap(false, Ordering::Relaxed) => {}
                // Perhaps it was this very write, whose answer was lost; perhaps another's.
                Class::Exists | Class::Conflict | Class::Unclear => match self.compare(object).await {
                    Ok(true) => return Ok(()),
                    Ok(false) if failure.class() != Class::Unclear => tokio::time::sleep(pause(round)).await,
                    Err(error) if failure.class() != Class::Unclear => return Err(error),
                    _ => return Err(self.failed(&failure, object)),
                },
                Class::Missing | Class::Refused | Class::NoCondition => return Err(self.failed(&failure, object)),
            }
            last = Some(failure);
        }
        Err(last.map_or_else(|| Error::internal("nothing was written"), |failure| self.failed(&failure, object)))
    }

    fn failed(&self, failure: &Failure, object: &Sealed) -> Error {
        failure.explain(&self.place, Action::Put, object.name().path())
    }

    /// Whether the object is there with the same content. Another content is an error.
    async fn compare(&self, object: &Sealed) -> Result<bool> {
        match self.fetch(object.name(), object.bytes().len() as u64).await {
            Ok(Fetched::Whole(present)) if present == object.bytes() => Ok(true),
            Ok(Fetched::Missing) => Ok(false),
            Ok(_) => Err(super::other_content(object.name())),
            Err(failure) => Err(failure.explain(&self.place, Action::Get, object.name().path())),
        }
    }

    /// Fetches at most `limit` bytes. A body that breaks off is asked for again; the SDK only repeats what has no answer.
    async fn fetch(&self, name: &ObjectName, limit: u64) -> std::result::Result<Fetched, Failure> {
        let mut broken = Failure::cut();
        for round in 0..self.place.attempts {
            let config = Builder::new().timeout_config(client::timeouts(&self.place, 0));
            let request = self.client.get_object().bucket(&self.place.bucket).key(self.place.key(name.path()));
            let answer = match request.customize().config_override(config).send().await.map_err(Failure::from) {
                Ok(answer) => answer,
                Err(failure) if failure.class() == Class::Missing => return Ok(Fetched::Missing),
                Err(failure) => return Err(failure),
            };
            let declared = declared(&answer);
            if declared.is_some_and(|length| length > limit) {
                return Ok(Fetched::Longer(declared.unwrap_or_default()));
            }
            let (_, longest) = self.place.timeouts(declared.unwrap_or(limit));
            match tokio::time::timeout(longest, read(answer, declared, limit)).await {
                Ok(Some(fetched)) => return Ok(fetched),
                Ok(None) => broken = Failure::cut(),
                Err(_) => broken = Failure::late(),
            }
            tokio::time::sleep(pause(round)).await;
        }
        Err(broken)
    }
}

fn declared(answer: &GetObjectOutput) -> Option<u64> {
    answer.content_length().and_then(|length| u64::try_from(length).ok())
}

/// Reads a body, or nothing where it breaks off.
async fn read(answer: GetObjectOutput, declared: Option<u64>, limit: u64) -> Option<Fetched> {
    let mut body = answer.body;
    // What is declared is known to be within the limit, but not to be true: the buffer grows with what comes.
    let mut bytes = Vec::with_capacity(usize::try_from(declared.unwrap_or(0).min(16 << 20)).unwrap_or(0));
    while let Some(part) = body.try_next().await.ok()? {
        let length = (bytes.len() + part.len()) as u64;
        if length > limit {
            return Some(Fetched::Longer(length));
        }
        bytes.extend_from_slice(&part);
    }
    declared.is_none_or(|length| length == bytes.len() as u64).then_some(Fetched::Whole(bytes))
}

/// 100, 200, 400 ms and so on, each shortened by up to a half at random.
fn pause(round: u32) -> Duration {
    let full = 100_u64 << round.min(6);
    let mut random = [0];
    // Without randomness the pause is only a whole one.
    let share = if getrandom::fill(&mut random).is_ok() { u64::from(random[0]) } else { 0 };
    Duration::from_millis(full - full / 2 * share / 256)
}

impl Store for Bucket {
    fn put(&self, object: &Sealed) -> Result<()> {
        if self.head(object.name())?.is_none() {
            return client::wait(self.write(object))?;
        }
        if client::wait(self.compare(object))?? {
            return Ok(());
        }
        Err(Error::store(format!("object {} came and went while it was written", object.name())))
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        match client::wait(self.fetch(name, limit))? {
            Ok(Fetched::Whole(bytes)) => Ok(Sealed::vouch(name.clone(), bytes)),
            Ok(Fetched::Longer(length)) => Err(super::longer(name, length, limit)),
            Ok(Fetched::Missing) => Err(super::missing(name)),
            Err(failure) => Err(failure.explain(&self.place, Action::Get, name.path())),
        }
    }

    fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        let request = self.client.head_object().bucket(&self.place.bucket).key(self.place.key(name.path()));
        match client::wait(request.send())?.map_err(Failure::from) {
            // A length that is not told is none that anybody expects.
            Ok(answer) => Ok(Some(answer.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0))),
            Err(failure) if failure.class() == Class::Missing => Ok(None),
            Err(failure) => Err(failure.explain(&self.place, Action::Head, name.path())),
        }
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Listed>> {
        let what = kind.folder().unwrap_or_default();
        client::wait(listing::list(&self.client, &self.place, kind))?.map_err(|broken| match broken {
            Broken::Failed(failure) => failure.explain(&self.place, Action::List, what),
            Broken::Endless => Error::store(format!("cannot list {}: {what}: the listing does not end", self.place))
                .hint("The server says that there is more but not what comes next; tell whoever runs it."),
        })
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        let request = self.client.delete_object().bucket(&self.place.bucket).key(self.place.key(name.path()));
        match client::wait(request.send())?.map_err(Failure::from) {
            Ok(_) => Ok(()),
            Err(failure) if failure.class() == Class::Missing => Ok(()),
            Err(failure) => Err(failure.explain(&self.place, Action::Delete, name.path())),
        }
    }
}

#[cfg(test)]
mod proxy_testing;
#[cfg(test)]
mod server_testing;

#[cfg(test)]
mod tests;
