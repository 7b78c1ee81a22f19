//! The one door through which SQL is built. Literal parts are `&'static str`; everything else is quoted here.

use crate::model::mark;
use crate::model::schema::{Column, EngineKind, TableName};
use std::fmt::Write as _;

/// A statement, or part of one, for one engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    engine: EngineKind,
    text: String,
}

impl Sql {
    /// An empty statement in the dialect of `engine`.
    #[must_use]
    pub fn new(engine: EngineKind) -> Self {
        Self { engine, text: String::new() }
    }

    /// The dialect.
    #[must_use]
    pub fn engine(&self) -> EngineKind {
        self.engine
    }

    /// The statement.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends a literal part of the statement.
    #[must_use]
    pub fn lit(mut self, part: &'static str) -> Self {
        self.text.push_str(part);
        self
    }

    /// Appends a quoted identifier.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        let quote = match self.engine {
            EngineKind::Sqlite | EngineKind::Postgres => '"',
            EngineKind::Mysql | EngineKind::Mariadb => '`',
        };
        self.text.push(quote);
        for c in name.chars() {
            if c == quote {
                self.text.push(quote);
            }
            self.text.push(c);
        }
        self.text.push(quote);
        self
    }

    /// Appends a quoted table name, with its schema.
    #[must_use]
    pub fn table(mut self, table: &TableName) -> Self {
        if let Some(schema) = &table.schema {
            self = self.name(schema).lit(".");
        }
        self.name(&table.name)
    }

    /// Appends a column, with an alias of its table in front.
    #[must_use]
    pub fn column(self, alias: &'static str, column: &str) -> Self {
        self.lit(alias).lit(".").name(column)
    }

    /// Appends a string literal.
    #[must_use]
    pub fn string(mut self, value: &str) -> Self {
        self.text.push('\'');
        for c in value.chars() {
            let backslash = matches!(self.engine, EngineKind::Mysql | EngineKind::Mariadb) && c == '\\';
            if c == '\'' || backslash {
                self.text.push(c);
            }
            self.text.push(c);
        }
        self.text.push('\'');
        self
    }

    /// Appends an integer.
    #[must_use]
    pub fn integer(mut self, value: i64) -> Self {
        // Writing to a String cannot fail.
        write!(self.text, "{value}").unwrap_or_default();
        self
    }

    /// Appends a number by its text; none where it is not one.
    #[must_use]
    pub fn number(mut self, text: &str) -> Option<Self> {
        let body = text.strip_prefix('-').unwrap_or(text);
        let good = body.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && body.bytes().any(|byte| byte.is_ascii_digit())
            && body.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
            && body.parse::<f64>().is_ok();
        if good {
            self.text.push_str(text);
        }
        good.then_some(self)
    }

    /// Appends raw bytes as a literal.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Self {
        let hex = data_encoding::HEXLOWER.encode(value);
        match self.engine {
            EngineKind::Postgres => write!(self.text, "'\\x{hex}'::bytea").unwrap_or_default(),
            EngineKind::Sqlite | EngineKind::Mysql | EngineKind::Mariadb => {
                write!(self.text, "x'{hex}'").unwrap_or_default();
            }
        }
        self
    }

    /// Appends each item with `separator` between.
    #[must_use]
    pub fn list<T>(
        mut self,
        items: impl IntoIterator<Item = T>,
        separator: &'static str,
        mut each: impl FnMut(Self, T) -> Self,
    ) -> Self {
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                self = self.lit(separator);
            }
            self = each(self, item);
        }
        self
    }

    /// Appends a part built before.
    #[must_use]
    pub fn part(mut self, part: &Self) -> Self {
        self.text.push_str(&part.text);
        self
    }

    /// Appends a condition in the user's own words, in parentheses. The policy has made sure that it is one boolean
    /// expression without a comment.
    #[must_use]
    pub fn user_condition(mut self, text: &str) -> Self {
        self.text.push('(');
        self.text.push_str(text);
        self.text.push(')');
        self
    }

    /// Takes over a statement that the engine rendered itself: captured DDL out of a verified manifest or a catalogue.
    pub fn rendered(engine: EngineKind, text: impl Into<String>) -> Self {
        Self { engine, text: text.into() }
    }

    /// Appends "both are the same value, NULL included, down to storage class and bytes".
    #[must_use]
    pub fn exactly_equal(self, column: &str, left: &'static str, right: &'static str) -> Self {
        match self.engine {
            EngineKind::Sqlite => self
                .lit("(")
                .column(left, column)
                .lit(" IS ")
                .column(right, column)
                .lit(" COLLATE BINARY AND typeof(")
                .column(left, column)
                .lit(") = typeof(")
                .column(right, column)
                .lit("))"),
            EngineKind::Postgres => {
                let sql = self.lit("(").column(left, column).lit("::text COLLATE \"C\") IS NOT DISTINCT FROM (");
                sql.column(right, column).lit("::text COLLATE \"C\")")
            }
            EngineKind::Mysql | EngineKind::Mariadb => {
                // The text of a FLOAT has six digits, so its value is compared too.
                let sql = self.lit("(CAST(").column(left, column).lit(" AS BINARY) <=> CAST(");
                let sql = sql.column(right, column).lit(" AS BINARY) AND ").column(left, column).lit(" <=> ");
                sql.column(right, column).lit(")")
            }
        }
    }
}

/// The name of the database itself, one row; of a SQLite file its path.
#[must_use]
pub fn database_name(engine: EngineKind) -> Sql {
    Sql::new(engine).lit(match engine {
        EngineKind::Sqlite => "SELECT file FROM pragma_database_list WHERE name = 'main'",
        EngineKind::Postgres => "SELECT pg_catalog.current_database()",
        EngineKind::Mysql | EngineKind::Mariadb => "SELECT DATABASE()",
    })
}

/// Counts the tables of this tool's own that are called `name`, where unqualified names lead: one or none.
#[must_use]
pub fn own_table(engine: EngineKind, name: &str) -> Sql {
    let sql = Sql::new(engine);
    match engine {
        EngineKind::Sqlite => {
            sql.lit("SELECT count(*) FROM main.sqlite_master WHERE type IN ('table', 'view') AND name = ").string(name)
        }
        EngineKind::Postgres => sql
            .lit("SELECT count(*) FROM (SELECT 1) AS x WHERE pg_catalog.to_regclass(")
            .string(name)
            .lit(") IS NOT NULL"),
        EngineKind::Mysql | EngineKind::Mariadb => sql
            .lit("SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ")
            .string(name),
    }
}

/// About how many rows the tables of a database hold, as its server reckons without reading them; none where only counting
/// tells.
#[must_use]
pub fn estimated_rows(engine: EngineKind) -> Option<Sql> {
    let sql = Sql::new(engine);
    match engine {
        EngineKind::Sqlite => None,
        // A table that was never looked at is reckoned by its size.
        EngineKind::Postgres => Some(
            sql.lit("SELECT coalesce(sum(greatest(c.reltuples, pg_catalog.pg_stat_get_live_tuples(c.oid), ")
                .lit("CASE WHEN c.reltuples < 0 THEN pg_catalog.pg_relation_size(c.oid) / 200 ELSE 0 END)), 0)::bigint ")
                .lit("FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ")
                .lit("WHERE c.relkind = 'r' AND pg_catalog.left(n.nspname, 3) <> 'pg_' AND ")
                .lit("n.nspname <> 'information_schema' AND pg_catalog.left(c.relname, 14) <> 'terp_fixtures_'"),
        ),
        EngineKind::Mysql | EngineKind::Mariadb => Some(
            sql.lit("SELECT CAST(coalesce(sum(TABLE_ROWS), 0) AS SIGNED) FROM information_schema.TABLES ")
                .lit("WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' AND LEFT(TABLE_NAME, 14) <> 'terp_fixtures_'"),
        ),
    }
}

/// The value of a table's counter, one row or none: the last value it gave, or the one before the first it will give.
#[must_use]
pub fn counter(engine: EngineKind, table: &TableName) -> Option<Sql> {
    match engine {
        EngineKind::Sqlite => {
            Some(Sql::new(engine).lit("SELECT seq FROM sqlite_sequence WHERE name = ").string(&table.name))
        }
        EngineKind::Postgres => {
            // Only the sequence's own row says whether it was used; query_to_xml reads a relation by a computed name.
            let sql = Sql::new(engine).lit("SELECT substring(pg_catalog.query_to_xml(pg_catalog.format(");
            let sql =
                sql.lit("'SELECT last_value - CASE WHEN is_called THEN 0 ELSE %s END AS v FROM %s', q.seqincrement, ");
            let sql = sql.lit("d.objid::pg_catalog.regclass), true, false, '')::text from '<v>(-?[0-9]+)</v>') ");
            Some(sql.part(&sequences_of(table)))
        }
        EngineKind::Mysql | EngineKind::Mariadb => {
            let sql = Sql::new(engine).lit("SELECT CAST(AUTO_INCREMENT AS SIGNED) - 1 FROM information_schema.TABLES ");
            Some(sql.lit("WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ").string(&table.name))
        }
    }
}

/// PostgreSQL: the sequences that columns of a table own, the first column's first.
fn sequences_of(table: &TableName) -> Sql {
    let sql = Sql::new(EngineKind::Postgres)
        .lit("FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_sequence q ON q.seqrelid = d.objid ")
        .lit("JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid ")
        .lit("WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i') ")
        .lit("AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = ");
    sql.string(Sql::new(EngineKind::Postgres).table(table).text())
        .lit("::pg_catalog.regclass ORDER BY d.refobjsubid, d.objid LIMIT 1")
}

/// Sets a table's counter, or forgets it.
#[must_use]
pub fn set_counter(engine: EngineKind, table: &TableName, value: Option<i64>) -> Option<Sql> {
    let sql = Sql::new(engine);
    match (engine, value) {
        (EngineKind::Sqlite, Some(value)) => {
            Some(sql.lit("UPDATE sqlite_sequence SET seq = ").integer(value).lit(" WHERE name = ").string(&table.name))
        }
        (EngineKind::Sqlite, None) => Some(sql.lit("DELETE FROM sqlite_sequence WHERE name = ").string(&table.name)),
        (EngineKind::Postgres, Some(value)) => Some(move_sequence(table, Some(value))),
        (EngineKind::Postgres, None) => None,
        (EngineKind::Mysql | EngineKind::Mariadb, value) => {
            let next = value.unwrap_or_default().saturating_add(1).max(1);
            Some(sql.lit("ALTER TABLE ").table(table).lit(" AUTO_INCREMENT = ").integer(next))
        }
    }
}

/// Moves a table's counter past the values that were loaded, on engines whose counters do not see them.
#[must_use]
pub fn advance_counter(engine: EngineKind, table: &TableName) -> Option<Sql> {
    (engine == EngineKind::Postgres).then(|| move_sequence(table, None))
}

/// PostgreSQL: lets a sequence go on behind a value, inside the transaction. RESTART gives the sequence new storage that a
/// rollback takes back, which `setval` does not.
fn move_sequence(table: &TableName, to: Option<i64>) -> Sql {
    let sql = Sql::new(EngineKind::Postgres)
        .lit("DECLARE seq pg_catalog.regclass; col text; step bigint; lo bigint; hi bigint; last bigint; wanted bigint; BEGIN ")
        .lit("SELECT d.objid::pg_catalog.regclass, a.attname, q.seqincrement, q.seqmin, q.seqmax INTO seq, col, step, lo, hi ")
        .part(&sequences_of(table))
        .lit("; IF seq IS NULL THEN RETURN; END IF; ");
    let sql = match to {
        Some(value) => sql.lit("wanted := ").integer(value).lit("; "),
        // The highest value that is there, or the lowest where the sequence counts down.
        None => sql
            .lit("EXECUTE pg_catalog.format('SELECT %s(%I) FROM %s', CASE WHEN step > 0 THEN 'max' ELSE 'min' END, col, ")
            .string(Sql::new(EngineKind::Postgres).table(table).text())
            .lit(") INTO wanted; EXECUTE pg_catalog.format('SELECT last_value - CASE WHEN is_called THEN 0 ELSE %s END ")
            .lit("FROM %s', step, seq) INTO last; ")
            .lit("IF wanted IS NULL OR (wanted - last) * pg_catalog.sign(step) <= 0 THEN RETURN; END IF; "),
    };
    let body = sql
        .lit("IF wanted BETWEEN lo AND hi THEN EXECUTE pg_catalog.format('ALTER SEQUENCE %s RESTART WITH %s', seq, wanted); ")
        .lit("PERFORM pg_catalog.setval(seq, wanted, true); ELSE ")
        .lit("EXECUTE pg_catalog.format('ALTER SEQUENCE %s RESTART WITH %s', seq, wanted + step); END IF; END");
    Sql::new(EngineKind::Postgres).lit("DO ").string(body.text())
}

/// Creates an empty table that holds any value of `columns` of the table `of`, without constraints. `temporary` ones are
/// for staging, the others keep previous images and have the text column `terp_fixtures_image` in front. `key` names the
/// columns by which rows will be looked up, where the engine can only index them here.
#[must_use]
pub fn table_like(
    engine: EngineKind,
    temporary: bool,
    table: &TableName,
    of: &TableName,
    columns: &[String],
    key: &[String],
) -> Sql {
    let names = |sql: Sql| sql.list(columns, ", ", |sql, name| sql.name(name));
    let is_mysql = matches!(engine, EngineKind::Mysql | EngineKind::Mariadb);
    let create = Sql::new(engine).lit(match (temporary, is_mysql) {
        (true, true) => "CREATE TEMPORARY TABLE ",
        (true, false) => "CREATE TEMP TABLE ",
        (false, _) => "CREATE TABLE ",
    });
    if engine == EngineKind::Sqlite {
        // Without types, every cell keeps its storage class.
        let named = if temporary { create.name(&table.name) } else { create.table(table) };
        return names(named.lit(if temporary { " (" } else { " (terp_fixtures_image TEXT, " })).lit(")");
    }
    let mut select = create.table(table);
    if is_mysql && !key.is_empty() {
        select = select.lit(" (KEY (").list(key, ", ", |sql, name| sql.name(name)).lit("))");
    }
    let select = select.lit(" AS SELECT ");
    let image = match engine {
        EngineKind::Postgres => "NULL::text AS terp_fixtures_image, ",
        _ => "CAST(NULL AS CHAR(10)) AS terp_fixtures_image, ",
    };
    let select = if temporary { select } else { select.lit(image) };
    names(select).lit(" FROM ").table(of).lit(if engine == EngineKind::Postgres { " WITH NO DATA" } else { " LIMIT 0" })
}

/// Creates a temporary table for rows of `of` with their ordinals and fates, without its constraints. `key` names columns by
/// which rows will be looked up, where the engine can only index them here.
#[must_use]
pub fn numbered_stage(
    engine: EngineKind,
    table: &TableName,
    of: &TableName,
    columns: &[String],
    key: &[String],
) -> Sql {
    let names = |sql: Sql| columns.iter().fold(sql, |sql, name| sql.lit(", ").name(name));
    let sql = Sql::new(engine);
    match engine {
        // Without types, every cell keeps its storage class.
        EngineKind::Sqlite => {
            let sql = sql.lit("CREATE TEMP TABLE ").name(&table.name).lit(" (").name(mark::ORDINAL_COLUMN);
            names(sql.lit(" INTEGER PRIMARY KEY, ").name(mark::FATE_COLUMN)).lit(")")
        }
        EngineKind::Postgres => {
            let sql = sql.lit("CREATE TEMP TABLE ").table(table).lit(" AS SELECT NULL::pg_catalog.int8 AS ");
            let sql = sql.name(mark::ORDINAL_COLUMN).lit(", NULL::pg_catalog.int4 AS ").name(mark::FATE_COLUMN);
            names(sql).lit(" FROM ").table(of).lit(" WITH NO DATA")
        }
        EngineKind::Mysql | EngineKind::Mariadb => {
            let sql = sql.lit("CREATE TEMPORARY TABLE ").table(table).lit(" (").name(mark::ORDINAL_COLUMN);
            let mut sql = sql.lit(" BIGINT NOT NULL DEFAULT 0 PRIMARY KEY, ").name(mark::FATE_COLUMN).lit(" INT NULL");
            if !key.is_empty() {
                sql = sql.lit(", KEY (").list(key, ", ", |sql, name| sql.name(name)).lit(")");
            }
            let sql = sql.lit(") ENGINE = InnoDB AS SELECT ").list(columns, ", ", |sql, name| sql.name(name));
            sql.lit(" FROM ").table(of).lit(" LIMIT 0")
        }
    }
}

/// Creates an empty table for the keys of rows of the table `of`, with an index where they fit into one.
#[must_use]
pub fn key_table(engine: EngineKind, table: &TableName, of: &TableName, key: &[String], indexed: bool) -> Vec<Sql> {
    let names = |sql: Sql| sql.list(key, ", ", |sql, name| sql.name(name));
    let create = Sql::new(engine).lit("CREATE TABLE ").table(table);
    let create = match engine {
        EngineKind::Sqlite => names(create.lit(" (")).lit(")"),
        EngineKind::Postgres => names(create.lit(" AS SELECT ")).lit(" FROM ").table(of).lit(" WITH NO DATA"),
        EngineKind::Mysql | EngineKind::Mariadb => {
            let create = if indexed { names(create.lit(" (KEY (")).lit("))") } else { create };
            return vec![names(create.lit(" AS SELECT ")).lit(" FROM ").table(of).lit(" LIMIT 0")];
        }
    };
    let index = Sql::new(engine).lit("CREATE INDEX ").name(&format!("{}_key", table.name)).lit(" ON ").table(table);
    let index = indexed.then(|| names(index.lit(" (")).lit(")"));
    std::iter::once(create).chain(index).collect()
}

/// Deletes the rows `t` of a table for which `on` holds; with a table `terp_r` beside it, for which one of its rows lets it hold.
#[must_use]
pub fn delete_from(engine: EngineKind, table: &TableName, by: Option<&TableName>, on: &Sql) -> Sql {
    let sql = Sql::new(engine);
    match (engine, by) {
        (EngineKind::Mysql | EngineKind::Mariadb, by) => {
            let sql = sql.lit("DELETE t FROM ").table(table).lit(" t");
            let sql = by.into_iter().fold(sql, |sql, by| sql.lit(" JOIN ").table(by).lit(" terp_r"));
            sql.lit(if by.is_some() { " ON " } else { " WHERE " }).part(on)
        }
        (EngineKind::Sqlite | EngineKind::Postgres, None) => {
            sql.lit("DELETE FROM ").table(table).lit(" AS t WHERE ").part(on)
        }
        (EngineKind::Postgres, Some(by)) => {
            sql.lit("DELETE FROM ").table(table).lit(" AS t USING ").table(by).lit(" AS terp_r WHERE ").part(on)
        }
        (EngineKind::Sqlite, Some(by)) => {
            let sql = sql.lit("DELETE FROM ").table(table).lit(" AS t WHERE EXISTS (SELECT 1 FROM ").table(by);
            sql.lit(" AS terp_r WHERE ").part(on).lit(")")
        }
    }
}

/// Creates a temporary table with what `columns` of a staged row `s` are where `condition` holds, each once. `key` is what to
/// index where the engine can only do it here: the same columns, or none.
#[must_use]
pub fn stage_keys(
    table: &TableName,
    stage: &TableName,
    (columns, key): (&[String], &[String]),
    condition: &Sql,
) -> Sql {
    let sql = keys_table(condition.engine(), table, key).lit(" AS SELECT DISTINCT ");
    let sql = sql.list(columns, ", ", |sql, name| sql.column("s", name));
    sql.lit(" FROM ").table(stage).lit(" s WHERE ").part(condition)
}

/// The same, with the lowest ordinal of each.
#[must_use]
pub fn first_of_stage(
    table: &TableName,
    stage: &TableName,
    (columns, key): (&[String], &[String]),
    condition: &Sql,
) -> Sql {
    let names = |sql: Sql| sql.list(columns, ", ", |sql, name| sql.column("s", name));
    let sql = names(keys_table(condition.engine(), table, key).lit(" AS SELECT "));
    let sql = sql.lit(", min(").column("s", mark::ORDINAL_COLUMN).lit(") AS ").name(mark::ORDINAL_COLUMN);
    let sql = sql.lit(" FROM ").table(stage).lit(" s WHERE ").part(condition);
    names(sql.lit(" GROUP BY "))
}

/// The beginning of a temporary table, with an index on `key` where the engine can only make it here.
fn keys_table(engine: EngineKind, table: &TableName, key: &[String]) -> Sql {
    let sql = Sql::new(engine);
    match engine {
        EngineKind::Sqlite => sql.lit("CREATE TEMP TABLE ").name(&table.name),
        EngineKind::Postgres => sql.lit("CREATE TEMP TABLE ").table(table),
        EngineKind::Mysql | EngineKind::Mariadb => {
            let sql = sql.lit("CREATE TEMPORARY TABLE ").table(table);
            let names = |sql: Sql| sql.list(key, ", ", |sql, name| sql.name(name));
            let sql = if key.is_empty() { sql } else { names(sql.lit(" (KEY (")).lit("))") };
            sql.lit(" ENGINE = InnoDB")
        }
    }
}

/// The name of a table's primary key, one row or none, where the catalogue leaves it out.
#[must_use]
pub fn primary_key_name(engine: EngineKind, table: &TableName) -> Option<Sql> {
    let sql = (engine == EngineKind::Postgres).then(|| Sql::new(engine))?;
    let sql = sql.lit("SELECT conname FROM pg_catalog.pg_constraint WHERE contype = 'p' AND conrelid = ");
    Some(sql.string(Sql::new(engine).table(table).text()).lit("::pg_catalog.regclass"))
}

/// What makes a SELECT of a transaction keep others from changing the rows it saw, where it would not do so by itself.
#[must_use]
pub fn locking(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Mysql | EngineKind::Mariadb => " FOR UPDATE",
        // SQLite has one writer; PostgreSQL's ALTER TABLE of the markers, or the lock below, comes first.
        EngineKind::Sqlite | EngineKind::Postgres => "",
    }
}

/// Keeps the rows `t` of a table for which `rows` holds as they are until the transaction ends; others may still read. None where
/// the engine has one writer at a time.
#[must_use]
pub fn hold(engine: EngineKind, table: &TableName, rows: &Sql) -> Option<Sql> {
    match engine {
        EngineKind::Sqlite => None,
        EngineKind::Postgres => {
            Some(Sql::new(engine).lit("LOCK TABLE ").table(table).lit(" IN SHARE ROW EXCLUSIVE MODE"))
        }
        EngineKind::Mysql | EngineKind::Mariadb => {
            Some(Sql::new(engine).lit("SELECT 1 FROM ").table(table).lit(" t WHERE ").part(rows).lit(" FOR UPDATE"))
        }
    }
}

/// Keeps everybody else out of a table until the transaction ends, before it is counted and emptied as a whole.
#[must_use]
pub fn hold_alone(engine: EngineKind, table: &TableName) -> Option<Sql> {
    (engine == EngineKind::Postgres)
        .then(|| Sql::new(engine).lit("LOCK TABLE ").table(table).lit(" IN ACCESS EXCLUSIVE MODE"))
}

/// Whether a table can only be emptied as a whole together with every table that references it.
#[must_use]
pub fn minds_references(engine: EngineKind) -> bool {
    engine == EngineKind::Postgres
}

/// Empties tables as a whole, inside the transaction and with their counters left alone. MySQL and MariaDB have no such thing.
#[must_use]
pub fn empty_tables(engine: EngineKind, tables: &[&TableName]) -> Vec<Sql> {
    match engine {
        EngineKind::Postgres if !tables.is_empty() => {
            vec![Sql::new(engine).lit("TRUNCATE TABLE ").list(tables, ", ", |sql, table| sql.table(table))]
        }
        // Without a condition SQLite empties the table's pages and looks at no row.
        EngineKind::Sqlite => tables.iter().map(|table| Sql::new(engine).lit("DELETE FROM ").table(table)).collect(),
        EngineKind::Postgres | EngineKind::Mysql | EngineKind::Mariadb => Vec::new(),
    }
}

/// Sets columns of the rows of a table, under an alias, for which `rows` holds.
#[must_use]
pub fn update_where(
    engine: EngineKind,
    (table, alias): (&TableName, &'static str),
    set: &[(String, Sql)],
    rows: &Sql,
) -> Sql {
    let sql = Sql::new(engine).lit("UPDATE ").table(table).lit(" AS ").lit(alias).lit(" SET ");
    let sql = sql.list(set, ", ", |sql, (name, value)| sql.name(name).lit(" = ").part(value));
    sql.lit(" WHERE ").part(rows)
}

/// Drops a staging table.
#[must_use]
pub fn drop_stage(engine: EngineKind, table: &TableName) -> Sql {
    let is_mysql = matches!(engine, EngineKind::Mysql | EngineKind::Mariadb);
    Sql::new(engine).lit(if is_mysql { "DROP TEMPORARY TABLE " } else { "DROP TABLE " }).table(table)
}

/// Whether an index can be put on a staging table inside the transaction.
#[must_use]
pub fn indexes_later(engine: EngineKind) -> bool {
    !matches!(engine, EngineKind::Mysql | EngineKind::Mariadb)
}

/// A column in a SELECT whose rows travel: as it is, but for types whose text is not exact.
#[must_use]
pub fn exact_column(sql: Sql, column: &Column) -> Sql {
    let is_mysql = matches!(sql.engine(), EngineKind::Mysql | EngineKind::Mariadb);
    // FLOAT is printed with six digits, DOUBLE with as many as it takes.
    if is_mysql && column.declared.to_ascii_lowercase().starts_with("float") {
        return sql.lit("(").name(&column.name).lit(" * 1e0)");
    }
    sql.name(&column.name)
}

/// Adds the marker columns.
#[must_use]
pub fn add_markers(engine: EngineKind, table: &TableName) -> Vec<Sql> {
    let alter = || Sql::new(engine).lit("ALTER TABLE ").table(table).lit(" ADD COLUMN ");
    let kind = match engine {
        EngineKind::Sqlite => {
            return MARKERS.iter().map(|name| alter().name(name).lit(" TEXT")).collect();
        }
        EngineKind::Postgres => " TEXT",
        // Invisible ones stay out of `SELECT *`.
        EngineKind::Mysql => " TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL /*!80023 INVISIBLE */",
        EngineKind::Mariadb => " TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL INVISIBLE",
    };
    // Each statement is a transaction of its own in MySQL and MariaDB, so both come in one.
    vec![alter().name(MARKERS[0]).lit(kind).lit(", ADD COLUMN ").name(MARKERS[1]).lit(kind)]
}

/// Whether new columns of a table can come with one value for all of its rows, without writing them: the server keeps it beside the
/// column. Rows that are loaded before are shorter, and so are the loads.
#[must_use]
pub fn marks_later(engine: EngineKind) -> bool {
    engine == EngineKind::Postgres
}

/// Adds the marker columns with these values in every row, and no default for rows to come.
#[must_use]
pub fn add_values(engine: EngineKind, table: &TableName, values: [&str; 2]) -> [Sql; 2] {
    let alter = || Sql::new(engine).lit("ALTER TABLE ").table(table).lit(" ");
    let add = alter().list(MARKERS.iter().zip(values), ", ", |sql, (name, value)| {
        sql.lit("ADD COLUMN ").name(name).lit(" TEXT DEFAULT ").string(value)
    });
    let forget = alter().list(MARKERS, ", ", |sql, name| sql.lit("ALTER COLUMN ").name(name).lit(" DROP DEFAULT"));
    [add, forget]
}

/// Drops the marker columns, the later one first, so that the table's text becomes what it was.
#[must_use]
pub fn drop_markers(engine: EngineKind, table: &TableName) -> Vec<Sql> {
    let alter = || Sql::new(engine).lit("ALTER TABLE ").table(table).lit(" DROP COLUMN ");
    match engine {
        EngineKind::Sqlite | EngineKind::Postgres => MARKERS.iter().rev().map(|name| alter().name(name)).collect(),
        EngineKind::Mysql | EngineKind::Mariadb => {
            vec![alter().name(MARKERS[1]).lit(", DROP COLUMN ").name(MARKERS[0])]
        }
    }
}

const MARKERS: [&str; 2] = [mark::RUN_COLUMN, mark::AT_COLUMN];

/// What a CREATE TABLE of this tool's own ends with.
#[must_use]
pub fn own_table_options(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Sqlite | EngineKind::Postgres => "",
        EngineKind::Mysql | EngineKind::Mariadb => " ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    }
}

/// Whether a change of shape takes a transaction of its own, and waits for rows that another has changed.
#[must_use]
pub fn commits_shape(engine: EngineKind) -> bool {
    matches!(engine, EngineKind::Mysql | EngineKind::Mariadb)
}

/// Whether triggers fire on rows that this tool writes, so that they must be taken away for that time.
#[must_use]
pub fn fires_triggers(engine: EngineKind) -> bool {
    matches!(engine, EngineKind::Mysql | EngineKind::Mariadb)
}

/// Takes a trigger away.
#[must_use]
pub fn drop_trigger(engine: EngineKind, name: &str) -> Sql {
    Sql::new(engine).lit("DROP TRIGGER ").name(name)
}

/// Sets columns of the rows of `table` (`t`) from the row of `from` (`s`) that `on` joins, where `only` holds (a table `u`
/// and its join). Each column gets what its SQL says.
#[must_use]
pub fn update_from(
    engine: EngineKind,
    table: &TableName,
    from: (&TableName, &Sql),
    only: Option<(&TableName, &Sql)>,
    set: &[(String, Sql)],
) -> Sql {
    let update = Sql::new(engine).lit("UPDATE ").table(table);
    if matches!(engine, EngineKind::Mysql | EngineKind::Mariadb) {
        let mut sql = update.lit(" t JOIN ").table(from.0).lit(" s ON ").part(from.1);
        if let Some((only, on)) = only {
            sql = sql.lit(" JOIN ").table(only).lit(" u ON ").part(on);
        }
        return sql.lit(" SET ").list(set, ", ", |sql, (name, value)| sql.column("t", name).lit(" = ").part(value));
    }
    let sql = update.lit(" AS t SET (").list(set, ", ", |sql, (name, _)| sql.name(name)).lit(") = (SELECT ");
    let sql = sql.list(set, ", ", |sql, (_, value)| sql.part(value)).lit(" FROM ").table(from.0).lit(" s WHERE ");
    let sql = sql.part(from.1).lit(") WHERE EXISTS (SELECT 1 FROM ");
    match only {
        Some((only, on)) => sql.table(only).lit(" u WHERE ").part(on).lit(")"),
        None => sql.table(from.0).lit(" s WHERE ").part(from.1).lit(")"),
    }
}

/// What stands between the columns and the rows of an INSERT that brings its own identities.
#[must_use]
pub fn overriding(engine: EngineKind) -> &'static str {
    if engine == EngineKind::Postgres { " OVERRIDING SYSTEM VALUE" } else { "" }
}

/// Whether an UPDATE may set the key it finds its rows by. PostgreSQL refuses it for identities, and it changes nothing.
#[must_use]
pub fn sets_keys(engine: EngineKind) -> bool {
    engine != EngineKind::Postgres
}

/// How many connections can load at once, for so many cores.
#[must_use]
pub fn writers(engine: EngineKind, cores: usize) -> usize {
    match engine {
        EngineKind::Sqlite => 1,
        EngineKind::Postgres | EngineKind::Mysql | EngineKind::Mariadb => cores.clamp(1, 8),
    }
}

/// How many times as many rows as elsewhere it takes until a staging place pays. One writer of a file gains nothing but that an
/// interrupted load can go on.
#[must_use]
pub fn reluctance(engine: EngineKind) -> u64 {
    if engine == EngineKind::Sqlite { 10 } else { 1 }
}

/// How many times as long as elsewhere a transaction of a staging place is. MariaDB builds the keys from sorted values only of
/// tables that were empty at its beginning.
#[must_use]
pub fn patience(engine: EngineKind) -> u64 {
    if engine == EngineKind::Mariadb { 8 } else { 1 }
}

/// Whether types, functions and the like are made in a staging place, with the tables that need them. No table of the others
/// needs any, but for sequences.
#[must_use]
pub fn makes_objects_aside(engine: EngineKind) -> bool {
    matches!(engine, EngineKind::Sqlite | EngineKind::Postgres)
}

/// Whether objects of this kind come with the tables of a staging place, so that they are built there.
#[must_use]
pub fn makes_aside(engine: EngineKind, kind: &str) -> bool {
    engine == EngineKind::Postgres && ["index", "foreign key"].contains(&kind)
}

/// Whether a server that adds these foreign keys looks at every row itself.
#[must_use]
pub fn proves(engine: EngineKind, foreign_keys: &[Vec<String>]) -> bool {
    engine == EngineKind::Postgres && !foreign_keys.iter().flatten().any(|statement| statement.ends_with(" NOT VALID"))
}

/// What makes a statement that adds a foreign key accept the rows that are there.
#[must_use]
pub fn unchecked_suffix(engine: EngineKind, statement: &str) -> &'static str {
    if engine == EngineKind::Postgres && !statement.ends_with(" NOT VALID") { " NOT VALID" } else { "" }
}

/// A CREATE TABLE statement without these foreign keys, where the engine writes them into it and minds a missing parent.
#[must_use]
pub fn without_foreign_keys(engine: EngineKind, create: &str, names: &[&str]) -> String {
    if names.is_empty() || !matches!(engine, EngineKind::Mysql | EngineKind::Mariadb) {
        return create.to_owned();
    }
    let heads: Vec<String> =
        names.iter().map(|name| Sql::new(engine).lit("CONSTRAINT ").name(name).lit(" FOREIGN KEY ").text).collect();
    let goes = |line: &&str| heads.iter().any(|head| line.trim_start().starts_with(head));
    // The server renders one line for each column and key.
    without_lines(create, goes)
}

fn without_lines(create: &str, goes: impl Fn(&&str) -> bool) -> String {
    let text = create.lines().filter(|line| !goes(line)).collect::<Vec<_>>().join("\n");
    text.replacen(",\n)", "\n)", 1)
}

/// A CREATE TABLE statement without the keys that are built better once many rows are in, and the statements that add them: plain
/// keys first, then foreign keys. None where that does not pay: MariaDB sorts them by itself, PostgreSQL and SQLite have them apart.
#[must_use]
pub fn keys_later(engine: EngineKind, table: &TableName, create: &str) -> Option<(String, [Option<Sql>; 2])> {
    let is_plain = |line: &str| line.trim_start().starts_with("KEY ");
    let is_foreign = |line: &str| line.trim_start().starts_with("CONSTRAINT ") && line.contains(" FOREIGN KEY (");
    // A counter stays with its key, and names that read like a constraint are left alone.
    let mut columns = create.lines().filter_map(|line| line.trim_start().strip_prefix('`')?.split_once("` "));
    let has_key = |name: &str| create.contains(&format!("\n  PRIMARY KEY (`{name}`"));
    let needs_key = columns.any(|(name, rest)| rest.contains(" AUTO_INCREMENT") && !has_key(name));
    let is_odd = create.lines().any(|line| is_foreign(line) && line.contains(" CHECK ("));
    if engine != EngineKind::Mysql || needs_key || is_odd {
        return None;
    }
    let adding = |goes: &dyn Fn(&str) -> bool| {
        let lines = create.lines().filter(|line| goes(line)).map(|line| line.trim().trim_end_matches(','));
        let lines: Vec<&str> = lines.collect();
        let mut alter = Sql::new(engine).lit("ALTER TABLE ").table(table).lit(" ADD ");
        alter.text.push_str(&lines.join(", ADD "));
        (!lines.is_empty()).then_some(alter)
    };
    let later = [adding(&is_plain), adding(&is_foreign)];
    later[0].is_some().then(|| (without_lines(create, |line| is_plain(line) || is_foreign(line)), later))
}

/// Drops tables that may reference each other, children first.
#[must_use]
pub fn drop_tables(engine: EngineKind, tables: &[&TableName]) -> Vec<Sql> {
    let drop = || Sql::new(engine).lit("DROP TABLE ");
    match engine {
        EngineKind::Postgres if tables.is_empty() => Vec::new(),
        EngineKind::Postgres => vec![drop().list(tables, ", ", |sql, table| sql.table(table))],
        _ => tables.iter().map(|table| drop().table(table)).collect(),
    }
}

/// Drops an object that goes with no table. None for kinds that do, and on engines whose ledger names views only.
#[must_use]
pub fn drop_object(engine: EngineKind, kind: &str, name: &str) -> Option<Sql> {
    const KINDS: [(&str, &str); 9] = [
        ("schema", "DROP SCHEMA IF EXISTS "),
        ("extension", "DROP EXTENSION IF EXISTS "),
        ("type", "DROP TYPE IF EXISTS "),
        ("domain", "DROP DOMAIN IF EXISTS "),
        ("sequence", "DROP SEQUENCE IF EXISTS "),
        ("function", "DROP FUNCTION IF EXISTS "),
        ("procedure", "DROP PROCEDURE IF EXISTS "),
        ("view", "DROP VIEW IF EXISTS "),
        ("materialized view", "DROP MATERIALIZED VIEW IF EXISTS "),
    ];
    if matches!(engine, EngineKind::Mysql | EngineKind::Mariadb) {
        let drop = match kind {
            "function" => "DROP FUNCTION IF EXISTS ",
            "procedure" => "DROP PROCEDURE IF EXISTS ",
            "event" => "DROP EVENT IF EXISTS ",
            "sequence" => "DROP SEQUENCE IF EXISTS ",
            _ => return None,
        };
        return Some(Sql::new(engine).lit(drop).name(name));
    }
    let (_, drop) = KINDS.iter().find(|(known, _)| engine == EngineKind::Postgres && *known == kind)?;
    // PostgreSQL's catalogue spells such names quoted, functions with their arguments.
    let mut sql = Sql::new(engine).lit(drop);
    sql.text.push_str(name);
    Some(sql)
}

/// Sets what an empty database can only be given before its first table. It has no effect on the others.
#[must_use]
pub fn set_at_birth(engine: EngineKind, name: &str, value: &str) -> Option<Sql> {
    match (engine, name) {
        (EngineKind::Sqlite, "encoding") => Some(Sql::new(engine).lit("PRAGMA encoding = ").string(value)),
        _ => None,
    }
}

/// Sets a database-wide setting out of a catalogue, where the engine has such a thing inside a transaction.
#[must_use]
pub fn set_setting(engine: EngineKind, name: &str, value: &str) -> Option<Sql> {
    let sql = Sql::new(engine);
    match (engine, name) {
        (EngineKind::Sqlite, "application_id") => {
            Some(sql.lit("PRAGMA application_id = ").integer(value.parse().ok()?))
        }
        (EngineKind::Sqlite, "user_version") => Some(sql.lit("PRAGMA user_version = ").integer(value.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_quoted() {
        let sql = Sql::new(EngineKind::Sqlite).lit("SELECT ").name("a\"b").lit(" = ").string("it's \\");
        assert_eq!(sql.text(), "SELECT \"a\"\"b\" = 'it''s \\'");
        let sql = Sql::new(EngineKind::Mysql).name("a`b").lit(" = ").string("it's \\");
        assert_eq!(sql.text(), "`a``b` = 'it''s \\\\'");
    }

    #[test]
    fn keys_can_come_behind_the_rows() {
        let create = "CREATE TABLE `t` (\n  `a` int NOT NULL AUTO_INCREMENT,\n  `b` int DEFAULT NULL,\n  PRIMARY KEY (`a`),\n  \
            UNIQUE KEY `u` (`b`,`a`),\n  KEY `k` (`b`) /*!80000 INVISIBLE */,\n  CONSTRAINT `f` FOREIGN KEY (`b`) REFERENCES `p` (`a`),\n  \
            CONSTRAINT `c` CHECK ((`b` > 0))\n) ENGINE=InnoDB";
        let table = TableName::plain("t");
        let (first, then) = keys_later(EngineKind::Mysql, &table, create).unwrap();
        let then = then.map(|sql| sql.unwrap().text().to_owned());
        assert_eq!(then[0], "ALTER TABLE `t` ADD KEY `k` (`b`) /*!80000 INVISIBLE */");
        assert_eq!(then[1], "ALTER TABLE `t` ADD CONSTRAINT `f` FOREIGN KEY (`b`) REFERENCES `p` (`a`)");
        assert!(
            first.ends_with("UNIQUE KEY `u` (`b`,`a`),\n  CONSTRAINT `c` CHECK ((`b` > 0))\n) ENGINE=InnoDB"),
            "{first}"
        );
        let counted = create.replace("PRIMARY KEY (`a`)", "KEY `n` (`a`)");
        assert!(keys_later(EngineKind::Mysql, &table, &counted).is_none());
        assert!(keys_later(EngineKind::Mariadb, &table, create).is_none());
        let (first, _) =
            keys_later(EngineKind::Mysql, &table, &create.replace(",\n  CONSTRAINT `c` CHECK ((`b` > 0))", ""))
                .unwrap();
        assert!(first.ends_with("UNIQUE KEY `u` (`b`,`a`)\n) ENGINE=InnoDB"), "{first}");
    }
}
