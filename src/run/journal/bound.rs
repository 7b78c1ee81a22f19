//! What a journal is bound to: everything that decides the bytes of a snapshot's rows. Of all of it the journal holds digests.

use crate::codec::journal::digest;
use crate::engine::Source;
use crate::error::Result;
use crate::mask::ColumnMask;
use crate::model::schema::Catalogue;
use crate::policy::Plan;
use crate::run::capture::Options;
use crate::run::repository::Repository;
use crate::subset::Size;

/// What must be the same, as people call it, and its digest.
pub(super) type Bound = Vec<(String, String)>;

/// What a capture is bound to, and the name of its journal: captures of one source into one store, for one environment and
/// of one size, go on with each other's.
pub(super) fn bound(
    repository: &Repository,
    source: &mut dyn Source,
    catalogue: &Catalogue,
    plan: &Plan,
    options: &Options,
) -> Result<(String, Bound)> {
    let (keys, policy) = (repository.keys(), &options.policy);
    let store = digest(&(repository.id(), keys.epoch(), keys.fingerprint()))?;
    let identity = digest(&source.identity()?)?;
    let size = options.amount.size.map(Size::word);
    let wanted = digest(&(&options.environment, size))?;
    let key = (&policy.key_id, policy.generation, &policy.key_check);
    let parts = [
        ("program", env!("CARGO_PKG_VERSION").to_owned()),
        ("store or its keys", store),
        ("source", identity.clone()),
        ("environment or size", wanted.clone()),
        ("schema", digest(catalogue)?),
        ("masking key", digest(&key)?),
        ("policy", digest(&(&policy.digest, &policy.dictionaries, &policy.lock))?),
        ("plan", digest(&plan_text(plan))?),
    ];
    let name = digest(&(repository.id(), identity, wanted))?;
    Ok((name[..32].to_owned(), parts.into_iter().map(|(what, digest)| (what.to_owned(), digest)).collect()))
}

/// What becomes of every cell, in words. Read by nobody: only its digest is kept.
fn plan_text(plan: &Plan) -> String {
    let mut text = format!("{:?}\n", plan.subset);
    for table in &plan.tables {
        text.push_str(&format!("{} {} {:?}\n", table.table, table.mode.word(), table.extras));
        for column in &table.columns {
            column_text(column, &mut text);
        }
    }
    text
}

fn column_text(column: &ColumnMask, text: &mut String) {
    let ColumnMask { column: name, definition, subject, when, domain, scan, params, .. } = column;
    let version = definition.version;
    text.push_str(&format!("{name:?} {} {version} {subject:?} {when:?} {domain:?} {scan:?} {params:?}\n", column.name));
    if let Some(otherwise) = &column.otherwise {
        text.push_str("otherwise ");
        column_text(otherwise, text);
    }
}
