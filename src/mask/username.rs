//! `username`: a handle that agrees with the names and the email of the same subject.

use super::drawn::drawn;
use super::names;
use super::prelude::*;
use super::token::{TAG, base32};

/// Characters of the tag of 80 bits.
const FULL: usize = 16;
/// Characters of the tag where two handles may be the same.
const LEAST: usize = 8;

pub(super) static DEFINITION: Definition = Definition {
    name: "username",
    about: "Replaces a handle with letters of a made-up name and a tag of 80 keyed bits, such as `gh_mvv6kqtomw3jtye2`.",
    params: &[
        Param {
            name: "style",
            about: "What stands before the tag: `initials` (gh), `initial_last` (ghomenick), `first_last` (greyson.homenick), `first` (greyson), `none`.",
            kind: ParamKind::Choice(&["initials", "initial_last", "first_last", "first", "none"]),
            default: "initials",
        },
        Param {
            name: "separator",
            about: "What stands between name and tag.",
            kind: ParamKind::Choice(&["_", ".", "-"]),
            default: "_",
        },
        names::LOCALE,
    ],
    unique: Uniqueness::Tagged,
    takes_subject: true,
    domain: "person.username",
    build,
    examples: &[
        Example::plain("mgarcia84"),
        Example {
            params: || vec![("style", Value::text("first_last")), ("separator", Value::text("."))],
            cell: "mgarcia84",
        },
    ],
    teaches: |_| Teaches::Whole,
    could_write: Some(|_, text| {
        let tag = text.rsplit(['_', '.', '-']).next().unwrap_or_default();
        (LEAST..=FULL).contains(&tag.len()) && tag.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
    }),
    sample: |number| format!("user{number}"),
    ..Definition::BASE
};

#[derive(Clone, Copy)]
enum Style {
    Initials,
    InitialLast,
    FirstLast,
    First,
    Tag,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let least = if site.unique { FULL } else { LEAST };
    let room = site.room();
    if room < least {
        return Err(Error::policy(format!("mask username needs a column of {least} characters, and there are {room}"))
            .hint("Use `hash` with a small length where the column is not unique."));
    }
    let style = match params.text("style") {
        Some("initial_last") => Style::InitialLast,
        Some("first_last") => Style::FirstLast,
        Some("first") => Style::First,
        Some("none") => Style::Tag,
        _ => Style::Initials,
    };
    let separator = params.text("separator").unwrap_or("_").as_bytes()[0];
    // The same words as the names' own masks choose from, or the handle would speak of somebody else.
    let names = names::names(params);
    let first = names::fitting(names.first, site.name_rooms.0, site);
    let last = names::fitting(names.last, site.name_rooms.1, site);
    if first.is_empty() || last.is_empty() {
        return Err(
            Error::policy("the column's character set lacks the letters of that locale").hint("Leave `locale` out.")
        );
    }
    let spelled = |name: &str| {
        let mut letters = Vec::new();
        names::plain(name, &mut letters);
        letters
    };
    let [first, last] = [first, last].map(|list| -> Vec<Vec<u8>> { list.into_iter().map(spelled).collect() });
    drawn(&DEFINITION, site, Role::Person, site.loose_form(), move |draw, _, out| {
        let start = out.len();
        let (first, last) = (&first[draw.index(0, first.len())], &last[draw.index(1, last.len())]);
        match style {
            Style::Initials => out.extend(first.first().into_iter().chain(last.first())),
            Style::InitialLast => out.extend(first.first().into_iter().chain(last)),
            Style::FirstLast => {
                out.extend_from_slice(first);
                out.extend_from_slice(if first.is_empty() || last.is_empty() { b"" } else { b"." });
                out.extend_from_slice(last);
            }
            Style::First => out.extend_from_slice(first),
            Style::Tag => {}
        }
        // The tag comes first when there is little room; a column where two may be the same takes half of it.
        let tag = if room >= FULL { FULL } else { room };
        let name = room.saturating_sub(tag + 1).min(out.len() - start);
        out.truncate(start + name);
        while out.len() > start && out.last() == Some(&b'.') {
            out.pop();
        }
        if out.len() > start {
            out.push(separator);
        }
        let from = out.len();
        base32(&draw.bytes()[16..16 + TAG], out);
        out.truncate(from + tag);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::find;

    fn masked(mask: &str, given: &[(&str, &'static str)], site: &Site) -> String {
        let definition = find(mask).unwrap();
        let given = given.iter().map(|(name, text)| ((*name).to_owned(), Value::text(text)));
        let mask = (definition.build)(site, &Params::new(definition, given).unwrap()).unwrap();
        let mut out = Vec::new();
        mask.mask(Cell::text("x"), &Row::of(Some(Cell::text("17"))), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_handle_agrees_with_the_names_and_the_email_of_its_subject() {
        let site = Site::for_tests("person");
        let plain = |name: &str| masked(name, &[], &site).to_lowercase().replace('\'', "");
        let (first, last, email) = (plain("first_name"), plain("last_name"), plain("email"));
        let tag = email.split('@').next().unwrap().rsplit('.').next().unwrap().to_owned();
        for (style, name) in [
            ("initials", format!("{}{}_", &first[..1], &last[..1])),
            ("initial_last", format!("{}{last}_", &first[..1])),
            ("first_last", format!("{first}.{last}_")),
            ("first", format!("{first}_")),
            ("none", String::new()),
        ] {
            let handle = masked("username", &[("style", style)], &site);
            assert_eq!(handle, format!("{name}{tag}"));
            assert!((DEFINITION.could_write.unwrap())(&Params::default(), &handle));
        }
        assert!(!(DEFINITION.could_write.unwrap())(&Params::default(), "mgarcia84"));
    }

    #[test]
    fn other_alphabets_leave_what_they_have_of_ascii() {
        let site = Site::for_tests("person");
        let handle = masked("username", &[("locale", "ja_jp"), ("style", "first_last")], &site);
        assert_eq!(handle.len(), FULL);
        let handle = masked("username", &[("locale", "de_de"), ("style", "first_last")], &site);
        assert!(handle.is_ascii() && handle.len() > FULL + 4, "{handle}");
    }

    #[test]
    fn short_columns_lose_the_name_before_the_tag() {
        for room in 16..40 {
            let site = Site { max_chars: Some(room), unique: true, ..Site::for_tests("person") };
            let handle = masked("username", &[("style", "first_last")], &site);
            assert!(handle.len() <= room as usize && handle.rsplit('_').next().unwrap().len() == 16, "{handle}");
            assert!(!handle.contains("._") && !handle.starts_with('_'), "{handle}");
        }
        let short = |unique, max| Site { max_chars: Some(max), unique, ..Site::for_tests("person") };
        assert!(build(&short(true, 15), &Params::default()).is_err());
        assert!(
            build(&short(false, 8), &Params::default()).is_ok() && build(&short(false, 7), &Params::default()).is_err()
        );
    }
}
