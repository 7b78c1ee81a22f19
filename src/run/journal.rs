//! The journal of a capture: what a later one needs to go on where this one was interrupted. It lies on this machine, encrypted
//! to the member itself, is believed only where everything fits, and goes once the snapshot is published.
//!
//! A finished table is taken from the journal while the source is provably in the state that was read; what the proofs at the
//! end have to know of its rows is in the journal too. Else rows are read again, and only what is uploaded already is not
//! uploaded twice: the packs that the journal names and the store still lists.

mod bound;
mod found;
mod log;

use super::Context;
use super::capture_table::Proofs;
use super::closure::Closure;
use super::scans::Scans;
use super::writer::{Packer, Writer};
use crate::codec::journal as codec;
use crate::engine::Source;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::model::journal::{Chunk, Head, PackBegun, Piece, Place, Record, TableDone};
use crate::model::manifest::{ChunkRef, PackRef, TableEntry, UniqueResult};
use crate::model::schema::{Catalogue, TableName};
use crate::policy::Plan;
use crate::run::capture::Options;
use crate::run::repository::Repository;
use crate::seal::JournalKeys;
use crate::secret::Secret32;
use found::Found;
use log::{Slot, Writing};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Prints of one record: some 4 MiB at most.
const RECORD: usize = 1 << 17;

/// How a capture may be interrupted and continued.
#[derive(Debug, Clone, Copy, Default)]
pub struct Resume<'a> {
    /// Where journals lie; without it none is kept.
    pub folder: Option<&'a Path>,
    /// What becomes of the journal of an interrupted capture.
    pub how: How,
}

/// What becomes of the journal of an interrupted capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum How {
    /// The capture goes on with it where everything fits, and says so.
    #[default]
    Continue,
    /// As `Continue`, and says so where there is none.
    Asked,
    /// It is thrown away.
    Anew,
}

/// What a capture took from the journal of an interrupted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resumed {
    /// Finished tables, which were not read again.
    pub tables: u64,
    /// Packs, whose chunks were not uploaded again.
    pub packs: u64,
}

/// The journal that a capture writes.
pub(super) struct Log {
    keys: Option<JournalKeys>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    slot: Option<Slot>,
    writing: Option<Writing>,
}

/// The journal of a capture that is about to begin.
pub(super) struct Journal {
    log: Log,
    head: Head,
    /// What an interrupted capture left.
    found: Option<Found>,
    /// Whether the source is in the state that it read.
    same: bool,
}

/// What was taken from the journal.
#[derive(Default)]
pub(super) struct Taken {
    /// Entries of finished tables, in order.
    pub(super) tables: VecDeque<TableEntry>,
    /// How much.
    pub(super) resumed: Resumed,
}

impl Taken {
    /// The entry of the table, if the journal has it. Tables are finished in order, so it is the next one or none.
    pub(super) fn next(&mut self, context: &Context<'_>, table: &TableName) -> Result<Option<TableEntry>> {
        let Some(entry) = self.tables.pop_front() else { return Ok(None) };
        if &entry.table != table {
            return Err(Error::store("the journal of the interrupted capture names other tables")
                .hint("Run the capture with --no-resume."));
        }
        context.report.event(&Event::TableDone {
            table: entry.table.clone(),
            rows: entry.rows,
            bytes: entry.bytes,
            millis: 0,
            how: "journal".to_owned(),
        });
        Ok(Some(entry))
    }
}

impl Journal {
    /// Looks for the journal of an interrupted capture. Whatever is wrong with it or its folder, the capture goes its way.
    pub(super) fn open(
        context: &Context<'_>,
        resume: &Resume<'_>,
        repository: &Repository,
        source: &mut dyn Source,
        (catalogue, plan, options): (&Catalogue, &Plan, &Options),
    ) -> Result<Self> {
        let head = Head { bound: Vec::new(), token: None, scan_key: [0; 32], closure_key: [0; 2], dangling: None };
        let log = Log { keys: None, state: Mutex::default() };
        let mut journal = Self { log, head, found: None, same: false };
        let Some(root) = resume.folder.filter(|_| !options.dry_run) else { return Ok(journal) };
        let (name, bound) = bound::bound(repository, source, catalogue, plan, options)?;
        let slot = match Slot::take(root, &name) {
            Ok(Some(slot)) => slot,
            Ok(None) => {
                context.note("another capture of this source is under way, so this one keeps no journal");
                return Ok(journal);
            }
            Err(error) => {
                let error = Error::store(format!("no journal can be kept in {}", root.display())).caused_by(error);
                context.warn(told(&error), Some("If the capture is interrupted, the next one begins anew.".into()));
                return Ok(journal);
            }
        };
        let keys = JournalKeys::of(repository.signer())?;
        journal.head = Head { bound, token: source.token()?, ..journal.head };
        if resume.how == How::Anew {
            slot.clear().unwrap_or_else(|error| context.warn(told(&error), None));
        } else {
            journal.look(context, resume.how, &slot, &keys);
        }
        journal.log.keys = Some(keys);
        journal.log.state = Mutex::new(State { slot: Some(slot), writing: None });
        Ok(journal)
    }

    /// Reads what an interrupted capture left, and says in one line what comes of it.
    fn look(&mut self, context: &Context<'_>, how: How, slot: &Slot, keys: &JournalKeys) {
        let why = match Found::read(slot, keys) {
            Ok(None) => {
                if how == How::Asked {
                    context.note("there is no interrupted capture of this source to continue, so this one begins anew");
                }
                return;
            }
            Ok(Some(found)) => match found.differs(&self.head) {
                None => {
                    self.same = self.head.token.is_some() && found.head().token == self.head.token;
                    self.found = Some(found);
                    return;
                }
                Some(what) => format!("the {what} changed since"),
            },
            Err(_) => "it is damaged or of another version".to_owned(),
        };
        context.note(format!("the journal of an interrupted capture is not used, because {why}: this one begins anew"));
    }

    /// Per reference, what dangles in the source, where the interrupted capture asked and nothing changed since.
    pub(super) fn dangling(&self) -> Option<Vec<u64>> {
        self.found.as_ref().filter(|_| self.same)?.head().dangling.clone()
    }

    /// The scans and the proof of this capture, with the keys of the one that it continues.
    pub(super) fn keyed<'a>(
        mut self,
        scans: Scans,
        closure: Closure<'a>,
        dangling: &[u64],
    ) -> (Scans, Closure<'a>, Self) {
        if let Some(found) = self.found.as_ref().filter(|_| self.same) {
            self.head = found.head().clone();
            let (scan_key, closure_key) = (Secret32::new(self.head.scan_key), self.head.closure_key);
            return (scans.keyed(scan_key), closure.keyed(closure_key), self);
        }
        (self.head.scan_key, self.head.closure_key) = (*scans.key().expose(), closure.key());
        self.head.dangling = Some(dangling.to_vec());
        (scans, closure, self)
    }

    /// Takes what can be taken, and begins to write.
    pub(super) fn begin(
        self,
        context: &Context<'_>,
        writer: &mut Writer<'_>,
        proofs: &mut Proofs<'_>,
    ) -> Result<(Log, Taken)> {
        let Self { log, head, found, same } = self;
        let mut taken = Taken::default();
        let Some(keys) = &log.keys else { return Ok((log, taken)) };
        let mut records = vec![Record::Head(head)];
        let mut writing = None;
        if let Some(mut found) = found {
            let packs = found.packs(&writer.known);
            packs.iter().try_for_each(|pack| writer.known.learn(pack_ref(pack), &pack.chunks))?;
            taken.resumed.packs = packs.len() as u64;
            if same {
                let tables = found.settle(&writer.known);
                found.take(keys, &mut writer.packer, proofs, &mut taken.tables)?;
                taken.resumed.tables = u64::from(tables);
                let mut going_on = found.writing();
                log.attempt(context, &mut going_on, &Record::Again(tables));
                writing = going_on;
            } else {
                records.extend(packs.into_iter().map(Record::Pack));
            }
            context.note(taken.resumed.told(same));
        }
        {
            let mut state = log.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.writing = match (&state.slot, writing, same) {
                (_, Some(writing), _) => Some(writing),
                (Some(slot), None, _) => slot.begin(keys, &records).map_err(|error| give_up(context, &error)).ok(),
                (None, None, _) => None,
            };
        }
        Ok((log, taken))
    }
}

impl Resumed {
    /// What is taken from the journal, for people.
    fn told(self, same: bool) -> String {
        let (tables, packs) = (self.tables, self.packs);
        if same {
            return format!(
                "continuing an interrupted capture: finished tables {tables}, uploaded packs {packs}; the source did not change since"
            );
        }
        format!(
            "continuing an interrupted capture: uploaded packs {packs}; rows are read again, because the source may have changed since"
        )
    }
}

impl Log {
    /// Writes a record down; where that fails the capture goes on without a journal.
    fn write(&self, context: &Context<'_>, record: &Record) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.attempt(context, &mut state.writing, record);
    }

    fn attempt(&self, context: &Context<'_>, writing: &mut Option<Writing>, record: &Record) {
        let (Some(keys), Some(open)) = (&self.keys, writing.as_mut()) else { return };
        if let Err(error) = open.append(keys, record) {
            give_up(context, &error);
            *writing = None;
        }
    }

    fn is_written(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).writing.is_some()
    }

    /// A pack is about to be uploaded. Told before, so that a capture that is killed in between does not upload it twice.
    pub(super) fn pack(&self, context: &Context<'_>, index: Option<usize>, pack: &PackRef, chunks: Vec<Place>) {
        let index = index.and_then(|index| u32::try_from(index).ok()).unwrap_or(u32::MAX);
        let begun = PackBegun { index, name: pack.name.clone(), length: pack.length, chunks };
        self.write(context, &Record::Pack(begun));
    }

    /// A table is finished. `before` it the proofs said so much of unique keys and of dangling rows.
    pub(super) fn table(
        &self,
        context: &Context<'_>,
        packer: &mut Packer<'_>,
        Proofs { scans, closure, unique, dangling }: &Proofs<'_>,
        entry: &TableEntry,
        before: &(UniqueResult, Vec<u64>),
    ) -> Result<()> {
        if !self.is_written() {
            return Ok(());
        }
        let (mut seen, mut held) = (Vec::new(), 0);
        let mut each = |piece: Piece| {
            held += piece.len();
            seen.push(piece);
            if held >= RECORD {
                self.write(context, &Record::Seen(std::mem::take(&mut seen)));
                held = 0;
            }
            Ok(())
        };
        closure.save(&entry.table, &mut each)?;
        let counts = scans.finish_table(|scan| scan.save(&mut each).map(|()| scan.counts()))?;
        let (first_pack, packs, open) = packer.unsaved();
        let done = TableDone {
            entry: codec::entry_text(entry)?,
            chunks: entry.chunks.iter().map(chunk).collect::<Result<_>>()?,
            origins: entry.origins.iter().map(chunk).collect::<Result<_>>()?,
            first_pack,
            packs,
            open,
            counts,
            references: closure.rows(&entry.table),
            unique: [
                unique.constraints - before.0.constraints,
                unique.rows - before.0.rows,
                unique.sampled - before.0.sampled,
            ],
            dangling: dangling.iter().zip(&before.1).map(|(now, before)| now - before).collect(),
            seen,
        };
        self.write(context, &Record::Table(Box::new(done)));
        Ok(())
    }

    /// The snapshot is published: nothing is left to go on with.
    pub(super) fn finish(&self, context: &Context<'_>) {
        let state = std::mem::take(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(slot) = state.slot {
            slot.leave().unwrap_or_else(|error| {
                context.warn(told(&error), Some("The snapshot is published; the journal may be deleted.".into()));
            });
        }
    }
}

/// Whether the only journal in `root` can be read by the member that signs with `signer`; none where it cannot be taken.
#[cfg(test)]
pub(super) fn is_readable(root: &Path, signer: &crate::seal::Signer) -> Option<bool> {
    let name = std::fs::read_dir(root).ok()?.next()?.ok()?.file_name();
    let slot = Slot::take(root, name.to_str()?).ok()??;
    Some(matches!(Found::read(&slot, &JournalKeys::of(signer).ok()?), Ok(Some(_))))
}

fn give_up(context: &Context<'_>, error: &Error) {
    context
        .warn(told(error), Some("If the capture is interrupted, the next one goes on where the journal ends.".into()));
}

/// An error and its causes in one line.
fn told(error: &Error) -> String {
    std::iter::once(error.what().to_owned()).chain(error.causes()).collect::<Vec<_>>().join(": ")
}

fn pack_ref(pack: &PackBegun) -> PackRef {
    PackRef { name: pack.name.clone(), length: pack.length }
}

fn chunk(chunk: &ChunkRef) -> Result<Chunk> {
    let id = data_encoding::HEXLOWER.decode(chunk.id.as_bytes()).ok().and_then(|id| id.try_into().ok());
    let id = id.ok_or_else(|| Error::internal("a chunk id is not 64 hex digits"))?;
    let place = Place { id, offset: chunk.offset, length: chunk.length };
    Ok(Chunk { pack: chunk.pack, place, raw: chunk.raw, rows: chunk.rows })
}
