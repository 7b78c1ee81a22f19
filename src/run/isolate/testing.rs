//! A host for tests: a folder of SQLite files that are copied as wholes, with a place to die at.

use super::Ground;
use crate::engine::isolate::{Admission, Done, Held, Host, How, Outcome, Pristine, REGISTRY_FILE, Resettable, Rung};
use crate::engine::{self, Target};
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::model::schema::{EngineKind, TableName};
use crate::run::server_tests::watched_testing::{Calls, Watched};
use crate::secret::Address;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The host. Every call of it and of its registry is counted.
pub(crate) struct Files {
    folder: PathBuf,
    calls: Arc<Calls>,
}

/// What a killed program ends with.
struct Killed;

impl Files {
    /// A host in a folder whose program dies behind its call of that number.
    pub(crate) fn new(folder: &Path, dies_behind: Option<usize>) -> Self {
        let calls = Calls::new(move |number, _| {
            if Some(number) == dies_behind {
                std::panic::resume_unwind(Box::new(Killed));
            }
        });
        Self { folder: folder.to_owned(), calls }
    }

    /// An opened host in a folder.
    pub(crate) fn ground(folder: &Path) -> Ground {
        Ground::on(Box::new(Self::new(folder, None))).unwrap()
    }

    /// Runs `work` in a program that dies behind the call of that number. Returns whether it came to its end.
    pub(crate) fn until_killed(folder: &Path, number: usize, work: impl FnOnce(Ground)) -> bool {
        let host = Box::new(Self::new(folder, Some(number)));
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(Ground::on(host).unwrap())));
        match done {
            Ok(()) => true,
            Err(cause) if cause.is::<Killed>() => false,
            Err(cause) => std::panic::resume_unwind(cause),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.sqlite"))
    }

    fn step<T>(&self, done: T) -> T {
        self.calls.step();
        done
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::unreachable("the folder of a test fails").caused_by(error)
}

impl Held for File {}

impl Host for Files {
    fn engine(&self) -> EngineKind {
        EngineKind::Sqlite
    }

    fn address(&self, name: &str) -> Address {
        Address::new(format!("sqlite:{}", self.path(name).display()))
    }

    fn registry(&mut self) -> Result<Box<dyn Target>> {
        let address = self.address(REGISTRY_FILE);
        let target = (engine::find(&address)?.target)(&address, true, &Cancel::default())?;
        Ok(Box::new(Watched::new(target, &self.calls)))
    }

    fn hold(&mut self, name: &str, wait: Duration) -> Result<Option<Box<dyn Held>>> {
        let file = File::create(self.folder.join(format!("{name}.lock"))).map_err(failed)?;
        let deadline = Instant::now() + wait;
        loop {
            if file.try_lock().is_ok() {
                return Ok(self.step(Some(Box::new(file))));
            }
            if Instant::now() >= deadline {
                return Ok(self.step(None));
            }
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    fn exists(&mut self, name: &str) -> Result<bool> {
        Ok(self.path(name).exists())
    }

    fn create(&mut self, name: &str) -> Result<()> {
        let made = File::create_new(self.path(name));
        self.step(made).map(drop).map_err(|error| Error::guard("there is one").caused_by(error))
    }

    fn seal(&mut self, template: &str) -> Result<()> {
        assert!(self.path(template).exists());
        self.step(Ok(()))
    }

    fn clone_template(&mut self, template: &str, name: &str) -> Result<()> {
        assert!(!self.path(name).exists(), "a clone is made where there is one");
        // First a part of it, so that one can die in the midst of it.
        let whole = std::fs::read(self.path(template)).map_err(failed)?;
        std::fs::write(self.path(name), &whole[..whole.len() / 2]).map_err(failed)?;
        self.step(());
        std::fs::write(self.path(name), whole).map_err(failed)?;
        self.step(Ok(()))
    }

    fn admit(&mut self, _template: &str, name: &str) -> Result<Admission> {
        self.step(Ok(Admission { address: self.address(name), unlimited: Some("it is a file".to_owned()) }))
    }

    fn remove(&mut self, name: &str) -> Result<()> {
        match std::fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
            _ => self.step(Ok(())),
        }
    }

    fn bytes(&mut self, name: &str) -> Result<u64> {
        std::fs::metadata(self.path(name)).map(|about| about.len()).map_err(failed)
    }

    fn open(&mut self, template: &str, name: &str) -> Result<Box<dyn Resettable>> {
        let clone = Whole { template: self.path(template), clone: self.path(name) };
        if clone.clone.exists() {
            Ok(self.step(Box::new(clone)))
        } else {
            Err(Error::unreachable("there is no such clone"))
        }
    }
}

/// A clone that is put back as a whole.
struct Whole {
    template: PathBuf,
    clone: PathBuf,
}

impl Resettable for Whole {
    fn reset(&mut self, _how: &How, _pristine: &mut dyn Pristine) -> Result<Outcome> {
        let (template, clone) =
            (std::fs::read(&self.template).map_err(failed)?, std::fs::read(&self.clone).map_err(failed)?);
        let mut done = Done { rung: Rung::Clean, rows: 0, tables: Vec::new(), counters: 0, notes: Vec::new() };
        if clone.len() > template.len() + (1 << 20) {
            return Ok(Outcome::Spoiled("it has grown much".to_owned()));
        }
        if clone != template {
            std::fs::write(&self.clone, template).map_err(failed)?;
            (done.rung, done.rows) = (Rung::Journal, 1);
            done.tables.push(TableName::plain("some"));
        }
        Ok(Outcome::Done(done))
    }
}
