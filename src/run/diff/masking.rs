//! How the rows of two snapshots were masked and chosen.

use super::schema::{changed, each};
use super::{Difference, Sort};
use crate::model::manifest::{Manifest, PolicyProof, TableEntry};

/// Every difference of what `tables` name, or of everything.
pub(super) fn differences(before: &Manifest, after: &Manifest, tables: &[String]) -> Vec<Difference> {
    let mut found = Vec::new();
    for ((what, one), (_, other)) in facts(before).into_iter().zip(facts(after)) {
        if one != other {
            found.push(changed(what, &one, &other));
        }
    }
    let versions = |of: &Manifest| of.policy.masks.clone().into_iter().collect::<Vec<_>>();
    for (name, version) in versions(before) {
        if let Some(now) = after.policy.masks.get(&name).filter(|now| **now != version) {
            found.push(changed(&format!("version of the mask {name}"), &version.to_string(), &now.to_string()));
        }
    }
    if before.policy.dictionaries != after.policy.dictionaries {
        found.push(Difference { sort: Sort::Changed, what: "dictionaries of fakes".to_owned() });
    }
    let is_wanted = |entry: &&TableEntry| tables.is_empty() || tables.iter().any(|text| entry.table.is_named(text));
    for entry in before.tables.iter().filter(is_wanted) {
        if let Some(other) = after.tables.iter().find(|other| other.table == entry.table) {
            table(entry, other, &mut found);
        }
    }
    found
}

/// What holds for the whole snapshot, in words.
fn facts(of: &Manifest) -> Vec<(&'static str, String)> {
    let PolicyProof { file, digest, key_id, generation, key_check, lock, reviewed, approvals, .. } = &of.policy;
    let short =
        |digest: &Option<String>| digest.as_ref().map_or_else(|| "none".to_owned(), |digest| digest[..16].to_owned());
    let subset = match &of.subset {
        None => "every row".to_owned(),
        Some(subset) => {
            let size = subset.size.as_ref().map(|size| format!("{size}, ")).unwrap_or_default();
            let condition =
                |condition: &Option<String>| condition.as_deref().unwrap_or("all").escape_debug().to_string();
            let roots = subset.roots.iter().map(|root| format!("{} where {}", root.table, condition(&root.condition)));
            format!("{size}{}", roots.collect::<Vec<_>>().join("; "))
        }
    };
    let mut approvers: Vec<String> = approvals.iter().map(|it| it.approver.escape_debug().to_string()).collect();
    approvers.sort_unstable();
    let approvers = if approvers.is_empty() { "nobody".to_owned() } else { approvers.join(", ") };
    let seed = of.generated.as_ref().map(|it| format!(", seed {}, size {}", it.seed, it.size.escape_debug()));
    vec![
        ("rows", format!("{}{}", of.origin(), seed.unwrap_or_default())),
        ("environment", of.environment.clone()),
        ("policy file", file.escape_debug().to_string()),
        ("policy", digest[..16].to_owned()),
        ("lock", short(lock)),
        ("reviewed version", short(reviewed)),
        ("approved by", approvers),
        ("masking key", format!("{key_id}, generation {generation}")),
        ("masked values of a key", key_check.clone()),
        ("chosen rows", subset),
    ]
}

fn table(a: &TableEntry, b: &TableEntry, found: &mut Vec<Difference>) {
    if a.mode != b.mode {
        found.push(changed(&format!("table {}, mode", a.table), &a.mode, &b.mode));
    }
    let rules = |entry: &TableEntry| {
        let rule = |(column, mask): (&String, &String)| {
            let plain = entry.params.get(column).into_iter().flatten();
            let mut text = plain.fold(mask.clone(), |text, (name, value)| {
                format!("{text} {}={}", name.escape_debug(), value.escape_debug())
            });
            if entry.conditional.contains(column) {
                text.push_str(", under a condition");
            }
            (column.clone(), text)
        };
        entry.masks.iter().map(rule).collect::<Vec<_>>()
    };
    let (one, other) = (rules(a), rules(b));
    // A column that only one side has is a difference of the schema.
    let both = |side: &[(String, String)], other: &[(String, String)]| {
        let is_there = |rule: &&(String, String)| other.iter().any(|(column, _)| column == &rule.0);
        side.iter().filter(is_there).cloned().collect::<Vec<_>>()
    };
    let name = |(column, _): &(String, String)| format!("table {}, column {}", a.table, column.escape_debug());
    each(&both(&one, &other), &both(&other, &one), name, found, |before, after, found| {
        found.push(changed(&format!("{}, mask", name(before)), &before.1, &after.1));
    });
}
