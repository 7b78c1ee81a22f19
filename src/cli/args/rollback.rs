//! `rollback` and `runs`.

use crate::policy::file::ENVIRONMENTS;
use clap::{Args, ValueEnum};

/// `rollback`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct RollbackArgs {
    /// A run's id or a snapshot's name or id; the only run when it is left out.
    pub run: Option<String>,
    /// Every run that is in the target, the newest first.
    #[arg(long, conflicts_with = "run")]
    pub all: bool,
    /// The database.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub target: Option<String>,
    /// What the target is. It must be what the target declares, if it declares anything.
    #[arg(long, value_name = "ENV", value_parser = ENVIRONMENTS)]
    pub env: Option<String>,
    /// Only the rows of this table; may be given several times. The run stays, with its other rows.
    #[arg(long, value_name = "TABLE", conflicts_with = "all")]
    pub table: Vec<String>,
    /// Only the rows of the one --table for which this holds: one boolean expression over its columns.
    #[arg(long = "where", value_name = "CONDITION", requires = "table")]
    pub condition: Option<String>,
    /// What becomes of the rows.
    #[arg(long, value_enum, default_value_t = RollbackStrategy::Delete)]
    pub strategy: RollbackStrategy,
    /// Also when rows of the application hang on fixture rows (the foreign keys' own actions happen), or overwritten rows were edited since.
    #[arg(long)]
    pub force: bool,
    /// Save the rows that are touched in an encrypted snapshot first; on staging and production this is always done.
    #[arg(long)]
    pub backup: bool,
    /// No backup on staging either. Refused on production.
    #[arg(long, conflicts_with = "backup")]
    pub no_backup: bool,
    /// Do everything, report it, then undo it.
    #[arg(long)]
    pub dry_run: bool,
    /// Seconds to wait for the target's lock.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub lock_timeout: u64,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
    /// The name of the database, where it would have to be typed: for production.
    #[arg(long, value_name = "DATABASE")]
    pub confirm: Option<String>,
}

/// What becomes of the rows of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RollbackStrategy {
    /// They are deleted.
    Delete,
    /// The same; a table that holds nothing else is emptied as a whole, which is faster.
    Truncate,
    /// They stay and become the database's own. The run is forgotten and can no longer be rolled back.
    None,
}
