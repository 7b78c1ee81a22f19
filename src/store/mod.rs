//! Floor 1: where sealed objects lie. The contract of a store, and the table of stores.

use crate::error::Result;
use crate::model::proof::{ObjectKind, ObjectName, Sealed};

/// What a listing says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: ObjectName,
    /// Its length in bytes.
    pub length: u64,
    /// Seconds since it was written, by the store's own clock.
    pub age_seconds: u64,
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
