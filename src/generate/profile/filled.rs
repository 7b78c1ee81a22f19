//! Texts of templates, row by row.

use super::fields::{Lists, Picked, from_above};
use super::template::{PERSON, Part, Random, Template};
use super::{fit, lookup};
use crate::generate::draw::Draw;
use crate::generate::field::{Field, Row, Spec, Subject};
use crate::generate::invariant::function;
use crate::generate::restriction::{Case, Restriction};
use crate::generate::value::Value;
use crate::model::schema::{Column, Family};

/// A template of one column.
struct Filled {
    parts: Vec<Filling>,
    /// The longest text.
    most: usize,
    capacity: u64,
    restriction: Restriction,
}

enum Filling {
    Literal(String),
    Number(usize),
    Random(Random, usize),
    Column(usize),
    List(Picked),
    Person(&'static str),
}

pub(super) fn filled(
    template: &Template,
    column: &Column,
    spec: &Spec<'_>,
    lists: Lists<'_>,
) -> Option<Box<dyn Field>> {
    let texts = matches!(column.family, Family::Text | Family::Any | Family::Json);
    if !texts || template.is_late() || spec.restriction.one_of.is_some() {
        return None;
    }
    let free = Restriction::default();
    let open = Spec { restriction: &free, labels: &[], ..*spec };
    let text = Column { family: Family::Any, ..column.clone() };
    let mut parts = Vec::new();
    for part in &template.parts {
        parts.push(match part {
            Part::Literal(literal) => Filling::Literal(literal.clone()),
            Part::Number(width) => Filling::Number(*width),
            Part::Random(random, width) => Filling::Random(*random, *width),
            Part::Named(names) => {
                let name = names.first()?;
                let own = lookup::column(spec.table, name).filter(|own| *own != spec.column);
                match (own, PERSON.into_iter().find(|word| word == name)) {
                    (Some(own), _) => Filling::Column(own),
                    (None, Some(word)) => Filling::Person(word),
                    (None, None) => Filling::List(of_list(lists(name)?, &text, &open)?),
                }
            }
        });
    }
    let most = column.length.map_or(usize::MAX, |length| length as usize);
    let most = most.min(spec.restriction.length.1.map_or(usize::MAX, |most| most as usize));
    let filled = Filled { capacity: capacity(&parts, most), parts, most, restriction: spec.restriction.clone() };
    Some(Box::new(filled))
}

fn of_list(values: &[(String, f64)], column: &Column, spec: &Spec<'_>) -> Option<Picked> {
    let (mut found, mut sums, mut sum) = (Vec::new(), Vec::new(), 0.0);
    for (written, weight) in values.iter().filter(|(_, weight)| *weight > 0.0) {
        found.push(fit::scalar(column, written, spec.labels)?);
        sum += weight;
        sums.push(sum);
    }
    (!found.is_empty()).then(|| Picked { distinct: (0..found.len()).collect(), values: found, sums })
}

/// How many different texts the row's number makes: it must stand apart from other digits, and must not be cut off.
fn capacity(parts: &[Filling], most: usize) -> u64 {
    let Some(at) = parts.iter().position(|part| matches!(part, Filling::Number(_))) else { return 0 };
    let is_apart = |part: Option<&Filling>, last: bool| match part {
        None => true,
        Some(Filling::Literal(text)) => {
            let c = if last { text.chars().next_back() } else { text.chars().next() };
            !c.is_some_and(|c| c.is_ascii_digit())
        }
        Some(_) => false,
    };
    if !is_apart(at.checked_sub(1).and_then(|before| parts.get(before)), true) || !is_apart(parts.get(at + 1), false) {
        return 0;
    }
    let fixed = parts.iter().map(|part| if let Filling::Literal(text) = part { text.chars().count() } else { 0 });
    let loose = parts.iter().any(|part| !matches!(part, Filling::Literal(_) | Filling::Number(_)));
    let room = most.saturating_sub(fixed.sum());
    // Something else of any length that stands in front of the number could push it out.
    let room = if loose && most < usize::MAX { room / 2 } else { room };
    10_u64.saturating_pow(u32::try_from(room.min(18)).unwrap_or(18)).saturating_sub(1)
}

impl Filled {
    fn text(&self, number: u64, row: &Row<'_>, draw: &mut Draw) -> String {
        let number = number.saturating_add(1);
        let fixed: usize = self
            .parts
            .iter()
            .map(|part| match part {
                Filling::Literal(text) => text.chars().count(),
                Filling::Number(width) => format!("{number:0width$}").len(),
                _ => 0,
            })
            .sum();
        // What is loose shares what is left.
        let mut left = self.most.saturating_sub(fixed);
        let mut text = String::new();
        for part in &self.parts {
            let loose = match part {
                Filling::Literal(literal) => {
                    text.push_str(literal);
                    continue;
                }
                Filling::Number(width) => {
                    text += &format!("{number:0width$}");
                    continue;
                }
                Filling::Random(random, width) => (0..*width).map(|_| random_char(*random, draw)).collect(),
                Filling::Column(column) => {
                    row.cells.get(*column).and_then(Option::as_ref).map(function::text).unwrap_or_default()
                }
                Filling::List(list) => function::text(&list.make(row, draw)),
                Filling::Person(word) => person(row.subject, word),
            };
            let before = text.len();
            text.extend(loose.chars().take(left));
            left = left.saturating_sub(text[before..].chars().count());
        }
        match self.restriction.case {
            Some(Case::Lower) => text.to_lowercase(),
            Some(Case::Upper) => text.to_uppercase(),
            None => text,
        }
        .chars()
        .take(self.most)
        .collect()
    }
}

impl Field for Filled {
    fn make(&self, row: &Row<'_>, draw: &mut Draw) -> Value {
        Value::Text(self.text(row.number, row, draw))
    }

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn nth(&self, n: u64, row: &Row<'_>) -> Value {
        let width =
            self.parts.iter().find_map(|part| if let Filling::Number(width) = part { Some(*width) } else { None });
        let digits = u32::try_from(width.unwrap_or(1).clamp(4, 18)).unwrap_or(4);
        let number = from_above(n, (10_u64.pow(digits) - 1).min(self.capacity));
        Value::Text(self.text(number, row, &mut Draw::of(n)))
    }

    fn needs(&self) -> Vec<usize> {
        let column = |part: &Filling| if let Filling::Column(column) = part { Some(*column) } else { None };
        self.parts.iter().filter_map(column).collect()
    }
}

fn random_char(random: Random, draw: &mut Draw) -> char {
    let from: &[u8] = match random {
        Random::Digits => b"0123456789",
        Random::Letters => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        Random::Hex => b"0123456789abcdef",
    };
    char::from(*draw.pick(from))
}

/// What is said of the row's person or company.
fn person(subject: Subject, word: &str) -> String {
    match word {
        "first_name" => subject.first_name().to_owned(),
        "last_name" => subject.last_name().to_owned(),
        "full_name" => subject.full_name(),
        "email" => subject.email(),
        "phone" => subject.phone(),
        "username" => subject.username(),
        "company" => subject.company(),
        "street" => subject.street(),
        "city" => subject.city().to_owned(),
        "region" => subject.region().to_owned(),
        "postal_code" => subject.postal_code(),
        _ => subject.country().name.to_owned(),
    }
}
