//! What an audit trail says of a capture, a restore, a rollback or a removal: names, digests and counts.

use crate::model::audit::{Database, Deed, Named, Operation, TableCounts};
use crate::model::manifest::Manifest;
use crate::model::schema::TableName;
use crate::run::gc::Sum;
use crate::run::ledger::{Run, TableDetail};
use crate::run::repository::Snapshot;
use crate::run::rollback::{Does, Effect, Outcome, Taken};
use crate::run::tags::Change;
use std::collections::BTreeMap;

/// A snapshot was captured from a database at `address`.
#[must_use]
pub fn captured(snapshot: &Snapshot, address: String) -> Deed {
    let manifest = &snapshot.manifest;
    let tables = manifest.tables.iter().filter(|entry| entry.rows > 0);
    Deed {
        database: Some(Database { address, identity: Some(manifest.source.clone()) }),
        expires: manifest.expires.clone(),
        counts: counts([
            ("rows", crate::run::inspect::rows(manifest)),
            ("originals", manifest.results.leaks.originals),
        ]),
        tables: tables.map(|entry| table(&entry.table, [("captured", entry.rows)])).collect(),
        ..of_snapshot(Operation::Capture, snapshot)
    }
}

/// A snapshot was made of rows that come from no database.
#[must_use]
pub fn invented(operation: Operation, snapshot: &Snapshot) -> Deed {
    let manifest = &snapshot.manifest;
    let tables = manifest.tables.iter().filter(|entry| entry.rows > 0);
    Deed {
        expires: manifest.expires.clone(),
        counts: counts([("rows", crate::run::inspect::rows(manifest))]),
        tables: tables.map(|entry| table(&entry.table, [("made", entry.rows)])).collect(),
        ..of_snapshot(operation, snapshot)
    }
}

/// A snapshot was restored.
#[must_use]
pub(in crate::run) fn restored(snapshot: &Snapshot, run: &str, replaced: &[String], done: &[TableDetail]) -> Deed {
    let rows = done.iter().map(|table| table.inserted + table.overwritten).sum();
    let line = |done: &TableDetail| {
        let counts = [
            ("inserted", done.inserted),
            ("overwritten", done.overwritten),
            ("identical", done.identical),
            ("skipped", done.skipped),
            ("quarantined", done.quarantined),
        ];
        table(&done.table, counts)
    };
    Deed {
        run: Some(run.to_owned()),
        replaced: replaced.to_vec(),
        counts: counts([("rows", rows)]),
        tables: done.iter().map(line).collect(),
        ..of_snapshot(Operation::Restore, snapshot)
    }
}

/// A run was taken out of a target, or a part of it, or its rows became the database's own.
#[must_use]
pub(in crate::run) fn rolled_back(run: &Run, done: &Outcome, force: bool) -> Deed {
    let name = run.id.split('@').next().unwrap_or_default().to_owned();
    let line = |taken: &Taken| {
        table(
            &taken.table,
            [("deleted", taken.deleted), ("put_back", taken.put_back), ("kept", taken.kept), ("gone", taken.gone)],
        )
    };
    let effect = |effect: &Effect| {
        let what = match effect.does {
            Does::Delete => "cascaded",
            Does::Null | Does::Default | Does::Stop => "unlinked",
        };
        table(&effect.table, [(what, effect.rows)])
    };
    let keys = done.tables.iter().filter(|taken| taken.deleted + taken.kept > 0).map(|taken| {
        let what = if taken.kept > 0 { "kept" } else { "deleted" };
        (format!("keys {what} from {}", taken.table), taken.keys.clone())
    });
    let cascaded = done.effects.iter().filter(|effect| effect.does == Does::Delete);
    let cascaded = cascaded.map(|effect| {
        (format!("keys cascaded from {} by {}", effect.table, effect.key.escape_debug()), effect.keys.clone())
    });
    let backup = done.backup.iter().filter_map(|saved| Some(("backup".to_owned(), saved.snapshot.clone()?)));
    Deed {
        environment: Some(done.environment.clone()),
        snapshot: Some(Named { name, id: Some(run.snapshot.clone()) }),
        run: Some(run.id.clone()),
        digests: keys.chain(cascaded).chain(backup).collect(),
        counts: counts([
            ("rows", done.deleted() + done.put_back()),
            ("kept", done.kept()),
            ("forced", u64::from(force)),
            ("partial", u64::from(done.partial)),
            ("backed_up", done.backup.as_ref().map_or(0, |saved| saved.rows)),
        ]),
        tables: done.tables.iter().map(line).chain(done.effects.iter().map(effect)).collect(),
        ..Deed::new(Operation::Rollback)
    }
}

/// A snapshot is removed, because it expired or on demand.
#[must_use]
pub fn removed(operation: Operation, snapshot: &Snapshot) -> Deed {
    Deed {
        expires: snapshot.manifest.expires.clone(),
        counts: counts([("rows", crate::run::inspect::rows(&snapshot.manifest))]),
        ..of_snapshot(operation, snapshot)
    }
}

/// Packs that no snapshot needs are about to be marked or deleted.
#[must_use]
pub(in crate::run) fn collected(marked: Sum, deleted: Sum, no_grace: bool) -> Deed {
    let counts = counts([
        ("marked_packs", marked.packs),
        ("marked_bytes", marked.bytes),
        ("deleted_packs", deleted.packs),
        ("deleted_bytes", deleted.bytes),
        ("no_grace", u64::from(no_grace)),
    ]);
    Deed { counts, ..Deed::new(Operation::Collect) }
}

/// The tags of a snapshot are changed.
#[must_use]
pub fn tagged(snapshot: &Snapshot, change: &Change) -> Deed {
    let words = |what: &str, tags: &std::collections::BTreeSet<String>| {
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        (!tags.is_empty()).then(|| (what.to_owned(), tags.join(" ")))
    };
    let mut deed = of_snapshot(Operation::Tag, snapshot);
    deed.tags = [words("added", &change.add), words("removed", &change.remove)].into_iter().flatten().collect();
    deed
}

/// A snapshot came here from another store; its manifest says from where.
#[must_use]
pub fn copied(snapshot: &Snapshot) -> Deed {
    let rows = crate::run::inspect::rows(&snapshot.manifest);
    let mut deed = of_snapshot(Operation::Copy, snapshot);
    if let Some(last) = snapshot.manifest.copied.last() {
        deed.digests.insert("copied-from-store".to_owned(), last.repo.clone());
        deed.digests.insert("copied-from-id".to_owned(), last.id.clone());
    }
    Deed { expires: snapshot.manifest.expires.clone(), counts: counts([("rows", rows)]), ..deed }
}

/// Rows of a snapshot are written into plain files.
#[must_use]
pub fn exported(snapshot: &Snapshot, rows: u64) -> Deed {
    Deed { counts: counts([("rows", rows)]), ..of_snapshot(Operation::Export, snapshot) }
}

/// A store was made by the member whose signer is `key`.
#[must_use]
pub fn key_made(key: &str) -> Deed {
    Deed { key: Some(key.to_owned()), ..Deed::new(Operation::KeysInit) }
}

/// What every deed says of a snapshot.
fn of_snapshot(operation: Operation, snapshot: &Snapshot) -> Deed {
    let manifest = &snapshot.manifest;
    Deed {
        environment: Some(manifest.environment.clone()),
        snapshot: Some(Named { name: manifest.name.clone(), id: Some(snapshot.id.clone()) }),
        digests: digests(manifest),
        approvals: manifest.policy.approvals.clone(),
        ..Deed::new(operation)
    }
}

fn digests(manifest: &Manifest) -> BTreeMap<String, String> {
    let policy = &manifest.policy;
    let known =
        [("policy", Some(&policy.digest)), ("lock", policy.lock.as_ref()), ("reviewed", policy.reviewed.as_ref())];
    known.into_iter().filter_map(|(of, digest)| Some((of.to_owned(), digest?.clone()))).collect()
}

fn table<const N: usize>(name: &TableName, of: [(&str, u64); N]) -> TableCounts {
    TableCounts { table: name.to_string(), counts: counts(of) }
}

/// Counts that are not zero.
fn counts<const N: usize>(of: [(&str, u64); N]) -> BTreeMap<String, u64> {
    of.into_iter().filter(|(_, count)| *count > 0).map(|(what, count)| (what.to_owned(), count)).collect()
}
