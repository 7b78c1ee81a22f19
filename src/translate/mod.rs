//! Floor 2: a snapshot of one engine on another. Pure: the captured catalogue becomes one of the target's, each cell's text
//! the target's, and what cannot be carried becomes a list of losses.
//!
//! Types go through a neutral vocabulary ([`neutral`]), so that an engine needs two functions and not one per pair.

mod cells;
mod collation;
mod created;
mod declare;
mod expr;
mod loss;
mod names;
pub mod neutral;
mod rows;
mod tables;
#[cfg(test)]
mod tests;
mod token;

pub use declare::declare;
pub use loss::{Loss, LossKind, summary};
pub use rows::{Cast, Given, Piece, Rows};

use crate::error::{Error, Result};
use crate::model::batch::{Cell, CellKind};
use crate::model::schema::{Catalogue, Column, EngineKind, SchemaObject, Table, TableKind, TableName, Traces};
use cells::{Change, Conversion, Origin, Target};
use neutral::{NamedTypes, Neutral};
use rows::{Made, Way};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;

/// A catalogue on another engine.
#[derive(Debug, Clone)]
pub struct Translation {
    /// The catalogue as it is on the target. Only ordinary tables travel.
    pub catalogue: Catalogue,
    /// What cannot be carried.
    pub losses: Vec<Loss>,
    /// The captured table's name by the one on the target.
    pub origins: BTreeMap<TableName, TableName>,
}

/// The captured catalogue as it is on the engine `to`.
///
/// # Errors
/// Kind `Drift` when a name is too long there, or two names become one.
pub fn schema(captured: &Catalogue, to: EngineKind) -> Result<Translation> {
    let travelling: Vec<&Table> = captured.tables.iter().filter(|table| table.kind == TableKind::Ordinary).collect();
    let names = names::tables(&travelling, to)?;
    let types = NamedTypes::of(captured);
    let indexes: Vec<_> = captured.post.iter().filter_map(|object| listed_index(captured.engine, object)).collect();
    let deferred: BTreeSet<String> = captured.post.iter().filter(|object| is_deferred(object)).map(name_of).collect();
    let tables = tables::Tables {
        from: captured.engine,
        to,
        types: &types,
        names: &names,
        all: &travelling,
        indexes: &indexes,
        deferred: &deferred,
        collation: captured.settings.get("collation").map(String::as_str),
    };
    let mut catalogue = Catalogue {
        engine: to,
        version: captured.version.clone(),
        settings: BTreeMap::new(),
        tables: Vec::new(),
        pre: Vec::new(),
        post: Vec::new(),
        own: Traces::default(),
    };
    let mut losses = Vec::new();
    for (at, table) in travelling.iter().enumerate() {
        let done = tables.translate(table, at);
        catalogue.tables.push(done.table);
        catalogue.post.extend(done.post);
        losses.extend(done.losses);
    }
    catalogue.tables.sort_by(|a, b| a.name.cmp(&b.name));
    // Foreign keys need the unique indexes of their parents.
    catalogue.post.sort_by_key(|object| object.kind == "foreign key");
    losses.extend(captured.pre.iter().chain(&captured.post).filter_map(|object| left_out(captured, object, &names)));
    let origins = names.into_iter().map(|(origin, name)| (name, origin)).collect();
    Ok(Translation { catalogue, losses, origins })
}

fn name_of(object: &SchemaObject) -> String {
    object.name.clone()
}

fn is_deferred(object: &SchemaObject) -> bool {
    object.kind == "foreign key" && object.create.contains(" DEFERRABLE")
}

fn listed_index(engine: EngineKind, object: &SchemaObject) -> Option<(TableName, created::Index)> {
    if object.kind != "index" {
        return None;
    }
    Some((object.table.clone()?, created::index(engine, &object.create)?))
}

/// The loss of an object that no other engine has in the same words.
fn left_out(captured: &Catalogue, object: &SchemaObject, names: &BTreeMap<TableName, TableName>) -> Option<Loss> {
    let what = match object.kind.as_str() {
        // Carried by the columns that use them, or of use to PostgreSQL alone.
        "schema" | "extension" | "type" | "domain" | "foreign key" | "ownership" => return None,
        "index" if object.table.as_ref().is_some_and(|table| names.contains_key(table)) => return None,
        "sequence" if captured.tables.iter().any(|table| table.counter && table.create.contains(&object.name)) => {
            return None;
        }
        "index" => "indexes of views".to_owned(),
        "check" => "checks that not every row passes".to_owned(),
        "policy" => "policies".to_owned(),
        kind => format!("{kind}s"),
    };
    let table = object.table.as_ref().and_then(|table| names.get(table)).cloned();
    Some(Loss { kind: LossKind::Shape, table, what, name: object.name.clone() })
}

/// The columns of a captured catalogue, to be written into another engine's.
#[derive(Debug, Clone)]
pub struct Bridge {
    from: EngineKind,
    to: EngineKind,
    origin_types: NamedTypes,
    target_types: NamedTypes,
}

impl Bridge {
    /// Between a captured and a live catalogue.
    #[must_use]
    pub fn new(captured: &Catalogue, live: &Catalogue) -> Self {
        let (origin_types, target_types) = (NamedTypes::of(captured), NamedTypes::of(live));
        Self { from: captured.engine, to: live.engine, origin_types, target_types }
    }

    fn conversion(&self, captured: &Column, live: &Column) -> Conversion {
        let origin = Origin { engine: self.from, neutral: neutral::of(self.from, &self.origin_types, captured) };
        let neutral = neutral::of(self.to, &self.target_types, live);
        Conversion::new(origin, Target::declared(self.to, &neutral, &live.declared))
    }

    /// Whether values of the captured column can be written into the live one.
    #[must_use]
    pub fn fits(&self, captured: &Column, live: &Column) -> bool {
        self.conversion(captured, live).is_possible()
    }

    /// The conversion of the rows of `captured` into those of `live`, whose cells come from `pieces`.
    ///
    /// # Errors
    /// Kind `Drift` when a column is missing on either side; kind `Usage` when a given value does not fit.
    pub fn rows(&self, captured: &Table, live: &Table, pieces: Vec<Piece>, allow_lossy: bool) -> Result<Rows> {
        let stored = captured.stored_columns();
        let cells =
            pieces.into_iter().map(|piece| self.made((captured, &stored), live, piece)).collect::<Result<_>>()?;
        Ok(Rows { table: live.name.clone(), captured: stored.len(), cells, allow_lossy, changed: AtomicU64::new(0) })
    }

    fn made(&self, (captured, stored): (&Table, &[usize]), live: &Table, piece: Piece) -> Result<Made> {
        let place = || format!("table {}, column {}", live.name, piece.column.escape_debug());
        let missing = || Error::drift(format!("{}: missing in the target", place()));
        let column = &live.columns[live.column_index(&piece.column).ok_or_else(missing)?];
        let at = match &piece.from {
            Some(name) => {
                let at = stored.iter().position(|&at| captured.columns[at].name == *name);
                Some(at.ok_or_else(|| Error::drift(format!("{}: not in the snapshot", place())))?)
            }
            None => None,
        };
        let way = match (at, piece.cast) {
            (Some(at), Some(cast)) => Way::Cast(self.conversion(&captured.columns[stored[at]], column), cast),
            (Some(at), None) if self.from != self.to => {
                Way::Convert(self.conversion(&captured.columns[stored[at]], column))
            }
            _ => Way::Copy,
        };
        let given = piece.given.as_ref().map(|given| self.given(given, column)).transpose();
        let given = given.map_err(|why| Error::usage(format!("{}: its default is {why}", place())))?;
        let most = column.length.filter(|_| piece.cast == Some(Cast::Truncate)).map(|length| length as usize);
        Ok(Made { piece, at, way, given, most })
    }

    /// The cell of a value that the user gives.
    fn given(&self, given: &Given, column: &Column) -> std::result::Result<(CellKind, Vec<u8>), &'static str> {
        let origin = Origin { engine: EngineKind::Sqlite, neutral: Neutral::Any };
        let neutral = neutral::of(self.to, &self.target_types, column);
        let conversion = Conversion::new(origin, Target::declared(self.to, &neutral, &column.declared));
        let (kind, text) = given.cell();
        let limit = column.length.filter(|_| self.to != EngineKind::Sqlite);
        if limit.is_some_and(|limit| text.chars().count() > limit as usize) {
            return Err("longer than the column allows");
        }
        let mut arena = Vec::new();
        let (kind, change) = conversion.convert(Cell { kind, bytes: text.as_bytes() }, &mut Vec::new(), &mut arena)?;
        match change {
            Change::None => Ok((kind, arena)),
            Change::Changed(why) => Err(why),
        }
    }
}

/// Whether SQLite stores the values of two declared types in the same way.
#[must_use]
pub fn stored_alike(a: &str, b: &str) -> bool {
    cells::same_affinity(a, b)
}
