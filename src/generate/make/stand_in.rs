//! Stand-ins for checks, fields and profiles until those are there.

use crate::classify::Guess;
use crate::error::Result;
use crate::generate::draw::{Draw, Seed};
use crate::generate::field::{Field, Row};
use crate::generate::restriction::{Relation, Restriction};
use crate::generate::value::{Number, Value};
use crate::generate::world::World;
use crate::model::schema::{Catalogue, EngineKind, Family, Table, TableName};
use crate::model::subset::Reference;
use std::collections::BTreeMap;

pub struct Spec<'a> {
    pub engine: EngineKind,
    pub catalogue: &'a Catalogue,
    pub table: &'a Table,
    pub column: usize,
    pub guess: Option<&'a Guess>,
    pub restriction: &'a Restriction,
    pub labels: &'a [String],
    pub now: i64,
    pub edge: bool,
}

struct Simple {
    family: Family,
    length: u64,
    labels: Vec<String>,
    one_of: Option<Vec<Value>>,
    null: bool,
    low: i128,
}

impl Field for Simple {
    fn make(&self, row: &Row<'_>, draw: &mut Draw) -> Value {
        if self.null && draw.chance(0.2) {
            return Value::Null;
        }
        let n = draw.below(self.capacity().min(1000));
        self.nth(n, row)
    }
    fn capacity(&self) -> u64 {
        if let Some(list) = &self.one_of {
            return list.len() as u64;
        }
        match self.family {
            Family::Boolean => 2,
            Family::Enum => self.labels.len().max(1) as u64,
            Family::Integer | Family::Numeric => 100,
            Family::Text => 10_u64.saturating_pow(u32::try_from(self.length).unwrap_or(9).min(9)),
            _ => 10_000,
        }
    }
    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        if let Some(list) = &self.one_of {
            return list[usize::try_from(n).unwrap_or(0) % list.len()].clone();
        }
        match self.family {
            Family::Integer => Value::whole(self.low + i128::from(n)),
            Family::Numeric => Value::Number(Number::new(self.low * 100 + i128::from(n), 2)),
            Family::Real => Value::Real(n as f64 / 4.0),
            Family::Boolean => Value::Boolean(n == 1),
            Family::Enum => Value::text(self.labels.get(n as usize).cloned().unwrap_or_default()),
            Family::Date => Value::Date(19000 + n as i32),
            Family::Time => Value::Time(n as i64 * 1_000_000 % 86_400_000_000),
            Family::Timestamp => Value::Timestamp(1_700_000_000_000_000 + n as i64 * 1_000_000),
            Family::Json => Value::text("{}"),
            Family::Uuid => Value::text(format!("00000000-0000-4000-8000-{n:012x}")),
            Family::Blob => Value::Bytes(n.to_be_bytes().to_vec()),
            Family::Text | Family::Any => Value::text(n.to_string()),
        }
    }
}

pub fn field(spec: &Spec<'_>) -> std::result::Result<Box<dyn Field>, String> {
    let column = &spec.table.columns[spec.column];
    let r = spec.restriction;
    let low = match &r.low {
        Some(b) => b.value.number().map_or(1, |n| n.rounded(0).map_or(1, |n| n.units + i128::from(!b.inclusive))),
        None => 1,
    };
    Ok(Box::new(Simple {
        family: column.family,
        length: u64::from(column.length.unwrap_or(20)),
        labels: spec.labels.to_vec(),
        one_of: r.one_of.clone(),
        null: column.nullable && r.null != Some(false),
        low,
    }))
}

pub fn enum_labels(_: &Catalogue, _: &crate::model::schema::Column) -> Vec<String> {
    Vec::new()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    True,
    False,
    Unknown,
    Cannot,
}

pub struct Predicate;
impl Predicate {
    pub fn holds(&self, _: &[Option<Value>]) -> Truth {
        Truth::True
    }
}
pub struct Check {
    pub name: String,
    pub text: String,
    pub columns: Vec<usize>,
    pub predicate: std::result::Result<Predicate, String>,
}
#[derive(Debug, Clone, Default)]
pub struct Alternative {
    pub restrictions: BTreeMap<usize, Restriction>,
    pub relations: Vec<Relation>,
}
pub fn of_table(_: &Catalogue, _: &Table) -> Vec<Check> {
    Vec::new()
}
pub fn solve(_: &Table, _: &[Check], _: usize) -> Vec<Alternative> {
    vec![Alternative::default()]
}

pub enum Count {
    Exactly(u64),
    PerParent { reference: usize, min: u64, max: u64, mean: f64 },
    Share(f64),
}
#[derive(Debug, Clone)]
pub struct Choice {
    pub spread: Spread,
    pub null: Option<f64>,
}
#[derive(Debug, Clone)]
pub enum Spread {
    Uniform,
    Zipf(f64),
    Pareto { parents: f64, children: f64 },
    Each(u64, u64),
    RoundRobin,
    Tree { depth: u64, fanout: u64 },
}
#[derive(Default)]
pub struct Bound;
impl Bound {
    pub fn rows(&self, _: &TableName) -> Option<Count> {
        None
    }
    pub fn field(&self, _: &TableName, _: &str, _: &Spec<'_>) -> Option<Box<dyn Field>> {
        None
    }
    pub fn choice(&self, _: &Reference) -> Option<Choice> {
        None
    }
    pub fn settle(&self, _: &mut World<'_>, _: &Seed) -> Result<()> {
        Ok(())
    }
    pub fn now(&self) -> i64 {
        1_767_182_400_000_000
    }
}
