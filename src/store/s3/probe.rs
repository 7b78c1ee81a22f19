//! `doctor` on a bucket: every kind of request that a store makes, on objects of its own that it removes again.

use super::address::Place;
use super::failure::{Action, Class, Failure};
use super::listing::Date;
use super::{Bucket, Fetched, HINT_LIMIT, client};
use crate::error::{Error, Result};
use crate::model::proof::ObjectName;
use crate::secret::Address;
use crate::store::probe::{self, Probe, Purpose};
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::BucketVersioningStatus;
use std::time::{Instant, SystemTime};

/// As long as a pack mostly is: some proxies take no body of that length.
const LARGE: usize = 8 << 20;

/// A server refuses signatures that are older.
const SKEW: i64 = 5 * 60;

const CONTENT: &[u8] = b"0123456789";
const OTHER: &[u8] = b"abcdefghijklmnop";

/// Tries what `purpose` needs.
///
/// # Errors
/// Kind `Usage` when the address is malformed; what the bucket cannot do is in the answer.
pub(crate) fn probe(address: &Address, purpose: Purpose) -> Result<Probe> {
    of(&Bucket::new(address)?, purpose)
}

/// Tries what `purpose` needs of a bucket.
pub(super) fn of(bucket: &Bucket, purpose: Purpose) -> Result<Probe> {
    let prober = Prober { place: &bucket.place, key: bucket.place.key(&probe::name()?), bucket };
    client::wait(prober.run(purpose))
}

struct Prober<'a> {
    bucket: &'a Bucket,
    place: &'a Place,
    key: String,
}

type Outcome<T> = std::result::Result<T, Failure>;

impl Prober<'_> {
    async fn run(&self, purpose: Purpose) -> Probe {
        let mut probe = Probe::default();
        if !self.reach(&mut probe).await {
            return probe;
        }
        self.is_store(&mut probe).await;
        if purpose == Purpose::Restore {
            return probe;
        }
        if self.write(&mut probe).await {
            self.read(&mut probe).await;
            self.range(&mut probe).await;
            self.head(&mut probe).await;
            self.list(&mut probe).await;
            self.condition(&mut probe).await;
            self.overwrite(&mut probe).await;
            self.large(&mut probe).await;
            self.remove(&mut probe, purpose).await;
            self.versions(&mut probe).await;
        }
        probe
    }

    /// The first request tells whether there is a server, whether it knows the credentials, and whether there is a bucket.
    async fn reach(&self, probe: &mut Probe) -> bool {
        let date = Date::default();
        let request = self.bucket.client.list_objects_v2().bucket(&self.place.bucket).prefix(&self.place.prefix);
        let answer = request.max_keys(1).customize().interceptor(date.clone()).send().await.map_err(Failure::from);
        let server = self.place.endpoint.as_deref().unwrap_or("AWS");
        let Err(failure) = answer else {
            probe.works("reach", format!("{server} answers"));
            probe.works("credentials", "the server knows them");
            probe.works("bucket", format!("'{}' is there and may be listed", self.place.bucket));
            return self.clock(probe, date.get());
        };
        let error = failure.explain(self.place, Action::List, "");
        let (reach, known) = (failure.is_answered(), failure.is_about_credentials());
        if reach {
            probe.works("reach", format!("{server} answers"));
        }
        match (reach, known) {
            (_, true) => probe.fails("credentials", &error),
            (false, false) => probe.fails("reach", &error),
            (true, false) => {
                let may_go_on = failure.is_denied();
                probe.fails("bucket", &error);
                return may_go_on && self.clock(probe, date.get());
            }
        }
        false
    }

    #[expect(clippy::unused_self, reason = "a step like the others")]
    fn clock(&self, probe: &mut Probe, server: Option<DateTime>) -> bool {
        let ours = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
        let ours = ours.and_then(|time| i64::try_from(time.as_secs()).ok());
        let Some((server, ours)) = server.map(|time| time.secs()).zip(ours) else {
            probe.harmless("clock", "the server does not say its time; all objects count as new, so gc waits longer");
            return true;
        };
        let apart = (server - ours).abs();
        if apart > SKEW {
            let error = Error::store(format!("this machine and the server are {apart} s apart"));
            probe.fails("clock", &error.hint("Set the clock: timedatectl set-ntp true"));
        } else {
            probe.works("clock", format!("{apart} s apart; ages are counted by the server's clock"));
        }
        true
    }

    async fn is_store(&self, probe: &mut Probe) {
        match self.bucket.fetch(&ObjectName::hint(), HINT_LIMIT).await {
            Ok(Fetched::Whole(_) | Fetched::Longer(_)) => probe.works("store", "there is a store"),
            Ok(Fetched::Missing) => {
                probe.harmless("store", "there is no store yet; make one with: terp-fixtures keys init");
            }
            Err(failure) => probe.fails("store", &failure.explain(self.place, Action::Get, "repo.json")),
        }
    }

    /// Puts an object; with `condition`, only where none is.
    async fn put(&self, key: &str, bytes: &[u8], condition: bool) -> Outcome<()> {
        let config = Builder::new().timeout_config(client::timeouts(self.place, bytes.len() as u64));
        let request = self.bucket.client.put_object().bucket(&self.place.bucket).key(key);
        let request =
            request.set_if_none_match(condition.then(|| "*".to_owned())).body(ByteStream::from(bytes.to_vec()));
        request.customize().config_override(config).send().await.map(drop).map_err(Failure::from)
    }

    async fn fetch(&self, range: Option<&str>) -> Outcome<Vec<u8>> {
        let request = self.bucket.client.get_object().bucket(&self.place.bucket).key(&self.key);
        let answer = request.set_range(range.map(str::to_owned)).send().await.map_err(Failure::from)?;
        let body = answer.body.collect().await.map_err(|_| Failure::cut())?;
        Ok(body.into_bytes().to_vec())
    }

    async fn write(&self, probe: &mut Probe) -> bool {
        let mut outcome = self.put(&self.key, CONTENT, true).await;
        if outcome.as_ref().is_err_and(|failure| failure.class() == Class::NoCondition) {
            outcome = self.put(&self.key, CONTENT, false).await;
        }
        let outcome = outcome.map_err(|failure| failure.explain(self.place, Action::Put, ""));
        probe.must("write", outcome.map(|()| "an object was written".to_owned()))
    }

    async fn read(&self, probe: &mut Probe) {
        let outcome = match self.fetch(None).await {
            Ok(bytes) if bytes == CONTENT => Ok("it comes back as it was written".to_owned()),
            Ok(_) => Err(Error::store("what comes back is not what was written")
                .hint("A proxy or the server changes objects: no store can be there.")),
            Err(failure) => Err(failure.explain(self.place, Action::Get, "")),
        };
        probe.must("read", outcome);
    }

    async fn range(&self, probe: &mut Probe) {
        match self.fetch(Some("bytes=2-5")).await {
            Ok(bytes) if bytes == CONTENT[2..=5] => probe.works("range read", "a part of it can be read"),
            Ok(_) | Err(_) => {
                probe.harmless("range read", "it is not a part that comes; objects are read whole anyway");
            }
        }
    }

    async fn head(&self, probe: &mut Probe) {
        let request = self.bucket.client.head_object().bucket(&self.place.bucket).key(&self.key);
        let outcome = match request.send().await.map_err(Failure::from) {
            Ok(answer)
                if answer.content_length().and_then(|length| usize::try_from(length).ok()) == Some(CONTENT.len()) =>
            {
                Ok("its length is told".to_owned())
            }
            Ok(_) => Err(Error::store("the length that is told is wrong").hint("Tell whoever runs the server.")),
            Err(failure) => Err(failure.explain(self.place, Action::Head, "")),
        };
        probe.must("head", outcome);
    }

    async fn is_listed(&self) -> Outcome<bool> {
        let request = self.bucket.client.list_objects_v2().bucket(&self.place.bucket).prefix(&self.key);
        let answer = request.send().await.map_err(Failure::from)?;
        Ok(answer.contents().iter().any(|object| object.key() == Some(&self.key)))
    }

    async fn list(&self, probe: &mut Probe) {
        let outcome = match self.is_listed().await {
            Ok(true) => Ok("it is in a listing at once".to_owned()),
            Ok(false) => Err(Error::store("it is not in a listing made after it was written").hint(
                "A store needs listings that are complete at once; caches and replicas before the server must be left out.",
            )),
            Err(failure) => Err(failure.explain(self.place, Action::List, "")),
        };
        probe.must("list after write", outcome);
    }

    async fn condition(&self, probe: &mut Probe) {
        const NAME: &str = "conditional write";
        match self.put(&self.key, CONTENT, true).await {
            Err(failure) if matches!(failure.class(), Class::Exists | Class::Conflict) => {
                probe.works(NAME, "a second write of a name is refused (If-None-Match)");
            }
            Ok(()) => probe.harmless(
                NAME,
                "If-None-Match is ignored; nothing rests on it: a name is a digest or random, so the same name is the same content",
            ),
            Err(failure) => probe.harmless(
                NAME,
                format!("not known there ({}); nothing rests on it: a name is a digest or random", failure.code()),
            ),
        }
    }

    async fn overwrite(&self, probe: &mut Probe) {
        const NAME: &str = "overwrite";
        match (self.put(&self.key, OTHER, false).await, self.fetch(None).await) {
            (Ok(()), Ok(bytes)) if bytes == OTHER => probe.harmless(
                NAME,
                "these credentials may replace objects; versioning, Object Lock or a policy that requires If-None-Match prevents it (docs/s3.md)",
            ),
            (Err(failure), Ok(bytes)) if bytes == CONTENT && failure.class() == Class::Refused => {
                probe.works(NAME, "refused: what is written stays");
            }
            (_, Err(failure)) => probe.fails(NAME, &failure.explain(self.place, Action::Get, "")),
            (Err(failure), _) => probe.fails(NAME, &failure.explain(self.place, Action::Put, "")),
            (Ok(()), Ok(_)) => probe.fails(
                NAME,
                &Error::store("an object read after it was replaced is the older one")
                    .hint("A store needs reads that see the last write; caches before the server must be left out."),
            ),
        }
    }

    async fn large(&self, probe: &mut Probe) {
        let start = Instant::now();
        let key = format!("{}-large", self.key);
        let outcome = self.put(&key, &vec![7; LARGE], false).await;
        let millis = start.elapsed().as_millis().max(1);
        let removed = self.delete(&key).await;
        let outcome = match outcome {
            Ok(()) if removed.is_err() => Ok(format!("8 MiB took {millis} ms; the object {key} could not be removed again")),
            Ok(()) => Ok(format!("8 MiB took {millis} ms")),
            Err(failure) => Err(failure.explain(self.place, Action::Put, "an object of 8 MiB").hint(
                "Packs are up to 16 MiB. A proxy before the server may take less (nginx: client_max_body_size), or the line is slow: raise attempt_timeout in the address.",
            )),
        };
        probe.must("large write", outcome);
    }

    async fn delete(&self, key: &str) -> Outcome<()> {
        let request = self.bucket.client.delete_object().bucket(&self.place.bucket).key(key);
        request.send().await.map(drop).map_err(Failure::from)
    }

    async fn remove(&self, probe: &mut Probe, purpose: Purpose) {
        const NAME: &str = "delete";
        match self.delete(&self.key).await {
            Ok(()) => {
                let outcome = match self.is_listed().await {
                    Ok(false) => Ok("it is gone at once".to_owned()),
                    Ok(true) => {
                        Err(Error::store("a removed object is still listed").hint("Tell whoever runs the server."))
                    }
                    Err(failure) => Err(failure.explain(self.place, Action::List, "")),
                };
                probe.must(NAME, outcome);
            }
            Err(failure) if purpose == Purpose::Gc => {
                probe.fails(NAME, &failure.explain(self.place, Action::Delete, &self.key));
            }
            Err(_) => probe.harmless(
                NAME,
                format!("refused, which is good for a machine that captures; somebody else may remove {}", self.key),
            ),
        }
    }

    async fn versions(&self, probe: &mut Probe) {
        const NAME: &str = "versioning";
        let request = self.bucket.client.get_bucket_versioning().bucket(&self.place.bucket);
        match request.send().await {
            Ok(answer) if answer.status() == Some(&BucketVersioningStatus::Enabled) => probe.works(
                NAME,
                "on: what is removed or replaced can be put back, and takes room until a lifecycle rule ends it",
            ),
            Ok(_) => probe.harmless(NAME, "off: what somebody with these credentials removes is gone"),
            Err(_) => probe.harmless(NAME, "not known: these credentials may not ask, or the server has none"),
        }
    }
}
