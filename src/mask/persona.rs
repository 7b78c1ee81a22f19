//! `persona`: one made-up person per subject, whose names, email, username, telephone number, initials and company agree
//! with each other, in every table that reaches the subject.
//!
//! The policy gives all members of a persona the domain of the table where the subject is at home, so that they share a key;
//! which person it is comes from that key and the subject alone. A column that repeats a member without any way to the
//! subject says `by = "value"`: then the masked form of the value that is repeated is looked up among those that the capture
//! has learned.

use super::dictionary::Names;
use super::prelude::*;
use super::{find, names, token};

/// Reserved by RFC 2606: mail to them reaches nobody.
const DOMAINS: [&str; 3] = ["@example.com", "@example.org", "@example.net"];
/// What a company of two people may call itself.
const BUSINESSES: [&str; 8] = ["Trading", "Supply", "Holdings", "Partners", "Works", "Logistics", "Foods", "Group"];
/// Characters of the tag that tells persons of one name apart: 80 bits.
const TAG: usize = 16;

pub(super) static DEFINITION: Definition = Definition {
    name: "persona",
    about: "Replaces what names a person by one made-up person per subject, whose names, email, username, phone, initials and company agree in all tables.",
    version: 1,
    params: &[
        Param {
            name: "member",
            about: "What the column holds.",
            kind: ParamKind::Choice(&[
                "first_name",
                "last_name",
                "full_name",
                "initials",
                "email",
                "username",
                "phone",
                "company",
            ]),
            default: "full_name",
        },
        names::LOCALE,
        Param {
            name: "by",
            about: "`subject`: the subject decides, or the value where no subject is named. `value`: the column repeats a value of another column, and gets the same masked form.",
            kind: ParamKind::Choice(&["subject", "value"]),
            default: "subject",
        },
    ],
    accepts: &[Family::Text],
    unique: Uniqueness::Tagged,
    takes_subject: true,
    domain: "person",
    scan: |params| match params.text("member") {
        Some("first_name" | "last_name" | "initials") => Scan::FreeText,
        _ => Scan::Identifier,
    },
    build,
    examples: &[
        Example { params: || vec![("member", Value::text("email"))], cell: "maria.garcia@mail.test" },
        Example::plain("Maria Garcia"),
        Example { params: || vec![("member", Value::text("initials"))], cell: "M.G." },
        Example { params: || vec![("member", Value::text("company"))], cell: "Garcia Holdings" },
    ],
    teaches: |params| match params.text("member") {
        _ if copies(params) => Teaches::Nothing,
        None | Some("full_name") => Teaches::Name,
        Some("initials") => Teaches::Nothing,
        _ => Teaches::Whole,
    },
    asks: copies,
    could_write: Some(|params, text| match params.text("member") {
        Some("email") => DOMAINS.iter().any(|domain| text.to_ascii_lowercase().ends_with(domain)),
        _ => true,
    }),
    sample: |number| format!("person{number}@corp.test"),
    ..Definition::BASE
};

fn copies(params: &Params) -> bool {
    params.text("by") == Some("value")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    First,
    Last,
    Full,
    Initials,
    Email,
    Username,
    Company,
}

struct Persona {
    key: DomainKey,
    member: Member,
    names: &'static Names,
    first: Vec<&'static str>,
    last: Vec<&'static str>,
    room: usize,
    copies: bool,
    /// Where the same value is compared without regard to case, the original is too.
    form: Form,
}

/// A telephone number of the persona, with the shape of the original.
struct Phone(Box<dyn Mask>, bool);

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let word = params.text("member").unwrap_or("full_name");
    let member = match word {
        "first_name" => Member::First,
        "last_name" => Member::Last,
        "initials" => Member::Initials,
        "email" => Member::Email,
        "username" => Member::Username,
        "company" => Member::Company,
        "phone" => {
            let phone = find("phone").ok_or_else(|| Error::internal("there is no mask for telephone numbers"))?;
            return Ok(Box::new(Phone((phone.build)(site, &Params::default())?, copies(params))));
        }
        _ => Member::Full,
    };
    if site.unique && !matches!(member, Member::Email | Member::Username) {
        return Err(Error::policy(format!(
            "the {word} of a persona cannot differ in every row, and the column is unique"
        ))
        .hint("Use `token` or `hash`, or keep the column; email and username of a persona do differ."));
    }
    let names = names::names(params);
    let (room, mut rooms) = (site.room(), site.name_rooms);
    let own = match member {
        Member::First | Member::Last => (room, room),
        Member::Full => (room.saturating_sub(2) / 2, room.saturating_sub(2) - room.saturating_sub(2) / 2),
        _ => rooms,
    };
    rooms = (rooms.0.min(own.0), rooms.1.min(own.1));
    let first = names::fitting(names.first, rooms.0, site);
    let last = names::fitting(names.last, rooms.1, site);
    let least = match member {
        Member::First | Member::Last => 3,
        Member::Full | Member::Company => 8,
        Member::Initials => 2,
        Member::Email => TAG + 12,
        Member::Username => TAG,
    };
    if site.room() < least || first.len() < 10 || last.len() < 10 {
        let what =
            format!("the columns of this persona leave too little room for its {word}, or lack the locale's letters");
        return Err(Error::policy(what).hint(format!(
            "A {word} needs {least} characters, names at least 4; give a short column `hash`, `fixed` or `null`, or leave `locale` out."
        )));
    }
    let form = if member == Member::Email { Form::Email } else { Form::Name };
    Ok(Box::new(Persona {
        key: site.key.clone(),
        member,
        names,
        first,
        last,
        room: site.room(),
        copies: copies(params),
        form,
    }))
}

/// The masked form of a value that another column holds.
fn copied(cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Option<CellKind> {
    let masked = row.known.masked(cell.bytes, row.subject)?;
    out.extend_from_slice(masked);
    Some(CellKind::Text)
}

impl Mask for Phone {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        if let Some(kind) = self.1.then(|| copied(cell, row, out)).flatten() {
            return Ok(kind);
        }
        self.0.mask(cell, row, out)
    }
}

impl Mask for Persona {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text(cell)?;
        if let Some(kind) = self.copies.then(|| copied(cell, row, out)).flatten() {
            return Ok(kind);
        }
        let ask = Ask { role: Role::Person, form: self.form, value, subject: row.subject };
        // The person stays; only where a part of the name happens to be the original, that part is another one here.
        let draw = self.key.draw(&ask, 0, out);
        until_different(value, out, |attempt, out| self.write(&draw, usize::from(attempt), value, out))
    }
}

impl Persona {
    fn write(&self, draw: &Draw, attempt: usize, original: &[u8], out: &mut Vec<u8>) {
        let pick = |list: &[&'static str], at: usize| list[(draw.index(at, list.len()) + attempt) % list.len()];
        let (first, last) = (pick(&self.first, 0), pick(&self.last, 1));
        match self.member {
            Member::First => out.extend_from_slice(first.as_bytes()),
            Member::Last => out.extend_from_slice(last.as_bytes()),
            Member::Full => self.names.join(first, last, original.contains(&b','), out),
            Member::Initials => initials(first, last, original, self.room, out),
            Member::Email => {
                let tag = &draw.bytes()[16..26];
                local(first, last, b'.', self.room - TAG - 12, out);
                token::base32(&salted(tag, attempt), out);
                out.extend_from_slice(DOMAINS[usize::from(draw.bytes()[26]) % DOMAINS.len()].as_bytes());
            }
            Member::Username => {
                local(
                    first.get(..first.chars().next().map_or(0, char::len_utf8)).unwrap_or(first),
                    last,
                    b'_',
                    self.room - TAG,
                    out,
                );
                token::base32(&salted(&draw.bytes()[16..26], attempt), out);
            }
            Member::Company => {
                let (start, other) = (out.len(), pick(&self.last, 2));
                let kind = BUSINESSES[(usize::from(draw.bytes()[27]) + attempt) % BUSINESSES.len()];
                out.extend_from_slice(format!("{last} & {other} {kind}").as_bytes());
                if canonical::chars(&out[start..]) > self.room {
                    out.truncate(start);
                    out.extend(last.chars().take(self.room).collect::<String>().bytes());
                }
            }
        }
    }
}

/// `first.last.` in plain letters, cut to `room` characters, its separator at the end if there is anything.
fn local(first: &str, last: &str, separator: u8, room: usize, out: &mut Vec<u8>) {
    let start = out.len();
    for part in [first, last] {
        let before = out.len();
        names::plain(part, out);
        if out.len() > before {
            out.push(separator);
        }
    }
    if out.len() - start > room {
        out.truncate(start + room.saturating_sub(1));
        if out.len() > start && out.last() != Some(&separator) {
            out.push(separator);
        }
    }
}

/// Another tag for another attempt.
fn salted(tag: &[u8], attempt: usize) -> Vec<u8> {
    let mut tag = tag.to_vec();
    if let Some(last) = tag.last_mut() {
        *last ^= u8::try_from(attempt).unwrap_or(0);
    }
    tag
}

/// Initials in the manner of the original: `MG`, `M.G.`, `M. G.`.
fn initials(first: &str, last: &str, original: &[u8], room: usize, out: &mut Vec<u8>) {
    let dots = original.contains(&b'.') && room >= 4;
    let space = if original.contains(&b' ') && room >= 5 { " " } else { "" };
    let letter = |name: &str| name.chars().next().map(String::from).unwrap_or_default();
    let dot = if dots { "." } else { "" };
    out.extend_from_slice(format!("{}{dot}{space}{}{dot}", letter(first), letter(last)).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &'static str, site: &Site, cell: &str, subject: &str) -> String {
        let params = Params::new(&DEFINITION, [("member".to_owned(), Value::text(name))]).unwrap();
        let mut out = Vec::new();
        build(site, &params).unwrap().mask(Cell::text(cell), &Row::of(Some(Cell::text(subject))), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_members_of_one_subject_agree() {
        let site = Site::for_tests("person");
        let plain = |name: &str| name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "");
        for subject in 0..300 {
            let subject = subject.to_string();
            let of = |name, cell| member(name, &site, cell, &subject);
            let (first, last) = (of("first_name", "x"), of("last_name", "x"));
            assert_eq!(of("full_name", "x"), format!("{first} {last}"));
            assert_eq!(of("full_name", "x, y"), format!("{last}, {first}"));
            assert!(of("email", "x@y.test").starts_with(&format!("{}.{}.", plain(&first), plain(&last))));
            assert!(of("username", "x").starts_with(&format!("{}_{}_", plain(&first[..1]), plain(&last))));
            assert_eq!(of("initials", "x.y."), format!("{}.{}.", &first[..1], &last[..1]));
            assert!(of("company", "x").starts_with(&last));
            assert_eq!(of("phone", "(415) 867-5309"), of("phone", "(212) 111-2222"));
        }
        assert_ne!(member("full_name", &site, "x", "1"), member("full_name", &site, "x", "2"));
    }

    #[test]
    fn short_columns_bind_the_whole_persona() {
        let site = Site { name_rooms: (5, 6), ..Site::for_tests("person") };
        for subject in 0..200 {
            let first = member("first_name", &site, "x", &subject.to_string());
            assert!(
                first.len() <= 5
                    && member("email", &site, "x@y.test", &subject.to_string()).starts_with(&first.to_lowercase())
            );
        }
        let narrow = Site { max_chars: Some(20), ..Site::for_tests("person") };
        let params = Params::new(&DEFINITION, [("member".to_owned(), Value::text("email"))]).unwrap();
        assert!(build(&narrow, &params).err().unwrap().what().contains("too little room for its email"));
        for room in 28..50 {
            let site = Site { max_chars: Some(room), ..Site::for_tests("person") };
            let email = member("email", &site, "x@y.test", "7");
            assert!(email.len() <= room as usize && !email.contains("..") && !email.starts_with('.'), "{email}");
        }
    }

    #[test]
    fn unique_columns_take_email_and_username_only() {
        let site = Site { unique: true, ..Site::for_tests("person") };
        for (name, fine) in [("email", true), ("username", true), ("full_name", false), ("company", false)] {
            let params = Params::new(&DEFINITION, [("member".to_owned(), Value::text(name))]).unwrap();
            assert_eq!(build(&site, &params).is_ok(), fine, "{name}");
        }
    }
}
