//! A profile held against a schema.

use super::bound::{Bound, Said};
use super::choice::Count;
use super::column::{ColumnRule, Maker};
use super::fields;
use super::lookup::{Lookup, spellings};
use super::template::Part;
use super::{
    List, Name, PerRule, Profile, ReferenceRule, SCENARIOS, ScenarioRule, Section, TableRule, Variant, labels,
};
use crate::error::{Error, Result};
use crate::generate::field::Spec;
use crate::generate::invariant::expression::{Expression, Function, Written};
use crate::generate::invariant::rule::InvariantRule;
use crate::generate::invariant::{self, Invariant, Link, Scope, Settler};
use crate::generate::restriction::Restriction;
use crate::generate::value::Value;
use crate::model::schema::{Catalogue, EngineKind, TableName};
use crate::model::subset::{OfType, Reference};

/// How many rows are wanted in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Size {
    /// About a thousand.
    #[default]
    Small,
    /// About ten thousand.
    Medium,
    /// About a hundred thousand.
    Large,
}

impl Size {
    /// Every size.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];
}

/// What is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// How many rows.
    pub size: Size,
    /// The scenario; none for the profile as it stands.
    pub scenario: Option<&'a str>,
}

impl Profile {
    /// Holds the profile against a schema. `references` are those that are known without it.
    ///
    /// # Errors
    /// Kind `Usage` for a scenario that there is not or a list whose file was not read, kind `Drift` where an invariant that is
    /// required names what the schema does not have, kind `Policy` where invariants wait for one another.
    pub fn bind(&self, catalogue: &Catalogue, references: &[Reference], request: Request<'_>) -> Result<Bound> {
        let scenario = self.scenario(request.scenario)?;
        let lookup = Lookup::new(catalogue);
        let mut binder = Binder { profile: self, catalogue, lookup: &lookup, bound: Bound::default() };
        binder.bound.now = self.now;
        for (name, list) in &self.lists {
            let values = match list {
                List::Values(values) => values,
                List::File(place, file) => {
                    let what = format!("{}:{place}: the file of list {} was not read", self.file, name.escape_debug());
                    return Err(Error::usage(what).hint(format!("Put {} beside the profile.", file.escape_debug())));
                }
            };
            binder.bound.lists.insert(name.clone(), values.clone());
        }
        let mut sections = vec![&self.base];
        sections.extend(binder.variants());
        sections.extend(scenario.as_ref().and_then(|scenario| scenario.rule).map(|rule| &rule.section));
        binder.references(&sections, references);
        for section in &sections {
            binder.everywhere(section);
        }
        for section in &sections {
            for (name, rule) in &section.tables {
                binder.table(name, rule, request.size);
            }
        }
        let rules: Vec<&InvariantRule> = sections.iter().flat_map(|section| &section.invariants).collect();
        binder.invariants(&rules)?;
        let mut bound = binder.bound;
        bound.scenario(scenario.as_ref());
        Ok(bound)
    }

    fn scenario(&self, name: Option<&str>) -> Result<Option<Scenario<'_>>> {
        let Some(name) = name else { return Ok(None) };
        let rule = self.scenarios.get(name);
        let built_in = |name: &str| SCENARIOS.into_iter().find(|known| *known == name);
        if rule.is_none() && built_in(name).is_none() {
            let error = Error::usage(format!("there is no scenario '{}'", name.escape_debug()));
            return Err(error.hint(format!("The scenarios are {}.", self.scenarios().join(", "))));
        }
        let like = rule.and_then(|rule| rule.like.as_deref()).unwrap_or(name);
        Ok(Some(Scenario { like: built_in(like).unwrap_or("light"), rule }))
    }
}

/// A scenario with what it begins with.
pub(super) struct Scenario<'a> {
    pub(super) like: &'static str,
    pub(super) rule: Option<&'a ScenarioRule>,
}

struct Binder<'a> {
    profile: &'a Profile,
    catalogue: &'a Catalogue,
    lookup: &'a Lookup<'a>,
    bound: Bound,
}

impl<'a> Binder<'a> {
    fn warn(&mut self, place: super::Place, what: &str) {
        let line = format!("{}:{place}: {what}", self.profile.file);
        if !self.bound.warnings.contains(&line) {
            self.bound.warnings.push(line);
        }
    }

    /// Says what was taken for renamed since the last time.
    fn renamed(&mut self, place: super::Place) {
        for what in self.lookup.take_renamed() {
            self.warn(place, &what);
        }
    }

    /// The sections of the variants that hold.
    fn variants(&mut self) -> Vec<&'a Section> {
        let profile = self.profile;
        let own: &[&str] = match self.catalogue.engine {
            EngineKind::Sqlite => &["sqlite"],
            EngineKind::Postgres => &["postgres"],
            EngineKind::Mysql => &["mysql"],
            EngineKind::Mariadb => &["mariadb", "mysql"],
        };
        let engine = |variant: &&Variant| {
            variant.engines.is_empty() || variant.engines.iter().any(|engine| own.contains(&engine.as_str()))
        };
        let mut holding = Vec::new();
        for variant in profile.variants.iter().filter(engine) {
            let missing: Vec<&String> = variant.when.iter().filter(|what| !self.has(what)).collect();
            if missing.is_empty() {
                holding.push(&variant.section);
            } else if missing.len() * 2 <= variant.when.len() {
                // Most of it is there: the schema has probably changed.
                let names: Vec<String> = missing.iter().map(|name| name.escape_debug().to_string()).collect();
                self.bound.warnings.push(format!(
                    "{}: variant {} is left out: the schema has no {}",
                    profile.file,
                    variant.name.escape_debug(),
                    names.join(", ")
                ));
            }
        }
        if holding.is_empty() && !profile.variants.is_empty() {
            self.bound.warnings.push(format!("{}: none of the variants is for this schema", profile.file));
        }
        holding
    }

    /// Whether the schema has `table` or `table.column`.
    fn has(&self, what: &str) -> bool {
        if self.lookup.has_table(what).is_some() {
            return true;
        }
        let Some((table, column)) = what.rsplit_once('.') else { return false };
        self.lookup.has_table(table).is_some_and(|table| self.lookup.has_column(table, column).is_some())
    }

    fn references(&mut self, sections: &[&Section], known: &[Reference]) {
        for rule in sections.iter().flat_map(|section| &section.references) {
            match self.reference(rule) {
                Ok(reference) => {
                    self.renamed(rule.place);
                    let is_same = |other: &Reference| {
                        (&other.child, &other.columns, &other.parent)
                            == (&reference.child, &reference.columns, &reference.parent)
                            && other.of_type == reference.of_type
                    };
                    let known = known.iter().chain(&self.bound.references).find(|other| is_same(other)).cloned();
                    self.bound.weights.push((known.clone().unwrap_or_else(|| reference.clone()), rule.weight));
                    if known.is_none() {
                        self.bound.references.push(reference);
                    }
                }
                Err(why) => self.warn(rule.place, &format!("a reference is left out: {why}")),
            }
        }
        let all: Vec<Reference> = known.iter().chain(&self.bound.references).cloned().collect();
        self.bound.links = all.into_iter().filter_map(|reference| self.link(reference)).collect();
    }

    fn reference(&self, rule: &ReferenceRule) -> std::result::Result<Reference, String> {
        let (child, parent) = (self.lookup.table(&rule.table)?, self.lookup.table(&rule.parent)?);
        let tables = &self.catalogue.tables;
        let names = |table: usize, names: &[String]| {
            let name = |name: &String| Ok(tables[table].columns[self.lookup.column(table, name)?].name.clone());
            names.iter().map(name).collect::<std::result::Result<Vec<String>, String>>()
        };
        let columns = names(child, &rule.columns)?;
        let parent_columns = if rule.parent_columns.is_empty() {
            tables[parent].primary_key.iter().map(|&column| tables[parent].columns[column].name.clone()).collect()
        } else {
            names(parent, &rule.parent_columns)?
        };
        if parent_columns.len() != columns.len() {
            return Err(format!(
                "{} columns cannot reference {} of table {}",
                columns.len(),
                parent_columns.len(),
                tables[parent].name
            ));
        }
        let of_type = match &rule.of_type {
            None => None,
            Some((column, value)) => {
                let column = tables[child].columns[self.lookup.column(child, column)?].clone();
                let known = labels(self.catalogue, &column);
                if !known.is_empty() && !known.contains(value) {
                    return Err(format!(
                        "column {}.{} cannot be '{}'",
                        tables[child].name,
                        column.name.escape_debug(),
                        value.escape_debug()
                    ));
                }
                Some(OfType { column: column.name, value: value.clone() })
            }
        };
        let name = format!("{}_{}_profile", tables[child].name.name, columns.join("_"));
        let name = of_type.as_ref().map_or(name.clone(), |of| format!("{name}_{}", of.value));
        Ok(Reference {
            name,
            child: tables[child].name.clone(),
            columns,
            parent: tables[parent].name.clone(),
            parent_columns,
            of_type,
            undeclared: true,
        })
    }

    fn link(&self, reference: Reference) -> Option<Link> {
        let at = |name: &TableName| self.catalogue.tables.iter().position(|table| &table.name == name);
        let (child, parent) = (at(&reference.child)?, at(&reference.parent)?);
        let columns = |table: usize, names: &[String]| {
            names.iter().map(|name| self.catalogue.tables[table].column_index(name)).collect::<Option<Vec<usize>>>()
        };
        let own = columns(child, &reference.columns)?;
        let parent_columns = columns(parent, &reference.parent_columns)?;
        Some(Link { columns: own, parent_columns, reference, child, parent })
    }

    /// Columns of these names in every table; what does not fit is left alone.
    fn everywhere(&mut self, section: &Section) {
        for (name, rule) in &section.columns {
            for table in 0..self.catalogue.tables.len() {
                if let Some(column) = self.lookup.has_column(table, &name.text) {
                    let is_key = self.catalogue.tables[table]
                        .foreign_keys
                        .iter()
                        .any(|key| key.columns.contains(&self.catalogue.tables[table].columns[column].name));
                    if !is_key && self.misfit(table, column, rule).is_none() {
                        self.say(table, column, rule);
                    }
                }
            }
        }
    }

    fn table(&mut self, name: &Name, rule: &TableRule, size: Size) {
        let tables: Vec<usize> = if name.text.contains('*') {
            let matches =
                |at: &usize| spellings(&name.text).any(|glob| is_like(&self.catalogue.tables[*at].name.name, glob));
            (0..self.catalogue.tables.len()).filter(matches).collect()
        } else {
            match self.lookup.table(&name.text) {
                Ok(table) => vec![table],
                Err(why) => {
                    self.warn(name.place, &format!("{why}: what is said of it is left out"));
                    return;
                }
            }
        };
        self.renamed(name.place);
        for table in tables {
            self.counted(table, rule, size);
            for (name, rule) in &rule.columns {
                match self.lookup.column(table, &name.text) {
                    Ok(column) => {
                        self.renamed(name.place);
                        match self.misfit(table, column, rule) {
                            None => self.say(table, column, rule),
                            Some(why) => {
                                let own = &self.catalogue.tables[table];
                                let what = format!(
                                    "what is said of {}.{} is left out: {why}",
                                    own.name,
                                    own.columns[column].name.escape_debug()
                                );
                                self.warn(name.place, &what);
                            }
                        }
                    }
                    Err(why) => self.warn(name.place, &format!("{why}: what is said of it is left out")),
                }
            }
            for (name, choice) in &rule.choices {
                let columns: Vec<String> = name.text.split(',').map(|part| part.trim().to_owned()).collect();
                match self.references_of(table, &columns) {
                    Ok(references) => {
                        self.renamed(name.place);
                        self.bound.choices.extend(references.into_iter().map(|reference| (reference, *choice)));
                    }
                    Err(why) => self.warn(name.place, &format!("{why}: what is said of it is left out")),
                }
            }
        }
    }

    fn counted(&mut self, table: usize, rule: &TableRule, size: Size) {
        let name = self.catalogue.tables[table].name.clone();
        if let Some(rows) = rule.rows {
            self.bound.counts.insert(name.clone(), Count::Exactly(rows[size as usize]));
        }
        if let Some(per) = &rule.per {
            match self.references_of(table, &per.parent) {
                Ok(references) => {
                    self.renamed(per.place);
                    if let Some(reference) = references.into_iter().next() {
                        let PerRule { min, max, mean, .. } = *per;
                        let max = max.unwrap_or_else(|| (2.0 * mean.unwrap_or(min) - min).max(min));
                        let mean = mean.unwrap_or_else(|| f64::midpoint(min, max));
                        self.bound
                            .counts
                            .insert(name, Count::PerParent { reference: Box::new(reference), min, max, mean });
                    }
                }
                Err(why) => self.warn(per.place, &format!("{why}: the number of rows is left open")),
            }
        }
    }

    /// The references of a table by their columns, or by the table they lead to.
    fn references_of(&self, table: usize, names: &[String]) -> std::result::Result<Vec<Reference>, String> {
        let of = |fits: &dyn Fn(&Link) -> bool| {
            let found = self.bound.links.iter().filter(|link| link.child == table && fits(link));
            found.map(|link| link.reference.clone()).collect::<Vec<_>>()
        };
        let target = names.first().filter(|_| names.len() == 1).and_then(|name| self.lookup.has_table(name));
        let named: Option<Vec<usize>> = names.iter().map(|name| self.lookup.has_column(table, name)).collect();
        let mut found = named.map(|columns| of(&|link| link.columns == columns)).unwrap_or_default();
        if found.is_empty() {
            found = of(&|link| Some(link.parent) == target);
        }
        if found.is_empty() {
            let columns: Vec<usize> =
                names.iter().map(|name| self.lookup.column(table, name)).collect::<std::result::Result<_, _>>()?;
            found = of(&|link| link.columns == columns);
        }
        if found.is_empty() {
            let names = names.join(", ");
            return Err(format!(
                "table {} has no reference {}",
                self.catalogue.tables[table].name,
                names.escape_debug()
            ));
        }
        Ok(found)
    }

    /// Why a rule does not fit a column; none where it does.
    fn misfit(&self, table: usize, column: usize, rule: &ColumnRule) -> Option<String> {
        let own = &self.catalogue.tables[table];
        if own.columns[column].generated {
            return Some("the database computes it".to_owned());
        }
        let free = Restriction::default();
        let labels = labels(self.catalogue, &own.columns[column]);
        let spec = Spec {
            engine: self.catalogue.engine,
            catalogue: self.catalogue,
            table: own,
            column,
            guess: None,
            restriction: &free,
            labels: &labels,
            now: self.bound.now,
            edge: false,
        };
        fields::misfit(rule, &spec, &|name| self.bound.lists.get(name).map(Vec::as_slice))
    }

    fn say(&mut self, table: usize, column: usize, rule: &ColumnRule) {
        let own = &self.catalogue.tables[table];
        let key = (own.name.clone(), own.columns[column].name.clone());
        let before = self.bound.columns.remove(&key);
        // A rule that only says how often there is none leaves the cells as they are made.
        let said = match (before, &rule.maker) {
            (Some(before), None) => Said { null: rule.null, ..before },
            (before, _) => Said { null: rule.null.or(before.and_then(|before| before.null)), rule: rule.clone() },
        };
        self.bound.columns.insert(key, said);
    }

    fn invariants(&mut self, rules: &[&InvariantRule]) -> Result<()> {
        let links = std::mem::take(&mut self.bound.links);
        let lookup = self.lookup;
        let scope = Scope { lookup, links: &links };
        let mut found: Vec<Invariant> = Vec::new();
        for rule in rules {
            match invariant::bind(rule, &scope) {
                Ok(invariant) => {
                    self.renamed(rule.place);
                    if let Some(weights) = invariant::weights(rule, &scope) {
                        self.states(rule, weights);
                    }
                    found.push(invariant);
                }
                Err(why) if rule.required => {
                    let what = format!(
                        "{}:{}: invariant '{}' is required: {why}",
                        self.profile.file,
                        rule.place,
                        rule.name.escape_debug()
                    );
                    return Err(Error::drift(what).hint("Change the profile, or take required = true out."));
                }
                Err(why) => {
                    let what = format!("invariant '{}' is left out: {why}", rule.name.escape_debug());
                    self.warn(rule.place, &what);
                    lookup.take_renamed();
                }
            }
        }
        found.extend(self.late(&scope));
        self.bound.settler = Settler::new(found).map_err(|error| error.within(&self.profile.file))?;
        for (table, column) in self.bound.settler.sites() {
            let own = &self.catalogue.tables[table];
            self.bound.late.insert((own.name.clone(), own.columns[column].name.clone()));
        }
        for (table, column) in self.bound.settler.looks_at() {
            let own = &self.catalogue.tables[table];
            self.bound.calm.insert((own.name.clone(), own.columns[column].name.clone()));
        }
        self.bound.links = links;
        Ok(())
    }

    /// States occur as often as their weights say, and columns that belong to some of them begin with a value.
    fn states(&mut self, rule: &InvariantRule, weights: invariant::Weights) {
        let own = &self.catalogue.tables[weights.table];
        let key = |column: usize| (own.name.clone(), own.columns[column].name.clone());
        let place = rule.place;
        let states = ColumnRule { place, maker: Some(Maker::Values(weights.states)), null: None };
        self.bound.columns.entry(key(weights.column)).or_insert(Said { rule: states, null: None });
        for column in weights.filled {
            let open = ColumnRule { place, maker: None, null: None };
            self.bound.columns.entry(key(column)).or_insert(Said { rule: open, null: None }).null = Some(0.0);
        }
    }

    /// Templates over referenced rows are filled in at the end.
    fn late(&mut self, scope: &Scope<'_>) -> Vec<Invariant> {
        let mut found = Vec::new();
        let mut gone = Vec::new();
        for (key, said) in &self.bound.columns {
            let Some(Maker::Template(template)) = said
                .rule
                .maker
                .as_ref()
                .filter(|maker| matches!(maker, Maker::Template(template) if template.is_late()))
            else {
                continue;
            };
            let place = |at: &TableName| self.catalogue.tables.iter().position(|table| &table.name == at);
            let Some(table) = place(&key.0) else { continue };
            let Some(column) = self.catalogue.tables[table].column_index(&key.1) else { continue };
            let made = concatenated(template).and_then(|written| invariant::late(scope, table, column, &written));
            match made {
                Ok(invariant) => found.push(invariant),
                Err(why) => gone.push((key.clone(), said.rule.place, why)),
            }
        }
        for (key, place, why) in gone {
            self.bound.columns.remove(&key);
            self.warn(place, &format!("the template of {}.{} is left out: {why}", key.0, key.1.escape_debug()));
        }
        found
    }
}

/// A template as an expression.
fn concatenated(template: &super::template::Template) -> std::result::Result<Written, String> {
    let part = |part: &Part| {
        Ok(match part {
            Part::Literal(text) => Expression::Constant(Value::text(text.clone())),
            Part::Number(width) => {
                let width = Expression::Constant(Value::whole(i128::try_from(*width).unwrap_or(1)));
                let zero = Expression::Constant(Value::text("0"));
                Expression::Call(Function::LeftPad, vec![Expression::Row, width, zero])
            }
            Part::Named(names) => Expression::Cell(names.clone()),
            Part::Random(..) => return Err("random places do not go with columns of referenced rows".to_owned()),
        })
    };
    let parts = template.parts.iter().map(part).collect::<std::result::Result<_, String>>()?;
    Ok(Expression::Call(Function::Concat, parts))
}

/// Whether a name matches a pattern with `*`, without regard to case.
fn is_like(name: &str, glob: &str) -> bool {
    let (name, glob) = (name.to_lowercase(), glob.to_lowercase());
    let mut parts = glob.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}
