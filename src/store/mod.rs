//! Floor 1: where sealed objects lie. The contract of a store, and the table of stores.

mod disk;
pub mod folder;
pub mod memory;
pub mod probe;
#[cfg(feature = "s3")]
pub mod s3;

#[cfg(test)]
pub(crate) mod simulated_testing;
#[cfg(test)]
pub(crate) mod suite;

use crate::error::{Error, Result};
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use crate::secret::Address;
use probe::{Probe, Purpose};
use std::fmt::Display;
use std::time::Duration;

/// What a listing says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: ObjectName,
    /// Its length in bytes.
    pub length: u64,
    /// How long ago it was written, by the store's own clock; never more than that, so that a coarse clock makes it younger.
    pub age: Duration,
}

/// A place for sealed objects. Objects are immutable.
///
/// Contract: `put` returns only when the object is durable and visible under its whole name with its whole content;
/// an interrupted `put` leaves nothing visible. What `put` returned is seen by every later `get`, `head` and `list`.
pub trait Store: Send + Sync {
    /// Writes an object durably. Writing an object that is there with the same content is fine and changes nothing.
    ///
    /// # Errors
    /// Kind `Store` when it cannot be written, or another content is there under the name.
    fn put(&self, object: &Sealed) -> Result<()>;

    /// Fetches an object; at most `limit` bytes are read.
    ///
    /// # Errors
    /// Kind `Store` when it is missing, unreadable or longer than `limit`.
    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed>;

    /// The length of an object, or `None` when it is not there.
    ///
    /// # Errors
    /// Kind `Store` when the store cannot be asked.
    fn head(&self, name: &ObjectName) -> Result<Option<u64>>;

    /// All objects of a kind, ordered by name. Anything with another shape of name is left out.
    ///
    /// # Errors
    /// Kind `Store` when any part of the listing fails.
    fn list(&self, kind: ObjectKind) -> Result<Vec<Listed>>;

    /// Removes an object. Removing one that is not there is fine.
    ///
    /// # Errors
    /// Kind `Store` when it cannot be removed.
    fn delete(&self, name: &ObjectName) -> Result<()>;
}

/// Opens or, if asked to, makes the store at an address.
pub type Opener = fn(&Address, bool) -> Result<Box<dyn Store>>;

/// Tries out what the store at an address, or the place for one, can do.
pub type Prober = fn(&Address, Purpose) -> Result<Probe>;

/// A kind of store. A new one is a file and a line in [`STORES`].
#[derive(Debug, Clone, Copy)]
pub struct StoreKind {
    /// The scheme of its addresses, before the `:`.
    pub scheme: &'static str,
    /// What its addresses look like, for help texts.
    pub example: &'static str,
    /// Opens it.
    pub open: Opener,
    /// Tries it out.
    pub probe: Prober,
}

/// Every kind of store. The first also takes plain paths.
pub const STORES: [StoreKind; 3] = [
    StoreKind {
        scheme: "file",
        example: "./snapshots or file:/srv/snapshots",
        open: folder::open,
        probe: folder::probe::probe,
    },
    StoreKind {
        scheme: "s3",
        example: "s3://bucket/prefix?endpoint=https://HOST&region=REGION",
        #[cfg(feature = "s3")]
        open: s3::open,
        #[cfg(feature = "s3")]
        probe: s3::probe,
        #[cfg(not(feature = "s3"))]
        open: |_, _| Err(without_s3()),
        #[cfg(not(feature = "s3"))]
        probe: |_, _| Err(without_s3()),
    },
    StoreKind { scheme: "memory", example: "memory:NAME", open: memory::open, probe: memory::probe },
];

#[cfg(not(feature = "s3"))]
fn without_s3() -> Error {
    Error::usage("this program was built without S3")
        .hint("Build it with its default features (cargo install terp-fixtures), or use a folder as the store.")
}

/// Opens the store at `address`; with `create`, makes room for a new one where there is none.
///
/// # Errors
/// Kind `Usage` when no kind of store has such addresses, kind `Store` when there is no store or it cannot be opened.
pub fn open(address: &Address, create: bool) -> Result<Box<dyn Store>> {
    (kind_of(address)?.open)(address, create)
}

/// Tries out what the store at `address`, or the place for one, can do for `purpose`.
///
/// # Errors
/// Kind `Usage` when no kind of store has such addresses; what cannot be done is in the answer.
pub fn probe(address: &Address, purpose: Purpose) -> Result<Probe> {
    (kind_of(address)?.probe)(address, purpose)
}

fn kind_of(address: &Address) -> Result<StoreKind> {
    let scheme = address.scheme().unwrap_or_else(|| STORES[0].scheme.to_owned());
    if let Some(kind) = STORES.into_iter().find(|kind| kind.scheme == scheme) {
        return Ok(kind);
    }
    let examples: Vec<&str> = STORES.iter().map(|kind| kind.example).collect();
    Err(Error::usage(format!("no store can be at {address}"))
        .hint(format!("A store is one of: {}.", examples.join(", "))))
}

fn not_a_store(place: impl Display) -> Error {
    Error::store(format!("{place} is not a store")).hint("Make one with: terp-fixtures keys init")
}

fn missing(name: &ObjectName) -> Error {
    Error::store(format!("{name} is not in the store"))
}

fn other_content(name: &ObjectName) -> Error {
    Error::store(format!("{name} is in the store with another content"))
        .hint("Objects never change, so one of the two is damaged. Check the store with: terp-fixtures verify")
}

fn check_limit(name: &ObjectName, length: u64, limit: u64) -> Result<()> {
    if length <= limit {
        return Ok(());
    }
    Err(longer(name, length, limit))
}

fn longer(name: &ObjectName, length: u64, limit: u64) -> Error {
    Error::store(format!("{name} has {length} bytes, more than the {limit} that are expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_schemes_are_usage_errors_without_secrets() {
        let error = open(&Address::new("ftp://me:hunter2@host/x"), false).map(drop).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Usage);
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        assert!(error.hint_text().unwrap().contains("./snapshots"));
    }
}
