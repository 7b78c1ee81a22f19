//! Chunks into packs into the store, skipping what the store already holds.

use super::Context;
use super::journal::Log;
use super::repository::{Repository, Snapshot};
use super::tombs;
use super::upload::Uploads;
use crate::codec::chunker::Chunk;
use crate::codec::pack::{self, Frame, PackBuilder};
use crate::error::{Error, Result};
use crate::model::journal::{self, Named, Open};
use crate::model::manifest::{ChunkRef, PackRef};
use crate::model::proof::ObjectKind;
use crate::seal;
use crate::secret::Secret32;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The chunk id, 32 bytes.
type Id = [u8; 32];

/// Where a chunk lies: pack, offset and length of its frame.
#[derive(Debug, Clone)]
struct Place {
    pack: u32,
    offset: u64,
    length: u64,
}

/// What the compressing workers share, and what the one packing thread owns.
pub(super) struct Writer<'a> {
    /// For the workers.
    pub(super) known: Known,
    /// For the packer.
    pub(super) packer: Packer<'a>,
}

/// Chunks of earlier snapshots whose packs are there and not marked. Looked up before any compression.
pub(super) struct Known {
    id_key: Secret32,
    packs: Vec<PackRef>,
    places: HashMap<Id, Place>,
    /// Every pack that was there at the beginning, and its length.
    stored: HashMap<String, u64>,
}

/// A chunk after the workers: known, or compressed.
pub(super) enum Cut {
    /// The store has it.
    Known { id: Id, raw: u64, rows: u64, place: (PackRef, u64, u64) },
    /// It must be packed.
    New(Frame),
}

impl<'a> Writer<'a> {
    /// A writer that knows the chunks of `snapshots`.
    pub(super) fn new(repository: &'a Repository, snapshots: &[Snapshot]) -> Result<Self> {
        let id_key = repository.keys().id_key()?.clone();
        let known = Known::new(repository, snapshots, id_key.clone())?;
        let packer = Packer {
            repository,
            uploads: Uploads::new(repository.shared_store()),
            id_key,
            builder: PackBuilder::new(),
            packs: Vec::new(),
            indexes: HashMap::new(),
            fresh: HashMap::new(),
            uploaded_bytes: 0,
            uploaded_packs: 0,
            chunks: 0,
            known_chunks: 0,
            open: Vec::new(),
            saved: Saved::default(),
            log: None,
        };
        Ok(Self { known, packer })
    }

    /// Begins again from the first row, after everything was flushed. What lies in `lost` packs is not known any more; what was uploaded into others is.
    pub(super) fn begin_again(&mut self, lost: &BTreeSet<String>) -> Result<()> {
        let (known, packer) = (&mut self.known, &mut self.packer);
        let base = u32::try_from(known.packs.len()).map_err(|_| Error::store("too many packs"))?;
        known.packs.extend(packer.packs.drain(..).flatten());
        known.places.extend(packer.fresh.drain().map(|(id, at)| (id, Place { pack: base + at.pack, ..at })));
        let Known { packs, places, .. } = known;
        places.retain(|_, place| !lost.contains(&packs[place.pack as usize].name));
        (packer.chunks, packer.known_chunks) = (0, 0);
        packer.indexes.clear();
        packer.open.clear();
        (packer.saved, packer.log) = (Saved::default(), None);
        Ok(())
    }
}

impl Known {
    fn new(repository: &Repository, snapshots: &[Snapshot], id_key: Secret32) -> Result<Self> {
        let marked = tombs::marked(repository)?;
        let stored: HashMap<String, u64> = repository
            .store()
            .list(ObjectKind::Pack)?
            .into_iter()
            .map(|listed| (listed.name.stem().to_owned(), listed.length))
            .filter(|(name, _)| !marked.contains(name))
            .collect();
        let mut known = Self { id_key, packs: Vec::new(), places: HashMap::new(), stored: HashMap::new() };
        let epoch = repository.keys().epoch();
        for manifest in snapshots.iter().map(|snapshot| &snapshot.manifest).filter(|manifest| manifest.epoch == epoch) {
            let base = u32::try_from(known.packs.len()).map_err(|_| Error::store("too many packs"))?;
            known.packs.extend(manifest.packs.iter().cloned());
            for chunk in manifest.tables.iter().flat_map(|table| table.chunks.iter().chain(&table.origins)) {
                let pack = &manifest.packs[chunk.pack as usize];
                if stored.get(&pack.name) == Some(&pack.length) {
                    let place = Place { pack: base + chunk.pack, offset: chunk.offset, length: chunk.length };
                    known.places.insert(id_of(&chunk.id)?, place);
                }
            }
        }
        known.stored = stored;
        Ok(known)
    }

    /// Whether the pack was there at the beginning.
    pub(super) fn has(&self, pack: &PackRef) -> bool {
        self.stored.get(&pack.name) == Some(&pack.length)
    }

    /// Knows the chunks of one more pack, which is there.
    pub(super) fn learn(&mut self, pack: PackRef, chunks: &[journal::Place]) -> Result<()> {
        let number = u32::try_from(self.packs.len()).map_err(|_| Error::store("too many packs"))?;
        self.packs.push(pack);
        for chunk in chunks {
            let place = Place { pack: number, offset: chunk.offset, length: chunk.length };
            self.places.entry(chunk.id).or_insert(place);
        }
        Ok(())
    }

    /// Names a chunk and compresses it, unless the store has it.
    pub(super) fn compress(&self, chunk: &Chunk) -> Result<Cut> {
        let raw = chunk.encoded.bytes();
        let id = pack::chunk_id(&self.id_key, raw);
        if let Some(place) = self.places.get(&id) {
            let place = (self.packs[place.pack as usize].clone(), place.offset, place.length);
            return Ok(Cut::Known { id, raw: raw.len() as u64, rows: chunk.rows, place });
        }
        pack::compress(chunk, id, pack::DEFAULT_LEVEL).map(Cut::New)
    }
}

fn id_of(hex: &str) -> Result<Id> {
    let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Error::store("a chunk id is not 64 hex digits"))
}

/// Fills packs and puts them into the store, in the order of the rows.
pub(super) struct Packer<'a> {
    repository: &'a Repository,
    uploads: Uploads,
    id_key: Secret32,
    builder: PackBuilder,
    /// `None` only for the pack that is being filled.
    packs: Vec<Option<PackRef>>,
    indexes: HashMap<String, u32>,
    fresh: HashMap<Id, Place>,
    /// Bytes of packs uploaded by this capture.
    pub(super) uploaded_bytes: u64,
    /// Packs uploaded by this capture.
    pub(super) uploaded_packs: usize,
    /// Chunks seen.
    pub(super) chunks: u64,
    /// Chunks that were in the store before.
    pub(super) known_chunks: u64,
    /// The chunks of the pack that is being filled.
    open: Vec<journal::Place>,
    /// What the journal knows already.
    saved: Saved,
    /// The journal of the capture, and how to tell.
    pub(super) log: Option<(&'a Context<'a>, Arc<Log>)>,
}

/// So far the journal knows packs, and chunks and bytes of the one that is being filled.
#[derive(Default)]
struct Saved {
    packs: usize,
    chunks: usize,
    bytes: usize,
}

impl Packer<'_> {
    /// The secret that names chunks.
    pub(super) fn id_key(&self) -> &Secret32 {
        &self.id_key
    }

    /// The packs that the manifest names, in the order of the indexes handed out.
    pub(super) fn packs(&self) -> Vec<PackRef> {
        self.packs.iter().flatten().cloned().collect()
    }

    /// Takes the next chunk and says where it lies.
    pub(super) fn add(&mut self, cut: Cut) -> Result<ChunkRef> {
        self.chunks += 1;
        let (id, raw, rows, place) = match cut {
            Cut::Known { id, raw, rows, place: (pack, offset, length) } => {
                self.known_chunks += 1;
                let pack = self.index_of(pack)?;
                (id, raw, rows, Place { pack, offset, length })
            }
            Cut::New(frame) => {
                let (id, raw, rows) = (frame.id, frame.raw, frame.rows);
                let place = match self.fresh.get(&id) {
                    Some(place) => place.clone(),
                    None => self.pack(frame)?,
                };
                (id, raw, rows, place)
            }
        };
        let Place { pack, offset, length } = place;
        Ok(ChunkRef { id: data_encoding::HEXLOWER.encode(&id), pack, offset, length, raw, rows })
    }

    fn index_of(&mut self, pack: PackRef) -> Result<u32> {
        if let Some(&index) = self.indexes.get(&pack.name) {
            return Ok(index);
        }
        // The pack being filled keeps the last index of its own; known packs may take any.
        let index = u32::try_from(self.packs.len()).map_err(|_| Error::store("too many packs"))?;
        self.indexes.insert(pack.name.clone(), index);
        self.packs.push(Some(pack));
        Ok(index)
    }

    fn pack(&mut self, frame: Frame) -> Result<Place> {
        if !self.builder.fits(&frame) {
            self.flush()?;
        }
        let open = self.packs.iter().rposition(Option::is_none);
        let open = open.unwrap_or_else(|| {
            self.packs.push(None);
            self.packs.len() - 1
        });
        let pack = u32::try_from(open).map_err(|_| Error::store("too many packs"))?;
        let (id, length) = (frame.id, frame.length());
        let place = Place { pack, offset: self.builder.push(frame), length };
        self.open.push(journal::Place { id, offset: place.offset, length });
        self.fresh.insert(id, place.clone());
        if self.builder.is_full() {
            self.flush()?;
        }
        Ok(place)
    }

    /// Seals the pack that is being filled, and sends it on its way into the store.
    pub(super) fn flush(&mut self) -> Result<()> {
        if self.builder.is_empty() {
            return Ok(());
        }
        let packed = std::mem::replace(&mut self.builder, PackBuilder::new()).finish();
        let sealed = seal::seal_pack(packed, self.repository.keys())?;
        let pack = PackRef { name: sealed.name().stem().to_owned(), length: sealed.bytes().len() as u64 };
        let open = self.packs.iter().rposition(Option::is_none);
        let chunks = std::mem::take(&mut self.open);
        (self.saved.chunks, self.saved.bytes) = (0, 0);
        if let Some((context, log)) = &self.log {
            log.pack(context, open, &pack, chunks);
        }
        self.uploads.put(sealed)?;
        self.uploaded_bytes += pack.length;
        self.uploaded_packs += 1;
        if let Some(open) = open {
            self.indexes.insert(pack.name.clone(), u32::try_from(open).unwrap_or(u32::MAX));
            self.packs[open] = Some(pack);
        }
        Ok(())
    }

    /// What the journal does not know yet: the number of the first new pack, the new packs, and what came to the one that is
    /// being filled.
    pub(super) fn unsaved(&mut self) -> (u32, Vec<Named>, Option<Open>) {
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let Saved { packs: first, chunks, bytes } = self.saved;
        let packs = self.packs[first..].iter().map(|pack| pack.as_ref().map(|pack| (pack.name.clone(), pack.length)));
        let packs = packs.collect();
        let filled = self.packs.iter().rposition(Option::is_none).filter(|_| self.open.len() > chunks);
        let open = filled.map(|index| Open {
            index: number(index),
            from: bytes as u64,
            chunks: self.open[chunks..].to_vec(),
            frames: journal::Bytes(self.builder.bytes()[bytes..].to_vec()),
        });
        self.saved = Saved { packs: self.packs.len(), chunks: self.open.len(), bytes: self.builder.bytes().len() };
        (number(first), packs, open)
    }

    /// Goes on where another capture stopped: with its packs, and the frames and chunks of the one that it was filling.
    pub(super) fn go_on(&mut self, packs: Vec<Option<PackRef>>, frames: Vec<u8>, chunks: Vec<journal::Place>) {
        let named = (0..).zip(&packs).filter_map(|(index, pack)| Some((pack.as_ref()?.name.clone(), index)));
        self.indexes = named.collect();
        let open = packs.iter().rposition(Option::is_none).and_then(|open| u32::try_from(open).ok());
        for (pack, chunk) in open.into_iter().flat_map(|open| chunks.iter().map(move |chunk| (open, chunk))) {
            self.fresh.insert(chunk.id, Place { pack, offset: chunk.offset, length: chunk.length });
        }
        self.saved = Saved { packs: packs.len(), chunks: chunks.len(), bytes: frames.len() };
        self.packs = packs;
        self.builder = PackBuilder::holding(frames);
        self.open = chunks;
    }

    /// Sends the last pack on its way, and waits until every pack is durable.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.flush()?;
        self.uploads.barrier()
    }
}
