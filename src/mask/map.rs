//! `map`: replacements that the policy spells out.

use super::prelude::*;
use super::{fixed::Fixed, hash};
use std::collections::HashMap;

pub(super) static DEFINITION: Definition = Definition {
    name: "map",
    about: "Replaces a value by the one that the policy's table has for it. The table stands in the policy: it is for codes, not for people.",
    params: &[
        Param {
            name: "table",
            about: "Replacement by original, compared as the column compares.",
            kind: ParamKind::Pairs,
            default: "required",
        },
        Param {
            name: "on_miss",
            about: "What becomes of a value that the table lacks: `error` stops the capture, `null`, `hash` (as mask `hash`), or `value`.",
            kind: ParamKind::Choice(&["error", "null", "hash", "value"]),
            default: "error",
        },
        Param { name: "value", about: "What `on_miss = \"value\"` writes.", kind: ParamKind::Text, default: "none" },
    ],
    accepts: &[Family::Text, Family::Enum, Family::Integer, Family::Numeric, Family::Boolean],
    strength: Strength::Partial,
    domain: "text.map",
    scan: |_| Scan::Never,
    build,
    examples: &[
        Example {
            params: || vec![("on_miss", Value::text("hash")), ("table", Value::table([("NORTH", Value::text("R1"))]))],
            cell: "NORTH",
        },
        Example {
            params: || {
                let table = Value::table([("NORTH", Value::text("R1"))]);
                vec![("table", table), ("on_miss", Value::text("value")), ("value", Value::text("R0"))]
            },
            cell: "SOUTH",
        },
    ],
    could_write: Some(|params, text| {
        let listed = params.table("table").any(|(_, value)| value.as_text() == Some(text));
        listed
            || match params.text("on_miss") {
                Some("hash") => text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
                Some("value") => params.text("value") == Some(text),
                _ => false,
            }
    }),
    sample: |number| format!("CODE-{number}"),
    ..Definition::BASE
};

struct Map {
    form: Form,
    /// Replacements by the canonical form of the original.
    table: HashMap<Vec<u8>, String>,
    otherwise: Otherwise,
}

enum Otherwise {
    Refuse,
    Null,
    Mask(Box<dyn Mask>),
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let form = site.exact_form();
    let mut table = HashMap::new();
    for (original, value) in params.table("table") {
        let replacement = value.as_text().unwrap_or_default();
        let mut key = Vec::new();
        canonical::append(form, original.as_bytes(), &mut key);
        let shown = original.escape_debug();
        if canonical::alike(original.as_bytes(), replacement.as_bytes()) {
            return Err(Error::policy(format!("mask map has '{shown}' for itself"))
                .hint("Use `keep` with a reason for columns that may stay."));
        }
        if replacement.chars().count() > site.room() || !site.charset.holds(replacement) {
            return Err(Error::policy(format!("the column cannot hold what mask map has for '{shown}'")));
        }
        if table.insert(key, replacement.to_owned()).is_some_and(|other| other != replacement) {
            return Err(Error::policy(format!(
                "mask map has two replacements for '{shown}', which the column takes for the same"
            )));
        }
    }
    if table.is_empty() {
        return Err(Error::policy("mask map needs a table")
            .hint("Write { mask = \"map\", table = { NORTH = \"R1\", SOUTH = \"R2\" } }."));
    }
    let otherwise = match (params.text("on_miss"), params.text("value")) {
        (Some("value"), Some(value)) => Otherwise::Mask(Box::new(Fixed::new(&DEFINITION, site, value.to_owned())?)),
        (Some("value"), None) | (_, Some(_)) => {
            return Err(Error::policy("mask map has a value without on_miss = \"value\", or the other way round"));
        }
        (Some("null"), None) if !site.nullable => {
            return Err(Error::policy("mask map cannot write NULL: the column does not take it")
                .hint("Use on_miss = \"value\"."));
        }
        (Some("null"), None) => Otherwise::Null,
        (Some("hash"), None) => Otherwise::Mask((hash::DEFINITION.build)(site, &Params::default())?),
        (_, None) => Otherwise::Refuse,
    };
    Ok(Box::new(Map { form, table, otherwise }))
}

impl Mask for Map {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text_or_integer(cell)?;
        let start = out.len();
        canonical::append(self.form, value, out);
        let found = self.table.get(&out[start..]);
        out.truncate(start);
        match (found, &self.otherwise) {
            (Some(replacement), _) => {
                out.extend_from_slice(replacement.as_bytes());
                let whole = cell.kind == CellKind::Integer && replacement.parse::<i64>().is_ok();
                Ok(if whole { CellKind::Integer } else { CellKind::Text })
            }
            (None, Otherwise::Mask(mask)) => mask.mask(cell, row, out),
            (None, Otherwise::Null) => Ok(CellKind::Null),
            (None, Otherwise::Refuse) => Err(Misfit("the table has nothing for this value; add it, or set on_miss")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Fold;

    fn params(table: &[(&str, &'static str)], rest: &[(&str, &'static str)]) -> Params {
        let table = Value::Table(table.iter().map(|(key, value)| ((*key).to_owned(), Value::text(value))).collect());
        let rest = rest.iter().map(|(name, text)| ((*name).to_owned(), Value::text(text)));
        Params::new(&DEFINITION, rest.chain([("table".to_owned(), table)])).unwrap()
    }

    fn masked(
        site: &Site,
        params: &Params,
        kind: CellKind,
        cell: &str,
    ) -> std::result::Result<(CellKind, String), Misfit> {
        let mut out = Vec::new();
        let kind = build(site, params).unwrap().mask(Cell { kind, bytes: cell.as_bytes() }, &Row::NONE, &mut out)?;
        Ok((kind, String::from_utf8(out).unwrap()))
    }

    #[test]
    fn what_the_table_lacks_is_refused_unless_said_otherwise() {
        let site = Site::for_tests("map");
        let table = [("NORTH", "R1"), ("7", "9")];
        let text = |rest: &[(&str, &'static str)], cell| masked(&site, &params(&table, rest), CellKind::Text, cell);
        assert_eq!(text(&[], "NORTH"), Ok((CellKind::Text, "R1".into())));
        assert!(text(&[], "SOUTH").is_err() && text(&[], "north").is_err());
        assert_eq!(text(&[("on_miss", "null")], "SOUTH"), Ok((CellKind::Null, String::new())));
        assert_eq!(text(&[("on_miss", "value"), ("value", "R0")], "SOUTH").unwrap().1, "R0");
        assert_eq!(text(&[("on_miss", "hash")], "SOUTH").unwrap().1.len(), 32);
        assert_eq!(masked(&site, &params(&table, &[]), CellKind::Integer, "7"), Ok((CellKind::Integer, "9".into())));
        let folded = Site { fold: Fold::Case, ..site.clone() };
        assert_eq!(masked(&folded, &params(&table, &[]), CellKind::Text, "north").unwrap().1, "R1");
    }

    #[test]
    fn impossible_tables_are_refused() {
        let site = Site { nullable: false, max_chars: Some(3), fold: Fold::Case, ..Site::for_tests("map") };
        for (table, rest) in [
            (&[][..], &[][..]),
            (&[("a", "A")], &[]),
            (&[("a", "long")], &[]),
            (&[("a", "x"), ("A", "y")], &[]),
            (&[("a", "x")], &[("on_miss", "null")]),
            (&[("a", "x")], &[("on_miss", "value")]),
            (&[("a", "x")], &[("value", "y")]),
        ] {
            assert!(build(&site, &params(table, rest)).is_err(), "{table:?} {rest:?}");
        }
    }
}
