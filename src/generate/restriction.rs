//! What conditions leave of a column, for whoever makes its cells.

use super::value::Value;

/// What a column may hold. The empty one allows everything.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Restriction {
    /// Whether it is NULL, must not be, or may be either.
    pub null: Option<bool>,
    /// At least this, at most that: numbers, dates and times, text where the condition compares texts.
    pub low: Option<Bound>,
    /// At most.
    pub high: Option<Bound>,
    /// One of these.
    pub one_of: Option<Vec<Value>>,
    /// None of these.
    pub none_of: Vec<Value>,
    /// A number that is a multiple of this one (`n % 5 = 0`), where it says so.
    pub multiple_of: Option<i128>,
    /// Text: how many characters at least and at most.
    pub length: (Option<u32>, Option<u32>),
    /// Text that matches every one of these LIKE patterns (`%` and `_`; a backslash escapes).
    pub like: Vec<String>,
    /// Text that matches every one of these regular expressions.
    pub matches: Vec<String>,
    /// Text of one case only.
    pub case: Option<Case>,
    /// What kind of JSON: `object`, `array`, `string`, `number`, `boolean`.
    pub json: Option<String>,
}

/// An end of a range.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The end.
    pub value: Value,
    /// Whether the end itself is in.
    pub inclusive: bool,
}

/// `lower(x) = x`, `upper(x) = x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Lower case.
    Lower,
    /// Upper case.
    Upper,
}

/// How two columns of a row stand to each other: `left op right`, where neither is NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// A column by index into the table's columns.
    pub left: usize,
    /// The comparison.
    pub op: Op,
    /// The other column.
    pub right: usize,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// Less.
    Less,
    /// Less or equal.
    AtMost,
    /// Greater.
    Greater,
    /// Greater or equal.
    AtLeast,
}
