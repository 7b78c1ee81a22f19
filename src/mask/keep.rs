//! `keep`: the decision to copy a column as it is.

use super::prelude::*;

/// What `keep` is.
pub static DEFINITION: Definition = Definition {
    name: "keep",
    about: "Copies the column as it is, by explicit decision.",
    version: 1,
    params: &[Param {
        name: "reason",
        about: "Why the column may be kept; shown in review.",
        kind: ParamKind::Text,
        default: "none",
    }],
    accepts: &[Family::Any],
    unique: Uniqueness::Exact,
    determinism: Determinism::Value,
    strength: Strength::Kept,
    keeps_original: true,
    takes_empty: true,
    takes_subject: false,
    domain: "",
    scan: |_| Scan::Never,
    build: |_, _| Ok(Box::new(Keep)),
    examples: &[Example::plain("shipped")],
    ..Definition::BASE
};

struct Keep;

impl Mask for Keep {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        out.extend_from_slice(cell.bytes);
        Ok(cell.kind)
    }
}
