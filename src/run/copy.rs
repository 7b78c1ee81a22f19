//! `copy`: snapshots from one store into another. Rows are opened, named by the other store's key, and encrypted to its members;
//! no plaintext is written anywhere. What snapshots of the other store hold already is not uploaded.

use super::packs::PackReader;
use super::publish::{self, Published};
use super::repository::{Repository, Snapshot};
use super::writer::{Packer, Writer};
use super::{Context, audit, millis, now};
use crate::codec::chunker::Chunk;
use crate::codec::pack;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::model::manifest::{ChunkRef, Copied, Manifest};
use std::collections::BTreeSet;
use std::time::Instant;

/// What a copy did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The snapshot in the other store.
    pub snapshot: Snapshot,
    /// Whether it was there already, so that nothing was done.
    pub unchanged: bool,
    /// Chunks, and how many of them the other store had.
    pub chunks: (u64, u64),
    /// Packs uploaded.
    pub uploaded_packs: usize,
    /// Bytes uploaded, packs and manifest.
    pub uploaded_bytes: u64,
    /// How long it took.
    pub millis: u64,
}

/// Copies a snapshot; `tags` are those that it has now. The copy's signer is whoever opened `to`.
///
/// # Errors
/// Kind `Guard` when it has expired; kind `Store` when rows cannot be read or the other store cannot be written. Nothing is
/// published then.
pub fn copy(
    context: &Context<'_>,
    from: &Repository,
    snapshot: &Snapshot,
    to: &Repository,
    tags: &BTreeSet<String>,
) -> Result<Outcome> {
    let start = Instant::now();
    if from.id() == to.id() {
        return Err(Error::usage("both are the same store").hint("Name another one with --to."));
    }
    if let Some(expires) = snapshot.manifest.expires.as_ref().filter(|_| snapshot.is_expired()) {
        return Err(Error::guard(format!("snapshot {} expired on {expires}", snapshot.label()))
            .hint("An expired snapshot is not copied; capture a new one."));
    }
    context.stage("reading what the other store already holds");
    let (there, damaged) = to.snapshots()?;
    for damage in damaged {
        context.warn(format!("{damage}; nothing is shared with it"), None);
    }
    if let Some(copied) = there.iter().find(|other| is_copy_of(other, from, snapshot)) {
        let outcome = Outcome {
            snapshot: copied.clone(),
            unchanged: true,
            chunks: (0, 0),
            uploaded_packs: 0,
            uploaded_bytes: 0,
            millis: millis(start),
        };
        return Ok(outcome);
    }
    let packs = PackReader::new(from, snapshot.manifest.epoch)?;
    let reading = Reading { context, packs: &packs, snapshot };
    let mut writer = Writer::new(to, &there)?;
    for _ in 0..publish::ROUNDS {
        let mut manifest = snapshot.manifest.clone();
        reading.tables(&mut writer, &mut manifest)?;
        context.stage("writing the manifest");
        moved(&mut manifest, (from, snapshot), (to, there.last()), &writer.packer, tags.clone())?;
        match publish::publish(context, to, &manifest)? {
            Published::Done(snapshot, manifest_bytes) => {
                return Ok(Outcome {
                    snapshot: *snapshot,
                    unchanged: false,
                    chunks: (writer.packer.chunks, writer.packer.known_chunks),
                    uploaded_packs: writer.packer.uploaded_packs,
                    uploaded_bytes: writer.packer.uploaded_bytes + manifest_bytes,
                    millis: millis(start),
                });
            }
            Published::Lost(packs) => {
                context.note(format!("{} packs are about to be deleted there; the copy begins again", packs.len()));
                writer.begin_again(&packs)?;
            }
        }
    }
    Err(publish::always_lost())
}

fn is_copy_of(other: &Snapshot, from: &Repository, snapshot: &Snapshot) -> bool {
    other.manifest.copied.last().is_some_and(|last| last.repo == from.id() && last.id == snapshot.id)
}

/// Makes the manifest one of the other store. When it was captured, how it was masked and what was checked stay as they were.
fn moved(
    manifest: &mut Manifest,
    (from, snapshot): (&Repository, &Snapshot),
    (to, newest): (&Repository, Option<&Snapshot>),
    packer: &Packer<'_>,
    tags: BTreeSet<String>,
) -> Result<()> {
    to.id().clone_into(&mut manifest.repo);
    manifest.epoch = to.keys().epoch();
    manifest.seq = newest.map_or(1, |newest| newest.manifest.seq + 1);
    manifest.prev = newest.map(|newest| newest.id.clone());
    manifest.packs = packer.packs();
    manifest.audit = (!to.is_public()).then(|| audit::head(to)).transpose()?;
    manifest.tags = tags;
    manifest.copied.push(Copied {
        repo: from.id().to_owned(),
        id: snapshot.id.clone(),
        signer: snapshot.signer.to_string(),
        time: now(),
    });
    Ok(())
}

struct Reading<'a> {
    context: &'a Context<'a>,
    packs: &'a PackReader<'a>,
    snapshot: &'a Snapshot,
}

impl Reading<'_> {
    /// Brings all tables over, and puts into the manifest where their chunks lie now.
    fn tables(&self, writer: &mut Writer<'_>, manifest: &mut Manifest) -> Result<()> {
        for entry in &mut manifest.tables {
            self.context.cancel.check()?;
            let start = Instant::now();
            let place = format!("table {}", entry.table);
            self.context.report.event(&Event::TableStarted { table: entry.table.clone(), rows: Some(entry.rows) });
            let digest = self.chunks(writer, &mut entry.chunks).map_err(|error| error.within(&place))?;
            if digest != entry.digest {
                return Err(Error::store(format!("{place}: the rows are not the ones that the manifest describes"))
                    .hint("Run 'terp-fixtures verify --read-data'; it names the damaged objects."));
            }
            self.chunks(writer, &mut entry.origins).map_err(|error| error.within(&place))?;
            self.context.report.event(&Event::TableDone {
                table: entry.table.clone(),
                rows: entry.rows,
                bytes: entry.bytes,
                millis: millis(start),
                how: "copied".to_owned(),
            });
        }
        writer.packer.finish()
    }

    /// Brings chunks over, and puts into their place where they lie now. Gives the digest of their rows.
    fn chunks(&self, writer: &mut Writer<'_>, chunks: &mut [ChunkRef]) -> Result<String> {
        let mut stream = blake3::Hasher::new();
        for chunk in chunks {
            self.context.cancel.check()?;
            let packed = self.packs.pack(&self.snapshot.manifest.packs[chunk.pack as usize])?;
            let encoded = pack::open_chunk(&packed, chunk, self.packs.keys().id_key()?)?;
            stream.update(encoded.bytes());
            let cut = writer.known.compress(&Chunk { encoded, rows: chunk.rows })?;
            *chunk = writer.packer.add(cut)?;
        }
        Ok(stream.finalize().to_hex().to_string())
    }
}
