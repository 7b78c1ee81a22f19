//! `tag`: words for snapshots.

use super::{audit, open, open_to_publish};
use crate::cli::args::TagArgs;
use crate::cli::render::{Answer, count};
use crate::cli::settings::Settings;
use crate::error::Result;
use crate::model::audit::{Deed, Named, Operation};
use crate::run::Context;
use crate::run::audit::tagged;
use crate::run::tags::{self, Change, Tags};
use serde_json::json;
use std::collections::BTreeSet;

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &TagArgs) -> Result<Answer> {
    let change = Change::new(&args.tag, &args.remove)?;
    if args.tag.is_empty() && args.remove.is_empty() {
        let repository = open(context, settings)?;
        let snapshot = repository.find(&args.snapshot)?;
        let tags = Tags::read(&repository)?.of(&snapshot);
        return Ok(answer(&snapshot.label(), &snapshot.id, &tags, false));
    }
    let wanted = Named { name: args.snapshot.clone(), id: None };
    let deed = Deed { snapshot: Some(wanted), ..Deed::new(Operation::Tag) };
    audit::attempt(context, settings, (deed, false), |deed| {
        let repository = open_to_publish(context, settings)?;
        let snapshot = repository.find(&args.snapshot)?;
        *deed = tagged(&snapshot, &change);
        let before = Tags::read(&repository)?.of(&snapshot);
        let after = tags::change(&repository, &snapshot, &change)?;
        if after != before {
            audit::record(context, settings, &repository, deed.clone())?;
        }
        Ok(answer(&snapshot.label(), &snapshot.id, &after, after != before))
    })
}

fn answer(label: &str, id: &str, tags: &BTreeSet<String>, changed: bool) -> Answer {
    let listed = match tags.len() {
        0 => format!("{label} has no tag."),
        some => {
            let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
            format!("{label} has {}: {}", count(some as u64, "tag"), tags.join(", "))
        }
    };
    Answer::new(json!({ "snapshot": label, "id": id, "tags": tags, "changed": changed }), listed)
}
