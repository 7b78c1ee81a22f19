//! `policy`: what can be typed about a policy as a document that people review.

use clap::{Args, Subcommand};
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
