//! What a profile says of a schema, for those who make its rows.

use super::bind::Scenario;
use super::choice::{Choice, Count, Spread};
use super::column::{ColumnRule, Maker};
use super::fields;
use crate::error::Result;
use crate::generate::draw::Seed;
use crate::generate::field::{Field, Spec};
use crate::generate::invariant::{Link, Settler, Verified};
use crate::generate::world::World;
use crate::model::schema::TableName;
use crate::model::subset::Reference;
use std::collections::{BTreeMap, BTreeSet};

/// What a profile says of the tables and columns of a schema.
#[derive(Debug, Default)]
pub struct Bound {
    pub(super) now: i64,
    pub(super) edge: bool,
    pub(super) factor: f64,
    pub(super) chaos: bool,
    pub(super) lists: BTreeMap<String, Vec<(String, f64)>>,
    pub(super) columns: BTreeMap<(TableName, String), Said>,
    pub(super) counts: BTreeMap<TableName, Count>,
    pub(super) choices: Vec<(Reference, Choice)>,
    pub(super) weights: Vec<(Reference, f64)>,
    pub(super) references: Vec<Reference>,
    pub(super) links: Vec<Link>,
    pub(super) settler: Settler,
    pub(super) late: BTreeSet<(TableName, String)>,
    /// Columns that invariants look at: extremes would leave no room for sums.
    pub(super) calm: BTreeSet<(TableName, String)>,
    pub(super) warnings: Vec<String>,
}

/// What is said of a column.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) rule: ColumnRule,
    /// The share of NULL; none where nothing says so.
    pub(super) null: Option<f64>,
}

impl Bound {
    /// What a scenario changes of everything else.
    pub(super) fn scenario(&mut self, scenario: Option<&Scenario<'_>>) {
        let like = scenario.map_or("light", |scenario| scenario.like);
        self.edge = like == "edge";
        self.chaos = like == "chaos";
        self.factor = scenario.and_then(|scenario| scenario.rule).and_then(|rule| rule.factor).unwrap_or(1.0);
        match like {
            "full" => self.columns.values_mut().for_each(|said| said.null = Some(0.0)),
            // States that are seldom come up as often as others: late, cancelled, returned.
            "chaos" => {
                for said in self.columns.values_mut() {
                    if let Some(Maker::Values(values)) = &mut said.rule.maker {
                        for (_, weight) in values {
                            *weight = weight.powf(0.4);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// References that only the profile knows.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// When the made-up world stands still, in microseconds since 1970-01-01.
    #[must_use]
    pub fn now(&self) -> i64 {
        if self.now == 0 { super::NOW } else { self.now }
    }

    /// Whether extremes are wanted.
    #[must_use]
    pub fn edge(&self) -> bool {
        self.edge
    }

    /// Whether extremes are wanted of a column: not of one that invariants work with, whose sums would have no room.
    #[must_use]
    pub fn edge_of(&self, table: &TableName, column: &str) -> bool {
        let key = (table.clone(), column.to_owned());
        self.edge && !self.calm.contains(&key) && !self.late.contains(&key)
    }

    /// What the numbers of rows that nobody says are multiplied by.
    #[must_use]
    pub fn factor(&self) -> f64 {
        if self.factor > 0.0 { self.factor } else { 1.0 }
    }

    /// How many rows a table gets, where the profile says so.
    #[must_use]
    pub fn rows(&self, table: &TableName) -> Option<Count> {
        self.counts.get(table).cloned().map(|count| match count {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "rows are counted in millions"
            )]
            Count::Exactly(rows) => Count::Exactly((rows as f64 * self.factor()).round() as u64),
            per @ Count::PerParent { .. } => per,
        })
    }

    /// What makes the cells of a column, where the profile says so and conditions leave something of it.
    #[must_use]
    pub fn field(&self, table: &TableName, column: &str, spec: &Spec<'_>) -> Option<Box<dyn Field>> {
        let said = self.columns.get(&(table.clone(), column.to_owned()))?;
        fields::field(&said.rule, spec, said.null, &|name| self.lists.get(name).map(Vec::as_slice))
    }

    /// The share of rows without a value, where the profile or its scenario says so.
    #[must_use]
    pub fn null_share(&self, table: &TableName, column: &str) -> Option<f64> {
        self.columns.get(&(table.clone(), column.to_owned())).and_then(|said| said.null)
    }

    /// What makes the cells of a column, in words.
    #[must_use]
    pub fn shown(&self, table: &TableName, column: &str) -> Option<&'static str> {
        let key = (table.clone(), column.to_owned());
        if self.late.contains(&key) {
            return Some("an invariant of the profile");
        }
        self.columns.get(&key).map(|said| said.rule.shown())
    }

    /// How rows choose those that they reference, where the profile or its scenario says so.
    #[must_use]
    pub fn choice(&self, reference: &Reference) -> Option<Choice> {
        let said = self.choices.iter().rev().find(|(other, _)| other == reference).map(|(_, choice)| *choice);
        said.or_else(|| self.chaos.then_some(Choice { spread: Spread::Zipf(1.2), null: None }))
    }

    /// How often a polymorphic reference is meant, beside others of the same columns.
    #[must_use]
    pub fn weight(&self, reference: &Reference) -> f64 {
        self.weights.iter().find(|(other, _)| other == reference).map_or(1.0, |(_, weight)| *weight)
    }

    /// Whether a column is set when all rows are there: what it holds before is only a beginning.
    #[must_use]
    pub fn is_settled(&self, table: &TableName, column: &str) -> bool {
        self.late.contains(&(table.clone(), column.to_owned()))
    }

    /// The columns that are set when all rows are there.
    #[must_use]
    pub fn settled_columns(&self) -> &BTreeSet<(TableName, String)> {
        &self.late
    }

    /// Brings the invariants about.
    ///
    /// # Errors
    /// None so far: what cannot be brought about is found by [`verify`](Self::verify).
    pub fn settle(&self, world: &mut World<'_>, seed: &Seed) -> Result<()> {
        self.settler.settle(world, &self.links, self.now(), seed);
        Ok(())
    }

    /// How the invariants hold in the rows.
    #[must_use]
    pub fn verify(&self, world: &World<'_>) -> Vec<Verified> {
        self.settler.verify(world, &self.links, self.now())
    }

    /// What the schema does not have, or has under another name, each with its place in the profile.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
