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
    /// Record what is decided about every column, by whom and when, beside the schema that it was decided about.
    #[command(after_help = "Examples:
  terp-fixtures policy lock --policy pii.toml --source sqlite:erp.sqlite --by maria@example.org
  terp-fixtures policy lock --policy pii.toml --source sqlite:erp.sqlite --by maria@example.org --expires-in 365
  terp-fixtures policy lock --policy pii.toml --snapshot nightly --check")]
    Lock(LockArgs),
    /// Approve a policy with its lock: sign a statement about both with an SSH key.
    #[command(after_help = "Examples:
  terp-fixtures policy approve --policy pii.toml --key ~/.ssh/id_ed25519 --role security
  terp-fixtures policy approve --policy pii.toml --prepare --by maria@example.org --role dpo
  terp-fixtures policy approve --policy pii.toml --check --env staging")]
    Approve(ApproveArgs),
}

/// `policy lock`.
#[derive(Debug, Args)]
pub struct LockArgs {
    /// The policy; looked for here and in policies/.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The database whose columns were decided about; only its catalogue is read.
    #[arg(long, value_name = "URL", env = "SOURCE_DATABASE_URL", hide_env_values = true)]
    pub source: Option<String>,
    /// Take the catalogue of this snapshot instead.
    #[arg(long, value_name = "SNAPSHOT")]
    pub snapshot: Option<String>,
    /// Who decided what is new or changed; without it [review] by of the configuration.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// What is new or changed has to be decided again after this many days.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub expires_in: Option<u32>,
    /// Decide again what has expired, as it is.
    #[arg(long)]
    pub renew: bool,
    /// Only compare: exit with 3 where the lock is out of date.
    #[arg(long, conflicts_with_all = ["by", "expires_in", "renew"])]
    pub check: bool,
}

/// `policy approve`.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The policy; looked for here and in policies/.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The SSH private key that signs: Ed25519, or ECDSA on P-256 or P-384.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["prepare", "check"])]
    pub key: Option<PathBuf>,
    /// Write the statement and say how ssh-keygen signs it: for keys in an agent or on a token.
    #[arg(long, conflicts_with_all = ["key", "check"])]
    pub prepare: bool,
    /// Only say who approved, and what is missing: exit with 8 where something is.
    #[arg(long, conflicts_with_all = ["key", "role", "by", "expires_in"])]
    pub check: bool,
    /// In which role you approve: security, dpo, ...
    #[arg(long, required_unless_present = "check")]
    pub role: Option<String>,
    /// Your name in the file of approvers; without it the one that your key has there.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// The approval ends after this many days.
    #[arg(long, value_name = "DAYS", default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub expires_in: u32,
    /// Whose rules say what is enough.
    #[arg(long, value_name = "ENV", value_parser = ["dev", "staging", "production"])]
    pub env: Option<String>,
    /// Who may approve: a file of allowed signers, as ssh-keygen reads it.
    #[arg(long, value_name = "FILE")]
    pub approvers: Option<PathBuf>,
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
