//! `init`: everything that a project needs before its first capture: a store, keys, a proposed policy, and the configuration
//! that names them.

use super::{address, finished, keys, started, write_whole};
use crate::cli::args::{InitArgs, KeysInitArgs};
use crate::cli::render::{Answer, count};
use crate::cli::settings::{CONFIGURATION, Settings};
use crate::engine;
use crate::error::{Error, Result};
use crate::policy::names::quoted;
use crate::run::Context;
use crate::run::detect::{Options, Outcome, detect};
use serde_json::json;
use std::path::Path;

/// How sure a guess has to be; what is less sure is left for a person to decide.
const LEAST: u8 = 60;

pub(super) fn run(context: &Context<'_>, store: Option<&str>, args: &InitArgs) -> Result<Answer> {
    let address = address(args.source.as_deref(), "source", "SOURCE_DATABASE_URL")?;
    for path in [Path::new(CONFIGURATION), &args.policy] {
        if path.exists() {
            return Err(Error::usage(format!("there is {} already", path.display())).hint(
                "'init' begins a project and writes over nothing. 'terp-fixtures detect' proposes a policy, 'keys init' makes a store.",
            ));
        }
    }
    let settings = Settings::here(store);
    started(context, "init", vec![("source", address.to_string()), ("store", settings.store().to_string())]);
    // The database first: where it cannot be read, nothing is made.
    let mut source = (engine::find(&address)?.source)(&address, &context.cancel)?;
    let project = args.project.clone().unwrap_or_else(|| folder_name().unwrap_or_else(|| "default".to_owned()));
    let options = Options { values: !args.no_values, least: LEAST, project: &project };
    let found = detect(context, &mut *source, None, options)?;
    let secrets = KeysInitArgs {
        identity_file: args.identity_file.clone(),
        mask_key_file: args.mask_key_file.clone(),
        ..KeysInitArgs::default()
    };
    let made = keys::make(context, &settings, &secrets)?;
    write_whole(&args.policy, &found.policy)?;
    write_whole(Path::new(CONFIGURATION), &configuration(&settings, &args.policy, &made))?;
    finished(context, "init", vec![("undecided", found.undecided().to_string())], Vec::new(), found.millis);
    let json = json!({
        "configuration": CONFIGURATION, "policy": args.policy, "project": project, "store": settings.store().to_string(),
        "signer": made.store.signer, "identity_file": made.identity, "mask_key_file": made.mask_key,
        "tables": found.tables.len(), "columns": columns(&found, None), "masked": columns(&found, Some("mask")),
        "kept": columns(&found, Some("keep")), "undecided": found.undecided(),
    });
    Ok(Answer::new(json, told(&settings, &args.policy, &made, &found)))
}

/// The current folder's own name.
fn folder_name() -> Option<String> {
    let folder = std::env::current_dir().ok()?;
    let name = folder.file_name()?.to_str()?;
    (!name.trim().is_empty() && !name.chars().any(char::is_control)).then(|| name.to_owned())
}

fn columns(found: &Outcome, decision: Option<&str>) -> usize {
    let columns = found.tables.iter().flat_map(|table| &table.columns);
    columns.filter(|column| decision.is_none_or(|wanted| column.decision == wanted)).count()
}

fn configuration(settings: &Settings, policy: &Path, made: &keys::Made) -> String {
    let path = |path: &Path| quoted(&path.display().to_string());
    format!(
        "# What terp-fixtures uses here; docs/configuration.md has every key. No secret belongs in this file.\n\n\
         [store]\nurl = {}\nidentity_file = {}\nsigners = [{}] # whose snapshots are believed\n\n\
         [masking]\nkey_file = {}\n\n[capture]\npolicy = {}\nenvironment = \"dev\"\n",
        quoted(settings.store().expose()),
        path(&made.identity),
        quoted(&made.store.signer),
        path(&made.mask_key),
        path(policy),
    )
}

fn told(settings: &Settings, policy: &Path, made: &keys::Made, found: &Outcome) -> String {
    let policy = policy.display();
    let open = found.undecided();
    let next = match open {
        0 => format!("Read {policy}: it is a proposal, and what it keeps is kept."),
        open => format!(
            "Read {policy}, and answer the {} marked undecided: a capture refuses until then.",
            count(open as u64, "column")
        ),
    };
    format!(
        "Began a project for {}.\n\n  policy         {policy}   ({}: {} masked, {} kept, {open} undecided)\n  configuration {CONFIGURATION}\n  \
         store          {}\n{}\n\nNext:\n  1. {next}\n  2. terp-fixtures policy check\n  3. terp-fixtures capture --dry-run\n\
         Keep both secret files out of git; {CONFIGURATION} and {policy} belong into it.",
        count(found.tables.len() as u64, "table"),
        count(columns(found, None) as u64, "column"),
        columns(found, Some("mask")),
        columns(found, Some("keep")),
        settings.store(),
        keys::told(made),
    )
}
