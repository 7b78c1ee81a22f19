//! `list`: masks the items of a list in one cell: text with a separator, or an array of PostgreSQL.

use super::nested::{self, Nested};
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "list",
    about: "Masks each item of a list in one cell with another mask; separators, spaces, empty items and NULL stay.",
    params: &[
        Param { name: "item", about: "The mask of an item.", kind: ParamKind::Mask, default: "none; required" },
        Param { name: "sep", about: "What stands between two items.", kind: ParamKind::Text, default: "," },
        Param {
            name: "format",
            about: "`plain`: items with a separator; `array`: an array of PostgreSQL, such as `{a,\"b c\",NULL}`.",
            kind: ParamKind::Choice(&["plain", "array"]),
            default: "plain",
        },
    ],
    accepts: &[Family::Text],
    strength: Strength::Partial,
    may_keep: true,
    takes_subject: true,
    domain: "text.list",
    scan: |_| Scan::FreeText,
    build,
    examples: &[
        Example { params: || vec![("item", Value::text("email"))], cell: "maria@mail.test, ann@mail.test" },
        Example {
            params: || vec![("item", Value::text("full_name")), ("format", Value::text("array"))],
            cell: "{\"Maria Garcia\",NULL}",
        },
    ],
    reveals: |params| {
        params
            .get("item")
            .is_some_and(|item| Nested::parse(item).is_ok_and(|mask| (mask.definition.reveals)(&mask.params)))
    },
    asks: |params| {
        params
            .get("item")
            .is_some_and(|item| Nested::parse(item).is_ok_and(|mask| (mask.definition.asks)(&mask.params)))
    },
    sample: |number| format!("person{number}@corp.test, person{}@corp.test", number / 2),
    ..Definition::BASE
};

struct List {
    item: Box<dyn Mask>,
    separator: String,
    array: bool,
    room: usize,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let Some(item) = nested::build(site, params, "item")? else {
        return Err(Error::policy("mask list does not know what its items are")
            .hint("Add the mask of an item: { mask = \"list\", item = \"email\" }."));
    };
    let separator = params.text("sep").unwrap_or(",").to_owned();
    if separator.is_empty() {
        return Err(Error::policy("the separator of mask list is empty").hint("Write sep = \",\" or leave it out."));
    }
    let array = params.text("format") == Some("array");
    Ok(Box::new(List { item, separator, array, room: site.room() }))
}

const NO_ARRAY: Misfit = Misfit("the cell is no array as PostgreSQL writes it");

impl Mask for List {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let text = String::from_utf8_lossy(super::text(cell)?);
        let start = out.len();
        if self.array {
            self.array(&text, row, out)?;
        } else {
            self.plain(&text, row, out)?;
        }
        if out.len() - start > self.room && canonical::chars(&out[start..]) > self.room {
            return Err(Misfit("the masked list would be longer than the column"));
        }
        Ok(CellKind::Text)
    }
}

impl List {
    fn plain(&self, text: &str, row: &Row<'_>, out: &mut Vec<u8>) -> std::result::Result<(), Misfit> {
        for (at, item) in text.split(self.separator.as_str()).enumerate() {
            if at > 0 {
                out.extend_from_slice(self.separator.as_bytes());
            }
            let bare = item.trim();
            if bare.is_empty() {
                out.extend_from_slice(item.as_bytes());
                continue;
            }
            let before = item.len() - item.trim_start().len();
            out.extend_from_slice(&item.as_bytes()[..before]);
            let start = out.len();
            let kind = self.item.mask(Cell::text(bare), row, out)?;
            if kind == CellKind::Blob
                || out[start..].windows(self.separator.len()).any(|part| part == self.separator.as_bytes())
            {
                return Err(Misfit("a masked item holds the separator; use another mask for the items"));
            }
            out.extend_from_slice(&item.as_bytes()[before + bare.len()..]);
        }
        Ok(())
    }

    /// An array literal: perhaps bounds, then braces with items, quoted where they have to be.
    fn array(&self, text: &str, row: &Row<'_>, out: &mut Vec<u8>) -> std::result::Result<(), Misfit> {
        let body = text.find('{').ok_or(NO_ARRAY)?;
        let bounds = &text[..body];
        let bounded =
            bounds.ends_with('=') && bounds.bytes().all(|byte| byte.is_ascii_digit() || b"[]:-+=".contains(&byte));
        if !bounds.trim().is_empty() && !bounded {
            return Err(NO_ARRAY);
        }
        out.extend_from_slice(bounds.as_bytes());
        let mut rest = &text[body..];
        let mut depth = 0_usize;
        while let Some(c) = rest.chars().next() {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.checked_sub(1).ok_or(NO_ARRAY)?,
                c if depth == 0 && !c.is_whitespace() => return Err(NO_ARRAY),
                '"' => {
                    let (item, length) = quoted(&rest[1..]).ok_or(NO_ARRAY)?;
                    self.item(&item, row, out)?;
                    rest = &rest[length + 2..];
                    continue;
                }
                c if c == ',' || c.is_whitespace() => {}
                _ => {
                    let end = rest.find([',', '{', '}', '"']).ok_or(NO_ARRAY)?;
                    let item = rest[..end].trim_end();
                    if item.eq_ignore_ascii_case("null") {
                        out.extend_from_slice(item.as_bytes());
                    } else {
                        self.item(&item.replace('\\', ""), row, out)?;
                    }
                    out.extend_from_slice(&rest.as_bytes()[item.len()..end]);
                    rest = &rest[end..];
                    continue;
                }
            }
            let length = c.len_utf8();
            out.extend_from_slice(&rest.as_bytes()[..length]);
            rest = &rest[length..];
        }
        if depth == 0 { Ok(()) } else { Err(NO_ARRAY) }
    }

    fn item(&self, item: &str, row: &Row<'_>, out: &mut Vec<u8>) -> std::result::Result<(), Misfit> {
        if item.is_empty() {
            out.extend_from_slice(b"\"\"");
            return Ok(());
        }
        let mut fake = Vec::new();
        if self.item.mask(Cell::text(item), row, &mut fake)? == CellKind::Null {
            out.extend_from_slice(b"NULL");
            return Ok(());
        }
        let special = |byte: &u8| b"{},\"\\".contains(byte) || byte.is_ascii_whitespace();
        if !fake.is_empty() && !fake.iter().any(special) && !fake.eq_ignore_ascii_case(b"null") {
            out.extend_from_slice(&fake);
            return Ok(());
        }
        out.push(b'"');
        for byte in fake {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(byte);
        }
        out.push(b'"');
        Ok(())
    }
}

/// The text up to the next quotation mark without its escapes, and its length.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut item = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((item, at)),
            '\\' => item.push(chars.next()?.1),
            c => item.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mask(params: &[(&'static str, Value)], text: &str) -> std::result::Result<String, Misfit> {
        let given = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let mask = build(&Site::for_tests("list"), &Params::new(&DEFINITION, given).unwrap()).unwrap();
        let mut out = Vec::new();
        mask.mask(Cell::text(text), &Row::NONE, &mut out).map(|_| String::from_utf8(out).unwrap())
    }

    #[test]
    fn items_are_masked_and_spaces_stay() {
        let first = [("item", Value::text("first_name"))];
        let one = |name| mask(&first, name).unwrap();
        let (ann, bob) = (one("Ann"), one("Bob"));
        assert_eq!(mask(&first, " Ann,Bob ,, Ann").unwrap(), format!(" {ann},{bob} ,, {ann}"));
        let piped = [("item", Value::text("first_name")), ("sep", Value::text(" | "))];
        assert_eq!(mask(&piped, "Ann | Bob").unwrap(), format!("{ann} | {bob}"));
        assert!(mask(&[("item", Value::text("address"))], "1 Oak Street").is_err());
        assert!(
            build(&Site::for_tests("list"), &Params::default()).err().unwrap().hint_text().unwrap().contains("item")
        );
    }

    #[test]
    fn arrays_keep_their_form() {
        let array = [("item", Value::text("full_name")), ("format", Value::text("array"))];
        let ann = mask(&array, "{Ann}").unwrap();
        let ann = ann.trim_matches(['{', '}', '"']);
        assert_eq!(
            mask(&array, "{Ann,NULL,\"\", \"A\\nn\"}").unwrap(),
            format!("{{\"{ann}\",NULL,\"\", \"{ann}\"}}").replace("\\n", "")
        );
        assert_eq!(mask(&array, "[0:1]={{Ann},{null}}").unwrap(), format!("[0:1]={{{{\"{ann}\"}},{{null}}}}"));
        assert_eq!(mask(&array, "{}").unwrap(), "{}");
        for wrong in ["Ann", "{Ann", "Ann}", "{Ann}}", "x={Ann}", "{\"Ann}", "{a}b"] {
            assert!(mask(&array, wrong).is_err(), "{wrong}");
        }
        let null = [("item", Value::text("null")), ("format", Value::text("array"))];
        assert_eq!(mask(&null, "{Ann,Bob}").unwrap(), "{NULL,NULL}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn any_text_is_read_without_breaking(text in "\\PC{0,30}|[\\[\\]{}\",\\\\a-c0-2=: ]{0,30}") {
            for format in ["plain", "array"] {
                let _ = mask(&[("item", Value::text("token")), ("format", Value::text(format))], &text);
            }
        }

        #[test]
        fn the_number_of_items_stays(items in proptest::collection::vec("[A-Za-z ]{0,9}", 1..9)) {
            let masked = mask(&[("item", Value::text("token"))], &items.join(",")).unwrap();
            let masked: Vec<&str> = masked.split(',').collect();
            prop_assert_eq!(masked.len(), items.len());
            for (masked, item) in masked.iter().zip(&items) {
                prop_assert!(item.trim().is_empty() && masked == item || *masked != item);
            }
        }
    }
}
