//! Makes a [`Profile`] of the tree of its file. Keys and types are right by then; what is checked here is what they say together.

use super::choice::{Choice, Spread};
use super::column;
use super::moment;
use super::shape;
use super::tree::{Node, Reader};
use super::{List, NOW, Name, PerRule, Profile, ReferenceRule, ScenarioRule, Section, TableRule, Variant};
use crate::error::{Kind, Result};
use crate::generate::invariant::rule;
use crate::model::names::did_you_mean;

/// Engines by the names that variants use.
pub(super) const ENGINES: [&str; 4] = ["sqlite", "postgres", "mysql", "mariadb"];

pub(super) fn profile(file: &str, text: &str) -> Result<Profile> {
    let reader = Reader::new(file, text);
    let root = reader.read(&shape::FILE)?;
    if let Some(version) = root.get("version").filter(|version| version.whole() != Some(1)) {
        let error = reader.error(Kind::Usage, version.place, "this version of the profile format is not known");
        return Err(error.hint("This program reads version = 1."));
    }
    let mut profile = Profile {
        file: file.to_owned(),
        digest: blake3::hash(text.as_bytes()).to_hex().to_string(),
        about: root.get("about").and_then(Node::text).map(str::to_owned),
        now: NOW,
        ..Profile::default()
    };
    if let Some(now) = root.get("now") {
        profile.now = now.text().and_then(moment::read).ok_or_else(|| {
            reader.error(Kind::Usage, now.place, "this is no moment").hint("Write now = \"2025-12-31T12:00:00Z\".")
        })?;
    }
    for entry in root.get("lists").map(Node::entries).unwrap_or_default() {
        profile.lists.insert(entry.key.clone(), list(&reader, &entry.node)?);
    }
    profile.base = section(&reader, &root)?;
    for entry in root.get("variants").map(Node::entries).unwrap_or_default() {
        profile.variants.push(variant(&reader, &entry.key, &entry.node)?);
    }
    for entry in root.get("scenarios").map(Node::entries).unwrap_or_default() {
        let node = &entry.node;
        let rule = ScenarioRule {
            like: node.get("like").and_then(Node::text).map(str::to_owned),
            factor: node.get("factor").and_then(Node::number),
            section: section(&reader, node)?,
        };
        profile.scenarios.insert(entry.key.clone(), rule);
    }
    lists_are_there(&reader, &profile)?;
    Ok(profile)
}

fn list(reader: &Reader<'_>, node: &Node) -> Result<List> {
    if let Some(file) = node.get("file").and_then(Node::text) {
        return Ok(List::File(node.place, file.to_owned()));
    }
    column::weighted(reader, node).map(List::Values)
}

fn variant(reader: &Reader<'_>, name: &str, node: &Node) -> Result<Variant> {
    let engines = node.get("engine").map(Node::texts).unwrap_or_default();
    if let Some(wrong) = engines.iter().find(|engine| !ENGINES.contains(&engine.as_str())) {
        let error = reader.error(Kind::Usage, node.place, format!("unknown engine '{}'", wrong.escape_debug()));
        let hint = did_you_mean(wrong, ENGINES.into_iter());
        return Err(error.hint(hint.unwrap_or_else(|| format!("It is one of {}.", ENGINES.join(", ")))));
    }
    let when = node.get("when").map(Node::texts).unwrap_or_default();
    Ok(Variant { name: name.to_owned(), engines, when, section: section(reader, node)? })
}

fn section(reader: &Reader<'_>, node: &Node) -> Result<Section> {
    let mut section = Section { columns: columns(reader, node)?, ..Section::default() };
    for entry in node.get("tables").map(Node::entries).unwrap_or_default() {
        let name = Name { place: entry.place, text: entry.key.clone() };
        section.tables.push((name, table(reader, &entry.node)?));
    }
    for node in node.get("references").map(Node::items).unwrap_or_default() {
        references(reader, node, &mut section.references)?;
    }
    for node in node.get("invariants").map(Node::items).unwrap_or_default() {
        section.invariants.push(rule::read(reader, node)?);
    }
    Ok(section)
}

fn columns(reader: &Reader<'_>, node: &Node) -> Result<Vec<(Name, column::ColumnRule)>> {
    let entries = node.get("columns").map(Node::entries).unwrap_or_default();
    let rule = |entry: &super::tree::Entry| {
        let name = Name { place: entry.place, text: entry.key.clone() };
        Ok((name, column::read(reader, &entry.node)?))
    };
    entries.iter().map(rule).collect()
}

fn table(reader: &Reader<'_>, node: &Node) -> Result<TableRule> {
    let mut rule = TableRule { columns: columns(reader, node)?, ..TableRule::default() };
    if let Some(rows) = node.get("rows") {
        let of = |size: &str| rows.get(size).and_then(Node::whole);
        let small = rows.whole().or_else(|| of("small"));
        let medium = rows.whole().or_else(|| of("medium"));
        let large = rows.whole().or_else(|| of("large"));
        let Some(some) = small.or(medium.map(|rows| rows.div_ceil(10))).or(large.map(|rows| rows.div_ceil(100))) else {
            return Err(reader.error(Kind::Usage, rows.place, "rows says no number"));
        };
        let medium = medium.unwrap_or_else(|| some.saturating_mul(10));
        rule.rows = Some([some, medium, large.unwrap_or_else(|| medium.saturating_mul(10))]);
    }
    if let Some(per) = node.get("per") {
        if rule.rows.is_some() {
            let error = reader.error(Kind::Policy, per.place, "a table has either rows or per");
            return Err(error.hint("Take one of the two out."));
        }
        rule.per = Some(per_rule(reader, per)?);
    }
    for entry in node.get("choose").map(Node::entries).unwrap_or_default() {
        let name = Name { place: entry.place, text: entry.key.clone() };
        rule.choices.push((name, choice(reader, &entry.node)?));
    }
    Ok(rule)
}

fn per_rule(reader: &Reader<'_>, node: &Node) -> Result<PerRule> {
    let number = |key: &str| node.get(key).and_then(Node::number);
    let (min, max, mean) = (number("min").unwrap_or(0.0), number("max"), number("mean"));
    if max.is_none() && mean.is_none() {
        let error = reader.error(Kind::Usage, node.place, "per says neither max nor mean");
        return Err(error.hint("Write per = { parent = \"order_id\", min = 1, max = 5 }."));
    }
    if max.is_some_and(|max| max < min) || mean.is_some_and(|mean| mean < min || max.is_some_and(|max| mean > max)) {
        return Err(reader.error(Kind::Policy, node.place, "min, mean and max are not in order"));
    }
    let parent = node.get("parent").map(Node::texts).unwrap_or_default();
    Ok(PerRule { place: node.place, parent, min, max, mean })
}

fn choice(reader: &Reader<'_>, node: &Node) -> Result<Choice> {
    let null = node.get("null").and_then(Node::number);
    let whole = |node: &Node| node.whole();
    let mut found = Vec::new();
    match node.text() {
        Some("round-robin") => found.push(Spread::RoundRobin),
        Some(_) => found.push(Spread::Uniform),
        None => {}
    }
    found.extend(node.get("zipf").and_then(Node::number).map(Spread::Zipf));
    if let Some(pareto) = node.get("pareto") {
        let share = |key: &str| pareto.get(key).and_then(Node::number).unwrap_or(0.5);
        found.push(Spread::Pareto { share_of_parents: share("parents"), share_of_children: share("children") });
    }
    if let Some(each) = node.get("each") {
        let [Some(least), Some(most)] = each.items().iter().map(whole).collect::<Vec<_>>()[..] else {
            return Err(reader.error(Kind::Usage, each.place, "each has two numbers: from and to"));
        };
        if most < least || most == 0 {
            return Err(reader.error(Kind::Policy, each.place, "each has two numbers: from and to"));
        }
        found.push(Spread::Each { least, most });
    }
    if let Some(tree) = node.get("tree") {
        let of = |key: &str| tree.get(key).and_then(whole);
        found.push(Spread::Tree { depth: of("depth").unwrap_or(3).max(1), fanout: of("fanout").unwrap_or(4).max(1) });
    }
    if found.len() > 1 {
        return Err(reader.error(Kind::Policy, node.place, "a reference is chosen in one way, and here are several"));
    }
    if found.is_empty() && null.is_none() {
        let error = reader.error(Kind::Usage, node.place, "this does not say how rows are chosen");
        return Err(error.hint("Write \"uniform\", \"round-robin\", or zipf, pareto, each, tree or null in a table."));
    }
    Ok(Choice { spread: found.pop().unwrap_or_default(), null })
}

fn references(reader: &Reader<'_>, node: &Node, found: &mut Vec<ReferenceRule>) -> Result<()> {
    let text = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
    let texts = |node: &Node, key: &str| node.get(key).map(Node::texts).unwrap_or_default();
    let rule = ReferenceRule {
        place: node.place,
        table: text("table").unwrap_or_default(),
        columns: texts(node, "columns"),
        parent: text("parent").unwrap_or_default(),
        parent_columns: texts(node, "parent_columns"),
        of_type: None,
        weight: 1.0,
    };
    if rule.columns.is_empty() {
        return Err(reader.error(Kind::Usage, node.place, "this reference names no column"));
    }
    match (text("parent"), text("type_column"), node.get("map")) {
        (Some(_), None, None) => found.push(rule),
        (None, Some(column), Some(map)) if !map.entries().is_empty() => {
            for entry in map.entries() {
                found.push(ReferenceRule {
                    parent: entry
                        .node
                        .text()
                        .or_else(|| entry.node.get("table")?.text())
                        .unwrap_or_default()
                        .to_owned(),
                    parent_columns: texts(&entry.node, "columns"),
                    of_type: Some((column.clone(), entry.key.clone())),
                    weight: entry.node.get("weight").and_then(Node::number).unwrap_or(1.0),
                    ..rule.clone()
                });
            }
        }
        _ => {
            let error = reader.error(Kind::Usage, node.place, "this reference has no parent");
            return Err(error.hint("Write parent = \"table\"; a polymorphic one has type_column and map instead."));
        }
    }
    Ok(())
}

/// Every list that a column names must be there.
fn lists_are_there(reader: &Reader<'_>, profile: &Profile) -> Result<()> {
    let sections = std::iter::once(&profile.base)
        .chain(profile.variants.iter().map(|variant| &variant.section))
        .chain(profile.scenarios.values().map(|scenario| &scenario.section));
    for section in sections {
        let own = section.tables.iter().flat_map(|(_, table)| &table.columns);
        for (name, rule) in section.columns.iter().chain(own) {
            if let Some(list) = rule.list().filter(|list| !profile.lists.contains_key(*list)) {
                let what = format!("there is no list '{}'", list.escape_debug());
                let hint = did_you_mean(list, profile.lists.keys().map(String::as_str));
                let hint = hint.unwrap_or_else(|| "Lists stand under [lists].".to_owned());
                return Err(reader.error(Kind::Usage, name.place, what).hint(hint));
            }
        }
    }
    Ok(())
}
