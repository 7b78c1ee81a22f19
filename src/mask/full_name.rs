//! `full_name`: first and last name from the dictionary, in the order of the original.

use super::dictionary;
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "full_name",
    about: "Replaces a person's name with `First Last` from the dictionary, or `Last, First` where the original has a comma.",
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
    scan: |_| Scan::Identifier,
    build,
    examples: &[Example::plain("Maria Garcia"), Example::plain("Garcia, Maria")],
    teaches: Teaches::Name,
    ..Definition::BASE
};

struct FullName {
    key: DomainKey,
    first: Vec<&'static str>,
    last: Vec<&'static str>,
}

fn build(site: &Site, _: &Params) -> Result<Box<dyn Mask>> {
    // Two characters for the comma and the space; the rest is shared.
    let room = site.room().saturating_sub(2);
    let first = dictionary::fitting(dictionary::FIRST_NAMES, room / 2);
    let last = dictionary::fitting(dictionary::LAST_NAMES, room - room / 2);
    if first.len() < 10 || last.len() < 10 {
        return Err(Error::policy("the column is too short for full names").hint("Use `hash`, `fixed` or `null`."));
    }
    Ok(Box::new(FullName { key: site.key.clone(), first, last }))
}

impl Mask for FullName {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text(cell)?;
        let ask = Ask { role: Role::Person, form: Form::Name, value, subject: row.subject };
        let turned = value.contains(&b',');
        until_different(value, out, |attempt, out| {
            let draw = self.key.draw(&ask, attempt, out);
            let first = self.first[draw.index(0, self.first.len())];
            let last = self.last[draw.index(1, self.last.len())];
            let parts = if turned { [last, ", ", first] } else { [first, " ", last] };
            out.extend(parts.iter().flat_map(|part| part.bytes()));
        })
    }
}
