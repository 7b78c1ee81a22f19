//! One table on another engine: its columns, keys, defaults and checks, and the statement that creates it.

use super::cells;
use super::created::{Created, Index};
use super::declare::{declare, is_comparable};
use super::expr::{self, Expr, Known, Scope};
use super::loss::{Loss, LossKind};
use super::neutral::{self, NamedTypes, Neutral};
use super::token::Token;
use super::{collation, names};
use crate::engine::sql::Sql;
use crate::model::schema::{Action, Column, EngineKind, Family, ForeignKey, SchemaObject, Table, TableName};
use std::collections::{BTreeMap, BTreeSet};

/// What every table's translation needs.
pub(super) struct Tables<'a> {
    pub(super) from: EngineKind,
    pub(super) to: EngineKind,
    pub(super) types: &'a NamedTypes,
    pub(super) names: &'a BTreeMap<TableName, TableName>,
    /// The captured tables that travel.
    pub(super) all: &'a [&'a Table],
    /// Indexes that the engine lists apart from tables, by table.
    pub(super) indexes: &'a [(TableName, Index)],
    /// What follows the foreign keys of PostgreSQL: `DEFERRABLE ...`, by the key's name.
    pub(super) deferred: &'a BTreeSet<String>,
    /// How text compares where nothing else is said.
    pub(super) collation: Option<&'a str>,
}

/// A table as it will be.
pub(super) struct Translated {
    pub(super) table: Table,
    pub(super) post: Vec<SchemaObject>,
    pub(super) losses: Vec<Loss>,
}

/// A column on its way.
struct Draft<'a> {
    captured: &'a Column,
    neutral: Neutral,
    declared: String,
    default: Option<Sql>,
    /// The expression of a generated column.
    generated: Option<Sql>,
    /// Whether the engine counts it up.
    counts: bool,
    collation: Option<String>,
}

impl Tables<'_> {
    /// Translates one table. `at` makes names of constraints unique.
    pub(super) fn translate(&self, captured: &Table, at: usize) -> Translated {
        Work { tables: self, captured, name: &self.names[&captured.name], at, losses: Vec::new(), post: Vec::new() }
            .finish()
    }

    /// The columns that are part of a key, an index or a foreign key.
    fn keyed(&self, table: &Table, indexes: &[Index]) -> BTreeSet<String> {
        let by_index = |at: &usize| table.columns[*at].name.clone();
        let mut keyed: BTreeSet<String> = table.primary_key.iter().map(by_index).collect();
        keyed.extend(table.uniques.iter().flat_map(|unique| &unique.columns).map(by_index));
        keyed.extend(table.foreign_keys.iter().flat_map(|key| key.columns.clone()));
        keyed.extend(indexes.iter().flat_map(|index| &index.columns).flatten().map(|(name, _)| name.clone()));
        let referencing = self.all.iter().flat_map(|other| &other.foreign_keys);
        keyed.extend(referencing.filter(|key| key.parent == table.name).flat_map(|key| key.parent_columns.clone()));
        keyed
    }
}

struct Work<'a> {
    tables: &'a Tables<'a>,
    captured: &'a Table,
    name: &'a TableName,
    at: usize,
    losses: Vec<Loss>,
    post: Vec<SchemaObject>,
}

impl<'a> Work<'a> {
    fn lose(&mut self, kind: LossKind, what: impl Into<String>, name: impl Into<String>) {
        let loss = Loss { kind, table: Some(self.name.clone()), what: what.into(), name: name.into() };
        self.losses.push(loss);
    }

    fn finish(mut self) -> Translated {
        let (from, to) = (self.tables.from, self.tables.to);
        let created = Created::read(from, &self.captured.create);
        let listed = self.tables.indexes.iter().filter(|(table, _)| *table == self.captured.name);
        let mut indexes: Vec<Index> = listed.map(|(_, index)| index.clone()).collect();
        let said = created.keys().into_iter().filter(|key| !indexes.iter().any(|index| index.name == key.name));
        indexes.extend(said.collect::<Vec<_>>());
        let keyed = self.tables.keyed(self.captured, &indexes);
        let drafts = self.drafts(&created, &keyed);
        let is_there = |name: &String| drafts.iter().any(|draft| draft.captured.name == *name);

        let mut lines: Vec<Sql> = drafts.iter().map(|draft| self.column_line(draft)).collect();
        let key = self.key_names();
        if !key.is_empty() && self.inline_key(&drafts).is_none() {
            lines.push(listed_names(Sql::new(to).lit("PRIMARY KEY "), &key));
        }
        let uniques: Vec<Vec<String>> = self.uniques(&indexes);
        for unique in uniques.iter().filter(|unique| unique.iter().all(is_there)) {
            lines.push(listed_names(Sql::new(to).lit("UNIQUE "), unique));
        }
        let keys = self.foreign_keys(&mut lines);
        let checks = self.checks(&created, &drafts);
        lines.extend(checks.iter().map(|check| Sql::new(to).lit("CHECK ").part(check)));
        self.indexes(&indexes, &drafts, &mut lines);
        self.engine_only(&created);

        let mut sql = Sql::new(to).lit("CREATE TABLE ").table(self.name).lit(" (\n    ");
        sql = sql.list(&lines, ",\n    ", Sql::part).lit("\n)");
        if let Some(collation) = collation::of_table(from, to, created.collation().as_deref()) {
            sql = sql.lit(" DEFAULT CHARACTER SET utf8mb4 COLLATE ").part(&Sql::rendered(to, collation));
        }
        let table = self.table(&drafts, &uniques, keys, &checks, sql.text().to_owned());
        Translated { table, post: self.post, losses: self.losses }
    }

    fn key_names(&self) -> Vec<String> {
        self.captured.primary_key.iter().map(|&at| self.captured.columns[at].name.clone()).collect()
    }

    fn drafts(&mut self, created: &Created, keyed: &BTreeSet<String>) -> Vec<Draft<'a>> {
        let (from, to) = (self.tables.from, self.tables.to);
        let key = self.key_names();
        let known = self.known();
        let mut drafts = Vec::new();
        for captured in &self.captured.columns {
            let neutral = self.neutral(captured, created);
            let is_key = key.len() == 1 && key[0] == captured.name;
            // SQLite counts every integer key up.
            let rowid = from == EngineKind::Sqlite && is_key && captured.declared.eq_ignore_ascii_case("INTEGER");
            let mut draft = Draft {
                captured,
                declared: match kin_type(from, to, captured, &neutral) {
                    Some(same) => same,
                    None => declare(to, &neutral, keyed.contains(&captured.name)),
                },
                default: None,
                generated: None,
                counts: rowid || created.counts(&captured.name),
                collation: None,
                neutral,
            };
            if captured.generated {
                let scope = Scope { columns: &known, value: None };
                let tokens = created.generated(&captured.name).unwrap_or_default();
                draft.generated = said(from, to, tokens, &scope);
                if draft.generated.is_none() {
                    let what = format!("generated columns whose expression {to} cannot say, left out");
                    self.lose(LossKind::Value, what, &captured.name);
                    continue;
                }
            } else if draft.counts {
                let integer = matches!(draft.neutral, Neutral::Integer { .. });
                draft.counts = integer && (is_key || (to != EngineKind::Sqlite && self.is_unique(&captured.name)));
                if !draft.counts {
                    self.lose(LossKind::Shape, "counters outside of an integer primary key", &captured.name);
                }
            } else if let Some(tokens) = created.default(&captured.name) {
                self.default(&mut draft, tokens);
            }
            let text = matches!(draft.neutral, Neutral::Text { .. } | Neutral::Enum(_) | Neutral::Set(_));
            if text {
                let of_table = created.collation();
                let source = captured.collation.as_deref().or(self.tables.collation).or(of_table.as_deref());
                let (collation, same) = collation::of_column(from, to, source, &captured.declared);
                if !same {
                    let what = format!("text that compares by {}, on {to} otherwise", source.unwrap_or("no case"));
                    self.lose(LossKind::Shape, what, &captured.name);
                }
                draft.collation = collation;
            }
            drafts.push(draft);
        }
        drafts
    }

    fn neutral(&self, column: &Column, created: &Created) -> Neutral {
        let neutral = neutral::of(self.tables.from, self.tables.types, column);
        // MariaDB's JSON is long text with a check.
        let is_json = self.tables.from == EngineKind::Mariadb
            && column.declared.eq_ignore_ascii_case("longtext")
            && created.checks().iter().any(|check| is_json_check(check, &column.name));
        if is_json { Neutral::Json } else { neutral }
    }

    /// Every captured column, and whether expressions may compare it.
    fn known(&self) -> Vec<Known> {
        let known = |column: &Column| Known {
            name: column.name.clone(),
            comparable: is_comparable(self.tables.to, &neutral::of(self.tables.from, self.tables.types, column)),
        };
        self.captured.columns.iter().map(known).collect()
    }

    fn default(&mut self, draft: &mut Draft<'_>, tokens: &[Token]) {
        let (from, to) = (self.tables.from, self.tables.to);
        let parsed = match tokens {
            [word, Token::Text(bits), ..] if word.is("b") => Some(Expr::Number(bits.clone())),
            _ => expr::parse_prefix(from, tokens).map(|(expression, _)| expression),
        };
        let target = cells::Target::declared(to, &draft.neutral, &draft.declared);
        draft.default = match parsed {
            Some(Expr::Null) => return,
            Some(Expr::Now(word)) => Some(now(to, &draft.neutral, word)),
            Some(Expr::Boolean(value)) => cells::literal(to, &target, if value { b"1" } else { b"0" }),
            Some(Expr::Number(text) | Expr::Text(text)) => cells::literal(to, &target, text.as_bytes()),
            Some(Expr::Hex(digits)) => {
                data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok().map(|b| Sql::new(to).bytes(&b))
            }
            _ => None,
        };
        if draft.default.is_none() {
            self.lose(LossKind::Shape, format!("defaults that {to} cannot say"), &draft.captured.name);
        }
    }

    /// The single column of SQLite's primary key, which it counts up only where the column says so itself.
    fn inline_key(&self, drafts: &[Draft<'_>]) -> Option<String> {
        let [key] = &self.key_names()[..] else { return None };
        let draft = drafts.iter().find(|draft| draft.captured.name == *key)?;
        let whole = matches!(draft.neutral, Neutral::Integer { .. } | Neutral::Year);
        (self.tables.to == EngineKind::Sqlite && whole).then(|| key.clone())
    }

    fn is_nullable(&self, column: &Column) -> bool {
        let key = self.captured.primary_key.iter().any(|&at| self.captured.columns[at].name == column.name);
        column.nullable && !key && !self.tables.types.forbids_null(&column.declared)
    }

    fn column_line(&self, draft: &Draft<'_>) -> Sql {
        let to = self.tables.to;
        let mut sql = Sql::new(to).name(&draft.captured.name);
        if !draft.declared.is_empty() {
            sql = sql.lit(" ").part(&Sql::rendered(to, draft.declared.clone()));
        }
        if let Some(collation) = &draft.collation {
            sql = sql.lit(" COLLATE ").part(&Sql::rendered(to, collation.clone()));
        }
        if let Some(expression) = &draft.generated {
            return sql.lit(" GENERATED ALWAYS AS (").part(expression).lit(") STORED");
        }
        if self.is_only_key(&draft.captured.name) && to == EngineKind::Sqlite && draft.declared == "INTEGER" {
            return sql.lit(if draft.counts { " PRIMARY KEY AUTOINCREMENT" } else { " PRIMARY KEY" });
        }
        if !self.is_nullable(draft.captured) {
            sql = sql.lit(" NOT NULL");
        }
        if draft.counts {
            return match to {
                EngineKind::Postgres => sql.lit(" GENERATED BY DEFAULT AS IDENTITY"),
                EngineKind::Mysql | EngineKind::Mariadb => sql.lit(" AUTO_INCREMENT"),
                EngineKind::Sqlite => sql,
            };
        }
        match &draft.default {
            Some(default) => sql.lit(" DEFAULT ").part(default),
            None => sql,
        }
    }

    fn is_only_key(&self, column: &str) -> bool {
        matches!(&self.key_names()[..], [key] if key == column)
    }

    fn is_unique(&self, column: &str) -> bool {
        let only = |unique: &crate::model::schema::Unique| {
            !unique.partial && matches!(&unique.columns[..], [at] if self.captured.columns[*at].name == column)
        };
        self.tables.to == EngineKind::Postgres || self.captured.uniques.iter().any(only)
    }

    /// Sets of columns that are unique over all rows.
    fn uniques(&mut self, indexes: &[Index]) -> Vec<Vec<String>> {
        let names = |at: &usize| self.captured.columns[*at].name.clone();
        let whole = self.captured.uniques.iter().filter(|unique| !unique.partial);
        let uniques: Vec<Vec<String>> = whole.map(|unique| unique.columns.iter().map(names).collect()).collect();
        let said = |name: &String| indexes.iter().any(|index| index.name == *name);
        let partial: Vec<String> = self.captured.uniques.iter().filter(|u| u.partial).map(|u| u.name.clone()).collect();
        for name in partial.into_iter().filter(|name| !said(name)) {
            self.lose(LossKind::Shape, "unique indexes of a kind of their own", name);
        }
        uniques
    }

    /// Foreign keys: behind the rows on PostgreSQL, inside of the statement elsewhere.
    fn foreign_keys(&mut self, lines: &mut Vec<Sql>) -> Vec<ForeignKey> {
        let to = self.tables.to;
        let mut keys = Vec::new();
        for (nth, key) in self.captured.foreign_keys.iter().enumerate() {
            let Some(parent) = self.tables.names.get(&key.parent) else {
                let what = "foreign keys to tables that are not in the snapshot";
                self.lose(LossKind::Shape, what, key.columns.join(", "));
                continue;
            };
            let constraint = self.constraint_name(key, nth);
            let mut sql = Sql::new(to).lit("CONSTRAINT ").name(&constraint);
            sql = listed_names(sql.lit(" FOREIGN KEY "), &key.columns).lit(" REFERENCES ").table(parent).lit(" ");
            sql = listed_names(sql, &key.parent_columns);
            sql = sql.lit(action(" ON DELETE", key.on_delete)).lit(action(" ON UPDATE", key.on_update));
            if self.tables.deferred.contains(&key.name) {
                match to {
                    EngineKind::Mysql | EngineKind::Mariadb => {
                        self.lose(LossKind::Shape, "deferrable foreign keys, checked at once", constraint.clone());
                    }
                    EngineKind::Sqlite | EngineKind::Postgres => sql = sql.lit(" DEFERRABLE INITIALLY DEFERRED"),
                }
            }
            let columns = key.columns.join(", ");
            let name = match to {
                EngineKind::Sqlite => format!("{}({columns}) -> {}", self.name.name, parent.name),
                EngineKind::Postgres => format!("{}.{constraint}", self.name),
                EngineKind::Mysql | EngineKind::Mariadb => constraint.clone(),
            };
            if to == EngineKind::Postgres {
                let create = Sql::new(to).lit("ALTER TABLE ").table(self.name).lit(" ADD ").part(&sql);
                self.post.push(SchemaObject {
                    kind: "foreign key".into(),
                    name: name.clone(),
                    table: Some(self.name.clone()),
                    create: create.text().to_owned(),
                });
            } else {
                lines.push(sql);
            }
            keys.push(ForeignKey { name, parent: parent.clone(), ..key.clone() });
        }
        keys
    }

    /// The constraint's own name where the engine has kept one, and it fits.
    fn constraint_name(&self, key: &ForeignKey, nth: usize) -> String {
        let own = key.name.strip_prefix(&format!("{}.", self.captured.name)).unwrap_or(&key.name);
        // MySQL's names are unique in the whole database.
        let unique =
            !is_mysql(self.tables.to) || is_mysql(self.tables.from) || own.starts_with(&self.captured.name.name);
        if !own.contains('(') && unique && names::fits(own, self.tables.to) {
            return own.to_owned();
        }
        let made = format!("{}_{}_fk", self.name.name, key.columns.join("_"));
        if names::fits(&made, self.tables.to) { made } else { format!("fk_{}_{nth}", self.at) }
    }

    fn checks(&mut self, created: &Created, drafts: &[Draft<'_>]) -> Vec<Sql> {
        let (from, to) = (self.tables.from, self.tables.to);
        let known = self.known();
        let mut checks = Vec::new();
        for draft in drafts {
            let Neutral::Enum(labels) = &draft.neutral else { continue };
            if draft.declared.starts_with("enum") || labels.is_empty() {
                continue;
            }
            let sql = Sql::new(to).lit("(").name(&draft.captured.name).lit(" IN (");
            checks.push(sql.list(labels, ", ", |sql, label| sql.string(label)).lit("))"));
        }
        let mut lost = 0;
        let own = created.checks();
        // PostgreSQL's jsonb checks by itself.
        let own = own.iter().filter(|check| {
            let is_json = drafts.iter().any(|draft| {
                draft.neutral == Neutral::Json
                    && to == EngineKind::Postgres
                    && is_json_check(check, &draft.captured.name)
            });
            !is_json
        });
        let of_domains = drafts.iter().flat_map(|draft| {
            let checks = self.tables.types.checks(&draft.captured.declared);
            checks.into_iter().map(|check| (check, Some(draft.captured.name.as_str())))
        });
        let untouchable = self.unchecked_columns(drafts);
        for (check, value) in own.map(|check| (check.as_slice(), None)).chain(of_domains) {
            let names = check.iter().filter_map(Token::identifier).chain(value);
            let allowed =
                !names.into_iter().any(|name| untouchable.iter().any(|other| other.eq_ignore_ascii_case(name)));
            match said(from, to, check, &Scope { columns: &known, value }).filter(|_| allowed) {
                Some(sql) => checks.push(Sql::new(to).lit("(").part(&sql).lit(")")),
                None => lost += 1,
            }
        }
        if lost > 0 {
            self.lose(LossKind::Shape, format!("checks that {to} cannot say"), format!("({lost})"));
        }
        checks
    }

    /// Columns that MySQL allows in no check: counters, and those that a foreign key sets.
    fn unchecked_columns(&self, drafts: &[Draft<'_>]) -> Vec<String> {
        if !is_mysql(self.tables.to) {
            return Vec::new();
        }
        let sets = |action: Action| matches!(action, Action::SetNull | Action::SetDefault);
        let keys = self.captured.foreign_keys.iter();
        let keys = keys.filter(|key| sets(key.on_delete) || sets(key.on_update) || key.on_update == Action::Cascade);
        let counters = drafts.iter().filter(|draft| draft.counts).map(|draft| draft.captured.name.clone());
        counters.chain(keys.flat_map(|key| key.columns.clone())).collect()
    }

    /// Indexes: inside of the statement on MySQL, where a change of shape ends a transaction; behind the rows elsewhere.
    fn indexes(&mut self, indexes: &[Index], drafts: &[Draft<'_>], lines: &mut Vec<Sql>) {
        let (from, to) = (self.tables.from, self.tables.to);
        let known = self.known();
        for (nth, index) in indexes.iter().enumerate() {
            if index.unique && index.condition.is_empty() && index.columns.is_some() {
                continue; // It is among the uniques.
            }
            let there = |name: &str| drafts.iter().any(|draft| draft.captured.name == name);
            let columns = index.columns.as_ref().filter(|columns| columns.iter().all(|(name, _)| there(name)));
            let partial = matches!(to, EngineKind::Sqlite | EngineKind::Postgres);
            let scope = Scope { columns: &known, value: None };
            let condition = said(from, to, &index.condition, &scope).filter(|_| partial);
            let (Some(columns), true) = (columns, condition.is_some() || !index.unique) else {
                self.lose(LossKind::Shape, "indexes of a kind of their own", &index.name);
                continue;
            };
            // MySQL's names of indexes are those of one table, the others' of a schema.
            let is_own = is_mysql(to) || (!is_mysql(from) && self.captured.name.schema.is_none());
            let name = if is_own { index.name.clone() } else { format!("{}_{}", self.name.name, index.name) };
            let name = if names::fits(&name, to) { name } else { format!("ix_{}_{nth}", self.at) };
            let listed = Sql::new(to)
                .lit("(")
                .list(columns, ", ", |sql, (column, down)| sql.name(column).lit(if *down { " DESC" } else { "" }));
            let listed = listed.lit(")");
            if is_mysql(to) {
                lines.push(Sql::new(to).lit("KEY ").name(&name).lit(" ").part(&listed));
                continue;
            }
            let mut sql = Sql::new(to).lit(if index.unique { "CREATE UNIQUE INDEX " } else { "CREATE INDEX " });
            sql = sql.name(&name).lit(" ON ").table(self.name).lit(" ").part(&listed);
            if let Some(condition) = condition {
                sql = sql.lit(" WHERE ").part(&condition);
            }
            let (table, create) = (Some(self.name.clone()), sql.text().to_owned());
            self.post.push(SchemaObject { kind: "index".into(), name, table, create });
        }
    }

    /// What one engine alone can say about a table.
    fn engine_only(&mut self, created: &Created) {
        let to = self.tables.to;
        let both_mysql = is_mysql(self.tables.from) && is_mysql(to);
        let cases: [(&[&str], &str); 5] = [
            (&["PARTITION", "BY"], "partitions, in one table"),
            (&["EXCLUDE", "USING"], "exclusion constraints"),
            (&["NULLS", "NOT", "DISTINCT"], "unique constraints that allow one NULL"),
            (&["ON", "UPDATE", "CURRENT_TIMESTAMP"], "columns set on every update"),
            (&["WITH", "SYSTEM", "VERSIONING"], "system versions of rows"),
        ];
        for (words, what) in cases {
            if created.says(words) && !(both_mysql && words[0] == "ON") {
                self.lose(LossKind::Shape, what, "");
            }
        }
    }

    fn table(
        &self,
        drafts: &[Draft<'_>],
        uniques: &[Vec<String>],
        foreign_keys: Vec<ForeignKey>,
        checks: &[Sql],
        create: String,
    ) -> Table {
        let column = |draft: &Draft<'_>| Column {
            name: draft.captured.name.clone(),
            declared: draft.declared.clone(),
            family: family(&draft.neutral),
            length: match draft.neutral {
                Neutral::Text { length, .. } => length,
                _ => None,
            },
            nullable: self.is_nullable(draft.captured),
            default: draft.default.as_ref().map(|sql| sql.text().to_owned()),
            generated: draft.generated.is_some(),
            collation: draft.collation.clone(),
            comment: None,
        };
        let columns: Vec<Column> = drafts.iter().map(column).collect();
        let position = |name: &String| columns.iter().position(|column| column.name == *name);
        let unique = |names: &Vec<String>| crate::model::schema::Unique {
            name: names.join("_"),
            columns: names.iter().filter_map(position).collect(),
            partial: false,
        };
        Table {
            name: self.name.clone(),
            kind: self.captured.kind,
            primary_key: self.key_names().iter().filter_map(position).collect(),
            uniques: uniques.iter().map(unique).collect(),
            foreign_keys,
            checks: checks.iter().map(|check| check.text().to_owned()).collect(),
            create,
            counter: drafts.iter().any(|draft| draft.counts),
            strict: self.tables.to != EngineKind::Sqlite,
            columns,
        }
    }
}

fn is_mysql(engine: EngineKind) -> bool {
    matches!(engine, EngineKind::Mysql | EngineKind::Mariadb)
}

/// MySQL and MariaDB have nearly all types in common.
fn kin_type(from: EngineKind, to: EngineKind, column: &Column, neutral: &Neutral) -> Option<String> {
    if !is_mysql(from) || !is_mysql(to) {
        return None;
    }
    match column.declared.to_ascii_lowercase().as_str() {
        "inet6" => Some("varchar(45)".into()),
        "inet4" => Some("varchar(15)".into()),
        "uuid" => Some("char(36)".into()),
        "longtext" if *neutral == Neutral::Json => Some("json".into()),
        _ => Some(column.declared.clone()),
    }
}

fn is_json_check(check: &[Token], column: &str) -> bool {
    matches!(check, [word, _, name, _] if word.is("json_valid") && name.identifier() == Some(column))
}

/// An expression that must mean the same at any time, in the words of the target.
fn said(from: EngineKind, to: EngineKind, tokens: &[Token], scope: &Scope<'_>) -> Option<Sql> {
    let expression = expr::parse(from, tokens)?;
    expression.is_stable(scope).then(|| expression.render(Sql::new(to), scope))?
}

/// The default of a moment.
fn now(to: EngineKind, neutral: &Neutral, word: &'static str) -> Sql {
    let sql = Sql::new(to);
    match (to, neutral) {
        (EngineKind::Mysql | EngineKind::Mariadb, Neutral::Timestamp { digits: digits @ 1.., .. })
            if word == "CURRENT_TIMESTAMP" =>
        {
            sql.lit("CURRENT_TIMESTAMP(").integer(i64::from(*digits)).lit(")")
        }
        (EngineKind::Mysql | EngineKind::Mariadb, Neutral::Timestamp { .. }) => sql.lit(word),
        (EngineKind::Mysql | EngineKind::Mariadb, _) => sql.lit("(").lit(word).lit(")"),
        _ => sql.lit(word),
    }
}

fn listed_names(sql: Sql, names: &[String]) -> Sql {
    sql.lit("(").list(names, ", ", |sql, name| sql.name(name)).lit(")")
}

fn action(event: &'static str, action: Action) -> &'static str {
    match (event, action) {
        (_, Action::NoAction) => "",
        (" ON DELETE", Action::Restrict) => " ON DELETE RESTRICT",
        (" ON DELETE", Action::Cascade) => " ON DELETE CASCADE",
        (" ON DELETE", Action::SetNull) => " ON DELETE SET NULL",
        (" ON DELETE", Action::SetDefault) => " ON DELETE SET DEFAULT",
        (_, Action::Restrict) => " ON UPDATE RESTRICT",
        (_, Action::Cascade) => " ON UPDATE CASCADE",
        (_, Action::SetNull) => " ON UPDATE SET NULL",
        (_, Action::SetDefault) => " ON UPDATE SET DEFAULT",
    }
}

fn family(neutral: &Neutral) -> Family {
    match neutral {
        Neutral::Boolean => Family::Boolean,
        Neutral::Integer { .. } | Neutral::Year => Family::Integer,
        Neutral::Decimal(_) => Family::Numeric,
        Neutral::Float(_) => Family::Real,
        Neutral::Text { .. } | Neutral::Set(_) => Family::Text,
        Neutral::Bytes(_) => Family::Blob,
        Neutral::Date => Family::Date,
        Neutral::Time => Family::Time,
        Neutral::Timestamp { .. } => Family::Timestamp,
        Neutral::Json => Family::Json,
        Neutral::Uuid => Family::Uuid,
        Neutral::Enum(_) => Family::Enum,
        Neutral::Bits { .. } | Neutral::Rendered | Neutral::Any => Family::Any,
    }
}
