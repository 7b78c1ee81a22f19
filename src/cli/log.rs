//! The structured log: one JSON object per line on stderr or in a file that rotates daily.

use super::args::{Global, LogFormat};
use crate::error::{Error, Result};
use std::path::Path;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Sets the log up as the arguments say. People get their lines from the renderer; the log is for machines.
///
/// # Errors
/// Kind `Usage` when the log file cannot be written.
pub fn start(global: &Global) -> Result<()> {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (_, true) => LevelFilter::DEBUG,
        _ => LevelFilter::INFO,
    };
    let stderr = (global.log_format == LogFormat::Json).then(|| {
        tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_target(false)
            .with_writer(std::io::stderr)
            .with_filter(level)
    });
    let file = global.log_file.as_deref().map(appender).transpose()?.map(|appender| {
        let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false);
        layer.with_writer(std::sync::Mutex::new(appender)).with_filter(LevelFilter::DEBUG)
    });
    tracing_subscriber::registry()
        .with(stderr)
        .with(file)
        .try_init()
        .map_err(|error| Error::internal("the log cannot be started").caused_by(error))
}

fn appender(path: &Path) -> Result<RollingFileAppender> {
    let cannot = || Error::usage(format!("cannot write the log file {}", path.display()));
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(cannot)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(name)
        .build(folder)
        .map_err(|error| cannot().caused_by(error).hint("Check the folder and its permissions."))
}
