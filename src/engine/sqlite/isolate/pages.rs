//! The pages of a clone against those of its template: which differ, what that means in rows, and writing them again.

use super::cells::Tally;
use super::files;
use super::map::{self, Cells, Owner};
use crate::error::{Error, Result};
use crate::event::Cancel;
use rusqlite::{Connection, params};
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Takes the number of a page, what the clone has there, and what the template.
type Each<'a> = dyn FnMut(u32, Option<&[u8]>, Option<&[u8]>) -> Result<()> + 'a;

/// How much of a template is read at once: a multiple of every size of a page.
const CHUNK: usize = 1 << 20;

/// Where the first page has what only belongs to one file: journal mode, count of changes, number of the schema's state, for which
/// count of changes the length is valid, and who wrote it last.
const OWN: [Range<usize>; 4] = [18..20, 24..28, 40..44, 92..100];

/// Where it has what open connections do not expect to change: reserved bytes, encoding, incremental vacuum.
const LAYOUT: [Range<usize>; 3] = [20..21, 56..60, 64..68];

/// Where it has the last root of a table, but only where the file vacuums itself.
const VACUUM: Range<usize> = 52..56;

/// The first page behind its head.
const SCHEMA: Range<usize> = 100..512;

/// Where SQLite puts its locks; the page there is never used.
const LOCKS: usize = 1 << 30;

/// A template's file, which nobody writes.
pub(super) struct Template {
    path: PathBuf,
    first: Vec<u8>,
    pages: u32,
}

/// What differs.
#[derive(Default)]
pub(super) struct Difference {
    /// Pages that are to be written.
    pages: Vec<u32>,
    /// Whether the clone has pages behind the template's last one.
    is_longer: bool,
    pub(super) schema: bool,
    pub(super) tables: BTreeSet<String>,
    pub(super) rows: Tally,
    pub(super) counters: Tally,
}

impl Difference {
    pub(super) fn is_none(&self) -> bool {
        self.pages.is_empty() && !self.is_longer
    }

    /// Counts what a page holds in the clone and in the template, as far as it is in use there.
    fn count(&mut self, owner: Option<&Owner>, usable: usize, own: Option<&[u8]>, their: Option<&[u8]>) {
        let cells = owner.map_or(Cells::Rows, |owner| owner.cells);
        let is_counter = owner.is_some_and(|owner| owner.table == map::COUNTERS);
        let tally = if is_counter { &mut self.counters } else { &mut self.rows };
        for (page, by) in [(own, -1), (their.filter(|_| owner.is_some()), 1)] {
            tally.count(page.unwrap_or_default(), usable, cells == Cells::Keyed, by);
        }
        if let Some(owner) = owner {
            self.schema |= owner.table == map::SCHEMA;
            self.tables.insert(owner.table.clone());
        }
    }
}

type Explain<'a> = dyn Fn(rusqlite::Error) -> Error + 'a;

impl Template {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let cannot = files::cannot("read", path);
        let mut file = File::open(path).map_err(&cannot)?;
        let mut head = [0; 100];
        file.read_exact(&mut head).map_err(&cannot)?;
        // A size of 65536 does not fit in, and is written as 1.
        let size = match u16::from_be_bytes([head[16], head[17]]) {
            1 => 1 << 16,
            size => usize::from(size),
        };
        let mut first = vec![0; size];
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut first)).map_err(&cannot)?;
        let length = file.metadata().map_err(&cannot)?.len();
        let pages = u32::try_from(length / size.max(1) as u64).unwrap_or(u32::MAX);
        Ok(Self { path: path.to_owned(), first, pages })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn cookie(&self) -> [u8; 4] {
        cookie(&self.first)
    }

    /// Whether this is the template's first page to the last byte.
    pub(super) fn is_first(&self, first: &[u8]) -> bool {
        self.first == first
    }

    /// Whether a file is the template's copy still, by reading both.
    ///
    /// For a file that no connection of this process has a transaction on: closing any descriptor of it gives up the process's locks.
    pub(super) fn is_copied_by(&self, path: &Path) -> std::io::Result<bool> {
        let (mut own, mut theirs) = (File::open(path)?, File::open(&self.path)?);
        if own.metadata()?.len() != theirs.metadata()?.len() {
            return Ok(false);
        }
        let (mut here, mut there) = (vec![0; self.first.len()], Vec::new());
        own.read_exact(&mut here)?;
        if plain(&here) != plain(&self.first) {
            return Ok(false);
        }
        theirs.seek(SeekFrom::Start(self.first.len() as u64))?;
        loop {
            here.clear();
            there.clear();
            (&own).take(CHUNK as u64).read_to_end(&mut here)?;
            (&theirs).take(CHUNK as u64).read_to_end(&mut there)?;
            if here != there || here.is_empty() {
                return Ok(here == there);
            }
        }
    }

    /// Kind `Drift` where open connections would not understand the template's pages.
    pub(super) fn check_layout(&self, first: &[u8]) -> Result<()> {
        let vacuums = |first: &[u8]| first[VACUUM] != [0; 4];
        let is_same = first.len() == self.first.len()
            && LAYOUT.into_iter().all(|at| first[at.clone()] == self.first[at])
            && vacuums(first) == vacuums(&self.first);
        let changed = "the file was laid out anew: the size of its pages, or auto_vacuum";
        if is_same { Ok(()) } else { Err(Error::drift(changed)) }
    }

    /// Compares all pages.
    pub(super) fn differences(
        &self,
        clone: &Connection,
        map: &Connection,
        first: &[u8],
        cancel: &Cancel,
        explain: &Explain<'_>,
    ) -> Result<Difference> {
        let free = free(clone, first).map_err(explain)?;
        let (mut found, usable) = (Difference::default(), self.first.len() - usize::from(self.first[20]));
        let owner = |page| map::owner(map, page).map_err(explain);
        self.compare(clone, cancel, explain, &mut |page, own, their| {
            let is_same = page == 1 && own.map(plain) == their.map(plain);
            match their {
                _ if is_same => return Ok(()),
                Some(_) => found.pages.push(page),
                None => found.is_longer = true,
            }
            if page == 1 {
                let [own, their] = [own, their].map(|page| page.and_then(|page| page.get(SCHEMA.start..)));
                found.schema |= own != their;
            } else {
                let own = own.filter(|_| !free.contains(&page));
                found.count(owner(page)?.as_ref(), usable, own, their);
            }
            Ok(())
        })?;
        // Rows of a table that was emptied stay where they are, in pages that are only noted down as free.
        let written: HashSet<u32> = found.pages.iter().copied().collect();
        let mut file = self.file()?;
        for page in free.difference(&written) {
            if let Some(owner) = owner(*page)? {
                found.count(Some(&owner), usable, None, Some(&self.page(&mut file, *page)?));
            }
        }
        Ok(found)
    }

    /// Calls `each` with every page that differs.
    fn compare(&self, clone: &Connection, cancel: &Cancel, explain: &Explain<'_>, each: &mut Each<'_>) -> Result<()> {
        let size = self.first.len();
        let mut theirs = BufReader::with_capacity(CHUNK, self.file()?);
        let mut statement = clone.prepare_cached("SELECT data FROM sqlite_dbpage ORDER BY pgno").map_err(explain)?;
        let mut owns = statement.query([]).map_err(explain)?;
        let mut page: u32 = 0;
        loop {
            let own = match owns.next().map_err(explain)? {
                Some(row) => Some(row.get_ref(0).and_then(|data| Ok(data.as_blob()?)).map_err(explain)?),
                None => None,
            };
            let their = theirs.fill_buf().map_err(files::cannot("read", &self.path))?.get(..size);
            if own.is_none() && their.is_none() {
                return Ok(());
            }
            page += 1;
            if page.is_multiple_of(4096) {
                cancel.check()?;
            }
            if own != their && page as usize != LOCKS / size + 1 {
                each(page, own, their)?;
            }
            if their.is_some() {
                theirs.consume(size);
            }
        }
    }

    /// Writes pages of the template into the clone.
    pub(super) fn write(
        &self,
        clone: &Connection,
        found: &Difference,
        (first, cookie): (&[u8], [u8; 4]),
        explain: &Explain<'_>,
    ) -> Result<()> {
        // This connection must not find another number than it knows, or it would read the schema out of a half-written file.
        clone.pragma_update(None, "schema_version", u32::from_be_bytes(cookie)).map_err(explain)?;
        let mut statement =
            clone.prepare_cached("INSERT INTO sqlite_dbpage (pgno, data) VALUES (?1, ?2)").map_err(explain)?;
        let mut file = self.file()?;
        for page in found.pages.iter().filter(|page| **page != 1) {
            statement.execute(params![page, self.page(&mut file, *page)?]).map_err(explain)?;
        }
        let mut head = self.first.clone();
        for at in OWN {
            head[at.clone()].copy_from_slice(&first[at]);
        }
        head[40..44].copy_from_slice(&cookie);
        statement.execute(params![1, head]).map_err(explain)?;
        if found.is_longer {
            // The page and all behind it go, if nothing is written behind this.
            statement.execute(params![self.pages + 1, None::<Vec<u8>>]).map_err(explain)?;
        }
        Ok(())
    }

    fn file(&self) -> Result<File> {
        File::open(&self.path).map_err(files::cannot("read", &self.path))
    }

    fn page(&self, file: &mut File, page: u32) -> Result<Vec<u8>> {
        let mut data = vec![0; self.first.len()];
        let at = u64::from(page - 1) * data.len() as u64;
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut data));
        read.map_err(files::cannot("read", &self.path)).map(|()| data)
    }
}

/// A page of a clone.
pub(super) fn page(clone: &Connection, page: u32) -> rusqlite::Result<Vec<u8>> {
    clone.prepare_cached("SELECT data FROM sqlite_dbpage WHERE pgno = ?1")?.query_row([page], |row| row.get(0))
}

/// The number of the schema's state.
pub(super) fn cookie(first: &[u8]) -> [u8; 4] {
    [first[40], first[41], first[42], first[43]]
}

/// The number of the schema's state that the clone gets: another one than it ever had, where connections may know another schema.
pub(super) fn cookie_after(first: &[u8], is_new: bool) -> [u8; 4] {
    (u32::from_be_bytes(cookie(first)).wrapping_add(u32::from(is_new))).to_be_bytes()
}

/// The first page without what belongs to one file only.
pub(super) fn plain(first: &[u8]) -> Vec<u8> {
    let mut first = first.to_owned();
    for at in OWN {
        first[at].fill(0);
    }
    first
}

/// The pages that a clone does not use: a chain of lists.
fn free(clone: &Connection, first: &[u8]) -> rusqlite::Result<HashSet<u32>> {
    let number = |page: &[u8], at: usize| {
        page.get(4 * at..4 * at + 4).map_or(0, |four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
    };
    let (mut free, mut list) = (HashSet::new(), number(first, 8));
    // A list that comes again is a damaged one.
    while list != 0 && free.insert(list) {
        let page = page(clone, list)?;
        let count = (number(&page, 1) as usize).min(page.len() / 4);
        free.extend((2..2 + count).map(|at| number(&page, at)).filter(|page| *page != 0));
        list = number(&page, 0);
    }
    Ok(free)
}
