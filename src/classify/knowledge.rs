//! General knowledge about names, from two text files that stand beside this one: what columns are called, and what tables are about.

use super::kinds::{self, Kind};
use super::words::forms;
use crate::model::tier::Tier;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

const PHRASES: &str = include_str!("lexicon.txt");
const NOUNS: &str = include_str!("nouns.txt");
/// A phrase has at most so many words.
const LONGEST: usize = 5;

/// How much a phrase says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// Only in a table about people.
    Weak,
    /// Unless the table is plainly about something else.
    Fair,
    /// In any table but one of lookup values.
    Strong,
}

/// A phrase of the lexicon.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phrase {
    pub(super) text: &'static str,
    pub(super) kind: &'static Kind,
    pub(super) strength: Strength,
}

/// What a noun is about, or what a word does to the phrase beside it. Several may hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Classes(u32);

/// The classes of `nouns.txt`.
const CLASSES: [&str; 24] = [
    "person",
    "trader",
    "either",
    "org",
    "public",
    "work",
    "attribute",
    "kind",
    "place",
    "thing",
    "log",
    "session",
    "auth",
    "mail",
    "pay",
    "health",
    "hr",
    "infra",
    "service",
    "veto",
    "veto contact",
    "veto soft",
    "veto first",
    "neutral",
];

impl Classes {
    /// Whether the class called `name` is among them.
    pub(super) fn has(self, name: &str) -> bool {
        CLASSES.iter().position(|class| *class == name).is_some_and(|bit| self.0 & (1 << bit) != 0)
    }

    pub(super) fn any(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A phrase in a name, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    pub(super) phrase: Phrase,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Knowledge {
    /// By the phrase without its spaces.
    phrases: HashMap<String, Phrase>,
    nouns: HashMap<String, Classes>,
    words: HashSet<&'static str>,
}

static ALL: LazyLock<Knowledge> = LazyLock::new(|| Knowledge::read(&BTreeSet::new()));

impl Knowledge {
    /// Everything that is known.
    #[must_use]
    pub fn get() -> &'static Self {
        &ALL
    }

    /// Everything but some phrases and nouns, by their text without spaces: to see what they are worth.
    #[must_use]
    pub fn without(left_out: &BTreeSet<String>) -> Self {
        Self::read(left_out)
    }

    fn read(left_out: &BTreeSet<String>) -> Self {
        let mut all = Self { phrases: HashMap::new(), nouns: HashMap::new(), words: HashSet::new() };
        for (head, language, text) in entries(PHRASES) {
            let Some((kind, strength)) = kind_and_strength(head) else {
                continue;
            };
            let joined = text.replace(' ', "");
            if !left_out.contains(&joined) {
                all.phrases.entry(joined).or_insert(Phrase { text, kind, strength });
            }
            all.learn(language, text);
        }
        for (class, language, text) in entries(NOUNS) {
            let bit = CLASSES.iter().position(|known| *known == class).map_or(0, |bit| 1 << bit);
            let joined = text.replace(' ', "");
            if !left_out.contains(&joined) {
                all.nouns.entry(joined).or_default().0 |= bit;
            }
            all.learn(language, text);
        }
        all
    }

    /// Words that compounds may be cut at. Short ones of other languages are in too many words.
    fn learn(&mut self, language: &str, text: &'static str) {
        let least = if language == "en" { 3 } else { 4 };
        self.words.extend(text.split(' ').filter(|word| word.len() >= least));
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.words.contains(word) || self.phrases.contains_key(word)
    }

    /// Every phrase in a name.
    pub(super) fn matches(&self, words: &[String]) -> Vec<Match> {
        let found = spans(words).filter_map(|(start, end)| {
            let text = words[start..end].concat();
            // German numbers are shortened: `kundennr`.
            let long = || self.phrases.get(&format!("{}nummer", text.strip_suffix("nr")?));
            let phrase = self.phrases.get(&text).or_else(long)?;
            Some(Match { phrase: *phrase, start, end })
        });
        let mut found: Vec<Match> = found.collect();
        for (at, word) in words.iter().enumerate().filter(|(_, word)| !self.is_word(word)) {
            if let Some(phrase) = self.ending(word)
                && !found.iter().any(|found| found.start <= at && at < found.end)
            {
                found.push(Match { phrase, start: at, end: at + 1 });
            }
        }
        found
    }

    /// The longest telling phrase that an unknown glued word ends with: `nasipaddress`.
    fn ending(&self, word: &str) -> Option<Phrase> {
        const SHORT: &[&str] = &["email", "phone", "passwd"];
        let starts = (2..word.len().saturating_sub(4)).filter(|at| word.is_char_boundary(*at));
        let found = starts.filter_map(|at| self.phrases.get(&word[at..]).map(|phrase| (word.len() - at, phrase)));
        let tells = |(length, phrase): &(usize, &Phrase)| {
            let long = *length >= 7 || SHORT.contains(&phrase.text);
            long && phrase.strength == Strength::Strong
                && (phrase.kind.name == "ip" || matches!(phrase.kind.tier, Tier::Direct | Tier::Credential))
        };
        found.filter(tells).max_by_key(|(length, _)| *length).map(|(_, phrase)| *phrase)
    }

    /// What a word is about, in the singular or plural.
    pub(super) fn classes(&self, word: &str) -> Classes {
        forms(word).filter_map(|form| self.nouns.get(&form).copied()).fold(Classes::default(), Classes::and)
    }

    /// What some words are about, one by one and together.
    pub(super) fn classes_of(&self, words: &[String]) -> Classes {
        spans(words)
            .map(|(start, end)| self.classes(&words[start..end].concat()))
            .fold(Classes::default(), Classes::and)
    }

    /// Phrases and nouns that occur in a name.
    pub(super) fn hits(&self, words: &[String]) -> BTreeSet<String> {
        let known = |text: &String| self.phrases.contains_key(text) || self.nouns.contains_key(text);
        spans(words)
            .flat_map(|(start, end)| forms(&words[start..end].concat()).filter(known).collect::<Vec<_>>())
            .collect()
    }
}

/// Every run of at most [`LONGEST`] words.
fn spans(words: &[String]) -> impl Iterator<Item = (usize, usize)> {
    let count = words.len();
    (0..count).flat_map(move |start| (start + 1..=count.min(start + LONGEST)).map(move |end| (start, end)))
}

fn kind_and_strength(head: &str) -> Option<(&'static Kind, Strength)> {
    let (kind, strength) = head.split_once(' ')?;
    let strength = match strength {
        "strong" => Strength::Strong,
        "fair" => Strength::Fair,
        "weak" => Strength::Weak,
        _ => return None,
    };
    Some((kinds::find(kind)?, strength))
}

/// The entries of a text file: head, language, phrase.
fn entries(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let mut head = "";
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter_map(move |line| {
            if let Some(new) = line.strip_prefix("= ") {
                head = new;
                return None;
            }
            let (language, phrases) = line.split_once(' ')?;
            Some(phrases.split(", ").map(move |phrase| (head, language, phrase)))
        })
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn every_line_of_the_files_is_understood() {
        let mut seen = BTreeSet::new();
        for (head, _, phrase) in entries(PHRASES) {
            assert!(kind_and_strength(head).is_some(), "= {head}");
            assert!(phrase.split(' ').count() <= LONGEST, "{phrase} is long");
            assert!(seen.insert(phrase.replace(' ', "")), "{phrase} stands twice");
            assert_eq!(words(phrase).concat(), phrase.replace(' ', ""), "{phrase} is not folded");
        }
        for (class, _, noun) in entries(NOUNS) {
            assert!(CLASSES.contains(&class), "= {class}");
            assert_eq!(words(noun).concat(), noun.replace(' ', ""), "{noun} is not folded");
        }
        for text in [PHRASES, NOUNS] {
            for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '='])) {
                let language = line.split(' ').next().unwrap_or_default();
                assert!((2..=3).contains(&language.len()), "{line} has no language");
            }
        }
        assert!(seen.len() > 3000);
    }
}
