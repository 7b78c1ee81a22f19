//! `docs/masks.md`, rendered from the table of masks so that it cannot go stale.

use super::key::{Keyring, MasterKey};
use super::{BadParam, Definition, Determinism, Example, MASKS, Row, Site, Strength, Uniqueness};
use crate::model::batch::{Batch, Cell, CellKind};
use crate::model::schema::Family;
use crate::secret::Secret32;

/// The whole document.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from(
        "# Masks\n\n\
         <!-- Rendered from the table of masks; a test compares. To renew it: TERP_BLESS=1 cargo nextest run --lib mask::docs -->\n\n\
         A mask is named in the policy, per column: `email = \"email\"` or `email = { mask = \"email\", domain = \"person.email\" }`.\n\
         Every masked value is a function of the masking key, the domain and the original in its canonical form (or the row's\n\
         `subject`), so the same person gets the same fake in every table and capture, and another key, project or environment\n\
         gives unrelated values. NULL and the empty text stay as they are unless the mask says otherwise. A cell that does not\n\
         fit stops the capture; nothing is passed through. The result is pseudonymised data, not anonymous data.\n\n\
         | mask | what it does | unique columns | decided by | what is left |\n|---|---|---|---|---|\n",
    );
    text.extend(MASKS.iter().map(|mask| {
        let (name, about) = (mask.name, mask.about);
        format!("| [`{name}`](#{name}) | {about} | {} | {} | {} |\n", unique(mask), decided(mask), left(mask))
    }));
    text.extend(MASKS.iter().flat_map(|mask| section(mask)));
    text
}

/// The lines about one mask.
fn section(mask: &'static Definition) -> Vec<String> {
    let families: Vec<String> = mask.accepts.iter().map(Family::to_string).collect();
    let mut lines = vec![
        format!("\n## {}\n\n{} Version {}.\n\n", mask.name, mask.about, mask.version),
        format!("Fits columns of: {}.", families.join(", ")),
    ];
    if !mask.domain.is_empty() {
        lines.push(format!(" Domain unless named: `{}`.", mask.domain));
    }
    if mask.takes_subject {
        lines.push(" Takes a `subject`.".to_owned());
    }
    lines.push("\n".to_owned());
    if !mask.params.is_empty() {
        lines.push("\n| parameter | type | default | meaning |\n|---|---|---|---|\n".to_owned());
    }
    lines.extend(
        mask.params
            .iter()
            .map(|param| format!("| `{}` | {} | {} | {} |\n", param.name, param.kind, param.default, param.about)),
    );
    lines.push("\n| original | parameters | masked |\n|---|---|---|\n".to_owned());
    lines.extend(mask.examples.iter().map(|example| {
        let params = example.params_of(mask).map(|params| params.to_string()).unwrap_or_default();
        let params = if params.is_empty() { "–" } else { &params };
        let masked = shown(mask, example).unwrap_or_else(|| "(refused)".to_owned());
        format!("| `{}` | {params} | `{masked}` |\n", example.cell)
    }));
    lines
}

/// In words: see the head of the table in `docs/masks.md`.
#[must_use]
pub fn unique(mask: &Definition) -> &'static str {
    match mask.unique {
        Uniqueness::Exact => "yes, exactly",
        Uniqueness::Tagged => "yes, by 80 or more keyed bits",
        Uniqueness::Vacant => "yes, nothing is left to meet",
        Uniqueness::None => "refused",
    }
}

/// In words: see the head of the table in `docs/masks.md`.
#[must_use]
pub fn decided(mask: &Definition) -> &'static str {
    match (mask.determinism, mask.takes_subject) {
        (Determinism::Constant, _) => "nothing",
        (Determinism::Row, _) => "the row",
        (Determinism::Domain, true) => "the domain, or the subject",
        (Determinism::Domain, false) => "the domain",
        (Determinism::Value, true) => "the value, or the subject",
        (Determinism::Value, false) => "the value",
    }
}

/// In words: see the head of the table in `docs/masks.md`.
#[must_use]
pub fn left(mask: &Definition) -> &'static str {
    remains(mask.strength)
}

/// What a strength leaves of the original, in words.
#[must_use]
pub fn remains(strength: Strength) -> &'static str {
    match strength {
        Strength::Kept => "everything",
        Strength::Partial => "a part or a relation",
        Strength::Pseudonym => "that equal values are equal",
        Strength::Removed => "nothing",
    }
}

/// A key that everybody knows: what documents and reviews show is masked with it.
#[must_use]
pub fn public_key() -> MasterKey {
    MasterKey::new(Secret32::new(*b"a public key: for documents only"))
}

/// An example's masked cell under a public key. None if the mask refuses it, which a test rules out.
#[must_use]
pub fn shown(mask: &'static Definition, example: &Example) -> Option<String> {
    if mask.outside {
        return Some("(what the program answers)".to_owned());
    }
    let ring = Keyring::new(&public_key(), "docs", "dev", 1);
    let names = [("first_name", "Brenden"), ("last_name", "O'Keefe")];
    let cells = names.map(|(name, _)| name.to_owned()).to_vec();
    let site = Site { cells, ..Site::free(&ring, mask.domain, Family::Any) };
    let params = example.params_of(mask).map_err(|BadParam { why, .. }| why).ok()?;
    let built = (mask.build)(&site, &params).ok()?;
    let number = matches!(params.text("unit"), Some("seconds" | "millis"));
    let kind = if number { CellKind::Integer } else { CellKind::Text };
    let cell = Cell { kind, bytes: example.cell.as_bytes() };
    // Masks of rows need some: the example's column goes on with made-up cells, its row has a masked name.
    if let Some(learner) = built.learner() {
        learner.learn(cell, None).ok()?;
        (0..9).try_for_each(|number| learner.learn(Cell::text(&(mask.sample)(number)), None)).ok()?;
        learner.learned().ok()?;
    }
    let mut masked = Batch::new(names.len());
    for (_, name) in names {
        masked.push(Cell::text(name));
    }
    let mut out = Vec::new();
    let kind = built.mask(cell, &Row { masked: Some((&masked, 0)), ..Row::NONE }, &mut out).ok()?;
    if kind == CellKind::Null { Some("NULL".to_owned()) } else { String::from_utf8(out).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_can_be_shown() {
        for mask in MASKS {
            for example in mask.examples {
                let shown = shown(mask, example);
                assert!(shown.is_some(), "{}: {}", mask.name, example.cell);
                assert_eq!(shown.as_deref() == Some(example.cell), mask.keeps_original, "{}", mask.name);
            }
        }
    }

    #[test]
    fn the_document_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/masks.md");
        if std::env::var_os("TERP_BLESS").is_some() {
            std::fs::write(path, markdown()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == markdown(),
            "docs/masks.md is not what the table of masks says; its head tells how to renew it"
        );
    }
}
