//! A catalogue held against what a lock recorded of it: what is new, gone, of another type, or no longer unique.

use super::file::Place;
use super::findings::{Finding, Severity};
use super::lock::{Lock, LockedColumn, LockedTable};
use super::names;
use crate::error::Kind;
use crate::model::schema::{Catalogue, Table, TableKind, TableName};
use std::collections::BTreeMap;

/// Every difference.
pub(super) fn compare(lock: &Lock, catalogue: &Catalogue) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, LockedTable { place, columns, .. }) in &lock.tables {
        match catalogue.tables.iter().find(|table| raw(&table.name) == *name) {
            Some(table) => findings.extend(compare_table(lock, table, columns)),
            None => {
                let what = format!("table {} was there when the lock was written, and is gone", name.escape_debug());
                let finding = finding(lock, "removed-table", Some(*place), what).table(&TableName::plain(name));
                findings.push(finding.hint("Remove it from the policy, and write the lock anew."));
            }
        }
    }
    let unknown = catalogue.tables.iter().filter(|table| table.kind == TableKind::Ordinary);
    for table in unknown.filter(|table| !lock.tables.contains_key(&raw(&table.name))) {
        let what = format!("table {} is new since the lock was written", table.name);
        let finding = finding(lock, "new-table", None, what).table(&table.name);
        findings.push(finding.hint("Decide it in the policy, and write the lock anew."));
    }
    findings
}

/// The name as a lock has it.
fn raw(name: &TableName) -> String {
    name.schema.as_ref().map_or_else(|| name.name.clone(), |schema| format!("{schema}.{}", name.name))
}

fn finding(lock: &Lock, rule: &'static str, place: Option<Place>, what: String) -> Finding {
    Finding {
        rule,
        severity: Severity::Error,
        kind: Kind::Drift,
        file: lock.file.clone(),
        place: place.filter(|place| *place != Place::default()),
        table: None,
        column: None,
        what,
        hint: None,
    }
}

fn compare_table(lock: &Lock, table: &Table, columns: &BTreeMap<String, LockedColumn>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let shown = |column: &str| format!("{}.{}", table.name, column.escape_debug());
    let is_new = |name: &str| !columns.contains_key(name);
    let mut add = |rule, column: &str, place, what: String, hint: String| {
        findings.push(finding(lock, rule, place, what).column(&table.name, column).hint(hint));
    };
    for (name, before) in columns {
        let place = Some(before.place);
        let Some(at) = table.column_index(name) else {
            let new = || table.columns.iter().filter(|column| is_new(&column.name));
            let alike = new().filter(|column| same_type(&column.declared, &before.declared));
            let meant = names::closest(name, new().map(|column| column.name.as_str()))
                .or_else(|| alike.clone().next().filter(|_| alike.count() == 1).map(|column| column.name.as_str()));
            let hint =
                meant.map_or_else(String::new, |meant| format!("Was it renamed to '{}'? ", meant.escape_debug()));
            let what = format!("column {} was there when the lock was written, and is gone", shown(name));
            add("removed-column", name, place, what, format!("{hint}Change the policy, and write the lock anew."));
            continue;
        };
        let now = &table.columns[at];
        if !same_type(&now.declared, &before.declared) {
            let type_of = |declared: &str| {
                if declared.is_empty() { "no type".to_owned() } else { declared.escape_debug().to_string() }
            };
            let what =
                format!("column {} was {} and is {}", shown(name), type_of(&before.declared), type_of(&now.declared));
            add(
                "retyped-column",
                name,
                place,
                what,
                "See whether its mask still fits, and write the lock anew.".to_owned(),
            );
        }
        let unique = is_unique(table, at);
        if before.unique && !unique {
            let what = format!("column {} was unique, and no longer is", shown(name));
            add(
                "lost-unique",
                name,
                place,
                what,
                "See whether it still identifies what it did, and write the lock anew.".to_owned(),
            );
        } else if unique && !before.unique {
            let what = format!("column {} is unique now, and was not", shown(name));
            add(
                "gained-unique",
                name,
                place,
                what,
                "See whether its mask keeps values apart, and write the lock anew.".to_owned(),
            );
        }
        if now.nullable != before.nullable {
            let takes = if now.nullable { "takes NULL now, and did not" } else { "took NULL, and no longer does" };
            add(
                "changed-nullability",
                name,
                place,
                format!("column {} {takes}", shown(name)),
                "Write the lock anew.".to_owned(),
            );
        }
    }
    // A table whose rows are not taken may stand there without its columns.
    for column in table.columns.iter().filter(|column| !columns.is_empty() && !column.generated && is_new(&column.name))
    {
        let what = format!("column {} is new since the lock was written", shown(&column.name));
        add("new-column", &column.name, None, what, "Decide it in the policy, and write the lock anew.".to_owned());
    }
    for finding in &mut findings {
        if matches!(finding.rule, "gained-unique" | "changed-nullability") {
            finding.severity = Severity::Warning;
        }
    }
    findings
}

/// Whether a primary key or a unique constraint has the column, alone or with others: as the inventory says it.
fn is_unique(table: &Table, at: usize) -> bool {
    table.primary_key.contains(&at) || table.uniques.iter().any(|unique| unique.columns.contains(&at))
}

/// Types are equal in any case and spacing; MySQL's display width of whole numbers says nothing, and newer servers leave it out.
fn same_type(left: &str, right: &str) -> bool {
    plain(left) == plain(right)
}

fn plain(declared: &str) -> String {
    let joined: String = declared.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().replace(", ", ",");
    let Some((head, rest)) = joined.split_once('(') else { return joined };
    let is_whole = ["tinyint", "smallint", "mediumint", "int", "bigint", "integer", "year"].contains(&head);
    // tinyint(1) is how a boolean is declared.
    match rest.split_once(')') {
        Some((width, tail)) if is_whole && width != "1" => format!("{head}{tail}"),
        _ => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::{Family, Unique};
    use crate::model::tier::Tier;
    use crate::policy::Policy;
    use crate::policy::inventory::inventory;
    use crate::policy::lock::{Decider, Each, LockFile};
    use crate::policy::resolve::tests::{catalogue, column, table};

    fn recorded(declared: &str, nullable: bool, unique: bool) -> LockedColumn {
        let text = String::new;
        LockedColumn {
            declared: declared.to_owned(),
            nullable,
            unique,
            fingerprint: text(),
            decisions: Each([text(), text(), text()]),
            tier: Tier::None,
            reason: None,
            by: text(),
            on: text(),
            expires: None,
            place: Place { line: 3, column: 1 },
        }
    }

    fn rules(columns: &[(&str, LockedColumn)], now: Table) -> Vec<(&'static str, Option<String>)> {
        let text = String::new;
        let table = LockedTable {
            fingerprint: text(),
            modes: Each([text(), text(), text()]),
            reason: None,
            by: text(),
            on: text(),
            expires: None,
            columns: columns.iter().map(|(name, column)| ((*name).to_owned(), column.clone())).collect(),
            place: Place::default(),
        };
        let tables = BTreeMap::from([("t".to_owned(), table)]);
        let lock = Lock { file: "pii.lock".into(), engine: "sqlite".into(), tables };
        compare(&lock, &catalogue(vec![now])).into_iter().map(|found| (found.rule, found.column)).collect()
    }

    #[test]
    fn a_lock_of_this_very_schema_records_no_difference() {
        let text = "version = 1\n[tables.\"odd.t\\n\"]\nkeep = [\"a\"]\n[tables.gone]\nmode = \"exclude\"\n";
        let policy = Policy::parse("pii.toml", text).unwrap();
        let mut of = catalogue(vec![
            table("odd.t\n", vec![column("a", Family::Text)]),
            table("gone", vec![column("b", Family::Text)]),
        ]);
        let inventory = inventory(&policy, &of).unwrap();
        let decider = Decider { by: "dpo".into(), on: "2026-01-01".into(), expires: None, renew: false };
        let lock = Lock::of("pii.lock", &policy, (&of, &inventory), None, &decider).unwrap();
        let file = LockFile::parse("pii.lock", &LockFile::default().with(lock).text()).unwrap();
        let recorded = file.of(&policy, of.engine).unwrap();
        assert_eq!(compare(recorded, &of), []);
        of.tables[0].columns[0].declared = "int".into();
        let found = compare(recorded, &of);
        assert_eq!((found[0].rule, found[0].file.as_str(), found.len()), ("retyped-column", "pii.lock", 1));
        assert!(found[0].place.is_some());
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let mut now =
            table("t", vec![column("a", Family::Text), column("b", Family::Integer), column("e", Family::Text)]);
        now.columns[0].declared = "varchar(10)".into();
        now.columns[1].declared = "INT".into();
        now.columns[2].nullable = false;
        now.uniques = vec![Unique { name: "u".into(), columns: vec![2], partial: false }];
        let before = [
            ("a", recorded("varchar(40)", true, true)),
            ("b", recorded("int(11)", true, false)),
            ("d", recorded("", true, false)),
            ("e", recorded("", true, false)),
        ];
        let some = |name: &str| Some(name.to_owned());
        let wanted = [
            ("retyped-column", some("a")),
            ("lost-unique", some("a")),
            ("removed-column", some("d")),
            ("gained-unique", some("e")),
            ("changed-nullability", some("e")),
        ];
        assert_eq!(rules(&before, now.clone()), wanted);
        now.columns.push(column("f", Family::Text));
        assert!(rules(&before, now.clone()).contains(&("new-column", some("f"))));
        now.name = TableName::plain("s");
        assert_eq!(rules(&before, now), [("removed-table", None), ("new-table", None)]);
    }
}
