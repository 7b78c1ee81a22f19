//! Floor 1: encryption and signatures. Everything in a store but the hint is an age file; a manifest, tomb or audit entry is signed as well.
//!
//! | who | holds | can |
//! |---|---|---|
//! | a member | one age identity, and the signing key derived from it | open the epoch's keys wrapped to it |
//! | an epoch | `data` identity, `meta` identity, `id_key` | rows; manifests and audit entries; names of chunks |
//! | a capturing host | the same without the `data` identity | publish and compare, not read a row |
//! | a collecting host | only the `meta` identity | remove snapshots and packs |
//!
//! An epoch's authority is a signing key that follows from its `data` identity: it signs cards, the charter and the next epoch.
//!
//! Bytes from a store are not believed: lengths are capped and the age header is measured before it is parsed, a pack
//! must have the digest it is named after, a manifest or an audit entry the signature of a pinned signer.

mod audit;
mod bundle;
mod card;
mod epoch;
mod identity;
mod journal;
mod manifest;
mod member;
mod object;
mod pack;
mod signed;
mod signer;
pub mod ssh;
mod ssh_age;
mod tag;
mod tomb;

pub use audit::{open_entry, open_head, seal_entry, seal_head};
#[cfg(test)]
pub(crate) use card::testing;

pub use bundle::{Bundle, check_keys_of_another, key_object, member_id, open_keys, parse_bundle, seal_keys};
pub use card::{
    Card, Charter, card_object, charter_object, check_name, epoch_of, is_charter, open_card, open_charter, seal_card,
    seal_charter,
};
pub use epoch::{EpochKeys, Hint, Role, open_hint, seal_hint};
pub use identity::lock_identity;
pub use journal::JournalKeys;
pub use manifest::{Opened, SnapshotStamp, open_manifest, seal_manifest};
pub use member::{Member, Recipient};
pub use object::header_length;
pub use pack::{open_pack, scrub, seal_pack};
pub use signer::{Signer, SignerId};
pub use tag::{open_tags, seal_tags};
pub use tomb::{open_tomb, seal_tomb};

/// The longest hint that is read.
pub const MAX_HINT: u64 = 4 << 10;
/// The longest key file that is read.
pub const MAX_KEY: u64 = 64 << 10;
/// The longest audit entry that is read, and the longest statement of a head.
pub const MAX_ENTRY: u64 = 16 << 20;
/// The longest object of tags that is read.
pub const MAX_TAGS: u64 = 64 << 10;
/// The longest tomb that is read.
pub const MAX_TOMB: u64 = 16 << 20;
/// The longest pack that is read: one frame that does not compress, with the largest chunk.
pub const MAX_PACK: u64 = 272 << 20;
/// The longest manifest that is read, sealed and open.
pub const MAX_MANIFEST: u64 = 256 << 20;
