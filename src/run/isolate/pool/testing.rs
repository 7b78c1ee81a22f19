//! A supply for tests: clones are numbers, and every step of making and putting back is written down and can be held up.

use super::{Ask, Lent, Mode, Pattern, Reset, SnapshotName, Supply};
use crate::engine::isolate::Rung;
use crate::error::{Error, Result};
use crate::secret::Address;
use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// What happened, and what is to happen.
#[derive(Default)]
pub(crate) struct Book {
    /// `build a`, `take 1`, `reset 1`, `verify 1`, `give back 1`, `keep 1`, `discard 1`, `evict a`.
    pub lines: Vec<String>,
    /// The clones that there are.
    pub clones: BTreeSet<usize>,
    /// The most clones that there ever were.
    pub most: usize,
    /// Clones that are being made now, and the most that ever were.
    pub making: (usize, usize),
    /// Clones that somebody wrote to.
    pub dirty: BTreeSet<usize>,
    /// Steps that fail, once each.
    pub failing: BTreeSet<String>,
    /// Steps that wait until they are taken out.
    pub held: BTreeSet<String>,
    next: usize,
}

/// The supply.
#[derive(Clone, Default)]
pub(crate) struct Fake {
    book: Arc<Mutex<Book>>,
    moved: Arc<Condvar>,
}

impl Fake {
    /// Looks into the book, or writes into it.
    pub(crate) fn book<T>(&self, look: impl FnOnce(&mut Book) -> T) -> T {
        let answer = look(&mut self.book.lock().unwrap());
        self.moved.notify_all();
        answer
    }

    /// Waits until something is so.
    pub(crate) fn until(&self, is_so: impl Fn(&Book) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        let mut book = self.book.lock().unwrap();
        while !is_so(&book) {
            assert!(Instant::now() < end, "it never came to be: {:?}", book.lines);
            book = self.moved.wait_timeout(book, Duration::from_millis(50)).unwrap().0;
        }
    }

    fn step(&self, step: &str) -> Result<()> {
        self.book(|book| book.lines.push(step.to_owned()));
        self.until(|book| !book.held.contains(step));
        if self.book(|book| book.failing.remove(step)) {
            return Err(Error::unreachable(format!("{step} failed")).hint("Try it again."));
        }
        Ok(())
    }
}

impl Supply for Fake {
    fn template(&self, snapshot: &str) -> Result<Arc<dyn Pattern>> {
        self.step(&format!("build {snapshot}"))?;
        Ok(Arc::new(FakePattern { fake: self.clone(), snapshot: snapshot.to_owned() }))
    }

    fn cancel(&self) {
        self.book(|book| book.held.clear());
    }
}

struct FakePattern {
    fake: Fake,
    snapshot: String,
}

impl Pattern for FakePattern {
    fn snapshot(&self) -> SnapshotName {
        SnapshotName { name: self.snapshot.clone(), id: "0123456789abcdef".repeat(4) }
    }

    fn take(&self, _mode: Mode) -> Result<Box<dyn Lent>> {
        let number = self.fake.book(|book| {
            book.next += 1;
            book.making.0 += 1;
            book.making.1 = book.making.1.max(book.making.0);
            book.next
        });
        let done = self.fake.step(&format!("take {number}"));
        self.fake.book(|book| {
            book.making.0 -= 1;
            if done.is_ok() {
                book.clones.insert(number);
                book.most = book.most.max(book.clones.len());
            }
        });
        done?;
        let database = format!("terp_w_0123456789ab_{number}");
        let address = Address::new(format!("postgres://{database}:secret%21@localhost:5432/{database}"));
        Ok(Box::new(FakeClone { fake: self.fake.clone(), number, database, address }))
    }

    fn evict(&self) -> Result<()> {
        self.fake.step(&format!("evict {}", self.snapshot))
    }
}

struct FakeClone {
    fake: Fake,
    number: usize,
    database: String,
    address: Address,
}

impl FakeClone {
    fn end(&self, how: &str) -> Result<()> {
        self.fake.step(&format!("{how} {}", self.number))?;
        self.fake.book(|book| book.clones.remove(&self.number));
        Ok(())
    }
}

impl Lent for FakeClone {
    fn database(&self) -> &str {
        &self.database
    }

    fn address(&self) -> &Address {
        &self.address
    }

    fn unlimited(&self) -> Option<&str> {
        None
    }

    fn is_new(&self) -> bool {
        true
    }

    fn reset(&mut self, ask: Ask) -> Result<Reset> {
        self.fake.step(&format!("{} {}", if ask.verify { "verify" } else { "reset" }, self.number))?;
        let was_dirty = self.fake.book(|book| book.dirty.remove(&self.number));
        Ok(Reset {
            rung: if was_dirty { Rung::Journal } else { Rung::Clean },
            rows: u64::from(was_dirty),
            tables: if was_dirty { vec!["orders".to_owned()] } else { Vec::new() },
            counters: 0,
            micros: 12,
            notes: Vec::new(),
            verified: ask.verify.then_some(true),
        })
    }

    fn give_back(self: Box<Self>) -> Result<()> {
        self.end("give back")
    }

    fn keep(self: Box<Self>) -> Result<()> {
        self.end("keep")
    }

    fn discard(self: Box<Self>) -> Result<()> {
        self.end("discard")
    }
}
