//! The command line: what can be typed. Every command's help ends with examples; tests run through this table.

mod audit;
pub mod detect;
mod doctor;
mod exec;
mod generate;
mod keys;
pub mod policy;
mod retention;
mod rollback;
mod target;
mod versions;

pub use audit::{AuditCommand, AuditHeadArgs, AuditLogArgs, AuditVerifyArgs};
pub use doctor::{DoctorArgs, ResetArgs};
pub use exec::{ExecArgs, PoolCommand, PoolServeArgs};
pub use generate::{CoverageArgs, GenerateArgs, GenerateSize, ImportCommand, ImportCsvArgs};
pub use keys::{KeysAddArgs, KeysCommand, KeysInitArgs, KeysNewArgs, KeysRemoveArgs, KeysRotateArgs, PinArgs};
pub use retention::{GcArgs, PruneArgs, RmArgs};
pub use rollback::{RollbackArgs, RollbackStrategy};
pub use target::{TargetCommand, TargetInitArgs, TargetRemoveArgs, TargetShowArgs};
pub use versions::{CopyArgs, DiffArgs, ExportArgs, ExportFormat, ListArgs, TagArgs};

use crate::policy::file::ENVIRONMENTS;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const AFTER: &str = "Exit codes: 0 done, 1 usage or configuration, 2 lock, 3 schema drift, 4 policy or leak refusal, \
5 rows rejected, 6 rollback refused, 7 store or integrity, 8 guard, 9 source or target unreachable, 70 internal, \
130 interrupted.

Start here:
  terp-fixtures demo";

/// Small, safe, shareable fixtures out of a real database: captured, masked, encrypted, restored, and taken out again
/// exactly.
#[derive(Debug, Parser)]
#[command(name = "terp-fixtures", version, after_help = AFTER, max_term_width = 110, propagate_version = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub struct Global {
    /// Configuration file; without it terp-fixtures.toml is looked for here and in the folders above.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// The store: a folder, or s3://bucket/prefix.
    #[arg(long, global = true, value_name = "URL", env = "TERP_FIXTURES_STORE", help_heading = "Global options")]
    pub store: Option<String>,
    /// Machine output on stdout.
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// How progress and logs look on stderr.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, help_heading = "Global options")]
    pub log_format: LogFormat,
    /// Also write the log, as JSON lines, to this file; a new file every day.
    #[arg(long, global = true, value_name = "PATH", help_heading = "Global options")]
    pub log_file: Option<PathBuf>,
    /// Say more.
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub verbose: bool,
    /// Say only what went wrong.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    pub quiet: bool,
    /// No progress bars.
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_progress: bool,
    /// Colours on stderr.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, help_heading = "Global options")]
    pub color: Color,
    /// Worker threads; without it one per core.
    #[arg(short = 'j', long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Global options")]
    pub jobs: Option<u16>,
}

/// How the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Walk through everything on a sample database, with no server and no set-up.
    #[command(after_help = "Examples:\n  terp-fixtures demo\n  terp-fixtures demo --keep ./demo-files")]
    Demo(DemoArgs),
    /// Begin a project: a store, keys, a proposed policy for a database, and the configuration that names them.
    #[command(after_help = "Examples:
  terp-fixtures init --source sqlite:erp.sqlite
  terp-fixtures init --source mysql://reader@db.internal/erp --project erp --no-values
  SOURCE_DATABASE_URL=postgres://localhost/erp terp-fixtures init --store ./fixtures")]
    Init(InitArgs),
    /// Make a store and its keys; who is a member of it, and what each may do.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Capture a masked, encrypted snapshot of a database.
    #[command(after_help = "Examples:
  terp-fixtures capture --policy=pii.toml --source sqlite:erp.sqlite
  SOURCE_DATABASE_URL=sqlite:erp.sqlite terp-fixtures capture nightly --policy pii.toml --env staging
  terp-fixtures capture --policy pii.toml --source sqlite:erp.sqlite --dry-run
  terp-fixtures capture --policy pii.toml --source sqlite:erp.sqlite --size small --max-rows 5000
  terp-fixtures capture --policy pii.toml --source sqlite:erp.sqlite --resume")]
    Capture(CaptureArgs),
    /// Make up rows for a schema: an ordinary snapshot without a source.
    #[command(after_help = "Examples:
  terp-fixtures generate demo --schema sqlite:erp.sqlite
  terp-fixtures generate demo --schema postgres://localhost/erp --profile cannabis-erp --size medium --seed 7
  terp-fixtures generate demo --schema mysql://localhost/erp --rows orders=500 --rows clients=40
  terp-fixtures generate demo --like nightly --scenario edge
  terp-fixtures generate demo --schema sqlite:erp.sqlite --dry-run")]
    Generate(GenerateArgs),
    /// Make a snapshot of files that were written by hand, with the same checks.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Say which tables of a database have rows, how many, and from which run; and why the others have none.
    #[command(after_help = "Examples:
  terp-fixtures coverage --target sqlite:dev.sqlite
  terp-fixtures coverage --target postgres://localhost/dev --empty
  terp-fixtures coverage --target sqlite:dev.sqlite --json | jq '.percent'")]
    Coverage(CoverageArgs),
    /// Put a snapshot's rows into a dev or staging database, beside its own.
    #[command(after_help = "Examples:
  terp-fixtures restore demo-2025-12 --target sqlite:dev.sqlite
  terp-fixtures restore demo-2025-12 --target sqlite:dev.sqlite --dry-run
  terp-fixtures restore nightly --target sqlite:dev.sqlite --on-conflict overwrite --yes
  terp-fixtures restore nightly --target sqlite:dev.sqlite --on-error skip --quarantine left-out.csv
  terp-fixtures restore nightly --target sqlite:dev.sqlite --marker ledger
  terp-fixtures restore postgres-nightly --target sqlite:test.sqlite --allow-lossy")]
    Restore(RestoreArgs),
    /// Take a restore out again, exactly.
    #[command(after_help = "Examples:
  terp-fixtures rollback --target sqlite:dev.sqlite
  terp-fixtures rollback demo-2025-12 --target sqlite:dev.sqlite --yes
  terp-fixtures rollback --target sqlite:dev.sqlite --dry-run
  terp-fixtures rollback --all --target postgres://localhost/staging --env staging --yes
  terp-fixtures rollback --target sqlite:dev.sqlite --table orders --table order_lines --yes
  terp-fixtures rollback --target sqlite:dev.sqlite --strategy none --yes")]
    Rollback(RollbackArgs),
    /// Put a database that 'exec' or 'pool serve' handed out into the state of its snapshot, while others stay connected to it.
    #[command(after_help = "Examples:
  terp-fixtures reset \"$DATABASE_URL\"
  terp-fixtures reset postgres://localhost/terp_w_0123456789ab_1 --server postgres://admin@localhost --verify
  terp-fixtures reset mysql://localhost/terp_w_0123456789ab_1 --exact-ids --json")]
    Reset(ResetArgs),
    /// Run a command with a pristine database of its own, or one for each of its workers; they are gone when it ends.
    #[command(after_help = "Examples:
  terp-fixtures exec demo-2025-12 -- pytest
  terp-fixtures exec demo-2025-12 -n 4 --verify -- npx vitest run
  terp-fixtures exec nightly --server postgres://localhost --env TEST_DB --env DB_HOST={host} -- cargo test
  terp-fixtures exec nightly --keep-on-failure -- go test ./...

Exit codes: those of the command, 128 and its number where a signal ended it, 127 where it was not found, 126 where it cannot be
executed; and the usual ones where it was not run, or where --verify found a difference afterwards.")]
    Exec(ExecArgs),
    /// Databases for test suites, handed out by a program that keeps them ready.
    #[command(subcommand)]
    Pool(PoolCommand),
    /// List the snapshots of the store, the oldest first.
    #[command(after_help = "Examples:
  terp-fixtures list
  terp-fixtures list --name 'nightly*' --env dev --limit 10
  terp-fixtures list --tag release --since 2025-12-01
  terp-fixtures list --json | jq '.[].name'")]
    List(ListArgs),
    /// Show what is in a snapshot: tables, rows, bytes, masks, checks; or draw its tables and references.
    #[command(after_help = "Examples:
  terp-fixtures show demo-2025-12
  terp-fixtures show demo-2025-12 --json
  terp-fixtures show demo-2025-12 --schema
  terp-fixtures show demo-2025-12 --schema orders
  terp-fixtures show demo-2025-12 --graph svg > demo.svg
  terp-fixtures show demo-2025-12 --graph mermaid --all")]
    Show(ShowArgs),
    /// Say what differs between two snapshots: rows added, removed and changed, the schema, and how they were masked.
    #[command(after_help = "Examples:
  terp-fixtures diff nightly@3f9a1c nightly
  terp-fixtures diff before after --table orders --rows 20
  terp-fixtures diff before after --json --exit-code")]
    Diff(DiffArgs),
    /// Give tags to a snapshot, or take them away. Without a tag: show them.
    #[command(after_help = "Examples:
  terp-fixtures tag nightly release-12 keep
  terp-fixtures tag nightly@3f9a1c --remove keep
  terp-fixtures tag nightly")]
    Tag(TagArgs),
    /// Write the masked rows of a snapshot as plain files, for other tools.
    #[command(after_help = "Examples:
  terp-fixtures export demo-2025-12 ./rows
  terp-fixtures export demo-2025-12 ./rows --format sql
  terp-fixtures export nightly ./rows --table orders --table order_lines --force")]
    Export(ExportArgs),
    /// Copy snapshots into another store, encrypted anew to its members.
    #[command(after_help = "Examples:
  terp-fixtures copy nightly --to /srv/archive
  terp-fixtures copy nightly release-12 --to ../shared --to-identity ~/.config/shared.key")]
    Copy(CopyArgs),
    /// Verify the store: packs without any key, manifests with your identity, every row with --read-data.
    #[command(after_help = "Examples:
  terp-fixtures verify
  terp-fixtures verify --scrub
  terp-fixtures verify demo-2025-12 --read-data")]
    Verify(VerifyArgs),
    /// Say why a row is in a snapshot: the references from it back to the root that it came from.
    #[command(after_help = "Examples:
  terp-fixtures why demo-2025-12 orders 17
  terp-fixtures why nightly order_lines 17 3
  terp-fixtures why nightly orders --row 5 --json")]
    Why(WhyArgs),
    /// List the masks that a policy can name, or tell all about one of them.
    #[command(after_help = "Examples:
  terp-fixtures masks
  terp-fixtures masks email
  terp-fixtures masks phone --json")]
    Masks(MasksArgs),
    /// Propose what to do with every column of a database, from names, types and some values, as a policy to read and answer.
    #[command(after_help = "Examples:
  terp-fixtures detect --source sqlite:erp.sqlite --output pii.toml
  terp-fixtures detect --source postgres://reader@db.internal/erp --no-values > pii.toml
  terp-fixtures detect --source sqlite:erp.sqlite --policy pii.toml --json
  terp-fixtures detect --columns columns.csv
  terp-fixtures detect --score labels.csv more.csv --json")]
    Detect(detect::DetectArgs),
    /// Propose references that a database does not declare, from names, types and some values, as lines for the policy.
    #[command(after_help = "Examples:
  terp-fixtures refs --source sqlite:erp.sqlite
  terp-fixtures refs --source mysql://reader@db.internal/erp --policy pii.toml
  terp-fixtures refs --source sqlite:erp.sqlite --min-confidence 0.3 --json")]
    Refs(RefsArgs),
    /// A policy as a document that people review: what changed in it, what is locked, and who approved it.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// List the runs that are in a target now.
    #[command(after_help = "Examples:\n  terp-fixtures runs --target sqlite:dev.sqlite")]
    Runs(RunsArgs),
    /// What a database is: declare it, look at it, forget it. Restores and rollbacks go by it.
    #[command(subcommand)]
    Target(TargetCommand),
    /// Who holds the lock of a target, and how to end a stuck holder.
    #[command(subcommand)]
    Lock(LockCommand),
    /// Remove snapshots that have expired, and what no rule keeps, and mark the packs that only they needed.
    #[command(after_help = "Examples:
  terp-fixtures prune --dry-run
  terp-fixtures prune --yes
  terp-fixtures prune --keep-last 5 --keep-within 30d")]
    Prune(PruneArgs),
    /// Remove one snapshot, and mark the packs that only it needed.
    #[command(
        after_help = "Examples:\n  terp-fixtures rm demo-2025-12 --dry-run\n  terp-fixtures rm nightly@3f9a1c --yes"
    )]
    Rm(RmArgs),
    /// Write into terp.lock which snapshot a name means, so that everybody gets exactly that one.
    #[command(after_help = "Examples:
  terp-fixtures pin nightly
  terp-fixtures pin nightly@3f9a1c
  terp-fixtures pin --remove nightly")]
    Pin(PinArgs),
    /// Try out what the store can do, be it a folder or a bucket, and say what that means; show the databases that 'exec' and 'pool'
    /// made, and take away what killed programs left of them.
    #[command(after_help = "Examples:
  terp-fixtures doctor
  terp-fixtures doctor --store s3://fixtures/erp?endpoint=https://s3.example.org
  terp-fixtures doctor --for restore --json
  terp-fixtures doctor --server postgres://localhost
  terp-fixtures doctor --clean
  terp-fixtures doctor --clean --all --server mysql://localhost")]
    Doctor(DoctorArgs),
    /// Mark packs that no snapshot needs, and delete those that were marked a day ago and still are not needed.
    #[command(after_help = "Examples:
  terp-fixtures gc --dry-run
  terp-fixtures gc --yes
  terp-fixtures gc --grace 3d --yes
  terp-fixtures gc --no-grace --yes")]
    Gc(GcArgs),
    /// Who did what, when and where; and whether anything of that was tampered with.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print a completion script for a shell.
    #[command(after_help = "Examples:\n  terp-fixtures completions bash > /etc/bash_completion.d/terp-fixtures")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder.
    #[command(after_help = "Examples:\n  terp-fixtures man ./man && man ./man/terp-fixtures.1")]
    Man {
        /// The folder; made if it is missing.
        dir: PathBuf,
    },
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Keep the databases, the store and the keys in this new folder.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The database to propose a policy for: its catalogue, and at most two thousand rows of a table. No value leaves the process.
    #[arg(long, value_name = "URL", env = "SOURCE_DATABASE_URL", hide_env_values = true)]
    pub source: Option<String>,
    /// Look at names and types only.
    #[arg(long)]
    pub no_values: bool,
    /// Where to write the policy; nothing may be there yet.
    #[arg(long, value_name = "FILE", default_value = "pii.toml")]
    pub policy: PathBuf,
    /// The project's name, part of every masking key; without it the name of the current folder.
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Where your identity is; it is made there when it is missing.
    #[arg(long, value_name = "FILE", env = "TERP_FIXTURES_IDENTITY_FILE")]
    pub identity_file: Option<PathBuf>,
    /// Where the masking key is; it is made there when it is missing.
    #[arg(long, value_name = "FILE", env = "TERP_FIXTURES_MASK_KEY_FILE")]
    pub mask_key_file: Option<PathBuf>,
}

/// `capture`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct CaptureArgs {
    /// The snapshot's name; without it the database's name and the date.
    pub name: Option<String>,
    /// The masking policy; looked for here and in policies/.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The database to read.
    #[arg(long, value_name = "URL", env = "SOURCE_DATABASE_URL", hide_env_values = true)]
    pub source: Option<String>,
    /// Whose masking rules apply.
    #[arg(long, value_name = "ENV", env = "TERP_FIXTURES_ENV", value_parser = ["dev", "staging", "production"])]
    pub env: Option<String>,
    /// The snapshot cannot be restored after this many days; without it as `[retention]` of the configuration says.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub expires_in: Option<u32>,
    /// Give the snapshot this tag; may be given several times.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// About how many rows to take: 1,000, 10,000 or 100,000 with every kind of row among them; full: all that the policy says.
    #[arg(long, value_enum)]
    pub size: Option<CaptureSize>,
    /// Refuse to take more rows than this, before anything is stored.
    #[arg(long, value_name = "N")]
    pub max_rows: Option<u64>,
    /// Refuse to take more bytes of cells than this (5000000, 500K, 20M, 1G), before anything is stored.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_bytes: Option<u64>,
    /// Say what would be captured: rows and bytes of every table, what each reference brings, and the time; write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Write into terp.lock that the name means this snapshot from now on.
    #[arg(long, conflicts_with = "dry_run")]
    pub pin: bool,
    /// Continue the interrupted capture of this source, as a capture does by itself where everything fits; say so where there is none.
    #[arg(long)]
    pub resume: bool,
    /// Begin anew, and forget the interrupted capture of this source.
    #[arg(long, conflicts_with = "resume")]
    pub no_resume: bool,
    /// Refuse unless enough approvers signed exactly this policy and its lock, and the lock is that of the database.
    #[arg(long)]
    pub require_approval: bool,
    /// Who may approve: a file of allowed signers, as ssh-keygen reads it.
    #[arg(long, value_name = "FILE")]
    pub approvers: Option<PathBuf>,
}

/// How much to capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CaptureSize {
    /// About 1,000 rows.
    Small,
    /// About 10,000 rows.
    Medium,
    /// About 100,000 rows.
    Large,
    /// All that the policy says.
    Full,
}

/// `500`, `500K`, `20M`, `1G`: powers of 1,000.
fn bytes(text: &str) -> Result<u64, String> {
    let upper = text.to_ascii_uppercase();
    let digits = upper.trim_end_matches('B').trim_end_matches(['K', 'M', 'G']);
    let factor = match upper.trim_end_matches('B').chars().last() {
        Some('K') => 1_000,
        Some('M') => 1_000_000,
        Some('G') => 1_000_000_000,
        _ => 1,
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "write a number such as 5000000, 500K, 20M or 1G".to_owned())
}

/// What to do about rows in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnConflict {
    /// Change nothing.
    Fail,
    /// Keep the target's rows.
    Skip,
    /// Replace them; the rollback puts them back.
    Overwrite,
}

/// What to do about rows that break a rule of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// Change nothing, and name the first of them.
    Abort,
    /// Leave them out, report each, and end with code 5.
    Skip,
}

/// How rows are marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Marker {
    /// In two columns of each table.
    Columns,
    /// In a ledger of keys; the application's tables keep their shape.
    Ledger,
}

impl From<Marker> for crate::run::marking::Marker {
    fn from(marker: Marker) -> Self {
        match marker {
            Marker::Columns => Self::Columns,
            Marker::Ledger => Self::Ledger,
        }
    }
}

/// `restore`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub struct RestoreArgs {
    /// A name (the newest of it), name@id, or the first digits of an id.
    pub snapshot: String,
    /// The database to write to.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub target: Option<String>,
    /// What the target is. It must be what the target declares, if it declares anything.
    #[arg(long, value_name = "ENV", value_parser = ENVIRONMENTS)]
    pub env: Option<String>,
    /// Only this table; may be given several times.
    #[arg(long, value_name = "TABLE")]
    pub table: Vec<String>,
    /// Create tables that are missing (an empty or new SQLite file never needs it).
    #[arg(long)]
    pub create: bool,
    /// What to do when the target has another row under a fixture row's key.
    #[arg(long, value_enum, default_value_t = OnConflict::Fail)]
    pub on_conflict: OnConflict,
    /// What to do about rows that break a rule of the target: NOT NULL, a type, a length, UNIQUE, CHECK, a foreign key.
    #[arg(long, value_enum, default_value_t = OnError::Abort)]
    pub on_error: OnError,
    /// With --on-error skip: write the table, ordinal, kind and constraint of every row that is left out to this file, as CSV.
    #[arg(long, value_name = "FILE")]
    pub quarantine: Option<PathBuf>,
    /// How the rows are told from others: two columns in every table that gets rows (invisible on MySQL and MariaDB), or a
    /// ledger of their keys beside the tables. Without it as configured for the environment, else columns.
    #[arg(long, value_enum)]
    pub marker: Option<Marker>,
    /// MySQL and MariaDB cannot keep triggers silent: drop those of the tables that get rows, and make them again at the end.
    #[arg(long)]
    pub suspend_triggers: bool,
    /// Keep earlier runs beside this one, instead of replacing them.
    #[arg(long)]
    pub keep_others: bool,
    /// Into another engine: restore also what that one can hold only in part (the losses are listed).
    #[arg(long)]
    pub allow_lossy: bool,
    /// Into an empty database: load aside, through several connections, also where the snapshot has fewer than 10,000 rows.
    #[arg(long, conflicts_with = "no_parallel")]
    pub parallel: bool,
    /// Into an empty database: load with one transaction, however many rows there are.
    #[arg(long)]
    pub no_parallel: bool,
    /// Do everything, report it, then undo it.
    #[arg(long)]
    pub dry_run: bool,
    /// Seconds to wait for the target's lock.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub lock_timeout: u64,
    /// Refuse a snapshot unless enough approvers signed the policy that it was captured under, and their approvals still hold.
    #[arg(long)]
    pub require_approval: bool,
    /// Who may approve: a file of allowed signers, as ssh-keygen reads it.
    #[arg(long, value_name = "FILE")]
    pub approvers: Option<PathBuf>,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
    /// The name of the database, where it would have to be typed: for production. Another name is refused.
    #[arg(long, value_name = "DATABASE")]
    pub confirm: Option<String>,
}

/// How a graph is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// A picture for browsers.
    Svg,
    /// The language of Graphviz.
    Dot,
    /// A flowchart for Markdown.
    Mermaid,
}

/// `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A name (the newest of it), name@id, the first digits of an id, or a tag.
    pub snapshot: String,
    /// Draw tables and references on stdout, with their rows.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub graph: Option<GraphFormat>,
    /// Draw tables without rows too, and references that no row uses.
    #[arg(long, requires = "graph")]
    pub all: bool,
    /// Show columns, types, keys and references instead: of one table, or of all.
    #[arg(long, value_name = "TABLE", num_args = 0..=1, default_missing_value = "", conflicts_with = "graph")]
    pub schema: Option<String>,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Only this snapshot.
    pub snapshot: Option<String>,
    /// Compare packs with their names only; needs no identity.
    #[arg(long, conflicts_with_all = ["snapshot", "read_data"])]
    pub scrub: bool,
    /// Open, decompress, re-hash and decode every row.
    #[arg(long)]
    pub read_data: bool,
    /// Read every row and look for what no mask could have written: live mail addresses, cards, social security numbers (exit
    /// code 4). Needs no original.
    #[arg(long, conflicts_with = "scrub")]
    pub leaks: bool,
}

/// `why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// A name (the newest of it), name@id, or the first digits of an id.
    pub snapshot: String,
    /// The row's table.
    pub table: String,
    /// The row's primary key as it stands in the snapshot, a value for each column of the key.
    #[arg(required_unless_present = "row", allow_negative_numbers = true)]
    pub key: Vec<String>,
    /// The row's number in the snapshot, from 1, instead of its key.
    #[arg(long, value_name = "N", conflicts_with = "key")]
    pub row: Option<u64>,
}

/// `masks`.
#[derive(Debug, Args)]
pub struct MasksArgs {
    /// Only this mask, with its parameters and examples.
    pub name: Option<String>,
}

/// `refs`.
#[derive(Debug, Args)]
pub struct RefsArgs {
    /// The database to read: its catalogue, and at most two thousand rows of a table.
    #[arg(long, value_name = "URL", env = "SOURCE_DATABASE_URL", hide_env_values = true)]
    pub source: Option<String>,
    /// Leave out what this policy has already; looked for here and in policies/.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Leave out what is less sure, from 0 to 1.
    #[arg(long, value_name = "SHARE", default_value = "0.5", value_parser = percent)]
    pub min_confidence: u32,
}

/// `0.5` as 50 of 100.
fn percent(text: &str) -> Result<u32, String> {
    let share: f64 = text.parse().map_err(|_| "write a number from 0 to 1".to_owned())?;
    if !(0.0..=1.0).contains(&share) {
        return Err("write a number from 0 to 1".to_owned());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
    Ok((share * 100.0).round() as u32)
}

/// `runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// The database.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub target: Option<String>,
}

/// `lock`.
#[derive(Debug, Subcommand)]
pub enum LockCommand {
    /// Say who holds the lock of a target: what, on which host, which process, since when; or that it is free.
    #[command(after_help = "Examples:
  terp-fixtures lock status --target postgres://localhost/dev
  terp-fixtures lock status --target sqlite:dev.sqlite --json")]
    Status(LockStatusArgs),
    /// End a stuck run that holds the lock of a target. What it had not committed is undone.
    #[command(after_help = "Examples:
  terp-fixtures lock release --target postgres://localhost/dev
  terp-fixtures lock release --target postgres://localhost/dev --yes")]
    Release(LockReleaseArgs),
}

/// `lock status`.
#[derive(Debug, Args)]
pub struct LockStatusArgs {
    /// The database.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub target: Option<String>,
}

/// `lock release`.
#[derive(Debug, Args)]
pub struct LockReleaseArgs {
    /// The database.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub target: Option<String>,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
}
