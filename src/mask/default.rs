//! `default`: what a row holds that says nothing about the column.

use super::fixed::Fixed;
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "default",
    about: "Replaces every cell, NULL and the empty text included, with the column's own default; without one with NULL, or with a neutral value where NULL is not taken.",
    accepts: &[Family::Any],
    determinism: Determinism::Constant,
    strength: Strength::Removed,
    takes_empty: true,
    scan: |_| Scan::FreeText,
    build: |site, _| build(site),
    examples: &[Example::plain("correct horse")],
    ..Definition::BASE
};

enum Default {
    Null,
    Value(Fixed),
    /// Nothing: the empty text, the empty blob, or zero, as the cell is.
    Nothing,
}

fn build(site: &Site) -> Result<Box<dyn Mask>> {
    let labels = site.labels.as_deref();
    let allowed = |value: &String| labels.is_none_or(|labels| labels.contains(value));
    // As in `fixed`: every server reads 1 and 0 as truth, and only some read the words.
    let spelled = |value: String| match (site.family, value.to_ascii_lowercase().as_str()) {
        (Family::Boolean | Family::Integer, "true") => "1".to_owned(),
        (Family::Boolean | Family::Integer, "false") => "0".to_owned(),
        _ => value,
    };
    Ok(Box::new(if let Some(default) = site.default.clone().filter(allowed).map(spelled) {
        Default::Value(Fixed::new(&DEFINITION, site, default)?)
    } else if site.nullable {
        Default::Null
    } else if let Some(label) = labels.and_then(<[String]>::first) {
        Default::Value(Fixed::new(&DEFINITION, site, label.clone())?)
    } else if let Some(neutral) = neutral(site) {
        Default::Value(Fixed::new(&DEFINITION, site, neutral)?)
    } else {
        Default::Nothing
    }))
}

/// The value that stands for none in a column of the site's family.
fn neutral(site: &Site) -> Option<String> {
    let text = match site.family {
        Family::Integer | Family::Numeric | Family::Real => {
            let (least, most) = site.range;
            let zero = least.map_or(0, |least| least.max(0));
            return Some(most.map_or(zero, |most| zero.min(most)).to_string());
        }
        Family::Boolean => "0",
        Family::Date => "1970-01-01",
        Family::Time => "00:00:00",
        Family::Timestamp => "1970-01-01 00:00:00",
        Family::Json => "{}",
        Family::Uuid => "00000000-0000-0000-0000-000000000000",
        Family::Text | Family::Enum => "",
        Family::Blob | Family::Any => return None,
    };
    Some(text.to_owned())
}

impl Mask for Default {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        match self {
            Self::Null => Ok(CellKind::Null),
            Self::Value(fixed) => fixed.mask(cell, row, out),
            Self::Nothing => Ok(match cell.kind {
                CellKind::Integer => {
                    out.push(b'0');
                    CellKind::Integer
                }
                CellKind::Real => {
                    out.extend_from_slice(b"0.0");
                    CellKind::Real
                }
                CellKind::Blob => CellKind::Blob,
                CellKind::Text | CellKind::Null => CellKind::Text,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(site: &Site, cell: Cell<'_>) -> (CellKind, String) {
        let mut out = Vec::new();
        let kind = build(site).unwrap().mask(cell, &Row::NONE, &mut out).unwrap();
        (kind, String::from_utf8(out).unwrap())
    }

    fn strict(family: Family) -> Site {
        Site { family, nullable: false, ..Site::for_tests("") }
    }

    #[test]
    fn the_default_comes_first_then_null_then_what_the_type_has() {
        let open = Site { default: Some("open".into()), ..strict(Family::Text) };
        assert_eq!(masked(&open, Cell::text("paid")), (CellKind::Text, "open".into()));
        assert_eq!(masked(&open, Cell::NULL), (CellKind::Text, "open".into()));
        let nullable = Site { nullable: true, ..strict(Family::Text) };
        assert_eq!(masked(&nullable, Cell::text("paid")), (CellKind::Null, String::new()));
        let labels = Site { labels: Some(vec!["new".into(), "old".into()]), ..strict(Family::Enum) };
        assert_eq!(masked(&labels, Cell::text("old")).1, "new");
        let truth = Site { default: Some("TRUE".into()), ..strict(Family::Boolean) };
        assert_eq!(masked(&truth, Cell::text("f")).1, "1");
        let foreign = Site { default: Some("gone".into()), ..labels.clone() };
        assert_eq!(masked(&foreign, Cell::text("old")).1, "new");
    }

    #[test]
    fn every_family_has_a_neutral_value() {
        for (family, want) in [
            (Family::Integer, "0"),
            (Family::Real, "0"),
            (Family::Numeric, "0"),
            (Family::Text, ""),
            (Family::Blob, ""),
            (Family::Boolean, "0"),
            (Family::Date, "1970-01-01"),
            (Family::Time, "00:00:00"),
            (Family::Timestamp, "1970-01-01 00:00:00"),
            (Family::Json, "{}"),
            (Family::Uuid, "00000000-0000-0000-0000-000000000000"),
            (Family::Enum, ""),
            (Family::Any, ""),
        ] {
            assert_eq!(masked(&strict(family), Cell::text("x")), (CellKind::Text, want.into()), "{family}");
        }
        let range = Site { range: (Some(5), Some(9)), ..strict(Family::Integer) };
        let number = Cell { kind: CellKind::Integer, bytes: b"7" };
        assert_eq!(masked(&range, number), (CellKind::Integer, "5".into()));
        assert_eq!(masked(&strict(Family::Any), number), (CellKind::Integer, "0".into()));
        let blob = Cell { kind: CellKind::Blob, bytes: b"\x01" };
        assert_eq!(masked(&strict(Family::Blob), blob), (CellKind::Blob, String::new()));
    }

    #[test]
    fn a_default_that_does_not_fit_is_refused() {
        let site = Site { default: Some("long".into()), max_chars: Some(2), ..strict(Family::Text) };
        assert!(build(&site).is_err());
        let words = Site { default: Some("many".into()), ..strict(Family::Integer) };
        assert!(build(&words).is_err());
    }
}
