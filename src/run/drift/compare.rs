//! One table of a snapshot, as it is on the target, against the target's own: every difference, each with its verdict.
//!
//! What the database itself checks as the rows go in (unique values, references, CHECKs) is tolerated: a row that breaks it
//! undoes the restore. What would change rows, or keep them from being told apart, is refused.

use super::types::{self, Types};
use crate::model::drift::{Aspect, Difference, Verdict};
use crate::model::manifest::TableEntry;
use crate::model::schema::{Column, ForeignKey, Table, Unique};

/// A table on both sides.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    /// As the snapshot has it, under the target's names.
    pub(super) captured: &'a Table,
    pub(super) entry: &'a TableEntry,
    pub(super) live: &'a Table,
}

/// How types are compared.
pub(super) enum ByType<'a> {
    /// Both are of one engine.
    Same(&'a Types),
    /// They are not: each cell is looked at, as long as it may fit at all.
    Foreign(&'a dyn Fn(&Table, &Column) -> bool),
}

impl Pair<'_> {
    pub(super) fn differences(&self, by: &ByType<'_>) -> Vec<Difference> {
        let mut found = Vec::new();
        for name in &self.entry.columns {
            let Some(at) = self.captured.column_index(name) else { continue };
            self.column(at, by, &mut found);
        }
        for column in self.live.columns.iter().filter(|column| !self.entry.columns.contains(&column.name)) {
            found.extend(self.extra(column));
        }
        found.extend(self.primary_key());
        self.uniques(&mut found);
        self.foreign_keys(&mut found);
        if matches!(by, ByType::Same(_)) {
            self.checks(&mut found);
        }
        super::rename::guess(self, &mut found);
        found
    }

    fn difference(
        &self,
        columns: &[&str],
        aspect: Aspect,
        (snapshot, target): (String, String),
        verdict: Verdict,
    ) -> Difference {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        Difference { table: self.live.name.clone(), columns, aspect, snapshot, target, verdict, renamed: None }
    }

    fn column(&self, at: usize, by: &ByType<'_>, found: &mut Vec<Difference>) {
        let captured = &self.captured.columns[at];
        let name = [captured.name.as_str()];
        let before = types::shown(&captured.declared);
        let Some(live_at) = self.live.column_index(&captured.name) else {
            let advice = refused("add it to the target, or drop it in [restore.map]");
            found.push(self.difference(&name, Aspect::MissingColumn, (before, String::new()), advice));
            return;
        };
        let live = &self.live.columns[live_at];
        let after = types::shown(&live.declared);
        if live.generated {
            let advice = refused("the target computes it: drop it in [restore.map]");
            found.push(self.difference(&name, Aspect::Generated, (before, "computed".into()), advice));
            return;
        }
        match by {
            ByType::Same(types) => {
                if let Some(it) = types.compare(captured, live) {
                    found.push(self.difference(&name, it.aspect, (it.snapshot, it.target), it.verdict));
                }
                if captured.collation != live.collation {
                    let shown =
                        |text: &Option<String>| text.as_deref().unwrap_or("the default").escape_debug().to_string();
                    let why = tolerated("rows keep their text; it compares in the target's way");
                    let both = (shown(&captured.collation), shown(&live.collation));
                    found.push(self.difference(&name, Aspect::Collation, both, why));
                }
            }
            ByType::Foreign(fits) if !fits(self.live, live) => {
                let advice = refused("give it a type that holds the values");
                found.push(self.difference(&name, Aspect::Type, (before, after), advice));
            }
            ByType::Foreign(_) => {}
        }
        found.extend(self.nullability((at, live_at), &name));
    }

    fn nullability(&self, (captured, live): (usize, usize), name: &[&str]) -> Option<Difference> {
        // A key of SQLite is not declared NOT NULL.
        let may_be = |table: &Table, at: usize| table.columns[at].nullable && !table.primary_key.contains(&at);
        let verdict = match (may_be(self.captured, captured), may_be(self.live, live)) {
            (true, false) if self.entry.rows == 0 => tolerated("the snapshot has no rows"),
            (true, false) => Verdict::Open,
            (false, true) => tolerated("the target allows more"),
            _ => return None,
        };
        let word = |nullable: bool| if nullable { "NULL" } else { "NOT NULL" }.to_owned();
        let both = (word(may_be(self.captured, captured)), word(may_be(self.live, live)));
        Some(self.difference(name, Aspect::Nullability, both, verdict))
    }

    /// A column that only the target has. Those that the snapshot knows as generated ones are left to the target.
    fn extra(&self, column: &Column) -> Option<Difference> {
        let known = self.captured.column_index(&column.name).map(|at| &self.captured.columns[at]);
        if column.generated && known.is_some() {
            return None;
        }
        let verdict = match (column.generated, &column.default, column.nullable) {
            (true, ..) => tolerated("the target computes it"),
            (_, Some(_), _) => tolerated("it gets its default"),
            (_, None, true) => tolerated("it stays NULL"),
            (_, None, false) => refused("give it a default, in the target or under default in [restore.map]"),
        };
        let target = format!("{}{}", types::shown(&column.declared), if column.nullable { "" } else { " NOT NULL" });
        let before = if known.is_some() { "computed".to_owned() } else { String::new() };
        Some(self.difference(&[&column.name], Aspect::ExtraColumn, (before, target), verdict))
    }

    fn primary_key(&self) -> Option<Difference> {
        let names = |table: &Table| -> Vec<String> {
            table.primary_key.iter().map(|&at| table.columns[at].name.clone()).collect()
        };
        let (before, after) = (names(self.captured), names(self.live));
        if before == after {
            return None;
        }
        let has_all = |of: &[String], all: &[String]| all.iter().all(|name| of.contains(name));
        let verdict = if !has_all(&self.entry.columns, &after) || after.is_empty() {
            refused("give the target the snapshot's key: rows in the way are found by it")
        } else if before.is_empty() {
            tolerated("rows that repeat it are refused as they go in")
        } else if has_all(&after, &before) {
            tolerated("what is a key in the snapshot is one there too")
        } else {
            refused("give the target the snapshot's key: other rows would be taken for the same")
        };
        let all: Vec<&str> =
            before.iter().chain(after.iter().filter(|name| !before.contains(name))).map(String::as_str).collect();
        Some(self.difference(&all, Aspect::PrimaryKey, (list(&before), list(&after)), verdict))
    }

    fn uniques(&self, found: &mut Vec<Difference>) {
        let set = |table: &Table, unique: &Unique| {
            let mut names: Vec<String> = unique.columns.iter().map(|&at| table.columns[at].name.clone()).collect();
            names.sort();
            (unique.partial, if unique.partial { vec![unique.name.clone()] } else { names })
        };
        let sets = |table: &Table| table.uniques.iter().map(|unique| set(table, unique)).collect::<Vec<_>>();
        let (before, after) = (sets(self.captured), sets(self.live));
        let key: Vec<&str> =
            self.captured.primary_key.iter().map(|&at| self.captured.columns[at].name.as_str()).collect();
        let said = |(partial, names): &(bool, Vec<String>)| {
            if *partial { format!("in part: {}", list(names)) } else { list(names) }
        };
        let place = |(partial, names): &(bool, Vec<String>)| if *partial { Vec::new() } else { names.clone() };
        for unique in after.iter().filter(|unique| !before.contains(unique)) {
            let implied = !key.is_empty() && key.iter().all(|name| unique.1.iter().any(|other| other == name));
            let why = tolerated(if implied {
                "the snapshot's key has it so"
            } else {
                "rows that repeat it are refused as they go in"
            });
            let names = place(unique);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            found.push(self.difference(&names, Aspect::Unique, (String::new(), said(unique)), why));
        }
        for unique in before.iter().filter(|unique| !after.contains(unique)) {
            let names = place(unique);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let why = tolerated("the target allows more");
            found.push(self.difference(&names, Aspect::Unique, (said(unique), String::new()), why));
        }
    }

    fn foreign_keys(&self, found: &mut Vec<Difference>) {
        let place = |key: &ForeignKey| (key.columns.clone(), key.parent.clone(), key.parent_columns.clone());
        let mut push = |key: &ForeignKey, both: (String, String), why: &str| {
            let names: Vec<&str> = key.columns.iter().map(String::as_str).collect();
            found.push(self.difference(&names, Aspect::ForeignKey, both, tolerated(why)));
        };
        for live in &self.live.foreign_keys {
            let same = self.captured.foreign_keys.iter().find(|key| place(key) == place(live));
            let near = || self.captured.foreign_keys.iter().find(|key| key.columns == live.columns);
            match (same, near()) {
                (Some(key), _) if (key.on_delete, key.on_update) == (live.on_delete, live.on_update) => {}
                (Some(key), _) => {
                    push(live, (actions(key), actions(live)), "it holds for the rows; the target acts in its own way");
                }
                (None, Some(key)) => {
                    push(live, (reference(key), reference(live)), "every reference is verified after the load");
                }
                (None, None) => {
                    push(live, (String::new(), reference(live)), "every reference is verified after the load");
                }
            }
        }
        for key in self
            .captured
            .foreign_keys
            .iter()
            .filter(|key| !self.live.foreign_keys.iter().any(|live| live.columns == key.columns))
        {
            push(key, (reference(key), String::new()), "the target allows more");
        }
    }

    fn checks(&self, found: &mut Vec<Difference>) {
        for check in self.live.checks.iter().filter(|check| !self.captured.checks.contains(check)) {
            let why = tolerated("rows that break it are refused as they go in");
            found.push(self.difference(&[], Aspect::Check, (String::new(), check.escape_debug().to_string()), why));
        }
        for check in self.captured.checks.iter().filter(|check| !self.live.checks.contains(check)) {
            let why = tolerated("the target allows more");
            found.push(self.difference(&[], Aspect::Check, (check.escape_debug().to_string(), String::new()), why));
        }
    }
}

fn refused(advice: &str) -> Verdict {
    Verdict::Refused(advice.to_owned())
}

fn tolerated(why: &str) -> Verdict {
    Verdict::Tolerated(why.to_owned())
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join(", ")
}

fn reference(key: &ForeignKey) -> String {
    format!("{} ({})", key.parent, list(&key.parent_columns))
}

fn actions(key: &ForeignKey) -> String {
    format!("on delete {:?}, on update {:?}", key.on_delete, key.on_update)
}
