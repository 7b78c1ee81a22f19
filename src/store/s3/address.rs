//! Where a bucket is and how to talk to its server: `s3://bucket/prefix?endpoint=…`. Never who asks: credentials come from the
//! standard chain, so that no address is a secret.

use crate::error::{Error, Result};
use crate::secret::Address;
use std::fmt;
use std::time::Duration;

/// When the SDK adds and verifies checksums of its own, beside ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checksums {
    /// Only where the protocol asks for one.
    WhenRequired,
    /// Wherever the protocol allows one. Many servers that are compatible with S3 refuse that.
    WhenSupported,
}

/// A place in a bucket, and the manner of asking its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The bucket's name.
    pub(super) bucket: String,
    /// What all keys begin with: empty, or ended by `/`.
    pub(super) prefix: String,
    /// The server, where it is not that of AWS.
    pub(super) endpoint: Option<String>,
    /// The region; else that of the standard chain.
    pub(super) region: Option<String>,
    /// Whether the bucket is a part of the path instead of the host's name.
    pub(super) path_style: Option<bool>,
    /// Checksums of the SDK.
    pub(super) checksums: Option<Checksums>,
    /// How often a request is tried.
    pub(super) attempts: u32,
    /// How long one attempt may take, beside the time for its bytes.
    pub(super) attempt_timeout: Duration,
    /// How long all attempts of a request may take, beside the time for its bytes.
    pub(super) operation_timeout: Duration,
}

type Setter = fn(&mut Place, &str) -> Option<()>;

/// What may stand behind the `?`: the name, what it takes, and who takes it.
const PARAMETERS: [(&str, &str, Setter); 7] = [
    ("endpoint", "http://HOST:PORT or https://HOST", |place, value| {
        place.endpoint = Some(value.trim_end_matches('/').to_owned()).filter(|value| is_endpoint(value));
        place.endpoint.as_ref().map(|_| ())
    }),
    ("region", "such as eu-central-1, auto or garage", |place, value| {
        place.region = Some(value.to_owned()).filter(|value| is_word(value, 64));
        place.region.as_ref().map(|_| ())
    }),
    ("path_style", "true or false", |place, value| {
        place.path_style = Some(value.parse().ok()?);
        Some(())
    }),
    ("checksums", "when_required or when_supported", |place, value| {
        place.checksums = Some(match value {
            "when_required" => Checksums::WhenRequired,
            "when_supported" => Checksums::WhenSupported,
            _ => return None,
        });
        Some(())
    }),
    ("attempts", "1 to 20", |place, value| {
        place.attempts = value.parse().ok().filter(|attempts| (1..=20).contains(attempts))?;
        Some(())
    }),
    ("attempt_timeout", "seconds, 1 to 3600", |place, value| {
        place.attempt_timeout = seconds(value)?;
        Some(())
    }),
    ("operation_timeout", "seconds, 1 to 3600", |place, value| {
        place.operation_timeout = seconds(value)?;
        Some(())
    }),
];

/// The slowest connection that is waited for, in bytes a second: a large object gets so much more time.
const SLOWEST: u64 = 64 << 10;

impl Place {
    /// Reads an address.
    ///
    /// # Errors
    /// Kind `Usage` when it is malformed, has a parameter that there is not, or credentials.
    pub(super) fn parse(address: &Address) -> Result<Self> {
        let text = address.expose();
        let rest = text.split_once("://").map_or("", |(_, rest)| rest);
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.contains('@') {
            return Err(Error::usage("the store's address holds credentials").hint(
                "Take them out, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE: see docs/s3.md.",
            ));
        }
        let prefix = prefix.trim_end_matches('/');
        if !is_word(bucket, 255) || !is_prefix(prefix) {
            return Err(Error::usage(format!("{address} names no place in a bucket"))
                .hint("For example: s3://bucket/prefix?endpoint=https://s3.example.org&region=eu-central-1"));
        }
        let mut place = Self {
            bucket: bucket.to_owned(),
            prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") },
            endpoint: None,
            region: None,
            path_style: None,
            checksums: None,
            attempts: 5,
            attempt_timeout: Duration::from_mins(1),
            operation_timeout: Duration::from_mins(5),
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            place.set(pair)?;
        }
        Ok(place)
    }

    fn set(&mut self, pair: &str) -> Result<()> {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some((_, takes, set)) = PARAMETERS.iter().find(|(known, ..)| *known == name) else {
            let name: String =
                name.chars().filter(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).take(40).collect();
            let known: Vec<&str> = PARAMETERS.iter().map(|(name, ..)| *name).collect();
            return Err(Error::usage(format!("the store's address has a parameter '{name}' that there is not"))
                .hint(format!("There are: {}. Credentials are never a part of it.", known.join(", "))));
        };
        let set = decoded(value).and_then(|value| set(self, &value));
        set.ok_or_else(|| Error::usage(format!("{name} in the store's address is not {takes}")).hint("See docs/s3.md."))
    }

    /// The key of an object.
    pub(super) fn key(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// The path of an object below the prefix.
    pub(super) fn path<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(&self.prefix)
    }

    /// Whether the server is one of AWS's.
    pub(super) fn is_aws(&self) -> bool {
        self.endpoint.as_deref().is_none_or(|endpoint| {
            let host = endpoint.split("://").nth(1).unwrap_or_default();
            let host = host.split(['/', ':']).next().unwrap_or_default();
            host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")
        })
    }

    /// Whether the bucket goes into the path: as said, else for every server but those of AWS, which mostly have no name and no
    /// certificate per bucket.
    pub(super) fn uses_path(&self) -> bool {
        self.path_style.unwrap_or(!self.is_aws())
    }

    /// The SDK's checksums: as said, else only where AWS is asked.
    pub(super) fn checksums(&self) -> Checksums {
        self.checksums.unwrap_or(if self.is_aws() { Checksums::WhenSupported } else { Checksums::WhenRequired })
    }

    /// The time for an attempt and for all attempts that move `bytes`.
    pub(super) fn timeouts(&self, bytes: u64) -> (Duration, Duration) {
        let moving = Duration::from_secs(bytes / SLOWEST);
        (self.attempt_timeout + moving, self.operation_timeout + moving)
    }
}

/// Without parameters, for messages.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix.trim_end_matches('/')) }
    }
}

fn is_word(text: &str, longest: usize) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && text.len() <= longest && text.chars().all(plain)
}

fn is_prefix(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.chars().any(char::is_control);
    text.is_empty() || (text.len() <= 800 && text.split('/').all(part))
}

fn is_endpoint(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    !rest.is_empty() && rest.chars().all(|c| c.is_ascii_graphic() && !"@?#\\\"<>".contains(c))
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().filter(|seconds| (1..=3600).contains(seconds)).map(Duration::from_secs)
}

/// Resolves `%2F` and its like.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn parse(text: &str) -> Result<Place> {
        Place::parse(&Address::new(text))
    }

    #[test]
    fn everything_that_can_be_said_is_understood() {
        let place = parse(
            "s3://fixtures/team/erp/?endpoint=http%3A%2F%2F127.0.0.1:3900&region=garage&path_style=false\
             &checksums=when_supported&attempts=3&attempt_timeout=7&operation_timeout=20",
        )
        .unwrap();
        assert_eq!((place.bucket.as_str(), place.prefix.as_str()), ("fixtures", "team/erp/"));
        assert_eq!(place.endpoint.as_deref(), Some("http://127.0.0.1:3900"));
        assert_eq!((place.region.as_deref(), place.uses_path()), (Some("garage"), false));
        assert_eq!((place.checksums(), place.attempts), (Checksums::WhenSupported, 3));
        assert_eq!(place.timeouts(64 << 10), (Duration::from_secs(8), Duration::from_secs(21)));
        assert_eq!(place.key("repo.json"), "team/erp/repo.json");
        assert_eq!(place.path("team/erp/packs/x"), Some("packs/x"));
        assert_eq!(place.path("team/other/packs/x"), None);
        assert_eq!(place.to_string(), "s3://fixtures/team/erp");
    }

    #[test]
    fn what_is_not_said_depends_on_whose_server_it_is() {
        for (address, path, checksums) in [
            ("s3://b", false, Checksums::WhenSupported),
            ("s3://b?endpoint=https://s3.eu-west-1.amazonaws.com", false, Checksums::WhenSupported),
            ("s3://b?endpoint=https://evil.example/.amazonaws.com", true, Checksums::WhenRequired),
            ("s3://b?endpoint=http://127.0.0.1:9000", true, Checksums::WhenRequired),
        ] {
            let place = parse(address).unwrap();
            assert_eq!((place.uses_path(), place.checksums()), (path, checksums), "{address}");
        }
    }

    #[test]
    fn anything_else_is_refused_and_no_secret_is_repeated() {
        for address in [
            "s3://",
            "s3:///prefix",
            "s3:bucket",
            "s3://AKIA:hunter2@bucket/prefix",
            "s3://hunter2@bucket",
            "s3://bucket/../other",
            "s3://bucket/a//b",
            "s3://bucket/a\nb",
            "s3://buck et",
            "s3://bucket?secret_access_key=hunter2",
            "s3://bucket?access_key_id=hunter2",
            "s3://bucket?endpoint=https://me:hunter2@host",
            "s3://bucket?endpoint=https%3A%2F%2Fme%3Ahunter2%40host",
            "s3://bucket?endpoint=localhost:9000",
            "s3://bucket?endpoint=https://host?x=hunter2",
            "s3://bucket?region=",
            "s3://bucket?region=%0A",
            "s3://bucket?region=%zz",
            "s3://bucket?path_style=yes",
            "s3://bucket?checksums=never",
            "s3://bucket?attempts=0",
            "s3://bucket?attempts=21",
            "s3://bucket?attempt_timeout=0",
            "s3://bucket?operation_timeout=1e9",
            "s3://bucket?Region=x",
            "s3://bucket?region",
        ] {
            let error = parse(address).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage, "{address}");
            assert!(error.hint_text().is_some(), "{address}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let error = parse("s3://bucket?timeout=3").unwrap_err();
        for (name, ..) in PARAMETERS {
            assert!(error.hint_text().unwrap().contains(name), "{name}");
        }
    }

    /// The document has every parameter, and every address in it can be used.
    #[test]
    fn the_document_tells_all_and_its_addresses_parse() {
        let text = include_str!("../../../docs/s3.md");
        for (name, ..) in PARAMETERS {
            assert!(text.contains(&format!("| `{name}` |")), "docs/s3.md does not tell of {name}");
        }
        let addresses: Vec<&str> = text
            .split(['"', '`', ' ', '\n', '\''])
            .filter(|word| word.starts_with("s3://") && !word.contains('…'))
            .collect();
        assert!(addresses.len() >= 8, "only {} addresses", addresses.len());
        for address in addresses {
            parse(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        }
    }
}
