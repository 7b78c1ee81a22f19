//! What the masks of names share: a dictionary's words that fit the column, chosen by one draw, so that first name, last
//! name and full name of one value or subject agree.

use super::dictionary::{self, LOCALES, Names};
use super::drawn::drawn;
use super::prelude::*;

/// The parameter that every mask of names takes.
pub(super) const LOCALE: Param = Param {
    name: "locale",
    about: "Where the names are from; masks of one person agree if they name the same one.",
    kind: ParamKind::Choice(LOCALES),
    default: "en",
};

/// What is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    First,
    Last,
    Full,
}

/// Fewer words are no choice.
const LEAST: usize = 10;

/// The names that `params` choose.
pub(super) fn names(params: &Params) -> &'static Names {
    params.text("locale").and_then(dictionary::names).unwrap_or(&dictionary::ENGLISH)
}

/// The words of a list with at most `room` characters that the column can hold.
pub(super) fn fitting(list: &'static [&'static str], room: usize, site: &Site) -> Vec<&'static str> {
    let mut words = dictionary::fitting(list, room);
    words.retain(|word| site.charset.holds(word));
    words
}

/// Builds the mask `definition`, which writes `part` of a name.
pub(super) fn build(
    definition: &'static Definition,
    site: &Site,
    params: &Params,
    part: Part,
) -> Result<Box<dyn Mask>> {
    let names = names(params);
    let (room, rooms) = (site.room(), site.name_rooms);
    // Two characters for the comma and the space; the rest is shared.
    let shared = room.saturating_sub(2);
    let (first, last) = match part {
        Part::Full => (shared / 2, shared - shared / 2),
        Part::First | Part::Last => (room, room),
    };
    let first = fitting(names.first, first.min(rooms.0), site);
    let last = fitting(names.last, last.min(rooms.1), site);
    if (part != Part::Last && first.len() < LEAST) || (part != Part::First && last.len() < LEAST) {
        let kind = match part {
            Part::First => "first",
            Part::Last => "last",
            Part::Full => "full",
        };
        let hint = if site.charset.holds(names.first[0]) && site.charset.holds(names.last[0]) {
            "Use `hash`, `fixed` or `null`."
        } else {
            "The column's character set lacks the letters of that locale: leave `locale` out, or use `hash`."
        };
        return Err(Error::policy(format!("the column is too short for {kind} names")).hint(hint));
    }
    let form = if part == Part::Full { Form::Name } else { Form::Text };
    drawn(definition, site, Role::Person, form, move |draw, value, out| {
        let first = || first[draw.index(0, first.len())];
        let last = || last[draw.index(1, last.len())];
        match part {
            Part::First => out.extend_from_slice(first().as_bytes()),
            Part::Last => out.extend_from_slice(last().as_bytes()),
            Part::Full => names.join(first(), last(), value.contains(&b','), out),
        }
    })
}

/// Whether every word of `text` is one that masks of names write.
pub(super) fn could_write(params: &Params, text: &str) -> bool {
    let locale = params.text("locale").unwrap_or(LOCALES[0]);
    let known = |word: &str| {
        let word = word.to_lowercase();
        if locale == LOCALES[0] {
            dictionary::knows(word.as_bytes())
        } else {
            dictionary::knows_in(locale, word.as_bytes())
        }
    };
    // Some locales put no space between the names.
    let joined = |word: &str| word.char_indices().skip(1).any(|(at, _)| known(&word[..at]) && known(&word[at..]));
    let mut words = text.split([' ', ',']).filter(|word| !word.is_empty()).peekable();
    words.peek().is_some() && words.all(|word| known(word) || joined(word))
}

/// Appends the letters of a name as handles and addresses spell them: lower-case ASCII, without accents. The first one is
/// the initial.
pub(super) fn plain(name: &str, out: &mut Vec<u8>) {
    use unicode_normalization::UnicodeNormalization;
    let letters = name.nfkd().filter(char::is_ascii_alphanumeric);
    out.extend(letters.filter_map(|c| u8::try_from(c.to_ascii_lowercase()).ok()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::{Charset, find};

    fn mask(name: &str, locale: &'static str, site: &Site, cell: &str) -> Option<String> {
        let definition = find(name).unwrap();
        let params = Params::new(definition, [("locale".to_owned(), Value::text(locale))]).unwrap();
        let mask = (definition.build)(site, &params).ok()?;
        let mut out = Vec::new();
        mask.mask(Cell::text(cell), &Row::of(Some(Cell::text("17"))), &mut out).unwrap();
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_names_of_a_subject_agree_in_every_locale() {
        let site = Site::for_tests("names");
        for locale in LOCALES {
            let [first, last, full, turned] =
                [("first_name", "x"), ("last_name", "x"), ("full_name", "x"), ("full_name", "x, y")]
                    .map(|(name, cell)| mask(name, locale, &site, cell).unwrap());
            let want = match *locale {
                "zh_cn" | "zh_tw" => format!("{last}{first}"),
                "ja_jp" => format!("{last} {first}"),
                _ => format!("{first} {last}"),
            };
            let definition = find("full_name").unwrap();
            let params = Params::new(definition, [("locale".to_owned(), Value::text(locale))]).unwrap();
            for name in [&first, &last, &full, &turned] {
                assert!(could_write(&params, name) && !could_write(&params, &format!("{name} Qxz")), "{name}");
            }
            assert_eq!((full, turned), (want, format!("{last}, {first}")), "{locale}");
        }
    }

    #[test]
    fn only_words_that_the_column_holds_are_chosen() {
        for locale in LOCALES {
            for charset in [Charset::Ascii, Charset::Latin1, Charset::Basic] {
                let site = Site { charset, max_chars: Some(18), ..Site::for_tests("names") };
                let Some(masked) = mask("full_name", locale, &site, "x") else {
                    assert!(charset != Charset::Basic, "{locale}");
                    continue;
                };
                assert!(charset.holds(&masked) && masked.chars().count() <= 18, "{locale}: {masked}");
            }
        }
        let ascii = Site { charset: Charset::Ascii, ..Site::for_tests("names") };
        assert!(mask("full_name", "ja_jp", &ascii, "x").is_none());
        assert!(mask("full_name", "de_de", &ascii, "x").is_some());
    }

    #[test]
    fn rooms_of_a_persona_bind_the_parts() {
        let site = Site { name_rooms: (5, 6), ..Site::for_tests("names") };
        let full = mask("full_name", "en", &site, "x").unwrap();
        let (first, last) = full.split_once(' ').unwrap();
        assert!(first.len() <= 5 && last.len() <= 6, "{full}");
        let short = Site { max_chars: Some(5), ..site.clone() };
        assert_eq!(mask("first_name", "en", &short, "x").unwrap(), first);
    }

    #[test]
    fn plain_letters_are_ascii() {
        let mut out = Vec::new();
        for name in ["O'Keefe", "Özdemir", "佐藤", "van den Berg"] {
            plain(name, &mut out);
        }
        assert_eq!(out, b"okeefeozdemirvandenberg");
    }
}
