//! References between tables: the foreign keys that the database declares, and those that only the policy knows
//! (`[[subset.references]]`). Masks follow both: to the key that a column must stay equal to, and to the subject of a row.

use super::file::{Policy, VirtualReference};
use super::findings::{Finding, Found as Faults};
use super::names::{self, Found};
use super::resolve::find_table;
use crate::error::{Error, Result};
use crate::model::schema::{Catalogue, Table};

/// A reference, by index into the catalogue's tables and their columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// The referencing table.
    pub(super) child: usize,
    /// Its columns.
    pub(super) columns: Vec<usize>,
    /// The referenced table.
    pub(super) parent: usize,
    /// The referenced columns, same order.
    pub(super) parent_columns: Vec<usize>,
    /// The constraint's name, or one made of table and columns.
    pub(super) name: String,
    /// The rows it speaks of, where it is polymorphic; the type column by index.
    pub(super) of_type: Option<(usize, String)>,
    /// Whether only the policy knows it.
    pub(super) undeclared: bool,
}

impl Reference {
    fn is_same(&self, other: &Self) -> bool {
        (self.child, &self.columns, self.parent, &self.parent_columns, &self.of_type)
            == (other.child, &other.columns, other.parent, &other.parent_columns, &other.of_type)
    }
}

/// Finds what a reference of the policy names.
fn resolved(written: &VirtualReference, policy: &Policy, catalogue: &Catalogue) -> Result<Reference> {
    let place = format!("{}:{}", policy.file, written.place);
    let missing = |what: String, hint: Option<String>| {
        let what = format!("{place}: a reference of the policy names {what}, which the database does not have");
        Error::drift(what).hint(hint.unwrap_or_else(|| "Change or remove it.".to_owned()))
    };
    let table = |name: &str| match find_table(name, catalogue) {
        Found::At(at) => Ok(at),
        Found::Several | Found::Missing => {
            let known = catalogue.tables.iter().map(|table| table.name.name.as_str());
            Err(missing(format!("table {}", name.escape_debug()), names::did_you_mean(name, known)))
        }
    };
    let column = |at: usize, name: &str| {
        let known = || catalogue.tables[at].columns.iter().map(|column| column.name.as_str());
        match names::find(name, known()) {
            Found::At(column) => Ok(column),
            Found::Several | Found::Missing => {
                let what = format!("column {}.{}", catalogue.tables[at].name, name.escape_debug());
                Err(missing(what, names::did_you_mean(name, known())))
            }
        }
    };
    let columns = |at: usize, wanted: &[String]| wanted.iter().map(|name| column(at, name)).collect::<Result<Vec<_>>>();
    let (child, parent) = (table(&written.table)?, table(&written.parent)?);
    let own = columns(child, &written.columns)?;
    let parent_columns = match written.parent_columns.as_slice() {
        [] => catalogue.tables[parent].primary_key.clone(),
        named => columns(parent, named)?,
    };
    if own.len() != parent_columns.len() {
        let (left, right) = (own.len(), parent_columns.len());
        let what = format!("{place}: a reference has {left} columns on one side and {right} on the other");
        return Err(Error::policy(what).hint("Name parent_columns, one for each of columns."));
    }
    let of_type = written.of_type.as_ref().map(|of| Ok((column(child, &of.column)?, of.value.clone()))).transpose()?;
    let mut name = format!("{}.{}", catalogue.tables[child].name.name, written.columns.join("+"));
    if let Some((_, value)) = &of_type {
        name = format!("{name}[{value}]");
    }
    Ok(Reference { child, columns: own, parent, parent_columns, name, of_type, undeclared: true })
}

/// Every reference of a database.
#[derive(Debug)]
pub(super) struct References<'a> {
    catalogue: &'a Catalogue,
    all: Vec<Reference>,
}

impl<'a> References<'a> {
    /// Collects them. Tables and columns of the policy's own references that the database does not have are faults.
    pub(super) fn new(policy: &Policy, catalogue: &'a Catalogue, faults: &mut Faults) -> Self {
        let mut all = Vec::new();
        for (child, table) in catalogue.tables.iter().enumerate() {
            for key in &table.foreign_keys {
                let Some(parent) = catalogue.tables.iter().position(|table| table.name == key.parent) else { continue };
                let columns: Option<Vec<usize>> = key.columns.iter().map(|name| table.column_index(name)).collect();
                let other = &catalogue.tables[parent];
                // SQLite lets a reference leave out the columns of the primary key.
                let named: Option<Vec<usize>> =
                    key.parent_columns.iter().map(|name| other.column_index(name)).collect();
                let named = named.filter(|named| !named.is_empty()).or_else(|| Some(other.primary_key.clone()));
                if let (Some(columns), Some(parent_columns)) = (columns, named)
                    && columns.len() == parent_columns.len()
                {
                    let (name, of_type, undeclared) = (key.name.clone(), None, false);
                    all.push(Reference { child, columns, parent, parent_columns, name, of_type, undeclared });
                }
            }
        }
        for written in &policy.subset.references {
            match resolved(written, policy, catalogue) {
                Ok(reference) if all.iter().any(|known| reference.is_same(known)) => {}
                Ok(reference) => all.push(reference),
                Err(error) => faults.add(Finding::of("missing-reference", policy, &error)),
            }
        }
        Self { catalogue, all }
    }

    /// Every reference that holds in all rows of its table: those that masks can follow.
    pub(super) fn plain(&self) -> impl Iterator<Item = &Reference> {
        self.all.iter().filter(|reference| reference.of_type.is_none())
    }

    /// Every reference, polymorphic ones included.
    pub(super) fn all(&self) -> &[Reference] {
        &self.all
    }

    /// The reference of a single column: its parent table and column.
    pub(super) fn parent_of(&self, table: usize, column: usize) -> Option<(usize, usize)> {
        let found = self.plain().find(|found| found.child == table && found.columns == [column])?;
        Some((found.parent, *found.parent_columns.first()?))
    }

    /// The column at the end of the references that begin at this one: `orders.client_id` leads to `clients.id`.
    pub(super) fn end_of(&self, table: usize, column: usize) -> (usize, usize) {
        let (mut at, mut steps) = ((table, column), 0);
        while let Some(parent) = self.parent_of(at.0, at.1)
            && parent != at
            && steps < self.all.len()
        {
            at = parent;
            steps += 1;
        }
        at
    }

    /// The table at an index.
    pub(super) fn table(&self, at: usize) -> &'a Table {
        &self.catalogue.tables[at]
    }
}
