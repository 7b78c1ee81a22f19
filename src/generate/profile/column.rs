//! What a profile says of a column.

use super::moment::{self, Moment};
use super::numbers::{self, Numbers};
use super::season::{Dates, Season};
use super::template::Template;
use super::tree::{Data, Node, Place, Reader};
use crate::error::{Kind, Result};

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
