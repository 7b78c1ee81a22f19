//! `doctor`: tries out what the store can do, and says what that means; shows templates and clones, and takes leftovers away.

use super::isolated;
use crate::cli::args::DoctorArgs;
use crate::cli::render::{Answer, table};
use crate::cli::settings::Settings;
use crate::error::{Error, Result};
use crate::run::Context;
use crate::store;
use crate::store::probe::{Check, Verdict};
use serde_json::json;

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &DoctorArgs) -> Result<Answer> {
    if args.clean {
        return isolated::clean(context, settings, args);
    }
    let address = settings.store();
    super::started(context, "doctor", vec![("store", address.to_string())]);
    let probe = store::probe(&address, args.purpose.into())?;
    let row = |check: &Check| vec![check.name.to_owned(), check.verdict.word().to_owned(), check.told.clone()];
    let rows: Vec<Vec<String>> = probe.checks.iter().map(row).collect();
    let checks: Vec<serde_json::Value> = probe
        .checks
        .iter()
        .map(|check| json!({ "check": check.name, "verdict": check.verdict.word(), "told": check.told, "hint": check.hint }))
        .collect();
    let failing = probe.checks.iter().find(|check| check.verdict == Verdict::Fails);
    let failure = failing.map(|check| {
        let error = Error::store(format!("{address} will not do: {}: {}", check.name, check.told));
        match &check.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    });
    let isolated = isolated::list(context, settings, args)?;
    let checked = table(&["check", "verdict", "what it means"], &rows, &[]);
    let text = format!("{address}\n\n{checked}{}", isolated.text);
    let fine = probe.is_fine();
    let json = json!({ "store": address.to_string(), "fine": fine, "checks": checks, "isolation": isolated.json });
    let failure = failure.or(isolated.failure);
    Ok(Answer { failure, ..Answer::new(json, text) })
}
