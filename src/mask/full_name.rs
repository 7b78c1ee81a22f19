//! `full_name`: first and last name from the dictionary, in the order of the original.

use super::names::{self, Part};
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "full_name",
    about: "Replaces a person's name with `First Last` from the dictionary, or `Last, First` where the original has a comma.",
    params: &[names::LOCALE],
    takes_subject: true,
    domain: "person.name",
    scan: |_| Scan::Identifier,
    build: |site, params| names::build(&DEFINITION, site, params, Part::Full),
    examples: &[
        Example::plain("Maria Garcia"),
        Example::plain("Garcia, Maria"),
        Example { params: || vec![("locale", Value::text("ja_jp"))], cell: "Maria Garcia" },
    ],
    teaches: |_| Teaches::Name,
    could_write: Some(names::could_write),
    ..Definition::BASE
};
