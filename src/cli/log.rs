//! The structured log: one JSON object per line on stderr or in a file that rotates daily. Every line has `timestamp`, `level`
//! and `message`; docs/operations.md has what belongs to which message.

use super::args::{Global, LogFormat};
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};
use std::fmt;
use std::path::Path;
use tracing::field::{Field, Visit};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
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
        tracing_subscriber::fmt::layer().event_format(JsonLine).with_writer(std::io::stderr).with_filter(level)
    });
    let file = global.log_file.as_deref().map(appender).transpose()?.map(|appender| {
        let layer = tracing_subscriber::fmt::layer().event_format(JsonLine);
        layer.with_writer(std::sync::Mutex::new(appender)).with_filter(LevelFilter::DEBUG)
    });
    tracing_subscriber::registry()
        .with(stderr)
        .with(file)
        .try_init()
        .map_err(|error| Error::internal("the log cannot be started").caused_by(error))
}

/// Fields whose text is JSON itself and stands in the line as such; those of the summary stand beside the others.
const STRUCTURED: [&str; 2] = ["causes", SUMMARY];
const SUMMARY: &str = "summary";

/// An event as one line of JSON.
struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &tracing::Event<'_>) -> fmt::Result {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        fields.0.insert("timestamp".to_owned(), json!(now));
        fields.0.insert("level".to_owned(), json!(event.metadata().level().as_str()));
        writeln!(line, "{}", Value::Object(fields.0))
    }
}

/// Takes the fields of an event.
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, text: &str) {
        let structured = STRUCTURED.contains(&field.name()).then(|| serde_json::from_str(text).ok()).flatten();
        match structured {
            Some(Value::Object(fields)) if field.name() == SUMMARY => self.0.extend(fields),
            Some(value) => self.set(field, value),
            None => self.set(field, json!(text)),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, json!(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, json!(format!("{value:?}")));
    }
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
