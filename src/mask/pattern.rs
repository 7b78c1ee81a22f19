//! `pattern`: as `alnum`, with a beginning or an end of the original kept for people who must recognise it.

use super::numerals;
use super::permute::Permuter;
use super::prelude::*;

const MOST: i64 = 64;

pub(super) static DEFINITION: Definition = Definition {
    name: "pattern",
    about: "Replaces letters and digits as `alnum` does, between a beginning and an end of the original that can be kept: in dev with a reason only.",
    params: &[
        Param {
            name: "keep_prefix",
            about: "Characters at the beginning that stay.",
            kind: ParamKind::Integer(0, MOST),
            default: "0",
        },
        Param {
            name: "keep_suffix",
            about: "Characters at the end that stay.",
            kind: ParamKind::Integer(0, MOST),
            default: "0",
        },
        Param {
            name: "reason",
            about: "Why a part of the original is needed; shown in review.",
            kind: ParamKind::Text,
            default: "none; required in dev to keep anything",
        },
    ],
    unique: Uniqueness::Exact,
    strength: Strength::Partial,
    domain: "text.code",
    build,
    examples: &[
        Example::plain("Lot 7B/2291"),
        Example {
            params: || vec![("keep_prefix", Value::Integer(4)), ("reason", Value::text("the prefix is the branch"))],
            cell: "OAK-2024-00817",
        },
    ],
    teaches: |_| Teaches::Whole,
    reveals: keeps,
    sample: |number| {
        format!("Lot {}{:012}", char::from(b'A' + (number % 26).to_le_bytes()[0]), number % 1_000_000_000_000)
    },
    ..Definition::BASE
};

fn keeps(params: &Params) -> bool {
    ["keep_prefix", "keep_suffix"].iter().any(|name| params.size(name).unwrap_or(0) > 0)
}

struct Masker {
    permuter: Permuter,
    prefix: usize,
    suffix: usize,
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of every mask's build")]
fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let kept = |name| params.size(name).unwrap_or(0);
    let (prefix, suffix) = (kept("keep_prefix"), kept("keep_suffix"));
    Ok(Box::new(Masker { permuter: Permuter::new(&site.key), prefix, suffix }))
}

impl Mask for Masker {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        const WHOLE: Misfit = Misfit("what is not kept of it has no letter and no digit, so all of it would stay");
        let value = super::text(cell)?;
        let text = std::str::from_utf8(value).map_err(|_| Misfit("it is not UTF-8"))?;
        let from = text.char_indices().nth(self.prefix).map(|(at, _)| at).ok_or(WHOLE)?;
        let ends = text.char_indices().rev().map(|(at, _)| at);
        let to = std::iter::once(text.len()).chain(ends).nth(self.suffix).filter(|to| *to > from).ok_or(WHOLE)?;
        numerals::only_plain_letters(&value[from..to])?;
        let start = out.len();
        out.extend_from_slice(value);
        numerals::replace(&self.permuter, &mut out[start + from..start + to]).map_err(|_| WHOLE)?;
        Ok(CellKind::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(prefix: i64, suffix: i64, reason: &'static str) -> Params {
        let given = [
            ("keep_prefix", Value::Integer(prefix)),
            ("keep_suffix", Value::Integer(suffix)),
            ("reason", Value::text(reason)),
        ];
        Params::new(&DEFINITION, given.map(|(name, value)| (name.to_owned(), value))).unwrap()
    }

    #[test]
    fn what_is_kept_is_kept_and_all_else_is_masked() {
        let mask = build(&Site::for_tests("pattern"), &params(4, 2, "shown on labels")).unwrap();
        let mut out = b"before".to_vec();
        mask.mask(Cell::text("ÄX: 12ab-77"), &Row::NONE, &mut out).unwrap();
        let masked = std::str::from_utf8(&out[6..]).unwrap();
        assert!(masked.starts_with("ÄX: ") && masked.ends_with("-77") && !masked.contains("12ab"), "{masked}");
        for short in ["ab12", "abcd--77", "12", ""] {
            assert!(mask.mask(Cell::text(short), &Row::NONE, &mut Vec::new()).is_err(), "{short}");
        }
    }

    #[test]
    fn keeping_shows_a_part_of_the_original() {
        assert!(keeps(&params(4, 0, "")) && keeps(&params(0, 1, "")) && !keeps(&params(0, 0, "")));
    }
}
