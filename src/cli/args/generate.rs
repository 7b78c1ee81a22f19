//! Arguments of `generate`, `import csv` and `coverage`.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `generate`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("shape").required(true).args(["schema", "like"]))]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct GenerateArgs {
    /// The snapshot's name.
    pub name: String,
    /// The database whose schema the rows are for. Nothing is written there, and no row of it is read.
    #[arg(long, value_name = "URL")]
    pub schema: Option<String>,
    /// The snapshot whose schema the rows are for, and which has about as many.
    #[arg(long, value_name = "SNAPSHOT")]
    pub like: Option<String>,
    /// What the rows should look like: a file, looked for here and in policies/profiles/, or the name of a profile that is built in.
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// About how many rows, where the profile does not say: 1,000, 10,000 or 100,000.
    #[arg(long, value_enum, default_value_t = GenerateSize::Small)]
    pub size: GenerateSize,
    /// Exactly so many rows of a table, whatever the profile says; may be given several times.
    #[arg(long, value_name = "TABLE=N", value_parser = rows)]
    pub rows: Vec<(String, u64)>,
    /// What kind of world: light, full, edge (extremes of every type) or chaos (skewed, late, cancelled), or one of the profile's own.
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,
    /// Another seed, another world; the same seed, the same rows.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Only tables that are empty in the database of --schema; their rows reference those that are there.
    #[arg(long, requires = "schema")]
    pub only_empty: bool,
    /// Follow references that the database or the profile declares, and none that only names tell of.
    #[arg(long)]
    pub no_infer: bool,
    /// Say what would be made: rows of every table and why, what is missing; with -v also what each column gets. Write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Load the rows into a new database on this server first (for SQLite: in this folder), with every constraint and trigger at
    /// work, and drop it; publish only what was taken.
    #[arg(long, value_name = "URL", conflicts_with = "dry_run")]
    pub prove: Option<String>,
    /// The snapshot cannot be restored after this many days; without it as `[retention]` of the configuration says.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub expires_in: Option<u32>,
    /// Give the snapshot this tag; may be given several times.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Write into terp.lock that the name means this snapshot from now on.
    #[arg(long, conflicts_with = "dry_run")]
    pub pin: bool,
}

/// How much to make up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GenerateSize {
    /// About 1,000 rows.
    Small,
    /// About 10,000 rows.
    Medium,
    /// About 100,000 rows.
    Large,
}

/// `import`.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Make a snapshot of CSV files, one for each table, named like it; the first line names the columns.
    #[command(after_help = "Examples:
  terp-fixtures import csv ./rows lookup --schema sqlite:erp.sqlite
  terp-fixtures import csv ./rows lookup --schema postgres://localhost/erp --policy pii.toml --env production
  terp-fixtures import csv ./rows demo --schema sqlite:erp.sqlite --null NULL --dry-run")]
    Csv(ImportCsvArgs),
}

/// `import csv`.
#[derive(Debug, Args)]
pub struct ImportCsvArgs {
    /// The folder with the files: clients.csv, sales.orders.csv.
    pub dir: PathBuf,
    /// The snapshot's name.
    pub name: String,
    /// The database whose schema the rows are for. Nothing is written there, and no row of it is read.
    #[arg(long, value_name = "URL")]
    pub schema: String,
    /// The policy that says which tables are lookup tables (mode = "reference"); looked for here and in policies/.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Whose rules of the policy apply.
    #[arg(long, value_name = "ENV", value_parser = ["dev", "staging", "production"])]
    pub env: Option<String>,
    /// What stands for NULL, without quotes; without it nothing at all does.
    #[arg(long, value_name = "TEXT")]
    pub null: Option<String>,
    /// Take values that look like real people's, and write the reason into the manifest.
    #[arg(long, value_name = "REASON")]
    pub accept_personal: Option<String>,
    /// Check everything; write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// The snapshot cannot be restored after this many days; without it as `[retention]` of the configuration says.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub expires_in: Option<u32>,
    /// Give the snapshot this tag; may be given several times.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Write into terp.lock that the name means this snapshot from now on.
    #[arg(long, conflicts_with = "dry_run")]
    pub pin: bool,
}

/// `coverage`.
#[derive(Debug, Args)]
pub struct CoverageArgs {
    /// The database.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub target: Option<String>,
    /// Only tables without rows.
    #[arg(long)]
    pub empty: bool,
}

/// `orders=500`, `sales.orders=500`.
fn rows(text: &str) -> Result<(String, u64), String> {
    let (table, number) = text.rsplit_once('=').ok_or_else(|| "write TABLE=N, for example orders=500".to_owned())?;
    let number = number.parse().map_err(|_| "write a whole number behind '=', for example orders=500".to_owned())?;
    Ok((table.to_owned(), number))
}
