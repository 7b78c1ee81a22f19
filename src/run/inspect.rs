//! `list` and `show`: what snapshots there are, and what is in one. Counts and names, never rows.

use super::repository::Snapshot;
use crate::model::manifest::Manifest;
use std::collections::BTreeSet;

/// A snapshot in one line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// 32 hex digits.
    pub id: String,
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
    /// When it expires, UTC.
    pub expires: Option<String>,
    /// Whether it has.
    pub expired: bool,
    /// Bytes of compressed chunks that an older snapshot in the list has too.
    pub shared_bytes: u64,
}

/// One line per snapshot, in the given order.
#[must_use]
pub fn lines(snapshots: &[Snapshot]) -> Vec<Line> {
    let mut seen = BTreeSet::new();
    snapshots.iter().map(|snapshot| line(snapshot, &mut seen)).collect()
}

fn line(snapshot: &Snapshot, seen: &mut BTreeSet<String>) -> Line {
    let manifest = &snapshot.manifest;
    let (mut stored, mut shared) = (0, 0);
    let mut own = BTreeSet::new();
    for chunk in manifest.tables.iter().flat_map(|table| &table.chunks) {
        if own.insert(chunk.id.clone()) {
            stored += chunk.length;
            if seen.contains(&chunk.id) {
                shared += chunk.length;
            }
        }
    }
    seen.extend(own);
    Line {
        name: manifest.name.clone(),
        id: snapshot.id.clone(),
        created: manifest.created.clone(),
        environment: manifest.environment.clone(),
        engine: manifest.schema.engine.to_string(),
        tables: manifest.tables.iter().filter(|table| table.rows > 0).count(),
        rows: rows(manifest),
        raw_bytes: manifest.tables.iter().map(|table| table.bytes).sum(),
        stored_bytes: stored,
        shared_bytes: shared,
        expires: manifest.expires.clone(),
        expired: snapshot.is_expired(),
    }
}

/// The rows of a snapshot.
#[must_use]
pub fn rows(manifest: &Manifest) -> u64 {
    manifest.tables.iter().map(|table| table.rows).sum()
}
