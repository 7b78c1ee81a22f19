//! Masks to show what a policy does, on made-up originals and under a key that everybody knows. Nothing is refused here: where
//! nothing is decided, or nothing fits, there is no mask to show.

use super::file::Policy;
use super::findings::Found;
use super::references::References;
use super::resolve::drafts;
use super::{agree, build};
use crate::mask::ColumnMask;
use crate::mask::key::{Keyring, MasterKey};
use crate::model::schema::Catalogue;

/// The masks of one environment, by table and column of the catalogue, without their conditions.
#[must_use]
pub fn previews(
    policy: &Policy,
    catalogue: &Catalogue,
    environment: &str,
    key: &MasterKey,
) -> Vec<Vec<Option<ColumnMask>>> {
    let policy = &*policy.of_engine(catalogue.engine);
    let mut found = Found::default();
    let references = References::new(policy, catalogue, &mut found);
    let mut drafts = drafts(policy, catalogue, environment, &mut found);
    agree::inherit(&references, &mut drafts);
    build::name_entities(&references, &mut drafts);
    let ring = Keyring::new(key, &policy.project, environment, policy.generation);
    build::previews(catalogue, &references, &drafts, &ring)
}
