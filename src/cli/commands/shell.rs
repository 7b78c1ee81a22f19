//! `completions` and `man`: shell integration.

use crate::cli::args::Cli;
use crate::cli::render::Answer;
use crate::error::{Error, Result};
use clap::CommandFactory as _;
use serde_json::json;
use std::path::Path;

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Answer> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "terp-fixtures", &mut script);
    let text = String::from_utf8(script)
        .map_err(|error| Error::internal("the completion script is not text").caused_by(error))?;
    Ok(Answer::new(json!({ "script": text }), text))
}

pub(super) fn man(dir: &Path) -> Result<Answer> {
    let cannot = |error: std::io::Error| {
        Error::usage(format!("cannot write manual pages into {}", dir.display())).caused_by(error)
    };
    std::fs::create_dir_all(dir).map_err(cannot)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(cannot)?;
    let text = format!("Wrote the manual pages. Read the first with: man {}", dir.join("terp-fixtures.1").display());
    Ok(Answer::new(json!({ "dir": dir }), text))
}
