//! The leak scans of a capture: one per worker, merged at the end, and what their report means.

use crate::error::{Error, Result};
use crate::mask::canary;
use crate::mask::dictionary::LOCALES;
use crate::mask::leak::{LeakReport, LeakScan, Lists};
use crate::model::manifest::LeakResult;
use crate::model::schema::Catalogue;
use crate::policy::{Plan, TablePlan};
use crate::secret::Secret32;
use std::sync::{Mutex, PoisonError};

/// Stands for the manifest where a column's number is asked for.
const MANIFEST: u16 = u16::MAX;

/// One leak scan per worker, merged at the end.
pub(super) struct Scans {
    key: Secret32,
    capacity: usize,
    lists: Lists,
    idle: Mutex<Vec<LeakScan>>,
    /// Of finished tables, which the journal has.
    finished: Mutex<Option<LeakScan>>,
}

impl Scans {
    /// Fingerprints kept of each side by all workers together: some 60 MiB.
    const CAPACITY: usize = 1 << 19;

    /// Scans for what the masks of these tables write.
    pub(super) fn new(tables: &[TablePlan], workers: usize) -> Result<Self> {
        let capacity = Self::CAPACITY / workers.max(1);
        let columns = tables.iter().flat_map(|table| &table.columns);
        let masks = columns.flat_map(|column| [Some(column), column.otherwise.as_deref()]).flatten();
        let named: Vec<&str> = masks.filter_map(|column| column.params.text("locale")).collect();
        let locales = LOCALES.iter().copied().filter(|locale| named.contains(locale)).collect();
        let key = Secret32::new(super::random()?);
        Ok(Self { key, capacity, lists: Lists::with(locales), idle: Mutex::default(), finished: Mutex::default() })
    }

    /// Fingerprints with this key from now on; nothing was observed yet.
    pub(super) fn keyed(self, key: Secret32) -> Self {
        Self { key, ..self }
    }

    /// What all workers saw since the last call, which the journal is told of before it is put to the rest.
    pub(super) fn finish_table<T>(&self, tell: impl FnOnce(&mut LeakScan) -> T) -> T {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        let mut scan = idle.into_iter().reduce(LeakScan::merge).unwrap_or_else(|| self.take());
        let told = tell(&mut scan);
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        *finished = Some(match finished.take() {
            Some(finished) => finished.merge(scan),
            None => scan,
        });
        told
    }

    /// Takes back what the journal kept of finished tables.
    pub(super) fn restore(&self, add: impl FnOnce(&mut LeakScan)) {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        add(finished.get_or_insert_with(|| LeakScan::knowing(&self.key, self.capacity, self.lists.clone())));
    }

    /// The run's random key.
    pub(super) fn key(&self) -> &Secret32 {
        &self.key
    }

    pub(super) fn take(&self) -> LeakScan {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| LeakScan::knowing(&self.key, self.capacity, self.lists.clone()))
    }

    pub(super) fn put_back(&self, scan: LeakScan) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(scan);
    }

    /// Looks at what a manifest says in words: names, definitions, defaults.
    pub(super) fn look_at_texts(&self, name: &str, policy: &str, schema: &Catalogue) {
        let mut scan = self.take();
        let mut look = |text: &str| scan.observe_text(MANIFEST, text);
        look(name);
        look(policy);
        for table in &schema.tables {
            look(&table.name.to_string());
            look(&table.create);
            for column in &table.columns {
                look(&column.name);
                column.default.iter().for_each(|default| look(default));
            }
        }
        for object in schema.pre.iter().chain(&schema.post) {
            look(&object.name);
            look(&object.create);
        }
        self.put_back(scan);
    }

    pub(super) fn finish(self) -> LeakReport {
        let scans = self.idle.into_inner().unwrap_or_else(PoisonError::into_inner);
        let finished = self.finished.into_inner().unwrap_or_else(PoisonError::into_inner);
        let merged = scans.into_iter().chain(finished).reduce(LeakScan::merge);
        merged.unwrap_or_else(|| LeakScan::knowing(&self.key, self.capacity, self.lists.clone())).finish()
    }
}

/// Any original of a masked column in any written cell stops the capture; the report names columns and counts.
pub(super) fn refuse_leaks(plan: &Plan, report: LeakReport, canaries: u64) -> Result<LeakResult> {
    let places: Vec<String> = plan
        .tables
        .iter()
        .flat_map(|table| table.columns.iter().map(move |column| format!("{}.{}", table.table, column.column)))
        .collect();
    let place = |column: u16| {
        if column == MANIFEST {
            "the manifest's names and definitions"
        } else {
            places.get(usize::from(column)).map_or("?", String::as_str)
        }
    };
    if !report.hits.is_empty() {
        let lines: Vec<String> = report
            .hits
            .iter()
            .map(|hit| format!("{} originals of {} in {}", hit.count, place(hit.original), place(hit.output)))
            .collect();
        return Err(Error::policy(format!("originals survived the masking: {}", lines.join("; ")))
            .hint("Nothing was published. Mask the columns named behind 'in' as well (text_replace for free text)."));
    }
    Ok(LeakResult {
        columns: plan.masked_columns() as u64,
        originals: report.originals,
        skipped: report.skipped.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect(),
        cells: report.cells,
        hits: 0,
        canaries,
    })
}

/// Sends made-up originals through the masks of every table; one that comes out stops the capture. Returns how many there were.
pub(super) fn send_canaries(plan: &Plan, key: &Secret32) -> Result<u64> {
    let (mut sent, mut survived) = (0, Vec::new());
    for table in plan.tables.iter().filter(|table| table.mode.has_rows()) {
        let report = canary::run(&table.columns, table.extras.len(), &table.table, key)?;
        sent += report.sent;
        let place = |column: &str| format!("{}.{}", table.table, column.escape_debug());
        survived.extend(
            report.survived.iter().map(|found| format!("from {} in {}", place(&found.original), place(&found.output))),
        );
    }
    if survived.is_empty() {
        return Ok(sent);
    }
    Err(Error::policy(format!("made-up originals came out of the masks: {}", survived.join(", ")))
        .hint("Nothing was read or published. A mask there passes on what it should replace: use another one, or mend the program it runs."))
}
