//! The JSON Schema (2020-12) of profiles, for editors: made of the shapes that the reader uses.

use super::shape::{FILE, Key, Shape};
use serde_json::{Map, Value, json};

/// The schema.
#[must_use]
pub fn schema() -> Value {
    let mut schema = of(&FILE);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("terp-fixtures profile");
    schema["description"] = json!("What made-up rows are like.");
    schema["properties"]["version"] = json!({ "const": 1 });
    schema
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Whole => json!({ "type": "integer", "minimum": 0 }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Shape::Weight => json!({ "type": "number", "minimum": 0 }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::List(item) => json!({ "type": "array", "items": of(item) }),
        Shape::Map(value) => json!({ "type": "object", "additionalProperties": of(value) }),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(|shape| of(shape)).collect::<Vec<_>>() }),
        Shape::Keys(keys) => {
            let property = |key: &Key| {
                let mut value = of(key.shape);
                value["description"] = json!(key.about);
                (key.name.to_owned(), value)
            };
            let needed: Vec<&str> = keys.iter().filter(|key| key.needed).map(|key| key.name).collect();
            let properties: Map<String, Value> = keys.iter().map(property).collect();
            json!({ "type": "object", "properties": properties, "required": needed, "additionalProperties": false })
        }
    }
}
