//! The words of a catalogue row: families, lengths, actions, and the CREATE TABLE text.

use crate::model::schema::Action;

pub(super) use crate::model::declared::postgres_family as family;

/// The length of a character type, from its type modifier.
pub(super) fn length(base: &str, modifier: &str) -> Option<u32> {
    if !["varchar", "bpchar"].contains(&base) {
        return None;
    }
    modifier.parse::<u32>().ok()?.checked_sub(4)
}

/// A foreign key action as `pg_constraint` spells it.
pub(super) fn action(letter: &str) -> Action {
    match letter {
        "r" => Action::Restrict,
        "c" => Action::Cascade,
        "n" => Action::SetNull,
        "d" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

/// What a CREATE TABLE statement is made of; every part is text that the server rendered or quoted.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// The quoted name.
    pub(super) name: String,
    /// Whether the table is not logged.
    pub(super) unlogged: bool,
    /// Columns and constraints.
    pub(super) lines: Vec<String>,
    /// The partition key, where there is one.
    pub(super) partition_by: Option<String>,
    /// Parents of old-style inheritance.
    pub(super) inherits: Option<String>,
    /// Storage parameters.
    pub(super) options: Option<String>,
    /// Statements that create its partitions.
    pub(super) partitions: Vec<String>,
}

impl Parts {
    /// The statement, its partitions' behind it.
    pub(super) fn create(&self) -> String {
        let kind = if self.unlogged { "UNLOGGED TABLE" } else { "TABLE" };
        let mut text = format!("CREATE {kind} {} (\n    {}\n)", self.name, self.lines.join(",\n    "));
        for (word, part) in [("INHERITS", &self.inherits), ("WITH", &self.options)] {
            if let Some(part) = part {
                text.push_str(&format!("\n{word} ({part})"));
            }
        }
        if let Some(key) = &self.partition_by {
            text.push_str(&format!("\nPARTITION BY {key}"));
        }
        for partition in &self.partitions {
            text.push_str(&format!(";\n{partition}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::Family;

    #[test]
    fn lengths_are_of_characters() {
        assert_eq!(length("varchar", "44"), Some(40));
        assert_eq!(length("varchar", "-1"), None);
        assert_eq!(length("numeric", "44"), None);
        assert_eq!(family("text", "b"), Family::Text);
        assert_eq!(family("mood", "e"), Family::Enum);
    }
}
