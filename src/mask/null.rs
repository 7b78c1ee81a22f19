//! `null`: nothing is left.

use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "null",
    about: "Replaces every cell, the empty text included, with NULL.",
    version: 1,
    params: &[],
    accepts: &[Family::Any],
    // Several NULLs never break a UNIQUE constraint.
    unique: Uniqueness::Vacant,
    determinism: Determinism::Constant,
    strength: Strength::Removed,
    keeps_original: false,
    takes_empty: true,
    takes_subject: false,
    domain: "",
    scan: |_| Scan::FreeText,
    build: |site, _| build(site),
    examples: &[Example::plain("correct horse")],
    ..Definition::BASE
};

struct Null;

fn build(site: &Site) -> Result<Box<dyn Mask>> {
    if !site.nullable {
        return Err(Error::policy("mask null needs a column that takes NULL")
            .hint("Use `fixed` with a value, or `token` where the values must differ."));
    }
    Ok(Box::new(Null))
}

impl Mask for Null {
    fn mask(&self, _: Cell<'_>, _: &Row<'_>, _: &mut Vec<u8>) -> Written {
        Ok(CellKind::Null)
    }
}
