//! `policy`: what can be typed about a policy as a document that people review.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say what changed between two versions of a policy, and whether more is let through.
    #[command(after_help = "Examples:
  terp-fixtures policy diff old.toml pii.toml
  git show main:pii.toml > old.toml && terp-fixtures policy diff old.toml pii.toml --json
  terp-fixtures policy diff old.toml pii.toml --fail-on-weaker")]
    Diff(DiffArgs),
    /// Make one document of a policy, the database it is for, and the snapshots made under it: a page, Markdown or JSON.
    #[command(after_help = "Examples:
  terp-fixtures policy review --policy pii.toml --source sqlite:erp.sqlite --output review.html
  terp-fixtures policy review --policy pii.toml --source postgres://localhost/erp --since approved.toml --output review.md
  terp-fixtures policy review --policy pii.toml --snapshot demo-2025-12 --format json")]
    Review(ReviewArgs),
}

/// `policy review`.
#[derive(Debug, Args)]
pub struct ReviewArgs {
    /// The policy; looked for here and in policies/.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The database whose catalogue is reviewed. No row is read.
    #[arg(long, value_name = "URL", env = "SOURCE_DATABASE_URL", hide_env_values = true)]
    pub source: Option<String>,
    /// Review the schema of this snapshot instead of a database.
    #[arg(long, value_name = "SNAPSHOT")]
    pub snapshot: Option<String>,
    /// An older version of the policy: what changed since is shown, and what lets more through first.
    #[arg(long, value_name = "FILE")]
    pub since: Option<PathBuf>,
    /// What to write; without it the name of the output decides, and html where that says nothing.
    #[arg(long, value_enum)]
    pub format: Option<ReviewFormat>,
    /// The file to write; without it stdout. An older review is replaced, any other file only with --force.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the output whatever it is.
    #[arg(long)]
    pub force: bool,
}

/// What a review is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReviewFormat {
    /// One self-contained page.
    Html,
    /// For pull requests.
    Markdown,
    /// For programs; docs/review.md describes it.
    Json,
}

/// `policy diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The older version.
    pub before: PathBuf,
    /// The newer version.
    pub after: PathBuf,
    /// Exit with 4 where a change lets more through.
    #[arg(long)]
    pub fail_on_weaker: bool,
}
