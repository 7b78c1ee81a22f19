//! The keys of a profile, with a sentence for each and the shape of what stands behind them: what the reader takes, what the
//! JSON Schema says and what `docs/profiles.md` describes.

use super::tree::{Data, Node};
use std::fmt;

/// A key.
#[derive(Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// One sentence for people.
    pub about: &'static str,
    /// What stands behind it.
    pub shape: &'static Shape,
    /// Whether it must be there.
    pub needed: bool,
}

/// What can stand behind a key.
#[derive(Debug)]
pub enum Shape {
    /// Any text.
    Text,
    /// A whole number from 0.
    Whole,
    /// Any number.
    Number,
    /// A number from 0 to 1.
    Share,
    /// A number of 0 or more.
    Weight,
    /// True or false.
    Flag,
    /// A text, number, truth value or date.
    Scalar,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of such things.
    List(&'static Shape),
    /// A table whose keys are names or values.
    Map(&'static Shape),
    /// A table with these keys and no others.
    Keys(&'static [Key]),
    /// One of these, told apart by their types.
    Either(&'static [&'static Shape]),
}

impl Shape {
    /// Whether a node is of the shape's own type, whatever is inside of it.
    pub(super) fn takes(&self, node: &Node) -> bool {
        match self {
            Self::Text => node.text().is_some(),
            Self::Whole => node.whole().is_some(),
            Self::Number => node.number().is_some_and(f64::is_finite),
            Self::Share => node.number().is_some_and(|share| (0.0..=1.0).contains(&share)),
            Self::Weight => node.number().is_some_and(|weight| (0.0..1e15).contains(&weight)),
            Self::Flag => node.flag().is_some(),
            Self::Scalar => node.scalar().is_some() && !node.number().is_some_and(f64::is_nan),
            Self::Word(words) => node.text().is_some_and(|text| words.contains(&text)),
            Self::List(_) => matches!(node.data, Data::List(_)),
            Self::Map(_) | Self::Keys(_) => matches!(node.data, Data::Table(_)),
            Self::Either(shapes) => shapes.iter().any(|shape| shape.takes(node)),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a string"),
            Self::Whole => f.write_str("a whole number from 0"),
            Self::Number => f.write_str("a number"),
            Self::Share => f.write_str("a number from 0 to 1"),
            Self::Weight => f.write_str("a number of 0 or more"),
            Self::Flag => f.write_str("true or false"),
            Self::Scalar => f.write_str("a string, number, truth value or date"),
            Self::Word(words) => write!(f, "one of {}", words.join(", ")),
            Self::List(of) => write!(f, "a list ({of})"),
            Self::Map(_) | Self::Keys(_) => f.write_str("a table"),
            Self::Either(shapes) => {
                let shapes: Vec<String> = shapes.iter().map(ToString::to_string).collect();
                f.write_str(&shapes.join(", or "))
            }
        }
    }
}

const fn key(name: &'static str, shape: &'static Shape, about: &'static str) -> Key {
    Key { name, about, shape, needed: false }
}

const fn needed(name: &'static str, shape: &'static Shape, about: &'static str) -> Key {
    Key { name, about, shape, needed: true }
}

static TEXT: Shape = Shape::Text;
static WHOLE: Shape = Shape::Whole;
static NUMBER: Shape = Shape::Number;
static SHARE: Shape = Shape::Share;
static WEIGHT: Shape = Shape::Weight;
static FLAG: Shape = Shape::Flag;
static SCALAR: Shape = Shape::Scalar;
static TEXTS: Shape = Shape::List(&TEXT);
static NAMES: Shape = Shape::Either(&[&TEXT, &TEXTS]);
static WEIGHTS: Shape = Shape::Map(&WEIGHT);
static SCALARS: Shape = Shape::List(&SCALAR);
static PAIR: Shape = Shape::List(&SCALAR);

/// The whole file.
pub static FILE: Shape = Shape::Keys(&[
    needed("version", &WHOLE, "The version of the format: 1."),
    key("about", &TEXT, "What the rows are for, for people."),
    key("now", &SCALAR, "The moment at which the made-up world stands still. Default: 2025-12-31T12:00:00Z."),
    key("lists", &LISTS, "Lists of values by name, for columns and templates."),
    key("columns", &COLUMNS, "Columns of these names in every table that says nothing else of them."),
    key("tables", &TABLES, "What is said of each table."),
    key("references", &REFERENCES, "References that the database does not declare."),
    key("invariants", &INVARIANTS, "What holds between rows and columns."),
    key("variants", &VARIANTS, "What is said only for some engines or schemas."),
    key("scenarios", &SCENARIOS, "What is said only in one scenario."),
]);

/// What a variant or a scenario can say.
macro_rules! section {
    ($($own:expr),* $(,)?) => {
        Shape::Keys(&[
            $($own,)*
            key("columns", &COLUMNS, "As at the top of the file."),
            key("tables", &TABLES, "As at the top of the file."),
            key("references", &REFERENCES, "As at the top of the file."),
            key("invariants", &INVARIANTS, "As at the top of the file."),
        ])
    };
}

static VARIANTS: Shape = Shape::Map(&VARIANT);

/// A section that holds for some databases only.
pub static VARIANT: Shape = section![
    key("engine", &NAMES, "Holds on these engines only: sqlite, postgres, mysql, mariadb."),
    key("when", &NAMES, "Holds where the schema has all of these: \"table\" or \"table.column\"."),
];

static SCENARIOS: Shape = Shape::Map(&SCENARIO);

/// A scenario.
pub static SCENARIO: Shape = section![
    key(
        "like",
        &Shape::Word(&super::SCENARIOS),
        "The built-in scenario that it begins with. Default: the one of its name, else light."
    ),
    key("factor", &WEIGHT, "What every row count is multiplied by."),
];

static LISTS: Shape = Shape::Map(&Shape::Either(&[&SCALARS, &LIST_TABLE]));

/// A list with weights, or in a file.
static LIST_TABLE: Shape = Shape::Map(&Shape::Either(&[&WEIGHT, &TEXT]));

static TABLES: Shape = Shape::Map(&TABLE);

/// A table.
pub static TABLE: Shape = Shape::Keys(&[
    key("rows", &Shape::Either(&[&WHOLE, &SIZES]), "How many rows: a number, or one for each size."),
    key("per", &PER, "How many rows for each row that a reference leads to."),
    key("columns", &COLUMNS, "What the cells of each column are made of."),
    key("choose", &CHOOSE, "How rows spread over those that they reference, by referencing column."),
]);

/// Row counts by size.
pub static SIZES: Shape = Shape::Keys(&[
    key("small", &WHOLE, "At size small."),
    key("medium", &WHOLE, "At size medium; without it ten times small."),
    key("large", &WHOLE, "At size large; without it ten times medium."),
]);

/// Row counts along a reference.
pub static PER: Shape = Shape::Keys(&[
    needed("parent", &NAMES, "The referencing column or columns, or the referenced table."),
    key("min", &WEIGHT, "At least so many for each. Default: 0."),
    key("max", &WEIGHT, "At most so many for each."),
    key("mean", &WEIGHT, "So many for each on average. Default: the middle of min and max."),
]);

static COLUMNS: Shape = Shape::Map(&Shape::Either(&[&COLUMN, &SCALAR]));

/// A column.
pub static COLUMN: Shape = Shape::Keys(&[
    key("value", &SCALAR, "The same cell in every row."),
    key("values", &Shape::Either(&[&SCALARS, &WEIGHTS]), "One of these; a table gives each its weight."),
    key("list", &TEXT, "One of the list of this name under [lists]."),
    key(
        "template",
        &TEXT,
        "A text with places to fill: {n}, {n:06}, {column}, {column.column}, {list}, {first_name}, {digits:4}.",
    ),
    key("sequence", &Shape::Either(&[&WHOLE, &SEQUENCE]), "Numbers one after the other, from this one."),
    key("distribution", &Shape::Word(&super::DISTRIBUTIONS), "How numbers are distributed."),
    key("min", &NUMBER, "No number below."),
    key("max", &NUMBER, "No number above."),
    key("mean", &NUMBER, "The average of a normal distribution."),
    key("median", &NUMBER, "The middle of a log-normal distribution."),
    key("sigma", &NUMBER, "The spread of a normal or log-normal distribution."),
    key("exponent", &NUMBER, "How steep a zipf or pareto distribution is."),
    key("places", &WHOLE, "Digits behind the point."),
    key("step", &NUMBER, "Numbers are multiples of this one."),
    key("between", &PAIR, "Dates from the first to the second: a date, \"now\", or a span from now such as \"-2y\"."),
    key("after", &TEXT, "Dates after the one in this column of the row."),
    key("before", &TEXT, "Dates before the one in this column of the row."),
    key("span", &PAIR, "How far after or before, from and to: \"2h\", \"3d\", \"1w\", \"6mo\", \"1y\"."),
    key("months", &Shape::List(&WEIGHT), "Weights of the twelve months."),
    key("weekdays", &Shape::List(&WEIGHT), "Weights of the seven days of the week, Monday first."),
    key("growth", &WEIGHT, "How much more there is in each year than in the one before: 1.5."),
    key("peaks", &Shape::List(&PEAK), "Days of the year around which there is more."),
    key("null", &SHARE, "The share of rows without a value, where NULL is allowed."),
]);

/// A sequence.
pub static SEQUENCE: Shape =
    Shape::Keys(&[key("start", &NUMBER, "The first number. Default: 1."), key("step", &NUMBER, "Default: 1.")]);

/// A peak of a season.
pub static PEAK: Shape = Shape::Keys(&[
    needed("day", &TEXT, "Month and day: \"04-20\"."),
    key("days", &WHOLE, "So many days before it and after it. Default: 3."),
    key("weight", &WEIGHT, "How much more there is on these days. Default: 3."),
]);

static CHOOSE: Shape = Shape::Map(&Shape::Either(&[&Shape::Word(&["uniform", "round-robin"]), &CHOICE]));

/// How rows spread over those that they reference.
pub static CHOICE: Shape = Shape::Keys(&[
    key("zipf", &WEIGHT, "The n-th gets a share of 1/n to this power."),
    key("pareto", &PARETO, "A share of the referenced rows gets a share of the rows."),
    key("each", &Shape::List(&WHOLE), "From the first to the second number of rows for each."),
    key("tree", &TREE, "A tree: rows of the same table, each under an earlier one."),
    key("null", &SHARE, "The share of rows that reference nothing, where NULL is allowed."),
]);

/// "20 % of clients make 70 % of revenue".
pub static PARETO: Shape = Shape::Keys(&[
    needed("parents", &SHARE, "The share of the referenced rows."),
    needed("children", &SHARE, "The share of the rows that goes to them."),
]);

/// The shape of a tree.
pub static TREE: Shape = Shape::Keys(&[
    key("depth", &WHOLE, "How many levels. Default: 3."),
    key("fanout", &WHOLE, "How many rows under each. Default: 4."),
]);

static REFERENCES: Shape = Shape::List(&REFERENCE);

/// A reference that the database does not declare.
pub static REFERENCE: Shape = Shape::Keys(&[
    needed("table", &TEXT, "The referencing table."),
    needed("columns", &NAMES, "Its columns."),
    key("parent", &TEXT, "The referenced table."),
    key("parent_columns", &NAMES, "Its columns. Default: its primary key."),
    key("type_column", &TEXT, "Of a polymorphic reference: the column that says which table is meant."),
    key(
        "map",
        &Shape::Map(&Shape::Either(&[&TEXT, &MAPPED])),
        "Of a polymorphic reference: the table behind each value of the type column.",
    ),
]);

/// A table behind a value of a type column.
pub static MAPPED: Shape = Shape::Keys(&[
    needed("table", &TEXT, "The table."),
    key("columns", &NAMES, "Its columns. Default: its primary key."),
    key("weight", &WEIGHT, "How often it is chosen. Default: 1."),
]);

static INVARIANTS: Shape = Shape::List(&INVARIANT);

/// An invariant: the keys of all kinds. [`KINDS`] says which kind has which.
pub static INVARIANT: Shape = Shape::Keys(&[
    needed("kind", &Shape::Word(&super::KINDS), "What kind of sentence it is."),
    needed("table", &TEXT, "The table whose rows it speaks of."),
    key("name", &TEXT, "What reports call it. Default: made of kind, table and column."),
    key("required", &FLAG, "Whether rows are refused where it cannot hold. Default: false, a warning."),
    key("column", &TEXT, "The column that it sets."),
    key("is", &TEXT, "The expression that the column equals."),
    key("holds", &TEXT, "The condition that holds in every row."),
    key("where", &TEXT, "Only for rows in which this condition holds."),
    key("columns", &TEXTS, "Dates in order, none before the one in front of it."),
    key("per", &NAMES, "Each group has equal cells in these columns."),
    key("start", &Shape::Either(&[&WHOLE, &TEXT]), "The first number, or the column with the first date."),
    key("states", &WEIGHTS, "Every state with its weight."),
    key("steps", &Shape::Map(&TEXTS), "Which states can follow each."),
    key("times", &Shape::Map(&TEXT), "The column that says when a state was reached."),
    key("set", &Shape::Map(&NAMES), "Columns that have a value in these states only."),
    key("span", &PAIR, "How long it takes from one to the next, from and to: [\"1h\", \"5d\"]."),
    key("debit", &TEXT, "The column with debits."),
    key("credit", &TEXT, "The column with credits."),
    key("amount", &TEXT, "The expression for the amount that a group moves. Default: what is there."),
    key("moves", &TEXT, "The table of movements, or table.column of the reference."),
    key("quantity", &TEXT, "The column with the moved quantity."),
    key("direction", &TEXT, "The column that says in or out."),
    key("in", &NAMES, "What it says where something comes in."),
    key("out", &NAMES, "What it says where something goes out."),
    key("signed", &FLAG, "Whether what goes out has a minus in front. Without a direction it has."),
    key("by", &TEXT, "The column with the moment of a movement."),
    key("before", &TEXT, "The column with what was there before a movement."),
    key("after", &TEXT, "The column with what was there after it."),
    key("opening", &TEXT, "A column with what was there before the first movement; it is raised where more goes out."),
    key("total", &TEXT, "The column with the amount that is owed."),
    key("payments", &TEXT, "The table of payments, or table.column of the reference."),
    key("paid", &TEXT, "The column with the sum of payments."),
    key("due", &TEXT, "The column with the rest."),
    key("due_on", &TEXT, "The column with the day on which the rest is due."),
    key("status", &TEXT, "The column with the status."),
    key("words", &ALLOCATION_WORDS, "What the status says: paid, partial, open, overdue."),
    key("unpaid", &AGING, "The share that is not fully paid, by age since the due date."),
    key("of", &TEXT, "The expression whose sum is looked at."),
    key("top", &SHARE, "The share of the rows with the highest amounts."),
    key("share", &SHARE, "The share of the sum that they have."),
    key("within", &SHARE, "How far off it may be. Default: 0.1."),
]);

/// The words of a status by amounts.
pub static ALLOCATION_WORDS: Shape = Shape::Keys(&[
    key("paid", &TEXT, "Everything is paid."),
    key("partial", &TEXT, "Something is paid."),
    key("open", &TEXT, "Nothing is paid."),
    key("overdue", &TEXT, "Not everything is paid, and the day has passed. Default: as partial or open."),
    key("keep", &NAMES, "Statuses that stay as they are, with nothing paid: drafts, cancelled ones."),
]);

/// Shares by age.
pub static AGING: Shape = Shape::Keys(&[
    key("current", &SHARE, "Not due yet. Default: 0.8."),
    key("30", &SHARE, "1 to 30 days. Default: 0.35."),
    key("60", &SHARE, "31 to 60 days. Default: 0.2."),
    key("90", &SHARE, "61 to 90 days. Default: 0.12."),
    key("over", &SHARE, "More than 90 days. Default: 0.05."),
]);

/// A kind of invariant with the keys that it needs and those that it can have.
#[derive(Debug)]
pub struct InvariantKind {
    /// The word behind `kind`.
    pub name: &'static str,
    /// One sentence for people.
    pub about: &'static str,
    /// Keys that must be there.
    pub needs: &'static [&'static str],
    /// Keys that can be there.
    pub takes: &'static [&'static str],
}

/// Every kind, in the order of [`super::KINDS`].
pub static KINDS: [InvariantKind; 9] = [
    InvariantKind {
        name: "derived",
        about: "A column equals an expression of its row, of the rows that it references and of those that reference it.",
        needs: &["column", "is"],
        takes: &["where"],
    },
    InvariantKind {
        name: "order",
        about: "Dates of a row come one after the other.",
        needs: &["columns"],
        takes: &["span"],
    },
    InvariantKind {
        name: "numbering",
        about: "A column counts 1, 2, 3 within each group.",
        needs: &["column"],
        takes: &["per", "start"],
    },
    InvariantKind {
        name: "states",
        about: "Rows have gone through the states that lead to the one they are in, at dates in order.",
        needs: &["column", "states"],
        takes: &["steps", "times", "set", "start", "span"],
    },
    InvariantKind {
        name: "balance",
        about: "Debits equal credits in each group, and each row has one of the two.",
        needs: &["debit", "credit"],
        takes: &["per", "amount"],
    },
    InvariantKind {
        name: "stock",
        about: "What is there equals what came in minus what went out, and is never below 0.",
        needs: &["column", "moves", "quantity"],
        takes: &["direction", "in", "out", "signed", "by", "before", "after", "opening"],
    },
    InvariantKind {
        name: "allocation",
        about: "What is owed equals what was paid plus what is due, and the status says so.",
        needs: &["total"],
        takes: &["payments", "amount", "paid", "due", "due_on", "status", "words", "unpaid"],
    },
    InvariantKind { name: "check", about: "A condition holds in every row.", needs: &["holds"], takes: &["where"] },
    InvariantKind {
        name: "share",
        about: "The rows with the highest amounts have a share of the whole: it is looked at, not brought about.",
        needs: &["of", "top", "share"],
        takes: &["within"],
    },
];
