//! `docs/makers.md`, rendered from the table of makers so that it cannot go stale.

use super::makers::{self, Make, Maker};
use super::{Row, Subject};
use crate::generate::draw::Draw;
use std::fmt::Write as _;

/// The whole document.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from(
        "# Makers\n\n\
         <!-- Rendered from the table of makers; a test compares. To renew it: TERP_BLESS=1 cargo nextest run --lib field::docs -->\n\n\
         What `generate` puts into a column is made by a *maker*. Its name is chosen by the words of the column's name, of which a\n\
         longer phrase says more than a short one and the last word more than the first, by what `detect` guesses of it, and for\n\
         columns that are called `name` by what the table holds. Type, length, CHECKs and collation bind every maker; a column that\n\
         nothing here fits gets a cell of its type. A profile overrides all of it per column.\n\n\
         Nobody can be mailed, called, charged or found by what is made: addresses end in a reserved domain, telephone numbers are\n\
         those of fiction or begin with what no number begins with, social security numbers are never issued, cards are for tests,\n\
         accounts belong to no bank, wallets have a wrong check sum, IP addresses are of documents or private networks, and no\n\
         password leads to a hash.\n\n",
    );
    for (title, about, is_of) in FAMILIES {
        let written = write!(
            text,
            "## {title}\n\n{about}\n\n| maker | for columns such as | for example | NULL |\n|---|---|---|---|\n"
        );
        debug_assert!(written.is_ok());
        text.extend(makers::all().filter(|maker| is_of(&maker.make)).map(line));
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

type Family = (&'static str, &'static str, fn(&Make) -> bool);

static FAMILIES: &[Family] = &[
    (
        "Texts",
        "People, companies and addresses follow from whom the row is about, so that they agree everywhere.",
        |make| matches!(make, Make::Text(..) | Make::List(_)),
    ),
    ("Numbers", "Usual ranges; conditions narrow them, and a column that must differ may leave them.", |make| {
        matches!(make, Make::Number(_))
    }),
    ("Totals", "What other columns of the row come to, where there are such columns.", |make| {
        matches!(make, Make::Total(_))
    }),
    ("Flags", "How often true.", |make| matches!(make, Make::Flag(_))),
    (
        "Dates and times",
        "Each after what comes before it in the row; what tells of the past lies before the present of the made-up world.",
        |make| matches!(make, Make::When(_)),
    ),
    ("JSON", "Shapes by name.", |make| matches!(make, Make::Json(_))),
];

fn line(maker: &Maker) -> String {
    let names: Vec<String> = maker.words.iter().take(4).map(|words| format!("`{}`", words.replace(' ', "_"))).collect();
    format!("| {} | {} | {} | {} % |\n", maker.name, names.join(", "), example(&maker.make), maker.null)
}

/// What it makes, or by what.
fn example(make: &Make) -> String {
    let row = Row { number: 0, cells: &[], subject: Subject(1), people: &[Subject(1)] };
    let mut draw = Draw::of(3);
    let hundredths = |number: i64| format!("{}", crate::generate::value::Number::new(number.into(), 2).real());
    match make {
        Make::Text(write, _) => {
            let mut out = String::new();
            let now = 1_767_182_400_000_000;
            write(&mut makers::Ink { out: &mut out, draw: &mut draw, row: &row, room: 60, noun: "warehouse", now });
            format!("`{out}`")
        }
        Make::List(list) => list.iter().take(3).map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", "),
        Make::Number(usual) => format!("{} to {}", hundredths(usual.near), hundredths(usual.far)),
        Make::Total(total) => {
            let first = total.sums.first().copied().unwrap_or_default();
            first
                .iter()
                .map(|(name, how)| format!("{}{name}", how.sign()))
                .collect::<Vec<_>>()
                .join(" ")
                .trim_start_matches(['+', '×', ' '])
                .to_owned()
        }
        Make::Flag(share) => format!("{:.0} %", share * 100.0),
        Make::When(role) if role.after.is_empty() => {
            format!("{} to {} days ago", role.days_ago.0, role.days_ago.1)
        }
        Make::When(role) => format!("after {}", role.after.join(", ")),
        Make::Json(shape) => {
            let mut out = String::new();
            shape(&row, &mut draw).push(&mut out);
            format!("`{out}`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/makers.md");
        if std::env::var_os("TERP_BLESS").is_some() {
            std::fs::write(path, markdown()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == markdown(), "docs/makers.md is not what the table says; its head tells how to renew it");
    }
}
