//! Texts: what a maker writes, cut and padded to what the column takes, and told apart by a number where they must differ.

use super::guard::Guard;
use super::makers::{Ink, Make, Tag};
use super::number::Holes;
use super::pattern::Pattern;
use super::types::ENDLESS;
use super::{Field, Made, Row, Spec, Subject, vocabulary};
use crate::generate::draw::Draw;
use crate::generate::restriction::Case;
use crate::generate::value::Value;
use crate::model::schema::EngineKind;

/// Something that writes texts, of which it can number some.
pub(super) trait Spell: Send + Sync {
    /// A text for a row.
    fn write(&self, row: &Row<'_>, draw: &mut Draw, out: &mut String);
    /// How many texts it can number.
    fn capacity(&self) -> u64;
    /// The text with that number.
    fn nth(&self, n: u64, row: &Row<'_>, out: &mut String);
    /// The number of a text, should it have one.
    fn index_of(&self, text: &str) -> Option<u64>;
}

/// Below this, what would be left of a text beside its number is not worth having.
const SHORT: u32 = 8;
/// With fewer texts than this a column that must differ gets others.
const ENOUGH: u64 = 500;
/// More digits than any number of rows has.
const MOST_DIGITS: u32 = 15;

/// What a maker writes.
struct Named {
    make: &'static Make,
    noun: String,
    least: u32,
    room: u32,
    case: Option<Case>,
    now: i64,
}

/// One of a list; then codes, or the list again with a number.
struct Listed {
    list: Vec<&'static str>,
    code: Option<Pattern>,
    /// The list's own places among the codes.
    taken: Vec<i128>,
    case: Option<Case>,
}

struct Texts {
    usual: Box<dyn Spell>,
    apart: Option<Box<dyn Spell>>,
    holes: Holes,
    capacity: u64,
    guard: Guard,
    room: u32,
    open: bool,
    edges: Vec<String>,
    /// An end of its range, for want of anything else.
    end: Option<String>,
}

/// The field of a column of texts.
pub(super) fn of(spec: &Spec<'_>, room: u32, make: Option<&'static Make>) -> Made {
    let rule = spec.restriction;
    let (least, most) = (rule.length.0.unwrap_or(0), rule.length.1.unwrap_or(ENDLESS).min(room));
    if least > most {
        return Err("no text of its length keeps to its conditions".to_owned());
    }
    let guard = Guard::of(spec);
    let mut candidates = candidates(spec, least, most, make);
    let makes =
        |spell: &dyn Spell| (0..24).all(|n| passes(&guard, most, |out| spell.write(&ROW, &mut Draw::of(n), out)));
    let numbers = |spell: &dyn Spell| {
        let capacity = spell.capacity();
        let some = [0, 1, 2, 11, 999, 123_456_789, capacity.saturating_sub(1)];
        let is_forbidden = |n: u64| {
            rule.none_of.iter().any(|value| matches!(value, Value::Text(text) if spell.index_of(text) == Some(n)))
        };
        let mut tried = some.into_iter().filter(|n| *n < capacity && !is_forbidden(*n));
        capacity > 0 && tried.all(|n| passes(&guard, most, |out| spell.nth(n, &ROW, out)))
    };
    // The first that can number enough rows, else the one that can number most.
    let numbering: Vec<usize> = (0..candidates.len()).filter(|at| numbers(&*candidates[*at])).collect();
    let enough = numbering.iter().copied().find(|at| candidates[*at].capacity() >= ENOUGH);
    let apart = enough.or_else(|| numbering.into_iter().rev().max_by_key(|at| candidates[*at].capacity()));
    let usual = candidates.iter().position(|spell| makes(&**spell)).or(apart).unwrap_or(candidates.len() - 1);
    let apart = apart.filter(|at| *at != usual).map(|at| (at, candidates.remove(at)));
    let usual = candidates.remove(if apart.as_ref().is_some_and(|(at, _)| *at < usual) { usual - 1 } else { usual });
    let numbered = match &apart {
        Some((_, spell)) => Some(&**spell),
        None if numbers(&*usual) => Some(&*usual),
        None => None,
    };
    let index = |value: &Value| match value {
        Value::Text(text) => numbered?.index_of(text).map(i128::from),
        _ => None,
    };
    let all = numbered.map_or(0, Spell::capacity);
    let holes = Holes::of(rule.none_of.iter().filter_map(index).collect(), |n| n < i128::from(all));
    let capacity = holes.capacity(all);
    let ends = [&rule.low, &rule.high].into_iter().flatten().filter(|bound| bound.inclusive);
    let end = ends.filter(|bound| guard.holds(&bound.value)).find_map(|bound| match &bound.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    });
    let open = guard.is_open();
    let edges = if spec.edge { edges(spec, least, most, &guard) } else { Vec::new() };
    Ok(Box::new(Texts {
        usual,
        apart: apart.map(|(_, spell)| spell),
        holes,
        capacity,
        guard,
        room: most,
        open,
        edges,
        end,
    }))
}

/// A row to try things on.
const ROW: Row<'static> = Row { number: 7, cells: &[], subject: Subject(7), people: &[Subject(7)] };

fn passes(guard: &Guard, room: u32, write: impl Fn(&mut String)) -> bool {
    let mut text = String::new();
    write(&mut text);
    text.chars().count() <= room as usize && guard.holds(&Value::Text(text))
}

/// Whatever might write the column's texts, the most telling one first.
fn candidates(spec: &Spec<'_>, least: u32, most: u32, make: Option<&'static Make>) -> Vec<Box<dyn Spell>> {
    let rule = spec.restriction;
    let mut found: Vec<Box<dyn Spell>> = Vec::new();
    let upper = rule.case != Some(Case::Lower);
    let code = || Pattern::code(least, most, upper);
    match make {
        Some(Make::List(list)) if least <= SHORT => {
            let list: Vec<&'static str> =
                list.iter().copied().filter(|item| (least as usize..=most as usize).contains(&item.len())).collect();
            if !list.is_empty() {
                let longest = list.iter().map(|item| item.len()).max().unwrap_or(0);
                let code = ((most as usize) < longest + SHORT as usize).then(code);
                let taken = code.iter().flat_map(|code| list.iter().filter_map(|item| code.index_of(item)));
                let mut taken: Vec<i128> = taken.map(i128::from).collect();
                taken.sort_unstable();
                taken.dedup();
                found.push(Box::new(Listed { list, code, taken, case: rule.case }));
            }
        }
        Some(make @ Make::Text(_, tag)) if most >= tag.room() => {
            found.push(Box::new(Named::of(spec, make, least, most)));
        }
        _ => {}
    }
    if most >= SHORT {
        let plain =
            if most > 120 && !matches!(make, Some(Make::List(_))) { &vocabulary::PROSE } else { &vocabulary::WORDS };
        found.push(Box::new(Named::of(spec, plain, least, most)));
    }
    for pattern in &rule.like {
        found.insert(found.len(), Box::new(Pattern::like(pattern, least, most)));
    }
    for expression in &rule.matches {
        if let Some(pattern) = Pattern::regex(expression, least, most) {
            found.push(Box::new(pattern));
        }
    }
    found.push(Box::new(code()));
    found.push(Box::new(Pattern::code(least, most, !upper)));
    found
}

/// Texts at the edge of what the column takes.
fn edges(spec: &Spec<'_>, least: u32, most: u32, guard: &Guard) -> Vec<String> {
    let long = most.min(2000) as usize;
    let filler: String = "Wide margins keep long words whole. ".chars().cycle().take(long).collect();
    let filler = filler.trim_end().to_owned() + &"x".repeat(long - filler.trim_end().len());
    let mut edges = vec![filler, String::new()];
    let collation = spec.column().collation.as_deref().or(spec.catalogue.settings.get("collation").map(String::as_str));
    let wide = match spec.engine {
        EngineKind::Mysql | EngineKind::Mariadb => collation.is_some_and(|name| name.starts_with("utf8mb4")),
        EngineKind::Postgres => spec.catalogue.settings.get("encoding").is_none_or(|name| name == "UTF8"),
        EngineKind::Sqlite => true,
    };
    if wide && !spec.table.create.to_ascii_lowercase().contains("charset=latin1") {
        edges.push("🌿 Žluťoučký kůň".chars().take(most as usize).collect());
    }
    edges.retain(|text| guard.holds(&Value::text(text.as_str())) && text.chars().count() >= least as usize);
    edges
}

impl Field for Texts {
    fn make(&self, row: &Row<'_>, draw: &mut Draw) -> Value {
        if !self.edges.is_empty() && draw.chance(0.15) {
            return Value::Text(draw.pick(&self.edges).clone());
        }
        let mut made = String::with_capacity(24);
        self.usual.write(row, draw, &mut made);
        if self.open {
            return Value::Text(made);
        }
        for _ in 0..48 {
            let fits = made.chars().count() <= self.room as usize;
            let value = Value::Text(std::mem::take(&mut made));
            if fits && self.guard.holds(&value) {
                return value;
            }
            self.usual.write(row, draw, &mut made);
        }
        match &self.end {
            _ if self.capacity > 0 => self.nth(draw.below(self.capacity), row),
            Some(end) => Value::text(end.as_str()),
            None => Value::Text(made),
        }
    }

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn nth(&self, n: u64, row: &Row<'_>) -> Value {
        let spell = self.apart.as_ref().unwrap_or(&self.usual);
        let identity = |n: u64| i128::from(n);
        let at = self.holes.nth(self.capacity.saturating_add(self.holes.count()), n, identity);
        let mut out = String::with_capacity(24);
        spell.nth(u64::try_from(at).unwrap_or(0), row, &mut out);
        Value::Text(out)
    }
}

fn cased(text: &mut String, start: usize, case: Option<Case>) {
    let changed = match case {
        None => return,
        Some(Case::Lower) => text[start..].to_lowercase(),
        Some(Case::Upper) => text[start..].to_uppercase(),
    };
    text.truncate(start);
    text.push_str(&changed);
}

impl Named {
    fn of(spec: &Spec<'_>, make: &'static Make, least: u32, room: u32) -> Self {
        let noun = vocabulary::noun_of(&spec.table.name.name, &spec.column().name);
        Self { make, noun, least, room, case: spec.restriction.case, now: spec.now }
    }

    fn ink<'a>(&'a self, row: &'a Row<'a>, draw: &'a mut Draw, room: u32, out: &'a mut String) -> Ink<'a> {
        Ink { out, draw, row, room: room as usize, noun: &self.noun, now: self.now }
    }

    /// Writes what the maker writes, between `least` and `room` characters of it.
    fn stem(&self, row: &Row<'_>, draw: &mut Draw, least: u32, room: u32, out: &mut String) {
        let start = out.len();
        match self.make {
            Make::Text(write, _) => write(&mut self.ink(row, draw, room, out)),
            Make::List(list) => out.push_str(draw.word(list)),
            _ => {}
        }
        while out.len() - start < least as usize {
            if out.len() > start {
                out.push(' ');
            }
            out.push_str(draw.word(vocabulary::WORD_LIST));
        }
        vocabulary::cut(out, start, room as usize);
        while out.len() - start < least as usize {
            out.push('x');
        }
    }

    fn tag(&self) -> Tag {
        if let Make::Text(_, tag) = self.make { *tag } else { Tag::Word }
    }
}

impl Spell for Named {
    fn write(&self, row: &Row<'_>, draw: &mut Draw, out: &mut String) {
        let start = out.len();
        self.stem(row, draw, self.least, self.room, out);
        cased(out, start, self.case);
    }

    fn capacity(&self) -> u64 {
        match self.tag() {
            Tag::Own(count, least, _) => {
                if self.room >= least && self.least <= least {
                    count
                } else {
                    0
                }
            }
            Tag::None => 0,
            tag => {
                let digits = self.room.saturating_sub(tag.around()).min(MOST_DIGITS);
                10_u64.pow(digits)
            }
        }
    }

    fn nth(&self, n: u64, row: &Row<'_>, out: &mut String) {
        let start = out.len();
        let mut draw = Draw::of(super::code::scrambled(n));
        match self.tag() {
            Tag::Own(_, _, write) => write(n, out),
            Tag::None => {}
            tag => {
                let number = n.to_string();
                let digits = u32::try_from(number.len()).unwrap_or(0);
                let gap = u32::from(matches!(tag, Tag::Word));
                self.stem(row, &mut draw, self.least.saturating_sub(digits + gap), self.room, out);
                let written = out.split_off(start);
                let (stem, tail) = tag.split(&written);
                let stem = stem.trim_end_matches(|c: char| {
                    c.is_ascii_digit() || c.is_whitespace() || c == '.' || c == '_' || c == '-'
                });
                let left = (self.room as usize).saturating_sub(tail.len() + number.len() + gap as usize);
                out.push_str(stem);
                vocabulary::cut(out, start, left);
                while out[start..].ends_with(|c: char| c.is_ascii_digit()) {
                    out.pop();
                }
                if gap > 0 && out.len() > start {
                    out.push(' ');
                }
                let missing = (self.least as usize).saturating_sub(out.len() - start + number.len() + tail.len());
                out.extend(std::iter::repeat_n('x', missing));
                out.push_str(&number);
                out.push_str(tail);
            }
        }
        cased(out, start, self.case);
    }

    fn index_of(&self, text: &str) -> Option<u64> {
        let tag = self.tag();
        let (head, _) = tag.split(text.trim_end());
        let digits = head.len() - head.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        // Of makers with numbers of their own no text is known; nobody forbids a telephone number.
        head[head.len() - digits..].parse().ok().filter(|n| !matches!(tag, Tag::Own(..)) && *n < self.capacity())
    }
}

impl Spell for Listed {
    fn write(&self, _: &Row<'_>, draw: &mut Draw, out: &mut String) {
        let start = out.len();
        let at = draw.index(self.list.len()).min(draw.index(self.list.len()));
        out.push_str(self.list[at]);
        cased(out, start, self.case);
    }

    fn capacity(&self) -> u64 {
        match &self.code {
            // The list comes first, and its own places among the codes are left out.
            Some(code) => (self.list.len() as u64).saturating_add(code.capacity() - self.taken.len() as u64),
            // A space and seven digits at most.
            None => self.list.len() as u64 * 9_999_998,
        }
    }

    fn nth(&self, n: u64, row: &Row<'_>, out: &mut String) {
        let (start, count) = (out.len(), self.list.len() as u64);
        let item = |n: u64| self.list[usize::try_from(n % count).unwrap_or(0)];
        match &self.code {
            _ if n < count => out.push_str(item(n)),
            None => {
                out.push_str(item(n));
                out.push(' ');
                out.push_str(&(n / count + 1).to_string());
            }
            Some(code) => {
                let holes = Holes::of(self.taken.clone(), |_| true);
                let at = holes.nth(code.capacity(), n - count, i128::from);
                code.nth(u64::try_from(at).unwrap_or(0), row, out);
            }
        }
        cased(out, start, self.case);
    }

    fn index_of(&self, text: &str) -> Option<u64> {
        self.list.iter().position(|item| item.eq_ignore_ascii_case(text.trim_end())).map(|at| at as u64)
    }
}
