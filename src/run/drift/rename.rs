//! What was probably renamed: a column or table that is missing, and exactly one of the target's that looks like it.

use super::compare::Pair;
use crate::model::drift::{Aspect, Difference, Verdict};
use crate::model::schema::{Column, Table, TableName};
use crate::policy::names;

/// Says of each missing column what the target probably calls it.
pub(super) fn guess(pair: &Pair<'_>, found: &mut [Difference]) {
    let is_free = |column: &&Column| pair.captured.column_index(&column.name).is_none() && !column.generated;
    let free: Vec<&Column> = pair.live.columns.iter().filter(is_free).collect();
    let missing = |it: &Difference| it.aspect == Aspect::MissingColumn;
    let captured = |it: &Difference| Some(&pair.captured.columns[pair.captured.column_index(it.columns.first()?)?]);
    let candidates = |column: &Column| -> Vec<&str> {
        let alike = free.iter().filter(|other| other.family == column.family && is_alike(&column.name, &other.name));
        alike.map(|other| other.name.as_str()).collect()
    };
    let all: Vec<Vec<&str>> =
        found.iter().filter(|it| missing(it)).map(|it| captured(it).map(candidates).unwrap_or_default()).collect();
    for (it, mine) in found.iter_mut().filter(|it| missing(it)).zip(&all) {
        // One that two columns could have become says nothing about either.
        let [name] = mine.as_slice() else { continue };
        if all.iter().filter(|others| others.contains(name)).count() == 1 {
            tell(it, name);
        }
    }
}

/// The table that a missing one probably became, among those that the snapshot does not have.
pub(super) fn table<'a>(missing: &Table, free: &[&'a Table]) -> Option<&'a TableName> {
    let names = |table: &Table| table.columns.iter().map(|column| folded(&column.name)).collect::<Vec<_>>();
    let own = names(missing);
    let shares = |table: &&&Table| {
        let same = names(table).iter().filter(|name| own.contains(name)).count();
        // Most columns on both sides, or half of them where the name is alike too.
        let most = own.len().max(table.columns.len());
        same > 0 && (4 * same >= 3 * most || (2 * same >= most && is_alike(&missing.name.name, &table.name.name)))
    };
    let found: Vec<_> = free.iter().filter(shares).collect();
    let [only] = found.as_slice() else { return None };
    Some(&only.name)
}

/// Says what the target probably calls it.
pub(super) fn tell(it: &mut Difference, name: &str) {
    it.verdict = Verdict::Refused(format!("is it {} there? see below", name.escape_debug()));
    it.renamed = Some(name.to_owned());
}

/// Whether two names are one in two ways of writing, nearly one, or one with a word more.
fn is_alike(a: &str, b: &str) -> bool {
    let (one, other) = (folded(a), folded(b));
    one == other
        || has_words_of(a, b)
        || has_words_of(b, a)
        || names::closest(&one, std::iter::once(other.as_str())).is_some()
}

/// A name without case and without what stands between its words.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether every word of the one is in the other: `phone` in `phone_number`.
fn has_words_of(all: &str, some: &str) -> bool {
    let (all, some) = (words(all), words(some));
    !some.is_empty() && some.iter().all(|word| all.contains(word))
}

fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_one_thing_are_alike() {
        for (a, b) in
            [("status_id", "statusId"), ("deleted_at", "deletedAt"), ("phone", "phone_number"), ("emial", "email")]
        {
            assert!(is_alike(a, b) && is_alike(b, a), "{a} {b}");
        }
        for (a, b) in [("status_id", "deletedAt"), ("a", "b"), ("id", "at"), ("name", "email"), ("", "x")] {
            assert!(!is_alike(a, b), "{a} {b}");
        }
    }
}
