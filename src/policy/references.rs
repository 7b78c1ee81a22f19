//! References between tables: the foreign keys that the database declares, and those that only the policy knows
//! (`[[subset.references]]`). Masks follow both: to the key that a column must stay equal to, and to the subject of a row.

use super::file::Policy;
use super::names::{self, Found};
use super::resolve::find_table;
use crate::error::{Error, Kind, Result};
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
}

/// Every reference of a database.
#[derive(Debug)]
pub(super) struct References<'a> {
    catalogue: &'a Catalogue,
    all: Vec<Reference>,
}

impl<'a> References<'a> {
    /// Collects them.
    ///
    /// # Errors
    /// Kind `Drift` where the policy names tables or columns that the database does not have.
    pub(super) fn new(policy: &Policy, catalogue: &'a Catalogue) -> Result<Self> {
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
                    all.push(Reference { child, columns, parent, parent_columns });
                }
            }
        }
        for virtual_one in &policy.references {
            let missing = |what: String, hint: Option<String>| {
                let error = Error::new(
                    Kind::Drift,
                    format!(
                        "{}:{}: a reference of the policy names {what}, which the database does not have",
                        policy.file, virtual_one.place
                    ),
                );
                error.hint(hint.unwrap_or_else(|| "Change or remove it.".to_owned()))
            };
            let table = |name: &str| match find_table(name, catalogue) {
                Found::At(at) => Ok(at),
                Found::Several | Found::Missing => {
                    let known = catalogue.tables.iter().map(|table| table.name.name.as_str());
                    Err(missing(format!("table {}", name.escape_debug()), names::did_you_mean(name, known)))
                }
            };
            let columns = |at: usize, wanted: &[String]| -> Result<Vec<usize>> {
                let known = || catalogue.tables[at].columns.iter().map(|column| column.name.as_str());
                let found = wanted.iter().map(|name| match names::find(name, known()) {
                    Found::At(column) => Ok(column),
                    Found::Several | Found::Missing => {
                        let what = format!("column {}.{}", catalogue.tables[at].name, name.escape_debug());
                        Err(missing(what, names::did_you_mean(name, known())))
                    }
                });
                found.collect()
            };
            let (child, parent) = (table(&virtual_one.table)?, table(&virtual_one.parent)?);
            let own = columns(child, &virtual_one.columns)?;
            let parent_columns = match virtual_one.parent_columns.as_slice() {
                [] => catalogue.tables[parent].primary_key.clone(),
                named => columns(parent, named)?,
            };
            if own.len() != parent_columns.len() {
                let what = format!(
                    "{}:{}: a reference has {} columns on one side and {} on the other",
                    policy.file,
                    virtual_one.place,
                    own.len(),
                    parent_columns.len()
                );
                return Err(Error::policy(what).hint("Name parent_columns, one for each of columns."));
            }
            let reference = Reference { child, columns: own, parent, parent_columns };
            if !all.contains(&reference) {
                all.push(reference);
            }
        }
        Ok(Self { catalogue, all })
    }

    /// Every reference.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Reference> {
        self.all.iter()
    }

    /// The reference of a single column: its parent table and column.
    pub(super) fn parent_of(&self, table: usize, column: usize) -> Option<(usize, usize)> {
        let found = self.all.iter().find(|found| found.child == table && found.columns == [column])?;
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
