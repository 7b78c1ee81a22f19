//! Canaries: made-up originals that nothing resembles, sent through every mask of a plan in the way that rows go. Neither they
//! nor any disguise of them may come out in any masked cell. It proves the path without touching the source.

use super::leak::{LeakScan, Output};
use super::{ColumnMask, Known, Rows, Scan, Strength, apply};
use crate::error::{Kind, Result};
use crate::model::batch::{Batch, Cell, CellKind};
use crate::model::schema::TableName;
use crate::secret::Secret32;
use std::collections::BTreeMap;

/// Canaries per column.
const COUNT: u64 = 8;
/// Fewer letters and digits could be what a mask makes up.
const SHORTEST: usize = 7;
/// Room for the fingerprints of every stretch that may come out, so that nothing is sampled.
const CAPACITY: usize = 1 << 20;

/// What became of the canaries of one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CanaryReport {
    /// Canaries sent.
    pub sent: u64,
    /// Where one came out, ordered.
    pub survived: Vec<Survivor>,
    /// Masked columns that got none, and why.
    pub skipped: BTreeMap<String, &'static str>,
}

/// A canary that came out. Names only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Survivor {
    /// The column that it was put into.
    pub original: String,
    /// The column that it came out of.
    pub output: String,
}

/// Sends canaries through the masks of one table. Kept cells are NULL and conditions hold; where another mask stands for
/// rows whose condition does not hold, every other canary goes through that one. `extras` is the number of cells behind the
/// columns, as in [`Rows`]; `key` is the run's own random key.
///
/// # Errors
/// As [`apply`], unless a mask only refuses its canary.
pub fn run(columns: &[ColumnMask], extras: usize, table: &TableName, key: &Secret32) -> Result<CanaryReport> {
    let mut report = CanaryReport::default();
    let mut scan = LeakScan::new(key, CAPACITY);
    let path = Path { columns, extras, table };
    for (at, column) in columns.iter().enumerate().filter(|(_, column)| !column.definition.keeps_original) {
        let mut reason = unfit(column);
        if reason.is_none() {
            let sent = path.send(at, key, &mut scan)?;
            report.sent += sent;
            reason = (sent == 0).then_some("its mask takes no canary there");
        }
        if let Some(reason) = reason {
            report.skipped.insert(column.column.clone(), reason);
        }
    }
    let name = |at: u16| columns.get(usize::from(at)).map_or_else(String::new, |column| column.column.clone());
    let hits = scan.finish().hits;
    report.survived =
        hits.iter().map(|hit| Survivor { original: name(hit.original), output: name(hit.output) }).collect();
    Ok(report)
}

/// Why a column gets no canaries.
fn unfit(column: &ColumnMask) -> Option<&'static str> {
    if column.definition.after {
        Some("it is made of other masked cells")
    } else if column.mask.learner().is_some() {
        Some("its mask has to see the whole column first")
    } else if column.scan == Scan::Never && column.definition.strength == Strength::Partial {
        Some("its mask keeps a part or a relation, and may keep a value")
    } else {
        None
    }
}

/// Where canaries go.
struct Path<'a> {
    columns: &'a [ColumnMask],
    extras: usize,
    table: &'a TableName,
}

impl Path<'_> {
    /// Sends the canaries of one column, each in a row of its own, and looks at what comes out. How many were sent.
    fn send(&self, at: usize, key: &Secret32, scan: &mut LeakScan) -> Result<u64> {
        let column = &self.columns[at];
        let mut sent = 0;
        for count in 0..COUNT {
            let other = column.otherwise.as_deref().filter(|other| count % 2 == 1 && !other.definition.keeps_original);
            let digest =
                blake3::keyed_hash(key.expose(), &[number(at).to_le_bytes().as_slice(), &count.to_le_bytes()].concat());
            let random = digest.as_bytes().iter().take(8).fold(1, |random, byte| (random << 8) | u64::from(*byte));
            let Some(canary) = Canary::for_column(column, other.unwrap_or(column), random) else {
                continue;
            };
            let batch = self.row(at, &canary.cell, other.is_some(), random);
            let rows = Rows {
                table: self.table,
                columns: self.columns,
                extras: self.extras,
                first: count,
                known: Known::NOTHING,
            };
            let masked = match apply(rows, batch) {
                Ok(masked) => masked,
                // A program of the user's that fails once is not asked again and again.
                Err(error) if error.kind() == Kind::Policy && !column.definition.outside => {
                    continue;
                }
                Err(error) => return Err(error),
            };
            sent += 1;
            scan.observe_original(number(at), canary.looked_for.as_bytes(), Scan::Identifier);
            for output in 0..self.columns.len() {
                let cell = masked.rows().cell(0, output);
                match cell.kind {
                    CellKind::Blob => scan.observe_blob(number(output), cell.bytes),
                    _ => scan.observe_output(number(output), cell.bytes, Output::Kept),
                }
            }
        }
        Ok(sent)
    }

    /// A row with the canary in its place.
    fn row(&self, at: usize, canary: &str, otherwise: bool, random: u64) -> Batch {
        let column = &self.columns[at];
        let decided = if otherwise { column.otherwise.as_deref().unwrap_or(column) } else { column };
        let subject = (random % 1_000_000_007).to_string();
        let mut batch = Batch::new(self.columns.len() + self.extras);
        for place in 0..self.columns.len() + self.extras {
            let made_after = self.columns.get(place).is_some_and(|column| column.definition.after);
            batch.push(if place == at {
                Cell::text(canary)
            } else if column.when == Some(place) {
                Cell::text(if otherwise { "0" } else { "1" })
            } else if decided.subject == Some(place) {
                Cell::text(&subject)
            } else if made_after {
                Cell::text("-")
            } else {
                Cell::NULL
            });
        }
        batch
    }
}

fn number(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

/// A made-up original.
struct Canary {
    /// What goes into the column.
    cell: String,
    /// What may not come out.
    looked_for: String,
}

impl Canary {
    /// A canary that the column can hold; none if it is too short for one.
    fn for_column(column: &ColumnMask, decided: &ColumnMask, random: u64) -> Option<Self> {
        let room = column.fit.max_chars.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        [u64::MAX, 10_u64.pow(12), 10_u64.pow(9), 10_u64.pow(7)].into_iter().find_map(|limit| {
            let canary = Self::new(decided, random % limit);
            let telling = canary.looked_for.chars().filter(|c| c.is_alphanumeric()).count();
            (telling >= SHORTEST && canary.cell.chars().count() <= room).then_some(canary)
        })
    }

    fn new(column: &ColumnMask, number: u64) -> Self {
        let cell = (column.definition.sample)(number);
        let prose = !cell.trim_start().starts_with(['{', '[', '<']);
        if prose && column.scan == Scan::FreeText && Output::of(column.definition) == Output::Mixed {
            // Text masks may keep words; an email is something that each of them has to see.
            let email = format!("canary{number}@corp.test");
            return Self { cell: format!("Please write to {email}, she is waiting."), looked_for: email };
        }
        Self { looked_for: cell.clone(), cell }
    }
}

#[cfg(test)]
mod tests {
    use super::super::prelude::*;
    use super::super::{MASKS, Params, find};
    use super::*;
    use crate::mask::Fit;

    fn key() -> Secret32 {
        Secret32::new([5; 32])
    }

    fn column(definition: &'static Definition) -> ColumnMask {
        let site = Site { family: Family::Text, ..Site::for_tests("canary") };
        let params =
            definition.examples.first().map_or_else(Params::default, |example| example.params_of(definition).unwrap());
        ColumnMask::build(definition, definition.name, &site, params).unwrap()
    }

    fn send(columns: &[ColumnMask], extras: usize) -> CanaryReport {
        run(columns, extras, &TableName::plain("t"), &key()).unwrap()
    }

    /// A mask that does not mask: it disguises.
    struct Broken(fn(&str) -> String);

    impl Mask for Broken {
        fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
            out.extend_from_slice(self.0(std::str::from_utf8(cell.bytes).unwrap_or_default()).as_bytes());
            Ok(CellKind::Text)
        }
    }

    macro_rules! broken {
        ($name:literal, $disguise:expr) => {{
            static DEFINITION: Definition = Definition {
                name: $name,
                build: |_, _| Ok(Box::new(Broken($disguise))),
                sample: |number| format!("person{number}@corp.test"),
                ..Definition::BASE
            };
            &DEFINITION
        }};
    }

    #[test]
    fn a_mask_that_only_disguises_is_caught() {
        for definition in [
            broken!("pass", str::to_owned),
            broken!("upper", str::to_uppercase),
            broken!("embed", |text| format!("x.{text}.example.com")),
            broken!("url", |text| text.replace('@', "%40")),
            broken!("base64", |text| data_encoding::BASE64.encode(text.as_bytes())),
            broken!("hex", |text| data_encoding::HEXLOWER.encode(text.as_bytes())),
            broken!("json", |text| format!("{{\"was\":\"{}\"}}", text.replace('@', "\\u0040"))),
        ] {
            let report = send(&[column(find("email").unwrap()), column(definition)], 0);
            let survivor = Survivor { original: definition.name.into(), output: definition.name.into() };
            assert_eq!((report.sent, report.survived), (2 * COUNT, vec![survivor]));
        }
    }

    #[test]
    fn no_canary_survives_any_mask_of_the_table() {
        let ours = MASKS.iter().filter(|mask| !mask.outside);
        let columns: Vec<ColumnMask> = ours.map(|definition| column(definition)).collect();
        let report = send(&columns, 0);
        assert_eq!(report.survived, []);
        let masked = columns.iter().filter(|column| !column.definition.keeps_original).count();
        assert!(report.sent >= COUNT * (masked - report.skipped.len()) as u64 / 2 && report.sent > 5 * COUNT);
        assert!(!report.skipped.contains_key("email") && !report.skipped.contains_key("text_replace"));
    }

    #[test]
    fn conditions_hold_for_canaries_and_the_other_mask_gets_some_too() {
        let conditional = |first: &'static Definition, other: Option<&'static Definition>| {
            let mut column = column(first);
            column.column = "c".to_owned();
            column.when = Some(1);
            column.otherwise = other.map(|other| Box::new(self::column(other)));
            send(&[column], 1)
        };
        let (email, pass) = (find("email").unwrap(), broken!("pass", str::to_owned));
        assert_eq!(conditional(email, None).survived, []);
        assert_eq!(conditional(pass, None).survived.len(), 1);
        assert_eq!(conditional(email, Some(pass)).survived.len(), 1);
        // What a condition keeps is meant to stay.
        assert_eq!(conditional(email, Some(&super::super::KEEP)).survived, []);
    }

    #[test]
    fn short_columns_get_short_canaries_or_a_reason() {
        let with = |room: u32| {
            let mut column = column(broken!("pass", str::to_owned));
            column.fit = Fit { max_chars: Some(room), ..Fit::default() };
            send(&[column], 0)
        };
        assert_eq!((with(30).survived.len(), with(28).survived.len()), (1, 1));
        let report = with(12);
        assert_eq!((report.sent, report.survived), (0, vec![]));
        assert_eq!(
            report.skipped.into_iter().collect::<Vec<_>>(),
            [("pass".to_owned(), "its mask takes no canary there")]
        );
    }
}
