//! Texts by a pattern: LIKE, regular expressions and plain codes, all as letters to choose from, place by place.

use super::Row;
use super::text::Spell;
use crate::generate::draw::Draw;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Letters and digits that codes are made of.
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
/// As often as anything is repeated that may be repeated without end.
const OFTEN: u32 = 40;

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    /// One of these characters.
    One(Vec<char>),
    /// All of them, one behind the other.
    All(Vec<Node>),
    /// Any of them.
    Any(Vec<Node>),
    /// At least and at most so often.
    Repeat(Box<Node>, u32, u32),
}

/// Texts of one length: for each place the characters that may stand there, of which no two are the same but for their case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Places(Vec<Vec<char>>);

/// What a pattern describes, and the texts of one length that are numbered.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    node: Node,
    places: Places,
}

impl Pattern {
    /// A code of capitals and digits that begins with a letter.
    pub(super) fn code(least: u32, most: u32, upper: bool) -> Self {
        let letters = if upper { UPPER } else { LOWER };
        let first = Node::One(letters.chars().collect());
        let rest = Node::One(letters.chars().chain(DIGITS.chars()).collect());
        let most = most.clamp(least.max(1), least.max(8));
        let node = if most == 0 {
            Node::All(Vec::new())
        } else {
            Node::All(vec![first, Node::Repeat(Box::new(rest), least.max(1) - 1, most - 1)])
        };
        Self::of(node, least, most)
    }

    /// What a LIKE pattern describes: all but `%` and `_` as it is.
    pub(super) fn like(pattern: &str, least: u32, most: u32) -> Self {
        let upper = pattern.chars().any(char::is_uppercase) || !pattern.chars().any(char::is_lowercase);
        let letters: Vec<char> = if upper { UPPER } else { LOWER }.chars().collect();
        let free: Vec<char> = letters.iter().copied().chain(DIGITS.chars()).collect();
        let (mut nodes, mut rest) = (Vec::new(), pattern.chars().peekable());
        while let Some(c) = rest.next() {
            nodes.push(match c {
                '%' => Node::Repeat(Box::new(Node::One(free.clone())), 0, OFTEN),
                '_' => Node::One(letters.clone()),
                '\\' if rest.peek().is_some() => Node::One(rest.next().into_iter().collect()),
                c => Node::One(vec![c]),
            });
        }
        Self::of(Node::All(nodes), least, most)
    }

    /// What a regular expression describes. None where it is none for us.
    pub(super) fn regex(expression: &str, least: u32, most: u32) -> Option<Self> {
        let node = node(&regex_syntax::parse(expression).ok()?)?;
        Some(Self::of(node, least, most))
    }

    fn of(node: Node, least: u32, most: u32) -> Self {
        let (mut best, mut count) = (Places::default(), 0);
        for extra in 0..=OFTEN {
            let places = Places::of(&places(&node, extra));
            let length = u32::try_from(places.0.len()).unwrap_or(u32::MAX);
            let fits = (least..=most).contains(&length);
            if fits && (count == 0 || places.count() > count) {
                count = places.count();
                best = places;
            }
            if count > 1 << 40 || length > most {
                break;
            }
        }
        Self { node, places: best }
    }
}

/// The characters at each place when everything that may be repeated is repeated `extra` times more than it must be.
fn places(node: &Node, extra: u32) -> Vec<Vec<char>> {
    match node {
        Node::One(chars) => vec![chars.clone()],
        Node::All(nodes) => nodes.iter().flat_map(|node| places(node, extra)).collect(),
        Node::Any(nodes) => {
            let all = nodes.iter().map(|node| places(node, extra));
            all.max_by_key(|places| Places::of(places).count()).unwrap_or_default()
        }
        Node::Repeat(node, least, most) => {
            let once = places(node, extra);
            let times = least.saturating_add(extra).min(*most);
            (0..times).flat_map(|_| once.clone()).collect()
        }
    }
}

impl Places {
    fn of(places: &[Vec<char>]) -> Self {
        Self(places.iter().map(|chars| Self::apart(chars)).collect())
    }

    fn apart(chars: &[char]) -> Vec<char> {
        let mut apart: Vec<char> = Vec::with_capacity(chars.len());
        for c in chars {
            if !apart.iter().any(|other| other.eq_ignore_ascii_case(c)) {
                apart.push(*c);
            }
        }
        // A space at the end does not tell texts apart, so it is no choice anywhere.
        if apart.len() > 1 {
            apart.retain(|c| *c != ' ');
        }
        apart
    }

    fn count(&self) -> u64 {
        self.0.iter().fold(1_u64, |count, chars| count.saturating_mul(chars.len().max(1) as u64))
    }

    fn nth(&self, mut n: u64) -> String {
        let mut text: Vec<char> = Vec::with_capacity(self.0.len());
        for chars in self.0.iter().rev() {
            let size = chars.len().max(1) as u64;
            text.extend(chars.get(usize::try_from(n % size).unwrap_or(0)));
            n /= size;
        }
        text.iter().rev().collect()
    }

    fn index_of(&self, text: &str) -> Option<u64> {
        let chars: Vec<char> = text.trim_end().chars().collect();
        if chars.len() != self.0.len() {
            return None;
        }
        self.0.iter().zip(chars).try_fold(0_u64, |n, (apart, c)| {
            let at = apart.iter().position(|other| other.eq_ignore_ascii_case(&c))?;
            n.checked_mul(apart.len() as u64)?.checked_add(at as u64)
        })
    }
}

impl Spell for Pattern {
    fn write(&self, _: &Row<'_>, draw: &mut Draw, out: &mut String) {
        write(&self.node, draw, out);
    }

    fn capacity(&self) -> u64 {
        self.places.count()
    }

    fn nth(&self, n: u64, _: &Row<'_>, out: &mut String) {
        out.push_str(&self.places.nth(n));
    }

    fn index_of(&self, text: &str) -> Option<u64> {
        self.places.index_of(text)
    }
}

fn write(node: &Node, draw: &mut Draw, out: &mut String) {
    match node {
        Node::One(chars) => out.extend(chars.get(draw.index(chars.len()))),
        Node::All(nodes) => nodes.iter().for_each(|node| write(node, draw, out)),
        Node::Any(nodes) => {
            if let Some(node) = nodes.get(draw.index(nodes.len())) {
                write(node, draw, out);
            }
        }
        Node::Repeat(node, least, most) => {
            // A few more than it must be, not as many as it may be.
            let most = (*most).min(least.saturating_add(8));
            let times = draw.between((*least).into(), most.into());
            (0..times).for_each(|_| write(node, draw, out));
        }
    }
}

fn node(hir: &Hir) -> Option<Node> {
    Some(match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Node::All(Vec::new()),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            Node::All(text.chars().map(|c| Node::One(vec![c])).collect())
        }
        HirKind::Class(class) => Node::One(characters(class)?),
        HirKind::Repetition(repeat) => {
            let most = repeat.max.unwrap_or(repeat.min.saturating_add(OFTEN));
            Node::Repeat(Box::new(node(&repeat.sub)?), repeat.min, most)
        }
        HirKind::Capture(capture) => node(&capture.sub)?,
        HirKind::Concat(parts) => Node::All(parts.iter().map(node).collect::<Option<_>>()?),
        HirKind::Alternation(parts) => Node::Any(parts.iter().map(node).collect::<Option<_>>()?),
    })
}

/// The plainest characters of a class: letters and digits if it has any, else signs, else its first one.
fn characters(class: &Class) -> Option<Vec<char>> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => class.ranges().iter().map(|range| (range.start().into(), range.end().into())).collect(),
    };
    let within = |c: &char| ranges.iter().any(|(from, to)| (from..=to).contains(&c));
    let plain: Vec<char> = UPPER.chars().chain(LOWER.chars()).chain(DIGITS.chars()).filter(within).collect();
    if !plain.is_empty() {
        return Some(plain);
    }
    let signs: Vec<char> = (' '..='~').filter(within).collect();
    if signs.is_empty() { ranges.first().map(|(first, _)| vec![*first]) } else { Some(signs) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::field::Subject;
    use crate::generate::field::guard::like;
    use std::collections::BTreeSet;

    const ROW: Row<'static> = Row { number: 0, cells: &[], subject: Subject(0), people: &[] };

    fn all(pattern: &Pattern, holds: impl Fn(&str) -> bool) {
        let mut seen = BTreeSet::new();
        for n in 0..pattern.capacity().min(3000) {
            let mut text = String::new();
            pattern.nth(n, &ROW, &mut text);
            assert!(holds(&text), "{text}");
            assert_eq!(pattern.index_of(&text), Some(n), "{text}");
            assert!(seen.insert(text.to_lowercase()), "{text}");
        }
        for n in 0..200 {
            let mut text = String::new();
            pattern.write(&ROW, &mut Draw::of(n), &mut text);
            assert!(holds(&text), "{text}");
        }
    }

    #[test]
    fn patterns_make_what_they_match() {
        for pattern in ["A-%", "__", "%@%.test", "a\\%_", "x%y%z", "INV-____-%"] {
            all(&Pattern::like(pattern, 0, 60), |text| like(pattern, text));
        }
        for expression in
            ["^[A-Z]{2}[0-9]{4}$", "^(a|bc)+$", "^#[0-9a-fA-F]{6}$", "^\\S+@\\S+\\.[a-z]+$", "^v\\d+(\\.\\d+)*$", "x?"]
        {
            let regex = regex::Regex::new(expression).unwrap();
            all(&Pattern::regex(expression, 0, 60).unwrap(), |text| regex.is_match(text));
        }
    }

    #[test]
    fn codes_use_all_of_their_room() {
        assert_eq!(Pattern::code(0, 2, true).capacity(), 26 * 36);
        assert_eq!(Pattern::code(1, 1, true).capacity(), 26);
        for room in 1..12 {
            all(&Pattern::code(0, room, true), |text| text.len() <= room as usize && !text.is_empty());
        }
        assert!(Pattern::code(20, 40, false).capacity() > 1 << 60);
    }
}
