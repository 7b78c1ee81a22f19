//! `last_name`: a last name from the dictionary.

use super::names::{self, Part};
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "last_name",
    about: "Replaces a last name with one from the dictionary; the subject's last name where a subject is named.",
    params: &[names::LOCALE],
    takes_subject: true,
    domain: "person.name",
    scan: |_| Scan::FreeText,
    build: |site, params| names::build(&DEFINITION, site, params, Part::Last),
    examples: &[
        Example::plain("Garcia"),
        Example { params: || vec![("locale", Value::text("tr_tr"))], cell: "Garcia" },
    ],
    teaches: |_| Teaches::Whole,
    could_write: Some(names::could_write),
    ..Definition::BASE
};
