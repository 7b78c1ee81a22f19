//! `policy`: what can be typed about a policy as a document that people review.

use crate::model::schema::EngineKind;
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
    /// Make one document of a policy, the database it is for, and the snapshots made under it: a page, Markdown or JSON.
    #[command(after_help = "Examples:
  terp-fixtures policy review --policy pii.toml --source sqlite:erp.sqlite --output review.html
  terp-fixtures policy review --policy pii.toml --source postgres://localhost/erp --since approved.toml --output review.md
  terp-fixtures policy review --policy pii.toml --snapshot demo-2025-12 --format json
  terp-fixtures policy review --policy pii.toml --ddl schema.sql --output review.html")]
    Review(ReviewArgs),
    /// Print the JSON Schema of policy files or profiles, for editors that complete and check while one types.
    #[command(after_help = "Examples:
  terp-fixtures policy schema > policy.schema.json
  terp-fixtures policy schema --profile > profile.schema.json

Then the first line of a policy is '#:schema ./policy.schema.json' (Even Better TOML, taplo).")]
    Schema {
        /// That of profiles, which 'generate --profile' reads.
        #[arg(long)]
        profile: bool,
    },
    /// Hold a policy against a database, a snapshot or files of DDL: what is new, gone or of another type, what does not fit, what
    /// has expired, what is weak. Exit 3 for drift, 4 for a fault of the policy.
    #[command(after_help = "Examples:
  terp-fixtures policy check
  terp-fixtures policy check --policy pii.toml --source sqlite:erp.sqlite
  terp-fixtures policy check --ddl migrations/001.sql migrations/002.sql --engine postgres --strict
  terp-fixtures policy check --snapshot demo-2025-12 --env dev
  terp-fixtures policy check --source sqlite:erp.sqlite --format sarif > check.sarif
  terp-fixtures policy check --rules")]
    Check(CheckArgs),
    /// Say all about one column, or about the columns of a table: what it is, what it seems to hold, what each environment does
    /// with it and why.
    #[command(after_help = "Examples:
  terp-fixtures policy explain clients.email --source sqlite:erp.sqlite
  terp-fixtures policy explain clients --ddl schema.sql
  terp-fixtures policy explain clients.ssn --snapshot demo-2025-12 --json")]
    Explain(ExplainArgs),
}

/// `policy lock`.
#[derive(Debug, Args)]
pub struct LockArgs {
    /// The policy; looked for here and in policies/.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The schema that was decided about; no row is read.
    #[command(flatten)]
    pub schema: SchemaArgs,
    /// Who decided what is new or changed; without it `review.by` of the configuration.
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

/// Where a schema comes from.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// The database to look at; SOURCE_DATABASE_URL where neither this nor a snapshot nor DDL is named.
    #[arg(long, value_name = "URL", conflicts_with_all = ["snapshot", "ddl"])]
    pub source: Option<String>,
    /// The schema that a snapshot was captured with.
    #[arg(long, value_name = "NAME", conflicts_with = "ddl")]
    pub snapshot: Option<String>,
    /// Files of SQL, read in this order: a dump of the schema, or migrations; of a folder its .sql files by name.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub ddl: Vec<PathBuf>,
    /// The engine that the DDL is for; without it, what the DDL looks like.
    #[arg(long, value_enum, value_name = "ENGINE", requires = "ddl")]
    pub engine: Option<EngineName>,
}

/// An engine by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// PostgreSQL.
    Postgres,
    /// MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
    /// SQLite.
    Sqlite,
}

impl EngineName {
    /// The engine.
    #[must_use]
    pub fn kind(self) -> EngineKind {
        match self {
            Self::Postgres => EngineKind::Postgres,
            Self::Mysql => EngineKind::Mysql,
            Self::Mariadb => EngineKind::Mariadb,
            Self::Sqlite => EngineKind::Sqlite,
        }
    }
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people.
    Text,
    /// One JSON object; the same as --json.
    Json,
    /// Annotations of GitHub Actions.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

/// `policy check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The policy; looked for here and in policies/. Without it that of the configuration, else pii.toml.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The schema.
    #[command(flatten)]
    pub schema: SchemaArgs,
    /// Only this environment; may be given several times. Without it dev, staging, and production if the policy speaks of it.
    #[arg(long, value_name = "ENV", value_parser = ["dev", "staging", "production"])]
    pub env: Vec<String>,
    /// How findings are written.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub format: CheckFormat,
    /// The lock; without it the one beside the policy, if it is there.
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,
    /// Warnings fail too (exit 4).
    #[arg(long)]
    pub strict: bool,
    /// Do not count different values of masked columns in the database; only names and types are looked at then.
    #[arg(long)]
    pub no_values: bool,
    /// List the rules instead.
    #[arg(long)]
    pub rules: bool,
}

/// `policy explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// TABLE.COLUMN, or TABLE for all its columns in short.
    #[arg(value_name = "TABLE[.COLUMN]")]
    pub what: String,
    /// The policy; looked for here and in policies/. Without it that of the configuration, else pii.toml.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The schema.
    #[command(flatten)]
    pub schema: SchemaArgs,
    /// The lock; without it the one beside the policy, if it is there.
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,
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

/// `policy review`.
#[derive(Debug, Args)]
pub struct ReviewArgs {
    /// The policy; looked for here and in policies/. Without it that of the configuration, else pii.toml.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The schema.
    #[command(flatten)]
    pub schema: SchemaArgs,
    /// The lock; without it the one beside the policy, if it is there.
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,
    /// An older version of the policy to compare with, instead of the last approved one; what lets more through comes first.
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
