//! Which parent a row gets: how children spread over parents, and which parents fit what is known of the row already.

use super::stand_in::{Choice, Spread};
use crate::generate::draw::{Draw, Place};

/// How the children of one reference spread over its parents.
pub(super) struct Chooser {
    choice: Choice,
    /// Children of each parent in turn, where each parent gets its own number.
    each: Vec<u32>,
    /// Mixes who is popular.
    place: Place,
}

impl Chooser {
    /// For `rows` children of `parents` parents.
    pub(super) fn new(choice: Option<Choice>, is_tree: bool, place: Place, rows: u64, parents: u64) -> Self {
        let choice = choice.unwrap_or_else(|| default(is_tree, parents));
        let mut each = Vec::new();
        if let Spread::Each(low, high) = choice.spread {
            let mut parent = 0;
            while (each.len() as u64) < rows && parents > 0 {
                let count = place.draw(parent).between(low.into(), high.max(low).into());
                let count = if parent >= parents { count.max(1) } else { count };
                each.extend(std::iter::repeat_n(
                    u32::try_from(parent % parents).unwrap_or(0),
                    usize::try_from(count).unwrap_or(0),
                ));
                parent += 1;
                if parent > parents.saturating_mul(1 + high) + rows {
                    break;
                }
            }
        }
        Self { choice, each, place }
    }

    /// The share of rows that reference nothing where they need not.
    pub(super) fn nulls(&self) -> f64 {
        self.choice.null.unwrap_or(0.15)
    }

    /// One of so many parents for a row. Later attempts are not choosy.
    pub(super) fn pick(&self, row: u64, attempt: u64, parents: u64, draw: &mut Draw) -> u64 {
        if attempt > 8 || parents < 2 {
            return draw.below(parents);
        }
        match self.choice.spread {
            Spread::Uniform => draw.below(parents),
            Spread::RoundRobin => row % parents,
            Spread::Each(..) => {
                let own = usize::try_from(row).ok().and_then(|row| self.each.get(row));
                own.map_or_else(|| draw.below(parents), |own| u64::from(*own)).min(parents - 1)
            }
            Spread::Zipf(power) => self.mixed(zipf(draw.unit(), parents, power), parents),
            Spread::Pareto { parents: share, children } => {
                let few = part(parents, share).clamp(1, parents - 1);
                let is_few = draw.chance(children);
                let rank = if is_few { draw.below(few) } else { few + draw.below(parents - few) };
                self.mixed(rank, parents)
            }
            Spread::Tree { depth, fanout } => tree(row, parents, depth, fanout),
        }
    }

    /// The parent of a rank: popular ones are not the first ones.
    fn mixed(&self, rank: u64, parents: u64) -> u64 {
        Permutation::new(self.place, parents).at(rank)
    }
}

fn default(is_tree: bool, parents: u64) -> Choice {
    let spread = if is_tree || parents < 12 { Spread::Uniform } else { Spread::Zipf(0.5) };
    Choice { spread, null: is_tree.then_some(0.3) }
}

/// A rank from 0 by the inverse of the continuous distribution.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks are far below 2^53"
)]
fn zipf(unit: f64, parents: u64, power: f64) -> u64 {
    let n = (parents + 1) as f64;
    let rest = 1.0 - power;
    let x = if rest.abs() < 1e-9 { n.powf(unit) } else { ((n.powf(rest) - 1.0) * unit + 1.0).powf(1.0 / rest) };
    (x as u64).clamp(1, parents) - 1
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

/// The parent in a tree whose levels are filled one after the other; the deepest level takes what is left.
fn tree(row: u64, parents: u64, depth: u64, fanout: u64) -> u64 {
    let (mut first, mut size, mut level) = (0, 1, 1);
    // The level above the row's own, but never below the last one that may have children.
    while first + size <= row && level + 1 < depth.max(2) {
        if row < first + size + size.saturating_mul(fanout) {
            break;
        }
        first += size;
        size = size.saturating_mul(fanout.max(1));
        level += 1;
    }
    (first + (row.saturating_sub(first + size)) % size.max(1)).min(parents - 1)
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

    fn counts(spread: Spread, rows: u64, parents: u64) -> Vec<u64> {
        let chooser = Chooser::new(Some(Choice { spread, null: None }), false, place(), rows, parents);
        let mut counts = vec![0; usize::try_from(parents).unwrap()];
        for row in 0..rows {
            counts[usize::try_from(chooser.pick(row, 0, parents, &mut place().draw(row))).unwrap()] += 1;
        }
        counts.sort_unstable();
        counts.reverse();
        counts
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
        let pareto = counts(Spread::Pareto { parents: 0.2, children: 0.7 }, 10_000, 100);
        let few: u64 = pareto[..20].iter().sum();
        assert!((6_800..7_200).contains(&few), "{few}");
        let zipf = counts(Spread::Zipf(1.0), 10_000, 100);
        assert!(zipf[0] > 1_000 && zipf[99] < 60, "{zipf:?}");
        let each = counts(Spread::Each(2, 4), 290, 100);
        assert!(
            each.iter().all(|count| *count <= 4) && each.iter().filter(|count| **count == 0).count() < 12,
            "{each:?}"
        );
        assert_eq!(counts(Spread::RoundRobin, 100, 10), [10; 10]);
        let uniform = counts(Spread::Uniform, 10_000, 10);
        assert!(uniform[0] < 1_150 && uniform[9] > 850);
    }

    #[test]
    fn a_tree_has_its_depth_and_fanout() {
        let mut level = vec![0];
        let mut children = vec![0];
        for row in 1..200 {
            let parent = usize::try_from(tree(row, row, 4, 3)).unwrap();
            level.push(level[parent] + 1);
            children.push(0);
            children[parent] += 1;
        }
        assert_eq!(level.iter().max(), Some(&3));
        assert_eq!((children[0], children[1], children[3]), (3, 3, 3));
    }
}
