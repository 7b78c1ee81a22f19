//! The SDK's client for one bucket, and the runtime that drives it: async stays in this folder.

use super::address::{Checksums, Place};
use crate::error::{Error, Result};
use aws_config::SdkConfig;
use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::{ProvideRegion, RegionProviderChain, future};
use aws_config::profile::ProfileFileRegionProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls;
use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::runtime::Handle;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// What a server without regions is told, and where AWS looks for a bucket whose region nobody said.
const ANY_REGION: &str = "us-east-1";

/// One runtime for the process. A thread of its own drives it, so that connections live on between requests.
static RUNTIME: LazyLock<std::io::Result<Handle>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("s3".into())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))
        .map(|_| handle)
});

/// Runs `work` to its end from a thread that may wait.
pub(super) fn wait<T>(work: impl Future<Output = T>) -> Result<T> {
    match &*RUNTIME {
        Ok(handle) => Ok(handle.block_on(work)),
        Err(error) => Err(Error::internal(format!("the network runtime cannot be started: {error}"))),
    }
}

/// A client for the bucket's server, as somebody, or as whom the standard chain says.
pub(super) fn connect(place: &Place, who: Option<Credentials>) -> Result<Client> {
    let shared = wait(load(place, who))?;
    let checksums = place.checksums();
    let config = Builder::from(&shared)
        .force_path_style(place.uses_path())
        .request_checksum_calculation(match checksums {
            Checksums::WhenRequired => RequestChecksumCalculation::WhenRequired,
            Checksums::WhenSupported => RequestChecksumCalculation::WhenSupported,
        })
        .response_checksum_validation(match checksums {
            Checksums::WhenRequired => ResponseChecksumValidation::WhenRequired,
            Checksums::WhenSupported => ResponseChecksumValidation::WhenSupported,
        });
    Ok(Client::from_conf(config.build()))
}

async fn load(place: &Place, who: Option<Credentials>) -> SdkConfig {
    let https = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(https)
        .region(Wanted { said: place.region.clone(), chain: place.is_aws() })
        // Attempts come apart in time by a random share of a pause that doubles.
        .retry_config(RetryConfig::standard().with_max_attempts(place.attempts))
        .timeout_config(timeouts(place, 0))
        // A pack waits its turn behind others on a slow line; the timeouts above are the limit.
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().upload_enabled(false).build());
    if let Some(endpoint) = &place.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(who) = who {
        loader = loader.credentials_provider(who);
    }
    loader.load().await
}

/// The limits of a request that moves `bytes`.
pub(super) fn timeouts(place: &Place, bytes: u64) -> TimeoutConfig {
    let (attempt, operation) = place.timeouts(bytes);
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}

/// The region: as the address says, else the standard chain's (environment, profile, machine), else any.
#[derive(Debug)]
struct Wanted {
    said: Option<String>,
    chain: bool,
}

impl ProvideRegion for Wanted {
    fn region(&self) -> future::ProvideRegion<'_> {
        future::ProvideRegion::new(async move {
            if let Some(said) = &self.said {
                return Some(Region::new(said.clone()));
            }
            let chain = if self.chain {
                DefaultRegionChain::builder().build().region().await
            } else {
                // A machine's own region says nothing of another's server, and asking for it takes seconds outside of AWS.
                let environment = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new());
                environment.or_else(ProfileFileRegionProvider::new()).region().await
            };
            chain.or_else(|| Some(Region::new(ANY_REGION)))
        })
    }
}
