//! A store in memory, for tests and for stores that need not outlive the process.

use super::probe::{Probe, Purpose};
use super::{Listed, Store};
use crate::error::Result;
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use crate::secret::Address;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

type Objects = BTreeMap<ObjectName, (Sealed, Instant)>;

/// Stores by the name behind `memory:`, so that two commands of one process meet in the same store.
static NAMED: LazyLock<Mutex<BTreeMap<String, Memory>>> = LazyLock::new(Mutex::default);

/// A store in memory. Clones are the same store.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    objects: Arc<Mutex<Objects>>,
}

impl Memory {
    /// An empty store that nobody else sees.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The store called `name` in this process.
    ///
    /// # Errors
    /// Kind `Store` when there is none and `create` is not set.
    pub fn named(name: &str, create: bool) -> Result<Self> {
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        match named.get(name) {
            Some(store) => Ok(store.clone()),
            None if create => Ok(named.entry(name.to_owned()).or_default().clone()),
            None => Err(super::not_a_store(format_args!("memory:{name}"))),
        }
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens `memory:NAME`.
pub(super) fn open(address: &Address, create: bool) -> Result<Box<dyn Store>> {
    let name = address.expose().split_once(':').map_or("", |(_, name)| name);
    Ok(Box::new(Memory::named(name, create)?))
}

/// Memory can do everything, for as long as the process lives.
#[expect(clippy::unnecessary_wraps, reason = "probing other stores can fail")]
pub(super) fn probe(address: &Address, _purpose: Purpose) -> Result<Probe> {
    let mut probe = Probe::default();
    probe.works("write", format!("{address} takes everything, and ends with this process"));
    Ok(probe)
}

impl Store for Memory {
    fn put(&self, object: &Sealed) -> Result<()> {
        let mut objects = self.objects();
        match objects.get(object.name()) {
            Some((present, _)) if present == object => Ok(()),
            Some(_) => Err(super::other_content(object.name())),
            None => {
                objects.insert(object.name().clone(), (object.clone(), Instant::now()));
                Ok(())
            }
        }
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        let objects = self.objects();
        let (object, _) = objects.get(name).ok_or_else(|| super::missing(name))?;
        super::check_limit(name, object.bytes().len() as u64, limit)?;
        Ok(object.clone())
    }

    fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        Ok(self.objects().get(name).map(|(object, _)| object.bytes().len() as u64))
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Listed>> {
        let listed = |(name, (object, written)): (&ObjectName, &(Sealed, Instant))| Listed {
            name: name.clone(),
            length: object.bytes().len() as u64,
            age: written.elapsed(),
        };
        Ok(self.objects().iter().filter(|(name, _)| name.kind() == kind).map(listed).collect())
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        // Removing what is not there is fine.
        drop(self.objects().remove(name));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::suite;

    #[test]
    fn memory_keeps_the_contract() {
        suite::run(&|| Box::new(Memory::new()));
    }

    #[test]
    fn a_name_is_one_store_in_the_process() {
        let address = Address::new("memory:a_name_is_one_store");
        assert!(crate::store::open(&address, false).is_err());
        let first = crate::store::open(&address, true).unwrap();
        let object = suite::object(ObjectKind::Pack, 1, b"x");
        first.put(&object).unwrap();
        assert_eq!(crate::store::open(&address, false).unwrap().get(object.name(), 9).unwrap(), object);
    }
}
