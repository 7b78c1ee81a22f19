//! What went wrong with a request, where, and what to type next. Nothing that a server wrote is repeated but its error code and
//! the request's id: texts of servers hold key ids and what was signed.

use super::address::Place;
use crate::error::Error;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use std::error::Error as StdError;

/// What was asked of the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Writing an object.
    Put,
    /// Reading an object.
    Get,
    /// Asking for an object's length.
    Head,
    /// Listing objects.
    List,
    /// Removing an object.
    Delete,
}

impl Action {
    /// Behind "cannot".
    fn words(self) -> &'static str {
        match self {
            Self::Put => "write to",
            Self::Get => "read from",
            Self::Head => "look into",
            Self::List => "list",
            Self::Delete => "remove from",
        }
    }

    /// The permissions that AWS and its like want for it. Without the one to list, a missing object looks forbidden.
    fn permissions(self) -> &'static str {
        match self {
            Self::Put => "s3:PutObject",
            Self::Get | Self::Head => "s3:GetObject, and s3:ListBucket on the bucket",
            Self::List => "s3:ListBucket on the bucket",
            Self::Delete => "s3:DeleteObject (only 'rm', 'prune', 'gc' and 'keys remove' need it)",
        }
    }
}

/// How a failed request is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// There is no such object.
    Missing,
    /// An object of that name is there (412).
    Exists,
    /// Somebody writes the same object just now (409).
    Conflict,
    /// The server does not know the condition (501, and what some say in its place).
    NoCondition,
    /// It may have been done or not: no answer, half an answer, a server's failure.
    Unclear,
    /// It was refused.
    Refused,
}

/// A request's failure without its operation's type.
#[derive(Debug)]
pub(super) struct Failure {
    status: Option<u16>,
    code: String,
    request: String,
    region: Option<String>,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// The server said so.
    Answered,
    TimedOut,
    NotConnected(Network),
    NoCredentials,
    /// The request could not be made.
    NotMade,
    /// The answer cannot be understood.
    Garbled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    Name,
    Certificate,
    Refused,
    Other,
}

impl<E: ProvideErrorMetadata + StdError + 'static> From<SdkError<E, HttpResponse>> for Failure {
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let header = |name: &str| {
            let value = error.raw_response().and_then(|response| response.headers().get(name));
            value.map(plain).filter(|value| !value.is_empty())
        };
        Self {
            status: error.raw_response().map(|response| response.status().as_u16()),
            code: error.code().map(plain).unwrap_or_default(),
            request: header("x-amz-request-id").unwrap_or_default(),
            region: header("x-amz-bucket-region"),
            how: how(&error),
        }
    }
}

impl Failure {
    /// A body that ended early or stood still.
    pub(super) fn cut() -> Self {
        let (code, request) = (String::new(), String::new());
        Self { status: None, code, request, region: None, how: How::NotConnected(Network::Other) }
    }

    /// A body that took too long.
    pub(super) fn late() -> Self {
        Self { how: How::TimedOut, ..Self::cut() }
    }

    /// How to take it.
    pub(super) fn class(&self) -> Class {
        match (self.status, self.code.as_str()) {
            (_, "NoSuchBucket") => Class::Refused,
            (Some(404), _) => Class::Missing,
            (Some(412), _) => Class::Exists,
            (Some(409), _) => Class::Conflict,
            (Some(501), _) | (_, "NotImplemented") => Class::NoCondition,
            (Some(status), _) if (300..500).contains(&status) && status != 408 && status != 429 => Class::Refused,
            _ if matches!(self.how, How::NoCredentials | How::NotMade) => Class::Refused,
            _ => Class::Unclear,
        }
    }

    /// Whether a server was there to answer.
    pub(super) fn is_answered(&self) -> bool {
        self.status.is_some()
    }

    /// Whether there are no credentials, or the server does not accept them.
    pub(super) fn is_about_credentials(&self) -> bool {
        let codes = CODES[..4].iter().flat_map(|(codes, ..)| codes.iter());
        self.how == How::NoCredentials || codes.into_iter().any(|code| *code == self.code)
    }

    /// Whether it is only this request that may not be made.
    pub(super) fn is_denied(&self) -> bool {
        matches!(self.status, Some(401 | 403)) && !self.is_about_credentials()
    }

    /// The error's code, as the server gave it.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// The error of an action on `what`.
    pub(super) fn explain(&self, place: &Place, action: Action, what: &str) -> Error {
        let (told, hint) = self.told(place, action);
        let what = if what.is_empty() { String::new() } else { format!("{what}: ") };
        Error::store(format!("cannot {} {place}: {what}{told}{}", action.words(), self.evidence())).hint(hint)
    }

    /// What the server's people ask for.
    fn evidence(&self) -> String {
        let mut facts: Vec<String> = Vec::new();
        facts.extend(self.status.map(|status| status.to_string()));
        facts.extend(Some(self.code.clone()).filter(|code| !code.is_empty()));
        facts.extend(Some(&self.request).filter(|request| !request.is_empty()).map(|id| format!("request {id}")));
        if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) }
    }

    fn told(&self, place: &Place, action: Action) -> (String, String) {
        let bucket = &place.bucket;
        let server = place.endpoint.clone().unwrap_or_else(|| "AWS".to_owned());
        let known = CODES.iter().find(|(codes, ..)| codes.contains(&self.code.as_str()));
        match (self.how, self.status) {
            (How::NoCredentials, _) => ("there are no credentials".into(), CREDENTIALS.into()),
            (How::TimedOut, _) => (
                format!("no answer from {server} in time"),
                "Check the endpoint and the network, or give it longer: attempt_timeout and operation_timeout in the address (docs/s3.md).".into(),
            ),
            (How::NotConnected(network), _) => told_of_network(network, &server),
            (How::NotMade, _) => ("the request cannot be made".into(), "Check bucket and endpoint in the address: see docs/s3.md.".into()),
            (_, Some(301 | 307)) => self.elsewhere(place),
            _ if WRONG_REGION.contains(&self.code.as_str()) => self.elsewhere(place),
            _ if self.code == "NoSuchBucket" => (
                format!("there is no bucket '{bucket}'"),
                format!("Make it at {server}, or name another in the address. On other servers than AWS the endpoint must be said too."),
            ),
            _ if known.is_some() => {
                let (what, hint) = known.map_or(("", ""), |(_, what, hint)| (*what, *hint));
                (what.into(), hint.into())
            }
            (_, Some(401 | 403)) => (
                "access is denied".into(),
                format!("It needs the permission {}; ask whoever keeps the bucket. 'terp-fixtures doctor' shows what these credentials may do.", action.permissions()),
            ),
            (_, Some(404)) => ("it is not there".into(), "'terp-fixtures doctor' looks into the bucket.".into()),
            (_, Some(409 | 412)) => (
                "somebody else writes the same object".into(),
                "Run the command again.".into(),
            ),
            (_, Some(429 | 503)) => (format!("{server} asks for fewer requests"), "Wait a little and run the command again.".into()),
            (_, Some(500..)) => (format!("{server} failed"), "Run the command again; if it stays, tell whoever runs the server.".into()),
            (_, Some(_)) => (format!("{server} refuses the request"), "'terp-fixtures doctor' tries every kind of request; docs/s3.md has the settings of many servers.".into()),
            (_, None) => (format!("the answer of {server} cannot be understood"), "Check that the endpoint is an S3 server: see docs/s3.md.".into()),
        }
    }

    fn elsewhere(&self, place: &Place) -> (String, String) {
        let hint = match &self.region {
            Some(region) => format!("Add region={region} to the address, or set AWS_REGION={region}."),
            None => "Add region=… to the address. An endpoint must be the one of that region; some servers want region=auto, us-east-1 or garage (docs/s3.md).".into(),
        };
        (format!("the bucket '{}' is in another region", place.bucket), hint)
    }
}

const CREDENTIALS: &str = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE (after 'aws sso login', where it signs in): see docs/s3.md.";

const WRONG_REGION: [&str; 3] =
    ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"];

/// Codes whose reason is known: the codes, what is wrong, what to do.
const CODES: [(&[&str], &str, &str); 6] = [
    (
        &["InvalidAccessKeyId", "InvalidAccessKey", "NotSignedUp"],
        "the access key is not known there",
        "Check AWS_ACCESS_KEY_ID or the profile; keys of one server mean nothing to another, so check the endpoint too.",
    ),
    (
        &["SignatureDoesNotMatch"],
        "the secret key does not fit the access key",
        "Check AWS_SECRET_ACCESS_KEY for missing or added characters. A proxy that rewrites host names or paths breaks signatures too.",
    ),
    (
        &["RequestTimeTooSkewed", "RequestExpired"],
        "this machine's clock is wrong",
        "Set the clock (timedatectl set-ntp true) and run the command again.",
    ),
    (
        &["ExpiredToken", "TokenRefreshRequired", "InvalidToken"],
        "the credentials have expired",
        "Get new ones: 'aws sso login', or whatever gave you AWS_SESSION_TOKEN.",
    ),
    (
        &["XAmzContentSHA256Mismatch", "BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "InvalidTrailer"],
        "a checksum is not as the server wants it",
        "Add checksums=when_required to the address; if it is there already, the network changes what is sent.",
    ),
    (
        &["SlowDown", "RequestLimitExceeded", "TooManyRequests"],
        "the server asks for fewer requests",
        "Wait a little and run the command again.",
    ),
];

fn told_of_network(network: Network, server: &str) -> (String, String) {
    let (what, hint) = match network {
        Network::Name => ("no such host", "Check the host in the endpoint, and the network's name server."),
        Network::Certificate => (
            "its certificate is not trusted",
            "Install your authority's certificate on this machine, or name it in SSL_CERT_FILE; check that the endpoint's port speaks TLS.",
        ),
        Network::Refused => ("nobody listens there", "Check host and port in the endpoint, and that the server runs."),
        Network::Other => {
            ("the connection was cut", "Check the network and run the command again; nothing is half written.")
        }
    };
    (format!("{server} cannot be reached: {what}"), hint.into())
}

/// The texts of an error and its causes are only looked at, never shown.
fn how<E: ProvideErrorMetadata + StdError + 'static>(error: &SdkError<E, HttpResponse>) -> How {
    let mut texts = Vec::new();
    let mut next: Option<&dyn StdError> = Some(error);
    let mut refused = false;
    while let Some(cause) = next {
        texts.push(cause.to_string().to_ascii_lowercase());
        let io = cause.downcast_ref::<std::io::Error>();
        refused |= io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused);
        next = cause.source();
    }
    let says = |words: &[&str]| texts.iter().any(|text| words.iter().any(|word| text.contains(word)));
    match error {
        SdkError::ServiceError(_) => How::Answered,
        SdkError::TimeoutError(_) => How::TimedOut,
        SdkError::ResponseError(_) => How::Garbled,
        _ if says(&["credential"]) => How::NoCredentials,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => How::TimedOut,
        SdkError::DispatchFailure(_) if says(&["dns error", "lookup address"]) => How::NotConnected(Network::Name),
        SdkError::DispatchFailure(_) if says(&["certificate", "tls", "handshake", "corrupt message"]) => {
            How::NotConnected(Network::Certificate)
        }
        SdkError::DispatchFailure(_) if refused => How::NotConnected(Network::Refused),
        SdkError::DispatchFailure(failure) if failure.is_user() => How::NotMade,
        SdkError::DispatchFailure(_) => How::NotConnected(Network::Other),
        _ => How::NotMade,
    }
}

/// A server's word, if it is one.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.+=/".contains(*c)).take(80).collect()
}
