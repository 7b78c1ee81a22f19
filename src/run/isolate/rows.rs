//! The snapshot's rows for a reset, where the host has no pristine copy of a table.

use crate::engine::Target;
use crate::engine::isolate::Pristine;
use crate::error::{Error, Result};
use crate::model::schema::TableName;
use crate::run::repository::{Repository, Snapshot};
use crate::run::{Context, restore};
use std::sync::Arc;

/// A snapshot with its store at hand.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) repository: Arc<Repository>,
    pub(super) snapshot: Arc<Snapshot>,
}

/// Rows out of the store, for as long as one reset takes.
pub(super) struct Loading<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) rows: Option<&'a Rows>,
}

impl Pristine for Loading<'_> {
    fn load(&mut self, target: &mut dyn Target, table: &TableName, into: Option<&TableName>) -> Result<u64> {
        let rows = self.rows.ok_or_else(|| Error::store(format!("the rows of table {table} are not at hand")))?;
        restore::load_table(self.context, &rows.repository, &rows.snapshot, target, (table, into))
    }
}
