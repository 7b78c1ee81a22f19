//! `shuffle`: the values of a column dealt out anew, within groups of rows. The column keeps every value, so this is no
//! mask for what identifies somebody.

use super::Learner;
use super::prelude::*;
use crate::model::batch::Batch;
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The most that a column may have; it is held in memory.
const MOST_BYTES: usize = 64 << 20;
/// What a row costs besides its cell.
const ROW: usize = 16;

pub(super) static DEFINITION: Definition = Definition {
    name: "shuffle",
    about: "Deals the values of a column out anew, within the rows of one subject where one is named; no value stays in its row if that is possible. Every value stays in the column.",
    params: &[
        Param {
            name: "min_group",
            about: "The fewest rows with a value that a group may have; with fewer the capture stops.",
            kind: ParamKind::Integer(2, 1_000_000),
            default: "5",
        },
        Param {
            name: "reason",
            about: "Why the values may be shown; for review.",
            kind: ParamKind::Text,
            default: "none; needed in dev",
        },
    ],
    accepts: &[Family::Any],
    unique: Uniqueness::Exact,
    determinism: Determinism::Row,
    strength: Strength::Partial,
    takes_subject: true,
    domain: "shuffle",
    scan: |_| Scan::Never,
    build,
    examples: &[Example::plain("orchid")],
    reveals: |_| true,
    sample: |number| format!("value {number}"),
    ..Definition::BASE
};

struct Shuffle {
    key: DomainKey,
    least: usize,
    learning: Mutex<Learning>,
    learned: OnceLock<Learned>,
}

struct Learning {
    cells: Batch,
    /// The group of each row.
    groups: Vec<u32>,
    names: HashMap<Vec<u8>, u32>,
    held: usize,
}

struct Learned {
    cells: Batch,
    /// The row whose cell each row gets.
    sources: Vec<u32>,
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of every mask's build")]
fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let learning = Learning { cells: Batch::new(1), groups: Vec::new(), names: HashMap::new(), held: 0 };
    Ok(Box::new(Shuffle {
        key: site.key.clone(),
        least: params.size("min_group").unwrap_or(5),
        learning: Mutex::new(learning),
        learned: OnceLock::new(),
    }))
}

impl Mask for Shuffle {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let Some(learned) = self.learned.get() else {
            return Err(Misfit("the column was not read before it was masked"));
        };
        let at = usize::try_from(row.ordinal).unwrap_or(usize::MAX);
        if at >= learned.cells.rows() || learned.cells.cell(at, 0) != cell {
            return Err(Misfit("the rows are not those that were read before"));
        }
        let source = learned.cells.cell(learned.sources[at] as usize, 0);
        out.extend_from_slice(source.bytes);
        Ok(source.kind)
    }

    fn learner(&self) -> Option<&dyn Learner> {
        Some(self)
    }
}

impl Learner for Shuffle {
    fn learn(&self, cell: Cell<'_>, subject: Option<Cell<'_>>) -> Result<()> {
        let mut learning = self.learning.lock().unwrap_or_else(PoisonError::into_inner);
        let group = subject.map_or(&b""[..], |subject| subject.bytes);
        let known = learning.names.get(group).copied();
        learning.held += cell.bytes.len() + ROW + if known.is_none() { group.len() + 3 * ROW } else { 0 };
        let count = u32::try_from(learning.names.len()).ok();
        let (Some(next), true) = (count, learning.held <= MOST_BYTES && learning.groups.len() < u32::MAX as usize)
        else {
            return Err(Error::policy("the column has more than the 64 MiB that mask shuffle can hold")
                .hint("Use `hash`, `token` or `enum_pick`, or capture fewer rows."));
        };
        let group = match known {
            Some(group) => group,
            None => *learning.names.entry(group.to_vec()).or_insert(next),
        };
        learning.groups.push(group);
        learning.cells.push(cell);
        Ok(())
    }

    fn learned(&self) -> Result<()> {
        let empty = Learning { cells: Batch::new(1), groups: Vec::new(), names: HashMap::new(), held: 0 };
        let Learning { cells, groups, names, .. } =
            std::mem::replace(&mut *self.learning.lock().unwrap_or_else(PoisonError::into_inner), empty);
        // Cells that no mask is asked about, NULL and the empty text, stay where they are.
        let mut members = vec![Vec::new(); names.len()];
        let mut sources = Vec::with_capacity(groups.len());
        for (row, group) in (0..).zip(&groups) {
            sources.push(row);
            if !cells.cell(row as usize, 0).bytes.is_empty() {
                members[*group as usize].push(row);
            }
        }
        for rows in members.iter().filter(|rows| !rows.is_empty()) {
            if rows.len() < self.least {
                let (count, least) = (rows.len(), self.least);
                return Err(Error::policy(format!(
                    "mask shuffle found a group of {count} rows, and {least} are the fewest"
                ))
                .hint("Lower min_group, group by a column with fewer values, or leave the subject out."));
            }
            for (row, source) in rows.iter().zip(self.deal(&cells, rows)) {
                sources[*row as usize] = source;
            }
        }
        self.learned.set(Learned { cells, sources }).map_err(|_| Error::internal("a shuffled column was learned twice"))
    }
}

impl Shuffle {
    /// The row whose cell each of `rows` gets.
    fn deal(&self, cells: &Batch, rows: &[u32]) -> Vec<u32> {
        let value = |row: u32| cells.cell(row as usize, 0);
        let mut dealt = rows.to_vec();
        dealt.sort_by_cached_key(|row| self.key.prf(Role::Choice, &[&row.to_le_bytes()]).word(0));
        // Those that got their own value swap it with somebody who neither had nor got that value. There is such a row
        // for each of them unless more than half of the rows have the value.
        let same = |at: &usize, dealt: &[u32]| value(dealt[*at]) == value(rows[*at]);
        let mut stuck: Vec<usize> = (0..rows.len()).filter(|at| same(at, &dealt)).collect();
        stuck.sort_by_key(|at| (value(rows[*at]).bytes, *at));
        for run in stuck.chunk_by(|one, other| value(rows[*one]) == value(rows[*other])) {
            let own = value(rows[run[0]]);
            let start = self.key.prf(Role::Choice, &[b"start", own.bytes]).index(0, rows.len());
            // What is passed over once stays unfit as long as this value is dealt with.
            let mut others = (start..rows.len()).chain(0..start);
            for at in run {
                if !same(at, &dealt) {
                    continue;
                }
                match others.find(|other| value(rows[*other]) != own && value(dealt[*other]) != own) {
                    Some(other) => dealt.swap(*at, other),
                    None => break,
                }
            }
        }
        dealt
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn mask(least: i64) -> Box<dyn Mask> {
        build(
            &Site::for_tests("shuffle"),
            &Params::new(&DEFINITION, [("min_group".to_owned(), Value::Integer(least))]).unwrap(),
        )
        .unwrap()
    }

    /// The column after the shuffle.
    fn shuffled(least: i64, column: &[(&str, &str)]) -> Result<Vec<String>> {
        let mask = mask(least);
        let learner = mask.learner().unwrap();
        for (value, group) in column {
            learner.learn(Cell::text(value), Some(Cell::text(group)))?;
        }
        learner.learned()?;
        let cell = |(at, (value, group)): (usize, &(&str, &str))| {
            let mut out = Vec::new();
            let row = Row { ordinal: at as u64, ..Row::of(Some(Cell::text(group))) };
            // What is empty does not reach a mask.
            if !value.is_empty() {
                mask.mask(Cell::text(value), &row, &mut out).unwrap();
            }
            String::from_utf8(out).unwrap()
        };
        Ok(column.iter().enumerate().map(cell).collect())
    }

    fn counts<'a>(column: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<(&'a str, &'a str), usize> {
        column.fold(BTreeMap::new(), |mut counts, cell| {
            *counts.entry(cell).or_default() += 1;
            counts
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn every_group_keeps_its_values_and_as_few_as_possible_stay(
            column in proptest::collection::vec((0_u8..6, 0_u8..3), 0..60),
        ) {
            let names = ["", "a", "b", "c", "d", "e"];
            let groups = ["x", "y", "z"];
            let column: Vec<(&str, &str)> = column.iter().map(|(value, group)| (names[usize::from(*value)], groups[usize::from(*group)])).collect();
            let filled = |group: &str| column.iter().filter(|(value, other)| *other == group && !value.is_empty()).count();
            prop_assume!(groups.iter().all(|group| filled(group) != 1));
            let after = shuffled(2, &column).unwrap();
            let new = || after.iter().map(String::as_str).zip(column.iter().map(|(_, group)| *group));
            let before = counts(column.iter().copied());
            prop_assert_eq!(&before, &counts(new()));
            for group in groups {
                let most = names[1..].iter().filter_map(|name| before.get(&(name, group))).max().copied().unwrap_or(0);
                let stayed = column.iter().zip(&after).filter(|((value, other), new)| *other == group && !value.is_empty() && value == new).count();
                prop_assert_eq!(stayed, (2 * most).saturating_sub(filled(group)), "{:?} {:?}", &column, &after);
            }
        }
    }

    #[test]
    fn a_large_column_is_permuted_evenly_and_by_key() {
        let names: Vec<String> = (0..20_000).map(|row| format!("v{row}")).collect();
        let column: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        let after = shuffled(5, &column).unwrap();
        assert!(names.iter().zip(&after).all(|(before, after)| before != after));
        let distance = |(row, name): (usize, &String)| name[1..].parse::<usize>().unwrap().abs_diff(row);
        let mean = after.iter().enumerate().map(distance).sum::<usize>() / after.len();
        assert!((6_000..7_400).contains(&mean), "rows move by {mean} of 20,000; a third is even");
        assert_eq!(after, shuffled(5, &column).unwrap());
        let skewed: Vec<(&str, &str)> =
            (0..100_000).map(|row| (if row % 2 == 0 { "yes" } else { names[row % 9].as_str() }, "")).collect();
        let after = shuffled(5, &skewed).unwrap();
        assert!(skewed.iter().zip(&after).all(|((before, _), after)| before != after));
    }

    #[test]
    fn the_deal_is_pinned() {
        let column =
            [("a", ""), ("b", ""), ("c", "x"), ("", ""), ("d", ""), ("a", "x"), ("e", ""), ("f", "x"), ("b", "")];
        assert_eq!(shuffled(3, &column).unwrap().join(","), "e,d,f,,b,c,b,a,a");
    }

    #[test]
    fn small_groups_large_columns_and_other_rows_are_refused() {
        assert!(shuffled(3, &[("a", "x"), ("b", "x")]).unwrap_err().what().contains("a group of 2 rows"));
        assert!(shuffled(3, &[]).unwrap().is_empty());
        let mask = mask(2);
        assert!(mask.mask(Cell::text("a"), &Row::NONE, &mut Vec::new()).is_err());
        let learner = mask.learner().unwrap();
        let large = "x".repeat(1 << 20);
        let refused = (0..65).find(|_| learner.learn(Cell::text(&large), None).is_err());
        assert_eq!(refused, Some(63));
        learner.learned().unwrap();
        assert!(mask.mask(Cell::text("other"), &Row::NONE, &mut Vec::new()).is_err());
        assert!(mask.mask(Cell::text(&large), &Row { ordinal: 900, ..Row::NONE }, &mut Vec::new()).is_err());
        assert!(learner.learned().is_err());
    }
}
