//! JSON with a shape, spelled as PostgreSQL's `jsonb` and MySQL spell it: short keys first, then by their letters.

use super::guard::Guard;
use super::vocabulary::{GOODS, WORD_LIST};
use super::{Field, Row, Spec};
use crate::generate::draw::Draw;
use crate::generate::value::Value;

/// Makes a document.
pub type Shape = fn(&Row<'_>, &mut Draw) -> Json;

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `true`, `false`.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// Many.
    List(Vec<Json>),
    /// Named ones.
    Object(Vec<(&'static str, Json)>),
}

use Json::{Flag, List, Number, Object, Text};

impl Json {
    pub(super) fn push(&self, out: &mut String) {
        match self {
            Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Number(number) => out.push_str(&number.to_string()),
            Text(text) => push_text(text, out),
            List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    item.push(out);
                }
                out.push(']');
            }
            Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(key, _)| (key.len(), *key));
                out.push('{');
                for (at, (key, member)) in members.into_iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    push_text(key, out);
                    out.push_str(": ");
                    member.push(out);
                }
                out.push('}');
            }
        }
    }
}

/// Everything that is written here is plain, but a quote costs nothing to think of.
fn push_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

fn pick(words: &[&str], draw: &mut Draw) -> Json {
    Text((*draw.pick(words)).to_owned())
}

fn number(low: i32, high: i32, draw: &mut Draw) -> Json {
    Number(i64::try_from(draw.between(low.into(), high.into())).unwrap_or(0))
}

fn some(draw: &mut Draw, most: u64, mut item: impl FnMut(&mut Draw) -> Json) -> Json {
    List((0..=draw.below(most)).map(|_| item(draw)).collect())
}

pub(super) fn address(row: &Row<'_>, _: &mut Draw) -> Json {
    let subject = row.subject;
    Object(vec![
        ("street", Text(subject.street())),
        ("city", Text(subject.city().to_owned())),
        ("region", Text(subject.region().to_owned())),
        ("postal_code", Text(subject.postal_code())),
        ("country", Text(subject.country().code.to_owned())),
    ])
}

pub(super) fn person(row: &Row<'_>, _: &mut Draw) -> Json {
    let subject = row.subject;
    Object(vec![
        ("name", Text(subject.full_name())),
        ("email", Text(subject.email())),
        ("phone", Text(subject.phone())),
    ])
}

pub(super) fn settings(row: &Row<'_>, draw: &mut Draw) -> Json {
    Object(vec![
        ("theme", pick(&["light", "dark", "system"], draw)),
        ("language", Text(row.subject.country().language.to_owned())),
        ("page_size", pick_number(&[10, 25, 50, 100], draw)),
        ("notifications", Object(vec![("email", Flag(draw.chance(0.8))), ("sms", Flag(draw.chance(0.3)))])),
    ])
}

fn pick_number(numbers: &[i64], draw: &mut Draw) -> Json {
    Number(*draw.pick(numbers))
}

pub(super) fn tags(_: &Row<'_>, draw: &mut Draw) -> Json {
    some(draw, 3, |draw| pick(WORD_LIST, draw))
}

pub(super) fn items(_: &Row<'_>, draw: &mut Draw) -> Json {
    some(draw, 3, |draw| {
        Object(vec![
            ("name", pick(GOODS, draw)),
            ("quantity", number(1, 12, draw)),
            ("unit_price", number(2, 250, draw)),
        ])
    })
}

pub(super) fn permissions(_: &Row<'_>, draw: &mut Draw) -> Json {
    let mut level = || pick(&["read", "write", "none"], draw);
    Object(vec![("orders", level()), ("invoices", level()), ("products", level()), ("users", level())])
}

pub(super) fn dimensions(_: &Row<'_>, draw: &mut Draw) -> Json {
    let mut side = || number(5, 120, draw);
    Object(vec![("length", side()), ("width", side()), ("height", side()), ("unit", Text("cm".to_owned()))])
}

pub(super) fn changes(_: &Row<'_>, draw: &mut Draw) -> Json {
    Object(vec![
        ("field", pick(&["status", "price", "quantity", "note"], draw)),
        ("from", pick(WORD_LIST, draw)),
        ("to", pick(WORD_LIST, draw)),
    ])
}

pub(super) fn metadata(_: &Row<'_>, draw: &mut Draw) -> Json {
    Object(vec![
        ("source", pick(&["web", "import", "api", "phone"], draw)),
        ("label", pick(WORD_LIST, draw)),
        ("revision", number(1, 9, draw)),
        ("checked", Flag(draw.chance(0.5))),
    ])
}

struct Documents {
    shape: Shape,
    guard: Guard,
    /// What kind of document a condition asks for.
    kind: Option<String>,
}

/// The field of a column of JSON.
pub(super) fn of(spec: &Spec<'_>, shape: Shape) -> Box<dyn Field> {
    Box::new(Documents { shape, guard: Guard::of(spec), kind: spec.restriction.json.clone() })
}

impl Documents {
    fn document(&self, row: &Row<'_>, draw: &mut Draw) -> Json {
        let document = (self.shape)(row, draw);
        match (self.kind.as_deref(), document) {
            (Some("array"), document @ Object(_)) => List(vec![document]),
            (Some("object"), document @ List(_)) => Object(vec![("items", document)]),
            (Some("string"), _) => pick(WORD_LIST, draw),
            (Some("number"), _) => number(1, 1000, draw),
            (Some("boolean"), _) => Flag(draw.chance(0.5)),
            (_, document) => document,
        }
    }
}

fn spelled(document: &Json) -> Value {
    let mut out = String::with_capacity(96);
    document.push(&mut out);
    Value::Text(out)
}

impl Field for Documents {
    fn make(&self, row: &Row<'_>, draw: &mut Draw) -> Value {
        let mut made = spelled(&self.document(row, draw));
        for _ in 0..32 {
            if self.guard.holds(&made) {
                break;
            }
            made = spelled(&self.document(row, draw));
        }
        made
    }

    fn capacity(&self) -> u64 {
        match self.kind.as_deref() {
            Some("boolean") => 2,
            _ if self.guard.is_open() || self.kind.is_some() => 1 << 40,
            _ => 0,
        }
    }

    fn nth(&self, n: u64, row: &Row<'_>) -> Value {
        let number = i64::try_from(n).unwrap_or(i64::MAX);
        spelled(&match (self.kind.as_deref(), (self.shape)(row, &mut Draw::of(n))) {
            (Some("boolean"), _) => Flag(n % 2 == 1),
            (Some("number"), _) => Number(number),
            (Some("string"), _) => Text(format!("{} {n}", WORD_LIST[0])),
            (Some("object"), List(items)) => Object(vec![("items", List(items)), ("number", Number(number))]),
            (Some("array"), document @ Object(_)) => List(vec![document, Number(number)]),
            (_, List(mut items)) => {
                items.push(Number(number));
                List(items)
            }
            (_, Object(mut members)) => {
                members.push(("number", Number(number)));
                Object(members)
            }
            (_, document) => document,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_spelled_as_servers_spell_them() {
        let document =
            Object(vec![("bb", Number(1)), ("c", List(vec![Flag(true), Text("a\"b".into())])), ("a", Object(vec![]))]);
        let mut out = String::new();
        document.push(&mut out);
        assert_eq!(out, r#"{"a": {}, "c": [true, "a\"b"], "bb": 1}"#);
    }
}
