//! `pin`, and `terp.lock`: which snapshot a name means, in a file that the team keeps in git.

use super::{open, seen, write_whole};
use crate::cli::args::PinArgs;
use crate::cli::render::Answer;
use crate::cli::settings::{PINS, Settings};
use crate::error::{Error, Result};
use crate::policy::names::quoted;
use crate::run::Context;
use crate::run::repository::Snapshot;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// `terp.lock`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    snapshots: BTreeMap<String, String>,
}

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &PinArgs) -> Result<Answer> {
    if let Some(name) = &args.remove {
        let mut pins = load(settings)?;
        let id = pins.remove(name).ok_or_else(|| {
            Error::usage(format!("{PINS} pins no '{}'", name.escape_debug())).hint("Look at the file for what it pins.")
        })?;
        save(settings, &pins)?;
        let text = format!("{} means the newest snapshot of that name again.", name.escape_debug());
        return Ok(Answer::new(json!({ "name": name, "id": id, "pinned": false }), text));
    }
    // Without the pins: the newest of a pinned name is what it is moved to.
    let repository = open(context, settings)?.pinning(BTreeMap::new());
    let snapshot = repository.find(args.snapshot.as_deref().unwrap_or_default())?;
    seen::remember(context, settings, &repository, std::slice::from_ref(&snapshot));
    pin(settings, &snapshot)?;
    let name = &snapshot.manifest.name;
    let text = format!(
        "{} means {} from now on, for everybody who has this {PINS}: commit it.",
        name.escape_debug(),
        snapshot.label().escape_debug()
    );
    Ok(Answer::new(json!({ "name": name, "id": snapshot.id, "pinned": true }), text))
}

/// Pins a snapshot's name to it.
pub(super) fn pin(settings: &Settings, snapshot: &Snapshot) -> Result<()> {
    let mut pins = load(settings)?;
    pins.insert(snapshot.manifest.name.clone(), snapshot.id.clone());
    save(settings, &pins)
}

/// The pins, none where there is no file.
pub(super) fn load(settings: &Settings) -> Result<BTreeMap<String, String>> {
    let path = settings.pins();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(Error::usage(format!("cannot read {}", path.display())).caused_by(error)),
    };
    let malformed = |what: String| {
        Error::usage(format!("{}: {what}", path.display()))
            .hint("It holds [snapshots] and lines \"NAME\" = \"FULL ID\"; 'terp-fixtures pin NAME' writes them.")
    };
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let file: File = toml::from_str(text).map_err(|error| malformed(error.message().to_owned()))?;
    let is_id = |id: &str| id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match file.snapshots.iter().find(|(_, id)| !is_id(id)) {
        None => Ok(file.snapshots),
        Some((name, _)) => Err(malformed(format!("the id of '{}' is not 32 hex digits", name.escape_debug()))),
    }
}

fn save(settings: &Settings, pins: &BTreeMap<String, String>) -> Result<()> {
    let lines: Vec<String> = pins.iter().map(|(name, id)| format!("{} = \"{id}\"\n", quoted(name))).collect();
    let lines = lines.concat();
    let text = format!(
        "# Which snapshot each name means here. 'terp-fixtures pin' writes this file; keep it in git.\n\n[snapshots]\n{lines}"
    );
    write_whole(&settings.pins(), &text)
}
