//! The newest audit entries that this machine has seen, by store, in the folder of the secrets where there is one: a trail that
//! was cut short is noticed by the next command.

use super::settings::Settings;
use crate::error::{Error, Result};
use crate::model::audit::Head;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The file's name.
pub(super) const NAME: &str = ".terp-fixtures/audit-heads.json";

fn path(settings: &Settings) -> Option<PathBuf> {
    let path = settings.usual_secret("audit-heads.json");
    path.parent().is_some_and(std::path::Path::is_dir).then_some(path)
}

fn all(settings: &Settings) -> Result<BTreeMap<String, Head>> {
    let Some(path) = path(settings).filter(|path| path.exists()) else { return Ok(BTreeMap::new()) };
    let cannot = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::usage(format!("cannot read {}", path.display()))
            .caused_by(error)
            .hint("Delete the file if you know why; the next command writes a new one.")
    };
    let text = std::fs::read(&path).map_err(|error| cannot(error.into()))?;
    serde_json::from_slice(&text).map_err(|error| cannot(error.into()))
}

/// The head of the store with the id `repo` that was seen last.
pub(super) fn load(settings: &Settings, repo: &str) -> Result<Option<Head>> {
    Ok(all(settings)?.remove(repo))
}

/// Remembers a head, unless there is no place for it.
pub(super) fn save(settings: &Settings, repo: &str, head: &Head) -> Result<()> {
    let Some(path) = path(settings) else { return Ok(()) };
    let mut heads = all(settings)?;
    heads.insert(repo.to_owned(), head.clone());
    let text = serde_json::to_vec_pretty(&heads)
        .map_err(|error| Error::internal("the heads cannot be written").caused_by(error))?;
    // Another command may write at the same time; whole files replace one another.
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&fresh, text).and_then(|()| std::fs::rename(&fresh, &path)).map_err(|error| {
        Error::usage(format!("cannot write {}", path.display()))
            .caused_by(error)
            .hint("Check the folder's permissions.")
    })
}
