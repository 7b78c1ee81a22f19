//! The JSON Schema (2020-12) of policy files, made of the tables that the reader uses: keys, masks with their parameters,
//! modes, environments and engines. What only a catalogue can tell is not in it.

use super::file::{ENVIRONMENTS, Mode};
use super::keys::{self, Key};
use super::read::INSTEAD;
use super::rules::RULES;
use super::section::SECTIONS;
use crate::mask::{Definition, Determinism, MASKS, Param, ParamKind};
use crate::model::subset::Children;
use serde_json::{Map, Value, json};

/// The schema.
#[must_use]
pub fn schema() -> Value {
    let mut schema = object(&keys::FILE, &["version"], file_key);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("terp-fixtures policy");
    schema["description"] = json!("What a capture takes of each table and what happens to each column.");
    schema["$defs"] = Value::Object(definitions());
    schema
}

fn definitions() -> Map<String, Value> {
    let rules = MASKS.iter().map(|mask| (format!("rule.{}", mask.name), rule(mask)));
    let parts = MASKS.iter().filter(|mask| in_parts(mask)).map(|mask| (format!("part.{}", mask.name), part(mask)));
    let own = [
        ("section", object(&keys::SECTION, &[], section_key)),
        ("defaults", object(&keys::DEFAULTS, &[], table_key)),
        ("environment", object(&keys::ENVIRONMENT, &[], environment_key)),
        ("table", object(&keys::TABLE, &[], table_key)),
        ("tables", by_name(&reference("table"))),
        ("rule", any_mask("rule", MASKS.iter().copied())),
        ("part", any_mask("part", MASKS.iter().copied().filter(|mask| in_parts(mask)))),
        ("subset", object(&keys::SUBSET, &[], subset_key)),
        ("root", dependent(object(&keys::ROOT, &["table"], subset_key))),
        ("edge", edge()),
        ("reference", object(&keys::REFERENCE, &["table", "columns", "parent"], subset_key)),
        ("polymorphic", object(&keys::POLYMORPHIC, &["table", "type_column", "id_column", "map"], subset_key)),
        ("mapped", object(&keys::MAPPED, &["table"], subset_key)),
        ("names", json!({ "type": "array", "items": { "type": "string" }, "uniqueItems": true })),
        (
            "one_or_more",
            json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }] }),
        ),
    ];
    rules.chain(parts).chain(own.map(|(name, value)| (name.to_owned(), value))).collect()
}

/// A table with these keys and no others.
fn object(keys: &[Key], required: &[&str], of: fn(&str) -> Value) -> Value {
    let property = |key: &Key| (key.name.to_owned(), about(of(key.name), key.about));
    let properties: Map<String, Value> = keys.iter().map(property).collect();
    closed(&properties, required)
}

fn closed(properties: &Map<String, Value>, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn about(mut value: Value, words: &str) -> Value {
    value["description"] = json!(words);
    value
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// A table whose keys are names of the database.
fn by_name(value: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": value })
}

/// A table with these names as keys.
fn among<'a>(names: impl Iterator<Item = &'a str>, value: &Value) -> Value {
    closed(&names.map(|name| (name.to_owned(), value.clone())).collect(), &[])
}

fn file_key(name: &str) -> Value {
    match name {
        "version" => json!({ "const": 1 }),
        "project" => object(&keys::PROJECT, &[], project_key),
        "review" => object(&keys::REVIEW, &[], |_| json!({ "type": "string" })),
        "check" => object(&keys::CHECK, &[], check_key),
        "engines" => among(SECTIONS.iter().map(|(name, _)| *name), &reference("section")),
        other => section_key(other),
    }
}

fn check_key(_: &str) -> Value {
    json!({ "type": "array", "items": object(&keys::ALLOWANCE, &["rule", "reason"], allowance_key) })
}

fn allowance_key(name: &str) -> Value {
    match name {
        "rule" => json!({ "enum": RULES.iter().filter(|rule| rule.allowable).map(|rule| rule.id).collect::<Vec<_>>() }),
        "expires" => day(),
        _ => json!({ "type": "string" }),
    }
}

/// A calendar day.
fn day() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
}

fn project_key(name: &str) -> Value {
    match name {
        "generation" => json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }),
        _ => json!({ "type": "string" }),
    }
}

fn section_key(name: &str) -> Value {
    match name {
        "environments" => among(ENVIRONMENTS.into_iter(), &reference("environment")),
        other => reference(other),
    }
}

fn environment_key(name: &str) -> Value {
    match name {
        "mode" => json!({ "enum": INSTEAD.map(Mode::word) }),
        _ => reference("tables"),
    }
}

fn table_key(name: &str) -> Value {
    match name {
        "mode" => json!({ "enum": Mode::ALL.map(Mode::word) }),
        "keep" => reference("names"),
        "columns" => by_name(&reference("rule")),
        "expires" => day(),
        _ => json!({ "type": "string" }),
    }
}

fn subset_key(name: &str) -> Value {
    let list = |of: Value| json!({ "type": "array", "items": of });
    match name {
        "roots" => json!({ "type": "array", "items": reference("root"), "minItems": 1 }),
        "edges" => list(reference("edge")),
        "references" => list(json!({ "anyOf": [reference("reference"), reference("polymorphic")] })),
        "children" => json!({ "enum": Children::ALL.map(Children::word) }),
        "depth" => json!({ "type": "integer", "minimum": 0, "maximum": 100 }),
        "limit" => json!({ "type": "integer", "minimum": 1 }),
        "percent" => json!({ "type": "number", "minimum": 0.0001, "maximum": 100 }),
        "follow" => json!({ "type": "boolean" }),
        "whole" | "never" => list(json!({ "type": "string" })),
        "columns" | "parent_columns" | "id_column" | "order" => reference("one_or_more"),
        "map" => by_name(&json!({ "anyOf": [{ "type": "string" }, reference("mapped")] })),
        _ => json!({ "type": "string" }),
    }
}

/// An order says nothing without a limit.
fn dependent(mut value: Value) -> Value {
    value["dependentRequired"] = json!({ "order": ["limit"] });
    value
}

/// An edge that is not followed has nothing to choose from.
fn edge() -> Value {
    let mut value = dependent(object(&keys::EDGE, &["table", "columns"], subset_key));
    value["if"] = json!({ "properties": { "follow": { "const": false } }, "required": ["follow"] });
    value["then"] = json!({ "properties": { "limit": false, "where": false, "order": false } });
    value
}

/// Whether a mask can stand inside of another one.
fn in_parts(mask: &Definition) -> bool {
    !mask.after && mask.determinism != Determinism::Row
}

/// The name of a mask, or a table that begins with one.
fn any_mask(kind: &str, masks: impl Iterator<Item = &'static Definition>) -> Value {
    let masks: Vec<&Definition> = masks.collect();
    let short = |mask: &&Definition| json!({ "const": mask.name, "description": mask.about });
    let long = |mask: &&Definition| reference(&format!("{kind}.{}", mask.name));
    json!({ "anyOf": masks.iter().map(short).chain(masks.iter().map(long)).collect::<Vec<_>>() })
}

/// A column's rule with this mask.
fn rule(mask: &Definition) -> Value {
    let takes = |key: &&Key| match key.name {
        "domain" => !mask.domain.is_empty(),
        "subject" => mask.takes_subject,
        _ => true,
    };
    let mut value = table_of(mask, &keys::RULE.iter().filter(takes).copied().collect::<Vec<_>>());
    value["dependentRequired"] = json!({ "otherwise": ["when"] });
    value
}

/// A mask inside of another one.
fn part(mask: &Definition) -> Value {
    let takes = |key: &&Key| key.name == "mask" || (key.name == "domain" && !mask.domain.is_empty());
    table_of(mask, &keys::RULE.iter().filter(takes).copied().collect::<Vec<_>>())
}

fn table_of(mask: &Definition, keys: &[Key]) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let value = match key.name {
            "mask" => json!({ "const": mask.name }),
            "expires" => day(),
            "otherwise" => json!({ "allOf": [reference("rule"), { "properties": { "when": false } }] }),
            _ => json!({ "type": "string" }),
        };
        properties.insert(key.name.to_owned(), about(value, key.about));
    }
    for param in mask.params {
        properties.insert(param.name.to_owned(), parameter(param));
    }
    let needed = |param: &&Param| matches!(param.default, "required" | "none; required");
    let needed = mask.params.iter().filter(needed).map(|param| param.name);
    about(closed(&properties, &["mask"].into_iter().chain(needed).collect::<Vec<_>>()), mask.about)
}

fn parameter(param: &Param) -> Value {
    let value = match param.kind {
        ParamKind::Text => json!({ "type": "string" }),
        ParamKind::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        ParamKind::Bool => json!({ "type": "boolean" }),
        ParamKind::Choice(words) => json!({ "enum": words }),
        ParamKind::Scalar => json!({ "type": ["string", "integer", "boolean"] }),
        ParamKind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        ParamKind::Integers => {
            json!({ "type": "array", "items": { "type": "integer" }, "minItems": 1, "uniqueItems": true })
        }
        ParamKind::Pairs => by_name(&json!({ "type": "string" })),
        ParamKind::Weights => by_name(&json!({ "type": "integer", "minimum": 0 })),
        ParamKind::Mask => reference("part"),
        ParamKind::Masks => by_name(&reference("part")),
    };
    about(value, &format!("{} Without it: {}.", param.about, param.default.trim_end_matches('.')))
}

#[cfg(test)]
#[path = "json_schema_tests.rs"]
pub(crate) mod tests;
