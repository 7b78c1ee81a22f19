//! Rows that hang on rows that go: which, how many, whose, and what their foreign keys say is to become of them.
//!
//! With foreign keys silent the database does nothing by itself, so that what happens is known before it happens, can be backed
//! up and is counted. Rows that go by a cascade take the rows along that hang on them, and so on.

use super::super::state::{self, joined};
use super::outcome::{Does, Effect};
use super::plan::{How, Manner, Part, Plan};
use crate::engine::Target;
use crate::engine::sql::{self, Sql};
use crate::error::{Error, Result};
use crate::model::schema::{Action, Catalogue, EngineKind, ForeignKey, Table, TableName};
use std::collections::BTreeMap;

/// The names of rows on their way up: a row, what it hangs on, what that hangs on. A chain is no longer than this.
const ALIASES: [&str; 13] = ["t", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12"];

/// Which rows go.
#[derive(Debug, Clone)]
enum Going {
    /// Those of a part of the plan, by its number.
    Part(usize),
    /// Those that hang on others along a foreign key.
    Behind(Box<Link>),
}

/// A foreign key, and the rows that it leads to.
#[derive(Debug, Clone)]
struct Link {
    key: ForeignKey,
    parent: Going,
}

/// Rows of one table that hang, along one foreign key, on rows that go.
#[derive(Debug, Clone)]
struct Hanging {
    table: TableName,
    key: ForeignKey,
    does: Does,
    /// The rows `t`.
    rows: Sql,
    count: u64,
}

/// Everything that hangs on rows that go.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// What goes along, the nearest first.
    deleted: Vec<Hanging>,
    /// What loses its reference.
    changed: Vec<Hanging>,
    /// What is in the way.
    stops: Vec<Hanging>,
}

/// Finds everything that hangs on the rows of a plan.
pub(super) fn find(target: &mut dyn Target, plan: &Plan<'_>) -> Result<Effects> {
    let finder = Finder { plan };
    let mut effects = Effects::default();
    let parts = || plan.parts.iter().enumerate().map(|(at, part)| (part.table.name.clone(), Going::Part(at)));
    // What of each table goes, and by what it is found that something does.
    let mut gone: BTreeMap<TableName, Vec<Going>> = BTreeMap::new();
    let mut next: Vec<(TableName, Going)> = parts().collect();
    for (table, going) in parts() {
        gone.entry(table).or_default().push(going);
    }
    let mut parents = next.clone();
    for _ in 1..ALIASES.len() {
        let level = std::mem::take(&mut next);
        for (parent, going) in level {
            for (child, key) in finder.children(&parent).filter(|(child, key)| finder.does(child, key) == Does::Delete)
            {
                let link = Going::Behind(Box::new(Link { key: key.clone(), parent: going.clone() }));
                let rows = finder.new_rows(&[&link], gone.get(&child.name));
                let count = state::count_where(target, &child.name, &rows)?;
                if count > 0 {
                    let (table, key) = (child.name.clone(), key.clone());
                    effects.deleted.push(Hanging { table: table.clone(), key, does: Does::Delete, rows, count });
                    gone.entry(table.clone()).or_default().push(link.clone());
                    next.push((table, link));
                }
            }
        }
        parents.extend(next.iter().cloned());
        if next.is_empty() {
            break;
        }
    }
    if !next.is_empty() {
        return Err(Error::rollback(format!(
            "rows hang on fixture rows in chains of more than {} rows; the last table is {}",
            ALIASES.len() - 1,
            next[0].0
        ))
        .hint("Delete or re-point the rows of the application first."));
    }
    for child in &plan.live.tables {
        for key in &child.foreign_keys {
            let does = finder.does(child, key);
            let behind = |going: &Going| Going::Behind(Box::new(Link { key: key.clone(), parent: going.clone() }));
            let links: Vec<Going> =
                parents.iter().filter(|(table, _)| *table == key.parent).map(|(_, going)| behind(going)).collect();
            if does == Does::Delete || links.is_empty() {
                continue;
            }
            let rows = finder.new_rows(&links.iter().collect::<Vec<_>>(), gone.get(&child.name));
            let count = state::count_where(target, &child.name, &rows)?;
            if count > 0 {
                let hanging = Hanging { table: child.name.clone(), key: key.clone(), does, rows, count };
                if does == Does::Stop { effects.stops.push(hanging) } else { effects.changed.push(hanging) }
            }
        }
    }
    Ok(effects)
}

/// Writes conditions.
struct Finder<'a> {
    plan: &'a Plan<'a>,
}

impl<'a> Finder<'a> {
    /// Every foreign key that references a table.
    fn children(&self, parent: &TableName) -> impl Iterator<Item = (&'a Table, &'a ForeignKey)> + use<'a> {
        let parent = parent.clone();
        let keys =
            self.plan.live.tables.iter().flat_map(|child| child.foreign_keys.iter().map(move |key| (child, key)));
        keys.filter(move |(_, key)| key.parent == parent)
    }

    /// What a foreign key does when the row is deleted that it references.
    fn does(&self, child: &Table, key: &ForeignKey) -> Does {
        let live = &self.plan.live;
        match key.on_delete {
            Action::NoAction | Action::Restrict => Does::Stop,
            // A key that loses only some of its columns is for the server itself.
            Action::SetNull | Action::SetDefault if names_columns(live, child, key) => Does::Stop,
            Action::SetDefault if matches!(live.engine, EngineKind::Mysql | EngineKind::Mariadb) => Does::Stop,
            Action::Cascade => Does::Delete,
            Action::SetNull => Does::Null,
            Action::SetDefault => Does::Default,
        }
    }

    /// The rows `t` to which one of `links` leads and that do not go by one of `gone`.
    fn new_rows(&self, links: &[&Going], gone: Option<&Vec<Going>>) -> Sql {
        let sql = Sql::new(self.plan.live.engine).lit("(");
        let sql = sql.list(links, " OR ", |sql, link| sql.part(&self.condition(link, 0, false))).lit(")");
        gone.into_iter()
            .flatten()
            .fold(sql, |sql, going| sql.lit(" AND NOT (").part(&self.condition(going, 0, false)).lit(")"))
    }

    /// The condition that a row goes. `leaving`: without those that come back under their key.
    fn condition(&self, going: &Going, depth: usize, leaving: bool) -> Sql {
        let alias = ALIASES[depth.min(ALIASES.len() - 1)];
        match going {
            Going::Part(at) => {
                let part: &Part = &self.plan.parts[*at];
                if leaving { part.leaving(self.plan.about(), alias) } else { part.rows(self.plan.about(), alias) }
            }
            Going::Behind(link) => {
                let up = ALIASES[(depth + 1).min(ALIASES.len() - 1)];
                let above = self.condition(&link.parent, depth + 1, true);
                references(self.plan.live.engine, &link.key, (alias, up), &above)
            }
        }
    }
}

/// The row `alias` references a row `up` for which `above` holds.
fn references(engine: EngineKind, key: &ForeignKey, (alias, up): (&'static str, &'static str), above: &Sql) -> Sql {
    let sql = Sql::new(engine).lit("EXISTS (SELECT 1 FROM ");
    if !matches!(engine, EngineKind::Mysql | EngineKind::Mariadb) {
        let sql = sql.table(&key.parent).lit(" ").lit(up).lit(" WHERE ");
        return sql
            .part(&joined(engine, up, alias, &key.parent_columns, &key.columns))
            .lit(" AND ")
            .part(above)
            .lit(")");
    }
    // These servers change no table that the condition reads, unless what is read was put aside first: DISTINCT does that.
    let names: Vec<String> = (0..key.columns.len()).map(|at| format!("terp_k{at}")).collect();
    let columns = key.parent_columns.iter().zip(&names);
    let sql = sql
        .lit("(SELECT DISTINCT ")
        .list(columns, ", ", |sql, (column, name)| sql.column(up, column).lit(" AS ").name(name));
    let sql = sql.lit(" FROM ").table(&key.parent).lit(" ").lit(up).lit(" WHERE ").part(above).lit(") terp_g WHERE ");
    sql.part(&joined(engine, "terp_g", alias, &names, &key.columns)).lit(")")
}

/// Whether a foreign key says which of its columns lose their value (PostgreSQL 15 and later).
fn names_columns(live: &Catalogue, child: &Table, key: &ForeignKey) -> bool {
    let is_key = |object: &&crate::model::schema::SchemaObject| {
        object.kind == "foreign key" && object.name == key.name && object.table.as_ref() == Some(&child.name)
    };
    let text = live.post.iter().find(is_key).map(|object| object.create.as_str()).unwrap_or_default();
    ["ON DELETE SET NULL (", "ON DELETE SET DEFAULT ("].iter().any(|words| text.contains(words))
}

impl Effects {
    /// The tables whose rows change or go.
    pub(super) fn tables(&self) -> impl Iterator<Item = &TableName> {
        self.deleted.iter().chain(&self.changed).map(|hanging| &hanging.table)
    }

    /// The rows `t` that change or go, by table.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&TableName, Sql)> {
        self.deleted.iter().chain(&self.changed).map(|hanging| (&hanging.table, hanging.rows.clone()))
    }

    /// Refuses what hangs on rows that go: without force everything, with it what no foreign key allows.
    pub(super) fn refuse(&self, target: &mut dyn Target, plan: &Plan<'_>) -> Result<()> {
        let How { manner, .. } = plan.how;
        let all: Vec<&Hanging> = self.stops.iter().chain(&self.deleted).chain(&self.changed).collect();
        if all.is_empty() || (*manner == Manner::Force && self.stops.is_empty()) {
            return Ok(());
        }
        let mut lines = Vec::new();
        let mut first = None;
        for hanging in all {
            let owners = owners(target, plan, hanging)?;
            first = first.or_else(|| owners.iter().find_map(|(owner, _)| owner.later.clone()));
            lines.push(hanging.line(&owners));
        }
        let who = if plan.is_partial { "rows that stay" } else { "rows of the application" };
        let hint = match (first, self.stops.is_empty()) {
            (Some(later), _) => format!("Roll the later run back first: terp-fixtures rollback '{later}', or everything: --all."),
            (None, true) => {
                "Delete or re-point those rows first. --force does what the foreign keys say; on staging, the backup has those rows."
                    .to_owned()
            }
            (None, false) => {
                "Delete or re-point those rows first; --force does not help where a foreign key allows no deletion.".to_owned()
            }
        };
        Err(Error::rollback(format!("{who} hang on fixture rows:\n  {}", lines.join("\n  "))).hint(hint))
    }

    /// Does what the foreign keys say, the farthest rows first: what is nearer finds them.
    pub(super) fn happen(&self, target: &mut dyn Target, plan: &Plan<'_>) -> Result<Vec<Effect>> {
        let engine = plan.live.engine;
        let mut effects = Vec::new();
        for hanging in self.changed.iter().chain(self.deleted.iter().rev()) {
            let within = |error: Error| error.within(format!("table {}", hanging.table));
            let Some(table) = plan.live.table(&hanging.table) else { continue };
            let (sql, keys) = match hanging.does {
                Does::Delete => {
                    let keys = super::undo::keys(target, table, &hanging.rows)?;
                    (sql::delete_from(engine, &hanging.table, None, &hanging.rows), keys.to_hex())
                }
                does => {
                    let set = hanging.key.columns.iter().map(|name| (name.clone(), value(engine, table, name, does)));
                    let set: Vec<(String, Sql)> = set.collect();
                    (sql::update_where(engine, (&hanging.table, "t"), &set, &hanging.rows), String::new())
                }
            };
            let rows = target.execute(&sql).map_err(within)?;
            if rows != hanging.count {
                return Err(changed_meanwhile(&hanging.table));
            }
            effects.push(Effect {
                table: hanging.table.clone(),
                key: hanging.key.name.clone(),
                parent: hanging.key.parent.clone(),
                does: hanging.does,
                rows,
                keys,
            });
        }
        effects.sort_by(|a, b| (&a.table, &a.key, a.does).cmp(&(&b.table, &b.key, b.does)));
        Ok(effects)
    }
}

/// What a column of a foreign key becomes.
fn value(engine: EngineKind, table: &Table, name: &str, does: Does) -> Sql {
    let default = table.column_index(name).and_then(|at| table.columns[at].default.as_deref());
    match (does, engine, default) {
        (Does::Default, EngineKind::Postgres, _) => Sql::new(engine).lit("DEFAULT"),
        (Does::Default, _, Some(default)) => Sql::rendered(engine, default),
        _ => Sql::new(engine).lit("NULL"),
    }
}

/// Somebody wrote between the count and the change.
pub(super) fn changed_meanwhile(table: &TableName) -> Error {
    Error::locked(format!("table {table}: rows were changed by somebody else while they were being rolled back"))
        .hint("Nothing was changed. Run it again.")
}

/// Whose rows hang on rows that go.
struct Owner {
    name: String,
    /// The run, when it is a later one, which has to go first.
    later: Option<String>,
}

/// How many of the rows belong to which run; the application's are not among them.
fn owners(target: &mut dyn Target, plan: &Plan<'_>, hanging: &Hanging) -> Result<Vec<(Owner, u64)>> {
    let mut owners = Vec::new();
    for run in std::iter::once(plan.run).chain(&plan.others) {
        let knows = run.detail.tables.iter().any(|detail| detail.table == hanging.table);
        let Some(holds) = run.holds(&plan.live, &hanging.table, "t").filter(|_| knows) else { continue };
        let rows = hanging.rows.clone().lit(" AND ").part(&holds);
        let count = state::count_where(target, &hanging.table, &rows)?;
        if count > 0 {
            let later = (run.seq > plan.run.seq).then(|| run.id.clone());
            owners.push((Owner { name: format!("run {}", run.id), later }, count));
        }
    }
    Ok(owners)
}

impl Hanging {
    /// One line of a refusal: whose rows, along which key, and what would happen to them.
    fn line(&self, owners: &[(Owner, u64)]) -> String {
        let Self { table, key, count, does, .. } = self;
        let would = match does {
            Does::Delete => "ON DELETE CASCADE would delete them",
            Does::Null => "ON DELETE SET NULL would take their reference away",
            Does::Default => "ON DELETE SET DEFAULT would change their reference",
            Does::Stop => "the foreign key does not let them go",
        };
        let whose: Vec<String> = owners.iter().map(|(owner, rows)| format!("{rows} of {}", owner.name)).collect();
        let whose = if whose.is_empty() { String::new() } else { format!(" ({})", whose.join(", ")) };
        let (name, columns) = (key.name.escape_debug(), key.columns.join(", "));
        let columns = columns.escape_debug();
        format!("{count} rows of {table}{whose} reference {} by {name} ({columns}): {would}", key.parent)
    }
}
