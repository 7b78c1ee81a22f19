//! The backup before a rollback: an encrypted snapshot of the rows that it will touch, as they are now, published and read back
//! before the first of them changes.
//!
//! The rows go through the same doors as those of a capture. Every column is kept, because a backup is restored into the very
//! database that it was made of, and nowhere else.

use super::audit;
use super::capture::empty_entry;
use super::packs::PackReader;
use super::publish::{self, Content, Kind, Label, Published, publish};
use super::references::dangling;
use super::repository::{Repository, Snapshot};
use super::state;
use super::writer::Writer;
use super::{Context, now};
use crate::codec::chunker::{Chunk, Chunker, DEFAULT_TARGET};
use crate::codec::{pack, rows};
use crate::engine::Target;
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::mask::key::{Keyring, MasterKey};
use crate::mask::{self, ColumnMask, Known, Params, Site};
use crate::model::manifest::{self, ClosureResult, LeakResult, PolicyProof, Results, TableEntry, UniqueResult};
use crate::model::schema::{Catalogue, Table, TableName, Traces};
use crate::policy::Mode;
use std::collections::{BTreeMap, BTreeSet};

/// Where backups go, and what they are called.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// The store.
    pub repository: &'a Repository,
    /// The target as people call it, for the name.
    pub database: String,
    /// The target's address without passwords, for the audit trail.
    pub address: String,
    /// When a backup expires, RFC 3339.
    pub expires: Option<String>,
}

/// What is backed up, and what for.
pub(super) struct Wanted<'a> {
    /// The run that is rolled back.
    pub(super) run: &'a str,
    /// What the target is, as far as it is known.
    pub(super) environment: &'a str,
    /// The rows `t` of each table.
    pub(super) parts: Vec<(TableName, Sql)>,
}

/// Publishes the backup, with its entry in the store's audit trail, and reads every row of it back.
pub(super) fn back_up(
    context: &Context<'_>,
    target: &mut dyn Target,
    live: &Catalogue,
    place: &Place<'_>,
    wanted: &Wanted<'_>,
) -> Result<Snapshot> {
    let repository = place.repository;
    repository.check_current()?;
    context.stage("backing up the rows that the rollback touches");
    let (snapshots, _) = repository.snapshots()?;
    let mut writer = Writer::new(repository, &snapshots)?;
    let schema = schema_of(live, wanted);
    let keep = Keep::new(wanted.environment)?;
    for _ in 0..publish::ROUNDS {
        let mut tables = Vec::new();
        for table in &schema.tables {
            let Some((_, rows)) = wanted.parts.iter().find(|(name, _)| *name == table.name) else { continue };
            let entry = entry(context, target, &mut writer, (table, rows), &keep);
            tables.push(entry.map_err(|error| error.within(format!("table {}", table.name)))?);
        }
        writer.packer.finish()?;
        let dangling = dangling(target, live, &[])?;
        let label = Label {
            name: format!("backup-{}-{}", place.database, now().replace(['-', ':'], "")),
            environment: wanted.environment.to_owned(),
            policy: keep.proof(),
            expires: place.expires.clone(),
            tags: BTreeSet::new(),
        };
        let content = Content {
            source: target.identity()?,
            schema: schema.clone(),
            results: Results {
                closure: ClosureResult { dangling, ..ClosureResult::default() },
                leaks: LeakResult::default(),
                unique: UniqueResult::default(),
            },
            tables,
            subset: None,
            kind: Kind::Backup(manifest::Backup { run: wanted.run.to_owned() }),
        };
        let manifest = publish::manifest(repository, snapshots.last(), &label, content, writer.packer.packs())?;
        match publish(context, repository, &manifest)? {
            Published::Done(snapshot, _) => return proved(context, place, *snapshot, wanted.run),
            Published::Lost(packs) => writer.begin_again(&packs)?,
        }
    }
    Err(publish::always_lost())
}

/// Writes the backup into the audit trail, and reads it back as a restore would.
fn proved(context: &Context<'_>, place: &Place<'_>, snapshot: Snapshot, run: &str) -> Result<Snapshot> {
    let mut deed = audit::captured(&snapshot, place.address.clone());
    deed.run = Some(run.to_owned());
    audit::record(place.repository, deed)?;
    let manifest = &snapshot.manifest;
    let packs = PackReader::new(place.repository, manifest.epoch)?;
    let damaged = |entry: &TableEntry| {
        Error::store(format!("table {}: the backup that was read back is not the one that was written", entry.table))
    };
    for entry in &manifest.tables {
        context.cancel.check()?;
        let table = manifest.schema.table(&entry.table).ok_or_else(|| damaged(entry))?;
        let layout = rows::Layout::new(manifest.schema.engine, table);
        let mut stream = blake3::Hasher::new();
        packs.reading(&manifest.packs, &entry.chunks, || -> Result<()> {
            for chunk in &entry.chunks {
                let packed = packs.pack(&manifest.packs[chunk.pack as usize])?;
                let encoded = pack::open_chunk(&packed, chunk, packs.keys().id_key()?)?;
                rows::decode(&encoded, &layout)?;
                stream.update(encoded.bytes());
            }
            Ok(())
        })?;
        if stream.finalize().to_hex().as_str() != entry.digest {
            return Err(damaged(entry));
        }
    }
    Ok(snapshot)
}

/// The catalogue of the tables that are backed up, and what hangs on them.
fn schema_of(live: &Catalogue, wanted: &Wanted<'_>) -> Catalogue {
    let travels = |name: &TableName| wanted.parts.iter().any(|(part, _)| part == name);
    let mut schema = Catalogue { own: Traces::default(), ..live.clone() };
    schema.tables.retain(|table| travels(&table.name));
    schema.post.retain(|object| object.table.as_ref().is_none_or(travels));
    schema
}

/// One table's rows on their way into the store.
fn entry(
    context: &Context<'_>,
    target: &mut dyn Target,
    writer: &mut Writer<'_>,
    (table, condition): (&Table, &Sql),
    keep: &Keep,
) -> Result<TableEntry> {
    let engine = target.engine();
    let columns = keep.columns(table)?;
    let layout = rows::Layout::new(engine, table).with_cut_key(pack::cut_key(writer.packer.id_key()));
    let mut entry = empty_entry(table);
    Mode::Capture.word().clone_into(&mut entry.mode);
    entry.masks = columns.iter().map(|column| (column.column.clone(), column.name.to_owned())).collect();
    let Writer { known, packer } = writer;
    let mut chunks = Vec::new();
    let mut emit = |chunk: Chunk| {
        chunks.push(packer.add(known.compress(&chunk)?)?);
        Ok(())
    };
    let mut chunker = Chunker::new(DEFAULT_TARGET);
    let mut stream = blake3::Hasher::new();
    target.read(&state::rows_where(engine, table, condition), &mut |batch| {
        context.cancel.check()?;
        let about =
            mask::Rows { table: &table.name, columns: &columns, extras: 0, first: entry.rows, known: Known::NOTHING };
        entry.rows += batch.rows() as u64;
        let encoded = rows::encode(mask::apply(about, batch)?, &layout);
        stream.update(encoded.bytes());
        entry.bytes += encoded.bytes().len() as u64;
        chunker.push(&encoded, &mut emit)
    })?;
    chunker.finish(&mut emit)?;
    entry.digest = stream.finalize().to_hex().to_string();
    entry.chunks = chunks;
    Ok(entry)
}

/// The decision to keep every column. No mask at work here has a key, so that of the site is made up and forgotten.
struct Keep {
    master: MasterKey,
    ring: Keyring,
}

impl Keep {
    fn new(environment: &str) -> Result<Self> {
        let master = MasterKey::generate()?;
        let ring = Keyring::new(&master, "backup", environment, 1);
        Ok(Self { master, ring })
    }

    fn columns(&self, table: &Table) -> Result<Vec<ColumnMask>> {
        let columns = table.stored_columns().into_iter().map(|at| &table.columns[at]);
        columns
            .map(|column| {
                let site = Site::free(&self.ring, "", column.family);
                ColumnMask::build(&mask::KEEP, &column.name, &site, Params::default())
            })
            .collect()
    }

    /// What decided the masking: no policy, but this rule.
    fn proof(&self) -> PolicyProof {
        PolicyProof {
            file: "backup".to_owned(),
            digest: blake3::hash(b"a backup before a rollback keeps every column").to_hex().to_string(),
            dictionaries: BTreeMap::new(),
            key_id: self.master.key_id(),
            generation: 1,
            key_check: String::new(),
            masks: BTreeMap::from([(mask::KEEP.name.to_owned(), mask::KEEP.version)]),
            lock: None,
            reviewed: None,
            approvals: Vec::new(),
        }
    }
}
