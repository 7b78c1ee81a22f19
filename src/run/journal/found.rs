//! What an interrupted capture left behind: read and verified, then held against what the store has, then taken.

use super::log::{Slot, Writing};
use super::pack_ref;
use crate::codec::journal as codec;
use crate::error::{Error, Result};
use crate::model::journal::{Bytes, Chunk, Head, Open, PackBegun, Place, Record, TableDone};
use crate::model::manifest::{ChunkRef, PackRef, TableEntry};
use crate::run::capture_table::Proofs;
use crate::run::writer::{Known, Packer};
use crate::seal::JournalKeys;
use std::collections::{BTreeMap, HashSet, VecDeque};

/// The journal of an interrupted capture.
pub(super) struct Found {
    head: Head,
    /// Every pack that it began to upload, in order.
    begun: Vec<PackBegun>,
    /// Finished tables, in order, without what was seen of them and without frames.
    tables: Vec<Finished>,
    /// The packs that the finished tables lie in; none for one that was not full yet.
    packs: Vec<Option<PackRef>>,
    writing: Option<Writing>,
}

struct Finished {
    done: TableDone,
    /// The records that tell what was seen of it, its own the last.
    records: Vec<u64>,
}

impl Found {
    /// Reads the journal; none where there is none.
    ///
    /// # Errors
    /// Kind `Store` when anything in it is not as it was written.
    pub(super) fn read(slot: &Slot, keys: &JournalKeys) -> Result<Option<Self>> {
        let damaged = || Error::store("the journal is damaged");
        let (mut head, mut begun, mut tables, mut records) = (None, Vec::new(), Vec::<Finished>::new(), Vec::new());
        let writing = slot.read(keys, &mut |number, record| {
            match record {
                Record::Head(first) if number == 0 => head = Some(first),
                Record::Head(_) => return Err(damaged()),
                _ if number == 0 => return Err(damaged()),
                Record::Pack(pack) => begun.push(pack),
                Record::Seen(_) => records.push(number),
                Record::Table(mut done) => {
                    records.push(number);
                    done.seen = Vec::new();
                    if let Some(open) = &mut done.open {
                        open.frames = Bytes(Vec::new());
                    }
                    tables.push(Finished { done: *done, records: std::mem::take(&mut records) });
                }
                Record::Again(kept) => {
                    records.clear();
                    tables.truncate(kept as usize);
                }
            }
            Ok(())
        })?;
        Ok(head.map(|head| Self { head, begun, tables, packs: Vec::new(), writing }))
    }

    /// What the capture was.
    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// What is other than in the capture that is to go on; none where nothing is.
    pub(super) fn differs(&self, now: &Head) -> Option<String> {
        let same = |part: &&(String, String)| !self.head.bound.contains(part);
        let other = now.bound.iter().find(same).map(|(what, _)| what.clone());
        other.or_else(|| (self.head.bound.len() != now.bound.len()).then(|| "program".to_owned()))
    }

    /// The packs that arrived and are still there.
    pub(super) fn packs(&self, known: &Known) -> Vec<PackBegun> {
        let mut names = HashSet::new();
        let there = self.begun.iter().filter(|pack| known.has(&pack_ref(pack)) && names.insert(&pack.name));
        there.cloned().collect()
    }

    /// Finds the packs of the finished tables, and forgets tables from the first one on that lies in none. Gives how many are
    /// left.
    pub(super) fn settle(&mut self, known: &Known) -> u32 {
        loop {
            self.packs = self.listed(known);
            let missing = self.tables.iter().position(|table| !self.is_there(&table.done, known));
            let open = self.packs.iter().filter(|pack| pack.is_none()).count();
            match missing {
                Some(at) => self.tables.truncate(at),
                None if open > 1 => self.tables.clear(),
                None => return u32::try_from(self.tables.len()).unwrap_or(u32::MAX),
            }
        }
    }

    /// The packs of all tables, those that were filled later among them.
    fn listed(&mut self, known: &Known) -> Vec<Option<PackRef>> {
        let mut packs: Vec<Option<PackRef>> = Vec::new();
        for at in 0..self.tables.len() {
            let done = &self.tables[at].done;
            if done.first_pack as usize != packs.len() {
                self.tables.truncate(at);
                break;
            }
            let named = |pack: &Option<(String, u64)>| {
                pack.as_ref().map(|(name, length)| PackRef { name: name.clone(), length: *length })
            };
            packs.extend(done.packs.iter().map(named));
        }
        let chunks =
            |table: &Finished| table.done.chunks.iter().chain(&table.done.origins).copied().collect::<Vec<_>>();
        let mut wanted: BTreeMap<u32, Vec<Place>> = BTreeMap::new();
        for chunk in self.tables.iter().flat_map(chunks) {
            if packs.get(chunk.pack as usize).is_some_and(Option::is_none) {
                wanted.entry(chunk.pack).or_default().push(chunk.place);
            }
        }
        for (index, places) in wanted {
            let holds = |pack: &&PackBegun| {
                pack.index == index
                    && known.has(&pack_ref(pack))
                    && places.iter().all(|place| pack.chunks.contains(place))
            };
            if let Some(pack) = self.begun.iter().find(holds) {
                packs[index as usize] = Some(pack_ref(pack));
            }
        }
        packs
    }

    /// Whether every chunk of a table can be had: from a pack that is there, or from the frames of the one that was being
    /// filled, which is the last of those that are not.
    fn is_there(&self, done: &TableDone, known: &Known) -> bool {
        let last = self.packs.iter().rposition(Option::is_none);
        let frames: HashSet<[u8; 32]> = self.frames().flat_map(|open| &open.chunks).map(|place| place.id).collect();
        done.chunks.iter().chain(&done.origins).all(|chunk| match self.packs.get(chunk.pack as usize) {
            Some(Some(pack)) => known.has(pack),
            Some(None) => Some(chunk.pack as usize) == last && frames.contains(&chunk.place.id),
            None => false,
        })
    }

    /// What there is of the pack that was being filled.
    fn frames(&self) -> impl Iterator<Item = &Open> {
        let last = self.packs.iter().rposition(Option::is_none);
        let opens = self.tables.iter().filter_map(|table| table.done.open.as_ref());
        opens.filter(move |open| Some(open.index as usize) == last)
    }

    /// Takes the finished tables, and what there is of the pack that was being filled.
    pub(super) fn take(
        &self,
        keys: &JournalKeys,
        packer: &mut Packer<'_>,
        Proofs { scans, closure, unique, dangling }: &mut Proofs<'_>,
        taken: &mut VecDeque<TableEntry>,
    ) -> Result<()> {
        let damaged = || {
            Error::store("the journal of the interrupted capture was changed while it was read")
                .hint("Run the capture with --no-resume.")
        };
        let writing = self.writing.as_ref().ok_or_else(damaged)?;
        let last = self.packs.iter().rposition(Option::is_none);
        let (mut frames, mut chunks) = (Vec::new(), Vec::new());
        for table in &self.tables {
            for &number in &table.records {
                let (seen, open) = match writing.again(keys, number)? {
                    Record::Seen(seen) => (seen, None),
                    Record::Table(done) => (done.seen, done.open),
                    _ => return Err(damaged()),
                };
                for piece in &seen {
                    closure.absorb(piece);
                    scans.restore(|scan| scan.absorb(piece));
                }
                if let Some(open) = open.filter(|open| Some(open.index as usize) == last) {
                    if open.from != frames.len() as u64 {
                        return Err(damaged());
                    }
                    frames.extend(open.frames.0);
                    chunks.extend(open.chunks);
                }
            }
            let done = &table.done;
            scans.restore(|scan| scan.add(&done.counts));
            closure.add_rows(&done.references);
            let [constraints, rows, sampled] = done.unique;
            unique.constraints += constraints;
            unique.rows += rows;
            unique.sampled += sampled;
            for (sum, count) in dangling.iter_mut().zip(&done.dangling) {
                *sum += count;
            }
            let mut entry = codec::entry_of(&done.entry)?;
            entry.chunks = done.chunks.iter().map(chunk_ref).collect();
            entry.origins = done.origins.iter().map(chunk_ref).collect();
            let count = (entry.chunks.len() + entry.origins.len()) as u64;
            packer.chunks += count;
            packer.known_chunks += count;
            taken.push_back(entry);
        }
        packer.go_on(self.packs.clone(), frames, chunks);
        Ok(())
    }

    /// The journal, to be written on.
    pub(super) fn writing(self) -> Option<Writing> {
        self.writing
    }
}

fn chunk_ref(chunk: &Chunk) -> ChunkRef {
    let Chunk { pack, place, raw, rows } = *chunk;
    ChunkRef {
        id: data_encoding::HEXLOWER.encode(&place.id),
        pack,
        offset: place.offset,
        length: place.length,
        raw,
        rows,
    }
}
