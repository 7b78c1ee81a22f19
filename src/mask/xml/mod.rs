//! `xml`: masks the text and the attributes of an XML document or fragment. Elements, order and spacing stay.
//!
//! Nothing is expanded: a document that declares entities of its own, or refers to one, is refused. CDATA becomes ordinary
//! text. Comments and processing instructions are left out, or replaced by filler words.

#[cfg(test)]
mod tests;

use super::paths::{self, Paths, Place, To, Unlisted};
use super::prelude::*;
use super::scrub::{DATES, PATTERNS, RECOGNISE, Scrubber};
use super::site::Charset;
use quick_xml::escape::unescape;
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use std::borrow::Cow;

pub(super) static DEFINITION: Definition = Definition {
    name: "xml",
    about: "Masks an XML document: by path where a path is named, every other text and attribute by what it is; elements, true and false stay.",
    params: &[
        Param {
            name: "paths",
            about: "A mask for each path, such as `\"/order/client/email\" = \"email\"`, `//email`, `/order/@id`; it holds for everything below, too.",
            kind: ParamKind::Masks,
            default: "none",
        },
        Param {
            name: "default",
            about: "What becomes of what no path names. `mask`: texts are replaced; `scrub`: as text_scrub; `drop`: they are left empty; `keep`: they stay, which needs a reason.",
            kind: ParamKind::Choice(&["mask", "scrub", "drop", "keep"]),
            default: "mask",
        },
        Param {
            name: "numbers",
            about: "Whether texts that are plain numbers get other digits, or stay.",
            kind: ParamKind::Choice(&["mask", "keep"]),
            default: "mask",
        },
        Param {
            name: "comments",
            about: "Whether comments and processing instructions are left out, or get filler words.",
            kind: ParamKind::Choice(&["drop", "mask"]),
            default: "drop",
        },
        RECOGNISE,
        DATES,
        PATTERNS,
        Param {
            name: "reason",
            about: "Why texts are kept; shown in review.",
            kind: ParamKind::Text,
            default: "none; required with default = \"keep\"",
        },
    ],
    accepts: &[Family::Text],
    strength: Strength::Partial,
    may_keep: true,
    takes_subject: true,
    domain: "text.xml",
    scan: |_| Scan::Never,
    build,
    examples: &[
        Example::plain("<client vip=\"true\"><name>Maria Garcia</name><email>maria.garcia@mail.test</email></client>"),
        Example {
            params: || {
                vec![(
                    "paths",
                    Value::table([("//name", Value::text("full_name")), ("/order/@id", Value::text("keep"))]),
                )]
            },
            cell: "<order id=\"7\"><name>Maria Garcia</name><qty>2</qty></order>",
        },
    ],
    reveals: paths::reveals,
    asks: |_| true,
    sample: |number| {
        format!("<client><name>Person Number {number}</name><email>person{number}@corp.test</email></client>")
    },
    ..Definition::BASE
};

struct Xml {
    paths: Paths,
    scrubber: Scrubber,
    unlisted: Unlisted,
    keep_numbers: bool,
    keep_comments: bool,
    room: usize,
    charset: Charset,
}

const NOT_XML: Misfit = Misfit("the cell is no well-formed XML");
const ENTITIES: Misfit = Misfit("the document has entities of its own, which are not expanded");

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    Ok(Box::new(Xml {
        paths: paths::build(site, params, paths::read_xml)?,
        scrubber: Scrubber::build(site, params)?,
        unlisted: Unlisted::read("xml", params)?,
        keep_numbers: params.text("numbers") == Some("keep"),
        keep_comments: params.text("comments") == Some("mask"),
        room: site.room(),
        charset: site.charset,
    }))
}

impl Mask for Xml {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let text = String::from_utf8_lossy(super::text(cell)?);
        let start = out.len();
        let body = text.strip_prefix('\u{feff}').unwrap_or(&text);
        out.extend_from_slice(&text.as_bytes()[..text.len() - body.len()]);
        self.document(body, row, out)?;
        if out.len() - start > self.room && canonical::chars(&out[start..]) > self.room {
            return Err(Misfit("the masked document would be longer than the column"));
        }
        Ok(CellKind::Text)
    }
}

type Done = std::result::Result<(), Misfit>;

/// Neighbouring pieces of text, which make one leaf.
#[derive(Default)]
struct Leaf {
    text: String,
    raw: String,
}

impl Xml {
    fn document(&self, text: &str, row: &Row<'_>, out: &mut Vec<u8>) -> Done {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_comments = true;
        config.allow_dangling_amp = false;
        let mut places = vec![self.paths.root()];
        let mut leaf = Leaf::default();
        let mut from = 0;
        loop {
            let event = reader.read_event().map_err(|_| NOT_XML)?;
            let to = usize::try_from(reader.buffer_position()).map_err(|_| NOT_XML)?;
            let raw = text.get(from..to).ok_or(NOT_XML)?;
            from = to;
            match &event {
                Event::Text(piece) => leaf.add(piece, raw),
                Event::CData(piece) => leaf.add(piece, raw),
                Event::GeneralRef(name) => leaf.add(&entity(raw, name.resolve_char_ref().ok().flatten())?, raw),
                _ => self.end_leaf(&mut leaf, places.last().ok_or(NOT_XML)?, row, out)?,
            }
            match event {
                Event::Start(tag) | Event::Empty(tag) => {
                    // Also tells whether the attributes are well-formed.
                    let name = tag.name();
                    let name = std::str::from_utf8(name.as_ref().as_bytes()).map_err(|_| NOT_XML)?;
                    for attribute in tag.attributes() {
                        attribute.map_err(|_| NOT_XML)?;
                    }
                    let place = self.paths.step(places.last().ok_or(NOT_XML)?, To::Element(name));
                    self.tag(raw, name.len(), &place, row, out)?;
                    if !raw.ends_with("/>") {
                        places.push(place);
                    }
                }
                Event::End(_) => {
                    places.pop();
                    if places.is_empty() {
                        return Err(NOT_XML);
                    }
                    out.extend_from_slice(raw.as_bytes());
                }
                Event::DocType(_) if raw.contains('[') => return Err(ENTITIES),
                Event::Decl(_) | Event::DocType(_) => out.extend_from_slice(raw.as_bytes()),
                Event::Comment(words) if self.keep_comments => {
                    let mut fake = Vec::new();
                    self.filler(&words, row, &mut fake)?;
                    out.extend_from_slice(b"<!-- ");
                    self.escape(&String::from_utf8_lossy(&fake).replace("--", "- "), out);
                    out.extend_from_slice(b" -->");
                }
                Event::PI(words) if self.keep_comments => {
                    out.extend_from_slice(format!("<?{} ", words.target()).as_bytes());
                    let mut fake = Vec::new();
                    self.filler(words.content(), row, &mut fake)?;
                    self.escape(&String::from_utf8_lossy(&fake).replace('?', "."), out);
                    out.extend_from_slice(b"?>");
                }
                // Text has been taken up above; comments are left out.
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::Eof => break,
            }
        }
        if places.len() == 1 { Ok(()) } else { Err(NOT_XML) }
    }

    fn filler(&self, words: &str, row: &Row<'_>, out: &mut Vec<u8>) -> Done {
        if words.trim().is_empty() { Ok(()) } else { self.scrubber.leaf(words.trim(), row, out) }
    }

    /// Appends a tag with masked attributes. That it is well-formed has been checked.
    fn tag(&self, raw: &str, name: usize, place: &Place, row: &Row<'_>, out: &mut Vec<u8>) -> Done {
        let mut rest = raw;
        let copy = |rest: &mut &str, length: usize, out: &mut Vec<u8>| {
            let length = length.min(rest.len());
            out.extend_from_slice(&rest.as_bytes()[..length]);
            *rest = &rest[length..];
        };
        copy(&mut rest, 1 + name, out);
        while let Some(equals) = rest.find('=') {
            let key = rest[..equals].trim();
            let quote = rest[equals..].find(['"', '\'']).ok_or(NOT_XML)? + equals;
            let mark = rest.as_bytes()[quote];
            copy(&mut rest, quote + 1, out);
            let length = rest.find(char::from(mark)).ok_or(NOT_XML)?;
            let value = unescape(&rest[..length]).map_err(|_| ENTITIES)?;
            let plumbing = key == "xmlns" || ["xmlns:", "xml:", "xsi:"].iter().any(|prefix| key.starts_with(prefix));
            if plumbing {
                copy(&mut rest, length, out);
            } else {
                let place = self.paths.step(place, To::Attribute(key));
                self.value(&value, &rest[..length], &place, row, out)?;
                rest = &rest[length..];
            }
            copy(&mut rest, 1, out);
        }
        let length = rest.len();
        copy(&mut rest, length, out);
        Ok(())
    }

    /// Ends a run of text: appends its masked form. White space around it stays.
    fn end_leaf(&self, leaf: &mut Leaf, place: &Place, row: &Row<'_>, out: &mut Vec<u8>) -> Done {
        if leaf.raw.is_empty() {
            return Ok(());
        }
        let Leaf { text, raw } = std::mem::take(leaf);
        let bare = text.trim();
        if bare.is_empty() {
            out.extend_from_slice(raw.as_bytes());
            return Ok(());
        }
        let before = text.len() - text.trim_start().len();
        self.escape(&text[..before], out);
        self.value(bare, raw.trim(), place, row, out)?;
        self.escape(&text[before + bare.len()..], out);
        Ok(())
    }

    /// Appends what becomes of a text or an attribute.
    fn value(&self, text: &str, raw: &str, place: &Place, row: &Row<'_>, out: &mut Vec<u8>) -> Done {
        if text.trim().is_empty() {
            out.extend_from_slice(raw.as_bytes());
            return Ok(());
        }
        let mut fake = Vec::new();
        if let Some((mask, _)) = self.paths.mask(place) {
            if mask.mask(Cell::text(text), row, &mut fake)? == CellKind::Blob {
                return Err(Misfit("the mask of a path wrote binary data"));
            }
            self.escape(&String::from_utf8_lossy(&fake), out);
            return Ok(());
        }
        let number = || super::json::is_number(text.trim().as_bytes());
        let stays = matches!(text.trim(), "true" | "false") || self.keep_numbers && number();
        match self.unlisted {
            Unlisted::Drop => return Ok(()),
            Unlisted::Scrub if self.scrubber.scrub(text, row, &mut fake) => {}
            Unlisted::Mask if !stays => self.scrubber.leaf(text, row, &mut fake)?,
            Unlisted::Mask | Unlisted::Scrub | Unlisted::Keep => {
                out.extend_from_slice(raw.as_bytes());
                return Ok(());
            }
        }
        self.escape(&String::from_utf8_lossy(&fake), out);
        Ok(())
    }

    /// Appends a text as XML spells it, in an attribute as well.
    fn escape(&self, text: &str, out: &mut Vec<u8>) {
        for c in text.chars() {
            let mut buffer = [0; 4];
            match c {
                '<' => out.extend_from_slice(b"&lt;"),
                '>' => out.extend_from_slice(b"&gt;"),
                '&' => out.extend_from_slice(b"&amp;"),
                '"' => out.extend_from_slice(b"&quot;"),
                '\'' => out.extend_from_slice(b"&apos;"),
                // XML has no way to spell other control characters.
                c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => out.push(b' '),
                c if self.charset.holds(c.encode_utf8(&mut buffer)) => {
                    out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                }
                c => out.extend_from_slice(format!("&#{};", u32::from(c)).as_bytes()),
            }
        }
    }
}

impl Leaf {
    fn add(&mut self, text: &str, raw: &str) {
        self.text.push_str(text);
        self.raw.push_str(raw);
    }
}

/// What a reference stands for; entities of the document's own are not looked up.
fn entity(raw: &str, number: Option<char>) -> std::result::Result<Cow<'static, str>, Misfit> {
    if let Some(c) = number {
        return Ok(Cow::Owned(c.to_string()));
    }
    Ok(Cow::Borrowed(match raw {
        "&lt;" => "<",
        "&gt;" => ">",
        "&amp;" => "&",
        "&quot;" => "\"",
        "&apos;" => "'",
        _ => return Err(ENTITIES),
    }))
}
