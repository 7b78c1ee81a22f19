//! `policy diff`: two versions of a policy to what changed between them.

use super::read_policy;
use crate::cli::args::policy::DiffArgs;
use crate::cli::render::{Answer, count, table};
use crate::error::{Error, Result};
use crate::policy::diff::{Change, Direction, diff};
use crate::policy::file::ENVIRONMENTS;
use serde_json::{Value, json};

pub(super) fn run(args: &DiffArgs) -> Result<Answer> {
    let changes = diff(&read_policy(&args.before)?, &read_policy(&args.after)?);
    let number = |direction: Direction| changes.iter().filter(|change| change.direction == direction).count() as u64;
    let (weaker, changed, stronger) =
        (number(Direction::Weaker), number(Direction::Changed), number(Direction::Stronger));
    let json = json!({
        "weaker": weaker, "changed": changed, "stronger": stronger,
        "changes": changes.iter().map(described).collect::<Vec<_>>(),
    });
    let text = match changes.as_slice() {
        [] => "Both versions decide the same.".to_owned(),
        changes => {
            let lines: Vec<Vec<String>> = changes.iter().map(line).collect();
            format!(
                "{}\n\n{}: {weaker} weaker, {changed} neither, {stronger} stronger.",
                table(&["", "line", "what", "where", "before", "after"], &lines, &[1]),
                count(changes.len() as u64, "change"),
            )
        }
    };
    let failure = (args.fail_on_weaker && weaker > 0).then(|| {
        let changes = if weaker == 1 { "1 change lets".to_owned() } else { format!("{weaker} changes let") };
        let what = format!("{changes} more through than before");
        Error::policy(what).hint("Have the new version reviewed: terp-fixtures policy review.")
    });
    Ok(Answer { failure, ..Answer::new(json, text) })
}

fn line(change: &Change) -> Vec<String> {
    let everywhere = change.environments.len() == ENVIRONMENTS.len();
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        change.direction.word().to_owned(),
        change.place.line.to_string(),
        change.subject(),
        if everywhere { "everywhere".to_owned() } else { change.environments.join(", ") },
        said(&change.before),
        said(&change.after),
    ]
}

fn described(change: &Change) -> Value {
    json!({
        "direction": change.direction.word(), "engine": change.engine, "table": change.table, "column": change.column,
        "environments": change.environments, "before": change.before, "after": change.after,
        "line": change.place.line,
    })
}
