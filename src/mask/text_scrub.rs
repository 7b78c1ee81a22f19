//! `text_scrub`: free text in which only what identifies somebody is replaced.
//!
//! A text with nothing of that kind in it stays as it is: this is a mask that may return the original. The leak scan
//! looks at its outputs for the originals of every other column all the same.

use super::prelude::*;
use super::scrub::{DATES, PATTERNS, RECOGNISE, Scrubber};
use std::borrow::Cow;

pub(super) static DEFINITION: Definition = Definition {
    name: "text_scrub",
    about: "Keeps free text and replaces what identifies somebody in it: every value that a masked column of the capture holds, by its masked form, and emails, phones, cards, SSNs, IPs, IBANs, links and dates of birth, by their masks; where nothing is found, the text stays.",
    params: &[RECOGNISE, DATES, PATTERNS],
    accepts: &[Family::Text],
    strength: Strength::Partial,
    may_keep: true,
    takes_subject: true,
    domain: "text.scrub",
    scan: |_| Scan::Never,
    build,
    examples: &[
        Example::plain("Maria (maria.garcia@mail.test, +44 20 7123 4567) pays with 4111 1111 1111 1111."),
        Example {
            params: || vec![("patterns", Value::texts(&[r"CL-\d{5}"])), ("dates", Value::text("all"))],
            cell: "Client CL-20931 moved on 12 March 2024.",
        },
    ],
    asks: |_| true,
    sample: |number| format!("Please write to person{number}@corp.test about the late delivery."),
    ..Definition::BASE
};

struct TextScrub {
    scrubber: Scrubber,
    room: usize,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    Ok(Box::new(TextScrub { scrubber: Scrubber::build(site, params)?, room: site.room() }))
}

impl Mask for TextScrub {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let text: Cow<'_, str> = String::from_utf8_lossy(super::text(cell)?);
        let start = out.len();
        self.scrubber.scrub(&text, row, out);
        cut(self.room, start, out);
        Ok(CellKind::Text)
    }
}

/// Cuts what was written at the last word that fits.
fn cut(room: usize, start: usize, out: &mut Vec<u8>) {
    if out.len() - start <= room {
        return;
    }
    let text = String::from_utf8_lossy(&out[start..]);
    let Some((end, _)) = text.char_indices().nth(room) else {
        return;
    };
    // A word that ends just there is whole.
    let words =
        if text[end..].starts_with(char::is_whitespace) { Some(end) } else { text[..end].rfind(char::is_whitespace) };
    let kept = words.map(|at| text[..at].trim_end().len()).filter(|length| *length > 0).unwrap_or(end);
    out.truncate(start + kept);
}

#[cfg(test)]
mod tests;
