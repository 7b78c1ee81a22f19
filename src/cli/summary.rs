//! What the events of an operation add up to: the one summary at its end, and the context of an error.

use super::render::peak_memory;
use crate::event::{Event, Traffic};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

/// An operation so far.
#[derive(Debug, Default)]
pub(super) struct Summary {
    begun: Option<Begun>,
    /// The stage it is in, in plain words.
    pub(super) stage: Option<String>,
    /// The table that is under way.
    pub(super) table: Option<String>,
    rows: BTreeMap<String, u64>,
    errors: BTreeMap<String, u64>,
    lock_wait_millis: Option<u64>,
    tries: u32,
    traffic: Traffic,
}

#[derive(Debug)]
struct Begun {
    operation: &'static str,
    facts: String,
    at: Instant,
}

impl Summary {
    pub(super) fn add(&mut self, event: &Event) {
        match event {
            Event::Started { operation, facts } => {
                self.begun = Some(Begun { operation, facts: shown(facts), at: Instant::now() });
            }
            Event::Stage { what } => (self.stage, self.table) = (Some(what.clone()), None),
            Event::TableStarted { table, .. } => self.table = Some(table.to_string()),
            Event::TableDone { .. } => self.table = None,
            Event::Quarantined { table, rows, .. } => *self.errors.entry(table.to_string()).or_default() += rows,
            Event::Waited { millis } => *self.lock_wait_millis.get_or_insert(0) += millis,
            Event::Again { tries, .. } => self.tries = *tries,
            Event::Sent { traffic } => {
                self.traffic.connections += traffic.connections;
                self.traffic.statements += traffic.statements;
            }
            Event::Finished { tables, .. } => {
                self.rows = tables.iter().map(|(table, rows)| (table.to_string(), *rows)).collect();
            }
            _ => {}
        }
    }

    /// The name of the operation, once it has begun.
    pub(super) fn operation(&self) -> Option<&'static str> {
        self.begun.as_ref().map(|begun| begun.operation)
    }

    /// What it was told to do, as a text; empty before it has begun.
    pub(super) fn facts(&self) -> &str {
        self.begun.as_ref().map_or("", |begun| &begun.facts)
    }

    /// Whether it worked with a database.
    pub(super) fn is_of_a_database(&self) -> bool {
        self.traffic.connections > 0
    }

    /// The fields of the summary. `millis` is how long the operation took, by its own reckoning if it has one.
    pub(super) fn fields(&self, millis: Option<u64>) -> Map<String, Value> {
        let took = || self.begun.as_ref().map_or(0, |begun| begun.at.elapsed().as_millis());
        let millis = millis.unwrap_or_else(|| u64::try_from(took()).unwrap_or(u64::MAX));
        let rows: u64 = self.rows.values().sum();
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("operation", json!(self.operation()));
        set("millis", json!(millis));
        set("rows", json!(rows));
        set("rows_per_second", json!(rows.saturating_mul(1000) / millis.max(1)));
        set("tables", json!(self.rows));
        set("errors", json!(self.errors));
        set("lock_wait_millis", json!(self.lock_wait_millis));
        set("tries", json!(self.tries));
        set("connections", json!(self.traffic.connections));
        set("statements", json!(self.traffic.statements));
        set("peak_memory_bytes", json!(peak_memory()));
        fields
    }
}

/// Facts as one text.
pub(super) fn shown(facts: &[(&'static str, String)]) -> String {
    facts.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::TableName;

    #[test]
    fn events_add_up() {
        let mut summary = Summary::default();
        let traffic = Traffic { connections: 1, statements: 20 };
        let table = TableName::plain("odd = name");
        for event in [
            Event::Started { operation: "restore", facts: vec![("target", "sqlite:x".into())] },
            Event::Waited { millis: 5 },
            Event::TableStarted { table: table.clone(), rows: Some(3) },
            Event::Sent { traffic },
            Event::Again { tries: 1, why: "a deadlock".into() },
            Event::Waited { millis: 7 },
            Event::Sent { traffic },
            Event::Quarantined { table: table.clone(), rule: "check".into(), name: "c".into(), rows: 2 },
            Event::Quarantined { table: table.clone(), rule: "unique".into(), name: "u".into(), rows: 1 },
        ] {
            summary.add(&event);
        }
        assert_eq!((summary.table.as_deref(), summary.facts()), (Some("odd = name"), "target=sqlite:x"));
        summary.add(&Event::Finished { operation: "restore", facts: Vec::new(), tables: vec![(table, 3)], millis: 2 });
        let fields = Value::Object(summary.fields(Some(2)));
        assert_eq!((&fields["tables"]["odd = name"], &fields["errors"]["odd = name"]), (&json!(3), &json!(3)));
        let wanted =
            [("rows", 3), ("rows_per_second", 1500), ("lock_wait_millis", 12), ("tries", 1), ("connections", 2)];
        for (name, value) in wanted.into_iter().chain([("statements", 40), ("millis", 2)]) {
            assert_eq!(fields[name], value, "{name}");
        }
    }
}
