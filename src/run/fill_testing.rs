//! Fills the tables of any schema with a few rows, from what its catalogue says. Rows that a constraint refuses are made
//! again with other values; tables that stay empty are reported, never forgotten.

use super::references::dangling;
use super::state;
use crate::engine::sql::{self, Sql};
use crate::engine::{Enforce, Query, Target};
use crate::error::Result;
use crate::model::batch::CellKind;
use crate::model::schema::{Catalogue, Column, EngineKind, Family, ForeignKey, Table, TableName};

/// Rows of each table.
const ROWS: usize = 4;
/// Tries for each row.
const TRIES: usize = 400;
/// Texts that a careless program would change on the way.
const TEXTS: [&str; 9] =
    ["plain", "", "tab\there", "line\r\nbreak", "\\N \\. back\\", "'quoted' \"`", "Zoë 北京 🌿", " spaces ", "NULL"];

/// What a fill did.
#[derive(Debug)]
pub(crate) struct Filled {
    /// Rows in the database.
    pub(crate) rows: u64,
    /// Tables that take no row, with the last refusal.
    pub(crate) empty: Vec<String>,
}

/// Fills an empty database. Fills with different seeds have no key and no unique value in common where they can be told
/// apart; tables where they cannot stay empty for seeds above 1.
pub(crate) fn fill(target: &mut dyn Target, seed: u64) -> Filled {
    let catalogue = target.catalogue().unwrap();
    fill_by(target, &catalogue, seed)
}

/// The same by a catalogue that may know references which the database does not declare.
pub(crate) fn fill_by(target: &mut dyn Target, catalogue: &Catalogue, seed: u64) -> Filled {
    fill_with(target, catalogue, seed, &|_, _, _| None)
}

/// What to write into a column of texts: table, column and a number, another one for each cell.
pub(crate) type Texts<'a> = &'a dyn Fn(&TableName, &str, u64) -> Option<String>;

/// The same with texts of one's own.
pub(crate) fn fill_with(target: &mut dyn Target, catalogue: &Catalogue, seed: u64, texts: Texts<'_>) -> Filled {
    let mut filler = Filler { target, catalogue, seed, state: seed, keys: Vec::new(), texts };
    let mut filled = Filled { rows: 0, empty: Vec::new() };
    let mut open = Vec::new();
    for at in catalogue.parents_first() {
        let table = &catalogue.tables[at];
        open.extend(table.foreign_keys.iter().filter(|key| !filler.has_keys(key)).map(|key| (table, key)));
        let (rows, refusal) = if seed > 1 && is_closed(table) { (0, None) } else { filler.table(table) };
        if rows == 0 && (seed == 1 || refusal.is_some()) {
            filled.empty.push(format!("{}: {}", table.name, refusal.unwrap_or_default()));
        }
        filler.learn(table);
    }
    for (table, key) in open {
        filler.close(table, key);
    }
    let dangling = dangling(target, catalogue, &[]).unwrap();
    assert!(dangling.is_empty(), "the generator left references without parents: {dangling:?}");
    // Counted at the end: triggers add rows where an engine cannot silence them.
    filled.rows = catalogue.tables.iter().map(|table| state::count(target, &table.name).unwrap()).sum();
    filled
}

/// Whether two rows of different fills would be in each other's way: a key of labels only.
fn is_closed(table: &Table) -> bool {
    let closed = |at: &usize| {
        let column = &table.columns[*at];
        matches!(column.family, Family::Enum | Family::Boolean) || !literals(table, column).is_empty()
    };
    let keys = table.uniques.iter().map(|unique| &unique.columns).chain([&table.primary_key]);
    let mut keys = keys.filter(|columns| !columns.is_empty());
    keys.any(|columns| columns.iter().all(closed))
}

/// Columns of a parent with the literals that its rows hold there.
type Known<'a> = (&'a TableName, &'a [String], Vec<Vec<Sql>>);

struct Filler<'a> {
    target: &'a mut dyn Target,
    catalogue: &'a Catalogue,
    seed: u64,
    state: u64,
    keys: Vec<Known<'a>>,
    texts: Texts<'a>,
}

impl<'a> Filler<'a> {
    /// SplitMix64: the same rows on every machine.
    fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z >> 33) % limit as u64).unwrap()
    }

    fn sql(&self) -> Sql {
        Sql::new(self.catalogue.engine)
    }

    fn has_keys(&self, key: &ForeignKey) -> bool {
        self.parents(key).is_some_and(|rows| !rows.is_empty())
    }

    fn parents(&self, key: &ForeignKey) -> Option<&Vec<Vec<Sql>>> {
        let mut known = self.keys.iter();
        let known = known.find(|(table, columns, _)| **table == key.parent && **columns == key.parent_columns);
        known.map(|(_, _, rows)| rows)
    }

    /// Remembers the keys of a filled table that others reference.
    fn learn(&mut self, table: &'a Table) {
        let catalogue = self.catalogue;
        for key in catalogue.tables.iter().flat_map(|child| &child.foreign_keys) {
            if key.parent == table.name && self.parents(key).is_none() {
                let rows = self.rows(&table.name, &key.parent_columns);
                self.keys.push((&table.name, &key.parent_columns, rows));
            }
        }
    }

    /// The rows of some columns, as literals; rows with a NULL left out.
    fn rows(&mut self, table: &TableName, columns: &[String]) -> Vec<Vec<Sql>> {
        let engine = self.catalogue.engine;
        let sql = self.sql().lit("SELECT ").list(columns, ", ", |sql, name| sql.name(name)).lit(" FROM ").table(table);
        let mut rows = Vec::new();
        let read = self.target.read(&Query { sql, columns: columns.len() }, &mut |batch| {
            for row in 0..batch.rows() {
                let cells = (0..columns.len()).map(|at| batch.cell(row, at)).map(|cell| match cell.kind {
                    CellKind::Null => None,
                    CellKind::Blob => Some(Sql::new(engine).bytes(cell.bytes)),
                    _ => Some(Sql::new(engine).string(std::str::from_utf8(cell.bytes).unwrap())),
                });
                rows.extend(cells.collect::<Option<Vec<Sql>>>());
            }
            Ok(())
        });
        read.unwrap();
        rows
    }

    /// One statement in a transaction of its own.
    fn change(&mut self, sql: &Sql) -> Result<u64> {
        self.target.begin(Enforce::Nothing)?;
        let done = self.target.execute(sql);
        self.target.end(done.is_ok())?;
        done
    }

    fn table(&mut self, table: &'a Table) -> (u64, Option<String>) {
        let (mut rows, mut refusal) = (0, None);
        for row in 0..ROWS {
            for attempt in 0..TRIES {
                let Some(cells) = self.row(table, row, attempt) else { continue };
                match self.change(&self.insert(table, &cells)) {
                    Ok(changed) => {
                        rows += changed;
                        break;
                    }
                    Err(error) => refusal = Some(error.to_string()),
                }
            }
        }
        (rows, refusal)
    }

    fn insert(&self, table: &Table, cells: &[(usize, Sql)]) -> Sql {
        let sql = self.sql().lit("INSERT INTO ").table(&table.name).lit(" (");
        let sql = sql.list(cells, ", ", |sql, (at, _)| sql.name(&table.columns[*at].name)).lit(")");
        let sql = sql.lit(sql::overriding(self.catalogue.engine)).lit(" VALUES (");
        sql.list(cells, ", ", |sql, (_, cell)| sql.part(cell)).lit(")")
    }

    /// The cells of a row; columns left to their default have none. No row where references cannot agree.
    fn row(&mut self, table: &Table, row: usize, attempt: usize) -> Option<Vec<(usize, Sql)>> {
        let mut cells: Vec<Option<Sql>> = vec![None; table.columns.len()];
        for key in &table.foreign_keys {
            let at: Vec<usize> = key.columns.iter().filter_map(|name| table.column_index(name)).collect();
            let may_be_null = at.iter().any(|&at| table.columns[at].nullable);
            let fits =
                |row: &&Vec<Sql>| at.iter().zip(*row).all(|(&at, cell)| cells[at].as_ref().is_none_or(|c| c == cell));
            let parents: Vec<Vec<Sql>> = self.parents(key).into_iter().flatten().filter(fits).cloned().collect();
            if parents.is_empty() || (may_be_null && self.below(4) == 0) {
                for &at in at.iter().filter(|&&at| table.columns[at].nullable) {
                    cells[at].get_or_insert(self.sql().lit("NULL"));
                }
                if !may_be_null && self.has_keys(key) {
                    return None;
                }
                continue;
            }
            let parent = &parents[self.below(parents.len())];
            at.iter().zip(parent).for_each(|(&at, cell)| cells[at] = Some(cell.clone()));
        }
        for at in table.stored_columns() {
            if cells[at].is_none() {
                cells[at] = self.cell(table, at, row, attempt);
            }
        }
        Some(cells.into_iter().enumerate().filter_map(|(at, cell)| Some((at, cell?))).collect())
    }

    fn cell(&mut self, table: &Table, at: usize, row: usize, attempt: usize) -> Option<Sql> {
        let column = &table.columns[at];
        let is_key = table.primary_key.contains(&at);
        let is_unique = is_key || table.uniques.iter().any(|unique| unique.columns.contains(&at));
        let number = usize::try_from(self.seed).unwrap() * 1000 + row;
        if is_key && column.family == Family::Integer {
            // The first fill uses the counters, the others stay clear of them.
            let counts = self.seed == 1 && (table.counter || column.default.is_some());
            return (!counts).then(|| self.sql().integer(i64::try_from(number).unwrap()));
        }
        match self.below(10) {
            0..=2 if column.nullable => return Some(self.sql().lit("NULL")),
            0..=4 if column.default.is_some() && (!is_unique || column.family == Family::Uuid) => return None,
            _ => {}
        }
        if matches!(column.family, Family::Text | Family::Json)
            && let Some(text) = (self.texts)(&table.name, &column.name, (number + attempt * 100) as u64)
        {
            return Some(self.sql().string(&text));
        }
        let known = literals(table, column);
        if !known.is_empty() && !is_number(column) && self.below(5) > 0 {
            return Some(self.sql().string(&known[self.below(known.len())]));
        }
        let (seed, day) = (self.seed, 1 + (row + attempt) % 28);
        let text = match column.family {
            Family::Integer | Family::Real | Family::Numeric if is_unique => format!("{}", number + attempt),
            Family::Integer | Family::Real | Family::Numeric => {
                let known: Vec<String> = known.into_iter().chain(["0", "1", "7"].map(str::to_owned)).collect();
                known[self.below(known.len())].clone()
            }
            Family::Boolean => return Some(self.sql().lit(if self.below(2) == 0 { "FALSE" } else { "TRUE" })),
            Family::Date => format!("20{:02}-{:02}-{day:02}", 10 + seed, 1 + row),
            Family::Time => format!("{:02}:59:{:02}", row + 10, attempt % 60),
            Family::Timestamp => format!("20{:02}-{:02}-{day:02} 12:34:56", 10 + seed, 1 + row),
            Family::Json => ["{\"a\": [1, null, \"ä\\\"\\\\\"]}", "[{\"b\": 1.50}]", "[]"][self.below(3)].to_owned(),
            Family::Uuid => self.uuid(),
            Family::Blob => {
                return Some(self.sql().bytes(&[0, 255, u8::try_from(number % 256).unwrap(), b'\\', b'\n']));
            }
            Family::Enum => {
                let labels = self.labels(&column.declared);
                labels[self.below(labels.len())].clone()
            }
            Family::Text => {
                let text = TEXTS[self.below(TEXTS.len())];
                let text = if is_unique { format!("{seed}{row}{attempt} {text}") } else { text.to_owned() };
                text.chars().take(column.length.map_or(200, |length| length as usize)).collect()
            }
            Family::Any => self.special(&column.declared.to_ascii_lowercase(), row),
        };
        Some(self.sql().string(&text))
    }

    fn uuid(&mut self) -> String {
        let hex: String = (0..32).map(|_| char::from(b"0123456789abcdef"[self.below(16)])).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// A value of a type that only one engine has.
    fn special(&mut self, declared: &str, row: usize) -> String {
        match declared {
            "inet" | "cidr" => format!("10.0.{}.{row}", self.seed),
            "macaddr" => format!("08:00:2b:01:{:02x}:{row:02x}", self.seed),
            "interval" => "1 day 02:03:04".to_owned(),
            "point" => "(1,2)".to_owned(),
            "year" => format!("20{:02}", 10 + self.seed),
            _ if declared.ends_with("[]") => ["{}", "{1,2}", "{1,NULL}"][self.below(3)].to_owned(),
            _ if declared.starts_with("set(") => quoted(declared).swap_remove(0),
            _ => format!("{row}"),
        }
    }

    /// The labels of an enum: in the type itself, or in the statement that creates the type.
    fn labels(&self, declared: &str) -> Vec<String> {
        let create = self.catalogue.pre.iter().map(|object| object.create.as_str());
        let mut of_type = create.filter(|text| text.starts_with(&format!("CREATE TYPE {declared} ")));
        quoted(if declared.contains('\'') { declared } else { of_type.next().unwrap_or("''") })
    }

    /// Gives references that had to wait for their parents one, where the row may have it.
    fn close(&mut self, table: &'a Table, key: &'a ForeignKey) {
        let is_shared =
            |name: &String| table.foreign_keys.iter().filter(|other| other.columns.contains(name)).count() > 1;
        let names = |at: &usize| table.columns[*at].name.clone();
        let key_columns: Vec<String> = table.primary_key.iter().map(names).collect();
        if key.columns.iter().any(is_shared) || key_columns.is_empty() {
            return;
        }
        let (rows, parents) = (self.rows(&table.name, &key_columns), self.rows(&key.parent, &key.parent_columns));
        for row in &rows {
            let first = self.below(parents.len().max(1));
            // A row that may have none of the parents keeps what it has; the check at the end sees what is wrong.
            (0..parents.len()).map(|at| &parents[(first + at) % parents.len()]).any(|parent| {
                let equal = |sql: Sql, (name, cell): (&String, &Sql)| sql.name(name).lit(" = ").part(cell);
                let sql = self.sql().lit("UPDATE ").table(&table.name).lit(" SET ");
                let sql = sql.list(key.columns.iter().zip(parent), ", ", equal).lit(" WHERE ");
                self.change(&sql.list(key_columns.iter().zip(row), " AND ", equal)).is_ok()
            });
        }
    }
}

fn is_number(column: &Column) -> bool {
    matches!(
        column.family,
        Family::Integer | Family::Real | Family::Numeric | Family::Json | Family::Timestamp | Family::Date
    )
}

/// The constants that CHECKs compare a column with: numbers for numbers, quoted texts for the rest.
fn literals(table: &Table, column: &Column) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let names = |check: &&String| check.split(|c| !is_word(c)).any(|word| word == column.name);
    let checks = table.checks.iter().filter(names);
    match column.family {
        Family::Integer | Family::Real | Family::Numeric => checks
            .flat_map(|check| check.split(|c: char| !is_word(c) && c != '.'))
            .filter(|word| word.parse::<f64>().is_ok())
            .map(str::to_owned)
            .collect(),
        _ => checks.flat_map(|check| quoted(check)).collect(),
    }
}

/// Every text between single quotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The counters of a database, which are no part of its content.
pub(crate) fn counters(target: &mut dyn Target, catalogue: &Catalogue) -> Vec<(String, Option<i64>)> {
    let tables = catalogue.tables.iter().filter(|table| table.counter && catalogue.engine != EngineKind::Sqlite);
    tables.map(|table| (table.name.to_string(), super::counters::value(target, &table.name).unwrap())).collect()
}
