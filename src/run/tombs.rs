//! The marks of garbage collection in a store: reading all of them, and writing one.

use super::now;
use super::repository::Repository;
use crate::codec::tomb::{self, Tomb, VERSION};
use crate::error::Result;
use crate::model::manifest::PackRef;
use crate::model::proof::{ObjectKind, ObjectName};
use crate::seal;
use data_encoding::HEXLOWER;
use std::collections::HashSet;
use std::time::Duration;

/// So many packs are in one tomb at most, so that its text stays below [`seal::MAX_TOMB`].
const MOST: usize = 50_000;

/// A mark as it lies in a store.
pub(super) struct Mark {
    /// Where.
    pub(super) name: ObjectName,
    /// How old the store says it is.
    pub(super) age: Duration,
    /// What is marked.
    pub(super) packs: Vec<PackRef>,
}

/// Every mark of a store. What is marked by one that cannot be read cannot be known, so that is an error; one that goes while this
/// looks is none, because all of its packs went before it.
pub(super) fn read(repository: &Repository) -> Result<Vec<Mark>> {
    let mut marks = Vec::new();
    for listed in repository.store().list(ObjectKind::Tomb)? {
        match repository.tomb(&listed.name) {
            Ok(tomb) => marks.push(Mark { name: listed.name, age: listed.age, packs: tomb.packs }),
            Err(_) if repository.store().head(&listed.name)?.is_none() => {}
            Err(error) => {
                return Err(error.within("which packs are about to be deleted cannot be known").hint(
                    "If you know who wrote this mark, add their signer to `signers`. If nobody can read it, delete the object while no gc runs.",
                ));
            }
        }
    }
    Ok(marks)
}

/// The names of all marked packs.
pub(super) fn marked(repository: &Repository) -> Result<HashSet<String>> {
    Ok(read(repository)?.into_iter().flat_map(|mark| mark.packs).map(|pack| pack.name).collect())
}

/// Marks packs, which are ordered by name. Gives the number of tombs that took.
pub(super) fn write(repository: &Repository, packs: &[PackRef]) -> Result<u64> {
    let mut written = 0;
    for packs in packs.chunks(MOST) {
        let (repo, id) = (repository.id().to_owned(), HEXLOWER.encode(&super::random::<16>()?));
        let tomb = Tomb { version: VERSION, repo, id, time: now(), packs: packs.to_vec() };
        let time = tomb.time.replace(['-', ':'], "");
        let sealed = seal::seal_tomb(&tomb::encode(&tomb)?, &time, repository.keys(), repository.signer())?;
        repository.store().put(&sealed)?;
        written += 1;
    }
    Ok(written)
}
