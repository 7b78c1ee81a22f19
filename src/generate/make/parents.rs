//! Which parent a row gets: how children spread over parents, and which parents fit what is known of the row already.

use crate::generate::draw::{Draw, Place};
use crate::generate::profile::{Choice, Spread};

/// How the children of one reference spread over its parents.
pub(super) struct Chooser {
    choice: Choice,
    place: Place,
    /// The parent of each row, where all parents are there when the first row is made.
    each: Vec<Option<u32>>,
}

impl Chooser {
    /// For `rows` children of `parents` parents; of a tree both are the same rows.
    pub(super) fn new(choice: Option<Choice>, is_tree: bool, place: Place, rows: u64, parents: u64) -> Self {
        let choice = choice.unwrap_or(if is_tree || parents < 12 {
            Choice { spread: Spread::Uniform, null: is_tree.then_some(0.3) }
        } else {
            Choice { spread: Spread::Zipf(0.5), null: None }
        });
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let is_assigned = !is_tree || matches!(choice.spread, Spread::Tree { .. });
        let each = if is_assigned { choice.spread.over(count(parents), count(rows), place) } else { Vec::new() };
        Self { choice, place, each }
    }

    /// The share of rows that reference nothing where they need not.
    pub(super) fn nulls(&self) -> f64 {
        match self.choice.spread {
            // The tree says which rows are roots.
            Spread::Tree { .. } => self.choice.null.unwrap_or(0.0),
            _ => self.choice.null.unwrap_or(0.15),
        }
    }

    /// Whether the row is a root of a tree.
    pub(super) fn is_root(&self, row: u64) -> bool {
        let own = usize::try_from(row).ok().and_then(|row| self.each.get(row));
        matches!(self.choice.spread, Spread::Tree { .. }) && own == Some(&None)
    }

    /// One of so many parents for a row. Later attempts are not choosy.
    pub(super) fn pick(&self, row: u64, attempt: u64, parents: u64, draw: &mut Draw) -> u64 {
        let own = usize::try_from(row).ok().and_then(|row| self.each.get(row)).copied().flatten();
        match own {
            Some(own) if attempt == 0 && u64::from(own) < parents => own.into(),
            Some(_) if attempt < 8 => self.skewed(parents, draw),
            _ => draw.below(parents),
        }
    }

    /// A parent that is as popular as the spread says.
    fn skewed(&self, parents: u64, draw: &mut Draw) -> u64 {
        let other = usize::try_from(draw.below(self.each.len() as u64)).ok().and_then(|at| self.each.get(at));
        let other = other.copied().flatten().map(u64::from);
        other.filter(|other| *other < parents).unwrap_or_else(|| self.place.again(parents, draw.bits()).below(parents))
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count"
)]
pub(super) fn part(whole: u64, share: f64) -> u64 {
    (whole as f64 * share).round() as u64
}

/// Every number below a limit once, in a keyed order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Permutation {
    limit: u64,
    step: u64,
    start: u64,
}

impl Permutation {
    pub(super) fn new(place: Place, limit: u64) -> Self {
        let mut draw = place.draw(u64::MAX);
        let limit = limit.max(1);
        // Steps near the golden section spread neighbours; the first one that shares no factor with the limit goes round all.
        let mut step = part(limit, 0.618_033_988_749_895).clamp(1, limit).max(1);
        while gcd(step, limit) != 1 {
            step += 1;
        }
        Self { limit, step, start: draw.below(limit) }
    }

    pub(super) fn at(self, n: u64) -> u64 {
        let at = (u128::from(n) * u128::from(self.step) + u128::from(self.start)) % u128::from(self.limit);
        u64::try_from(at).unwrap_or(0)
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::draw::Seed;
    use crate::model::schema::TableName;
    use std::collections::BTreeSet;

    fn place() -> Place {
        Seed::new(1).place(&TableName::plain("t"), "x")
    }

    #[test]
    fn a_permutation_meets_every_number_once() {
        for limit in 1..200 {
            let permutation = Permutation::new(place(), limit);
            assert_eq!((0..limit).map(|n| permutation.at(n)).collect::<BTreeSet<_>>().len() as u64, limit);
        }
        assert!(Permutation::new(place(), u64::MAX).at(u64::MAX - 1) < u64::MAX);
    }

    #[test]
    fn children_spread_as_they_are_told() {
        let spread = Spread::Pareto { share_of_parents: 0.2, share_of_children: 0.7 };
        let chooser = Chooser::new(Some(Choice { spread, null: None }), false, place(), 1_000, 100);
        for attempt in [0, 3] {
            let mut counts = vec![0; 100];
            for row in 0..1_000 {
                let parent = chooser.pick(row, attempt, 100, &mut place().again(row, attempt));
                counts[usize::try_from(parent).unwrap()] += 1;
            }
            counts.sort_unstable();
            let few: u64 = counts[80..].iter().sum();
            assert!((640..780).contains(&few), "{few}");
        }
    }

    #[test]
    fn a_tree_has_roots_and_earlier_parents() {
        let spread = Spread::Tree { depth: 3, fanout: 4 };
        let chooser = Chooser::new(Some(Choice { spread, null: None }), true, place(), 50, 50);
        assert!(chooser.is_root(0) && !chooser.is_root(49));
        assert!((1..50).all(|row| chooser.is_root(row) || chooser.pick(row, 0, row, &mut place().draw(row)) < row));
    }
}
