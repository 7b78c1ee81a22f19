//! The last steps of everything that publishes a snapshot, as `docs/format.md` section 9 has them: look at the marks, then at the
//! packs, put the manifest while the look still holds, read it back.
//!
//! A pack that somebody may be about to delete is *lost* to a snapshot, whether it is still there or not. Whoever publishes begins
//! again without lost packs.

use super::repository::{Repository, Snapshot};
use super::{Context, tombs};
use crate::codec;
use crate::error::{Error, Result};
use crate::model::manifest::{Manifest, PackRef};
use crate::model::proof::ObjectKind;
use crate::seal::{self, SnapshotStamp};
use std::collections::{BTreeSet, HashMap};

/// So often a capture begins again because packs were lost.
pub(super) const ROUNDS: usize = 3;
/// So often the store is looked at anew because the window closed.
const LOOKS: usize = 5;

/// What became of a manifest.
pub(super) enum Published {
    /// It is there, with so many bytes.
    Done(Box<Snapshot>, u64),
    /// It is not there: these packs are lost to it.
    Lost(BTreeSet<String>),
}

/// Publishes a manifest whose packs are all uploaded: the commit point.
pub(super) fn publish(context: &Context<'_>, repository: &Repository, manifest: &Manifest) -> Result<Published> {
    let body = codec::manifest::encode(manifest)?;
    let stamp = SnapshotStamp { created_compact: manifest.created.replace(['-', ':'], "") };
    let (sealed, id) = seal::seal_manifest(&body, &stamp, repository.keys(), repository.signer())?;
    for _ in 0..LOOKS {
        let window = repository.timing().start();
        let lost = lost(repository, &manifest.packs)?;
        if !lost.is_empty() {
            return Ok(Published::Lost(lost));
        }
        context.cancel.check()?;
        if !window.is_open() {
            continue;
        }
        repository.check_current()?;
        repository.store().put(&sealed)?;
        if !window.is_open() {
            // It came late. From here on a gc that lists manifests sees it, so what is not lost now will not be.
            let lost = self::lost(repository, &manifest.packs)?;
            if !lost.is_empty() {
                repository.store().delete(sealed.name())?;
                return Ok(Published::Lost(lost));
            }
        }
        let snapshot = repository.snapshot(sealed.name())?;
        if snapshot.id != id || &snapshot.manifest != manifest {
            return Err(Error::store("the manifest that was read back is not the one that was written"));
        }
        return Ok(Published::Done(Box::new(snapshot), sealed.bytes().len() as u64));
    }
    let minutes = repository.timing().window.as_secs() / 60;
    Err(Error::store(format!("the store takes more than {minutes} minutes to say which packs it has"))
        .hint("Nothing was published. Run the capture again when the store answers faster."))
}

/// The packs that are marked or gone. The marks are read first: one that is cleared after its packs were deleted is then seen
/// either itself or by what is gone.
pub(super) fn lost(repository: &Repository, packs: &[PackRef]) -> Result<BTreeSet<String>> {
    let marked = tombs::marked(repository)?;
    let listed = repository.store().list(ObjectKind::Pack)?;
    let there: HashMap<&str, u64> = listed.iter().map(|pack| (pack.name.stem(), pack.length)).collect();
    let is_lost = |pack: &&PackRef| marked.contains(&pack.name) || there.get(pack.name.as_str()) != Some(&pack.length);
    Ok(packs.iter().filter(is_lost).map(|pack| pack.name.clone()).collect())
}

/// What to say when packs were lost in every round.
pub(super) fn always_lost() -> Error {
    Error::store(format!("packs of this capture were marked or deleted in each of {ROUNDS} attempts"))
        .hint("Somebody runs 'gc' with a grace that is shorter than this capture takes. Nothing was published; give it a longer --grace, or stop it, and capture again.")
}
