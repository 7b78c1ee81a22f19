//! `detect`: what can be typed.

use super::percent;
use clap::Args;
use std::path::PathBuf;

/// `detect`.
#[derive(Debug, Args)]
pub struct DetectArgs {
    /// The database to read: its catalogue, and at most two thousand rows of a table. No value leaves the process.
    #[arg(long, value_name = "URL", env = "SOURCE_DATABASE_URL", hide_env_values = true)]
    pub source: Option<String>,
    /// Look at names and types only.
    #[arg(long)]
    pub no_values: bool,
    /// Leave out what this policy decides; looked for here and in policies/.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Write the proposed policy to this new file instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Leave undecided what is less sure, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value = "0.6", value_parser = percent)]
    pub min_confidence: u32,
    /// Instead of a database: propose for the columns of these lists (CSV: table, column, type, ...).
    #[arg(long, value_name = "CSV", num_args = 1.., conflicts_with_all = ["no_values", "policy", "output", "score"])]
    pub columns: Vec<PathBuf>,
    /// Instead of a database: hold guesses from names and types against the tiers of these lists, and print precision and recall.
    #[arg(long, value_name = "CSV", num_args = 1.., conflicts_with_all = ["no_values", "policy", "output"])]
    pub score: Vec<PathBuf>,
}
