//! Holds `[subset]` against the live catalogue: every table and column in it exists, every condition is one.

use super::condition;
use super::file::{Place, Policy};
use super::findings::Found as Faults;
use super::names::{self, Found};
use super::references::{self, References};
use super::resolve::{Draft, find_table};
use crate::error::{Error, Result};
use crate::model::schema::{Catalogue, Table};
use crate::model::subset::{Edge, OfType, OrderBy, Reference, Root, Subset};

/// The subset that the policy describes.
pub(super) fn resolve(
    policy: &Policy,
    catalogue: &Catalogue,
    references: &References<'_>,
    drafts: &[Draft<'_>],
) -> Result<Subset> {
    let rules = &policy.subset;
    let mut subset = Subset { children: rules.children.unwrap_or_default(), depth: rules.depth, ..Subset::default() };
    let holds: Vec<&references::Reference> = references.all().iter().filter(|found| must_hold(found, drafts)).collect();
    subset.references = holds.iter().map(|reference| named(reference, catalogue)).collect();
    subset.edges = vec![Edge::default(); holds.len()];
    let own = Own { policy, catalogue };
    for rule in &rules.edges {
        let child = own.table("an edge", rule.place, &rule.table)?;
        let columns =
            rule.columns.iter().map(|name| own.column(rule.place, child, name)).collect::<Result<Vec<usize>>>()?;
        let parent = rule.parent.as_ref().map(|parent| own.table("an edge", rule.place, parent)).transpose()?;
        let meant = |found: &&references::Reference| {
            found.child == child && found.columns == columns && parent.is_none_or(|parent| found.parent == parent)
        };
        let mut found = holds.iter().enumerate().filter(|(_, reference)| meant(reference)).peekable();
        if found.peek().is_none() {
            let what = format!(
                "{}:{}: an edge names {}.{}, which references nothing that is captured",
                policy.file,
                rule.place,
                catalogue.tables[child].name,
                rule.columns.join(", ").escape_debug()
            );
            return Err(Error::policy(what).hint(
                "Name the columns of a foreign key. One that the database does not declare goes into [[subset.references]]; 'terp-fixtures refs' proposes those.",
            ));
        }
        let table = &catalogue.tables[child];
        let edge = Edge {
            follow: rule.follow,
            limit: rule.limit,
            condition: own.condition(table, rule.condition.as_ref())?,
            order: own.order(child, &rule.order)?,
        };
        for (at, _) in found {
            subset.edges[at] = edge.clone();
        }
    }
    for rule in &rules.roots {
        let at = own.table("a root", rule.place, &rule.table)?;
        let table = &catalogue.tables[at];
        own.has_rows("a root", rule.place, &drafts[at])?;
        subset.roots.push(Root {
            table: table.name.clone(),
            condition: own.condition(table, rule.condition.as_ref())?,
            limit: rule.limit,
            share: rule.share.filter(|share| *share < 1_000_000),
            order: own.order(at, &rule.order)?,
        });
    }
    for (place, name) in &rules.whole {
        let at = own.table("whole", *place, name)?;
        own.has_rows("whole", *place, &drafts[at])?;
        subset.whole.push(catalogue.tables[at].name.clone());
    }
    Ok(subset)
}

/// The tables of a list of names.
pub(super) fn tables(
    policy: &Policy,
    catalogue: &Catalogue,
    what: &str,
    names: &[(Place, String)],
) -> Result<Vec<usize>> {
    let own = Own { policy, catalogue };
    names.iter().map(|(place, name)| own.table(what, *place, name)).collect()
}

/// Every reference of a database: its foreign keys, then those that only the policy knows. Whatever else is wrong with the policy
/// does not matter here.
///
/// # Errors
/// Kind `Drift` where a reference of the policy names what the database does not have.
pub fn every_reference(policy: &Policy, catalogue: &Catalogue) -> Result<Vec<Reference>> {
    let policy = &*policy.of_engine(catalogue.engine);
    let mut faults = Faults::default();
    let references = References::new(policy, catalogue, &mut faults);
    faults.refuse()?;
    Ok(references.all().iter().map(|reference| named(reference, catalogue)).collect())
}

/// Whether a reference must hold in the snapshot: its table has rows there, and no mask takes the reference out of them.
fn must_hold(reference: &references::Reference, drafts: &[Draft<'_>]) -> bool {
    let child = &drafts[reference.child];
    let gone =
        |&at: &usize| child.rules[at].as_ref().is_some_and(|rule| rule.mask.name == "null" && rule.when.is_none());
    child.has_rows() && !reference.columns.iter().any(gone)
}

fn named(reference: &references::Reference, catalogue: &Catalogue) -> Reference {
    let (child, parent) = (&catalogue.tables[reference.child], &catalogue.tables[reference.parent]);
    let names = |table: &Table, columns: &[usize]| columns.iter().map(|&at| table.columns[at].name.clone()).collect();
    Reference {
        name: reference.name.clone(),
        child: child.name.clone(),
        columns: names(child, &reference.columns),
        parent: parent.name.clone(),
        parent_columns: names(parent, &reference.parent_columns),
        of_type: reference
            .of_type
            .as_ref()
            .map(|(at, value)| OfType { column: child.columns[*at].name.clone(), value: value.clone() }),
        undeclared: reference.undeclared,
    }
}

/// What the complaints need to know.
struct Own<'a> {
    policy: &'a Policy,
    catalogue: &'a Catalogue,
}

impl Own<'_> {
    fn table(&self, what: &str, place: Place, name: &str) -> Result<usize> {
        let place = format!("{}:{place}", self.policy.file);
        let written = name.escape_debug();
        match find_table(name, self.catalogue) {
            Found::At(at) => Ok(at),
            Found::Several => Err(Error::policy(format!("{place}: several tables are called {written}"))
                .hint("Write the schema too: \"schema.name\".")),
            Found::Missing => {
                let known = self.catalogue.tables.iter().map(|table| table.name.name.as_str());
                let hint = names::did_you_mean(name, known).unwrap_or_else(|| "Change or remove it.".to_owned());
                let what =
                    format!("{place}: {what} of the subset names table {written}, which the database does not have");
                Err(Error::drift(what).hint(hint))
            }
        }
    }

    fn column(&self, place: Place, table: usize, name: &str) -> Result<usize> {
        let table = &self.catalogue.tables[table];
        let known = || table.columns.iter().map(|column| column.name.as_str());
        match names::find(name, known()) {
            Found::At(at) => Ok(at),
            Found::Several | Found::Missing => {
                let hint = names::did_you_mean(name, known()).unwrap_or_else(|| "Change or remove it.".to_owned());
                let column = format!("{}.{}", table.name, name.escape_debug());
                let what = format!("{}:{place}: there is no column {column}", self.policy.file);
                Err(Error::drift(what).hint(hint))
            }
        }
    }

    fn order(&self, table: usize, order: &[(Place, OrderBy)]) -> Result<Vec<OrderBy>> {
        let one = |(place, by): &(Place, OrderBy)| {
            let column = self.catalogue.tables[table].columns[self.column(*place, table, &by.column)?].name.clone();
            Ok(OrderBy { column, descending: by.descending })
        };
        order.iter().map(one).collect()
    }

    fn condition(&self, table: &Table, written: Option<&(Place, String)>) -> Result<Option<String>> {
        let Some((place, text)) = written else { return Ok(None) };
        condition::validate(text, table, self.catalogue.engine)
            .map_err(|error| error.within(format!("{}:{place}: where of {}", self.policy.file, table.name)))?;
        Ok(Some(text.clone()))
    }

    fn has_rows(&self, what: &str, place: Place, draft: &Draft<'_>) -> Result<()> {
        if draft.has_rows() {
            return Ok(());
        }
        let what = format!(
            "{}:{place}: {what} of the subset names table {}, whose rows the policy does not take",
            self.policy.file, draft.table.name
        );
        Err(Error::policy(what).hint("Give the table mode = \"capture\" or \"reference\", and take it out of 'never'."))
    }
}
