//! Rows that come from no database on their way into a store: through the same proofs, chunks and packs as those of a capture.

use super::capture::{captured_schema, empty_entry, refuse_names};
use super::capture_table::{Given, Proofs, Supply, Take, capture_table};
use super::closure::Closure;
use super::publish::{self, Content, Held, Kind, Label, Published, Round, publish};
use super::repository::{Repository, Snapshot};
use super::scans::Scans;
use super::selection::Told;
use super::{Context, millis};
use crate::error::Result;
use crate::mask::dictionary;
use crate::model::manifest::{Generated, Imported, LeakResult, PolicyProof, Results, TableEntry, UniqueResult};
use crate::model::proof::Invented;
use crate::model::schema::{Catalogue, DatabaseIdentity, Table, TableName};
use crate::model::subset::Reference;
use crate::policy::Mode;
use std::collections::BTreeMap;
use std::time::Instant;

/// What stands in the place of a file where none decided.
pub(super) const NOBODY: &str = "none";

/// Rows by table of a catalogue.
pub(super) trait Rows {
    /// How many there are of the table `at`.
    fn count(&self, at: usize) -> u64;

    /// All of them, in their order: the stored columns.
    fn batches(&self, at: usize) -> Box<dyn Iterator<Item = Invented> + '_>;
}

/// What is published.
pub(super) struct Invention<'a> {
    pub(super) catalogue: &'a Catalogue,
    /// What becomes of each table of the catalogue.
    pub(super) modes: &'a [Mode],
    pub(super) rows: &'a dyn Rows,
    /// Every reference that must hold.
    pub(super) references: &'a [Reference],
    /// By reference, rows whose parent is in no snapshot but in the database that they are for.
    pub(super) outside: &'a [u64],
    /// What stands in the place of a mask.
    pub(super) word: &'static str,
    pub(super) of: Of,
    pub(super) label: &'a Label,
}

/// Where the rows are from.
pub(super) enum Of {
    /// They were made up.
    Generated(Generated),
    /// They were written by hand.
    Imported(Imported),
}

/// What was published.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Tables and rows.
    pub tables: Vec<(TableName, u64)>,
    /// Bytes of COPY text.
    pub raw_bytes: u64,
    /// Bytes uploaded, packs and manifest.
    pub uploaded_bytes: u64,
    /// Packs uploaded.
    pub uploaded_packs: usize,
    /// Chunks in the snapshot, and how many of them the store already had.
    pub chunks: (u64, u64),
    /// References proved closed.
    pub references: usize,
    /// Unique constraints held against the rows.
    pub uniques: u64,
    /// How long it took.
    pub millis: u64,
}

/// Publishes the rows.
pub(super) fn store(context: &Context<'_>, repository: &Repository, invention: &Invention<'_>) -> Result<Stored> {
    let start = Instant::now();
    let modes: Vec<(&TableName, Mode)> =
        invention.catalogue.tables.iter().map(|table| &table.name).zip(invention.modes.iter().copied()).collect();
    refuse_names(invention.catalogue, &modes)?;
    let schema = captured_schema(invention.catalogue, &modes);
    publish::in_rounds(context, |held| round(context, repository, invention, (&schema, start), held))
}

fn round<'r>(
    context: &Context<'_>,
    repository: &'r Repository,
    invention: &Invention<'_>,
    (schema, start): (&Catalogue, Instant),
    held: &mut Held<'r>,
) -> Result<Round<Stored>> {
    let (snapshots, writer) = publish::look_up(context, repository, held)?;
    let mut proofs = Proofs {
        scans: Scans::new(&[], context.jobs)?,
        closure: Closure::new(invention.references, schema),
        unique: UniqueResult::default(),
        dangling: vec![0; invention.references.len()],
    };
    let mut tables = Vec::new();
    for (at, table) in invention.catalogue.tables.iter().enumerate() {
        context.cancel.check()?;
        match invention.modes[at] {
            Mode::Exclude => {}
            Mode::Structure => tables.push(empty_entry(table)),
            mode => {
                let mut supply = OfTable { rows: invention.rows, at };
                let entry = entry(table, mode, invention.word);
                let of = (invention.catalogue, table);
                tables.push(capture_table(context, &mut supply, of, None, entry, writer, &mut proofs)?);
            }
        }
    }
    let closure = proofs.closure.prove(invention.outside)?;
    writer.packer.finish()?;
    context.stage("writing the manifest");
    let content = Content {
        source: nowhere(invention),
        schema: schema.clone(),
        results: Results { closure, leaks: LeakResult::default(), unique: proofs.unique },
        tables,
        subset: None,
        kind: match &invention.of {
            Of::Generated(generated) => Kind::Generated(generated.clone()),
            Of::Imported(imported) => Kind::Imported(imported.clone()),
        },
    };
    let manifest = publish::manifest(repository, snapshots.last(), invention.label, content, writer.packer.packs())?;
    let (snapshot, manifest_bytes) = match publish(context, repository, &manifest)? {
        Published::Done(snapshot, bytes) => (*snapshot, bytes),
        Published::Lost(packs) => return Ok(Round::Lost(packs)),
    };
    Ok(Round::Done(Stored {
        tables: manifest.tables.iter().map(|entry| (entry.table.clone(), entry.rows)).collect(),
        raw_bytes: manifest.tables.iter().map(|entry| entry.bytes).sum(),
        uploaded_bytes: writer.packer.uploaded_bytes + manifest_bytes,
        uploaded_packs: writer.packer.uploaded_packs,
        chunks: (writer.packer.chunks, writer.packer.known_chunks),
        references: manifest.results.closure.references.len(),
        uniques: manifest.results.unique.constraints,
        snapshot,
        millis: millis(start),
    }))
}

/// What the manifest says of a table beside its rows.
fn entry(table: &Table, mode: Mode, word: &str) -> TableEntry {
    let mut entry = empty_entry(table);
    entry.mode = mode.word().to_owned();
    entry.masks = entry.columns.iter().map(|column| (column.clone(), word.to_owned())).collect();
    entry
}

/// What stands in the place of a policy: the file that decided, if there was one, and its digest. There is no key, because nothing
/// was masked.
pub(super) fn proof(decided: Option<(&str, String)>) -> PolicyProof {
    let (file, digest) = match decided {
        Some((file, digest)) => (file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned(), digest),
        None => (NOBODY.to_owned(), blake3::hash(b"").to_hex().to_string()),
    };
    PolicyProof {
        file,
        digest,
        dictionaries: dictionary::digests(),
        key_id: "0".repeat(16),
        generation: 0,
        key_check: String::new(),
        masks: BTreeMap::new(),
        lock: None,
        reviewed: None,
        approvals: Vec::new(),
    }
}

/// An identity that no database has, because its mark is spelled like none of theirs. Snapshots of one name share it, so that
/// `prune` counts them as versions of the same thing.
fn nowhere(invention: &Invention<'_>) -> DatabaseIdentity {
    let name = blake3::derive_key("terp-fixtures v1 invented", invention.label.name.as_bytes());
    let mark = format!("{}:{}", invention.word, data_encoding::HEXLOWER.encode(&name[..16]));
    DatabaseIdentity { engine: invention.catalogue.engine, marks: vec![mark] }
}

/// The rows of one table.
struct OfTable<'a> {
    rows: &'a dyn Rows,
    at: usize,
}

impl Supply for OfTable<'_> {
    fn expected(&mut self) -> Result<u64> {
        Ok(self.rows.count(self.at))
    }

    fn supply(&mut self, _: &mut Told<'_>, take: &mut Take<'_>) -> Result<u64> {
        let mut rows = 0;
        for batch in self.rows.batches(self.at) {
            rows += batch.rows().rows() as u64;
            take(Given::Invented(batch))?;
        }
        Ok(rows)
    }
}
