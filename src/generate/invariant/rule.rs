//! An invariant as a profile writes it.

use super::expression;
use crate::error::{Kind, Result};
use crate::generate::profile::Place;
use crate::generate::profile::shape::{InvariantKind, KINDS};
use crate::generate::profile::tree::{Node, Reader};

/// An invariant as written: keys and expressions are known to be right, names are not.
#[derive(Debug, Clone)]
pub struct InvariantRule {
    /// Where it stands.
    pub place: Place,
    /// What kind it is.
    pub kind: &'static InvariantKind,
    /// What reports call it.
    pub name: String,
    /// Whether rows are refused where it cannot hold.
    pub required: bool,
    /// Everything that it says.
    pub(super) node: Node,
}

/// Keys that hold an expression.
const EXPRESSIONS: [&str; 4] = ["is", "holds", "where", "of"];
/// Keys that every kind has.
const COMMON: [&str; 4] = ["kind", "table", "name", "required"];

impl InvariantRule {
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.node.get(key).and_then(Node::text)
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        self.node.get(key).map(Node::texts).unwrap_or_default()
    }
}

pub(in crate::generate) fn read(reader: &Reader<'_>, node: &Node) -> Result<InvariantRule> {
    let text = |key: &str| node.get(key).and_then(Node::text);
    let word = text("kind").unwrap_or_default();
    let Some(kind) = KINDS.iter().find(|kind| kind.name == word) else {
        return Err(reader.error(Kind::Usage, node.place, "this kind of invariant is not known"));
    };
    let taken = || COMMON.iter().chain(kind.needs).chain(kind.takes).copied();
    if let Some(entry) = node.entries().iter().find(|entry| !taken().any(|key| key == entry.key)) {
        let what = format!("an invariant of kind {word} has no '{}'", entry.key);
        let known: Vec<&str> = kind.needs.iter().chain(kind.takes).copied().collect();
        return Err(reader.error(Kind::Usage, entry.place, what).hint(format!("It has {}.", known.join(", "))));
    }
    if let Some(missing) = kind.needs.iter().find(|key| node.get(key).is_none()) {
        let what = format!("an invariant of kind {word} needs '{missing}'");
        return Err(reader.error(Kind::Usage, node.place, what).hint(kind.about));
    }
    let amount = (word == "balance").then_some("amount");
    for key in EXPRESSIONS.into_iter().chain(amount) {
        if let Some(node) = node.get(key) {
            expression::read(node.text().unwrap_or_default())
                .map_err(|why| reader.error(Kind::Usage, node.place, format!("{key}: {why}")))?;
        }
    }
    if let Some(span) = node.get("span") {
        crate::generate::profile::pair(reader, span)?;
    }
    let subject = text("column").or_else(|| text("total")).map(|column| format!(".{column}")).unwrap_or_default();
    let name =
        text("name").map_or_else(|| format!("{word} {}{subject}", text("table").unwrap_or_default()), str::to_owned);
    let required = node.get("required").and_then(Node::flag).unwrap_or(false);
    Ok(InvariantRule { place: node.place, kind, name, required, node: node.clone() })
}
