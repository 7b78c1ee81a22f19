//! The snapshots of a store, by the version of the policy that they were made under.

use super::document::{ClosureView, History, PolicyVersion, SnapshotView};
use super::{Sources, Store};
use crate::model::manifest::{ClosureResult, Manifest};
use crate::run::repository::Snapshot;

pub(super) fn history(sources: &Sources<'_>) -> History {
    let retention = sources.policy.review.get("retention").cloned();
    let none = |store, missing, damaged| History {
        store,
        missing,
        damaged,
        versions: Vec::new(),
        retention: retention.clone(),
        without_expiry: 0,
        expired: 0,
    };
    let (address, snapshots, damaged) = match &sources.store {
        Store::Missing(why) => return none(None, Some(why.clone()), Vec::new()),
        Store::Read { address, snapshots, damaged, .. } => (address, snapshots, damaged),
    };
    let mut history = none(Some(address.clone()), None, damaged.clone());
    for snapshot in snapshots.iter().rev() {
        let policy = &snapshot.manifest.policy;
        let view = shown(snapshot, &sources.now);
        history.without_expiry += usize::from(view.expires.is_none());
        history.expired += usize::from(view.expired);
        let same = |version: &&mut PolicyVersion| {
            version.digest == policy.digest && version.reviewed_digest == policy.reviewed
        };
        match history.versions.iter_mut().find(same) {
            Some(version) => version.snapshots.push(view),
            None => history.versions.push(PolicyVersion {
                policy: decided_by(&snapshot.manifest),
                digest: policy.digest.clone(),
                reviewed_digest: policy.reviewed.clone(),
                current: policy.digest == sources.policy.digest && policy.reviewed == sources.reviewed.digest,
                snapshots: vec![view],
            }),
        }
    }
    history.versions.sort_by_key(|version| !version.current);
    history
}

/// The policy; where rows were made up or written by hand, that, and the file that decided.
fn decided_by(manifest: &Manifest) -> String {
    let file = &manifest.policy.file;
    if manifest.is_invented() { format!("{} ({file})", manifest.origin()) } else { file.clone() }
}

fn shown(snapshot: &Snapshot, now: &str) -> SnapshotView {
    let manifest = &snapshot.manifest;
    SnapshotView {
        name: manifest.name.clone(),
        id: snapshot.id.clone(),
        created: manifest.created.clone(),
        tool: manifest.tool.clone(),
        environment: manifest.environment.clone(),
        tables: manifest.tables.len(),
        rows: manifest.tables.iter().map(|table| table.rows).sum(),
        expires: manifest.expires.clone(),
        // Both are RFC 3339 in UTC with whole seconds, which sorts as time does.
        expired: manifest.expires.as_deref().is_some_and(|expires| expires <= now),
        approvals: manifest.policy.approvals.clone(),
        leaks: manifest.results.leaks.clone(),
        closure: closure(&manifest.results.closure),
        unique: manifest.results.unique.clone(),
    }
}

fn closure(result: &ClosureResult) -> ClosureView {
    let listed = !result.references.is_empty();
    ClosureView {
        references: if listed { result.references.len() as u64 } else { result.foreign_keys },
        rows: result.references.iter().map(|closed| closed.rows).sum(),
        dangling: if listed {
            result.references.iter().map(|closed| closed.dangling).sum()
        } else {
            result.dangling.values().sum()
        },
        sampled: result.sampled,
    }
}
