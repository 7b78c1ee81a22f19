//! Masks to show what a policy does, on made-up originals and under a key that everybody knows. Nothing is refused here: where
//! nothing is decided, or nothing fits, there is no mask to show.

use super::file::Policy;
use super::references::References;
use super::resolve::{draft, matched};
use super::{agree, build};
use crate::error::Result;
use crate::mask::ColumnMask;
use crate::mask::key::{Keyring, MasterKey};
use crate::model::schema::Catalogue;

/// The masks of one environment, by table and column of the catalogue, without their conditions.
///
/// # Errors
/// Kind `Drift` where the policy names what the catalogue does not have, `Policy` where it is not clear what it means.
pub fn previews(
    policy: &Policy,
    catalogue: &Catalogue,
    environment: &str,
    key: &MasterKey,
) -> Result<Vec<Vec<Option<ColumnMask>>>> {
    let base = matched(policy, &policy.tables, catalogue)?;
    let overlay = policy.environments.get(environment);
    let over = overlay.map(|tables| matched(policy, tables, catalogue)).transpose()?.unwrap_or_default();
    let references = References::new(policy, catalogue)?;
    let mut drafts = Vec::with_capacity(catalogue.tables.len());
    for (at, table) in catalogue.tables.iter().enumerate() {
        drafts.push(draft(policy, table, base.get(&at).copied(), over.get(&at).copied())?);
    }
    agree::inherit(&references, &mut drafts);
    build::name_entities(&references, &mut drafts);
    let ring = Keyring::new(key, &policy.project, environment, policy.generation);
    Ok(build::previews(catalogue, &references, &drafts, &ring))
}
