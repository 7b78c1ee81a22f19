//! Listings of a bucket: every page, or an error; large ones in parallel.

use super::address::Place;
use super::failure::Failure;
use crate::model::proof::{ObjectKind, ObjectName};
use crate::store::Listed;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// Why a listing failed.
pub(super) enum Broken {
    /// A request did.
    Failed(Failure),
    /// The server says that there is more, and not how to get it.
    Endless,
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// All objects of a kind, ordered by name. Keys of another shape are not ours.
///
/// A page has a thousand keys, and the next can only be asked for when it is there. Packs, of which there may be many, are
/// therefore listed by the first digit of their names, sixteen listings at once, when the first page was not all.
pub(super) async fn list(client: &Client, place: &Arc<Place>, kind: ObjectKind) -> Result<Vec<Listed>, Broken> {
    let prefix = kind.folder().map_or_else(|| ObjectName::hint().path().to_owned(), |folder| format!("{folder}/"));
    let first = page(client, place, &prefix, None).await?;
    let mut found = if first.next.is_none() || kind != ObjectKind::Pack {
        rest(client, place, &prefix, kind, first).await?
    } else {
        let mut parts = JoinSet::new();
        for digit in 0..16 {
            let (client, place, prefix) = (client.clone(), Arc::clone(place), format!("{prefix}{digit:x}"));
            parts.spawn(async move {
                let first = page(&client, &place, &prefix, None).await?;
                rest(&client, &place, &prefix, kind, first).await
            });
        }
        let mut found = Vec::new();
        while let Some(part) = parts.join_next().await {
            // A task that stopped unexpectedly leaves its part out, and half a listing is none.
            found.extend(part.map_err(|_| Broken::Endless)??);
        }
        found
    };
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found.dedup_by(|one, other| one.name == other.name);
    Ok(found)
}

/// A page as it came.
struct Page {
    listed: Vec<(String, u64, Option<DateTime>)>,
    now: Option<DateTime>,
    next: Option<String>,
}

/// The first page and all that follow.
async fn rest(
    client: &Client,
    place: &Place,
    prefix: &str,
    kind: ObjectKind,
    first: Page,
) -> Result<Vec<Listed>, Broken> {
    let mut found = Vec::new();
    let mut current = first;
    loop {
        let now = current.now;
        found.extend(current.listed.into_iter().filter_map(|(key, length, written)| {
            let name = place.path(&key).and_then(ObjectName::parse).filter(|name| name.kind() == kind)?;
            Some(Listed { name, length, age: age(now, written) })
        }));
        let Some(next) = current.next else { return Ok(found) };
        current = page(client, place, prefix, Some(&next)).await?;
        if current.next.as_ref() == Some(&next) {
            return Err(Broken::Endless);
        }
    }
}

async fn page(client: &Client, place: &Place, prefix: &str, after: Option<&str>) -> Result<Page, Broken> {
    let date = Date::default();
    let request = client.list_objects_v2().bucket(&place.bucket).prefix(place.key(prefix));
    let request = request.set_continuation_token(after.map(str::to_owned));
    let answer = request.customize().interceptor(date.clone()).send().await.map_err(Failure::from)?;
    let next = next(&answer)?;
    let listed = answer.contents.unwrap_or_default().into_iter().filter_map(|object| {
        let length = object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
        Some((object.key?, length, object.last_modified))
    });
    Ok(Page { listed: listed.collect(), now: date.get(), next })
}

fn next(answer: &ListObjectsV2Output) -> Result<Option<String>, Broken> {
    match (answer.is_truncated.unwrap_or(false), &answer.next_continuation_token) {
        (false, _) => Ok(None),
        (true, Some(token)) if !token.is_empty() => Ok(Some(token.clone())),
        (true, _) => Err(Broken::Endless),
    }
}

/// How long ago an object was written, at least: both times are cut to whole seconds, so a second is taken off. Zero where
/// either is unknown or they contradict each other.
fn age(now: Option<DateTime>, written: Option<DateTime>) -> Duration {
    let (Some(now), Some(written)) = (now, written) else { return Duration::ZERO };
    let seconds = now.secs().saturating_sub(written.secs()).saturating_sub(1);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// The server's time, out of the header of its answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Date(Arc<Mutex<Option<DateTime>>>);

impl Date {
    /// What the answer said.
    pub(super) fn get(&self) -> Option<DateTime> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Date {
    fn name(&self) -> &'static str {
        "Date"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_never_more_than_the_truth_and_never_negative() {
        let at = |seconds| Some(DateTime::from_secs(seconds));
        assert_eq!(age(at(100), at(40)), Duration::from_secs(59));
        for (now, written) in [(at(100), at(100)), (at(100), at(99)), (at(40), at(100)), (None, at(1)), (at(1), None)] {
            assert_eq!(age(now, written), Duration::ZERO);
        }
        assert_eq!(age(at(i64::MIN), at(i64::MAX)), Duration::ZERO);
    }
}
