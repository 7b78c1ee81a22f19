//! A store in memory in which one operation goes wrong, at the number that a test names. What was done before stays, as in a
//! store whose client died.

use super::memory::Memory;
use super::{Listed, Store};
use crate::error::{Error, Result};
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// What goes wrong, beginning with one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and has no effect.
    Fails,
    /// It has its effect, and the answer is lost (connection reset).
    Reset,
    /// It times out, and has its effect some operations later.
    Late,
    /// The process dies before it: nothing after it happens.
    Dies,
    /// From here on nothing can be written (ENOSPC, quota).
    Full,
    /// From here on nothing can be read (EIO, expired credentials).
    Unreadable,
    /// From here on nothing can be deleted (a role without that permission).
    Undeletable,
}

impl Fault {
    pub(crate) const ALL: [Self; 7] =
        [Self::Fails, Self::Reset, Self::Late, Self::Dies, Self::Full, Self::Unreadable, Self::Undeletable];

    /// Whether it differs from other faults at this operation.
    pub(crate) fn matters_at(self, operation: Operation) -> bool {
        match self {
            Self::Fails | Self::Dies => true,
            Self::Reset | Self::Late => operation.changes(),
            Self::Full => operation == Operation::Put,
            Self::Unreadable => !operation.changes(),
            Self::Undeletable => operation == Operation::Delete,
        }
    }
}

/// The five operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Put,
    Get,
    Head,
    List,
    Delete,
}

impl Operation {
    fn changes(self) -> bool {
        matches!(self, Self::Put | Self::Delete)
    }
}

/// How many operations later a late one has its effect.
const LATER: usize = 3;

type Change = (ObjectName, Option<Sealed>);

#[derive(Default)]
struct State {
    operations: Vec<Operation>,
    read: Vec<ObjectName>,
    late: Vec<(usize, Change)>,
    /// What was there before each change, by the number of the operation.
    before: Vec<(usize, ObjectName, Option<Listed>)>,
}

/// A store around one in memory; clones are the same store and count on.
#[derive(Clone)]
pub(crate) struct Simulated {
    inner: Memory,
    fault: Option<(usize, Fault)>,
    /// How many operations old a listing may be.
    stale: usize,
    /// How much older objects seem.
    age: Duration,
    state: Arc<Mutex<State>>,
}

impl Simulated {
    pub(crate) fn new(inner: &Memory, fault: Option<(usize, Fault)>) -> Self {
        Self { inner: inner.clone(), fault, stale: 0, age: Duration::ZERO, state: Arc::default() }
    }

    /// Its listings are `stale` operations old.
    pub(crate) fn stale(self, stale: usize) -> Self {
        Self { stale, ..self }
    }

    /// Its objects seem so much older.
    pub(crate) fn aged(self, age: Duration) -> Self {
        Self { age, ..self }
    }

    /// The operations so far.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.state().operations.clone()
    }

    /// The objects that were fetched so far.
    pub(crate) fn read(&self) -> Vec<ObjectName> {
        self.state().read.clone()
    }

    /// What timed out and is still under way arrives.
    pub(crate) fn settle(&self) {
        let late = std::mem::take(&mut self.state().late);
        for (_, change) in late {
            self.apply(change);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn apply(&self, (name, object): Change) {
        match object {
            Some(object) => self.inner.put(&object).unwrap(),
            None => self.inner.delete(&name).unwrap(),
        }
    }

    fn listed(&self, name: &ObjectName) -> Option<Listed> {
        self.inner.list(name.kind()).unwrap().into_iter().find(|listed| &listed.name == name)
    }

    /// Counts an operation, and says what is wrong with it.
    fn begin(&self, operation: Operation, change: Option<&Change>) -> Result<()> {
        let number = self.state().operations.len();
        self.state().operations.push(operation);
        let arrived: Vec<(usize, Change)> = {
            let mut state = self.state();
            let (now, later) = std::mem::take(&mut state.late).into_iter().partition(|(at, _)| *at <= number);
            state.late = later;
            now
        };
        for (_, change) in arrived {
            self.apply(change);
        }
        let Some((at, fault)) = self.fault.filter(|(at, _)| number >= *at) else { return Ok(()) };
        let is_hit = match fault {
            Fault::Dies => true,
            Fault::Full => operation == Operation::Put,
            Fault::Unreadable => !operation.changes(),
            Fault::Undeletable => operation == Operation::Delete,
            Fault::Fails | Fault::Reset | Fault::Late => number == at,
        };
        if !is_hit {
            return Ok(());
        }
        match (fault, change) {
            (Fault::Reset, Some(change)) => self.apply(change.clone()),
            (Fault::Late, Some(change)) => self.state().late.push((number + LATER, change.clone())),
            _ => {}
        }
        Err(Error::store(format!("operation {number} ({operation:?}) went wrong: {fault:?}")))
    }

    fn remember(&self, name: &ObjectName) {
        if self.stale > 0 {
            let listed = self.listed(name);
            let mut state = self.state();
            let number = state.operations.len();
            state.before.push((number, name.clone(), listed));
        }
    }
}

impl Store for Simulated {
    fn put(&self, object: &Sealed) -> Result<()> {
        self.begin(Operation::Put, Some(&(object.name().clone(), Some(object.clone()))))?;
        self.remember(object.name());
        self.inner.put(object)
    }

    fn get(&self, name: &ObjectName, limit: u64) -> Result<Sealed> {
        self.begin(Operation::Get, None)?;
        self.state().read.push(name.clone());
        self.inner.get(name, limit)
    }

    fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        self.begin(Operation::Head, None)?;
        self.inner.head(name)
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Listed>> {
        self.begin(Operation::List, None)?;
        let mut found = self.inner.list(kind)?;
        let state = self.state();
        let number = state.operations.len();
        let recent = state.before.iter().rev().take_while(|(at, ..)| at + self.stale > number);
        for (_, name, before) in recent.filter(|(_, name, _)| name.kind() == kind) {
            found.retain(|listed| &listed.name != name);
            found.extend(before.clone());
        }
        for listed in &mut found {
            listed.age += self.age;
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        self.begin(Operation::Delete, Some(&(name.clone(), None)))?;
        self.remember(name);
        self.inner.delete(name)
    }
}

/// Another store with the same objects.
pub(crate) fn copy(store: &Memory) -> Memory {
    let copy = Memory::new();
    for object in &objects(store) {
        copy.put(object).unwrap();
    }
    copy
}

/// Every object of a store.
pub(crate) fn objects(store: &Memory) -> Vec<Sealed> {
    let listed = ObjectKind::ALL.into_iter().flat_map(|kind| store.list(kind).unwrap());
    listed.map(|listed| store.get(&listed.name, u64::MAX).unwrap()).collect()
}

/// Puts other bytes where an object lies, or may lie.
pub(crate) fn overwrite(store: &Memory, name: &ObjectName, bytes: &[u8]) {
    store.delete(name).unwrap();
    store.put(&Sealed::vouch(name.clone(), bytes)).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::suite::{self, object};

    #[test]
    fn the_simulated_store_keeps_the_contract_while_nothing_goes_wrong() {
        suite::run(&|| Box::new(Simulated::new(&Memory::new(), None)));
    }

    #[test]
    fn faults_are_what_they_say() {
        let (first, second) = (object(ObjectKind::Pack, 1, b"1"), object(ObjectKind::Pack, 2, b"2"));
        let there = |fault| {
            let store = Simulated::new(&Memory::new(), Some((1, fault)));
            let put = [&first, &second, &second].map(|object| store.put(object).is_ok());
            let now = store.inner.head(second.name()).unwrap().is_some();
            store.settle();
            (put, store.head(first.name()).is_ok(), store.delete(first.name()).is_ok(), now)
        };
        assert_eq!(there(Fault::Fails), ([true, false, true], true, true, true));
        assert_eq!(there(Fault::Reset), ([true, false, true], true, true, true));
        assert_eq!(there(Fault::Dies), ([true, false, false], false, false, false));
        assert_eq!(there(Fault::Full), ([true, false, false], true, true, false));
        assert_eq!(there(Fault::Unreadable), ([true, true, true], false, true, true));
        assert_eq!(there(Fault::Undeletable), ([true, true, true], true, false, true));
        let late = Simulated::new(&Memory::new(), Some((0, Fault::Late)));
        assert!(late.put(&first).is_err() && late.inner.head(first.name()).unwrap().is_none());
        assert_eq!([(); 3].map(|()| late.head(first.name()).unwrap()), [None, None, Some(1)]);
    }

    #[test]
    fn stale_listings_show_what_was_there_some_operations_ago() {
        let (first, second) = (object(ObjectKind::Pack, 1, b"1"), object(ObjectKind::Pack, 2, b"2"));
        let memory = Memory::new();
        memory.put(&first).unwrap();
        let store = Simulated::new(&memory, None).stale(4);
        let names = || store.list(ObjectKind::Pack).unwrap().into_iter().map(|listed| listed.name).collect::<Vec<_>>();
        store.put(&second).unwrap();
        store.delete(first.name()).unwrap();
        assert_eq!(names(), [first.name().clone()]);
        assert!(store.get(second.name(), 9).is_ok(), "only listings are stale");
        assert_eq!(names(), [first.name().clone(), second.name().clone()], "the put is seen, the deletion is not");
        assert_eq!(names(), [second.name().clone()]);
    }
}
