//! What can be typed behind `target`.

use crate::policy::file::ENVIRONMENTS;
use crate::run::declaration::OPERATIONS;
use clap::{Args, Subcommand};

/// `target`.
#[derive(Debug, Subcommand)]
pub enum TargetCommand {
    /// Declare what a database is, in the database itself: dev, staging or production, and what may be done to it.
    #[command(after_help = "Examples:
  terp-fixtures target init --env dev --target sqlite:dev.sqlite --yes
  terp-fixtures target init --env staging --target postgres://db.internal/erp_staging --owner ops@example.org --confirm erp_staging
  terp-fixtures target init --env production --target postgres://db.internal/erp --confirm erp
  terp-fixtures target init --env dev --allow restore --allow rollback --target sqlite:dev.sqlite --yes")]
    Init(TargetInitArgs),
    /// Say what a database declares, and what that means for a restore.
    #[command(after_help = "Examples:
  terp-fixtures target show --target sqlite:dev.sqlite
  terp-fixtures target show --target postgres://db.internal/erp_staging --json")]
    Show(TargetShowArgs),
    /// Forget what a database declares.
    #[command(after_help = "Examples:
  terp-fixtures target remove --target sqlite:dev.sqlite --confirm dev.sqlite")]
    Remove(TargetRemoveArgs),
}

/// `target init`.
#[derive(Debug, Args)]
pub struct TargetInitArgs {
    /// What the database is.
    #[arg(long, value_name = "ENV", value_parser = ENVIRONMENTS)]
    pub env: String,
    /// The database.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub target: Option<String>,
    /// Whom to ask about it: a name, a team, an address.
    #[arg(long, value_name = "TEXT", value_parser = owner)]
    pub owner: Option<String>,
    /// What may be done to it; may be given several times. Without it: everything, and in production no reset.
    #[arg(long, value_name = "OPERATION", value_parser = OPERATIONS)]
    pub allow: Vec<String>,
    /// Seconds to wait for the target's lock.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub lock_timeout: u64,
    /// Do not ask. Not enough for another machine, or for another environment than is declared.
    #[arg(short, long)]
    pub yes: bool,
    /// The name of the database, where it would have to be typed.
    #[arg(long, value_name = "DATABASE")]
    pub confirm: Option<String>,
}

/// `target show`.
#[derive(Debug, Args)]
pub struct TargetShowArgs {
    /// The database.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub target: Option<String>,
}

/// `target remove`.
#[derive(Debug, Args)]
pub struct TargetRemoveArgs {
    /// The database.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub target: Option<String>,
    /// Seconds to wait for the target's lock.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub lock_timeout: u64,
    /// The name of the database, where it would have to be typed.
    #[arg(long, value_name = "DATABASE")]
    pub confirm: Option<String>,
}

/// One line that fits into the declaration.
fn owner(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = text.chars().count() <= 255 && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err("write one line of at most 255 characters".to_owned()) }
}
