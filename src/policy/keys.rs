//! The keys of a policy file, with a sentence for each: what the reader takes and what the JSON Schema says.

use super::answers::ASKED;

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// One sentence for people.
    pub about: &'static str,
}

const fn key(name: &'static str, about: &'static str) -> Key {
    Key { name, about }
}

/// The whole file.
pub const FILE: [Key; 9] = [
    key("version", "The version of the format: 1."),
    key("project", "Whose masking keys these are."),
    key("review", "What people say that no program can know, for the review."),
    key("check", "What 'policy check' is to accept."),
    key("engines", "What is said for databases of one engine only; it replaces what is said for all."),
    DEFAULTS_KEY,
    SUBSET_KEY,
    TABLES_KEY,
    ENVIRONMENTS_KEY,
];

/// A section for one engine.
pub const SECTION: [Key; 4] = [DEFAULTS_KEY, SUBSET_KEY, TABLES_KEY, ENVIRONMENTS_KEY];

const DEFAULTS_KEY: Key =
    key("defaults", "Decisions for columns of these names in every table that says nothing else.");
const SUBSET_KEY: Key = key("subset", "Which rows are taken; without roots, all of them.");
const TABLES_KEY: Key = key("tables", "Decisions by table.");
const ENVIRONMENTS_KEY: Key = key("environments", "Decisions for one environment, which replace those above.");

/// `[project]`.
pub const PROJECT: [Key; 2] = [
    key("name", "Part of every masking key: two projects with one master key get unrelated fakes. Default: default."),
    key("generation", "Part of every masking key; raise it to get new fakes. Default: 1."),
];

/// `[review]`.
pub const REVIEW: [Key; ASKED.len()] = {
    let mut keys = [key("", ""); ASKED.len()];
    let mut at = 0;
    while at < keys.len() {
        keys[at] = key(ASKED[at].key, ASKED[at].question);
        at += 1;
    }
    keys
};

/// `[defaults]`.
pub const DEFAULTS: [Key; 2] = [
    key("keep", "Columns that are kept in every table whose rows are taken and that has such a column."),
    key("columns", "What happens to columns of these names in every table whose rows are taken."),
];

/// An environment.
pub const ENVIRONMENT: [Key; 2] = [
    key("mode", "What becomes of tables with mode = \"capture\" there, unless it says so itself of the table."),
    key("tables", "Decisions by table."),
];

/// A table.
pub const TABLE: [Key; 5] = [
    key(
        "mode",
        "What is taken: capture (rows, every column decided), reference (a lookup table: rows, kept unless masked), structure (no rows) or exclude (nothing).",
    ),
    key("keep", "Columns that are copied as they are."),
    REASON_KEY,
    EXPIRES_KEY,
    key("columns", "What happens to each column."),
];

/// A column's rule, besides the parameters of its mask.
pub const RULE: [Key; 7] = [
    key("mask", "The mask."),
    key(
        "domain",
        "Whose fakes they share: equal originals in one domain get equal fakes, in different domains unrelated ones.",
    ),
    key(
        "subject",
        "A column of the same row that keys the mask instead of the value, or the way to it along references: order_id.client_id.",
    ),
    key("when", "A condition in SQL; the mask applies where it holds or is unknown."),
    key("otherwise", "The rule where the condition does not hold; without it such cells are kept."),
    REASON_KEY,
    EXPIRES_KEY,
];

const REASON_KEY: Key = key("reason", "Why, for the reviewer.");
const EXPIRES_KEY: Key = key("expires", "The day on which the decision has to be made again, YYYY-MM-DD.");

/// `[check]`.
pub const CHECK: [Key; 1] = [key("allow", "Warnings that are accepted, each with a reason.")];

/// An entry of `[[check.allow]]`.
pub const ALLOWANCE: [Key; 5] = [
    key("rule", "The rule whose warning is accepted; 'terp-fixtures policy check --rules' lists them."),
    key("table", "Only in this table."),
    key("column", "Only about this column of it."),
    REASON_KEY,
    EXPIRES_KEY,
];

/// `[subset]`.
pub const SUBSET: [Key; 7] = [
    key("roots", "Where the subset begins."),
    key("children", "Whose children are followed: none, down (those of roots and their children) or all."),
    key("depth", "How many references to children may follow one another."),
    key("whole", "Tables that are taken whole."),
    key("never", "Tables whose rows are never taken."),
    key("edges", "How single references are followed to the children."),
    key("references", "References that the database does not declare. 'terp-fixtures refs' proposes them."),
];

/// A root of a subset.
pub const ROOT: [Key; 5] = [
    key("table", "The table."),
    WHERE_KEY,
    key("limit", "At most this many rows."),
    key("percent", "The share of the rows."),
    key("order", "Which come first where the limit leaves some out: created_at desc, id."),
];

const WHERE_KEY: Key = key("where", "A condition in SQL that the rows fulfil.");

/// How a reference is followed.
pub const EDGE: [Key; 7] = [
    key("table", "The referencing table."),
    key("columns", "Its columns."),
    key("parent", "The referenced table, where several references share the columns."),
    key("follow", "Whether it is followed to the children at all. Default: true."),
    key("limit", "At most this many children of each parent row."),
    WHERE_KEY,
    key("order", "Which come first where the limit leaves some out: created_at desc, id."),
];

/// A reference that the database does not declare.
pub const REFERENCE: [Key; 4] = [
    key("table", "The referencing table."),
    key("columns", "Its columns."),
    key("parent", "The referenced table."),
    key("parent_columns", "The referenced columns, where they are not the parent's primary key."),
];

/// A polymorphic reference.
pub const POLYMORPHIC: [Key; 4] = [
    key("table", "The referencing table."),
    key("type_column", "The column that says which table the id belongs to."),
    key("id_column", "The column with the id."),
    key("map", "The table for each value of the type column, or { table, columns } where it is not the primary key."),
];

/// What a value of a type column leads to, where it is not the primary key of a table.
pub const MAPPED: [Key; 2] = [key("table", "The referenced table."), key("columns", "The referenced columns.")];

/// The names of keys.
pub fn names<const N: usize>(keys: &[Key; N]) -> [&'static str; N] {
    keys.map(|key| key.name)
}
