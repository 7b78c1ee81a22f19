//! Floor 1: encryption and signatures. Everything in a store but the hint is an age file; a manifest or audit entry is signed as well.
//!
//! | who | holds | can |
//! |---|---|---|
//! | a member | one age identity, and the signing key derived from it | open the epoch's keys wrapped to it |
//! | an epoch | `data` identity, `meta` identity, `id_key` | rows; manifests and audit entries; names of chunks |
//! | a capturing host | the same without the `data` identity | publish and compare, not read a row |
//!
//! Bytes from a store are not believed: lengths are capped and the age header is measured before it is parsed, a pack
//! must have the digest it is named after, a manifest or an audit entry the signature of a pinned signer.

mod audit;
mod epoch;
mod journal;
mod manifest;
mod member;
mod object;
mod pack;
mod signed;
pub mod ssh;

pub use audit::{open_entry, open_head, seal_entry, seal_head};
pub use epoch::{EpochKeys, Hint, key_object, open_hint, open_keys, seal_hint, seal_keys};
pub use journal::JournalKeys;
pub use manifest::{Opened, SnapshotStamp, open_manifest, seal_manifest};
pub use member::{Member, Recipient, Signer, SignerId};
pub use pack::{open_pack, scrub, seal_pack};

/// The longest hint that is read.
pub const MAX_HINT: u64 = 4 << 10;
/// The longest key file that is read.
pub const MAX_KEY: u64 = 64 << 10;
/// The longest audit entry that is read, and the longest statement of a head.
pub const MAX_ENTRY: u64 = 16 << 20;
/// The longest pack that is read: one frame that does not compress, with the largest chunk.
pub const MAX_PACK: u64 = 272 << 20;
/// The longest manifest that is read, sealed and open.
pub const MAX_MANIFEST: u64 = 256 << 20;
