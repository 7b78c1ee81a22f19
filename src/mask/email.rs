//! `email`: an address under a domain that is reserved for examples, told apart by 80 keyed bits.

use super::prelude::*;
use super::{dictionary, token};
use std::sync::OnceLock;

/// Reserved by RFC 2606: mail to them reaches nobody.
const DOMAINS: [&str; 3] = ["@example.com", "@example.org", "@example.net"];
/// The tag and the longest domain.
const LEAST: usize = 16 + 12;

pub(super) static DEFINITION: Definition = Definition {
    name: "email",
    about: "Replaces an email with `first.last.<tag>@example.com`, `.org` or `.net`; upper and lower case are the same email.",
    version: 1,
    params: &[],
    accepts: &[Family::Text],
    unique: Uniqueness::Tagged,
    determinism: Determinism::Value,
    strength: Strength::Pseudonym,
    keeps_original: false,
    takes_empty: false,
    takes_subject: true,
    domain: "person.email",
    scan: |_| Scan::Identifier,
    build: |site, _: &Params| build(site),
    examples: &[Example::plain("maria.garcia@mail.test")],
    teaches: |_| Teaches::Whole,
    sample: |number| format!("person{number}@corp.test"),
    ..Definition::BASE
};

struct Email {
    key: DomainKey,
    /// Characters for the names and their dots.
    names: usize,
    unique: bool,
}

fn build(site: &Site) -> Result<Box<dyn Mask>> {
    let Some(names) = site.room().checked_sub(LEAST) else {
        return Err(Error::policy(format!(
            "mask email needs a column of {LEAST} characters, and there are {}",
            site.room()
        ))
        .hint("Use `token` or `hash`, or give the column a domain of its own if another one of its domain is short."));
    };
    Ok(Box::new(Email { key: site.key.clone(), names, unique: site.unique }))
}

/// The names of both lists as an address spells them, each with the full stop behind it.
fn name_parts() -> &'static [Vec<Vec<u8>>; 2] {
    static PARTS: OnceLock<[Vec<Vec<u8>>; 2]> = OnceLock::new();
    PARTS.get_or_init(|| {
        [dictionary::FIRST_NAMES, dictionary::LAST_NAMES].map(|list| {
            let spelled = |name: &&str| {
                let letters = name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase());
                letters.chain([b'.']).collect()
            };
            list.iter().map(spelled).collect()
        })
    })
}

impl Mask for Email {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text(cell)?;
        let ask = Ask { role: Role::Person, form: Form::Email, value, subject: row.subject };
        let start = out.len();
        let kind = until_different(value, out, |attempt, out| {
            let draw = self.key.draw(&ask, attempt, out);
            let start = out.len();
            for (at, list) in name_parts().iter().enumerate() {
                out.extend_from_slice(&list[draw.index(at, list.len())]);
            }
            if out.len() - start > self.names {
                out.truncate(start + self.names.saturating_sub(1));
                if out.len() > start && out.last() != Some(&b'.') {
                    out.push(b'.');
                }
            }
            token::base32(&draw.bytes()[16..16 + token::TAG], out);
            let domain = DOMAINS[usize::from(draw.bytes()[26]) % DOMAINS.len()];
            out.extend_from_slice(domain.as_bytes());
        })?;
        if self.unique && row.subject.is_none() {
            self.mark_spelling(value, out, start);
        }
        Ok(kind)
    }
}

impl Email {
    /// In a unique column that tells `A@x` from `a@x`, both must stay apart: another spelling than the canonical one
    /// gets the same fake with some letters upper-case, chosen by the exact bytes.
    fn mark_spelling(&self, value: &[u8], out: &mut Vec<u8>, start: usize) {
        let end = out.len();
        canonical::append(Form::Email, value, out);
        let canonical = out[end..] == *value;
        out.truncate(end);
        if canonical {
            return;
        }
        let mut bits = self.key.prf(Role::Spelling, &[value]).word(0);
        // The letters before the domain; the first one always, so that no spelling looks like the canonical one.
        let local = out[start..].iter().position(|byte| *byte == b'@').unwrap_or(0);
        let mut first = true;
        for letter in out[start..start + local].iter_mut().filter(|byte| byte.is_ascii_lowercase()) {
            if first || bits & 1 == 1 {
                letter.make_ascii_uppercase();
            }
            first = false;
            bits >>= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(max_chars: Option<u32>, unique: bool, value: &str) -> String {
        let mask = build(&Site { max_chars, unique, ..Site::for_tests("email") }).unwrap();
        let mut out = Vec::new();
        mask.mask(Cell::text(value), &Row::NONE, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn short_columns_lose_the_name_but_never_the_tag() {
        assert!(build(&Site { max_chars: Some(27), ..Site::for_tests("email") }).is_err());
        for room in 28..60 {
            let masked = mask(Some(room), false, "ann@corp.test");
            let (local, domain) = masked.split_once('@').unwrap();
            assert!(masked.len() <= room as usize && DOMAINS.iter().any(|known| known[1..] == *domain), "{masked}");
            assert!(local.rsplit('.').next().unwrap().len() == 16 && !local.starts_with('.'), "{masked}");
            assert!(!local.contains(".."), "{masked}");
        }
    }

    #[test]
    fn spellings_agree_but_stay_apart_where_the_column_is_unique() {
        assert_eq!(mask(None, false, "Ann@Corp.test"), mask(None, false, " ann@corp.test"));
        let spellings = ["ann@corp.test", "Ann@corp.test", "ANN@corp.test", "ann@corp.test "];
        let masked: Vec<String> = spellings.iter().map(|value| mask(None, true, value)).collect();
        for (at, one) in masked.iter().enumerate() {
            assert!(masked[at + 1..].iter().all(|other| other != one));
            assert_eq!(one.to_lowercase(), masked[0]);
        }
        assert_eq!(masked[0], mask(None, false, "ann@corp.test"));
    }
}
