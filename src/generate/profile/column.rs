//! What a profile says of a column, and the field that comes of it.

use super::fit;
use super::moment::{self, Moment};
use super::numbers::{self, Numbers};
use super::season::{Calendar, Dates, Season};
use super::template::{PERSON, Part, Random, Template};
use super::tree::{Data, Node, Place, Reader};
use crate::error::{Error, Kind, Result};
use crate::generate::draw::Draw;
use crate::generate::field::{Field, Row, Spec, Subject};
use crate::generate::invariant::function;
use crate::generate::restriction::Restriction;
use crate::generate::value::{Number, Value};
use crate::model::schema::{Column, Family};
use std::collections::BTreeSet;

/// What is said of a column.
#[derive(Debug, Clone)]
pub(super) struct ColumnRule {
    pub(super) place: Place,
    pub(super) maker: Option<Maker>,
    pub(super) null: Option<f64>,
}

/// What makes its cells.
#[derive(Debug, Clone)]
pub(super) enum Maker {
    Values(Vec<(String, f64)>),
    List(String),
    Template(Template),
    Sequence { start: f64, step: f64 },
    Numbers(Numbers),
    Dates(Dates),
    Beside { column: String, span: (i64, i64) },
}

impl ColumnRule {
    /// The list that it names.
    pub(super) fn list(&self) -> Option<&str> {
        match &self.maker {
            Some(Maker::List(list)) => Some(list),
            _ => None,
        }
    }

    /// The maker in words, for the forecast.
    pub(super) fn shown(&self) -> &'static str {
        match &self.maker {
            None => "as its name says",
            Some(Maker::Values(values)) if values.len() == 1 => "the profile's value",
            Some(Maker::Values(_)) => "the profile's values",
            Some(Maker::List(_)) => "the profile's list",
            Some(Maker::Template(_)) => "the profile's template",
            Some(Maker::Sequence { .. }) => "the profile's sequence",
            Some(Maker::Numbers(_)) => "the profile's distribution",
            Some(Maker::Dates(_) | Maker::Beside { .. }) => "the profile's dates",
        }
    }
}

/// The keys that make cells, of which a column has one.
const MAKERS: [&str; 9] =
    ["value", "values", "list", "template", "sequence", "distribution", "between", "after", "before"];

/// The keys that go with one of them.
const COMPANIONS: [(&str, &[&str]); 5] = [
    ("distribution", &["min", "max", "mean", "median", "sigma", "exponent", "places", "step"]),
    ("between", &["months", "weekdays", "growth", "peaks"]),
    ("after", &["span"]),
    ("before", &["span"]),
    ("sequence", &[]),
];

pub(super) fn read(reader: &Reader<'_>, node: &Node) -> Result<ColumnRule> {
    let Data::Table(_) = node.data else {
        let value = node.scalar().unwrap_or_default();
        return Ok(ColumnRule { place: node.place, maker: Some(Maker::Values(vec![(value, 1.0)])), null: None });
    };
    let given: Vec<&str> = MAKERS.into_iter().filter(|key| node.get(key).is_some()).collect();
    if let [first, second, ..] = given[..] {
        let what = format!("the column has both '{first}' and '{second}'");
        return Err(reader
            .error(Kind::Policy, node.place, what)
            .hint("Cells are made in one way: take one of the two out."));
    }
    let own = given.first().and_then(|key| COMPANIONS.iter().find(|(name, _)| name == key));
    let allowed = |key: &str| key == "null" || given.contains(&key) || own.is_some_and(|(_, with)| with.contains(&key));
    if let Some(entry) = node.entries().iter().find(|entry| !allowed(&entry.key)) {
        let with = COMPANIONS.iter().filter(|(_, with)| with.contains(&entry.key.as_str())).map(|(name, _)| *name);
        let what = format!("'{}' says nothing here", entry.key);
        let hint = format!("It goes with {}.", with.collect::<Vec<_>>().join(" or "));
        return Err(reader.error(Kind::Policy, entry.place, what).hint(hint));
    }
    let maker = match given.first() {
        Some(key) => node.get(key).map(|value| maker(reader, key, node, value)).transpose()?,
        None => None,
    };
    let null = node.get("null").and_then(Node::number);
    if maker.is_none() && null.is_none() {
        let error = reader.error(Kind::Usage, node.place, "this does not say what the cells are made of");
        return Err(error.hint(format!("Write one of {}, or null = 0.2.", MAKERS.join(", "))));
    }
    Ok(ColumnRule { place: node.place, maker, null })
}

fn maker(reader: &Reader<'_>, key: &str, node: &Node, value: &Node) -> Result<Maker> {
    Ok(match key {
        "value" => Maker::Values(vec![(value.scalar().unwrap_or_default(), 1.0)]),
        "values" => Maker::Values(weighted(reader, value)?),
        "list" => Maker::List(value.text().unwrap_or_default().to_owned()),
        "template" => {
            let read = Template::read(value.text().unwrap_or_default());
            Maker::Template(read.map_err(|why| reader.error(Kind::Usage, value.place, why))?)
        }
        "sequence" => {
            let of = |key: &str| value.get(key).and_then(Node::number).unwrap_or(1.0);
            Maker::Sequence { start: value.number().unwrap_or_else(|| of("start")), step: of("step") }
        }
        "distribution" => Maker::Numbers(distribution(reader, node, value)?),
        "between" => Maker::Dates(dates(reader, node, value)?),
        side => {
            let (least, most) = match node.get("span") {
                Some(span) => pair(reader, span)?,
                None => (0, 30 * moment::DAY),
            };
            let span = if side == "after" { (least, most) } else { (-most, -least) };
            Maker::Beside { column: value.text().unwrap_or_default().to_owned(), span }
        }
    })
}

/// Values with weights: a list, or a table.
pub(super) fn weighted(reader: &Reader<'_>, node: &Node) -> Result<Vec<(String, f64)>> {
    let listed = node.items().iter().map(|item| (item.scalar().unwrap_or_default(), 1.0));
    let weighted = node.entries().iter().map(|entry| (entry.key.clone(), entry.node.number().unwrap_or(0.0)));
    let values: Vec<(String, f64)> = listed.chain(weighted).collect();
    if values.iter().all(|(_, weight)| *weight <= 0.0) {
        return Err(reader.error(Kind::Policy, node.place, "there is nothing to choose from"));
    }
    Ok(values)
}

/// Two spans, from and to.
pub(in crate::generate) fn pair(reader: &Reader<'_>, node: &Node) -> Result<(i64, i64)> {
    let spans: Vec<Option<i64>> = node.items().iter().map(|item| item.text().and_then(moment::read_span)).collect();
    match spans[..] {
        [Some(least), Some(most)] if least <= most => Ok((least, most)),
        _ => {
            let error = reader.error(Kind::Usage, node.place, "these are not two spans, the shorter one first");
            Err(error.hint("Write [\"2h\", \"3d\"]; the units are s, min, h, d, w, mo and y."))
        }
    }
}

fn distribution(reader: &Reader<'_>, node: &Node, value: &Node) -> Result<Numbers> {
    let number = |key: &str| node.get(key).and_then(Node::number);
    let (min, max) = (number("min"), number("max"));
    let missing = |key: &str| {
        let word = value.text().unwrap_or_default();
        reader.error(Kind::Usage, node.place, format!("a {word} distribution needs '{key}'"))
    };
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(reader.error(Kind::Policy, node.place, "min is above max"));
    }
    let exponent = number("exponent");
    let kind = match value.text().unwrap_or_default() {
        "normal" => {
            let mean = number("mean").or_else(|| Some(f64::midpoint(min?, max?))).ok_or_else(|| missing("mean"))?;
            let sigma = number("sigma").or_else(|| Some((max? - min?) / 6.0)).ok_or_else(|| missing("sigma"))?;
            numbers::Kind::Normal { mean, sigma }
        }
        "log-normal" => {
            let median = number("median").filter(|median| *median > 0.0).ok_or_else(|| missing("median"))?;
            numbers::Kind::LogNormal { median, sigma: number("sigma").unwrap_or(0.6) }
        }
        "zipf" => {
            max.ok_or_else(|| missing("max"))?;
            numbers::Kind::Zipf { exponent: exponent.unwrap_or(1.0) }
        }
        "pareto" => numbers::Kind::Pareto { exponent: exponent.unwrap_or(1.16) },
        _ => {
            min.zip(max).ok_or_else(|| missing("min' and 'max"))?;
            numbers::Kind::Uniform
        }
    };
    let places = node.get("places").and_then(Node::whole).map(|places| u8::try_from(places.min(18)).unwrap_or(18));
    Ok(Numbers { kind, min, max, places, step: number("step") })
}

fn dates(reader: &Reader<'_>, node: &Node, value: &Node) -> Result<Dates> {
    let ends: Vec<Option<Moment>> = value.items().iter().map(|end| end.text().and_then(Moment::read)).collect();
    let [Some(from), Some(to)] = ends[..] else {
        let error = reader.error(Kind::Usage, value.place, "these are not two moments");
        return Err(error.hint("Write between = [\"-2y\", \"now\"] or [\"2024-01-01\", \"2025-12-31\"]."));
    };
    let weights = |key: &str, wanted: usize| match node.get(key) {
        None => Ok(Vec::new()),
        Some(list) if list.items().len() == wanted => Ok(list.items().iter().filter_map(Node::number).collect()),
        Some(list) => Err(reader.error(Kind::Usage, list.place, format!("{key} has {wanted} weights"))),
    };
    let mut season = Season {
        months: weights("months", 12)?,
        weekdays: weights("weekdays", 7)?,
        growth: node.get("growth").and_then(Node::number),
        peaks: Vec::new(),
    };
    for peak in node.get("peaks").map(Node::items).unwrap_or_default() {
        let day = peak.get("day").and_then(Node::text).unwrap_or_default();
        let found =
            moment::read(&format!("2024-{day}")).map(|at| crate::mask::calendar::date_of(at.div_euclid(moment::DAY)));
        let Some((_, month, day)) = found else {
            let error = reader.error(Kind::Usage, peak.place, "this is no day of the year");
            return Err(error.hint("Write day = \"04-20\"."));
        };
        let days = peak.get("days").and_then(Node::whole).map_or(3, |days| i64::try_from(days.min(183)).unwrap_or(3));
        season.peaks.push((month, day, days, peak.get("weight").and_then(Node::number).unwrap_or(3.0)));
    }
    Ok(Dates { from, to, season })
}

/// What a list says, by its name.
pub(super) type Lists<'a> = &'a dyn Fn(&str) -> Option<&'a [(String, f64)]>;

/// Why a rule does not fit a column at all, whatever conditions leave of it; none where it does.
pub(super) fn misfit(rule: &ColumnRule, spec: &Spec<'_>, lists: Lists<'_>) -> Option<String> {
    let column = &spec.table.columns[spec.column];
    let family = column.family;
    match &rule.maker {
        None => None,
        Some(Maker::Template(template)) if template.is_late() => {
            (!matches!(family, Family::Text | Family::Any)).then(|| format!("the column holds {family}, not text"))
        }
        Some(Maker::Values(_) | Maker::List(_)) if made(rule, spec, lists).is_none() => {
            Some(format!("none of the values can stand in a column of type {}", shown(column)))
        }
        Some(_) if made(rule, spec, lists).is_none() => {
            Some(format!("a column of type {} cannot hold that", shown(column)))
        }
        Some(_) => None,
    }
}

fn shown(column: &Column) -> String {
    let declared = column.declared.chars().take(40).collect::<String>();
    if declared.is_empty() { column.family.to_string() } else { declared.escape_debug().to_string() }
}

/// The field; none where the rule has no maker or conditions leave nothing of what it makes.
pub(super) fn field(rule: &ColumnRule, spec: &Spec<'_>, null: Option<f64>, lists: Lists<'_>) -> Option<Box<dyn Field>> {
    let field = made(rule, spec, lists)?;
    let column = &spec.table.columns[spec.column];
    let share = if column.nullable && spec.restriction.null != Some(false) { null.unwrap_or(0.0) } else { 0.0 };
    Some(if share > 0.0 { Box::new(Sometimes { field, share }) } else { field })
}

fn made(rule: &ColumnRule, spec: &Spec<'_>, lists: Lists<'_>) -> Option<Box<dyn Field>> {
    let column = &spec.table.columns[spec.column];
    let restriction = spec.restriction;
    match rule.maker.as_ref()? {
        Maker::Values(values) => picked(values, column, spec),
        Maker::List(list) => picked(lists(list)?, column, spec),
        Maker::Template(template) => filled(template, column, spec, lists),
        Maker::Sequence { start, step } => {
            let number = |number: &f64| Number::parse(&format!("{number}"));
            let counted = Counted { start: number(start)?, step: number(step)?, column: column.clone() };
            let first = counted.at(0)?;
            (fit::allows(restriction, &first) && counted.step.units != 0).then(|| Box::new(counted) as Box<dyn Field>)
        }
        Maker::Numbers(numbers) => Some(Box::new(Drawn(numbers.ready(column, restriction)?))),
        Maker::Dates(dates) => {
            moment::cell(0, column.family).filter(|_| column.family != Family::Time)?;
            let end = |bound: &Option<crate::generate::restriction::Bound>| {
                bound.as_ref().and_then(|bound| moment::of(&bound.value))
            };
            let (low, high) = (end(&restriction.low), end(&restriction.high));
            let from = dates.from.at(spec.now).max(low.map_or(i64::MIN, |low| low + moment::SECOND));
            let to = dates.to.at(spec.now).min(high.map_or(i64::MAX, |high| high - moment::SECOND));
            let plain = restriction.one_of.is_none() && room(column, 19) && from <= to;
            plain.then(|| {
                Box::new(Dated { calendar: Calendar::new(from, to, &dates.season), family: column.family })
                    as Box<dyn Field>
            })
        }
        Maker::Beside { column: other, span } => {
            moment::cell(0, column.family).filter(|_| column.family != Family::Time)?;
            let other = super::lookup::column(spec.table, other)?;
            let plain = restriction.one_of.is_none() && restriction.low.is_none() && restriction.high.is_none();
            let apart = other != spec.column && room(column, 19) && plain;
            apart.then(|| {
                Box::new(Beside { other, span: *span, family: column.family, now: spec.now }) as Box<dyn Field>
            })
        }
    }
}

fn room(column: &Column, characters: u32) -> bool {
    column.family != Family::Text || column.length.is_none_or(|length| length >= characters)
}

/// NULL now and then.
struct Sometimes {
    field: Box<dyn Field>,
    share: f64,
}

impl Field for Sometimes {
    fn make(&self, row: &Row<'_>, draw: &mut Draw) -> Value {
        if draw.chance(self.share) { Value::Null } else { self.field.make(row, draw) }
    }

    fn capacity(&self) -> u64 {
        self.field.capacity()
    }

    fn nth(&self, n: u64, row: &Row<'_>) -> Value {
        self.field.nth(n, row)
    }

    fn needs(&self) -> Vec<usize> {
        self.field.needs()
    }
}

/// One of some values.
struct Picked {
    values: Vec<Value>,
    sums: Vec<f64>,
    /// Those that are different whatever their case, by index.
    distinct: Vec<usize>,
}

fn picked(values: &[(String, f64)], column: &Column, spec: &Spec<'_>) -> Option<Box<dyn Field>> {
    let (mut found, mut sums, mut distinct) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sum, mut seen) = (0.0, BTreeSet::new());
    for (written, weight) in values.iter().filter(|(_, weight)| *weight > 0.0) {
        let Some(value) = fit::scalar(column, written, spec.labels) else { continue };
        if fit::allows(spec.restriction, &value) {
            if seen.insert(function::text(&value).to_lowercase()) {
                distinct.push(found.len());
            }
            sum += weight;
            found.push(value);
            sums.push(sum);
        }
    }
    (!found.is_empty()).then(|| Box::new(Picked { values: found, sums, distinct }) as Box<dyn Field>)
}

impl Field for Picked {
    fn make(&self, _: &Row<'_>, draw: &mut Draw) -> Value {
        let wanted = draw.unit() * self.sums.last().copied().unwrap_or(0.0);
        let at = self.sums.partition_point(|sum| *sum <= wanted).min(self.values.len() - 1);
        self.values[at].clone()
    }

    fn capacity(&self) -> u64 {
        self.distinct.len() as u64
    }

    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        let at = usize::try_from(n).unwrap_or(0) % self.distinct.len();
        self.values[self.distinct[at]].clone()
    }
}

/// Numbers one after the other.
struct Counted {
    start: Number,
    step: Number,
    column: Column,
}

impl Counted {
    fn at(&self, n: u64) -> Option<Value> {
        let number = self.start.plus(self.step.times(Number::whole(n.into()))?)?;
        fit::cell(&self.column, &Value::Number(number))
    }
}

impl Field for Counted {
    fn make(&self, row: &Row<'_>, _: &mut Draw) -> Value {
        self.nth(row.number, row)
    }

    fn capacity(&self) -> u64 {
        // The largest power of two whose number still fits.
        (0..40).map(|bits| 1_u64 << bits).take_while(|n| self.at(*n).is_some()).last().unwrap_or(1)
    }

    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        self.at(n).or_else(|| self.at(0)).unwrap_or(Value::Null)
    }
}

struct Drawn(numbers::Ready);

impl Field for Drawn {
    fn make(&self, _: &Row<'_>, draw: &mut Draw) -> Value {
        self.0.make(draw)
    }
}

struct Dated {
    calendar: Calendar,
    family: Family,
}

impl Field for Dated {
    fn make(&self, _: &Row<'_>, draw: &mut Draw) -> Value {
        moment::cell(self.calendar.draw(draw), self.family).unwrap_or(Value::Null)
    }

    fn capacity(&self) -> u64 {
        u64::try_from(self.calendar.days()).unwrap_or(0)
    }

    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        moment::cell(self.calendar.nth(n), self.family).unwrap_or(Value::Null)
    }
}

/// A date after or before another one.
struct Beside {
    other: usize,
    span: (i64, i64),
    family: Family,
    now: i64,
}

impl Field for Beside {
    fn make(&self, row: &Row<'_>, draw: &mut Draw) -> Value {
        let other = row.cells.get(self.other).and_then(Option::as_ref).and_then(moment::of).unwrap_or(self.now);
        let span = i64::try_from(draw.between(self.span.0.into(), self.span.1.into())).unwrap_or(self.span.0);
        // A date column says the day only: the next one is the first that is surely not before.
        let later = if self.family == Family::Date && self.span.0 >= 0 { moment::DAY - 1 } else { 0 };
        moment::cell(
            other.saturating_add(span).saturating_add(if other % moment::DAY == 0 { 0 } else { later }),
            self.family,
        )
        .unwrap_or(Value::Null)
    }

    fn needs(&self) -> Vec<usize> {
        vec![self.other]
    }
}

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

fn filled(template: &Template, column: &Column, spec: &Spec<'_>, lists: Lists<'_>) -> Option<Box<dyn Field>> {
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
                let own = super::lookup::column(spec.table, name).filter(|own| *own != spec.column);
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
                    text.push_str(&format!("{number:0width$}"));
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
            Some(crate::generate::restriction::Case::Lower) => text.to_lowercase(),
            Some(crate::generate::restriction::Case::Upper) => text.to_uppercase(),
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
        Value::Text(self.text(n, row, &mut Draw::of(n)))
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
