//! `first_name`: a first name from the dictionary.

use super::names::{self, Part};
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "first_name",
    about: "Replaces a first name with one from the dictionary; the subject's first name where a subject is named.",
    params: &[names::LOCALE],
    takes_subject: true,
    domain: "person.name",
    scan: |_| Scan::FreeText,
    build: |site, params| names::build(&DEFINITION, site, params, Part::First),
    examples: &[Example::plain("Maria"), Example { params: || vec![("locale", Value::text("fr_fr"))], cell: "Maria" }],
    teaches: |_| Teaches::Whole,
    could_write: Some(names::could_write),
    ..Definition::BASE
};
