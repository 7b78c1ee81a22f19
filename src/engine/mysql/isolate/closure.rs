//! What the row journal cannot know: rows that a foreign key deleted or changed, for which no trigger fires. A row that was
//! not written to itself was as in the template when its parent went or moved, so the template tells which rows those are.

use super::key::{self, mysql};
use super::plan::{Child, Plan, acts};
use super::triggers::{Deed, at};
use super::undo::Touched;
use crate::engine::mysql::catalog::cell;
use crate::engine::mysql::explain;
use crate::engine::mysql::session::Session;
use crate::engine::sql::Sql;
use crate::error::Result;
use crate::model::schema::Action;
use std::collections::BTreeMap;

/// Rows of a table that went or moved in one way.
struct Group {
    table: usize,
    deed: Deed,
    /// Of rows that moved: the columns that changed, where those are known.
    columns: Option<Vec<String>>,
    keys: Vec<String>,
}

/// What becomes of rows that refer by `child` to rows that went or moved, and which columns of theirs change where that is
/// known; none where nothing does.
fn effect(child: &Child, deed: Deed, changed: Option<&[String]>) -> Option<(Deed, Option<Vec<String>>)> {
    let own = || Some((Deed::Moved, Some(child.columns.clone())));
    let is_cascade = child.on_delete == Action::Cascade;
    match (deed, changed) {
        (Deed::Deleted, _) if is_cascade => Some((Deed::Deleted, None)),
        (Deed::Deleted, _) if acts(child.on_delete) => own(),
        (Deed::Touched | Deed::Deleted, _) => None,
        // What was renamed, or hung up elsewhere, may have gone since without an entry of its own.
        (Deed::Moved, None) if is_cascade => Some((Deed::Moved, None)),
        (Deed::Moved, None) => own(),
        (Deed::Moved, Some(names)) => names.iter().any(|name| child.parent_columns.contains(name)).then(own)?,
    }
}

/// Adds to `touched` what foreign keys did.
pub(super) fn follow(session: &mut Session, plan: &Plan, template: &str, touched: &mut Touched) -> Result<()> {
    let mut groups = first(touched);
    while !groups.is_empty() {
        let (mut questions, mut about) = (Vec::new(), Vec::new());
        for group in &groups {
            for child in &plan.tables[group.table].children {
                let Some(effect) = effect(child, group.deed, group.columns.as_deref()) else { continue };
                let table = &plan.tables[child.table];
                // Rows whose own key changed with their parent's have names now that nobody wrote down.
                let is_renamed =
                    child.columns.iter().any(|name| table.identity.contains(name)) && acts(child.on_update);
                if table.key.is_empty() || (is_renamed && group.deed == Deed::Moved) {
                    plan.spread(child.table, &mut touched.whole);
                    continue;
                }
                for sql in children(plan, template, group, child)? {
                    questions.push(sql.text().to_owned());
                    about.push((child.table, effect.clone()));
                }
            }
        }
        let mut found: BTreeMap<_, Vec<String>> = BTreeMap::new();
        if !questions.is_empty() {
            let answers = session.batch(&questions.join(";\n"))?.map_err(|error| explain::statement(&error))?;
            for (answer, (table, (deed, columns))) in answers.iter().zip(about) {
                for row in &answer.rows {
                    if touched.add(table, cell(row, 0), deed, columns.as_deref()) {
                        found.entry((table, deed, columns.clone())).or_default().push(cell(row, 0).to_owned());
                    }
                }
            }
        }
        let group = |((table, deed, columns), keys)| Group { table, deed, columns, keys };
        groups = found.into_iter().map(group).collect();
    }
    Ok(())
}

/// The rows that the row journal says went or moved.
fn first(touched: &Touched) -> Vec<Group> {
    let mut groups = Vec::new();
    for (&table, keys) in &touched.keys {
        for deed in [Deed::Deleted, Deed::Moved] {
            let keys: Vec<String> = keys
                .iter()
                .filter(|(_, deeds)| deeds.iter().any(|(other, _)| *other == deed))
                .map(|(key, _)| key.clone())
                .collect();
            if !keys.is_empty() {
                groups.push(Group { table, deed, columns: None, keys });
            }
        }
    }
    groups
}

/// Asks the template for the keys of the rows that refer to a group's.
fn children(plan: &Plan, template: &str, group: &Group, child: &Child) -> Result<Vec<Sql>> {
    let (parent, table) = (&plan.tables[group.table], &plan.tables[child.table]);
    let sql = key::written(&table.key, mysql().lit("SELECT DISTINCT "), "c");
    let sql = sql.lit(" FROM ").part(&at(template, &parent.name)).lit(" p JOIN ").part(&at(template, &table.name));
    let sql = sql.lit(" c ON ").list(child.columns.iter().zip(&child.parent_columns), " AND ", |sql, (own, other)| {
        sql.column("c", own).lit(" = ").column("p", other)
    });
    let conditions = key::conditions(&parent.key, "p", &group.keys, key::TOGETHER)?;
    Ok(conditions.iter().map(|condition| mysql().part(&sql).lit(" WHERE (").part(condition).lit(")")).collect())
}
