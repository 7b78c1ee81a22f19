//! What is verified before a staging place becomes the target: rows, digests, and every foreign key.

use super::super::state;
use super::{Gathering, Load, Part, build, is_exact};
use crate::engine::Target;
use crate::error::{Error, Result};
use crate::model::schema::{Catalogue, ForeignKey, Table, TableName};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Dangling references by foreign key.
pub(super) type Found = Mutex<BTreeMap<String, u64>>;

/// One thing to do.
pub(super) enum Job<'a> {
    /// Builds these foreign keys, one after the other: two at once may wait for each other.
    ForeignKeys(Vec<usize>),
    /// Compares a table's rows with what was sent.
    Rows(&'a Load<'a>),
    /// Counts references without a parent.
    References(&'a TableName, &'a ForeignKey),
}

impl Gathering<'_> {
    /// What there is to do once the keys are built; `is_proved` says that building the foreign keys verifies them.
    pub(super) fn checks<'s>(
        &'s self,
        loads: &'s [Load<'s>],
        shapes: &Catalogue,
        (build, is_proved): (Vec<usize>, bool),
    ) -> Vec<Job<'s>> {
        let mut jobs = vec![Job::ForeignKeys(build)];
        jobs.extend(loads.iter().map(Job::Rows));
        if is_proved {
            return jobs;
        }
        for table in self.manifest().schema.tables.iter().filter(|table| shapes.table(&table.name).is_some()) {
            let keys = table.foreign_keys.iter().filter(|key| shapes.table(&key.parent).is_some());
            jobs.extend(keys.map(|key| Job::References(&table.name, key)));
        }
        jobs
    }

    pub(super) fn check(
        &self,
        stream: &mut dyn Target,
        job: Job<'_>,
        foreign_keys: &[Vec<String>],
        is_resumed: bool,
        found: &Found,
    ) -> Result<()> {
        self.context.cancel.check()?;
        match job {
            Job::ForeignKeys(indexes) => self.foreign_keys(stream, indexes, foreign_keys),
            Job::Rows(load) => Self::compare(stream, load, is_resumed)
                .map_err(|error| error.within(format!("table {}", load.entry.table))),
            Job::References(child, key) => {
                let staged = ForeignKey { parent: stream.aside(&key.parent), ..key.clone() };
                let child = stream.aside(child);
                let count = state::dangling(stream, &child, &staged, &[])?;
                if count > 0 {
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    *found.entry(key.name.clone()).or_default() += count;
                }
                Ok(())
            }
        }
    }

    /// Builds foreign keys, one after the other.
    pub(super) fn foreign_keys(
        &self,
        stream: &mut dyn Target,
        indexes: Vec<usize>,
        foreign_keys: &[Vec<String>],
    ) -> Result<()> {
        indexes.into_iter().try_for_each(|index| {
            self.context.cancel.check()?;
            build(stream, &foreign_keys[index], Part::Round { round: 1, index })
        })
    }

    /// The number of rows always; their digest where they were not all sent by this process, or may read otherwise than they
    /// were written.
    fn compare(stream: &mut dyn Target, load: &Load<'_>, is_resumed: bool) -> Result<()> {
        let staged = Table { name: stream.aside(&load.entry.table), ..load.live.clone() };
        let sent = load.tally.lock().unwrap_or_else(PoisonError::into_inner).digest;
        let count = state::count(stream, &staged.name)?;
        let wrong = |what: String| {
            Err(Error::rejected(what).hint("Somebody else wrote to the staging place. It was removed: restore again."))
        };
        if count != load.entry.rows || sent.rows() != load.entry.rows {
            return wrong(format!("the staging place holds {count} rows of {}", load.entry.rows));
        }
        let is_exact = is_exact(load.entry, load.live);
        if is_exact && !is_resumed {
            return Ok(());
        }
        let read = state::marked_digest(stream, &staged, &load.entry.columns, None)?;
        if read.rows() != count || (is_exact && read != sent) {
            return wrong("the rows in the staging place are not the ones that were loaded".to_owned());
        }
        load.tally.lock().unwrap_or_else(PoisonError::into_inner).digest = read;
        Ok(())
    }
}

/// No foreign key may dangle more often than it did in the source.
pub(super) fn foreign_keys(found: &Found, source: &BTreeMap<String, u64>) -> Result<()> {
    for (name, count) in found.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let known = source.get(name).copied().unwrap_or(0);
        if *count > known {
            return Err(Error::rejected(format!(
                "the foreign key {} would be broken by {} rows",
                name.escape_debug(),
                count - known
            ))
            .hint("The snapshot lacks their parents. Nothing was changed."));
        }
    }
    Ok(())
}
