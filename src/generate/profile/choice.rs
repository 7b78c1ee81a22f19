//! How many rows a table gets, and how they spread over those that they reference.

use crate::generate::draw::Place;
use crate::model::subset::Reference;

/// How many rows a table gets.
#[derive(Debug, Clone, PartialEq)]
pub enum Count {
    /// So many.
    Exactly(u64),
    /// So many for each row that a reference leads to.
    PerParent {
        /// The reference.
        reference: Box<Reference>,
        /// At least so many for each.
        min: f64,
        /// At most.
        max: f64,
        /// On average.
        mean: f64,
    },
}

/// How rows choose those that they reference.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Choice {
    /// How they spread.
    pub spread: Spread,
    /// The share of rows that reference nothing, where the profile says it.
    pub null: Option<f64>,
}

/// How rows spread over those that they reference.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Spread {
    /// Each with the same probability.
    #[default]
    Uniform,
    /// The n-th has the weight 1/n to this power.
    Zipf(f64),
    /// A share of the referenced rows gets a share of the rows.
    Pareto {
        /// The share of the referenced rows.
        share_of_parents: f64,
        /// The share of the rows.
        share_of_children: f64,
    },
    /// From so many to so many for each.
    Each {
        /// At least.
        least: u64,
        /// At most.
        most: u64,
    },
    /// One after the other.
    RoundRobin,
    /// A tree of rows of the same table.
    Tree {
        /// How many levels.
        depth: u64,
        /// How many rows under each.
        fanout: u64,
    },
}

impl Spread {
    /// The weight of the parent of this rank, from 0, among so many. Which parent has which rank is the caller's: see
    /// `ranks`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "rows are counted in millions")]
    pub fn weight(self, rank: usize, parents: usize) -> f64 {
        match self {
            Self::Zipf(power) => ((rank + 1) as f64).powf(-power),
            Self::Pareto { share_of_parents, share_of_children } => {
                let heads = heads(parents, share_of_parents);
                let rest = parents.saturating_sub(heads);
                match (rank < heads, rest) {
                    (true, 0) => 1.0,
                    (true, _) => share_of_children / heads as f64,
                    (false, rest) => (1.0 - share_of_children) / rest as f64,
                }
            }
            _ => 1.0,
        }
    }

    /// For each of `children` rows the parent it references, as an index below `parents`; none for all of them where there are
    /// no parents. A tree's rows are their own parents: roots have none, and every other row has an earlier one.
    #[must_use]
    pub fn over(self, parents: usize, children: usize, place: Place) -> Vec<Option<u32>> {
        if parents == 0 {
            return vec![None; children];
        }
        let ranks = ranks(parents, place);
        let mut chosen: Vec<Option<u32>> = match self {
            Self::Tree { depth, fanout } => return tree(children.min(parents), children, depth, fanout),
            Self::RoundRobin => (0..children).map(|at| Some(ranks[at % parents])).collect(),
            _ => self
                .quotas(parents, children, place)
                .into_iter()
                .zip(&ranks)
                .flat_map(|(quota, parent)| std::iter::repeat_n(Some(*parent), quota))
                .collect(),
        };
        chosen.truncate(children);
        chosen.resize(children, Some(ranks[0]));
        if self != Self::RoundRobin {
            shuffle(&mut chosen, place);
        }
        chosen
    }

    /// How many children the parent of each rank gets: the shares hold exactly, not only on average.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rows are counted in millions"
    )]
    fn quotas(self, parents: usize, children: usize, place: Place) -> Vec<usize> {
        match self {
            Self::Each { least, most } => {
                let (least, most) = (usize::try_from(least).unwrap_or(0), usize::try_from(most).unwrap_or(usize::MAX));
                let mut quotas = vec![least.min(children.div_ceil(parents)); parents];
                let left = children.saturating_sub(quotas.iter().sum());
                let mut open: Vec<usize> = (0..parents).filter(|parent| quotas[*parent] < most).collect();
                for at in 0..left {
                    // Where all have as many as they may, nobody is left out of what there is too much of.
                    let index = place.again(u64::MAX, at as u64).index(open.len());
                    let parent = open.get(index).copied().unwrap_or(at % parents);
                    quotas[parent] += 1;
                    if quotas[parent] >= most && index < open.len() {
                        open.swap_remove(index);
                    }
                }
                quotas
            }
            Self::Uniform => {
                let mut quotas = vec![0; parents];
                (0..children).for_each(|at| quotas[place.again(u64::MAX, at as u64).index(parents)] += 1);
                quotas
            }
            _ => {
                let weights: Vec<f64> = (0..parents).map(|rank| self.weight(rank, parents)).collect();
                let sum: f64 = weights.iter().sum();
                let (mut before, mut given) = (0.0, 0);
                let quota = |weight: &f64| {
                    before += weight / sum;
                    let until = ((before * children as f64).round() as usize).min(children);
                    let quota = until - given;
                    given = until;
                    quota
                };
                weights.iter().map(quota).collect()
            }
        }
    }
}

/// How many parents are the heads of a Pareto distribution.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rows are counted in millions"
)]
fn heads(parents: usize, share: f64) -> usize {
    ((parents as f64 * share).round() as usize).clamp(1, parents.max(1))
}

/// The parents by rank: heavy ones are not those that came first.
#[must_use]
pub fn ranks(parents: usize, place: Place) -> Vec<u32> {
    let mut ranks: Vec<u32> = (0..u32::try_from(parents).unwrap_or(u32::MAX)).collect();
    shuffle(&mut ranks, place);
    ranks
}

fn shuffle<T>(items: &mut [T], place: Place) {
    for at in (1..items.len()).rev() {
        let other = place.again(u64::MAX - 1, at as u64).index(at + 1);
        items.swap(at, other);
    }
}

/// Level by level, each row with its children behind one another.
fn tree(nodes: usize, children: usize, depth: u64, fanout: u64) -> Vec<Option<u32>> {
    let (fanout, mut level, mut power, mut weight) = (usize::try_from(fanout).unwrap_or(4), 1, 1_usize, 1_usize);
    while level < depth {
        power = power.saturating_mul(fanout);
        weight = weight.saturating_add(power);
        level += 1;
    }
    // So many roots that the levels below them have room for the rest.
    let roots = nodes.div_ceil(weight).max(1);
    let parent = |row: usize| (row >= roots).then(|| u32::try_from((row - roots) / fanout).unwrap_or(0));
    (0..children).map(parent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::draw::Seed;
    use crate::model::schema::TableName;

    fn counts(spread: Spread, parents: usize, children: usize) -> Vec<usize> {
        let place = Seed::new(1).place(&TableName::plain("orders"), "client_id");
        let mut counts = vec![0; parents];
        for parent in spread.over(parents, children, place).into_iter().flatten() {
            counts[parent as usize] += 1;
        }
        counts.sort_unstable_by(|a, b| b.cmp(a));
        counts
    }

    #[test]
    fn a_fifth_of_the_parents_gets_seven_tenths_of_the_children() {
        let counts = counts(Spread::Pareto { share_of_parents: 0.2, share_of_children: 0.7 }, 50, 1000);
        assert_eq!(counts.iter().sum::<usize>(), 1000);
        assert_eq!(counts[..10].iter().sum::<usize>(), 700);
    }

    #[test]
    fn each_stays_within_its_bounds_and_round_robin_is_even() {
        let counted = counts(Spread::Each { least: 1, most: 5 }, 40, 120);
        assert!(counted.iter().all(|count| (1..=5).contains(count)) && counted.iter().sum::<usize>() == 120);
        assert!(counts(Spread::RoundRobin, 7, 30).iter().all(|count| (4..=5).contains(count)));
        let zipf = counts(Spread::Zipf(1.0), 10, 1000);
        assert!(zipf[0] > 5 * zipf[9] && zipf.iter().sum::<usize>() == 1000);
        assert_eq!(counts(Spread::Uniform, 3, 0), [0, 0, 0]);
    }

    #[test]
    fn trees_hang_on_earlier_rows() {
        let place = Seed::new(1).place(&TableName::plain("c"), "p");
        let tree = Spread::Tree { depth: 3, fanout: 3 }.over(100, 100, place);
        let depth = |mut row: usize| {
            let mut depth = 1;
            while let Some(parent) = tree[row] {
                assert!((parent as usize) < row);
                (row, depth) = (parent as usize, depth + 1);
            }
            depth
        };
        let depths: Vec<usize> = (0..100).map(depth).collect();
        assert_eq!((depths.iter().max(), depths[0]), (Some(&3), 1));
        assert_eq!(Spread::Uniform.over(0, 2, place), [None, None]);
    }
}
