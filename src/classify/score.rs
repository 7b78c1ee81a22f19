//! How well guesses agree with labels: precision and recall over the tiers that a person must not miss.

use super::labels::Labelled;
use super::{Guess, Guesses};
use crate::model::tier::Tier;

/// Counts, and the shares that follow from them. Columns labelled B or F are in none but `free`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Labelled D, Q, S or C, and found to be one of them.
    pub hits: usize,
    /// Labelled N, and found to be one of them.
    pub false_alarms: usize,
    /// Labelled D, Q, S or C, and not found.
    pub misses: usize,
    /// Labelled D or C.
    pub direct_credential: usize,
    /// Of those, found.
    pub direct_credential_hits: usize,
    /// Labelled F.
    pub free: usize,
    /// Of those, found to want a mask.
    pub free_hits: usize,
    /// Labelled D, Q, S, C or N.
    pub columns: usize,
    /// Of those, with the very tier.
    pub same_tier: usize,
}

#[expect(clippy::cast_precision_loss, reason = "columns are far fewer than 2^52")]
fn share(part: usize, of: usize) -> f64 {
    if of == 0 { 1.0 } else { part as f64 / of as f64 }
}

impl Figures {
    /// Of what was found, the share that is right. One where nothing was found.
    #[must_use]
    pub fn precision(self) -> f64 {
        share(self.hits, self.hits + self.false_alarms)
    }

    /// Of what is there, the share that was found. One where nothing is there.
    #[must_use]
    pub fn recall(self) -> f64 {
        share(self.hits, self.hits + self.misses)
    }

    /// The harmonic mean of both.
    #[must_use]
    pub fn f1(self) -> f64 {
        share(2 * self.hits, 2 * self.hits + self.misses + self.false_alarms)
    }

    /// Recall over direct identifiers and credentials.
    #[must_use]
    pub fn recall_direct_credential(self) -> f64 {
        share(self.direct_credential_hits, self.direct_credential)
    }

    /// Recall over free text.
    #[must_use]
    pub fn recall_free(self) -> f64 {
        share(self.free_hits, self.free)
    }

    /// The share of columns with the very tier.
    #[must_use]
    pub fn tier_accuracy(self) -> f64 {
        share(self.same_tier, self.columns)
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            false_alarms: self.false_alarms + other.false_alarms,
            misses: self.misses + other.misses,
            direct_credential: self.direct_credential + other.direct_credential,
            direct_credential_hits: self.direct_credential_hits + other.direct_credential_hits,
            free: self.free + other.free,
            free_hits: self.free_hits + other.free_hits,
            columns: self.columns + other.columns,
            same_tier: self.same_tier + other.same_tier,
        }
    }
}

/// A column that label and guess disagree on.
#[derive(Debug, Clone)]
pub struct Miss {
    /// `table.column`.
    pub place: String,
    /// What the label says.
    pub label: Tier,
    /// What was guessed.
    pub guess: Guess,
}

/// The score of one schema.
#[derive(Debug, Clone, Default)]
pub struct Score {
    /// The figures.
    pub figures: Figures,
    /// Misses and false alarms.
    pub wrong: Vec<Miss>,
}

fn is_positive(tier: Tier) -> bool {
    matches!(tier, Tier::Direct | Tier::Quasi | Tier::Sensitive | Tier::Credential)
}

/// Holds guesses against labels. Columns without a label are left out.
#[must_use]
pub fn score(labelled: &Labelled, guesses: &Guesses) -> Score {
    let mut score = Score::default();
    for (at, table) in labelled.tables.iter().enumerate() {
        for (number, column) in table.columns.iter().enumerate() {
            let (Some(label), Some(guess)) = (labelled.tiers[at][number], guesses.at(at, number)) else {
                continue;
            };
            let found = is_positive(guess.tier);
            let figures = &mut score.figures;
            match label {
                Tier::Business => continue,
                Tier::Free => {
                    figures.free += 1;
                    figures.free_hits += usize::from(guess.tier.wants_mask());
                    continue;
                }
                _ => {}
            }
            figures.columns += 1;
            figures.same_tier += usize::from(guess.tier == label || (label == Tier::None && !found));
            if matches!(label, Tier::Direct | Tier::Credential) {
                figures.direct_credential += 1;
                figures.direct_credential_hits += usize::from(found);
            }
            match (is_positive(label), found) {
                (true, true) => figures.hits += 1,
                (true, false) => figures.misses += 1,
                (false, true) => figures.false_alarms += 1,
                (false, false) => {}
            }
            if is_positive(label) != found {
                let place = format!("{}.{}", table.name, column.name.escape_debug());
                score.wrong.push(Miss { place, label, guess: guess.clone() });
            }
        }
    }
    score
}
