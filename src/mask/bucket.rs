//! `bucket`: the lower edge of the range that a number lies in.

use super::decimal::{Decimal, Numbers};
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "bucket",
    about: "Replaces a number by the lower edge of its bucket; what lies below the first edge becomes it, what lies above the last one becomes that; a number that is an edge stays.",
    params: &[
        Param {
            name: "edges",
            about: "Where buckets begin. The last one has no end.",
            kind: ParamKind::Integers,
            default: "required, unless `width` is given",
        },
        Param {
            name: "width",
            about: "Buckets of this width, from 0 in both directions.",
            kind: ParamKind::Integer(1, 1_000_000_000_000),
            default: "required, unless `edges` is given",
        },
        Param {
            name: "bottom",
            about: "With `width`: what lies below becomes this.",
            kind: ParamKind::Integer(i64::MIN, i64::MAX),
            default: "none",
        },
        Param {
            name: "top",
            about: "With `width`: what lies above becomes this.",
            kind: ParamKind::Integer(i64::MIN, i64::MAX),
            default: "none",
        },
    ],
    accepts: &[Family::Integer, Family::Numeric, Family::Real, Family::Text],
    strength: Strength::Partial,
    scan: |_| Scan::Never,
    build,
    examples: &[
        Example { params: || vec![("width", Value::Integer(10))], cell: "47" },
        Example {
            params: || vec![("edges", Value::List([0, 1000, 5000, 20_000].map(Value::Integer).to_vec()))],
            cell: "7250.50",
        },
    ],
    // No edges, which would stay.
    sample: |number| format!("{}", number / 9 % 1_000_000_000 * 10 + number % 9 + 1),
    ..Definition::BASE
};

enum Edges {
    List(Vec<i128>),
    Width { width: i128, bottom: Option<i128>, top: Option<i128> },
}

struct Bucket {
    edges: Edges,
    numbers: Numbers,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let list: Option<Vec<i128>> = match params.get("edges") {
        Some(Value::List(values)) => Some(
            values
                .iter()
                .filter_map(|value| if let Value::Integer(edge) = value { Some((*edge).into()) } else { None })
                .collect(),
        ),
        _ => None,
    };
    let [width, bottom, top] = ["width", "bottom", "top"].map(|name| params.integer(name).map(i128::from));
    let edges = match (list, width) {
        (Some(list), None) if bottom.is_none() && top.is_none() => Edges::List(list),
        (None, Some(width)) if bottom.zip(top).is_none_or(|(bottom, top)| bottom < top) => {
            Edges::Width { width, bottom, top }
        }
        _ => {
            return Err(Error::policy("mask bucket needs either edges or a width, and bottom below top").hint(
                "Write { mask = \"bucket\", width = 10, bottom = 0, top = 90 }, or { mask = \"bucket\", edges = [0, 18, 65] }.",
            ));
        }
    };
    let (least, most) = site.range;
    let written = match &edges {
        Edges::List(list) => list.clone(),
        Edges::Width { bottom, top, .. } => bottom.iter().chain(top).copied().collect(),
    };
    let outside = |edge: &&i128| least.is_some_and(|least| **edge < least) || most.is_some_and(|most| **edge > most);
    if let Some(edge) = written.iter().find(outside) {
        return Err(Error::policy(format!("mask bucket would write {edge}, which the column does not take"))
            .hint("Choose edges within the range of the column's type and its CHECK."));
    }
    Ok(Box::new(Bucket { edges, numbers: Numbers::of(site) }))
}

impl Mask for Bucket {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let number = Decimal::read(cell)?;
        let units = match &self.edges {
            Edges::List(list) => {
                let reached = list.partition_point(|edge| number.units_of(*edge) <= number.units);
                number.units_of(list.get(reached.saturating_sub(1)).copied().unwrap_or(0))
            }
            Edges::Width { width, bottom, top } => {
                let width = number.units_of(*width);
                let (least, most) = self.numbers.bounds(number, cell.kind);
                let edge = number.units.div_euclid(width).saturating_mul(width).clamp(least, most.max(least));
                let edge = top
                    .map_or(edge, |top| if number.units >= number.units_of(top) { number.units_of(top) } else { edge });
                bottom.map_or(edge, |bottom| edge.max(number.units_of(bottom)))
            }
        };
        self.numbers.write(Decimal { units, ..number }, cell.kind, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn params(given: &[(&str, Value)]) -> Params {
        Params::new(&DEFINITION, given.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))).unwrap()
    }

    fn masked(params: &Params, kind: CellKind, cell: &str) -> String {
        let mut out = Vec::new();
        let mask = build(&Site::for_tests(""), params).unwrap();
        assert_eq!(mask.mask(Cell { kind, bytes: cell.as_bytes() }, &Row::NONE, &mut out), Ok(kind));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn edges_code_bottom_and_top() {
        let edges = params(&[("edges", Value::List([0, 18, 65].map(Value::Integer).to_vec()))]);
        for (age, want) in
            [("-3", "0"), ("0", "0"), ("17", "0"), ("18", "18"), ("64", "18"), ("65", "65"), ("104", "65")]
        {
            assert_eq!(masked(&edges, CellKind::Text, age), want);
            assert_eq!(masked(&edges, CellKind::Integer, age), want);
        }
        assert_eq!(masked(&edges, CellKind::Text, "17.99"), "0.00");
        assert_eq!(masked(&edges, CellKind::Real, "64.5"), "18.0");
        let width =
            params(&[("width", Value::Integer(10)), ("bottom", Value::Integer(0)), ("top", Value::Integer(95))]);
        for (age, want) in [("-3", "0"), ("47", "40"), ("94", "90"), ("95", "95"), ("120", "95")] {
            assert_eq!(masked(&width, CellKind::Text, age), want);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let site = Site { range: (Some(0), Some(99)), ..Site::for_tests("") };
        let edges =
            |edges: &[i64]| params(&[("edges", Value::List(edges.iter().copied().map(Value::Integer).collect()))]);
        assert!(build(&site, &edges(&[0, 50])).is_ok() && build(&site, &edges(&[0, 100])).is_err());
        assert!(build(&site, &Params::default()).is_err());
        let both = params(&[("width", Value::Integer(5)), ("edges", Value::List(vec![Value::Integer(1)]))]);
        assert!(build(&site, &both).is_err());
        let turned = params(&[("width", Value::Integer(5)), ("bottom", Value::Integer(9)), ("top", Value::Integer(1))]);
        assert!(build(&site, &turned).is_err());
        let mask = build(&site, &params(&[("width", Value::Integer(5))])).unwrap();
        for wrong in ["n/a", "1,000", ""] {
            assert!(mask.mask(Cell::text(wrong), &Row::NONE, &mut Vec::new()).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn a_number_lies_in_its_bucket(units in -1_000_000_i64..1_000_000, width in 1_i64..5000) {
            let cell = format!("{}{}.{:02}", if units < 0 { "-" } else { "" }, units.abs() / 100, units.abs() % 100);
            let edge = masked(&params(&[("width", Value::Integer(width))]), CellKind::Text, &cell);
            let edge: f64 = edge.parse().unwrap();
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let (number, width) = (units as f64 / 100.0, width as f64);
            prop_assert!(edge <= number && number < edge + width && edge.rem_euclid(width) == 0.0, "{cell} in {edge}");
        }
    }
}
