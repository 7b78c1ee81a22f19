//! `enum_pick`: another label of a list.

use super::drawn::drawn;
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "enum_pick",
    about: "Replaces a label by another one of a list, or of those that the column takes (ENUM, CHECK); equal labels stay equal unless a subject decides.",
    params: &[
        Param {
            name: "values",
            about: "The labels.",
            kind: ParamKind::Texts,
            default: "those that the column takes, or those of `weights`",
        },
        Param {
            name: "weights",
            about: "How often each is chosen, such as { open = 1, closed = 9 }; a label without a weight is not chosen.",
            kind: ParamKind::Weights,
            default: "all alike",
        },
    ],
    accepts: &[Family::Text, Family::Enum, Family::Integer, Family::Boolean],
    takes_subject: true,
    domain: "choice.label",
    scan: |_| Scan::Never,
    build,
    examples: &[
        Example { params: || vec![("values", Value::texts(&["card", "cash", "transfer"]))], cell: "cheque" },
        Example {
            params: || vec![("weights", Value::table([("closed", Value::Integer(9)), ("open", Value::Integer(1))]))],
            cell: "open",
        },
    ],
    could_write: Some(|params, text| {
        let (mut values, mut weights) = (params.texts("values").peekable(), params.table("weights").peekable());
        let free = values.peek().is_none() && weights.peek().is_none();
        free || values.any(|label| label == text) || weights.any(|(label, _)| label == text)
    }),
    sample: |number| format!("label {number}"),
    ..Definition::BASE
};

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let weights: Vec<(&str, u64)> = params
        .table("weights")
        .filter_map(|(label, weight)| {
            if let Value::Integer(weight) = weight { Some((label, u64::try_from(*weight).ok()?)) } else { None }
        })
        .collect();
    let mut labels: Vec<String> = params.texts("values").map(str::to_owned).collect();
    if labels.is_empty() {
        labels = site.labels.clone().unwrap_or_else(|| weights.iter().map(|(label, _)| (*label).to_owned()).collect());
    }
    if labels.is_empty() {
        return Err(Error::policy("mask enum_pick has no labels to choose from").hint(
            "Write { mask = \"enum_pick\", values = [\"a\", \"b\"] }; a column with an ENUM or CHECK needs no list.",
        ));
    }
    let taken = |label: &str| {
        let listed = site.labels.as_ref().is_none_or(|known| known.iter().any(|known| known == label));
        listed && label.chars().count() <= site.room() && site.charset.holds(label)
    };
    if let Some(foreign) = labels.iter().find(|label| !taken(label)) {
        return Err(Error::policy(format!(
            "the column does not take the label '{}' of mask enum_pick",
            foreign.escape_debug()
        ))
        .hint("Leave `values` out to choose from what the column takes."));
    }
    if let Some((foreign, _)) = weights.iter().find(|(label, _)| !labels.iter().any(|known| known == label)) {
        return Err(Error::policy(format!(
            "mask enum_pick has a weight for '{}', which is no label",
            foreign.escape_debug()
        )));
    }
    let weight = |label: &String| weights.iter().find(|(known, _)| known == label).map_or(0, |(_, weight)| *weight);
    let labels: Vec<(String, u64)> = if weights.is_empty() {
        labels.into_iter().map(|label| (label, 1)).collect()
    } else {
        labels
            .into_iter()
            .map(|label| {
                let weight = weight(&label);
                (label, weight)
            })
            .collect()
    };
    if labels.iter().all(|(_, weight)| *weight == 0) {
        return Err(Error::policy("every weight of mask enum_pick is zero"));
    }
    let inner = drawn(&DEFINITION, site, Role::Choice, site.loose_form(), move |draw, original, out| {
        out.extend_from_slice(pick(&labels, draw, original).as_bytes());
    })?;
    Ok(Box::new(EnumPick(inner)))
}

/// Chooses by weight among the labels that are not the original.
fn pick<'a>(labels: &'a [(String, u64)], draw: &Draw, original: &[u8]) -> &'a str {
    let others = || labels.iter().filter(|(label, _)| !canonical::alike(label.as_bytes(), original));
    // Where every other label has no weight, all of them are alike.
    let total: u128 = others().map(|(_, weight)| u128::from(*weight)).sum();
    let weight = |weight: u64| if total == 0 { 1 } else { u128::from(weight) };
    let all: u128 = others().map(|(_, own)| weight(*own)).sum();
    let mut rest = (u128::from(draw.word(0)) * all) >> 64;
    for (label, own) in others() {
        if rest < weight(*own) {
            return label;
        }
        rest -= weight(*own);
    }
    labels.first().map_or("", |(label, _)| label)
}

struct EnumPick(Box<dyn Mask>);

impl Mask for EnumPick {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let start = out.len();
        self.0.mask(cell, row, out)?;
        let whole = std::str::from_utf8(&out[start..]).is_ok_and(|label| label.parse::<i64>().is_ok());
        Ok(if cell.kind == CellKind::Integer && whole { CellKind::Integer } else { CellKind::Text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn params(given: &[(&str, Value)]) -> Params {
        Params::new(&DEFINITION, given.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))).unwrap()
    }

    fn weights(given: &[(&str, i64)]) -> (&'static str, Value) {
        (
            "weights",
            Value::Table(given.iter().map(|(label, weight)| ((*label).to_owned(), Value::Integer(*weight))).collect()),
        )
    }

    fn masked(mask: &dyn Mask, cell: &str, subject: Option<&str>) -> String {
        let mut out = Vec::new();
        mask.mask(Cell::text(cell), &Row::of(subject.map(Cell::text)), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn weights_are_followed() {
        let mask =
            build(&Site::for_tests("pick"), &params(&[weights(&[("a", 70), ("b", 25), ("c", 5), ("d", 0)])])).unwrap();
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for subject in 0..20_000 {
            *counts.entry(masked(&*mask, "z", Some(&subject.to_string()))).or_default() += 1;
        }
        // Four standard deviations around 14,000, 5,000 and 1,000.
        for (label, want, off) in [("a", 14_000, 260), ("b", 5_000, 245), ("c", 1_000, 124)] {
            assert!(counts[label].abs_diff(want) < off, "{counts:?}");
        }
        assert!(!counts.contains_key("d"));
    }

    #[test]
    fn the_original_is_never_chosen_while_there_is_another() {
        let site =
            Site { labels: Some(["new", "open", "done"].map(str::to_owned).to_vec()), ..Site::for_tests("pick") };
        let mask = build(&site, &Params::default()).unwrap();
        for subject in 0..500 {
            let other = masked(&*mask, "open", Some(&subject.to_string()));
            assert!(["new", "done"].contains(&other.as_str()));
        }
        assert_eq!(masked(&*mask, "open", None), masked(&*mask, "open", None));
        // The only other label has no weight, and is chosen all the same.
        let lone = build(&Site::for_tests("pick"), &params(&[weights(&[("a", 1), ("b", 0)])])).unwrap();
        assert_eq!(masked(&*lone, "a", None), "b");
    }

    #[test]
    fn labels_that_the_column_does_not_take_are_refused() {
        let site = Site { labels: Some(["new", "open"].map(str::to_owned).to_vec()), ..Site::for_tests("pick") };
        let values = |labels: &[&'static str]| params(&[("values", Value::texts(labels))]);
        assert!(build(&site, &values(&["new", "gone"])).err().unwrap().what().contains("'gone'"));
        assert!(build(&Site::for_tests("pick"), &Params::default()).is_err());
        assert!(
            build(&Site::for_tests("pick"), &params(&[("values", Value::texts(&["a"])), weights(&[("b", 1)])]))
                .is_err()
        );
        assert!(build(&Site::for_tests("pick"), &params(&[weights(&[("b", 0)])])).is_err());
        assert!(build(&Site { max_chars: Some(2), ..Site::for_tests("pick") }, &values(&["long"])).is_err());
    }

    #[test]
    fn numbers_stay_numbers() {
        let mask = build(&Site::for_tests("pick"), &params(&[("values", Value::texts(&["1", "2", "n/a"]))])).unwrap();
        let mut out = Vec::new();
        let kind = mask.mask(Cell { kind: CellKind::Integer, bytes: b"1" }, &Row::NONE, &mut out).unwrap();
        assert_eq!(kind == CellKind::Integer, out == b"2");
    }
}
