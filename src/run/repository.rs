//! An opened store: the hint, the member's keys, the pinned signers, and the snapshots that these can read.

use super::audit::Recorded;
use super::keys::epochs::{self, Epochs};
use super::timing::Timing;
use crate::codec;
use crate::codec::tomb::Tomb;
use crate::error::{Error, Result};
use crate::model::audit::Actor;
use crate::model::manifest::{Manifest, PackRef};
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use crate::seal::{self, EpochKeys, Hint, Member, Recipient, Signer, SignerId};
use crate::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Caps on what is read before anything in it is trusted, in bytes.
const HINT_LIMIT: u64 = 4 << 10;
const MANIFEST_LIMIT: u64 = 256 << 20;

/// What is said of an object that none of a member's keys opens.
const OTHERS: &str = "this identity cannot open";

/// A store, opened by one of its members.
pub struct Repository {
    store: Arc<dyn Store>,
    hint: Hint,
    epochs: Epochs,
    recipient: Recipient,
    signer: Signer,
    pinned: Vec<SignerId>,
    actor: Actor,
    is_public: bool,
    /// Full ids by name, as `terp.lock` has them.
    pins: BTreeMap<String, String>,
    timing: Timing,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("repo", &self.hint.repo).finish_non_exhaustive()
    }
}

/// A snapshot whose manifest was verified.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// 32 hex digits.
    pub id: String,
    /// Where the manifest lies.
    pub object: ObjectName,
    /// Who signed it.
    pub signer: SignerId,
    /// The manifest.
    pub manifest: Manifest,
}

impl Snapshot {
    /// `name@` and the first twelve digits of the id: the name of a run of this snapshot, too.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}@{}", self.manifest.name, &self.id[..12])
    }

    /// Whether it has expired by `time`, RFC 3339 with whole seconds.
    #[must_use]
    pub fn is_expired_at(&self, time: &str) -> bool {
        self.manifest.expires.as_deref().is_some_and(|expires| expires <= time)
    }

    /// Whether it has expired.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.is_expired_at(&super::now())
    }
}

impl Repository {
    /// Opens `store` as `member`. Keys and manifests are believed when one of `pinned` or the member itself signed them.
    ///
    /// # Errors
    /// Kind `Store` when it is no store, the member has no keys in it, or keys were signed by others or do not follow on those before.
    pub fn open(store: Box<dyn Store>, member: &Member, pinned: &[SignerId]) -> Result<Self> {
        let hint = seal::open_hint(&store.get(&ObjectName::hint(), HINT_LIMIT)?)?;
        let epochs = epochs::open(&*store, &hint.repo, member, pinned)?;
        let signer = member.signer();
        let mut pinned = pinned.to_vec();
        pinned.push(signer.id());
        let actor = Actor { signer: Some(signer.id().to_string()), ..Actor::default() };
        let pins = BTreeMap::new();
        Ok(Self {
            store: store.into(),
            hint,
            epochs,
            recipient: member.recipient(),
            signer,
            pinned,
            actor,
            is_public: false,
            pins,
            timing: Timing::default(),
        })
    }

    /// The same store, where `publishers` are believed, too, when they sign a manifest or an audit entry; never when they hand out keys.
    #[must_use]
    pub fn believing(mut self, publishers: &[SignerId]) -> Self {
        self.pinned.extend(publishers);
        self
    }

    /// The same store, where each of these names means the snapshot with this full id.
    #[must_use]
    pub fn pinning(mut self, pins: BTreeMap<String, String>) -> Self {
        self.pins = pins;
        self
    }

    /// The same store with what its audit trail calls the user and the machine. Of a public store, whose identity lies in it,
    /// nobody's deeds are written down.
    #[must_use]
    pub fn acting_as(mut self, name: String, host: String, is_public: bool) -> Self {
        self.is_public = is_public;
        self.actor = Actor { signer: self.actor.signer.filter(|_| !is_public), name, host };
        self
    }

    /// The same store with other times for publication and garbage collection.
    #[must_use]
    pub fn timed(self, timing: Timing) -> Self {
        Self { timing, ..self }
    }

    /// The times of publication and garbage collection.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Whether everybody can open the store, so that it has no audit trail.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.is_public
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The store itself, for threads of their own.
    pub(crate) fn shared_store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    /// The repository's id, 32 hex digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.hint.repo
    }

    /// The keys of the newest epoch that counts.
    #[must_use]
    pub fn keys(&self) -> &EpochKeys {
        self.epochs.current()
    }

    /// The keys of every epoch that this member holds, oldest first.
    #[must_use]
    pub fn held(&self) -> &[EpochKeys] {
        &self.epochs.held
    }

    /// Whether there are epochs that this member holds no keys of, so that not everything can be read.
    #[must_use]
    pub fn lacks_epochs(&self) -> bool {
        self.epochs.lacks_some()
    }

    /// The member's own recipient.
    #[must_use]
    pub fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// Makes sure that what is written now is encrypted to the store's newest epoch.
    ///
    /// # Errors
    /// Kind `Store` when the store has gone on to an epoch that this member holds no keys of, or that came since it was opened.
    pub fn check_current(&self) -> Result<()> {
        epochs::check_current(&*self.store, self.keys().epoch())
    }

    /// The keys of `epoch`.
    ///
    /// # Errors
    /// Kind `Store` when this member has none.
    pub fn keys_of(&self, epoch: u32) -> Result<&EpochKeys> {
        self.epochs.held.iter().find(|keys| keys.epoch() == epoch).ok_or_else(|| {
            Error::store(format!("this identity has no keys of epoch {epoch}"))
                .hint("You were added after that epoch ended; ask an older member to copy the snapshot.")
        })
    }

    /// The member's signing key.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Every snapshot that can be read, oldest first, and an error for each that cannot.
    ///
    /// # Errors
    /// Kind `Store` when the store cannot be listed.
    pub fn snapshots(&self) -> Result<(Vec<Snapshot>, Vec<Error>)> {
        let (mut snapshots, mut damaged) = (Vec::new(), Vec::new());
        for listed in self.store.list(ObjectKind::Snapshot)? {
            match self.snapshot(&listed.name) {
                Ok(snapshot) => snapshots.push(snapshot),
                // One that was removed meanwhile is no snapshot any more.
                Err(_) if self.store.head(&listed.name)?.is_none() => {}
                Err(error) => damaged.push(error.within(&listed.name)),
            }
        }
        snapshots.sort_by(|a, b| {
            (a.manifest.seq, &a.manifest.created, &a.id).cmp(&(b.manifest.seq, &b.manifest.created, &b.id))
        });
        Ok((snapshots, damaged))
    }

    /// Fetches, verifies and reads one manifest.
    ///
    /// # Errors
    /// Kind `Store`.
    pub fn snapshot(&self, name: &ObjectName) -> Result<Snapshot> {
        let sealed = self.store.get(name, MANIFEST_LIMIT)?;
        let mut failure = None;
        for keys in self.epochs.held.iter().rev() {
            match seal::open_manifest(&sealed, keys, &self.pinned) {
                Ok(opened) => {
                    let manifest = codec::manifest::decode(&opened.body).map_err(|error| error.within(name))?;
                    if manifest.repo != self.hint.repo || manifest.epoch != keys.epoch() {
                        return Err(Error::store(format!("{name} belongs to another store or epoch")));
                    }
                    return Ok(Snapshot { id: opened.id, object: name.clone(), signer: opened.signer, manifest });
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.unwrap_or_else(|| Error::store(format!("{name} cannot be opened"))))
    }

    /// Fetches, verifies and reads one mark of garbage collection.
    ///
    /// # Errors
    /// Kind `Store`.
    pub fn tomb(&self, name: &ObjectName) -> Result<Tomb> {
        let sealed = self.store.get(name, seal::MAX_TOMB)?;
        let mut failure = None;
        for keys in self.epochs.held.iter().rev() {
            match seal::open_tomb(&sealed, keys, &self.pinned) {
                Ok((_, line)) => {
                    let tomb = codec::tomb::decode(&line).map_err(|error| error.within(name))?;
                    let time = tomb.time.replace(['-', ':'], "");
                    if tomb.repo != self.hint.repo || !name.stem().starts_with(&time) {
                        return Err(Error::store(format!("{name} belongs to another store or time")));
                    }
                    return Ok(tomb);
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.unwrap_or_else(|| Error::store(format!("{name} cannot be opened"))))
    }

    /// Fetches, verifies and reads one audit entry.
    ///
    /// # Errors
    /// Kind `Store`.
    pub fn entry(&self, name: &ObjectName) -> Result<Recorded> {
        let sealed = self.store.get(name, seal::MAX_ENTRY)?;
        let mut failure = None;
        for keys in self.epochs.held.iter().rev() {
            match seal::open_entry(&sealed, keys, &self.pinned) {
                Ok((signer, line)) => return self.recorded(name, signer, line),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.unwrap_or_else(|| Error::store(format!("{name} cannot be opened"))))
    }

    /// An entry whose signature was verified, if it belongs where it lies.
    fn recorded(&self, name: &ObjectName, signer: SignerId, line: Vec<u8>) -> Result<Recorded> {
        let entry = codec::audit::decode(&line).map_err(|error| error.within(name))?;
        let fits = entry.chain == self.hint.repo
            && name.stem().starts_with(&format!("{:010}-", entry.seq))
            && entry.who.signer == Some(signer.to_string());
        let line = String::from_utf8(line).ok().filter(|_| fits);
        let line = line.ok_or_else(|| {
            Error::store(format!("{name} does not belong there: it says another store, number or signer"))
        })?;
        Ok(Recorded { hash: codec::audit::hash(line.as_bytes()), line, entry })
    }

    /// The statement in the file of a head, once its signature was verified.
    ///
    /// # Errors
    /// Kind `Store`.
    pub fn open_head(&self, file: &[u8]) -> Result<Vec<u8>> {
        seal::open_head(file, self.keys(), &self.pinned).map(|(_, line)| line)
    }

    /// The snapshot that a name is pinned to, whatever else has that name.
    fn pinned_snapshot(&self, name: &str, id: &str) -> Result<Snapshot> {
        let listed = self.store.list(ObjectKind::Snapshot)?;
        let object = listed.into_iter().find(|listed| listed.name.stem().ends_with(&format!("-{id}")));
        let gone = || {
            let name = name.escape_debug();
            Error::store(format!("terp.lock pins '{name}' to {id}, which is not in this store"))
                .hint(format!("Put the snapshot back from a copy, or pin the newest one: terp-fixtures pin {name}"))
        };
        let snapshot = self.snapshot(&object.ok_or_else(gone)?.name)?;
        if snapshot.manifest.name == name {
            return Ok(snapshot);
        }
        let (name, other) = (name.escape_debug(), snapshot.manifest.name.escape_debug());
        Err(Error::store(format!("terp.lock pins '{name}' to {id}, which is a snapshot named '{other}'"))
            .hint("Correct terp.lock, or pin again with: terp-fixtures pin NAME"))
    }

    /// The snapshot that `wanted` names: a pinned name (exactly its id), a name (the newest of that name), `name@id`, or the first
    /// six or more digits of an id. While a manifest is damaged only an id will do: it might be the newest of the name.
    ///
    /// # Errors
    /// Kind `Store` when there is none; the hint lists what there is.
    pub fn find(&self, wanted: &str) -> Result<Snapshot> {
        let (name, id) = wanted.split_once('@').map_or((wanted, None), |(name, id)| (name, Some(id)));
        if let (Some(pinned), None) = (self.pins.get(name), id) {
            return self.pinned_snapshot(name, pinned);
        }
        let (snapshots, mut damaged) = self.snapshots()?;
        if self.lacks_epochs() {
            // What was captured before this member came is older than what it can read.
            damaged.retain(|error| !error.what().contains(OTHERS));
        }
        let mut names: Vec<String> = snapshots.iter().map(|snapshot| snapshot.manifest.name.clone()).collect();
        let mut found = None;
        for snapshot in snapshots {
            let is_id = |id: &str| id.len() >= 6 && snapshot.id.starts_with(&id.to_ascii_lowercase());
            let by_id = id.map_or_else(|| is_id(name), |id| snapshot.manifest.name == name && is_id(id));
            if by_id || (id.is_none() && snapshot.manifest.name == name) {
                found = Some((snapshot, by_id));
            }
        }
        match (found, damaged.into_iter().next()) {
            (Some((snapshot, by_id)), damaged) if by_id || damaged.is_none() => Ok(snapshot),
            (Some((snapshot, _)), Some(damage)) => Err(damage.hint(format!(
                "The damaged one may be the newest '{name}'. To take the newest that can be read, name it {}.",
                snapshot.label()
            ))),
            (None, Some(damage)) => Err(damage),
            (_, None) => {
                names.sort_unstable();
                names.dedup();
                let error = Error::store(format!("there is no snapshot '{}' in this store", wanted.escape_debug()));
                Err(match names.as_slice() {
                    [] => error.hint("The store is empty. Make a snapshot with 'terp-fixtures capture'."),
                    names => error.hint(format!("It has: {}. 'terp-fixtures list' shows them.", names.join(", "))),
                })
            }
        }
    }
}

/// The object name of a pack.
pub(crate) fn pack_object(pack: &str) -> Result<ObjectName> {
    let path = format!("packs/{}/{pack}.age", pack.get(..2).unwrap_or_default());
    ObjectName::parse(&path).ok_or_else(|| Error::store("a pack's name is not a digest"))
}

/// Fetches a pack as it lies in the store and compares its length.
pub(crate) fn fetch_pack(store: &dyn Store, pack: &PackRef) -> Result<Sealed> {
    let sealed = store.get(&pack_object(&pack.name)?, pack.length)?;
    if sealed.bytes().len() as u64 != pack.length {
        return Err(Error::store(format!(
            "pack {} has {} bytes instead of {}",
            pack.name,
            sealed.bytes().len(),
            pack.length
        )));
    }
    Ok(sealed)
}
