//! Random schemas with random rows that reference one another in every way that there is.

use crate::model::schema::EngineKind;
use std::fmt::Write as _;

/// SplitMix64: the same numbers on every machine.
pub(in crate::run) struct Random(pub(in crate::run) u64);

impl Random {
    /// One of 0 to `end` - 1.
    pub(in crate::run) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }

    /// True once in `of` times.
    pub(in crate::run) fn once_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    /// One of these.
    pub(in crate::run) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum Kind {
    Int,
    Text,
    /// Text whose upper and lower case are equal.
    Folded,
}

/// A column.
#[derive(Debug, Clone)]
pub(in crate::run) struct Column {
    pub(in crate::run) name: String,
    pub(in crate::run) kind: Kind,
    pub(in crate::run) nullable: bool,
}

/// How the rows of a table are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Int,
    Composite,
    Text,
    Uuid,
    Folded,
    Nothing,
    /// The key of an earlier table, which it references: one to one.
    Shared(usize),
    /// The key of an earlier table, which it references, and a number.
    Part(usize),
}

/// A table.
#[derive(Debug, Clone)]
pub(in crate::run) struct Shape {
    pub(in crate::run) name: String,
    way: Key,
    /// Columns of the primary key; none: no key.
    pub(in crate::run) key: Vec<usize>,
    pub(in crate::run) columns: Vec<Column>,
    unique: Vec<Vec<usize>>,
    pub(in crate::run) rows: Vec<Vec<Option<String>>>,
}

/// A reference.
#[derive(Debug, Clone)]
pub(in crate::run) struct Tie {
    pub(in crate::run) child: usize,
    pub(in crate::run) columns: Vec<usize>,
    pub(in crate::run) parent: usize,
    pub(in crate::run) parent_columns: Vec<usize>,
    /// The type column and what it says.
    pub(in crate::run) of_type: Option<(usize, String)>,
    pub(in crate::run) declared: bool,
}

/// A database.
#[derive(Debug, Clone)]
pub(in crate::run) struct World {
    pub(in crate::run) engine: EngineKind,
    pub(in crate::run) tables: Vec<Shape>,
    pub(in crate::run) ties: Vec<Tie>,
}

/// Columns that every table has, behind its key.
pub(in crate::run) const PLAIN: [&str; 5] = ["grp", "n", "seq", "code", "Note"];

impl World {
    /// The world of a seed.
    pub(in crate::run) fn new(engine: EngineKind, seed: u64) -> Self {
        let random = &mut Random(seed.wrapping_mul(7919));
        let mut world = Self { engine, tables: Vec::new(), ties: Vec::new() };
        for at in 0..3 + random.below(6) {
            let shape = world.shape(random, at);
            world.tables.push(shape);
            if let Key::Shared(parent) | Key::Part(parent) = world.tables[at].way {
                let parent_columns = world.tables[parent].key.clone();
                world.ties.push(Tie {
                    child: at,
                    columns: vec![0],
                    parent,
                    parent_columns,
                    of_type: None,
                    declared: true,
                });
            }
        }
        let tables = world.tables.len();
        for child in 0..tables {
            for _ in 0..random.below(3) {
                let parent = random.below(tables); // An earlier one, a later one, or itself.
                world.tie(random, child, parent);
            }
        }
        // A circle of one, two or three tables.
        let ring: Vec<usize> = (0..=random.below(3)).map(|_| random.below(tables)).collect();
        for at in 0..ring.len() {
            world.tie(random, ring[at], ring[(at + 1) % ring.len()]);
        }
        if random.once_in(2) {
            world.polymorphic(random);
        }
        world.fill(random);
        world
    }

    fn shape(&self, random: &mut Random, at: usize) -> Shape {
        let is_mysql = matches!(self.engine, EngineKind::Mysql | EngineKind::Mariadb);
        let names = ["plain", "Mixed Case", "select", "Order", if is_mysql { "clover ☘" } else { "emoji 🌿" }, "it's"];
        let single: Vec<usize> =
            (0..at).filter(|&at| matches!(self.tables[at].way, Key::Int | Key::Shared(_))).collect();
        let way = match random.below(9) {
            0..=2 => Key::Int,
            3 => Key::Composite,
            4 => random.one(&[Key::Text, Key::Uuid]),
            5 if self.engine != EngineKind::Postgres => Key::Folded,
            6 => Key::Nothing,
            7 if !single.is_empty() => Key::Shared(random.one(&single)),
            8 if !single.is_empty() => Key::Part(random.one(&single)),
            _ => Key::Text,
        };
        let column = |name: &str, kind: Kind, nullable: bool| Column { name: name.to_owned(), kind, nullable };
        let id = random.one(&["id", "Id", "order"]);
        let (mut columns, key) = match way {
            Key::Int | Key::Shared(_) => (vec![column(id, Kind::Int, false)], vec![0]),
            // The key is not in the order of the columns.
            Key::Composite => (vec![column(id, Kind::Int, false), column("part", Kind::Int, false)], vec![1, 0]),
            Key::Part(_) => (vec![column(id, Kind::Int, false), column("part", Kind::Int, false)], vec![0, 1]),
            Key::Text | Key::Uuid => (vec![column(id, Kind::Text, false)], vec![0]),
            Key::Folded => (vec![column(id, Kind::Folded, false)], vec![0]),
            Key::Nothing => (Vec::new(), Vec::new()),
        };
        let first = columns.len();
        let kinds = [Kind::Int, Kind::Int, Kind::Int, Kind::Text, Kind::Text];
        columns.extend(PLAIN.iter().zip(kinds).map(|(name, kind)| {
            let nullable = matches!(*name, "n" | "code" | "Note");
            column(name, kind, nullable)
        }));
        let mut unique = Vec::new();
        if random.once_in(2) {
            unique.push(vec![first + 3]); // code
        }
        if random.once_in(3) {
            unique.push(vec![first, first + 2]); // grp, seq
        }
        if way == Key::Nothing && random.once_in(2) {
            unique.clear(); // Rows may be there twice.
        }
        Shape { name: format!("{}{at}", random.one(&names)), way, key, columns, unique, rows: Vec::new() }
    }

    /// Adds a reference with columns of its own.
    fn tie(&mut self, random: &mut Random, child: usize, parent: usize) {
        let shape = &self.tables[parent];
        let mut targets: Vec<Vec<usize>> = shape.unique.clone();
        if !shape.key.is_empty() {
            targets.extend([shape.key.clone(), shape.key.clone()]);
        }
        let open = targets.is_empty();
        if open {
            targets.push(vec![shape.key.len() + 3]); // code, which nothing keeps unique
        }
        let parent_columns = targets.swap_remove(random.below(targets.len()));
        let declared = !open && !random.once_in(5);
        let nullable = !declared || !random.once_in(3);
        let number = self.ties.len();
        let kinds: Vec<Kind> = parent_columns.iter().map(|&at| self.tables[parent].columns[at].kind).collect();
        let own = &mut self.tables[child].columns;
        let columns = (own.len()..own.len() + kinds.len()).collect();
        let name = random.one(&["ref", "Ref", "to the", "fk"]);
        own.extend(kinds.into_iter().enumerate().map(|(part, kind)| Column {
            name: format!("{name}{number}_{part}"),
            kind,
            nullable,
        }));
        self.ties.push(Tie { child, columns, parent, parent_columns, of_type: None, declared });
    }

    /// Adds a reference whose type column says which table it is about.
    fn polymorphic(&mut self, random: &mut Random) {
        let child = random.below(self.tables.len());
        let by_code = random.once_in(3);
        let parents: Vec<usize> = (0..self.tables.len())
            .filter(|&at| by_code || matches!(self.tables[at].way, Key::Int | Key::Shared(_)))
            .collect();
        if parents.is_empty() {
            return;
        }
        let own = &mut self.tables[child].columns;
        let (kind, id) = (own.len(), own.len() + 1);
        own.push(Column { name: "Kind".into(), kind: Kind::Text, nullable: true });
        own.push(Column { name: "about".into(), kind: if by_code { Kind::Text } else { Kind::Int }, nullable: true });
        for (number, word) in ["Order", "s k u", "Größe"].iter().enumerate() {
            if number > 0 && random.once_in(2) {
                continue;
            }
            let parent = random.one(&parents);
            let code = self.tables[parent].columns.iter().position(|column| column.name == "code").unwrap();
            self.ties.push(Tie {
                child,
                columns: vec![id],
                parent,
                parent_columns: vec![if by_code { code } else { 0 }],
                of_type: Some((kind, (*word).to_owned())),
                declared: false,
            });
        }
    }

    fn fill(&mut self, random: &mut Random) {
        let mut counts: Vec<usize> = self.tables.iter().map(|_| random.below(61)).collect();
        for count in &mut counts {
            *count = match random.below(8) {
                0 => 0,
                1 | 2 => *count,
                _ => *count / 3,
            };
        }
        // What must reference something has no rows where there is nothing.
        for _ in 0..self.tables.len() {
            for tie in &self.ties {
                let must = tie.columns.iter().all(|&at| !self.tables[tie.child].columns[at].nullable);
                if must && counts[tie.parent] == 0 {
                    counts[tie.child] = 0;
                }
                if matches!(self.tables[tie.child].way, Key::Shared(_)) && tie.columns == [0] {
                    counts[tie.child] = counts[tie.child].min(counts[tie.parent]);
                }
            }
        }
        for (at, count) in counts.into_iter().enumerate() {
            self.own_cells(random, at, count);
        }
        for at in 0..self.ties.len() {
            self.reference(random, at);
        }
        for shape in &mut self.tables {
            // Rows do not lie in the order of their key, and those that nothing tells apart may be there twice.
            let twice = shape.way == Key::Nothing && shape.unique.is_empty();
            for row in 0..shape.rows.len() {
                let other = random.below(shape.rows.len());
                if twice && random.once_in(4) {
                    shape.rows[row] = shape.rows[other].clone();
                } else {
                    shape.rows.swap(row, other);
                }
            }
        }
    }

    /// The cells of key and plain columns.
    fn own_cells(&mut self, random: &mut Random, at: usize, count: usize) {
        let (offset, step) = (random.one(&[1, 100, -200, 1 << 53]), 1 + random.below(3));
        // Long numbers are nobody else's, or a mask of one table would leave originals in another.
        let offset = if offset > 100 { offset + 1000 * i64::try_from(at).unwrap() } else { offset };
        let words = ["", "🌿", " 'quoted' ", " \"q\" \\ ", " ☘ü"];
        for row in 0..count {
            let shape = &self.tables[at];
            let number = (offset + i64::try_from(row * step).unwrap()).to_string();
            let mut cells: Vec<Option<String>> = match shape.way {
                Key::Int => vec![Some(number)],
                Key::Composite => vec![Some((row / 3).to_string()), Some((row % 3).to_string())],
                Key::Text => vec![Some(format!("k{}{row}", words[row % 5]))],
                Key::Uuid => vec![Some(format!("{:08x}-0000-4000-8000-{:012x}", row * 7919, at))],
                Key::Folded => vec![Some(format!("Key {row}x"))],
                Key::Nothing => Vec::new(),
                Key::Shared(parent) => vec![self.tables[parent].rows[row][0].clone()],
                Key::Part(parent) => {
                    let parents = &self.tables[parent].rows;
                    vec![parents[random.below(parents.len())][0].clone(), Some(row.to_string())]
                }
            };
            cells.push(Some(random.below(4).to_string()));
            cells.push((!random.once_in(5)).then(|| random.below(100).to_string()));
            cells.push(Some(row.to_string()));
            cells.push((!random.once_in(6)).then(|| format!("c{row}-{}", words[row % 5])));
            cells.push((!random.once_in(3)).then(|| words[random.below(5)].to_owned()));
            cells.resize(shape.columns.len(), None);
            self.tables[at].rows.push(cells);
        }
    }

    fn reference(&mut self, random: &mut Random, number: usize) {
        let tie = self.ties[number].clone();
        if tie.columns == [0] && tie.declared {
            return; // It is the key, and has its cells.
        }
        for row in 0..self.tables[tie.child].rows.len() {
            if let Some((kind, word)) = &tie.of_type {
                if self.tables[tie.child].rows[row][*kind].is_some() || random.below(5) > 1 {
                    continue;
                }
                // One in ten is of a type that the map does not know.
                let word = if random.once_in(10) { "Unknown" } else { word };
                self.tables[tie.child].rows[row][*kind] = Some(word.to_owned());
            }
            let parents = &self.tables[tie.parent].rows;
            let found = (!parents.is_empty()).then(|| &parents[random.below(parents.len())]);
            let wanted = |&at: &usize| found.and_then(|parent| parent[at].clone());
            let mut cells: Vec<Option<String>> = tie.parent_columns.iter().map(wanted).collect();
            let columns = &self.tables[tie.child].columns;
            let nullable = columns[tie.columns[0]].nullable;
            if nullable && random.once_in(5) {
                cells.fill(None);
            }
            for (cell, &at) in cells.iter_mut().zip(&tie.columns) {
                if nullable && random.once_in(12) {
                    *cell = None; // One part of several may be NULL.
                } else if !tie.declared && random.once_in(10) {
                    let nobody = (777_000_000 + number).to_string();
                    *cell = Some(if columns[at].kind == Kind::Int { nobody } else { format!("gone {number}") });
                } else if columns[at].kind == Kind::Folded && random.once_in(2) {
                    *cell = cell.as_ref().map(|text| text.to_ascii_uppercase());
                }
            }
            if !nullable && cells.contains(&None) {
                cells = self.complete(&tie); // A key with a NULL in it cannot be referenced.
            }
            for (cell, &at) in cells.into_iter().zip(&tie.columns) {
                self.tables[tie.child].rows[row][at] = cell;
            }
        }
    }

    /// The first parent without a NULL; it is made where there is none.
    fn complete(&mut self, tie: &Tie) -> Vec<Option<String>> {
        let parents = &mut self.tables[tie.parent].rows;
        let first = parents.iter().position(|row| tie.parent_columns.iter().all(|&at| row[at].is_some())).unwrap_or(0);
        let row = &mut parents[first];
        tie.parent_columns.iter().map(|&at| Some(row[at].get_or_insert("made".to_owned()).clone())).collect()
    }

    /// The statements that make it. Nothing is enforced before every row is there.
    pub(in crate::run) fn script(&self) -> String {
        let is_sqlite = self.engine == EngineKind::Sqlite;
        let mut text = String::new();
        let mut keys = String::new();
        for (at, shape) in self.tables.iter().enumerate() {
            let mut parts: Vec<String> = shape.columns.iter().map(|column| self.column(column)).collect();
            if let [only] = shape.key[..]
                && is_sqlite
                && shape.way == Key::Int
            {
                parts[only] = format!("{} INTEGER PRIMARY KEY", self.name(&shape.columns[only].name));
            } else if !shape.key.is_empty() {
                parts.push(format!("PRIMARY KEY ({})", self.names(shape, &shape.key)));
            }
            parts.extend(shape.unique.iter().map(|columns| format!("UNIQUE ({})", self.names(shape, columns))));
            for (number, tie) in self.ties.iter().enumerate().filter(|(_, tie)| tie.child == at && tie.declared) {
                let parent = &self.tables[tie.parent];
                let (own, other) = (self.names(shape, &tie.columns), self.names(parent, &tie.parent_columns));
                let later = if is_sqlite && number % 2 == 0 { " DEFERRABLE INITIALLY DEFERRED" } else { "" };
                let key = format!("FOREIGN KEY ({own}) REFERENCES {} ({other}){later}", self.name(&parent.name));
                if is_sqlite {
                    parts.push(key);
                } else {
                    writeln!(keys, "ALTER TABLE {} ADD CONSTRAINT fk{number} {key};", self.name(&shape.name)).unwrap();
                }
            }
            let tail = if is_sqlite && at % 2 == 1 && shape.key.len() == 2 { " WITHOUT ROWID" } else { "" };
            writeln!(text, "CREATE TABLE {} ({}){tail};", self.name(&shape.name), parts.join(", ")).unwrap();
            for row in &shape.rows {
                let cells: Vec<String> = row.iter().map(|cell| self.literal(cell.as_deref())).collect();
                writeln!(text, "INSERT INTO {} VALUES ({});", self.name(&shape.name), cells.join(", ")).unwrap();
            }
        }
        text + &keys
    }

    fn column(&self, column: &Column) -> String {
        let kind = match (column.kind, self.engine) {
            (Kind::Int, EngineKind::Sqlite) => "INTEGER",
            (Kind::Int, _) => "BIGINT",
            (Kind::Text, EngineKind::Sqlite | EngineKind::Postgres) => "TEXT",
            (Kind::Text, _) => "VARCHAR(60) COLLATE utf8mb4_bin",
            (Kind::Folded, EngineKind::Sqlite) => "TEXT COLLATE NOCASE",
            (Kind::Folded, _) => "VARCHAR(60) COLLATE utf8mb4_general_ci",
        };
        format!("{} {kind}{}", self.name(&column.name), if column.nullable { "" } else { " NOT NULL" })
    }

    /// A quoted name.
    pub(in crate::run) fn name(&self, name: &str) -> String {
        match self.engine {
            EngineKind::Mysql | EngineKind::Mariadb => format!("`{name}`"),
            EngineKind::Sqlite | EngineKind::Postgres => format!("\"{name}\""),
        }
    }

    fn names(&self, shape: &Shape, columns: &[usize]) -> String {
        columns.iter().map(|&at| self.name(&shape.columns[at].name)).collect::<Vec<_>>().join(", ")
    }

    fn literal(&self, cell: Option<&str>) -> String {
        let Some(cell) = cell else { return "NULL".to_owned() };
        let text = cell.replace('\'', "''");
        let has_escapes = matches!(self.engine, EngineKind::Mysql | EngineKind::Mariadb);
        format!("'{}'", if has_escapes { text.replace('\\', "\\\\") } else { text })
    }
}
