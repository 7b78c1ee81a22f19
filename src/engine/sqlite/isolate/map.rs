//! Which table each page of a template belongs to: a small database beside it, asked when pages of a clone differ.

use super::files::{self, beside};
use crate::engine::sqlite::connect;
use crate::error::{Error, Result};
use rusqlite::{Connection, OptionalExtension as _};
use std::path::Path;

/// What the map's name ends with, behind the template's.
pub(super) const ENDING: &str = ".pages";

/// The table of the schema.
pub(super) const SCHEMA: &str = "sqlite_schema";

/// The table of the counters.
pub(super) const COUNTERS: &str = "sqlite_sequence";

/// Whose a page is.
pub(super) struct Owner {
    /// The table, also for pages of its indexes.
    pub(super) table: String,
    /// What its cells are.
    pub(super) cells: Cells,
}

/// What the cells of a page are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cells {
    /// Not rows: an index.
    Entries,
    /// Rows with a rowid.
    Rows,
    /// Rows of a table without one.
    Keyed,
}

/// Writes the map of a template.
pub(super) fn write(connection: &Connection, template: &Path) -> Result<()> {
    let path = beside(template, ENDING);
    files::make_blank(&path)?;
    let name = path.to_str().ok_or_else(|| {
        Error::usage(format!("the folder of {} has a name that is no UTF-8", template.display()))
            .hint("Name another folder in --server.")
    })?;
    let write = || {
        connection.execute("ATTACH ?1 AS map", [name])?;
        // A tree of the schema's own is in no row of it.
        connection.execute_batch(
            "BEGIN; DROP TABLE IF EXISTS map.pages;
            CREATE TABLE map.pages (pgno INTEGER PRIMARY KEY, owner TEXT NOT NULL, cells INTEGER NOT NULL);
            WITH keyed AS MATERIALIZED (SELECT name, wr FROM pragma_table_list WHERE schema = 'main'),
                trees AS MATERIALIZED (SELECT s.name, s.tbl_name, CASE s.type WHEN 'table' THEN 1 + coalesce(k.wr, 0) ELSE 0 END cells
                    FROM main.sqlite_schema s LEFT JOIN keyed k ON s.type = 'table' AND k.name = s.name WHERE s.rootpage > 0)
            INSERT INTO map.pages SELECT d.pageno, coalesce(t.tbl_name, 'sqlite_schema'), coalesce(t.cells, 0)
                FROM dbstat d LEFT JOIN trees t ON t.name = d.name WHERE d.schema = 'main';
            COMMIT; DETACH map",
        )
    };
    write().map_err(|error| connect::explain(&path, error))
}

/// Opens the map of a template.
pub(super) fn open(template: &Path) -> Result<Connection> {
    connect::open_plainly(&beside(template, ENDING))
}

/// Whose a page of the template is. None for one that nobody uses.
pub(super) fn owner(map: &Connection, page: u32) -> rusqlite::Result<Option<Owner>> {
    let mut statement = map.prepare_cached("SELECT owner, cells FROM pages WHERE pgno = ?1")?;
    let owner = |row: &rusqlite::Row<'_>| {
        let cells = [Cells::Entries, Cells::Rows, Cells::Keyed][usize::from(row.get::<_, u8>(1)?.min(2))];
        Ok(Owner { table: row.get(0)?, cells })
    };
    statement.query_row([page], owner).optional()
}

/// Every table of the template.
pub(super) fn tables(map: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql =
        "SELECT DISTINCT owner FROM pages WHERE cells > 0 AND owner NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY owner";
    map.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}
