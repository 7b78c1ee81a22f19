//! The JSON Schema, held against every policy of the repository by a small validator of just the words that it uses.

use super::*;
use crate::policy::Policy;
use std::path::PathBuf;

/// Faults that a schema cannot see: they are between two places of the file, or in its text.
const UNSEEN: [&str; 5] =
    ["defaults_kept_and_masked", "duplicate_key", "kept_and_masked", "subset_whole_and_never", "syntax"];

/// Whether `value` obeys `schema`. Panics at a word that it does not know, so that the schema uses no other.
pub(crate) fn holds(root: &Value, schema: &Value, value: &Value) -> bool {
    let Value::Object(words) = schema else { return schema == &Value::Bool(true) };
    let check = |schema: &Value, value: &Value| holds(root, schema, value);
    words.iter().all(|(word, said)| match word.as_str() {
        "$schema" | "$defs" | "title" | "description" | "default" | "then" => true,
        "$ref" => check(root.pointer(said.as_str().unwrap().trim_start_matches('#')).unwrap(), value),
        "const" => said == value,
        "enum" => said.as_array().unwrap().contains(value),
        "type" => match said {
            Value::Array(kinds) => kinds.iter().any(|kind| is(kind, value)),
            kind => is(kind, value),
        },
        "minimum" => value.as_f64().is_none_or(|number| number >= said.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= said.as_f64().unwrap()),
        "minItems" => value.as_array().is_none_or(|list| list.len() as u64 >= said.as_u64().unwrap()),
        "uniqueItems" => {
            value.as_array().is_none_or(|list| list.iter().enumerate().all(|(at, item)| !list[..at].contains(item)))
        }
        "items" => value.as_array().is_none_or(|list| list.iter().all(|item| check(said, item))),
        "anyOf" => said.as_array().unwrap().iter().any(|schema| check(schema, value)),
        "allOf" => said.as_array().unwrap().iter().all(|schema| check(schema, value)),
        "if" => !check(said, value) || check(&words["then"], value),
        "required" => value.as_object().is_none_or(|table| has_all(table, said)),
        "dependentRequired" => value.as_object().is_none_or(|table| {
            said.as_object().unwrap().iter().all(|(key, needed)| !table.contains_key(key) || has_all(table, needed))
        }),
        "properties" => value.as_object().is_none_or(|table| {
            let properties = said.as_object().unwrap();
            table.iter().all(|(key, item)| properties.get(key).is_none_or(|schema| check(schema, item)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|table| {
            let known = words.get("properties").and_then(Value::as_object);
            let further = table.iter().filter(|(key, _)| !known.is_some_and(|known| known.contains_key(*key)));
            further.into_iter().all(|(_, item)| check(said, item))
        }),
        other => panic!("the schema uses the word {other}"),
    })
}

fn has_all(table: &Map<String, Value>, keys: &Value) -> bool {
    keys.as_array().unwrap().iter().all(|key| table.contains_key(key.as_str().unwrap()))
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the schema uses the type {other}"),
    }
}

fn json_of(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => json!(text),
        toml::Value::Integer(number) => json!(number),
        toml::Value::Float(number) => json!(number),
        toml::Value::Boolean(flag) => json!(flag),
        toml::Value::Datetime(moment) => json!(moment.to_string()),
        toml::Value::Array(list) => list.iter().map(json_of).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.iter().map(|(key, value)| (key.clone(), json_of(value))).collect())
        }
    }
}

fn accepts(schema: &Value, text: &str) -> bool {
    holds(schema, schema, &json_of(&toml::Value::Table(text.parse().unwrap())))
}

/// The policies of a folder, by name.
fn policies(folder: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|kind| kind == "toml"));
    let read = |path: PathBuf| {
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap())
    };
    files.map(read).collect()
}

#[test]
fn every_policy_obeys_the_schema_and_is_read() {
    let schema = schema();
    let found = [policies("policies"), policies("policies/valid")].concat();
    assert!(found.len() >= 9);
    for (name, text) in found {
        assert!(accepts(&schema, &text), "{name}");
        assert!(Policy::parse(&name, &text).is_ok(), "{name}");
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = schema();
    for (name, text) in policies("policies/invalid") {
        let refused = text.parse::<toml::Table>().is_err() || !accepts(&schema, &text);
        let seen = !UNSEEN.contains(&name.as_str()) || text.parse::<toml::Table>().is_err();
        assert_eq!(refused, seen, "{name}");
    }
}

/// Whatever the table of masks says of a parameter, schema and reader say the same of its values.
#[test]
fn schema_and_reader_agree_on_every_parameter_of_every_mask() {
    let schema = schema();
    let values = [
        "\"text\"",
        "1",
        "0",
        "-1",
        "40",
        "1000000",
        "true",
        "[]",
        "[\"a\"]",
        "[1, 2]",
        "[1, 1]",
        "{}",
        "{ a = \"email\" }",
        "{ a = 1 }",
        "{ a = -1 }",
        "{ mask = \"email\" }",
        "{ mask = \"emial\" }",
        "\"email\"",
        "\"template\"",
        "1.5",
    ];
    for mask in MASKS {
        let needed: Vec<&Param> =
            mask.params.iter().filter(|param| matches!(param.default, "required" | "none; required")).collect();
        for param in mask.params {
            let words = if let ParamKind::Choice(words) = param.kind { words } else { &[] };
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            for value in values.iter().copied().chain(words.iter().map(String::as_str)) {
                let mut rule = format!("mask = \"{}\", {} = {value}", mask.name, param.name);
                for other in needed.iter().filter(|other| other.name != param.name) {
                    rule.push_str(&format!(
                        ", {} = {}",
                        other.name,
                        if other.kind == ParamKind::Texts {
                            "[\"a\"]"
                        } else if other.kind == ParamKind::Pairs {
                            "{}"
                        } else {
                            "\"email\""
                        }
                    ));
                }
                let text = format!("version = 1\n[tables.t.columns]\nc = {{ {rule} }}\n");
                let read = Policy::parse("p.toml", &text);
                assert_eq!(accepts(&schema, &text), read.is_ok(), "{rule}: {:?}", read.err());
            }
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_everything_is_described() {
    fn walk(root: &Value, value: &Value) {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            assert!(root.pointer(target.trim_start_matches('#')).is_some(), "{target}");
        }
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (name, property) in properties.iter().filter(|(_, property)| property.is_object()) {
                let own =
                    property.get("description").or_else(|| property.get("$ref")).or_else(|| property.get("const"));
                assert!(own.is_some(), "{name} is not described");
            }
        }
        match value {
            Value::Object(table) => table.values().for_each(|value| walk(root, value)),
            Value::Array(list) => list.iter().for_each(|value| walk(root, value)),
            _ => {}
        }
    }
    let schema = schema();
    walk(&schema, &schema);
    assert_eq!(schema.to_string(), super::schema().to_string(), "the same twice");
}
