//! `verify`: whether a store holds what it says.

use super::open;
use crate::cli::args::VerifyArgs;
use crate::cli::render::{Answer, count, seconds};
use crate::cli::settings::Settings;
use crate::error::Result;
use crate::event::Event;
use crate::run::{Context, verify};
use crate::store;
use serde_json::json;

pub(super) fn verify(context: &Context<'_>, settings: &Settings, args: &VerifyArgs) -> Result<Answer> {
    let depth = match (args.leaks, args.read_data) {
        (true, _) => verify::Depth::Leaks,
        (false, true) => verify::Depth::Rows,
        (false, false) => verify::Depth::Packs,
    };
    let done = if args.scrub {
        verify::scrub(context, &*store::open(&settings.store(), false)?)?
    } else {
        verify::verify(context, &open(context, settings)?, args.snapshot.as_deref(), depth)?
    };
    let done = done.into_result()?;
    for finding in done.findings.iter().filter(|finding| finding.kept) {
        let what = format!("{} is kept and holds {} {}", finding.place, finding.count, finding.what);
        let hint = Some(
            "Nobody's original of another column was found when it was captured; look whether it may be kept."
                .to_owned(),
        );
        context.report.event(&Event::Warning { what, hint });
    }
    let looked = match (args.scrub, depth) {
        (true, _) => "without keys: manifests were not looked into",
        (_, verify::Depth::Packs) => "manifests and packs; --read-data also reads every row",
        (_, verify::Depth::Rows) => "every row was read",
        (_, verify::Depth::Leaks) => "every row was read, and no masked cell looks like somebody's",
    };
    let text = format!(
        "Nothing is damaged ({looked}).\n  {}, {}, {}, {}, {}\n  {}",
        count(done.packs, "pack"),
        count(done.manifests, "manifest"),
        count(done.others, "other object"),
        count(done.chunks, "chunk"),
        count(done.rows, "row"),
        seconds(done.millis)
    );
    let text = match (depth, done.sampled) {
        (verify::Depth::Packs, _) => text,
        (_, 0) => format!("{text}\n  {} proved", count(done.references, "reference")),
        (_, some) => format!(
            "{text}\n  {} proved, but for {} whose keys were too many to hold",
            count(done.references, "reference"),
            count(some, "row")
        ),
    };
    let json = json!({ "packs": done.packs, "manifests": done.manifests, "others": done.others, "chunks": done.chunks, "rows": done.rows,
        "references": done.references, "sampled": done.sampled,
        "cells": done.cells,
        "findings": done.findings.iter().map(|finding| json!({ "place": finding.place, "what": finding.what,
            "count": finding.count, "kept": finding.kept })).collect::<Vec<_>>(),
        "damage": done.damage, "millis": done.millis });
    Ok(Answer::new(json, text))
}
