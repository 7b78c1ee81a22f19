//! `masks`: the catalogue of masks, or all about one of them.

use crate::cli::args::MasksArgs;
use crate::cli::render::{Answer, table};
use crate::error::{Error, Result};
use crate::mask::{self, Definition, MASKS, docs};
use crate::policy::names;
use serde_json::{Value, json};

pub(super) fn run(args: &MasksArgs) -> Result<Answer> {
    let Some(name) = &args.name else {
        let lines: Vec<Vec<String>> = MASKS.iter().map(|mask| line(mask)).collect();
        let text = format!(
            "{}\n\nAll about one, with examples: terp-fixtures masks NAME. The same as a document: docs/masks.md.",
            table(&["mask", "unique columns", "what it does"], &lines, &[])
        );
        return Ok(Answer::new(MASKS.iter().map(|mask| described(mask)).collect(), text));
    };
    let mask = mask::find(name).ok_or_else(|| {
        let error = Error::usage(format!("there is no mask '{}'", name.escape_debug()));
        let hint = names::did_you_mean(name, MASKS.iter().map(|mask| mask.name));
        error.hint(hint.unwrap_or_else(|| "'terp-fixtures masks' lists them.".to_owned()))
    })?;
    Ok(Answer::new(described(mask), told(mask)))
}

fn line(mask: &Definition) -> Vec<String> {
    // One sentence; what follows a semicolon or a second sentence is for the page of the mask.
    let about = mask.about.split([';', ':']).next().unwrap_or(mask.about).trim_end_matches('.');
    vec![mask.name.to_owned(), docs::unique(mask).to_owned(), about.to_owned()]
}

/// All about a mask, for people.
fn told(mask: &'static Definition) -> String {
    let families: Vec<String> = mask.accepts.iter().map(ToString::to_string).collect();
    let mut text = format!("{}: {}\n\n", mask.name, mask.about);
    let mut fact = |name: &str, value: String| text.push_str(&format!("  {name:15} {value}\n"));
    fact("fits", families.join(", "));
    fact("unique columns", docs::unique(mask).to_owned());
    fact("decided by", docs::decided(mask).to_owned());
    fact("what is left", docs::left(mask).to_owned());
    if !mask.domain.is_empty() {
        fact("domain", format!("{} unless named", mask.domain));
    }
    fact("subject", if mask.takes_subject { "can be named" } else { "none" }.to_owned());
    fact("version", mask.version.to_string());
    if !mask.params.is_empty() {
        let lines: Vec<Vec<String>> = mask
            .params
            .iter()
            .map(|param| {
                vec![param.name.to_owned(), param.kind.to_string(), param.default.to_owned(), param.about.to_owned()]
            })
            .collect();
        text.push_str(&format!("\n{}\n", table(&["parameter", "type", "default", "meaning"], &lines, &[])));
    }
    let lines: Vec<Vec<String>> = mask.examples.iter().map(|example| shown(mask, example).to_vec()).collect();
    text.push_str(&format!(
        "\nMade-up originals under a public key:\n\n{}",
        table(&["original", "parameters", "masked"], &lines, &[])
    ));
    text
}

/// Original, parameters, masked.
fn shown(mask: &'static Definition, example: &mask::Example) -> [String; 3] {
    let params = example.params_of(mask).map(|params| params.to_string()).unwrap_or_default();
    [example.cell.to_owned(), params, docs::shown(mask, example).unwrap_or_default()]
}

/// All about a mask, for programs.
fn described(mask: &'static Definition) -> Value {
    let params = mask.params.iter().map(|param| {
        json!({ "name": param.name, "about": param.about, "type": param.kind.to_string(), "default": param.default })
    });
    let examples = mask.examples.iter().map(|example| {
        let [original, parameters, masked] = shown(mask, example);
        json!({ "original": original, "parameters": parameters, "masked": masked })
    });
    json!({
        "name": mask.name, "about": mask.about, "version": mask.version,
        "accepts": mask.accepts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "unique": docs::unique(mask), "decided_by": docs::decided(mask), "left": docs::left(mask),
        "domain": mask.domain, "takes_subject": mask.takes_subject,
        "params": params.collect::<Vec<_>>(), "examples": examples.collect::<Vec<_>>(),
    })
}
