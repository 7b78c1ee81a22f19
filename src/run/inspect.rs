//! `list` and `show`: what snapshots there are, and what is in one. Counts and names, never rows.

use super::repository::{Repository, Snapshot};
use super::tags::Tags;
use crate::error::{Error, Result};
use crate::model::manifest::{ChunkRef, Manifest};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// A snapshot in one line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// 32 hex digits.
    pub id: String,
    /// Its number in the store.
    pub seq: u64,
    /// When it was captured, UTC.
    pub created: String,
    /// The environment it was masked for.
    pub environment: String,
    /// The engine of the source.
    pub engine: String,
    /// Tables with rows.
    pub tables: usize,
    /// Rows.
    pub rows: u64,
    /// Bytes of COPY text.
    pub raw_bytes: u64,
    /// Bytes of compressed chunks.
    pub stored_bytes: u64,
    /// Bytes of compressed chunks that an older snapshot of the store has too.
    pub shared_bytes: u64,
    /// When it expires, UTC.
    pub expires: Option<String>,
    /// Whether it has.
    pub expired: bool,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// Whether its name is pinned to it.
    pub pinned: bool,
    /// Whether it came from another store.
    pub copied: bool,
    /// The run that was about to be rolled back, where it is a backup.
    pub backup: Option<String>,
    /// Where its rows are from: `captured`, `made up`, `written by hand`.
    pub origin: &'static str,
}

/// Which snapshots to list; what is not said holds for all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// A pattern of the name, with `*` and `?`.
    pub name: Option<String>,
    /// Tags that it must have.
    pub tags: Vec<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The engine's word: `sqlite`, `postgres`, `mysql`, `mariadb`.
    pub engine: Option<String>,
    /// Not captured before.
    pub since: Option<String>,
    /// Not captured after.
    pub until: Option<String>,
    /// Only what has expired.
    pub expired: bool,
    /// Only the newest so many.
    pub limit: Option<usize>,
}

impl Filter {
    fn takes(&self, line: &Line) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        self.name.as_ref().is_none_or(|pattern| matches_glob(pattern, &line.name))
            && self.tags.iter().all(|tag| line.tags.contains(tag))
            && is(&self.environment, &line.environment)
            && self.engine.as_ref().is_none_or(|engine| line.engine.eq_ignore_ascii_case(product(engine)))
            && self.since.as_ref().is_none_or(|since| line.created >= *since)
            && self.until.as_ref().is_none_or(|until| line.created <= *until)
            && (!self.expired || line.expired)
    }
}

/// An engine's name as lines have it, whatever the case.
fn product(engine: &str) -> &str {
    if engine == "postgres" { "PostgreSQL" } else { engine }
}

/// Whether a name matches a pattern: `*` stands for any text, `?` for one character, all else for itself.
#[must_use]
pub fn matches_glob(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut p) = (0, 0);
    // Where to go on when the text behind the last star does not fit: one character further.
    let mut star = None;
    while at < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, at));
                p += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == name[at] => (p, at) = (p + 1, at + 1),
            _ => match star {
                Some((behind, from)) => {
                    (p, at) = (behind + 1, from + 1);
                    star = Some((behind, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// One line per snapshot that the filter takes, oldest first; and an error for everything that cannot be read.
///
/// # Errors
/// Kind `Store` when the store cannot be listed.
pub fn list(repository: &Repository, filter: &Filter) -> Result<(Vec<Line>, Vec<Error>)> {
    let mut tags = Tags::read(repository)?;
    let (mut lines, mut seen) = (Vec::new(), Seen::default());
    let mut damaged = std::mem::take(&mut tags.damaged);
    repository.walk(&mut |opened| {
        match opened {
            Ok(snapshot) => {
                let line = Line { pinned: repository.pins(&snapshot), ..line(&snapshot, &mut seen, &tags) };
                if filter.takes(&line) {
                    lines.push(line);
                }
            }
            Err(error) => damaged.push(error),
        }
        Ok(())
    })?;
    lines.sort_by(|a, b| (a.seq, &a.created, &a.id).cmp(&(b.seq, &b.created, &b.id)));
    let first = lines.len().saturating_sub(filter.limit.unwrap_or(usize::MAX));
    lines.drain(..first);
    Ok((lines, damaged))
}

/// What older snapshots have. Beyond so many chunks only packs are remembered: a chunk counts as shared then when its pack is.
#[derive(Default)]
struct Seen {
    chunks: HashSet<u64>,
    packs: HashSet<u64>,
}

impl Seen {
    const MOST: usize = 3_500_000;

    /// Bytes of the chunks, and of those that were seen before; remembers all of them.
    fn measure(&mut self, manifest: &Manifest) -> (u64, u64) {
        let (mut stored, mut shared) = (0, 0);
        let mut own: HashSet<u64> = HashSet::new();
        for chunk in chunks(manifest) {
            let print = print(&chunk.id);
            if !own.insert(print) {
                continue;
            }
            stored += chunk.length;
            let is_known = self.chunks.contains(&print)
                || (self.chunks.len() >= Self::MOST && self.packs.contains(&pack_print(manifest, chunk)));
            shared += if is_known { chunk.length } else { 0 };
        }
        let room = Self::MOST.saturating_sub(self.chunks.len());
        self.chunks.extend(own.into_iter().take(room));
        self.packs.extend(manifest.packs.iter().map(|pack| print(&pack.name)));
        (stored, shared)
    }
}

fn chunks(manifest: &Manifest) -> impl Iterator<Item = &ChunkRef> {
    manifest.tables.iter().flat_map(|table| table.chunks.iter().chain(&table.origins))
}

/// The first 64 bits of a digest in hex.
fn print(hex: &str) -> u64 {
    hex.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

fn pack_print(manifest: &Manifest, chunk: &ChunkRef) -> u64 {
    manifest.packs.get(chunk.pack as usize).map(|pack| print(&pack.name)).unwrap_or_default()
}

fn line(snapshot: &Snapshot, seen: &mut Seen, tags: &Tags) -> Line {
    let manifest = &snapshot.manifest;
    let (stored_bytes, shared_bytes) = seen.measure(manifest);
    Line {
        name: manifest.name.clone(),
        id: snapshot.id.clone(),
        seq: manifest.seq,
        created: manifest.created.clone(),
        environment: manifest.environment.clone(),
        engine: manifest.schema.engine.to_string(),
        tables: manifest.tables.iter().filter(|table| table.rows > 0).count(),
        rows: rows(manifest),
        raw_bytes: raw_bytes(manifest),
        stored_bytes,
        shared_bytes,
        expires: manifest.expires.clone(),
        expired: snapshot.is_expired(),
        tags: tags.of(snapshot),
        pinned: false,
        copied: !manifest.copied.is_empty(),
        backup: manifest.backup.as_ref().map(|backup| backup.run.clone()),
        origin: manifest.origin(),
    }
}

/// The rows of a snapshot.
#[must_use]
pub fn rows(manifest: &Manifest) -> u64 {
    manifest.tables.iter().map(|table| table.rows).sum()
}

/// The bytes of its rows as COPY text.
#[must_use]
pub fn raw_bytes(manifest: &Manifest) -> u64 {
    manifest.tables.iter().map(|table| table.bytes).sum()
}

/// What a snapshot takes in its store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// Packs that it needs.
    pub packs: usize,
    /// Their bytes, as they lie in the store.
    pub pack_bytes: u64,
    /// Different chunks.
    pub chunks: usize,
    /// Their compressed bytes.
    pub stored_bytes: u64,
    /// The part of those bytes that another snapshot of the store has too, older or newer.
    pub shared_bytes: u64,
}

/// Weighs a snapshot against all others of its store. What cannot be read shares nothing.
///
/// # Errors
/// Kind `Store` when the store cannot be listed.
pub fn weigh(repository: &Repository, snapshot: &Snapshot) -> Result<Weight> {
    let manifest = &snapshot.manifest;
    let mut alone: BTreeMap<u64, u64> = chunks(manifest).map(|chunk| (print(&chunk.id), chunk.length)).collect();
    let (chunks_there, stored_bytes) = (alone.len(), alone.values().sum::<u64>());
    repository.walk(&mut |other| {
        if let Some(other) = other.ok().filter(|other| other.id != snapshot.id) {
            for chunk in chunks(&other.manifest) {
                alone.remove(&print(&chunk.id));
            }
        }
        Ok(())
    })?;
    Ok(Weight {
        packs: manifest.packs.len(),
        pack_bytes: manifest.packs.iter().map(|pack| pack.length).sum(),
        chunks: chunks_there,
        stored_bytes,
        shared_bytes: stored_bytes - alone.values().sum::<u64>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name) in
            [("*", ""), ("a*", "a"), ("*-12", "demo-12"), ("d?mo*", "démo-1"), ("a*b*c", "aXbXbc"), ("", "")]
        {
            assert!(matches_glob(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("", "a"), ("a", "A"), ("a", "ab"), ("?", ""), ("*a", "ab"), ("a*b*c", "aXcXb")] {
            assert!(!matches_glob(pattern, name), "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn patterns_agree_with_a_plain_definition(pattern in "[ab*?]{0,6}", name in "[ab]{0,8}") {
            fn plain(pattern: &[u8], name: &[u8]) -> bool {
                match (pattern.split_first(), name.split_first()) {
                    (None, rest) => rest.is_none(),
                    (Some((b'*', more)), rest) => plain(more, name) || rest.is_some_and(|(_, rest)| plain(pattern, rest)),
                    (Some((b'?', more)), Some((_, rest))) => plain(more, rest),
                    (Some((c, more)), Some((d, rest))) => c == d && plain(more, rest),
                    (Some(_), None) => false,
                }
            }
            prop_assert_eq!(matches_glob(&pattern, &name), plain(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
