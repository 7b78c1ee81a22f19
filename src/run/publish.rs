//! The last steps of everything that publishes a snapshot, as `docs/format.md` section 9 has them: look at the marks, then at the
//! packs, put the manifest while the look still holds, read it back.
//!
//! A pack that somebody may be about to delete is *lost* to a snapshot, whether it is still there or not. Whoever publishes begins
//! again without lost packs.

use super::repository::{Repository, Snapshot};
use super::writer::Writer;
use super::{Context, audit, now, tombs};
use crate::codec;
use crate::error::{Error, Result};
use crate::model::manifest::{
    Backup, FEATURES, FORMAT, Generated, Imported, Manifest, PackRef, PolicyProof, Results, SubsetProof, TableEntry,
};
use crate::model::proof::ObjectKind;
use crate::model::schema::{Catalogue, DatabaseIdentity};
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

/// How one way from the first row to the manifest ends.
pub(super) enum Round<T> {
    /// As it should.
    Done(T),
    /// These packs are lost to it.
    Lost(BTreeSet<String>),
}

/// The snapshots of the store, and a writer that shares their chunks; none before the first look.
pub(super) type Held<'r> = Option<(Vec<Snapshot>, Writer<'r>)>;

/// Goes the way from the first row to the manifest, and again without packs that somebody was about to delete meanwhile.
pub(super) fn in_rounds<'r, T>(
    context: &Context<'_>,
    mut round: impl FnMut(&mut Held<'r>) -> Result<Round<T>>,
) -> Result<T> {
    let mut held = None;
    for _ in 0..ROUNDS {
        match round(&mut held)? {
            Round::Done(done) => return Ok(done),
            Round::Lost(packs) => {
                let lost = packs.len();
                context.note(format!(
                    "{lost} packs of this capture are about to be deleted; it begins again without them"
                ));
                if let Some((_, writer)) = &mut held {
                    writer.begin_again(&packs)?;
                }
            }
        }
    }
    Err(always_lost())
}

/// The snapshots of the store, and a writer that shares their chunks; made once.
pub(super) fn look_up<'h, 'r>(
    context: &Context<'_>,
    repository: &'r Repository,
    held: &'h mut Held<'r>,
) -> Result<(&'h [Snapshot], &'h mut Writer<'r>)> {
    if held.is_none() {
        context.stage("reading what the store already holds");
        let (snapshots, damaged) = repository.snapshots()?;
        for damage in damaged {
            context.warn(
                format!("{damage}; nothing is shared with it"),
                Some("'terp-fixtures verify' says what is damaged.".into()),
            );
        }
        let writer = Writer::new(repository, &snapshots)?;
        *held = Some((snapshots, writer));
    }
    let (snapshots, writer) = held.as_mut().ok_or_else(|| Error::internal("nothing was looked up"))?;
    Ok((snapshots, writer))
}

/// How a new snapshot is labelled.
#[derive(Debug, Clone)]
pub struct Label {
    /// The snapshot's name.
    pub name: String,
    /// `dev`, `staging` or `production`.
    pub environment: String,
    /// What decided the masking; the profile, where rows were made up.
    pub policy: PolicyProof,
    /// When the snapshot expires, RFC 3339.
    pub expires: Option<String>,
    /// The tags that it begins with.
    pub tags: BTreeSet<String>,
}

/// What a manifest says of the rows.
pub(super) struct Content {
    /// Where they came from.
    pub(super) source: DatabaseIdentity,
    /// The catalogue.
    pub(super) schema: Catalogue,
    /// What was checked.
    pub(super) results: Results,
    /// The tables.
    pub(super) tables: Vec<TableEntry>,
    /// How they were chosen.
    pub(super) subset: Option<SubsetProof>,
    /// What the snapshot is, where it is no capture.
    pub(super) kind: Kind,
}

/// What a snapshot is.
pub(super) enum Kind {
    /// Rows of a database, masked.
    Captured,
    /// Rows that a rollback is about to touch.
    Backup(Backup),
    /// Rows that were made up.
    Generated(Generated),
    /// Rows that were written by hand.
    Imported(Imported),
}

/// The manifest of a new snapshot, which comes behind the last one of the store.
pub(super) fn manifest(
    repository: &Repository,
    last: Option<&Snapshot>,
    label: &Label,
    content: Content,
    packs: Vec<PackRef>,
) -> Result<Manifest> {
    let Content { source, schema, results, tables, subset, kind } = content;
    let (mut backup, mut generated, mut imported) = (None, None, None);
    match kind {
        Kind::Captured => {}
        Kind::Backup(of) => backup = Some(of),
        Kind::Generated(of) => generated = Some(of),
        Kind::Imported(of) => imported = Some(of),
    }
    Ok(Manifest {
        format: FORMAT,
        features: FEATURES.iter().map(ToString::to_string).collect(),
        repo: repository.id().to_owned(),
        epoch: repository.keys().epoch(),
        name: label.name.clone(),
        seq: last.map_or(1, |last| last.manifest.seq + 1),
        prev: last.map(|last| last.id.clone()),
        created: now(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        environment: label.environment.clone(),
        source,
        schema,
        policy: label.policy.clone(),
        results,
        packs,
        tables,
        subset,
        expires: label.expires.clone(),
        audit: (!repository.is_public()).then(|| audit::head(repository)).transpose()?,
        tags: label.tags.clone(),
        copied: Vec::new(),
        backup,
        generated,
        imported,
    })
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
