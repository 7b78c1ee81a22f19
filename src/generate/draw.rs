//! Keyed randomness: what a cell is depends on the seed, on the names of its table and column and on its row, and on nothing
//! else, so neither the order of tables nor the number of threads changes a row.

use crate::model::schema::TableName;

/// Where all randomness of a run comes from.
#[derive(Debug, Clone)]
pub struct Seed([u8; 32]);

/// The randomness of one place: a column, a reference, whatever has a name in a table.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    key: u64,
    step: u64,
}

/// A stream of numbers (SplitMix64, Steele et al. 2014).
#[derive(Debug, Clone)]
pub struct Draw {
    state: u64,
}

impl Seed {
    /// The seed of this number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(blake3::derive_key("terp-fixtures v1 generate", &number.to_le_bytes()))
    }

    /// The place called `what` in `table`.
    #[must_use]
    pub fn place(&self, table: &TableName, what: &str) -> Place {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in [table.schema.as_deref().unwrap_or_default(), &table.name, what] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        let hash = hasher.finalize();
        let (mut key, mut step) = ([0; 8], [0; 8]);
        key.copy_from_slice(&hash.as_bytes()[..8]);
        step.copy_from_slice(&hash.as_bytes()[8..16]);
        Place { key: u64::from_le_bytes(key), step: u64::from_le_bytes(step) | 1 }
    }
}

impl Place {
    /// The stream of a row.
    #[must_use]
    pub fn draw(self, row: u64) -> Draw {
        self.again(row, 0)
    }

    /// The stream of a row's further attempt.
    #[must_use]
    pub fn again(self, row: u64, attempt: u64) -> Draw {
        Draw { state: mix(self.key ^ mix(row.wrapping_mul(self.step))).wrapping_add(mix(attempt)) }
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Draw {
    /// The stream of a number.
    #[must_use]
    pub fn of(number: u64) -> Self {
        Self { state: number }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number below `limit`; 0 where that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        // Lemire's multiplication; its bias is below 2^-32 for every limit that occurs here.
        u64::try_from((u128::from(self.bits()) * u128::from(limit)) >> 64).unwrap_or(0)
    }

    /// A number in `low..=high`; `low` where that is nothing.
    pub fn between(&mut self, low: i128, high: i128) -> i128 {
        let span = u64::try_from(high.saturating_sub(low).saturating_add(1)).unwrap_or(u64::MAX);
        low.saturating_add(i128::from(self.below(if high < low { 1 } else { span })))
    }

    /// A number from 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// An index below `length`; 0 where there is nothing to choose from.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// One of `items`.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items.len())]
    }

    /// One of `words`.
    ///
    /// # Panics
    /// When there are none.
    pub fn word(&mut self, words: &[&'static str]) -> &'static str {
        words[self.index(words.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_depends_on_its_names_only() {
        let (a, b) = (TableName::plain("a"), TableName { schema: Some("a".into()), name: String::new() });
        let first =
            |seed: u64, table: &TableName, what: &str, row: u64| Seed::new(seed).place(table, what).draw(row).bits();
        assert_eq!(first(1, &a, "x", 7), first(1, &a, "x", 7));
        let others = [first(2, &a, "x", 7), first(1, &b, "x", 7), first(1, &a, "y", 7), first(1, &a, "x", 8)];
        assert!(others.iter().all(|other| *other != first(1, &a, "x", 7)));
        let place = Seed::new(1).place(&a, "x");
        assert_ne!(place.again(7, 1).bits(), place.again(7, 2).bits());
    }

    #[test]
    fn draws_stay_in_range() {
        let mut draw = Draw::of(0);
        assert_eq!(draw.bits(), 0xe220_a839_7b1d_cdaf);
        for _ in 0..1000 {
            assert!(draw.below(7) < 7 && (-3..=5).contains(&draw.between(-3, 5)) && (0.0..1.0).contains(&draw.unit()));
        }
        assert_eq!((draw.below(0), draw.between(4, 4), draw.between(9, 4), draw.index(0)), (0, 4, 9, 0));
        assert!((0..=i128::from(u64::MAX)).contains(&draw.between(0, i128::MAX)));
    }
}
