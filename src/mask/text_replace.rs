//! `text_replace`: filler words instead of free text, of about its length.

use super::dictionary;
use super::prelude::*;

/// Lengths that texts are rounded to: the length of the original says little.
const CLASSES: [usize; 9] = [8, 16, 32, 64, 128, 256, 512, 1024, 2048];

pub(super) static DEFINITION: Definition = Definition {
    name: "text_replace",
    about: "Replaces free text with filler words of about the same length, at most 2,048 characters.",
    version: 1,
    params: &[],
    accepts: &[Family::Text],
    unique: Uniqueness::None,
    determinism: Determinism::Value,
    strength: Strength::Partial,
    keeps_original: false,
    takes_empty: false,
    takes_subject: false,
    domain: "text.prose",
    scan: |_| Scan::FreeText,
    build: |site, _: &Params| build(site),
    examples: &[Example::plain("Called Maria about the late delivery, she was not amused.")],
    ..Definition::BASE
};

struct TextReplace {
    key: DomainKey,
    room: usize,
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of every mask's build")]
fn build(site: &Site) -> Result<Box<dyn Mask>> {
    Ok(Box::new(TextReplace { key: site.key.clone(), room: site.room() }))
}

impl Mask for TextReplace {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text(cell)?;
        let length = canonical::chars(value);
        let class = CLASSES.into_iter().find(|class| class + class / 2 >= length).unwrap_or(CLASSES[8]);
        let limit = class.min(self.room);
        let ask = Ask { role: Role::Prose, form: Form::Exact, value, subject: None };
        until_different(value, out, |attempt, out| {
            let mut words = self.key.stream(&ask, attempt, out);
            write(limit, || word(&mut words), out);
        })
    }
}

fn word(words: &mut blake3::OutputReader) -> &'static str {
    let mut bytes = [0; 8];
    words.fill(&mut bytes);
    dictionary::FILLER[scale(u64::from_le_bytes(bytes), dictionary::FILLER.len())]
}

/// A sentence of at most `limit` characters, of which there is at least one.
fn write(limit: usize, mut word: impl FnMut() -> &'static str, out: &mut Vec<u8>) {
    let start = out.len();
    let first = word().as_bytes();
    out.extend_from_slice(&first[..first.len().min(limit)]);
    out[start].make_ascii_uppercase();
    loop {
        let next = word().as_bytes();
        // One place is kept for the full stop.
        if out.len() - start + 1 + next.len() + 1 > limit {
            break;
        }
        out.push(b' ');
        out.extend_from_slice(next);
    }
    if out.len() - start < limit {
        out.push(b'.');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_follows_the_class_and_the_column() {
        for (length, room, least, most) in [
            (1, None, 2, 8),
            (100, None, 100, 128),
            (5000, None, 2000, 2048),
            (100, Some(20), 8, 20),
            (9, Some(1), 1, 1),
        ] {
            let mask = build(&Site { max_chars: room, ..Site::for_tests("prose") }).unwrap();
            let mut out = Vec::new();
            mask.mask(Cell::text(&"ü".repeat(length)), &Row::NONE, &mut out).unwrap();
            assert!((least..=most).contains(&out.len()), "{length} characters became {}", out.len());
        }
    }
}
