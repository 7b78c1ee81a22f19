//! What conditions ask of JSON: whether it is some, of what kind, and what lies at a key.

use super::datum::{Datum, Rule};
use crate::model::schema::EngineKind;
use serde_json::Value as Json;

/// What a function or operator makes of JSON. None where that is not certain.
pub(super) fn work(name: &str, values: &[Datum], engine: EngineKind) -> Option<Datum> {
    let text = |text: String| Some(Datum::Text(text, Rule::Literal));
    let json = read(values.first()?, engine);
    match (name, &values[1..]) {
        ("json valid", []) => match (json, &values[0]) {
            (Some(_), _) => Some(Datum::Bool(true)),
            // What no reader takes for JSON, whatever else it allows.
            (None, Datum::Text(text, _)) => {
                let start = text.trim_start().chars().next();
                let is_none = start.is_none_or(|c| c.is_alphabetic() && !"tfnNIi".contains(c));
                is_none.then_some(Datum::Bool(false))
            }
            _ => None,
        },
        ("json type", []) => text(kind(&json?, engine)?.to_owned()),
        ("json length", []) => match json? {
            Json::Array(list) => i128::try_from(list.len()).ok().map(Datum::Int),
            Json::Object(map) if engine != EngineKind::Postgres && engine != EngineKind::Sqlite => {
                i128::try_from(map.len()).ok().map(Datum::Int)
            }
            _ => None,
        },
        ("?", [Datum::Text(key, _)]) => match json? {
            Json::Object(map) => Some(Datum::Bool(map.contains_key(key))),
            Json::Array(list) => Some(Datum::Bool(list.iter().any(|item| item.as_str() == Some(key)))),
            _ => None,
        },
        ("->" | "->>", [key]) if engine == EngineKind::Postgres => {
            let found = match (json?, key) {
                (Json::Object(mut map), Datum::Text(key, _)) => map.remove(key),
                (Json::Array(list), Datum::Int(at @ 0..)) => list.into_iter().nth(usize::try_from(*at).ok()?),
                _ => None,
            };
            match found {
                None => Some(Datum::Null),
                Some(found) if name == "->" => Some(Datum::Json(found)),
                Some(found) => shown(found),
            }
        }
        ("->>" | "json extract", [Datum::Text(path, _)]) => {
            let key = path
                .strip_prefix("$.")
                .filter(|key| key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))?;
            let Json::Object(mut map) = json? else {
                return None;
            };
            match (map.remove(key), engine) {
                (None, _) => Some(Datum::Null),
                (Some(found), EngineKind::Sqlite) => match found {
                    Json::String(own) => text(own),
                    Json::Null => Some(Datum::Null),
                    Json::Number(number) => number.as_i64().map(|whole| Datum::Int(whole.into())),
                    _ => None,
                },
                (Some(Json::String(own)), _) if name == "->>" => text(own),
                _ => None,
            }
        }
        ("json unquote", [Datum::Text(own, rule)]) if !own.starts_with('"') => Some(Datum::Text(own.clone(), *rule)),
        _ => None,
    }
}

fn read(datum: &Datum, engine: EngineKind) -> Option<Json> {
    match datum {
        Datum::Json(json) => Some(json.clone()),
        Datum::Text(text, _) if engine != EngineKind::Postgres => serde_json::from_str(text).ok(),
        _ => None,
    }
}

fn shown(json: Json) -> Option<Datum> {
    let text = match json {
        Json::Null => return Some(Datum::Null),
        Json::String(text) => text,
        Json::Bool(flag) => flag.to_string(),
        Json::Number(number) => number.as_i64()?.to_string(),
        Json::Array(_) | Json::Object(_) => return None,
    };
    Some(Datum::Text(text, Rule::Literal))
}

/// The word of an engine for a kind of JSON.
fn kind(json: &Json, engine: EngineKind) -> Option<&'static str> {
    let at = match json {
        Json::Object(_) => 0,
        Json::Array(_) => 1,
        Json::String(_) => 2,
        Json::Number(number) if number.is_f64() => 4,
        Json::Number(_) => 3,
        Json::Bool(true) => 5,
        Json::Bool(false) => 6,
        Json::Null => 7,
    };
    KINDS.iter().find(|(engines, _)| engines.contains(&engine)).map(|(_, words)| words[at])
}

/// Object, array, string, whole number, other number, true, false, null.
const KINDS: &[(&[EngineKind], [&str; 8])] = &[
    (&[EngineKind::Postgres], ["object", "array", "string", "number", "number", "boolean", "boolean", "null"]),
    (&[EngineKind::Sqlite], ["object", "array", "text", "integer", "real", "true", "false", "null"]),
    (
        &[EngineKind::Mysql, EngineKind::Mariadb],
        ["OBJECT", "ARRAY", "STRING", "INTEGER", "DOUBLE", "BOOLEAN", "BOOLEAN", "NULL"],
    ),
];
