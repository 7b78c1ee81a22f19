//! `import csv`: files that somebody wrote by hand become an ordinary snapshot, once everything that the database would ask of
//! their rows was asked.

mod cells;
mod files;
mod keys;
mod personal;

use super::invented::{self, Invention, Of, Rows, Stored};
use super::publish::Label;
use super::repository::Repository;
use super::{Context, millis};
use crate::engine::Source;
use crate::error::{Error, Result};
use crate::generate::cell::cell;
use crate::generate::field::enum_labels;
use crate::mask::invented::WRITTEN;
use crate::model::batch::Batch;
use crate::model::manifest::Imported;
use crate::model::proof::Invented;
use crate::model::schema::{Catalogue, Column, TableKind, TableName};
use crate::model::subset;
use crate::policy::{Mode, Policy, every_reference, reference_tables};
use files::File;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

/// What to import, and what to write about it.
#[derive(Debug)]
pub struct Options<'a> {
    /// The snapshot's name.
    pub name: String,
    /// What stands for NULL, beside nothing at all.
    pub null: Option<String>,
    /// The policy that says which tables are lookup tables.
    pub policy: Option<&'a Policy>,
    /// `dev`, `staging` or `production`: the rules of the policy that count.
    pub environment: String,
    /// Why values that look like those of real people are accepted.
    pub accept_personal: Option<String>,
    /// Only check.
    pub dry_run: bool,
    /// When the snapshot expires, RFC 3339.
    pub expires: Option<String>,
    /// The tags that it begins with.
    pub tags: BTreeSet<String>,
}

/// What was imported.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was published; none after a dry run.
    pub stored: Option<Stored>,
    /// Files, their tables and rows, and whether a table is a lookup table.
    pub files: Vec<(String, TableName, u64, bool)>,
    /// References that were held against the rows.
    pub references: usize,
    /// CHECKs that nobody could work out before the rows are loaded.
    pub open: Vec<String>,
    /// What looks like real people's data and was accepted.
    pub accepted: Vec<String>,
    /// How long it took.
    pub millis: u64,
}

/// Reads the files of a folder, and publishes them as a snapshot of the source's schema. The source's rows are not read.
///
/// # Errors
/// Kind `Usage`, `Drift` or `Rejected` with file, line and column, `Policy` for what looks like a real person's; kind `Store` or
/// `Unreachable` when the store fails. Nothing is published then.
pub fn import(
    context: &Context<'_>,
    folder: &Path,
    source: &mut dyn Source,
    repository: Option<&Repository>,
    options: &Options<'_>,
) -> Result<Outcome> {
    let start = Instant::now();
    context.stage("reading the catalogue");
    let catalogue = source.catalogue()?;
    context.stage("reading the files");
    let files = files::read(folder, &catalogue, options.null.as_deref())?;
    context.cancel.check()?;
    context.stage("holding the rows against keys, conditions and references");
    let references = match options.policy {
        Some(policy) => every_reference(policy, &catalogue)?,
        None => subset::declared(&catalogue),
    };
    keys::uniques(&catalogue, &files)?;
    let open = keys::checks(&catalogue, &files, source)?;
    keys::references(&catalogue, &references, &files)?;
    let accepted = personal::look(&catalogue, &files);
    if !accepted.is_empty() && options.accept_personal.is_none() {
        return Err(Error::policy(format!("files hold what could be somebody's:\n  {}", accepted.join("\n  "))).hint(
            "Write made-up values: addresses under example.com, phones such as 212-555-0142. If they are nobody's, say why: --accept-personal REASON.",
        ));
    }
    let modes = modes(&catalogue, &files, options)?;
    let told = |file: &File| {
        let is_reference = modes[file.table] == Mode::Reference;
        (file.name.clone(), catalogue.tables[file.table].name.clone(), file.rows.len() as u64, is_reference)
    };
    let outcome = Outcome {
        stored: None,
        files: files.iter().map(told).collect(),
        references: references.len(),
        open,
        accepted: accepted.clone(),
        millis: millis(start),
    };
    let Some(repository) = repository.filter(|_| !options.dry_run) else { return Ok(outcome) };
    let label = Label {
        name: options.name.clone(),
        environment: options.environment.clone(),
        policy: invented::proof(options.policy.map(|policy| (policy.file.as_str(), policy.digest.clone()))),
        expires: options.expires.clone(),
        tags: options.tags.clone(),
    };
    let invention = Invention {
        catalogue: &catalogue,
        modes: &modes,
        rows: &Written { catalogue: &catalogue, files: &files },
        references: &references,
        outside: &[],
        word: WRITTEN,
        of: Of::Imported(Imported {
            files: files.iter().map(|file| file.proof(&catalogue)).collect(),
            accepted: options.accept_personal.clone().filter(|_| !accepted.is_empty()),
        }),
        label: &label,
    };
    let stored = invented::store(context, repository, &invention)?;
    Ok(Outcome { stored: Some(stored), millis: millis(start), ..outcome })
}

/// Tables with a file give rows, as lookup tables where the policy says so; the others are there without rows.
fn modes(catalogue: &Catalogue, files: &[File], options: &Options<'_>) -> Result<Vec<Mode>> {
    let lookups = match options.policy {
        Some(policy) => reference_tables(policy, catalogue, &options.environment)?,
        None => BTreeSet::new(),
    };
    let mode = |(at, table): (usize, &crate::model::schema::Table)| match () {
        () if table.kind != TableKind::Ordinary => Mode::Exclude,
        () if !files.iter().any(|file| file.table == at) => Mode::Structure,
        () if lookups.contains(&at) => Mode::Reference,
        () => Mode::Capture,
    };
    Ok(catalogue.tables.iter().enumerate().map(mode).collect())
}

/// The labels that a column takes.
fn labels(catalogue: &Catalogue, column: &Column) -> Vec<String> {
    enum_labels(catalogue, column)
}

/// The rows of the files.
struct Written<'a> {
    catalogue: &'a Catalogue,
    files: &'a [File],
}

impl Written<'_> {
    fn file(&self, table: usize) -> Option<&File> {
        self.files.iter().find(|file| file.table == table)
    }
}

impl Rows for Written<'_> {
    fn count(&self, at: usize) -> u64 {
        self.file(at).map_or(0, |file| file.rows.len() as u64)
    }

    fn batches(&self, at: usize) -> Box<dyn Iterator<Item = Invented> + '_> {
        let table = &self.catalogue.tables[at];
        let stored = table.stored_columns();
        let mut rows = self.file(at).map(|file| file.rows.as_slice()).unwrap_or_default().iter();
        Box::new(std::iter::from_fn(move || {
            let mut batch = Batch::new(stored.len());
            while !batch.is_full()
                && let Some(row) = rows.next()
            {
                for &at in &stored {
                    cell(self.catalogue.engine, &table.columns[at], &row[at], &mut batch);
                }
            }
            (batch.rows() > 0).then(|| Invented::vouch(batch))
        }))
    }
}
