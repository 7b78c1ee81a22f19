//! `last_name`: a last name from the dictionary.

use super::dictionary;
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "last_name",
    about: "Replaces a last name with one from the dictionary; the subject's last name where a subject is named.",
    version: 1,
    params: &[],
    accepts: &[Family::Text],
    unique: Uniqueness::None,
    determinism: Determinism::Value,
    tier: Tier::Pseudonym,
    keeps_original: false,
    takes_empty: false,
    takes_subject: true,
    domain: "person.name",
    scan: |_| Scan::FreeText,
    build,
    examples: &[Example::plain("Garcia")],
    teaches: Teaches::Whole,
    ..Definition::BASE
};

struct LastName {
    key: DomainKey,
    names: Vec<&'static str>,
}

fn build(site: &Site, _: &Params) -> Result<Box<dyn Mask>> {
    let names = dictionary::fitting(dictionary::LAST_NAMES, site.room());
    if names.len() < 10 {
        return Err(Error::policy("the column is too short for last names").hint("Use `hash`, `fixed` or `null`."));
    }
    Ok(Box::new(LastName { key: site.key.clone(), names }))
}

impl Mask for LastName {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text(cell)?;
        let ask = Ask { role: Role::Person, form: Form::Text, value, subject: row.subject };
        until_different(value, out, |attempt, out| {
            let draw = self.key.draw(&ask, attempt, out);
            out.extend_from_slice(self.names[draw.index(1, self.names.len())].as_bytes());
        })
    }
}
