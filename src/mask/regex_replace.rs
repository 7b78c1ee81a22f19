//! `regex_replace`: a part of a text replaced, the rest kept.

use super::prelude::*;
use regex::bytes::{Regex, RegexBuilder};

pub(super) static DEFINITION: Definition = Definition {
    name: "regex_replace",
    about: "Replaces what a regular expression matches and keeps the rest of the text, which therefore shows originals; a text without a match is refused.",
    params: &[
        Param {
            name: "pattern",
            about: "The regular expression; it is looked for everywhere in the text.",
            kind: ParamKind::Text,
            default: "required",
        },
        Param {
            name: "replacement",
            about: "What is written instead; `$1` is the first group, `$$` a dollar.",
            kind: ParamKind::Text,
            default: "required",
        },
        Param {
            name: "on_miss",
            about: "What becomes of a text without a match: `error` stops the capture, or `null`.",
            kind: ParamKind::Choice(&["error", "null"]),
            default: "error",
        },
        Param {
            name: "reason",
            about: "Why the rest may be shown; for review.",
            kind: ParamKind::Text,
            default: "none; needed in dev",
        },
    ],
    strength: Strength::Partial,
    scan: |_| Scan::FreeText,
    build,
    examples: &[Example {
        params: || vec![("pattern", Value::text("[0-9]+")), ("replacement", Value::text("0"))],
        cell: "batch 4711, shelf 12",
    }],
    reveals: |_| true,
    sample: |number| format!("batch {}, shelf {}", number / 90 + 1, number % 90 + 1),
    ..Definition::BASE
};

struct RegexReplace {
    pattern: Regex,
    replacement: String,
    null: bool,
    room: usize,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let (Some(pattern), Some(replacement)) = (params.text("pattern"), params.text("replacement")) else {
        return Err(Error::policy("mask regex_replace needs a pattern and a replacement")
            .hint("Write { mask = \"regex_replace\", pattern = \"[0-9]+\", replacement = \"0\" }."));
    };
    let pattern = RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|error| {
        // The message shows the pattern over several lines; the last one says what is wrong.
        let text = error.to_string();
        let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Error::policy(format!("the pattern of mask regex_replace is no regular expression: {why}"))
            .hint("In TOML, write patterns in single quotes: pattern = '\\d+'.")
    })?;
    let null = params.text("on_miss") == Some("null");
    if null && !site.nullable {
        return Err(Error::policy("mask regex_replace cannot write NULL: the column does not take it"));
    }
    Ok(Box::new(RegexReplace { pattern, replacement: replacement.to_owned(), null, room: site.room() }))
}

impl Mask for RegexReplace {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text_or_integer(cell)?;
        if !self.pattern.is_match(value) {
            return if self.null { Ok(CellKind::Null) } else { Err(Misfit("the pattern matches nothing in the cell")) };
        }
        let start = out.len();
        out.extend_from_slice(&self.pattern.replace_all(value, self.replacement.as_bytes()));
        if canonical::alike(value, &out[start..]) {
            return Err(Misfit("the replacement leaves the cell as it is"));
        }
        if canonical::chars(&out[start..]) > self.room {
            return Err(Misfit("the masked value would be longer than the column"));
        }
        Ok(CellKind::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(pattern: &'static str, replacement: &'static str, null: bool) -> Result<Box<dyn Mask>> {
        let given =
            [("pattern", pattern), ("replacement", replacement), ("on_miss", if null { "null" } else { "error" })];
        let given = given.map(|(name, text)| (name.to_owned(), Value::text(text)));
        build(&Site { max_chars: Some(30), ..Site::for_tests("") }, &Params::new(&DEFINITION, given).unwrap())
    }

    fn masked(mask: &dyn Mask, cell: &str) -> std::result::Result<(CellKind, String), Misfit> {
        let mut out = Vec::new();
        Ok((mask.mask(Cell::text(cell), &Row::NONE, &mut out)?, String::from_utf8(out).unwrap()))
    }

    #[test]
    fn matches_are_replaced_and_all_else_is_refused() {
        let digits = mask(r"(\w)\d+", "$1#", false).unwrap();
        assert_eq!(masked(&*digits, "a12 b3").unwrap().1, "a# b#");
        assert!(masked(&*digits, "Ann Lee").is_err() && masked(&*digits, "").is_err());
        assert_eq!(masked(&*mask(r"\d", "#", true).unwrap(), "Ann"), Ok((CellKind::Null, String::new())));
        assert!(masked(&*mask("a", "A", false).unwrap(), "banana").is_err());
        assert!(masked(&*mask("a", "aaaaaaaaaaaaaaa", false).unwrap(), "banana").is_err());
    }

    #[test]
    fn a_bad_pattern_says_what_is_wrong() {
        let error = mask("[a", "b", false).err().unwrap();
        assert!(error.what().contains("unclosed") && error.hint_text().is_some(), "{error}");
        let null = Params::new(
            &DEFINITION,
            [("pattern", "a"), ("replacement", "b"), ("on_miss", "null")]
                .map(|(name, text)| (name.to_owned(), Value::text(text))),
        );
        assert!(build(&Site { nullable: false, ..Site::for_tests("") }, &null.unwrap()).is_err());
    }
}
