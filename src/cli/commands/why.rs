//! `why`: what brought a row into a snapshot.

use super::open;
use crate::cli::args::WhyArgs;
use crate::cli::render::{Answer, count};
use crate::cli::settings::Settings;
use crate::error::Result;
use crate::run::Context;
use crate::run::why::{self, Because, Place, Step, Wanted};
use serde_json::{Value, json};

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &WhyArgs) -> Result<Answer> {
    let repository = open(context, settings)?;
    let snapshot = repository.find(&args.snapshot)?;
    let wanted = Wanted { table: args.table.clone(), key: args.key.clone(), row: args.row };
    let done = why::why(context, &repository, &snapshot, &wanted)?;
    let mut lines = Vec::new();
    let mut steps = Vec::new();
    for part in [&done.first, &done.last] {
        for (at, step) in part.iter().enumerate() {
            let next = part.get(at + 1).map(|next| &next.place);
            lines.push(line(step, next));
            steps.push(told(step));
        }
        if done.left_out > 0 && steps.len() == done.first.len() {
            lines.push(format!("  ... {} between are not shown ...", count(done.left_out, "row")));
        }
    }
    let json = json!({ "snapshot": snapshot.label(), "rows": steps.len() as u64 + done.left_out, "left_out": done.left_out,
        "way": steps });
    Ok(Answer::new(json, lines.join("\n")))
}

fn line(step: &Step, next: Option<&Place>) -> String {
    let shown = |place: &Place| format!("{} row {}", place.table, place.row);
    let own = shown(&step.place);
    let other = next.map_or_else(|| "another row".to_owned(), shown);
    match &step.because {
        Because::Child(reference) => format!("{own} is a child of {other}, along {reference}"),
        Because::Parent(reference) => format!("{own} is the parent of {other}, along {reference}"),
        Because::Root { number, condition: Some(condition) } => {
            format!("{own} was chosen by root {number}: {} where {condition}", step.place.table)
        }
        Because::Root { number, condition: None } => {
            format!("{own} was chosen by root {number}: {}", step.place.table)
        }
        Because::Whole => format!("{own} is there because its table is taken whole"),
        Because::Everything => format!("{own} is there because every row was taken: the snapshot is no subset"),
    }
}

fn told(step: &Step) -> Value {
    let mut value = json!({ "table": step.place.table, "row": step.place.row });
    let (why, more) = match &step.because {
        Because::Child(reference) => ("child", Some(("reference", json!(reference)))),
        Because::Parent(reference) => ("parent", Some(("reference", json!(reference)))),
        Because::Root { number, condition } => {
            value["root"] = json!(number);
            ("root", Some(("condition", json!(condition))))
        }
        Because::Whole => ("whole", None),
        Because::Everything => ("everything", None),
    };
    value["why"] = json!(why);
    if let Some((name, more)) = more {
        value[name] = more;
    }
    value
}
