//! What the tables have to agree on while they are filled: people, goods and dates.

use super::Value;
use std::collections::BTreeMap;

/// The last day of the sample, counted from 2024-01-01: 2025-12-01.
pub(super) const LAST_DAY: i64 = 700;

/// Somebody with a mailbox.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: i64,
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) email: String,
    pub(super) phone: Option<String>,
}

impl Person {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }
}

/// A client.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) person: Person,
    pub(super) ssn: Option<String>,
    pub(super) address: String,
    pub(super) owner: Option<i64>,
    pub(super) created: i64,
    pub(super) closed: bool,
}

/// A product, as order lines see it.
#[derive(Debug, Clone)]
pub(super) struct Product {
    pub(super) price: i64,
}

/// A lot, with what is left of it.
#[derive(Debug, Clone)]
pub(super) struct Lot {
    pub(super) id: i64,
    /// Index into [`World::products`].
    pub(super) product: usize,
    pub(super) received: i64,
    pub(super) on_hand: i64,
}

/// Everything made so far.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) users: Vec<Person>,
    pub(super) clients: Vec<Client>,
    pub(super) products: Vec<Product>,
    pub(super) lots: Vec<Lot>,
    pub(super) rows: BTreeMap<&'static str, Vec<Vec<Value>>>,
}

impl World {
    /// Adds a row to a table.
    pub(super) fn push(&mut self, table: &'static str, row: Vec<Value>) {
        self.rows.entry(table).or_default().push(row);
    }

    /// The id the next row of a table gets.
    pub(super) fn next_id(&self, table: &str) -> i64 {
        self.rows.get(table).map_or(0, |rows| as_i64(rows.len())) + 1
    }
}

/// A count as a cell.
pub(super) fn as_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A day, counted from 2024-01-01, as `YYYY-MM-DD`. Days before it run back into 2023 and further.
pub(super) fn date(day: i64) -> String {
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let (mut year, mut rest) = (2024, day);
    while rest < 0 {
        year -= 1;
        rest += if leap(year) { 366 } else { 365 };
    }
    while rest >= if leap(year) { 366 } else { 365 } {
        rest -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let mut month = 1;
    for days in [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if rest < days {
            break;
        }
        rest -= days;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", rest + 1)
}

/// A day and a second of the working day as `YYYY-MM-DD HH:MM:SS`.
pub(super) fn moment(day: i64, second: i64) -> String {
    let second = 8 * 3600 + second.rem_euclid(10 * 3600);
    format!("{} {:02}:{:02}:{:02}", date(day), second / 3600, second / 60 % 60, second % 60)
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Integer(i64::from(yes))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row out of anything that is a cell.
macro_rules! row {
    ($($cell:expr),* $(,)?) => { vec![$($crate::generate::sample::Value::from($cell)),*] };
}
pub(super) use row;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), "2024-01-01");
        assert_eq!(date(59), "2024-02-29");
        assert_eq!(date(366), "2025-01-01");
        assert_eq!(date(LAST_DAY), "2025-12-01");
        assert_eq!(date(-1), "2023-12-31");
        assert_eq!(date(-366), "2022-12-31");
        assert_eq!(moment(0, 61), "2024-01-01 08:01:01");
    }
}
