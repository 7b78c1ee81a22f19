//! What rows a target takes, reckoned without a database: the oracle for restores that leave rows out.
//!
//! Four tables, references up, across and round: `p` to itself, `c` to `p` and to `d`, `d` to `c`, `l` without a key to `p`.

use crate::model::schema::EngineKind;
use crate::run::load::OnConflict;
use std::collections::{BTreeMap, BTreeSet};

/// A cell: a number, or NULL.
type Cell = Option<i64>;

/// A table of the test.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
    /// Columns that hold texts.
    texts: &'static [&'static str],
    /// The column of the primary key, if there is one: the first.
    has_key: bool,
    required: &'static [&'static str],
    uniques: &'static [&'static [&'static str]],
    /// A column whose values stay below 100.
    below: Option<&'static str>,
    /// A column that is unique from 80 on, where the engine has such keys.
    partly: Option<&'static str>,
    /// References by column to the first column of a table.
    references: &'static [(&'static str, &'static str)],
}

/// Every table, in the order of their names.
pub(super) const TABLES: [Table; 4] = [
    Table {
        name: "c",
        columns: &["id", "p_id", "tag", "d_id"],
        texts: &["tag"],
        has_key: true,
        required: &["id", "p_id"],
        uniques: &[&["p_id", "tag"]],
        below: None,
        partly: None,
        references: &[("p_id", "p"), ("d_id", "d")],
    },
    Table {
        name: "d",
        columns: &["id", "c_id", "n"],
        texts: &[],
        has_key: true,
        required: &["id"],
        uniques: &[],
        below: Some("n"),
        partly: None,
        references: &[("c_id", "c")],
    },
    Table {
        name: "l",
        columns: &["note", "p_id"],
        texts: &["note"],
        has_key: false,
        required: &["note"],
        uniques: &[],
        below: None,
        partly: None,
        references: &[("p_id", "p")],
    },
    Table {
        name: "p",
        columns: &["id", "code", "n", "up"],
        texts: &["code"],
        has_key: true,
        required: &["id"],
        uniques: &[&["code"]],
        below: Some("n"),
        partly: Some("n"),
        references: &[("up", "p")],
    },
];

/// Whether there is a key over some rows only: not on every engine, and not where replaced rows give such values away, which a
/// rollback cannot put back in one step.
fn has_partial(engine: EngineKind, on_conflict: OnConflict) -> bool {
    matches!(engine, EngineKind::Sqlite | EngineKind::Postgres) && on_conflict != OnConflict::Overwrite
}

/// The tables as DDL: with their rules for a target, without them for a source.
pub(super) fn schema(engine: EngineKind, rules: Option<OnConflict>) -> String {
    let with_rules = rules.is_some();
    let has_partial = rules.is_some_and(|on_conflict| has_partial(engine, on_conflict));
    let mut text = String::new();
    for table in &TABLES {
        let mut lines: Vec<String> = Vec::new();
        for column in table.columns {
            let kind = if table.texts.contains(column) { "VARCHAR(8)" } else { "INTEGER" };
            let required = with_rules && table.required.contains(column);
            lines.push(format!("{column} {kind}{}", if required { " NOT NULL" } else { "" }));
        }
        if with_rules {
            lines.extend(table.has_key.then(|| format!("PRIMARY KEY ({})", table.columns[0])));
            lines.extend(table.uniques.iter().map(|unique| format!("UNIQUE ({})", unique.join(", "))));
            lines.extend(table.below.map(|column| format!("CONSTRAINT {}_small CHECK ({column} < 100)", table.name)));
            if engine == EngineKind::Sqlite {
                let key = |(column, parent): &(&str, &str)| format!("FOREIGN KEY ({column}) REFERENCES {parent} (id)");
                lines.extend(table.references.iter().map(key));
            }
        }
        text += &format!("CREATE TABLE {} ({});\n", table.name, lines.join(", "));
        if let Some(column) = table.partly.filter(|_| has_partial) {
            text += &format!("CREATE UNIQUE INDEX partly ON {} ({column}) WHERE {column} >= 80;\n", table.name);
        }
    }
    for table in TABLES.iter().filter(|_| with_rules && engine != EngineKind::Sqlite) {
        for (column, parent) in table.references {
            let name = format!("fk_{}_{column}", table.name);
            text += &format!(
                "ALTER TABLE {} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {parent} (id);\n",
                table.name
            );
        }
    }
    text
}

/// Numbers that look random and repeat.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// Rows by table, each in the order of its stream.
pub(super) type Rows = BTreeMap<&'static str, Vec<Vec<Cell>>>;

/// Rows that break every rule now and then.
pub(super) fn bad_rows(random: &mut Random, most: u64) -> Rows {
    let mut rows = Rows::new();
    for table in &TABLES {
        let count = random.below(most + 1);
        let mut those = Vec::new();
        for ordinal in 0..count {
            let row = table.columns.iter().enumerate().map(|(at, column)| {
                let refers = table.references.iter().any(|(from, _)| from == column);
                match (at, refers) {
                    _ if random.below(12) == 0 => None,
                    (0, _) if table.has_key && random.below(6) > 0 => i64::try_from(ordinal).ok(),
                    (_, true) if random.below(3) == 0 => None,
                    (0, _) | (_, true) => i64::try_from(random.below(most + most / 8)).ok(),
                    _ => i64::try_from(random.below(110)).ok(),
                }
            });
            those.push(row.collect());
        }
        rows.insert(table.name, those);
    }
    rows
}

/// `INSERT` statements for rows, in order.
pub(super) fn inserts(rows: &Rows) -> String {
    let mut text = String::new();
    for table in &TABLES {
        for row in rows.get(table.name).into_iter().flatten() {
            let cells = table.columns.iter().zip(row).map(|(column, cell)| match cell {
                None => "NULL".to_owned(),
                Some(number) if table.texts.contains(column) => format!("'{number}'"),
                Some(number) => number.to_string(),
            });
            text += &format!("INSERT INTO {} VALUES ({});\n", table.name, cells.collect::<Vec<_>>().join(", "));
        }
    }
    text
}

/// Where a row of the target comes from.
#[derive(Clone)]
struct Held {
    row: Vec<Cell>,
    /// The ordinal of the row of the snapshot that it is, and what it was before.
    of: Option<(u64, Option<Vec<Cell>>)>,
}

/// A target as it is reckoned to be.
pub(super) struct Oracle {
    engine: EngineKind,
    on_conflict: OnConflict,
    held: BTreeMap<&'static str, Vec<Held>>,
    /// Tables and ordinals that were left out because they break a rule.
    pub(super) quarantined: BTreeSet<(String, u64)>,
}

impl Oracle {
    /// A target that holds these rows.
    pub(super) fn new(engine: EngineKind, on_conflict: OnConflict, own: &Rows) -> Self {
        let held = TABLES.iter().map(|table| {
            let rows = own.get(table.name).into_iter().flatten();
            (table.name, rows.map(|row| Held { row: row.clone(), of: None }).collect())
        });
        Self { engine, on_conflict, held: held.collect(), quarantined: BTreeSet::new() }
    }

    /// The rows of a table as they are now, sorted.
    pub(super) fn rows(&self, table: &str) -> Vec<Vec<Cell>> {
        let mut rows: Vec<Vec<Cell>> = self.held[table].iter().map(|held| held.row.clone()).collect();
        rows.sort();
        rows
    }

    fn out(&mut self, table: &Table, ordinal: u64) {
        assert!(self.quarantined.insert((table.name.to_owned(), ordinal)));
    }

    fn at(table: &Table, row: &[Cell], column: &str) -> Cell {
        row[table.columns.iter().position(|name| *name == column).unwrap()]
    }

    fn has(&self, table: &str, key: i64) -> bool {
        self.held[table].iter().any(|held| held.row[0] == Some(key))
    }

    /// Takes the rows of a snapshot, table after table in this order, row after row.
    pub(super) fn take(&mut self, order: &[&str], snapshot: &Rows) {
        let tables: Vec<&Table> =
            order.iter().map(|name| TABLES.iter().find(|table| table.name == *name).unwrap()).collect();
        let mut open: Vec<&Table> = Vec::new();
        for (at, table) in tables.iter().enumerate() {
            let later: Vec<&str> = tables[at + 1..].iter().map(|table| table.name).collect();
            let mut waiting: Vec<(u64, &Vec<Cell>)> = (0..).zip(&snapshot[table.name]).collect();
            self.leave(table, &mut waiting, |_, row| {
                table.required.iter().any(|it| Self::at(table, row, it).is_none())
            });
            let replacing = self.meet(table, &mut waiting);
            for (column, parent) in table.references {
                if parent != &table.name && !later.contains(parent) {
                    self.leave(table, &mut waiting, |all, row| {
                        Self::at(table, row, column).is_some_and(|key| !all.has(parent, key))
                    });
                }
            }
            loop {
                let coming: BTreeSet<Cell> = waiting.iter().map(|(_, row)| row[0]).collect();
                let before = waiting.len();
                for (column, _) in table.references.iter().filter(|(_, parent)| parent == &table.name) {
                    self.leave(table, &mut waiting, |all, row| {
                        let key = Self::at(table, row, column);
                        key.is_some_and(|it| !all.has(table.name, it)) && !coming.contains(&key)
                    });
                }
                if waiting.len() == before {
                    break;
                }
            }
            self.clash(table, &mut waiting);
            for (ordinal, row) in waiting {
                self.put(table, ordinal, row, replacing.contains(&ordinal));
            }
            while table.references.iter().any(|it| it.1 == table.name && self.orphans_go(table, *it)) {}
            let waits =
                |(_, parent): &(&str, &str)| later.contains(parent) || open.iter().any(|other| other.name == *parent);
            if table.references.iter().any(waits) {
                open.push(table);
            }
        }
        loop {
            let mut any = false;
            for table in &open {
                for reference in table.references {
                    any |= self.orphans_go(table, *reference);
                }
            }
            if !any {
                break;
            }
        }
    }

    /// Quarantines what is `bad`.
    fn leave(&mut self, table: &Table, waiting: &mut Vec<(u64, &Vec<Cell>)>, bad: impl Fn(&Self, &[Cell]) -> bool) {
        let gone: Vec<u64> = waiting.iter().filter(|(_, row)| bad(self, row)).map(|(ordinal, _)| *ordinal).collect();
        waiting.retain(|(ordinal, _)| !gone.contains(ordinal));
        for ordinal in gone {
            self.out(table, ordinal);
        }
    }

    /// Rows under a key of the target's own rows. Gives the ordinals that replace one.
    fn meet(&mut self, table: &Table, waiting: &mut Vec<(u64, &Vec<Cell>)>) -> BTreeSet<u64> {
        let mut replacing = BTreeSet::new();
        if !table.has_key {
            return replacing;
        }
        let mut replaced = BTreeSet::new();
        for (ordinal, row) in std::mem::take(waiting) {
            let there = self.held[table.name].iter().find(|held| held.row[0] == row[0]);
            match there.map(|held| held.row == *row) {
                None => waiting.push((ordinal, row)),
                Some(true) => {}
                Some(false) => match self.on_conflict {
                    OnConflict::Fail => self.out(table, ordinal),
                    OnConflict::Skip => {}
                    OnConflict::Overwrite if !replaced.insert(row[0]) => self.out(table, ordinal),
                    OnConflict::Overwrite => {
                        replacing.insert(ordinal);
                        waiting.push((ordinal, row));
                    }
                },
            }
        }
        replacing
    }

    /// Values that rows of the target's own hold under other keys.
    fn clash(&mut self, table: &Table, waiting: &mut Vec<(u64, &Vec<Cell>)>) {
        for unique in table.uniques {
            for (ordinal, row) in std::mem::take(waiting) {
                let other = |held: &&Held| held.row[0] != row[0];
                let same = self.held[table.name].iter().filter(other).any(|held| same(table, unique, &held.row, row));
                match (same, self.on_conflict) {
                    (false, _) => waiting.push((ordinal, row)),
                    (true, OnConflict::Skip) => {}
                    (true, _) => self.out(table, ordinal),
                }
            }
        }
    }

    /// Puts one row in, if every rule allows it.
    fn put(&mut self, table: &Table, ordinal: u64, row: &[Cell], replaces: bool) {
        let small = table.below.and_then(|column| Self::at(table, row, column)).is_none_or(|number| number < 100);
        let partly = table.partly.filter(|_| has_partial(self.engine, self.on_conflict));
        let other = |held: &&Held| !(replaces && held.row[0] == row[0]);
        let clashes = self.held[table.name].iter().filter(other).any(|held| {
            (table.has_key && held.row[0] == row[0])
                || table.uniques.iter().any(|unique| same(table, unique, &held.row, row))
                || partly.is_some_and(|column| {
                    let value = Self::at(table, row, column);
                    value.is_some_and(|number| number >= 80) && Self::at(table, &held.row, column) == value
                })
        });
        if !small || clashes {
            return self.out(table, ordinal);
        }
        let held = self.held.get_mut(table.name).unwrap();
        match held.iter_mut().find(|held| replaces && held.row[0] == row[0]) {
            Some(there) => {
                let before = std::mem::replace(&mut there.row, row.to_vec());
                there.of = Some((ordinal, Some(before)));
            }
            None => held.push(Held { row: row.to_vec(), of: Some((ordinal, None)) }),
        }
    }

    /// Takes rows of the snapshot out again whose parents are not there.
    fn orphans_go(&mut self, table: &Table, (column, parent): (&str, &str)) -> bool {
        let orphan = |held: &Held| {
            held.of.is_some() && Self::at(table, &held.row, column).is_some_and(|key| !self.has(parent, key))
        };
        let gone: Vec<bool> = self.held[table.name].iter().map(orphan).collect();
        let held = self.held.remove(table.name).unwrap();
        let mut stays = Vec::new();
        for (held, goes) in held.into_iter().zip(&gone) {
            match held.of {
                Some((ordinal, before)) if *goes => {
                    self.out(table, ordinal);
                    stays.extend(before.map(|row| Held { row, of: None }));
                }
                of => stays.push(Held { row: held.row, of }),
            }
        }
        self.held.insert(table.name, stays);
        gone.contains(&true)
    }
}

/// Whether two rows have the same value where it must be unique.
fn same(table: &Table, unique: &[&str], one: &[Cell], other: &[Cell]) -> bool {
    unique.iter().all(|column| {
        let value = Oracle::at(table, one, column);
        value.is_some() && value == Oracle::at(table, other, column)
    })
}
