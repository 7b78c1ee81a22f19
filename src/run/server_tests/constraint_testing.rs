//! Random schemas with random CHECKs, uniques and references, in the words of each engine.

use crate::generate::draw::Draw;
use crate::model::schema::EngineKind;
use std::fmt::Write as _;

/// A schema: what makes the tables, and what adds the references that no CREATE TABLE has.
pub(super) struct Constrained {
    /// Types and tables.
    pub(super) tables: String,
    /// Foreign keys and indexes.
    pub(super) later: String,
}

struct Maker {
    engine: EngineKind,
    draw: Draw,
    tables: Vec<Table>,
}

struct Table {
    name: String,
    key: Vec<(String, &'static str)>,
}

/// A column type: for PostgreSQL, for MySQL and MariaDB, for SQLite.
type Type = [&'static str; 3];

const WHOLE: Type = ["INTEGER", "INT", "INTEGER"];
const MONEY: Type = ["NUMERIC(8,2)", "DECIMAL(8,2)", "NUMERIC(8,2)"];
const WORD: Type = ["VARCHAR(12)", "VARCHAR(12)", "VARCHAR(12)"];
const NAME: Type = ["VARCHAR(60)", "VARCHAR(60)", "VARCHAR(60)"];
const DAY: Type = ["DATE", "DATE", "DATE"];
const MOMENT: Type = ["TIMESTAMPTZ", "DATETIME(3)", "DATETIME"];
const FLAG: Type = ["BOOLEAN", "TINYINT(1)", "BOOLEAN"];

/// Columns and what is asked of them: `{a}`, `{b}` and `{c}` are columns of these types; `!` before a type is NOT NULL. At last,
/// the CHECK.
const CHECKED: [(&[(bool, Type)], &str); 24] = [
    (&[(true, WHOLE)], "{a} > 0"),
    (&[(false, WHOLE)], "{a} BETWEEN 10 AND 20"),
    (&[(true, WHOLE)], "{a} % 5 = 0 AND {a} < 1000"),
    (&[(true, MONEY)], "{a} >= 0 AND {a} <= 500.50"),
    (&[(true, WORD)], "{a} IN ('new', 'old', 'it''s')"),
    (&[(true, WORD)], "{a} <> '' AND {a} NOT IN ('x', 'y')"),
    (&[(true, NAME)], "{a} LIKE 'AB-%'"),
    (&[(false, NAME)], "LENGTH({a}) >= 5"),
    (&[(true, DAY), (true, DAY)], "{a} <= {b}"),
    (&[(false, DAY), (false, DAY)], "{a} IS NULL OR {b} IS NULL OR {a} < {b}"),
    (&[(true, MOMENT), (false, MOMENT)], "{b} > {a}"),
    (&[(true, WHOLE), (true, WHOLE)], "{a} + {b} = 100 AND {a} >= 0 AND {b} >= 0"),
    (&[(true, MONEY), (true, MONEY)], "{a} <= {b} AND {a} >= 0"),
    (&[(true, WORD), (false, DAY)], "({a} = 'paid' AND {b} IS NOT NULL) OR ({a} = 'open' AND {b} IS NULL)"),
    (&[(false, WHOLE), (false, WORD)], "({a} IS NULL) <> ({b} IS NULL)"),
    (&[(true, WORD), (false, WHOLE)], "{a} <> 'big' OR {b} > 1000"),
    (&[(true, FLAG), (false, NAME)], "{a} = {false} OR {b} IS NOT NULL"),
    (&[(true, WHOLE), (true, WHOLE), (true, WHOLE)], "{a} < {b} AND {b} < {c}"),
    (
        &[(true, WHOLE), (true, MONEY), (true, MONEY)],
        "{c} = {a} * {b} AND {a} BETWEEN 1 AND 9 AND {b} BETWEEN 1 AND 99",
    ),
    (&[(true, DAY)], "{a} >= '2024-01-01' AND {a} < '2025-01-01'"),
    (&[(false, WHOLE)], "{a} = 1 OR {a} = 5 OR {a} > 90 AND {a} < 95"),
    (&[(true, NAME)], "{a} = LOWER({a}) AND LENGTH({a}) BETWEEN 3 AND 30"),
    (&[(true, WHOLE), (false, WHOLE)], "CASE WHEN {a} > 50 THEN {b} IS NOT NULL ELSE {b} IS NULL END = {true}"),
    (&[(false, MONEY), (false, MONEY)], "COALESCE({a}, 0) + COALESCE({b}, 0) > 0"),
];

const NAMES: [&str; 8] = ["plain", "Mixed Case", "select", "quo`\"te", "it's", "ÄÖ", "dot.ted", "% {}"];

/// The schema of a seed.
pub(super) fn schema(engine: EngineKind, seed: u64) -> Constrained {
    let mut maker = Maker { engine, draw: Draw::of(seed), tables: Vec::new() };
    let count = 2 + maker.draw.below(5);
    let mut made = Constrained { tables: String::new(), later: String::new() };
    for at in 0..count {
        maker.table(at, count, &mut made);
    }
    made
}

impl Maker {
    fn name(&self, name: &str) -> String {
        let quote = if matches!(self.engine, EngineKind::Mysql | EngineKind::Mariadb) { '`' } else { '"' };
        format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}")))
    }

    fn of(&self, kind: Type) -> &'static str {
        kind[match self.engine {
            EngineKind::Postgres => 0,
            EngineKind::Mysql | EngineKind::Mariadb => 1,
            EngineKind::Sqlite => 2,
        }]
    }

    fn table(&mut self, at: u64, count: u64, made: &mut Constrained) {
        let named = |at: u64| format!("t{at} {}", NAMES[usize::try_from(at).unwrap() % NAMES.len()]);
        let own = self.name(&named(at));
        let (mut lines, mut later, mut columns): (Vec<String>, Vec<String>, Vec<String>) = Default::default();
        let key = self.key(&mut lines, &mut later);
        for group in 0..=self.draw.below(3) {
            self.checked(group, &mut lines, &mut columns);
        }
        self.references(at, count, &key, &own, &mut lines, &mut later, &mut columns);
        self.uniques(at, &own, &mut lines, &mut later, &columns);
        let inline: Vec<String> = if self.engine == EngineKind::Sqlite {
            later.iter().filter(|line| !line.starts_with("CREATE")).cloned().collect()
        } else {
            Vec::new()
        };
        lines.extend(inline.iter().map(|line| line.split_once(" ADD ").unwrap().1.to_owned()));
        // SQLite wants columns first.
        lines.sort_by_key(|line| {
            line.starts_with("CONSTRAINT") || line.starts_with("PRIMARY") || line.starts_with("FOREIGN")
        });
        writeln!(made.tables, "CREATE TABLE {own} ({});", lines.join(", ")).unwrap();
        for line in later.iter().filter(|line| !inline.contains(line)) {
            // Rows need the columns, but not what holds between them.
            let text = if line.contains(" ADD COLUMN ") { &mut made.tables } else { &mut made.later };
            writeln!(text, "{line};").unwrap();
        }
        self.tables.push(Table { name: own, key });
    }

    /// The primary key.
    fn key(&mut self, lines: &mut Vec<String>, later: &mut Vec<String>) -> Vec<(String, &'static str)> {
        let id = self.name("id");
        let whole = self.of(WHOLE);
        let parent = (!self.tables.is_empty()).then(|| self.draw.index(self.tables.len()));
        let parent = parent.map(|at| &self.tables[at]).filter(|parent| parent.key.len() == 1);
        match (self.draw.below(6), parent) {
            (0, _) => {
                let kind = if self.engine == EngineKind::Postgres { "UUID" } else { "CHAR(36)" };
                lines.push(format!("{id} {kind} NOT NULL PRIMARY KEY"));
                vec![(id, kind)]
            }
            // One to one.
            (1, Some(parent)) => {
                let (column, kind) = parent.key[0].clone();
                lines.push(format!("{id} {kind} NOT NULL PRIMARY KEY"));
                later.push(format!("ALTER TABLE %own% ADD FOREIGN KEY ({id}) REFERENCES {} ({column})", parent.name));
                vec![(id, kind)]
            }
            // Lines of a parent.
            (2, Some(parent)) => {
                let (column, kind) = parent.key[0].clone();
                let (of, line) = (self.name("of it"), self.name("line_no"));
                lines.extend([format!("{of} {kind} NOT NULL"), format!("{line} {whole} NOT NULL")]);
                lines.push(format!("PRIMARY KEY ({of}, {line})"));
                later.push(format!("ALTER TABLE %own% ADD FOREIGN KEY ({of}) REFERENCES {} ({column})", parent.name));
                vec![(of, kind), (line, whole)]
            }
            // A code with little room.
            (3, _) => {
                lines.push(format!("{id} CHAR(4) NOT NULL PRIMARY KEY"));
                vec![(id, "CHAR(4)")]
            }
            _ => {
                let kind = match self.engine {
                    EngineKind::Postgres => "INTEGER GENERATED BY DEFAULT AS IDENTITY",
                    EngineKind::Mysql | EngineKind::Mariadb => "INT AUTO_INCREMENT",
                    EngineKind::Sqlite => "INTEGER NOT NULL",
                };
                lines.push(format!("{id} {kind} PRIMARY KEY"));
                vec![(id, whole)]
            }
        }
    }

    /// Columns with a CHECK over them.
    fn checked(&mut self, group: u64, lines: &mut Vec<String>, columns: &mut Vec<String>) {
        let (kinds, check) = CHECKED[self.draw.index(CHECKED.len())];
        let mut text = check.to_owned();
        for (at, (required, kind)) in kinds.iter().enumerate() {
            let letter = ["a", "b", "c"][at];
            let column = self.name(&format!("{letter}{group}"));
            let null = if *required { " NOT NULL" } else { "" };
            lines.push(format!("{column} {}{null}", self.of(*kind)));
            text = text.replace(&format!("{{{letter}}}"), &column);
            columns.push(column);
        }
        let (no, yes) = if self.engine == EngineKind::Postgres { ("false", "true") } else { ("0", "1") };
        lines.push(format!(
            "CONSTRAINT {} CHECK ({})",
            self.name(&format!("ck{group}{}", self.tables.len())),
            text.replace("{false}", no).replace("{true}", yes)
        ));
    }

    #[expect(clippy::too_many_arguments, reason = "parts of one statement")]
    fn references(
        &mut self,
        at: u64,
        count: u64,
        key: &[(String, &'static str)],
        own: &str,
        lines: &mut Vec<String>,
        later: &mut Vec<String>,
        columns: &mut Vec<String>,
    ) {
        for line in later.iter_mut() {
            *line = line.replace("%own%", own);
        }
        for number in 0..self.draw.below(3) {
            let parent = self.draw.below(at + 1).min(count - 1);
            let (name, parent_key) = match self.tables.get(usize::try_from(parent).unwrap()) {
                Some(table) => (table.name.clone(), table.key.clone()),
                None => (own.to_owned(), key.to_vec()),
            };
            let null = if self.draw.chance(0.5) { " NOT NULL" } else { "" };
            let mut own_columns = Vec::new();
            for (place, (_, kind)) in parent_key.iter().enumerate() {
                let column = self.name(&format!("r{number}{place}"));
                lines.push(format!("{column} {kind}{null}"));
                columns.push(column.clone());
                own_columns.push(column);
            }
            let theirs: Vec<&str> = parent_key.iter().map(|(column, _)| column.as_str()).collect();
            later.push(format!(
                "ALTER TABLE {own} ADD FOREIGN KEY ({}) REFERENCES {name} ({})",
                own_columns.join(", "),
                theirs.join(", ")
            ));
        }
        // Back from an earlier table to this one: a cycle.
        if self.engine != EngineKind::Sqlite && key.len() == 1 && !self.tables.is_empty() && self.draw.chance(0.3) {
            let other = self.draw.index(self.tables.len());
            let (other, column) = (&self.tables[other].name, self.name(&format!("back{at}")));
            let (id, kind) = &key[0];
            later.push(format!("ALTER TABLE {other} ADD COLUMN {column} {kind}"));
            later.push(format!("ALTER TABLE {other} ADD FOREIGN KEY ({column}) REFERENCES {own} ({id})"));
        }
    }

    fn uniques(&mut self, at: u64, own: &str, lines: &mut Vec<String>, later: &mut Vec<String>, columns: &[String]) {
        let one = columns[self.draw.index(columns.len())].clone();
        let other = columns[self.draw.index(columns.len())].clone();
        let index = self.name(&format!("ux{at}"));
        let is_mysql = matches!(self.engine, EngineKind::Mysql | EngineKind::Mariadb);
        match self.draw.below(6) {
            0 => lines.push(format!("CONSTRAINT {index} UNIQUE ({one})")),
            1 | 2 if one != other => lines.push(format!("CONSTRAINT {index} UNIQUE ({one}, {other})")),
            3 if !is_mysql => {
                later.push(format!("CREATE UNIQUE INDEX {index} ON {own} ({one}) WHERE {other} IS NOT NULL"));
            }
            4 if !is_mysql => {
                let code = self.name("code");
                lines.insert(0, format!("{code} {}", self.of(NAME)));
                later.push(format!("CREATE UNIQUE INDEX {index} ON {own} (LOWER({code}))"));
            }
            _ => {}
        }
    }
}
