//! `json`: masks the leaves of a JSON document. Everything else stays as it stands: order, spacing, the spelling of
//! numbers, members that are there twice.
//!
//! | leaf | becomes |
//! |---|---|
//! | that a path names | what that mask makes of it |
//! | a text that holds JSON | that JSON, masked the same way; paths go on inside |
//! | another text | its masked form if it is known, a fake of its kind if it has a shape, else filler words |
//! | a number | the same number, unless `numbers = "mask"` or it is known |
//! | true, false, null, `""` | the same |

mod read;
#[cfg(test)]
mod tests;

use super::paths::{self, Paths, Place, To, Unlisted};
use super::prelude::*;
use super::scrub::{DATES, PATTERNS, RECOGNISE, Scrubber};
use super::site::Charset;
pub(super) use read::is_number;
use read::{NOT_JSON, Reader, open};

pub(super) static DEFINITION: Definition = Definition {
    name: "json",
    about: "Masks a JSON document leaf by leaf: by path where a path is named, every other text by what it is; structure, numbers and true or false stay.",
    params: &[
        Param {
            name: "paths",
            about: "A mask for each path, such as `\"$.contact.email\" = \"email\"`, `$.items[*].name`, `$..email`; it holds for everything below, too.",
            kind: ParamKind::Masks,
            default: "none",
        },
        Param {
            name: "default",
            about: "What becomes of a leaf that no path names. `mask`: texts are replaced; `scrub`: as text_scrub; `drop`: members are left out, elements become null; `keep`: it stays, which needs a reason.",
            kind: ParamKind::Choice(&["mask", "scrub", "drop", "keep"]),
            default: "mask",
        },
        Param {
            name: "numbers",
            about: "`keep`, or `mask` to replace the digits of numbers that no path names.",
            kind: ParamKind::Choice(&["keep", "mask"]),
            default: "keep",
        },
        Param {
            name: "depth",
            about: "The deepest nesting; a deeper document is refused.",
            kind: ParamKind::Integer(1, 128),
            default: "64",
        },
        RECOGNISE,
        DATES,
        PATTERNS,
        Param {
            name: "reason",
            about: "Why leaves are kept; shown in review.",
            kind: ParamKind::Text,
            default: "none; required with default = \"keep\"",
        },
    ],
    accepts: &[Family::Json, Family::Text],
    strength: Strength::Partial,
    may_keep: true,
    takes_subject: true,
    domain: "text.json",
    scan: |_| Scan::Never,
    build,
    examples: &[
        Example::plain(r#"{"name": "Maria Garcia", "email": "maria.garcia@mail.test", "age": 41, "vip": true}"#),
        Example {
            params: || {
                vec![(
                    "paths",
                    Value::table([("$.contact.name", Value::text("full_name")), ("$..sku", Value::text("keep"))]),
                )]
            },
            cell: r#"{"contact": {"name": "Maria Garcia"}, "items": [{"sku": "A-1", "qty": 2}]}"#,
        },
    ],
    reveals: paths::reveals,
    asks: |_| true,
    sample: |number| format!(r#"{{"name": "Person Number {number}", "email": "person{number}@corp.test", "age": 41}}"#),
    ..Definition::BASE
};

struct Json {
    paths: Paths,
    scrubber: Scrubber,
    unlisted: Unlisted,
    mask_numbers: bool,
    depth: usize,
    room: usize,
    charset: Charset,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    Ok(Box::new(Json {
        paths: paths::build(site, params, paths::read_json)?,
        scrubber: Scrubber::build(site, params)?,
        unlisted: Unlisted::read("json", params)?,
        mask_numbers: params.text("numbers") == Some("mask"),
        depth: params.size("depth").unwrap_or(64),
        room: site.room(),
        charset: site.charset,
    }))
}

impl Mask for Json {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let text = std::str::from_utf8(super::text(cell)?).map_err(|_| NOT_JSON)?;
        let start = out.len();
        self.document(text, &self.paths.root(), 0, row, out)?;
        if out.len() - start > self.room && canonical::chars(&out[start..]) > self.room {
            return Err(Misfit("the masked document would be longer than the column"));
        }
        Ok(CellKind::Text)
    }
}

/// What became of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Written,
    Dropped,
}

type Done = std::result::Result<Fate, Misfit>;

impl Json {
    /// Rewrites a whole document.
    fn document(
        &self,
        text: &str,
        place: &Place,
        depth: usize,
        row: &Row<'_>,
        out: &mut Vec<u8>,
    ) -> std::result::Result<(), Misfit> {
        let mut reader = Reader::new(text);
        reader.space(out);
        if self.value(&mut reader, place, depth, row, out)? == Fate::Dropped {
            out.extend_from_slice(b"null");
        }
        reader.space(out);
        if reader.is_at_end() { Ok(()) } else { Err(NOT_JSON) }
    }

    fn value(&self, reader: &mut Reader<'_>, place: &Place, depth: usize, row: &Row<'_>, out: &mut Vec<u8>) -> Done {
        match reader.peek() {
            Some(b'{' | b'[') if depth >= self.depth => {
                Err(Misfit("the document is nested more deeply than `depth` allows"))
            }
            Some(b'{') => self.object(reader, place, depth + 1, row, out),
            Some(b'[') => self.array(reader, place, depth + 1, row, out),
            Some(b'"') => self.string(reader.string()?, place, depth, row, out),
            Some(b't' | b'f' | b'n') => self.word(reader.word()?, place, row, out),
            _ => self.number(reader.number()?, place, row, out),
        }
    }

    fn object(&self, reader: &mut Reader<'_>, place: &Place, depth: usize, row: &Row<'_>, out: &mut Vec<u8>) -> Done {
        reader.take(b'{', out)?;
        let mut first = true;
        loop {
            let before = out.len();
            if !first {
                out.push(b',');
            }
            reader.space(out);
            if reader.peek() == Some(b'}') && reader.is_fresh() {
                break;
            }
            let raw = reader.string()?;
            let name = open(raw);
            let mut fake = Vec::new();
            if self.scrubber.member(&name, row, &mut fake) {
                self.quote(&String::from_utf8_lossy(&fake), out);
            } else {
                quote_raw(raw, out);
            }
            reader.space(out);
            reader.take(b':', out)?;
            reader.space(out);
            let fate = self.value(reader, &self.paths.step(place, To::Member(&name)), depth, row, out)?;
            reader.space(out);
            if fate == Fate::Dropped {
                out.truncate(before);
            } else {
                first = false;
            }
            if !reader.comma()? {
                break;
            }
        }
        reader.take(b'}', out)?;
        Ok(Fate::Written)
    }

    fn array(&self, reader: &mut Reader<'_>, place: &Place, depth: usize, row: &Row<'_>, out: &mut Vec<u8>) -> Done {
        reader.take(b'[', out)?;
        for at in 0.. {
            if at > 0 {
                out.push(b',');
            }
            reader.space(out);
            if at == 0 && reader.peek() == Some(b']') {
                break;
            }
            if self.value(reader, &self.paths.step(place, To::Index(at)), depth, row, out)? == Fate::Dropped {
                out.extend_from_slice(b"null");
            }
            reader.space(out);
            if !reader.comma()? {
                break;
            }
        }
        reader.take(b']', out)?;
        Ok(Fate::Written)
    }

    fn string(&self, raw: &str, place: &Place, depth: usize, row: &Row<'_>, out: &mut Vec<u8>) -> Done {
        let text = open(raw);
        let mask = self.paths.mask(place);
        if let Some((mask, true)) = mask {
            return self.masked(mask, Cell::text(&text), raw, row, out);
        }
        let mut fake = Vec::new();
        if text.trim_start().starts_with(['{', '[']) {
            // JSON inside of a text; what only looks like it is a text like any other.
            match self.document(&text, place, depth + 1, row, &mut fake) {
                Ok(()) => {
                    self.quote(&String::from_utf8_lossy(&fake), out);
                    return Ok(Fate::Written);
                }
                Err(misfit) if misfit != NOT_JSON => return Err(misfit),
                Err(_) => fake.clear(),
            }
        }
        if let Some((mask, _)) = mask {
            return self.masked(mask, Cell::text(&text), raw, row, out);
        }
        match self.unlisted {
            Unlisted::Drop => return Ok(Fate::Dropped),
            Unlisted::Scrub if self.scrubber.scrub(&text, row, &mut fake) => {}
            Unlisted::Mask if !text.trim().is_empty() => self.scrubber.leaf(&text, row, &mut fake)?,
            Unlisted::Keep | Unlisted::Scrub | Unlisted::Mask => {
                quote_raw(raw, out);
                return Ok(Fate::Written);
            }
        }
        self.quote(&String::from_utf8_lossy(&fake), out);
        Ok(Fate::Written)
    }

    fn number(&self, raw: &str, place: &Place, row: &Row<'_>, out: &mut Vec<u8>) -> Done {
        let whole = raw.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if let Some((mask, exact)) = self.paths.mask(place) {
            let kind = if whole { CellKind::Integer } else { CellKind::Real };
            let start = out.len();
            let done = self.masked(mask, Cell { kind, bytes: raw.as_bytes() }, raw, row, out);
            if exact || done.is_ok() {
                return done;
            }
            // The mask of everything below a place is often one for texts.
            out.truncate(start);
            self.digits(raw, out);
            return Ok(Fate::Written);
        }
        if self.unlisted == Unlisted::Drop {
            return Ok(Fate::Dropped);
        }
        let start = out.len();
        if whole && raw.len() >= 7 && self.unlisted != Unlisted::Keep && row.known.write_whole(raw, row.subject, out) {
            if is_number(&out[start..]) {
                return Ok(Fate::Written);
            }
            out.truncate(start);
            self.digits(raw, out);
            return Ok(Fate::Written);
        }
        if self.mask_numbers {
            self.digits(raw, out);
        } else {
            out.extend_from_slice(raw.as_bytes());
        }
        Ok(Fate::Written)
    }

    /// Other digits before the exponent.
    fn digits(&self, raw: &str, out: &mut Vec<u8>) {
        let (number, exponent) = raw.split_at(raw.find(['e', 'E']).unwrap_or(raw.len()));
        let zero = number == "0" || number == "-0";
        self.scrubber.digits(if zero { "1" } else { number }, out);
        out.extend_from_slice(exponent.as_bytes());
    }

    /// True, false, null.
    fn word(&self, raw: &str, place: &Place, row: &Row<'_>, out: &mut Vec<u8>) -> Done {
        match self.paths.mask(place) {
            Some((mask, true)) if raw != "null" => {
                return self.masked(mask, Cell::text(raw), raw, row, out);
            }
            None if self.unlisted == Unlisted::Drop => return Ok(Fate::Dropped),
            _ => {}
        }
        out.extend_from_slice(raw.as_bytes());
        Ok(Fate::Written)
    }

    /// What the mask of a path makes of a leaf, as JSON.
    fn masked(&self, mask: &dyn Mask, cell: Cell<'_>, raw: &str, row: &Row<'_>, out: &mut Vec<u8>) -> Done {
        let text = cell.kind == CellKind::Text && !matches!(raw, "true" | "false");
        if text && cell.bytes.is_empty() {
            quote_raw(raw, out);
            return Ok(Fate::Written);
        }
        let mut fake = Vec::new();
        match mask.mask(cell, row, &mut fake)? {
            CellKind::Null => out.extend_from_slice(b"null"),
            CellKind::Blob => return Err(Misfit("the mask of a path wrote binary data")),
            CellKind::Text if fake == cell.bytes && text => quote_raw(raw, out),
            // A number or a truth stays one, where it is still spelled like one.
            CellKind::Text if text || !(is_number(&fake) || matches!(fake.as_slice(), b"true" | b"false")) => {
                self.quote(&String::from_utf8_lossy(&fake), out);
            }
            CellKind::Text | CellKind::Integer | CellKind::Real if is_number(&fake) || !text => {
                out.extend_from_slice(&fake);
            }
            CellKind::Text | CellKind::Integer | CellKind::Real => self.quote(&String::from_utf8_lossy(&fake), out),
        }
        Ok(Fate::Written)
    }

    /// Appends a text in quotation marks.
    fn quote(&self, text: &str, out: &mut Vec<u8>) {
        out.push(b'"');
        for c in text.chars() {
            match c {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\t' => out.extend_from_slice(b"\\t"),
                '\r' => out.extend_from_slice(b"\\r"),
                c => {
                    let mut buffer = [0; 4];
                    let plain = c.encode_utf8(&mut buffer);
                    if !c.is_control() && (c.is_ascii() || self.charset.holds(plain)) {
                        out.extend_from_slice(plain.as_bytes());
                        continue;
                    }
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                    }
                }
            }
        }
        out.push(b'"');
    }
}

/// Appends a text as it was written.
fn quote_raw(raw: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(raw.as_bytes());
    out.push(b'"');
}
