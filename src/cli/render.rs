//! Events to the screen and the log, results to stdout, errors to stderr. The only place that prints.

use super::args::{Color, Global, LogFormat};
use super::summary::{Summary, shown};
use crate::error::{Error, Transient};
use crate::event::{Event, Report};
use crate::model::drift::Difference;
pub use crate::model::text_table::table;
use crate::run::retry::TRIES;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What a command answers: for machines and for people.
#[derive(Debug)]
pub struct Answer {
    /// For `--json`. A text is printed as it is: lines that are JSON already.
    pub json: Value,
    /// For people; may span lines, without the last newline.
    pub text: String,
    /// Why the command fails although it has an answer: a check that found something.
    pub failure: Option<Error>,
    /// The exit code where nothing fails: that of another program which was run.
    pub code: u8,
}

impl Answer {
    /// The answer of a command that did what it was asked to.
    #[must_use]
    pub fn new(json: Value, text: impl Into<String>) -> Self {
        Self { json, text: text.into(), failure: None, code: 0 }
    }
}

/// The screen.
#[expect(clippy::struct_excessive_bools, reason = "each is a choice the user made")]
pub struct Screen {
    json: bool,
    /// Lines for people on stderr; off with `--log-format json` and `-q`.
    lines: bool,
    verbose: bool,
    bar: Option<Mutex<Option<ProgressBar>>>,
    paint: bool,
    summary: Mutex<Summary>,
}

impl Screen {
    /// A screen as the arguments ask for.
    #[must_use]
    pub fn new(global: &Global) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let lines = global.log_format == LogFormat::Text && !global.quiet;
        let paint = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        let bars = lines && terminal && !global.no_progress;
        let (bar, summary) = (bars.then(|| Mutex::new(None)), Mutex::default());
        Self { json: global.json, lines, verbose: global.verbose, bar, paint, summary }
    }

    fn summary(&self) -> std::sync::MutexGuard<'_, Summary> {
        self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Text in a colour of the terminal: `1` bold, `2` dim, `31` red, `32` green, `33` yellow.
    #[must_use]
    pub fn painted(&self, code: &str, text: &str) -> String {
        if self.paint { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Prints a command's answer on stdout. A closed pipe ends quietly: the reader has seen enough.
    pub fn answer(&self, answer: &Answer) {
        self.clear();
        let text = match (&answer.json, self.json) {
            (Value::String(lines), true) => lines.clone(),
            (Value::Object(fields), true) if self.summary().is_of_a_database() => {
                let mut fields = fields.clone();
                fields.insert("summary".to_owned(), Value::Object(self.summary().fields(None)));
                format!("{:#}", Value::Object(fields))
            }
            (json, true) => format!("{json:#}"),
            (_, false) => answer.text.clone(),
        };
        if !text.is_empty() {
            writeln!(std::io::stdout(), "{}", text.trim_end_matches('\n')).unwrap_or_default();
        }
    }

    /// Prints an error on stderr, and as JSON on stdout with `--json`.
    pub fn failure(&self, error: &Error) {
        if self.json {
            self.clear();
            let mut body = json!({ "error": {
                "kind": error.kind().word(), "code": error.kind().exit_code(), "message": error.to_string(),
                "hint": error.hint_text(), "causes": error.causes(),
            }});
            if !error.differences().is_empty() {
                body["error"]["differences"] = differences_as_json(error.differences());
            }
            writeln!(std::io::stdout(), "{body:#}").unwrap_or_default();
        }
        self.failed(error);
    }

    /// Prints an error on stderr only: stdout has the answer.
    pub fn failed(&self, error: &Error) {
        self.clear();
        let causes = error.causes();
        self.log_failure(error, &causes);
        let mut text = format!("{} {error}\n", self.painted("1;31", "error:"));
        for cause in causes {
            text.push_str(&format!("  because: {cause}\n"));
        }
        if let Some(hint) = error.hint_text() {
            text.push_str(&format!("{} {hint}\n", self.painted("1;36", "hint:")));
        }
        write!(std::io::stderr(), "{text}").unwrap_or_default();
    }

    /// The error with its context, and the summary of what had begun.
    fn log_failure(&self, error: &Error, causes: &[String]) {
        let summary = self.summary();
        tracing::error!(
            kind = error.kind().word(),
            code = error.kind().exit_code(),
            hint = error.hint_text().unwrap_or_default(),
            causes = json!(causes).to_string(),
            transient = error.transient().map(Transient::word),
            operation = summary.operation(),
            facts = summary.operation().map(|_| summary.facts()),
            stage = summary.stage,
            table = summary.table,
            "{error}"
        );
        if summary.operation().is_some() {
            let summary = Value::Object(summary.fields(None)).to_string();
            tracing::info!(summary, "Failed.");
        }
    }

    fn line(&self, text: &str) {
        if !self.lines {
            return;
        }
        match self.bar.as_ref().map(|bar| bar.lock().unwrap_or_else(PoisonError::into_inner)) {
            Some(bar) if bar.is_some() => {
                if let Some(bar) = bar.as_ref() {
                    bar.suspend(|| writeln!(std::io::stderr(), "{text}").unwrap_or_default());
                }
            }
            _ => writeln!(std::io::stderr(), "{text}").unwrap_or_default(),
        }
    }

    /// Says something on stderr that is no progress, whatever was asked of progress; it is not logged.
    pub fn tell(&self, text: &str) {
        self.clear();
        writeln!(std::io::stderr(), "{text}").unwrap_or_default();
    }

    /// Takes the progress bar away: what follows may be another program's.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar
            && let Some(bar) = bar.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            bar.finish_and_clear();
        }
    }

    fn progress(&self, table: &str, rows: u64, total: Option<u64>) {
        let Some(slot) = &self.bar else { return };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = slot.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            let style =
                ProgressStyle::with_template("{spinner} {msg:28} {bar:30} {human_pos}/{human_len} rows  {rate}  {eta}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("rate", rate));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if let Some(total) = total {
            bar.set_length(total);
            bar.set_message(table.to_owned());
        }
        bar.set_position(rows);
    }
}

/// Differences of schemas for `--json`.
#[must_use]
pub fn differences_as_json(differences: &[Difference]) -> Value {
    let one = |it: &Difference| {
        json!({
            "table": it.table.to_string(), "columns": it.columns, "difference": it.aspect.word(), "snapshot": it.snapshot,
            "target": it.target, "verdict": if it.is_refused() { "refused" } else { "tolerated" }, "advice": it.advice(),
            "renamed": it.renamed,
        })
    };
    differences.iter().map(one).collect()
}

/// Wrong usage on stdout, for `--json`; the arguments could not be read, so there is no screen yet.
pub fn usage_as_json(message: &str) {
    let body = json!({ "error": { "kind": "usage", "code": 1, "message": message, "hint": null, "causes": [] } });
    writeln!(std::io::stdout(), "{body:#}").unwrap_or_default();
}

/// Rows per second in whole numbers.
fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is small and positive")]
    let rate = state.per_sec() as u64;
    // The writer is indicatif's own buffer, which takes everything.
    write!(out, "{}/s", grouped(rate)).unwrap_or_default();
}

impl Report for Screen {
    fn event(&self, event: &Event) {
        self.summary().add(event);
        match event {
            Event::Finished { facts, millis, .. } => {
                let summary = Value::Object(self.summary().fields(Some(*millis))).to_string();
                tracing::info!(facts = shown(facts), summary, "Finished.");
            }
            _ => log(event),
        }
        match event {
            Event::TableStarted { table, rows } => self.progress(&table.to_string(), 0, Some(rows.unwrap_or(0))),
            Event::TableProgress { table, rows, .. } => self.progress(&table.to_string(), *rows, None),
            Event::Stage { what } => self.line(&self.painted("2", &format!("· {what}"))),
            Event::Note { what } => self.line(&format!("  {what}")),
            Event::Again { tries, why } => {
                self.line(&self.painted("33", &format!("· trying again, {tries} of {TRIES}: {why}")));
            }
            Event::Warning { what, hint } => {
                let hint = hint.as_ref().map(|hint| format!(" {hint}")).unwrap_or_default();
                self.line(&format!("{} {what}.{hint}", self.painted("33", "warning:")));
            }
            Event::Quarantined { table, rule, name, rows } => {
                let name = if name.is_empty() { String::new() } else { format!(" {}", name.escape_debug()) };
                let what = format!("{table}: {} quarantined, {rule}{name}", count(*rows, "row"));
                self.line(&format!("{} {what}.", self.painted("33", "warning:")));
            }
            Event::TableDone { table, rows, how, .. } if self.verbose => {
                self.line(&format!("  {table}: {} rows {how}", grouped(*rows)));
            }
            Event::ColumnMasked { table, column, mask } if self.verbose => {
                self.line(&format!("  {table}.{}: {mask}", column.escape_debug()));
            }
            Event::Started { .. }
            | Event::Finished { .. }
            | Event::TableDone { .. }
            | Event::ColumnMasked { .. }
            | Event::Waited { .. }
            | Event::Sent { .. }
            | Event::RowsTaken { .. } => {}
        }
    }
}

/// One log line per event: fields, then a sentence.
fn log(event: &Event) {
    match event {
        Event::Started { operation, facts } => {
            tracing::info!(operation, facts = shown(facts), "Started.");
        }
        Event::Stage { what } => tracing::info!(stage = what, "Stage."),
        Event::TableStarted { table, rows } => tracing::debug!(table = %table, rows, "Table started."),
        Event::TableProgress { .. } | Event::Sent { .. } | Event::Finished { .. } => {}
        Event::TableDone { table, rows, bytes, millis, how } => {
            tracing::info!(table = %table, rows, bytes, millis, how, "Table done.");
        }
        Event::Quarantined { table, rule, name, rows } => {
            tracing::warn!(table = %table, rule, constraint = name, rows, "Rows quarantined.");
        }
        Event::ColumnMasked { table, column, mask } => tracing::info!(table = %table, column, mask, "Column masked."),
        Event::Waited { millis } => tracing::info!(lock_wait_millis = millis, "Waited for the lock."),
        Event::Again { tries, why } => tracing::warn!(tries, of = TRIES, why, "Trying again."),
        Event::RowsTaken { table, deleted, put_back, kept, keys } => {
            tracing::info!(table = %table, deleted, put_back, kept, keys, "Rows rolled back.");
        }
        Event::Note { what } => tracing::info!(note = what, "Note."),
        Event::Warning { what, hint } => tracing::warn!(warning = what, hint, "Warning."),
    }
}

/// The most memory this process ever held, in bytes, where the system tells.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// `1 table`, `2 tables`: a number with its noun, whose plural ends in s.
#[must_use]
pub fn count(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(number))
}

/// `1234567` as `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes for people: `1.4 MiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut tenths, mut unit) = (u128::from(count) * 10 / 1024, 0);
    if count < 1024 {
        return format!("{count} B");
    }
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// Milliseconds for people: `0.31 s`.
#[must_use]
pub fn seconds(millis: u64) -> String {
    format!("{}.{:02} s", millis / 1000, millis % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(1, "row"), "1 row");
        assert_eq!(count(1_000, "row"), "1,000 rows");
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1_500_000), "1.4 MiB");
        assert_eq!(seconds(1_234), "1.23 s");
    }

    #[test]
    fn the_screen_is_a_report() {
        use clap::Parser as _;
        let cli = super::super::args::Cli::try_parse_from(["terp-fixtures", "-q", "list"]).unwrap();
        crate::event::suite::run(&Screen::new(&cli.global));
        let cli =
            super::super::args::Cli::try_parse_from(["terp-fixtures", "-v", "--color", "always", "list"]).unwrap();
        crate::event::suite::run(&Screen::new(&cli.global));
    }
}
