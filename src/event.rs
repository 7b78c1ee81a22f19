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
    TableDone { table: TableName, rows: u64, bytes: u64, millis: u64, how: &'static str },
    /// A column was masked.
    ColumnMasked { table: TableName, column: String, mask: String },
    /// Worth knowing, needs no action.
    Note { what: String },
    /// Worth acting on; the operation goes on.
    Warning { what: String, hint: Option<String> },
    /// The operation ended well. `facts` are counts and durations.
    Finished { operation: &'static str, facts: Vec<(&'static str, String)>, tables: Vec<(TableName, u64)>, millis: u64 },
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
