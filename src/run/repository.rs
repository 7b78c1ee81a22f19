//! An opened store: the hint, the member's keys, the pinned signers, and the snapshots that these can read.

use super::audit::Recorded;
use super::keys::epochs::{self, Epochs};
use super::tags::Tags;
use super::timing::Timing;
use crate::codec;
use crate::codec::tomb::Tomb;
use crate::error::{Error, Result};
use crate::model::audit::Actor;
use crate::model::manifest::{Manifest, PackRef};
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use crate::model::tag::TagSet;
use crate::seal::{self, EpochKeys, Hint, Member, Recipient, Signer, SignerId};
use crate::store::Store;
use std::collections::{BTreeMap, BTreeSet};
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

    /// Which of two is the newer one: by number, and where two writers took the same one by time.
    #[must_use]
    pub fn age(&self) -> (u64, &str, &str) {
        (self.manifest.seq, &self.manifest.created, &self.id)
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

    /// Whether a name is pinned to this snapshot.
    #[must_use]
    pub fn pins(&self, snapshot: &Snapshot) -> bool {
        self.pins.get(&snapshot.manifest.name) == Some(&snapshot.id)
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

    /// Fetches, verifies and reads a set of tags.
    ///
    /// # Errors
    /// Kind `Store`.
    pub fn tag_set(&self, name: &ObjectName) -> Result<TagSet> {
        let sealed = self.store.get(name, seal::MAX_TAGS)?;
        let mut failure = None;
        for keys in self.epochs.held.iter().rev() {
            match seal::open_tags(&sealed, keys, &self.pinned) {
                Ok((_, body)) => {
                    let set = codec::tag::decode(&body).map_err(|error| error.within(name))?;
                    if set.repo != self.hint.repo || !name.stem().starts_with(&set.created.replace(['-', ':'], "")) {
                        return Err(Error::store(format!("{name} belongs to another store or time")));
                    }
                    return Ok(set);
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.unwrap_or_else(|| Error::store(format!("{name} cannot be opened"))))
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

    /// The snapshot that `wanted` names: a pinned name (exactly its id), a name (the newest of that name), `name@id`, the first six or more digits of an id, or,
    /// where nothing is called so, a tag (the newest that has it). While a manifest is damaged only an id will do: it might be the
    /// newest.
    ///
    /// # Errors
    /// Kind `Store` when there is none; the hint lists what there is.
    pub fn find(&self, wanted: &str) -> Result<Snapshot> {
        let (name, id) = wanted.split_once('@').map_or((wanted, None), |(name, id)| (name, Some(id)));
        if let (Some(pinned), None) = (self.pins.get(name), id) {
            return self.pinned_snapshot(name, pinned);
        }
        if let Some(found) = self.find_labelled(name, id)? {
            return Ok(found);
        }
        let (mut names, mut damaged, mut tagged) = (BTreeSet::new(), None, Vec::new());
        let mut found: Option<(Snapshot, bool)> = None;
        self.walk(&mut |opened| {
            let snapshot = match opened {
                Ok(snapshot) => snapshot,
                // What was captured before this member came is older than what it can read.
                Err(error) if self.lacks_epochs() && error.what().contains(OTHERS) => return Ok(()),
                Err(error) => {
                    damaged.get_or_insert(error);
                    return Ok(());
                }
            };
            names.insert(snapshot.manifest.name.clone());
            let by_id = id.is_none() && is_id_of(name, &snapshot.id);
            if by_id || (id.is_none() && snapshot.manifest.name == name) {
                if found.as_ref().is_none_or(|(newest, _)| newest.age() < snapshot.age()) {
                    found = Some((snapshot, by_id));
                }
            } else if id.is_none() && snapshot.manifest.tags.contains(name) {
                tagged.push(snapshot.object);
            }
            Ok(())
        })?;
        if found.is_none() && id.is_none() {
            found = self.find_tagged(name, tagged)?.map(|snapshot| (snapshot, false));
        }
        match (found, damaged) {
            (Some((snapshot, by_id)), damaged) if by_id || damaged.is_none() => Ok(snapshot),
            (Some((snapshot, _)), Some(damage)) => Err(damage.hint(format!(
                "The damaged one may be the newest '{name}'. To take the newest that can be read, name it {}.",
                snapshot.label()
            ))),
            (None, Some(damage)) => Err(damage),
            (_, None) => Err(unknown(wanted, &names)),
        }
    }

    /// The one that `name@id` means. The id stands in the object's name, so nothing else is opened.
    fn find_labelled(&self, name: &str, id: Option<&str>) -> Result<Option<Snapshot>> {
        let Some(id) = id else { return Ok(None) };
        let mut newest: Option<Snapshot> = None;
        for listed in self.store.list(ObjectKind::Snapshot)? {
            if !listed.name.stem().split_once('-').is_some_and(|(_, full)| is_id_of(id, full)) {
                continue;
            }
            let snapshot = self.snapshot(&listed.name).map_err(|error| error.within(&listed.name))?;
            let is_newer = newest.as_ref().is_none_or(|newest| newest.age() < snapshot.age());
            if snapshot.manifest.name == name && is_newer {
                newest = Some(snapshot);
            }
        }
        Ok(newest)
    }

    /// The newest snapshot that has a tag; `captured` are those that had it from the beginning.
    fn find_tagged(&self, tag: &str, captured: Vec<ObjectName>) -> Result<Option<Snapshot>> {
        let tags = Tags::read(self)?;
        let with = tags.with(tag);
        let mut objects = captured;
        let listed = self.store.list(ObjectKind::Snapshot)?;
        let id = |name: &ObjectName| name.stem().split_once('-').map(|(_, id)| id.to_owned()).unwrap_or_default();
        objects.retain(|name| !tags.says_of(&id(name)));
        objects.extend(listed.into_iter().map(|listed| listed.name).filter(|name| with.contains(id(name).as_str())));
        let mut newest: Option<Snapshot> = None;
        for object in &objects {
            let snapshot = self.snapshot(object).map_err(|error| error.within(object))?;
            if newest.as_ref().is_none_or(|newest| newest.age() < snapshot.age()) {
                newest = Some(snapshot);
            }
        }
        match (newest, tags.damaged.into_iter().next()) {
            (Some(snapshot), Some(damage)) => {
                Err(damage.hint(format!("Name the snapshot itself meanwhile, such as {}.", snapshot.label())))
            }
            (newest, _) => Ok(newest),
        }
    }
}

/// Whether `text` is the beginning of an id, long enough to mean it.
fn is_id_of(text: &str, id: &str) -> bool {
    text.len() >= 6 && id.starts_with(&text.to_ascii_lowercase())
}

fn unknown(wanted: &str, names: &BTreeSet<String>) -> Error {
    const SHOWN: usize = 20;
    let error = Error::store(format!("there is no snapshot '{}' in this store", wanted.escape_debug()));
    if names.is_empty() {
        return error.hint("The store is empty. Make a snapshot with 'terp-fixtures capture'.");
    }
    let mut listed = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        listed.push_str(", ...");
    }
    error.hint(format!("It has: {listed}. 'terp-fixtures list' shows them."))
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
