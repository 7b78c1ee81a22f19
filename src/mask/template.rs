//! `template`: a text made of the row's other masked cells.

use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "template",
    about: "Writes a text made of other columns of the row as they are after masking, such as `{first_name:lower}.{last_name:plain}@example.com`.",
    params: &[Param {
        name: "template",
        about: "The text. `{column}` is the masked cell, or nothing where that is NULL; `{column:filter}` changes it: `lower`, `upper`, `plain` (ASCII letters and digits, lower-case), `initial` (the first character), one behind the other. `{{` is a brace.",
        kind: ParamKind::Text,
        default: "required",
    }],
    determinism: Determinism::Row,
    scan: |_| Scan::FreeText,
    build,
    examples: &[Example {
        params: || vec![("template", Value::text("{first_name:initial:lower}.{last_name:plain}@example.com"))],
        cell: "maria.garcia@mail.test",
    }],
    after: true,
    could_write: Some(|params, text| {
        parse(params.text("template").unwrap_or_default(), &[]).is_ok_and(|pieces| literals_stand_in(&pieces, text))
    }),
    ..Definition::BASE
};

enum Piece {
    Text(String),
    /// A cell of the row, and what is done to it in this order.
    Cell(usize, Vec<Filter>),
}

#[derive(Clone, Copy)]
enum Filter {
    Lower,
    Upper,
    Plain,
    Initial,
}

const FILTERS: [(&str, Filter); 4] =
    [("lower", Filter::Lower), ("upper", Filter::Upper), ("plain", Filter::Plain), ("initial", Filter::Initial)];

struct Template {
    pieces: Vec<Piece>,
    room: usize,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let Some(template) = params.text("template") else {
        return Err(Error::policy("mask template needs a template")
            .hint("Write { mask = \"template\", template = \"{first_name} {last_name}\" }."));
    };
    let pieces = parse(template, &site.cells).map_err(|(what, hint)| Error::policy(what).hint(hint))?;
    if !pieces.iter().any(|piece| matches!(piece, Piece::Cell(..))) {
        return Err(Error::policy("the template names no column").hint("Use `fixed` to write the same into every row."));
    }
    Ok(Box::new(Template { pieces, room: site.room() }))
}

/// Reads a template whose columns are among `cells`; any column will do if there are none. Else, what is wrong and what to
/// write instead.
fn parse(template: &str, cells: &[String]) -> std::result::Result<Vec<Piece>, (String, String)> {
    let (mut pieces, mut text, mut rest) = (Vec::new(), String::new(), template);
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let (brace, behind) = rest[at..].split_at(1);
        if let Some(behind) = behind.strip_prefix(brace) {
            text.push_str(brace);
            rest = behind;
            continue;
        }
        let (Some(end), "{") = (behind.find('}'), brace) else {
            let hint = "Write {column} with both braces, and {{ or }} for a brace itself.";
            return Err(("the template has a brace without the other one".to_owned(), hint.to_owned()));
        };
        let mut parts = behind[..end].split(':');
        let name = parts.next().unwrap_or_default();
        let known = cells.iter().position(|cell| cell == name);
        let Some(cell) = known.or(cells.is_empty().then_some(0)) else {
            let what = format!("the template names '{}', which is no column of the row", name.escape_debug());
            return Err((what, format!("The columns are {}.", cells.join(", "))));
        };
        let filters = parts.map(|word| {
            let known = FILTERS.iter().find(|(name, _)| *name == word).map(|(_, filter)| *filter);
            known.ok_or_else(|| {
                let names = FILTERS.map(|(name, _)| name).join(", ");
                (
                    format!("the template has an unknown filter '{}'", word.escape_debug()),
                    format!("The filters are {names}."),
                )
            })
        });
        let filters = filters.collect::<std::result::Result<_, _>>()?;
        pieces.extend((!text.is_empty()).then(|| Piece::Text(std::mem::take(&mut text))));
        pieces.push(Piece::Cell(cell, filters));
        rest = &behind[end + 1..];
    }
    text.push_str(rest);
    pieces.extend((!text.is_empty()).then_some(Piece::Text(text)));
    Ok(pieces)
}

/// Whether `text` has the template's own texts in their order, at both ends where the template has them there.
fn literals_stand_in(pieces: &[Piece], text: &str) -> bool {
    let mut rest = text;
    for (at, piece) in pieces.iter().enumerate() {
        let Piece::Text(literal) = piece else {
            continue;
        };
        let (first, last) = (at == 0, at + 1 == pieces.len());
        let found = match (first, last) {
            (true, true) => (rest == literal).then_some(rest.len()),
            (true, false) => rest.starts_with(literal.as_str()).then_some(literal.len()),
            (false, true) => rest.ends_with(literal.as_str()).then_some(rest.len()),
            (false, false) => rest.find(literal.as_str()).map(|at| at + literal.len()),
        };
        let Some(end) = found else { return false };
        rest = &rest[end..];
    }
    true
}

impl Mask for Template {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let Some((masked, at)) = row.masked else {
            return Err(Misfit("a template can only be filled in where the row's other cells are masked"));
        };
        let start = out.len();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Cell(column, filters) => {
                    let text = masked.cell(at, *column).bytes;
                    let text = filters
                        .iter()
                        .fold(String::from_utf8_lossy(text).into_owned(), |text, filter| filter.apply(&text));
                    out.extend_from_slice(text.as_bytes());
                }
            }
        }
        if canonical::chars(&out[start..]) > self.room {
            return Err(Misfit("the text that the template makes is longer than the column"));
        }
        if canonical::alike(cell.bytes, &out[start..]) {
            return Err(Misfit("the text that the template makes is the original"));
        }
        Ok(CellKind::Text)
    }
}

impl Filter {
    fn apply(self, text: &str) -> String {
        match self {
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
            Self::Initial => text.chars().take(1).collect(),
            Self::Plain => {
                let mut out = Vec::new();
                super::names::plain(text, &mut out);
                String::from_utf8_lossy(&out).into_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::Batch;

    fn params(template: &'static str) -> Params {
        Params::new(&DEFINITION, [("template".to_owned(), Value::text(template))]).unwrap()
    }

    fn site() -> Site {
        Site {
            cells: ["id", "first", "last", "mail"].map(str::to_owned).to_vec(),
            max_chars: Some(30),
            ..Site::for_tests("")
        }
    }

    fn masked(template: &'static str, original: &str) -> std::result::Result<String, Misfit> {
        let mut batch = Batch::new(4);
        for cell in
            [Cell { kind: CellKind::Integer, bytes: b"7" }, Cell::text("Zoë"), Cell::text("O'Neil Ray"), Cell::NULL]
        {
            batch.push(cell);
        }
        let row = Row { masked: Some((&batch, 0)), ..Row::NONE };
        let mut out = Vec::new();
        build(&site(), &params(template)).unwrap().mask(Cell::text(original), &row, &mut out)?;
        let text = String::from_utf8(out).unwrap();
        assert!((DEFINITION.could_write.unwrap())(&params(template), &text), "{text}");
        Ok(text)
    }

    #[test]
    fn masked_cells_are_filled_in_and_filtered() {
        assert_eq!(masked("{first} {last}", "x").unwrap(), "Zoë O'Neil Ray");
        assert_eq!(masked("{first:plain}.{last:plain}@example.com", "x").unwrap(), "zoe.oneilray@example.com");
        assert_eq!(masked("{first:initial:lower}{last:upper} ({id})", "x").unwrap(), "zO'NEIL RAY (7)");
        assert_eq!(masked("{{{id}}} {mail}|", "x").unwrap(), "{7} |");
        assert_eq!(masked("{mail}{mail}", "x").unwrap(), "");
        assert!(masked("{last}{last}{last}{last}", "x").is_err());
        assert!(masked("{first}", " zoë").is_err() || masked("{first}", "Zoë").is_err());
    }

    #[test]
    fn mistakes_say_what_to_write() {
        for (template, what, hint) in [
            ("{frist} x", "'frist'", "id, first, last, mail"),
            ("{first:title}", "'title'", "lower, upper, plain, initial"),
            ("{first", "brace", "both braces"),
            ("first}", "brace", "both braces"),
            ("Dear customer", "no column", "fixed"),
        ] {
            let error = build(&site(), &params(template)).err().unwrap();
            assert!(error.what().contains(what) && error.hint_text().unwrap().contains(hint), "{error}");
        }
        assert!(build(&site(), &Params::default()).is_err());
        let alone = build(&site(), &params("{id}")).unwrap();
        assert!(alone.mask(Cell::text("x"), &Row::NONE, &mut Vec::new()).is_err());
        assert!(!(DEFINITION.could_write.unwrap())(&params("{first}@example.com"), "maria@mail.test"));
    }
}
