//! A disk in memory that fails, fills up, dies and loses power at the call that a test names. What was not made durable may be
//! lost at a power failure, each change of a name by itself, and content of files in part.

use super::{Disk, Facts, NewFile, Shape};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// What happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Trouble {
    /// The process dies before it.
    Dies,
    /// The process dies right behind it; a write is done by half.
    DiesBehind,
    /// It fails once (EIO), a write by half. What a failed fsync should have kept is lost, and the next one reports success.
    Fails,
    /// From here on there is no space (ENOSPC), until it is [healed](Simulated::heal).
    Full,
}

/// A disk; clones are the same disk.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct Simulated(Arc<Mutex<State>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

/// A change of names, in the order in which they were made.
#[derive(Debug, Clone)]
enum Change {
    Named(PathBuf, Node),
    Gone(PathBuf),
    Moved(PathBuf, PathBuf, Node),
}

impl Change {
    fn is_in(&self, folder: &Path) -> bool {
        let (Self::Named(path, _) | Self::Gone(path) | Self::Moved(path, ..)) = self;
        let other = if let Self::Moved(_, to, _) = self { to } else { path };
        path.parent() == Some(folder) || other.parent() == Some(folder)
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        match self {
            Self::Named(path, node) => drop(names.insert(path.clone(), *node)),
            Self::Gone(path) => drop(names.remove(path)),
            Self::Moved(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Content {
    /// What a reader sees.
    seen: Vec<u8>,
    /// Whether that survives a power failure.
    durable: bool,
    /// Whether an fsync failed: later ones report success and keep nothing.
    lost: bool,
}

#[derive(Debug, Clone, Default)]
struct State {
    calls: usize,
    trouble: Vec<(usize, Trouble)>,
    dead: bool,
    full: bool,
    no_links: bool,
    age: Duration,
    files: Vec<Content>,
    /// Names as the machine sees them now.
    seen: BTreeMap<PathBuf, Node>,
    /// Names that survive a power failure.
    kept: BTreeMap<PathBuf, Node>,
    /// What lies between the two.
    pending: Vec<Change>,
}

/// What a call does to the space on the disk.
#[derive(PartialEq, Eq)]
enum Needs {
    Nothing,
    Space,
}

fn broken() -> io::Error {
    io::Error::other("input/output error")
}

impl State {
    /// A name that comes and goes again before it is durable is as if it had never been: that only the first half is kept is
    /// what a failure just before the second leaves, too.
    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        let before = self.pending.len();
        if let Change::Gone(path) = &change {
            self.forget(path);
        }
        if before == self.pending.len() {
            self.pending.push(change);
        }
    }

    fn forget(&mut self, path: &Path) {
        self.pending.retain(|change| !matches!(change, Change::Named(named, _) if named == path));
    }

    fn node(&self, path: &Path) -> io::Result<Node> {
        self.seen.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// The number of a file that can be had under a new name.
    fn free(&self, path: &Path) -> io::Result<()> {
        match (self.seen.contains_key(path), path.parent().map(|parent| self.seen.get(parent))) {
            (true, _) => Err(ErrorKind::AlreadyExists.into()),
            (false, Some(Some(Node::Folder))) => Ok(()),
            _ => Err(ErrorKind::NotFound.into()),
        }
    }
}

impl Simulated {
    /// An empty disk with the folder `/`, on which `trouble` comes at the calls with those numbers, from 0.
    pub(in crate::store) fn new(trouble: &[(usize, Trouble)]) -> Self {
        let disk = Self::default();
        disk.state().seen.insert("/".into(), Node::Folder);
        disk.state().kept.insert("/".into(), Node::Folder);
        disk.state().trouble = trouble.to_vec();
        disk
    }

    /// The same disk without hard links.
    pub(in crate::store) fn without_links(self) -> Self {
        self.state().no_links = true;
        self
    }

    /// How many calls were made.
    pub(in crate::store) fn calls(&self) -> usize {
        self.state().calls
    }

    /// Whether the process has died.
    pub(in crate::store) fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// There is space again.
    pub(in crate::store) fn heal(&self) {
        self.state().full = false;
    }

    /// The same machine with a new process, on which `trouble` comes at the calls with those numbers.
    pub(in crate::store) fn restarted(&self, trouble: &[(usize, Trouble)]) -> Self {
        let state = self.state().clone();
        Self(Arc::new(Mutex::new(State { calls: 0, trouble: trouble.to_vec(), dead: false, full: false, ..state })))
    }

    /// The same disk so much later.
    pub(in crate::store) fn later(&self, age: Duration) -> Self {
        let disk = self.restarted(&[]);
        disk.state().age = age;
        disk
    }

    /// Every state that a power failure may leave behind: each subset of the changes of names that were not made durable, with
    /// what was not made durable of files missing, torn, whole, or full of zeros.
    pub(in crate::store) fn after_power_failure(&self) -> Vec<Self> {
        let state = self.state().clone();
        assert!(state.pending.len() <= 8, "{} changes are pending", state.pending.len());
        let mut found = Vec::new();
        for chosen in 0..1_u32 << state.pending.len() {
            let mut names = state.kept.clone();
            let picked = state.pending.iter().enumerate().filter(|(at, _)| chosen & 1 << at != 0);
            picked.for_each(|(_, change)| change.apply(&mut names));
            let all = names.clone();
            let has_way = |path: &Path| path.ancestors().skip(1).all(|above| all.get(above) == Some(&Node::Folder));
            names.retain(|path, _| has_way(path));
            let torn = names.values().any(|node| matches!(node, Node::File(file) if !state.files[*file].durable));
            for variant in 0..if torn { 4 } else { 1 } {
                let mut files = state.files.clone();
                for file in files.iter_mut().filter(|file| !file.durable) {
                    match variant {
                        0 => file.seen.clear(),
                        1 => file.seen.truncate(file.seen.len() / 2),
                        2 => file.seen.fill(0),
                        _ => {}
                    }
                }
                for file in &mut files {
                    (file.durable, file.lost) = (true, false);
                }
                let (seen, kept, no_links) = (names.clone(), names.clone(), state.no_links);
                found.push(Self(Arc::new(Mutex::new(State { no_links, files, seen, kept, ..State::default() }))));
            }
        }
        found
    }

    /// The names in a folder, without a call.
    pub(in crate::store) fn peek(&self, folder: &Path) -> usize {
        self.state().seen.keys().filter(|path| path.parent() == Some(folder)).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// One call: `by_half` is what is done of it when it is cut, `whole` the call itself.
    fn call<T>(
        &self,
        needs: &Needs,
        by_half: impl FnOnce(&mut State),
        whole: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.state();
        if state.dead {
            return Err(broken());
        }
        let now = state.trouble.iter().find(|(at, _)| *at == state.calls).map(|(_, trouble)| *trouble);
        state.calls += 1;
        state.full |= now == Some(Trouble::Full);
        match now {
            Some(Trouble::Dies) => state.dead = true,
            Some(Trouble::DiesBehind) => {
                state.dead = true;
                drop(whole(&mut state));
            }
            Some(Trouble::Fails) => by_half(&mut state),
            _ if state.full && *needs == Needs::Space => {
                by_half(&mut state);
                return Err(ErrorKind::StorageFull.into());
            }
            _ => return whole(&mut state),
        }
        Err(broken())
    }
}

fn nothing(_: &mut State) {}

impl Disk for Simulated {
    fn facts(&self, path: &Path) -> io::Result<Option<Facts>> {
        self.call(&Needs::Nothing, nothing, |state| {
            let facts = |shape, length| Facts { shape, length, age: state.age };
            Ok(state.seen.get(path).map(|node| match node {
                Node::Folder => facts(Shape::Folder, 0),
                Node::File(file) => facts(Shape::File, state.files[*file].seen.len() as u64),
            }))
        })
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.call(&Needs::Nothing, nothing, |state| {
            let inside = state.seen.keys().filter(|path| path.parent() == Some(folder));
            Ok(inside.filter_map(|path| path.file_name()).map(OsString::from).collect())
        })
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.call(&Needs::Nothing, nothing, |state| match state.node(path)? {
            Node::File(file) => {
                let seen = &state.files[file].seen;
                Ok(seen[..seen.len().min(usize::try_from(limit).unwrap_or(usize::MAX))].to_vec())
            }
            Node::Folder => Err(broken()),
        })
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        let file = self.call(&Needs::Space, nothing, |state| {
            state.free(path)?;
            state.files.push(Content::default());
            let file = state.files.len() - 1;
            state.change(Change::Named(path.to_owned(), Node::File(file)));
            Ok(file)
        })?;
        Ok(Box::new(Handle { disk: self.clone(), file }))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(&Needs::Space, nothing, |state| {
            state.free(to)?;
            let node = state.node(from)?;
            if state.no_links {
                return Err(ErrorKind::Unsupported.into());
            }
            state.change(Change::Named(to.to_owned(), node));
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(&Needs::Space, nothing, |state| {
            let node = state.node(from)?;
            state.change(Change::Moved(from.to_owned(), to.to_owned(), node));
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(&Needs::Nothing, nothing, |state| {
            state.node(path)?;
            state.change(Change::Gone(path.to_owned()));
            Ok(())
        })
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.call(&Needs::Space, nothing, |state| {
            state.free(path)?;
            state.change(Change::Named(path.to_owned(), Node::Folder));
            Ok(())
        })
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.remove(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let take = |state: &mut State| -> Vec<Change> {
            let (inside, others) = state.pending.drain(..).partition(|change| change.is_in(path));
            state.pending = others;
            inside
        };
        self.call(
            &Needs::Nothing,
            |state| drop(take(state)),
            |state| {
                state.node(path)?;
                let changes = take(state);
                for change in changes {
                    change.apply(&mut state.kept);
                    if let Change::Moved(from, ..) = &change {
                        state.forget(from);
                    }
                }
                Ok(())
            },
        )
    }
}

struct Handle {
    disk: Simulated,
    file: usize,
}

impl NewFile for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let half = |state: &mut State| state.files[self.file].seen.extend_from_slice(&bytes[..bytes.len() / 2]);
        self.disk.call(&Needs::Space, half, |state| {
            state.files[self.file].seen.extend_from_slice(bytes);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        let lose = |state: &mut State| state.files[self.file].lost = true;
        self.disk.call(&Needs::Nothing, lose, |state| {
            let file = &mut state.files[self.file];
            file.durable = !file.lost;
            Ok(())
        })
    }
}
