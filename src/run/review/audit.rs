//! Where the audit trail of the store stands, as far as a quick look says. Whether it is whole is for `audit verify`.

use super::document::{AuditView, History, NewestEntry};
use super::{Sources, Store, Trail};

/// How the whole trail is looked through.
const VERIFY: &str = "terp-fixtures audit verify";

pub(super) fn audit(sources: &Sources<'_>, history: &History) -> AuditView {
    let none = |why: &str| AuditView {
        missing: Some(why.to_owned()),
        entries: 0,
        unreadable: 0,
        looked_at: 0,
        newest: None,
        captures: 0,
        without_entry: Vec::new(),
        remembered: None,
        verify: VERIFY,
    };
    let (glance, remembered) = match &sources.store {
        Store::Missing(why) | Store::Read { trail: Trail::Missing(why), .. } => return none(why),
        Store::Read { trail: Trail::Read { glance, remembered }, .. } => (glance, *remembered),
    };
    let snapshots = || history.versions.iter().flat_map(|version| &version.snapshots);
    let without = snapshots().filter(|snapshot| !glance.captured.contains(&snapshot.id));
    let without: Vec<String> = without
        .map(|snapshot| format!("{}@{}", snapshot.name.escape_debug(), snapshot.id.get(..12).unwrap_or_default()))
        .collect();
    let newest = glance.newest.as_ref().map(|recorded| NewestEntry {
        seq: recorded.entry.seq,
        time: recorded.entry.time.clone(),
        operation: recorded.entry.what.operation.word(),
        outcome: recorded.entry.what.outcome.word(),
        by: recorded.entry.who.name.clone(),
    });
    AuditView {
        missing: None,
        entries: glance.entries,
        unreadable: glance.unreadable,
        looked_at: glance.looked_at,
        newest,
        captures: snapshots().count() - without.len(),
        without_entry: without,
        remembered,
        verify: VERIFY,
    }
}

impl AuditView {
    /// What it says, a sentence each, worst last.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut said = Vec::new();
        let entries = |number: usize| {
            if number == 1 { "1 entry".to_owned() } else { format!("{} entries", super::words::grouped(number as u64)) }
        };
        said.push(format!("The trail of the store has {}.", entries(self.entries)));
        if let Some(newest) = &self.newest {
            said.push(format!(
                "The newest is number {}: {}, {}, by {}, at {}.",
                newest.seq, newest.operation, newest.outcome, newest.by, newest.time
            ));
        }
        let all = self.captures + self.without_entry.len();
        let within = if self.looked_at < self.entries {
            format!(" among the newest {}", entries(self.looked_at))
        } else {
            String::new()
        };
        if all > 0 {
            said.push(format!("The captures of {} of {all} snapshots are in it{within}.", self.captures));
        }
        if !self.without_entry.is_empty() {
            said.push(format!("Without an entry{within}: {}.", self.without_entry.join(", ")));
        }
        if self.unreadable > 0 {
            said.push(format!("{} cannot be read.", entries(self.unreadable)));
        }
        said.extend(self.remembered.map(|is_there| {
            if is_there {
                "The newest entry that this machine has seen is still there.".to_owned()
            } else {
                "Entries that this machine has seen are gone.".to_owned()
            }
        }));
        said
    }
}
