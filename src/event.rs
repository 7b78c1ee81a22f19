//! What the library tells while it works: the only road from a run to the screen, the log or `--json`.
//!
//! Events name places and counts. No variant has room for a cell.

use crate::model::schema::TableName;

/// Something worth telling. Renderers decide how and whether to show it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant's comment describes its fields")]
pub enum Event {
    /// An operation begins. `facts` are configuration without secrets: source, store, environment, policy.
    Started { operation: &'static str, facts: Vec<(&'static str, String)> },
    /// A stage of the operation begins, in plain words: "reading the catalogue".
    Stage { what: String },
    /// Work on a table begins; `rows` is the expected number where known.
    TableStarted { table: TableName, rows: Option<u64> },
    /// Rows and bytes of a table done so far.
    TableProgress { table: TableName, rows: u64, bytes: u64 },
    /// A table is done.
    TableDone { table: TableName, rows: u64, bytes: u64, millis: u64, how: String },
    /// Rows of a table are left out because they break a rule of the database: the constraint or column, where it has a name.
    Quarantined { table: TableName, rule: String, name: String, rows: u64 },
    /// A column was masked.
    ColumnMasked { table: TableName, column: String, mask: String },
    /// The lock of the target was waited for so long, and taken or not.
    Waited { millis: u64 },
    /// The operation begins again, for the given time; `why` is what stopped it.
    Again { tries: u32, why: String },
    /// What was opened and sent to a database, to be added to what was told before.
    Sent { traffic: Traffic },
    /// What a rollback did to the rows of a table; `keys` is a digest of the keys of those that were deleted.
    RowsTaken { table: TableName, deleted: u64, put_back: u64, kept: u64, keys: String },
    /// Worth knowing, needs no action.
    Note { what: String },
    /// Worth acting on; the operation goes on.
    Warning { what: String, hint: Option<String> },
    /// The operation ended well. `facts` are counts and durations.
    Finished { operation: &'static str, facts: Vec<(&'static str, String)>, tables: Vec<(TableName, u64)>, millis: u64 },
}

/// What work with a database took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Connections opened.
    pub connections: u64,
    /// Statements sent; a load of many rows is one.
    pub statements: u64,
}

/// Receives events. Implementations must be cheap, must not fail and must not block for long.
pub trait Report: Send + Sync {
    /// Takes one event.
    fn event(&self, event: &Event);
}

/// Drops every event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Report for Silent {
    fn event(&self, _event: &Event) {}
}

/// Keeps every event, for tests and for callers that show them later.
#[derive(Debug, Default)]
pub struct Collected(std::sync::Mutex<Vec<Event>>);

impl Collected {
    /// The events so far, in order.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

impl Report for Collected {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(event.clone());
    }
}

/// Asked by long loops whether the user wants them to stop. Cloned freely; all clones are one token.
#[derive(Debug, Clone, Default)]
pub struct Cancel(std::sync::Arc<std::sync::atomic::AtomicBool>);

impl Cancel {
    /// Asks every holder of this token to stop at the next safe point.
    pub fn cancel(&self) {
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    /// Fails with kind `Interrupted` once [`cancel`](Self::cancel) was called.
    ///
    /// # Errors
    /// Kind `Interrupted` after cancellation.
    pub fn check(&self) -> crate::error::Result<()> {
        if self.0.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(crate::error::Error::interrupted("interrupted; nothing was published or changed"));
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod suite {
    //! What every [`Report`] must do: take any event, from any thread, without failing.

    use super::{Event, Report, Traffic};
    use crate::model::schema::TableName;

    /// One of each kind of event.
    pub(crate) fn events() -> Vec<Event> {
        let table = TableName::plain("a \"table\"\n🌿");
        vec![
            Event::Started { operation: "capture", facts: vec![("source", "sqlite:x".into())] },
            Event::Stage { what: "reading".into() },
            Event::TableStarted { table: table.clone(), rows: None },
            Event::TableProgress { table: table.clone(), rows: 1, bytes: 2 },
            Event::TableDone { table: table.clone(), rows: 1, bytes: 2, millis: 3, how: "read".into() },
            Event::Quarantined { table: table.clone(), rule: "check".into(), name: "c\n".into(), rows: 2 },
            Event::ColumnMasked { table: table.clone(), column: "c".into(), mask: "email".into() },
            Event::Waited { millis: 4 },
            Event::Again { tries: 1, why: "the connection was lost".into() },
            Event::Sent { traffic: Traffic { connections: 1, statements: 2 } },
            Event::RowsTaken { table: table.clone(), deleted: 1, put_back: 2, kept: 0, keys: "0a".into() },
            Event::Note { what: "a note".into() },
            Event::Warning { what: "a warning".into(), hint: Some("Do this.".into()) },
            Event::Finished { operation: "capture", facts: Vec::new(), tables: vec![(table, 1)], millis: 0 },
        ]
    }

    /// Runs everything on one report.
    pub(crate) fn run(report: &dyn Report) {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| events().iter().for_each(|event| report.event(event)));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_takes_every_event() {
        suite::run(&Silent);
        let collected = Collected::default();
        suite::run(&collected);
        assert_eq!(collected.events().len(), 4 * suite::events().len());
    }

    #[test]
    fn a_cancelled_token_stops_all_its_clones() {
        let cancel = Cancel::default();
        let clone = cancel.clone();
        assert!(clone.check().is_ok());
        cancel.cancel();
        assert_eq!(clone.check().map_err(|error| error.kind().exit_code()), Err(130));
    }
}
