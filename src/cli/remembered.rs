//! What this machine has seen of each store, in the folder of the secrets where there is one: a store that was cut short or put back
//! is noticed by the next command.

use super::settings::Settings;
use crate::error::{Error, Result};
use crate::model::audit::Head;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The file of the newest audit entries.
pub(super) const NAME: &str = ".terp-fixtures/audit-heads.json";

/// The file of the newest epochs and snapshots.
pub(super) const SEEN: &str = ".terp-fixtures/seen.json";

/// The newest of a store that this machine has seen.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The newest epoch.
    pub(super) epoch: u32,
    /// The fingerprint of its keys.
    pub(super) fingerprint: String,
    /// The newest snapshot of each name.
    #[serde(default)]
    pub(super) snapshots: BTreeMap<String, SeenSnapshot>,
}

/// A snapshot that was there, and verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SeenSnapshot {
    /// Its full id.
    pub(super) id: String,
    /// When it was captured.
    pub(super) created: String,
}

/// The head of the store with the id `repo` that was seen last.
pub(super) fn load(settings: &Settings, repo: &str) -> Result<Option<Head>> {
    Ok(all(settings, NAME)?.remove(repo))
}

/// Remembers a head, unless there is no place for it.
pub(super) fn save(settings: &Settings, repo: &str, head: &Head) -> Result<()> {
    put(settings, NAME, repo, head)
}

/// What was seen of the store with the id `repo`.
pub(super) fn load_seen(settings: &Settings, repo: &str) -> Result<Option<Seen>> {
    Ok(all(settings, SEEN)?.remove(repo))
}

/// Remembers what was seen, unless there is no place for it.
pub(super) fn save_seen(settings: &Settings, repo: &str, seen: &Seen) -> Result<()> {
    put(settings, SEEN, repo, seen)
}

fn path(settings: &Settings, name: &str) -> Option<PathBuf> {
    let path = settings.usual_secret(name.rsplit('/').next().unwrap_or(name));
    path.parent().is_some_and(std::path::Path::is_dir).then_some(path)
}

fn all<T: DeserializeOwned>(settings: &Settings, name: &str) -> Result<BTreeMap<String, T>> {
    let Some(path) = path(settings, name).filter(|path| path.exists()) else { return Ok(BTreeMap::new()) };
    let cannot = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::usage(format!("cannot read {}", path.display()))
            .caused_by(error)
            .hint("Delete the file if you know why; the next command writes a new one.")
    };
    let text = std::fs::read(&path).map_err(|error| cannot(error.into()))?;
    serde_json::from_slice(&text).map_err(|error| cannot(error.into()))
}

fn put<T: DeserializeOwned + Serialize + Clone>(settings: &Settings, name: &str, repo: &str, value: &T) -> Result<()> {
    let Some(path) = path(settings, name) else { return Ok(()) };
    let mut known = all(settings, name)?;
    known.insert(repo.to_owned(), value.clone());
    let text = serde_json::to_vec_pretty(&known)
        .map_err(|error| Error::internal("what was seen cannot be written").caused_by(error))?;
    // Another command may write at the same time; whole files replace one another.
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&fresh, text).and_then(|()| std::fs::rename(&fresh, &path)).map_err(|error| {
        Error::usage(format!("cannot write {}", path.display()))
            .caused_by(error)
            .hint("Check the folder's permissions.")
    })
}
