//! `detect`: from what was typed to what columns seem to hold.

use super::{address, finished, read_policy, started};
use crate::classify::{Figures, Guesses, Labelled, Score, read, score};
use crate::cli::args::detect::DetectArgs;
use crate::cli::render::{Answer, count, table};
use crate::cli::settings::Settings;
use crate::engine;
use crate::error::{Error, Result};
use crate::model::schema::{Catalogue, EngineKind};
use crate::model::tier::Tier;
use crate::run::Context;
use crate::run::detect::{Found, FoundTable, Options, Outcome, detect, of_catalogue};
use serde_json::{Map, Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The project's name where nothing says it; the same as in a policy without one.
const PROJECT: &str = "default";

pub(super) fn run(
    context: &Context<'_>,
    settings: impl FnOnce() -> Result<Settings>,
    args: &DetectArgs,
    verbose: bool,
) -> Result<Answer> {
    if !args.score.is_empty() {
        return scored(&args.score, verbose);
    }
    let least = u8::try_from(args.min_confidence).unwrap_or(100);
    if !args.columns.is_empty() {
        return listed(&args.columns, least);
    }
    let address = address(args.source.as_deref(), "source", "SOURCE_DATABASE_URL")?;
    let policy = match &args.policy {
        Some(named) => Some(read_policy(&settings()?.policy(Some(named))?)?),
        None => None,
    };
    started(context, "detect", vec![("source", address.to_string())]);
    let mut source = (engine::find(&address)?.source)(&address, &context.cancel)?;
    let options = Options { values: !args.no_values, least, project: PROJECT };
    let done = detect(context, &mut *source, policy.as_ref(), options)?;
    let tiers = done.tiers();
    let facts = Tier::ALL.iter().filter_map(|tier| Some((tier.words(), tiers.get(tier)?.to_string())));
    finished(
        context,
        "detect",
        facts.chain([("undecided", done.undecided().to_string())]).collect(),
        Vec::new(),
        done.millis,
    );
    let json = json!({
        "tables": done.tables.iter().map(described).collect::<Vec<_>>(), "tiers": by_tier(&done),
        "undecided": done.undecided(), "policy": done.policy, "millis": done.millis,
    });
    let text = match &args.output {
        None => done.policy.clone(),
        Some(path) => {
            write_new(path, &done.policy)?;
            format!(
                "{} written: {}, {} to answer. Read it; terp-fixtures refs proposes references.",
                path.display(),
                count(done.tables.len() as u64, "table"),
                count(done.undecided() as u64, "column")
            )
        }
    };
    Ok(Answer::new(json, text))
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, text: &str) -> Result<()> {
    let failed = |error: std::io::Error| {
        let shown = path.display();
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Error::guard(format!("{shown} is there already")).hint("Name another file, or leave --output out.")
            }
            _ => Error::usage(format!("cannot write {shown}")).caused_by(error),
        }
    };
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

fn by_tier(done: &Outcome) -> Map<String, Value> {
    done.tiers().into_iter().map(|(tier, count)| (tier.to_string(), json!(count))).collect()
}

fn described(found: &FoundTable) -> Value {
    json!({
        "table": found.table, "about": format!("{:?}", found.about).to_lowercase(), "mode": found.mode.word(),
        "columns": found.columns.iter().map(described_column).collect::<Vec<_>>(),
    })
}

fn described_column(found: &Found) -> Value {
    json!({
        "column": found.column, "type": found.declared, "decision": found.decision, "mask": found.mask,
        "rule": found.rule, "tier": found.guess.tier.to_string(), "kind": found.guess.kind,
        "confidence": f64::from(found.guess.confidence) / 100.0, "reason": found.guess.reason,
    })
}

/// A column list with its name: that of the file without its ending.
fn list(path: &Path) -> Result<(String, Labelled)> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::usage(format!("cannot read the column list {shown}")).hint("It is a CSV file in UTF-8.").caused_by(error)
    })?;
    let name = path.file_stem().map_or_else(|| shown.clone(), |stem| stem.to_string_lossy().into_owned());
    Ok((name, read(&shown, &text)?))
}

fn listed(paths: &[PathBuf], least: u8) -> Result<Answer> {
    let mut schemas = Map::new();
    let mut parts = Vec::new();
    for path in paths {
        let (name, list) = list(path)?;
        let guesses = Guesses::of(&list.tables);
        let catalogue = catalogue(list);
        let options = Options { values: false, least, project: PROJECT };
        let done = of_catalogue(&catalogue, guesses, None, options, Instant::now())?;
        let lines: Vec<Vec<String>> = done.tables.iter().flat_map(lines).collect();
        parts.push(format!("{name}\n{}", table(&["column", "tier", "kind", "sure", "proposal", "why"], &lines, &[3])));
        let value = json!({
            "tables": done.tables.iter().map(described).collect::<Vec<_>>(), "tiers": by_tier(&done),
            "undecided": done.undecided(),
        });
        if schemas.insert(name.clone(), value).is_some() {
            return Err(Error::usage(format!("two lists are called {name}")).hint("Rename one of the files."));
        }
    }
    Ok(Answer::new(json!({ "schemas": schemas }), parts.join("\n\n")))
}

fn lines(found: &FoundTable) -> Vec<Vec<String>> {
    let line = |column: &Found| {
        let guess = &column.guess;
        let rule =
            if column.decision == "undecided" { format!("undecided: {}", column.rule) } else { column.rule.clone() };
        vec![
            format!("{}.{}", found.table, column.column.escape_debug()),
            guess.tier.to_string(),
            guess.kind.to_owned(),
            format!("{} %", guess.confidence),
            rule.trim_end_matches([' ', ':']).to_owned(),
            guess.reason.escape_debug().to_string(),
        ]
    };
    found.columns.iter().map(line).collect()
}

/// The catalogue of no database: a list does not say which engine it is from.
fn catalogue(list: Labelled) -> Catalogue {
    Catalogue {
        engine: EngineKind::Sqlite,
        version: String::new(),
        settings: std::collections::BTreeMap::new(),
        tables: list.tables,
        pre: Vec::new(),
        post: Vec::new(),
        own: crate::model::schema::Traces::default(),
    }
}

fn scored(paths: &[PathBuf], verbose: bool) -> Result<Answer> {
    let mut schemas = Map::new();
    let mut pooled = Figures::default();
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        let (name, list) = list(path)?;
        if list.tiers.iter().flatten().all(Option::is_none) {
            let what = format!("{}: no column has a tier to score against", path.display());
            return Err(Error::usage(what).hint("Use --columns for proposals instead of a score."));
        }
        let score = score(&list, &Guesses::of(&list.tables));
        pooled = pooled.and(score.figures);
        lines.push(figures_line(&name, score.figures));
        let mut value = figures(score.figures);
        if verbose {
            wrong.extend(score.wrong.iter().map(|miss| wrong_line(&name, miss)));
            value["wrong"] = wrong_json(&score);
        }
        if schemas.insert(name.clone(), value).is_some() {
            return Err(Error::usage(format!("two lists are called {name}")).hint("Rename one of the files."));
        }
    }
    lines.push(figures_line("pooled", pooled));
    let head = ["schema", "precision", "recall", "F1", "recall D+C", "recall F", "tier right"];
    let mut text = table(&head, &lines, &[1, 2, 3, 4, 5, 6]);
    if verbose && !wrong.is_empty() {
        text.push_str(&format!("\n\n{}", table(&["", "column", "label", "guess", "why"], &wrong, &[])));
    }
    Ok(Answer::new(json!({ "pooled": figures(pooled), "schemas": schemas }), text))
}

/// A share with four digits behind the point.
fn share(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

fn figures(figures: Figures) -> Value {
    json!({
        "precision": share(figures.precision()), "recall": share(figures.recall()), "f1": share(figures.f1()),
        "recall_direct_credential": share(figures.recall_direct_credential()), "recall_free": share(figures.recall_free()),
        "tier_accuracy": share(figures.tier_accuracy()),
    })
}

fn figures_line(name: &str, figures: Figures) -> Vec<String> {
    let shares = [
        figures.precision(),
        figures.recall(),
        figures.f1(),
        figures.recall_direct_credential(),
        figures.recall_free(),
        figures.tier_accuracy(),
    ];
    let shares = shares.iter().map(|share| format!("{share:.3}"));
    std::iter::once(name.to_owned()).chain(shares).collect()
}

fn wrong_line(name: &str, miss: &crate::classify::Miss) -> Vec<String> {
    let what = if miss.label == Tier::None { "false alarm" } else { "missed" };
    let guess = format!("{} {}", miss.guess.tier, miss.guess.kind);
    vec![what.to_owned(), format!("{name}: {}", miss.place), miss.label.to_string(), guess, miss.guess.reason.clone()]
}

fn wrong_json(score: &Score) -> Value {
    let wrong = score.wrong.iter().map(|miss| {
        json!({
            "column": miss.place, "label": miss.label.to_string(), "tier": miss.guess.tier.to_string(),
            "kind": miss.guess.kind, "reason": miss.guess.reason,
        })
    });
    Value::Array(wrong.collect())
}
