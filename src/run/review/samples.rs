//! What a mask does, on made-up originals: the real mask of the real column, under a key that everybody knows. No value of a
//! database comes near.

use super::document::Sample;
use crate::mask::{ColumnMask, Row};
use crate::model::batch::{Batch, Cell, CellKind};
use crate::model::schema::{Column, Family};

/// The subject of every sample, so that the samples of one person agree.
const SUBJECT: Cell<'static> = Cell { kind: CellKind::Text, bytes: b"17" };

/// Samples longer than this are cut.
const LONGEST: usize = 90;

/// Made-up originals by what a column holds: a parameter's word (`member`, `part`), a mask's name, or a kind.
const ORIGINALS: &[(&str, &str)] = &[
    ("email", "maria.garcia@mail.test"),
    ("phone", "(415) 555-0132"),
    ("full_name", "Maria Garcia"),
    ("first_name", "Maria"),
    ("last_name", "Garcia"),
    ("username", "mgarcia"),
    ("initials", "M.G."),
    ("company", "Garcia Holdings"),
    ("line", "12 Orchard Lane"),
    ("street", "Orchard Lane"),
    ("city", "Springfield"),
    ("region", "Oregon"),
    ("postal", "97477"),
    ("dob", "1984-06-17"),
    ("birth_date", "1984-06-17"),
    ("date_shift", "2024-03-11"),
    ("date_trunc", "2024-03-11"),
    ("text_scrub", "Call Maria Garcia on (415) 555-0132 or maria.garcia@mail.test"),
    ("text_replace", "Asked for a second delivery next week."),
    ("secret", "correct horse battery staple"),
    ("null", "Maria Garcia"),
    ("fixed", "Maria Garcia"),
    ("noise", "1250"),
    ("scale", "1250"),
    ("bucket", "1250"),
    ("int_permute", "1042"),
];

/// The samples of a table's columns; none where a mask keeps, takes none of the originals, or is a program.
pub(super) fn samples(masks: &[Option<ColumnMask>], columns: &[Column]) -> Vec<Option<Sample>> {
    let mut found: Vec<Option<Sample>> = masks
        .iter()
        .zip(columns)
        .map(|(mask, column)| {
            mask.as_ref().filter(|mask| !mask.definition.after).and_then(|mask| one(mask, column, None))
        })
        .collect();
    // Masks that are made of other masked cells see the samples of those.
    let stored: Vec<usize> = (0..columns.len()).filter(|&at| !columns[at].generated).collect();
    let mut row = Batch::new(stored.len());
    for &at in &stored {
        row.push(Cell::text(found[at].as_ref().map_or("…", |sample| &sample.after)));
    }
    for (at, mask) in masks.iter().enumerate() {
        if let Some(mask) = mask.as_ref().filter(|mask| mask.definition.after) {
            found[at] = one(mask, &columns[at], Some(&row));
        }
    }
    found
}

fn one(column: &ColumnMask, about: &Column, masked: Option<&Batch>) -> Option<Sample> {
    let mask = column.definition;
    // The default is a value of the catalogue, which is not shown; a program of the user's own is not run for a page, and
    // a secret parameter would be what is written.
    if mask.keeps_original
        || mask.outside
        || column.params.has_secret()
        || (mask.name == "default" && about.default.is_some())
    {
        return None;
    }
    originals(column).into_iter().find_map(|original| shown(column, about.family, &original, masked))
}

/// Made-up originals that may suit, the likeliest first.
fn originals(column: &ColumnMask) -> Vec<String> {
    let mask = column.definition;
    let words = ["member", "part"].map(|name| column.params.text(name));
    let by_word = words.into_iter().flatten().chain([mask.name]);
    let known = by_word.filter_map(|word| ORIGINALS.iter().find(|(known, _)| *known == word)).map(|(_, text)| *text);
    let same = |example: &&crate::mask::Example| example.params_of(mask).is_ok_and(|params| params == column.params);
    let (alike, others): (Vec<_>, Vec<_>) = mask.examples.iter().partition(same);
    let mut originals: Vec<String> = alike.iter().map(|example| example.cell.to_owned()).collect();
    originals.extend(known.map(str::to_owned));
    originals.extend([(mask.sample)(1042), (mask.sample)(7)]);
    originals.extend(others.iter().map(|example| example.cell.to_owned()));
    originals.extend(["1042", "2024-03-11", "2024-03-11 09:30:00", "{}", "Maria Garcia"].map(str::to_owned));
    originals
}

fn shown(column: &ColumnMask, family: Family, original: &str, masked: Option<&Batch>) -> Option<Sample> {
    let number = original.parse::<i64>().is_ok();
    let kind = match family {
        Family::Integer if number => CellKind::Integer,
        Family::Integer | Family::Numeric | Family::Real if original.parse::<f64>().is_err() => return None,
        Family::Date | Family::Timestamp if !original.starts_with(|c: char| c.is_ascii_digit()) => return None,
        Family::Blob => CellKind::Blob,
        _ => CellKind::Text,
    };
    let cell = Cell { kind, bytes: original.as_bytes() };
    if let Some(many) = column.mask.learner() {
        many.learn(cell, None).ok()?;
        (0..9).try_for_each(|number| many.learn(Cell::text(&(column.definition.sample)(number)), None)).ok()?;
        many.learned().ok()?;
    }
    let subject = column.subject.map(|_| SUBJECT);
    let row = Row { subject, masked: masked.map(|batch| (batch, 0)), ..Row::NONE };
    let mut out = Vec::new();
    let after = match column.mask.mask(cell, &row, &mut out).ok()? {
        CellKind::Null => "NULL".to_owned(),
        CellKind::Blob => format!("({} bytes)", out.len()),
        _ => String::from_utf8(out).ok()?,
    };
    let before = if kind == CellKind::Blob { format!("({} bytes)", original.len()) } else { cut(original) };
    Some(Sample { before, after: cut(&after) })
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
