//! Names of everything this tool puts into a target: marker columns and its own tables.

/// Marker column: the run that a fixture row belongs to. NULL on the database's own rows.
pub const RUN_COLUMN: &str = "terp_fixture_run";
/// Marker column: when the row was restored, UTC, RFC 3339.
pub const AT_COLUMN: &str = "terp_fixture_at";
/// The run ledger: one row per run that is in the database now.
pub const RUNS_TABLE: &str = "terp_fixtures_runs";
/// The undo table: which table's previous rows lie in which `terp_fixtures_undo_<n>`.
pub const UNDO_TABLE: &str = "terp_fixtures_undo";
/// How the tables begin that list the keys of a run's rows, where the application's tables get no marker columns.
pub const ROWS_TABLE: &str = "terp_fixtures_rows";
/// The audit chain: one line per restore and rollback.
pub const AUDIT_TABLE: &str = "terp_fixtures_audit";
/// Rows on their way into a table that holds others; gone when the restore ends.
pub const STAGE_TABLE: &str = "terp_fixtures_stage";
/// In a stage of rows that may be left out: the ordinal of the row in the snapshot's stream.
pub const ORDINAL_COLUMN: &str = "terp_fixtures_ordinal";
/// ... and what became of it.
pub const FATE_COLUMN: &str = "terp_fixtures_fate";
/// Keys of some staged rows, for a statement that cannot ask the stage twice.
pub const KEYS_TABLE: &str = "terp_fixtures_stage_keys";
/// Rows of a run that the target does not take, by ordinal and broken rule.
pub const QUARANTINE_TABLE: &str = "terp_fixtures_quarantine";
/// What the database is: its declaration. The user's, so that no restore or rollback touches it.
pub const TARGET_TABLE: &str = "terp_fixtures_target";
/// Who holds the lock, on engines whose locks do not say.
pub const LOCK_TABLE: &str = "terp_fixtures_lock";
/// Changes of shape on their way, on engines that cannot take them back: what undoes each, and what is still to come.
pub const JOURNAL_TABLE: &str = "terp_fixtures_journal";
/// Inside a staging place: what it is for, and which rows are in.
pub const PROGRESS_TABLE: &str = "terp_fixtures_progress";
/// How the schemas of PostgreSQL that are staging places begin.
pub const PLACE_SCHEMA: &str = "terp_fixtures_load_";

/// Tables of this tool of which there is one.
const TABLES: [&str; 10] = [
    RUNS_TABLE,
    TARGET_TABLE,
    UNDO_TABLE,
    AUDIT_TABLE,
    STAGE_TABLE,
    KEYS_TABLE,
    QUARANTINE_TABLE,
    LOCK_TABLE,
    JOURNAL_TABLE,
    PROGRESS_TABLE,
];

/// Whether a table is this tool's own, and so is never captured, compared or counted.
#[must_use]
pub fn is_own_table(name: &str) -> bool {
    let numbered = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') && !rest.is_empty();
    let is_one_of =
        |family: &str| name.strip_prefix(family).and_then(|rest| rest.strip_prefix('_')).is_some_and(numbered);
    TABLES.contains(&name) || is_one_of(UNDO_TABLE) || is_one_of(ROWS_TABLE) || is_one_of(STAGE_TABLE)
}

/// Whether a column is a marker, and so is never captured, compared or counted.
#[must_use]
pub fn is_marker(name: &str) -> bool {
    name == RUN_COLUMN || name == AT_COLUMN
}
