//! Names of an invariant in a schema: tables, columns, and ways along references.

use super::expression::{Expression, Folded, Written};
use crate::generate::profile::Lookup;
use crate::model::subset::Reference;

/// A reference by index.
#[derive(Debug, Clone)]
pub struct Link {
    /// The reference.
    pub reference: Reference,
    /// The referencing table and its columns.
    pub child: usize,
    /// Its columns.
    pub columns: Vec<usize>,
    /// The referenced table.
    pub parent: usize,
    /// Its columns.
    pub parent_columns: Vec<usize>,
}

/// A column of a table.
pub type Site = (usize, usize);

/// A cell of a row, or of one that it references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellAt {
    /// References to follow, by index.
    pub path: Vec<usize>,
    /// The table in which the path ends.
    pub table: usize,
    /// The column.
    pub column: usize,
}

/// The rows that reference a row: by this reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kin {
    /// The reference, by index.
    pub link: usize,
}

/// An expression over cells of a schema.
pub type Bound = Expression<CellAt, Kin>;

/// Where names are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The schema.
    pub lookup: &'a Lookup<'a>,
    /// Its references.
    pub links: &'a [Link],
}

impl Scope<'_> {
    /// A column that can be set.
    pub(super) fn own(&self, table: usize, name: &str) -> Result<usize, String> {
        let column = self.stored(table, name)?;
        Ok(column)
    }

    /// A column that has cells.
    fn stored(&self, table: usize, name: &str) -> Result<usize, String> {
        let column = self.lookup.column(table, name)?;
        let own = &self.lookup.catalogue.tables[table];
        if own.columns[column].generated {
            return Err(format!(
                "column {}.{} is computed by the database",
                own.name,
                own.columns[column].name.escape_debug()
            ));
        }
        Ok(column)
    }

    /// A cell by its way: `total`, `client_id.name`, `order_id.client_id.name`.
    pub(super) fn cell(&self, table: usize, names: &[String]) -> Result<CellAt, String> {
        let [way @ .., last] = names else { return Err("this names no column".to_owned()) };
        let (mut at, mut path) = (table, Vec::new());
        for (step, name) in way.iter().enumerate() {
            match self.step(at, name) {
                Ok(link) => {
                    path.push(link);
                    at = self.links[link].parent;
                }
                // `orders.total` in an expression of orders.
                Err(_) if step == 0 && self.lookup.has_table(name) == Some(table) => {}
                Err(why) => return Err(why),
            }
        }
        Ok(CellAt { path, table: at, column: self.stored(at, last)? })
    }

    /// The reference of a table that a name means: its column, the constraint or the referenced table.
    fn step(&self, table: usize, name: &str) -> Result<usize, String> {
        let own = &self.lookup.catalogue.tables[table];
        let column = self.lookup.has_column(table, name);
        let target = self.lookup.has_table(name);
        let of = |fits: &dyn Fn(&Link) -> bool| {
            let found: Vec<usize> =
                (0..self.links.len()).filter(|&at| self.links[at].child == table && fits(&self.links[at])).collect();
            found
        };
        let ways: [&dyn Fn(&Link) -> bool; 3] = [
            &|link| column.is_some_and(|column| link.columns == [column]),
            &|link| link.reference.name == name,
            &|link| Some(link.parent) == target,
        ];
        for way in ways {
            match of(way)[..] {
                [] => {}
                [one] => return Ok(one),
                _ => {
                    return Err(format!(
                        "several references of table {} could be meant by {}",
                        own.name,
                        name.escape_debug()
                    ));
                }
            }
        }
        // Renamed columns last: their name may also be that of something else.
        if let Ok(column) = self.lookup.column(table, name)
            && let [one] = of(&|link| link.columns == [column])[..]
        {
            return Ok(one);
        }
        Err(format!("table {} has no reference {}", own.name, name.escape_debug()))
    }

    /// The rows of a table that reference a row: `order_lines`, or `order_lines.order_id` where several references could be
    /// meant.
    pub(super) fn kin(&self, table: usize, names: &[String]) -> Result<Kin, String> {
        let (name, column) = match names {
            [name] => (name, None),
            [name, column] => (name, Some(column)),
            _ => return Err("this names no table".to_owned()),
        };
        let child = self.lookup.table(name)?;
        let column = column.map(|column| self.lookup.column(child, column)).transpose()?;
        let fits = |link: &Link| {
            link.child == child && link.parent == table && column.is_none_or(|column| link.columns.contains(&column))
        };
        let found: Vec<usize> = (0..self.links.len()).filter(|&at| fits(&self.links[at])).collect();
        let tables = &self.lookup.catalogue.tables;
        match found[..] {
            [link] => Ok(Kin { link }),
            [] => Err(format!("table {} does not reference {}", tables[child].name, tables[table].name)),
            _ => Err(format!(
                "table {} references {} in several ways: write {}.column",
                tables[child].name,
                tables[table].name,
                name.escape_debug()
            )),
        }
    }

    /// An expression over rows of a table.
    pub(super) fn bind(&self, table: usize, written: &Written) -> Result<Bound, String> {
        Ok(match written {
            Expression::Constant(value) => Expression::Constant(value.clone()),
            Expression::Row => Expression::Row,
            Expression::Cell(names) => Expression::Cell(self.cell(table, names)?),
            Expression::Nth(names) => Expression::Nth(names.as_ref().map(|names| self.cell(table, names)).transpose()?),
            Expression::Call(function, arguments) => {
                let arguments = arguments.iter().map(|argument| self.bind(table, argument));
                Expression::Call(*function, arguments.collect::<Result<_, _>>()?)
            }
            Expression::Case(cases, otherwise) => {
                let case = |(condition, result): &(Written, Written)| {
                    Ok::<_, String>((self.bind(table, condition)?, self.bind(table, result)?))
                };
                let cases = cases.iter().map(case).collect::<Result<_, _>>()?;
                Expression::Case(cases, Box::new(self.bind(table, otherwise)?))
            }
            Expression::Fold(folded) => {
                let kin = self.kin(table, &folded.kin)?;
                let child = self.links[kin.link].child;
                let part = |part: &Option<Written>| part.as_ref().map(|part| self.bind(child, part)).transpose();
                Expression::Fold(Box::new(Folded {
                    fold: folded.fold,
                    kin,
                    of: self.bind(child, &folded.of)?,
                    when: part(&folded.when)?,
                    by: part(&folded.by)?,
                }))
            }
        })
    }

    /// An expression from its text.
    pub(super) fn expression(&self, table: usize, text: &str) -> Result<Bound, String> {
        self.bind(table, &super::expression::read(text)?)
    }

    /// The columns that an expression looks at, those of references on its ways included.
    pub(super) fn reads(&self, expression: &Bound) -> Vec<Site> {
        let mut sites = Vec::new();
        expression.walk(&mut |part| match part {
            Expression::Cell(cell) | Expression::Nth(Some(cell)) => sites.extend(self.reads_of(cell)),
            Expression::Fold(folded) => sites.extend(self.key(folded.kin.link)),
            _ => {}
        });
        sites
    }

    /// The columns that a cell's way looks at.
    pub(super) fn reads_of(&self, cell: &CellAt) -> Vec<Site> {
        let mut sites: Vec<Site> = cell.path.iter().flat_map(|link| self.key(*link)).collect();
        sites.push((cell.table, cell.column));
        sites
    }

    /// The referencing columns of a reference.
    pub(super) fn key(&self, link: usize) -> Vec<Site> {
        self.links[link].columns.iter().map(|column| (self.links[link].child, *column)).collect()
    }
}
