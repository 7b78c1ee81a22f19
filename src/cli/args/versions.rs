//! What can be typed behind the commands that treat snapshots as versions: `list`, `tag`, `diff`, `export`, `copy`.

use super::audit::{since, until};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only names that match: * stands for any text, ? for one character.
    #[arg(long, value_name = "GLOB")]
    pub name: Option<String>,
    /// Only what has this tag; given several times: all of them.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Only this environment.
    #[arg(long, value_name = "ENV", value_parser = ["dev", "staging", "production"])]
    pub env: Option<String>,
    /// Only this engine.
    #[arg(long, value_name = "ENGINE", value_parser = ["sqlite", "postgres", "mysql", "mariadb"])]
    pub engine: Option<String>,
    /// Not captured before this day or moment, UTC.
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<String>,
    /// Not captured after this day or moment, UTC.
    #[arg(long, value_name = "TIME", value_parser = until)]
    pub until: Option<String>,
    /// Only what has expired.
    #[arg(long)]
    pub expired: bool,
    /// Only the newest so many of those.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// `tag`.
#[derive(Debug, Args)]
pub struct TagArgs {
    /// A name (the newest of it), name@id, the first digits of an id, or a tag.
    pub snapshot: String,
    /// Tags to give it.
    pub tag: Vec<String>,
    /// A tag to take away; may be given several times.
    #[arg(long, value_name = "TAG")]
    pub remove: Vec<String>,
}

/// `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The snapshot before: a name (the newest of it), name@id, the first digits of an id, or a tag.
    pub before: String,
    /// The snapshot after.
    pub after: String,
    /// Only this table; may be given several times.
    #[arg(long, value_name = "TABLE")]
    pub table: Vec<String>,
    /// Also number up to so many rows of each kind in each table: `why SNAPSHOT TABLE --row N` takes such a number.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub rows: usize,
    /// Compare chunks only: quick, and needs no right to read rows.
    #[arg(long, conflicts_with = "rows")]
    pub chunks: bool,
    /// End with code 3 when rows, schema or masking differ.
    #[arg(long)]
    pub exit_code: bool,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A file for each table, as RFC 4180 has it, with a line of names.
    Csv,
    /// One script for the snapshot's own engine: schema, rows, indexes, triggers.
    Sql,
}

/// `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// A name (the newest of it), name@id, the first digits of an id, or a tag.
    pub snapshot: String,
    /// The folder to write to; made if it is missing.
    pub dir: PathBuf,
    /// How.
    #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
    pub format: ExportFormat,
    /// Only this table; may be given several times.
    #[arg(long, value_name = "TABLE")]
    pub table: Vec<String>,
    /// Write over files that are there.
    #[arg(long)]
    pub force: bool,
}

/// `copy`.
#[derive(Debug, Args)]
pub struct CopyArgs {
    /// The snapshots: names (the newest of each), name@id, the first digits of ids, or tags.
    #[arg(required = true)]
    pub snapshot: Vec<String>,
    /// The store to copy into. It must be there; `keys init --store` makes one.
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// Your identity in that store; without it the same as here.
    #[arg(long, value_name = "FILE")]
    pub to_identity: Option<PathBuf>,
}
