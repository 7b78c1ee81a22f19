//! What changed between two versions of a policy, decision by decision, and whether more of the originals is let through.
//! Comments and order do not count here; approvals are about the text, and void at any edit.

use super::file::{ColumnRule, ENVIRONMENTS, Mode, Place, Policy, SubsetRules, TableRules, VirtualReference};
use super::inventory::strength;
use super::section::SECTIONS;
use crate::mask::Strength;
use crate::model::subset::OrderBy;
use std::collections::{BTreeMap, BTreeSet};

/// What a change means for the people in the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// More of the originals, more columns or more tables are let through.
    Weaker,
    /// Neither is clear: another mask of the same strength, other rows, another reason.
    Changed,
    /// Less is let through.
    Stronger,
}

impl Direction {
    /// One word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Weaker => "weaker",
            Self::Changed => "changed",
            Self::Stronger => "stronger",
        }
    }
}

/// One changed decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The engine whose section it holds for; none where it holds for all.
    pub engine: Option<&'static str>,
    /// The environments that it holds in; all of them where a change is the same everywhere.
    pub environments: Vec<&'static str>,
    /// The table as the policy names it; empty for what is about the whole policy.
    pub table: String,
    /// The column; none for a table's mode and reason, and for the whole policy.
    pub column: Option<String>,
    /// What it was, as TOML; none where nothing was said.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
    /// What the change means.
    pub direction: Direction,
    /// Where it stands in the new file; in the old one where the new one says nothing.
    pub place: Place,
}

impl Change {
    /// What was changed, for people: `clients.email`, `table clients`, `[subset]`.
    #[must_use]
    pub fn subject(&self) -> String {
        let engine = self.engine.map(|engine| format!("{engine}: ")).unwrap_or_default();
        match (&self.column, self.table.as_str()) {
            (Some(column), "") => format!("{engine}{}", column.escape_debug()),
            (Some(column), table) => format!("{engine}{}.{}", table.escape_debug(), column.escape_debug()),
            (None, table) => format!("{engine}table {}", table.escape_debug()),
        }
    }
}

/// Everything that changed, weaker ones first, then by table and column.
#[must_use]
pub fn diff(before: &Policy, after: &Policy) -> Vec<Change> {
    let mut changes = decisions(before, after);
    for (name, kind) in SECTIONS {
        if before.engines.contains_key(name) || after.engines.contains_key(name) {
            let own = decisions(&before.of_engine(kind), &after.of_engine(kind));
            let own: Vec<Change> = own.into_iter().filter(|change| !changes.contains(change)).collect();
            changes.extend(own.into_iter().map(|change| Change { engine: Some(name), ..change }));
        }
    }
    changes.sort_by_key(|change| change.direction);
    changes
}

/// What changed for all engines, or for one.
fn decisions(before: &Policy, after: &Policy) -> Vec<Change> {
    let mut changes = whole(before, after);
    let tables = named(before).into_iter().chain(named(after)).collect::<BTreeSet<&str>>();
    for table in tables {
        let sides = Sides { before, after, table };
        changes.extend(sides.merged(None, &|side, environment| side.mode(table, environment)));
        let columns: BTreeSet<&str> = [before, after].into_iter().flat_map(|side| side.columns_of(table)).collect();
        for column in columns {
            changes.extend(sides.merged(Some(column), &|side, environment| side.rule(table, column, environment)));
        }
    }
    changes.sort_by(|a, b| {
        (a.direction, &a.table, &a.column, &a.environments).cmp(&(b.direction, &b.table, &b.column, &b.environments))
    });
    changes
}

/// What one side says at one place.
#[derive(Debug, Clone)]
struct Said {
    text: String,
    /// How much is let through: 0 where everything is.
    held: u8,
    place: Place,
}

struct Sides<'a> {
    before: &'a Policy,
    after: &'a Policy,
    table: &'a str,
}

impl Sides<'_> {
    /// The changes of one decision: one where all environments agree.
    fn merged(&self, column: Option<&str>, said: &dyn Fn(&Policy, &str) -> Option<Said>) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for environment in ENVIRONMENTS {
            let (old, new) = (said(self.before, environment), said(self.after, environment));
            let Some(direction) = direction(old.as_ref(), new.as_ref()) else { continue };
            let place = new.as_ref().or(old.as_ref()).map(|said| said.place).unwrap_or_default();
            let text = |said: Option<Said>| said.map(|said| said.text);
            let (old, new) = (text(old), text(new));
            match changes.iter_mut().find(|change| (&change.before, &change.after) == (&old, &new)) {
                Some(change) => change.environments.push(environment),
                None => changes.push(Change {
                    engine: None,
                    environments: vec![environment],
                    table: self.table.to_owned(),
                    column: column.map(str::to_owned),
                    before: old,
                    after: new,
                    direction,
                    place,
                }),
            }
        }
        changes
    }
}

/// None where both say the same. A new decision lets a column through that stopped the capture before.
fn direction(before: Option<&Said>, after: Option<&Said>) -> Option<Direction> {
    match (before, after) {
        (None, None) => None,
        (Some(old), Some(new)) if old.text == new.text => None,
        (None, Some(_)) => Some(Direction::Weaker),
        (Some(_), None) => Some(Direction::Stronger),
        (Some(old), Some(new)) => Some(match old.held.cmp(&new.held) {
            std::cmp::Ordering::Greater => Direction::Weaker,
            std::cmp::Ordering::Equal => Direction::Changed,
            std::cmp::Ordering::Less => Direction::Stronger,
        }),
    }
}

/// Tables that any section names.
fn named(policy: &Policy) -> Vec<&str> {
    let overlays = policy.environments.values().flat_map(BTreeMap::keys);
    policy.tables.keys().chain(overlays).map(String::as_str).collect()
}

impl Policy {
    fn sections<'a>(&'a self, table: &str, environment: &str) -> impl Iterator<Item = &'a TableRules> {
        let over = self.environments.get(environment).and_then(|tables| tables.get(table));
        over.into_iter().chain(self.tables.get(table))
    }

    fn columns_of<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a str> {
        let overlays = self.environments.values().filter_map(move |tables| tables.get(table));
        self.tables.get(table).into_iter().chain(overlays).flat_map(|rules| rules.columns.keys().map(String::as_str))
    }

    fn mode(&self, table: &str, environment: &str) -> Option<Said> {
        let stated = self.sections(table, environment).find_map(|rules| Some((rules.mode?, rules)));
        let said = || self.sections(table, environment).find(|rules| !rules.columns.is_empty());
        let (mut mode, rules) = stated.or_else(|| said().map(|rules| (Mode::Capture, rules)))?;
        let over = self.environments.get(environment).and_then(|tables| tables.get(table)?.mode);
        if let (Mode::Capture, None, Some(instead)) = (mode, over, self.captured.get(environment)) {
            mode = *instead;
        }
        let held = match mode {
            Mode::Capture | Mode::Reference => 0,
            Mode::Structure => 1,
            Mode::Exclude => 2,
        };
        let reason = rules.reason.as_ref().map(|reason| format!(", reason = {reason:?}")).unwrap_or_default();
        Some(Said { text: format!("mode = {:?}{reason}", mode.word()), held, place: rules.place })
    }

    fn rule(&self, table: &str, column: &str, environment: &str) -> Option<Said> {
        let rule: &ColumnRule = self.sections(table, environment).find_map(|rules| rules.columns.get(column))?;
        Some(told(rule))
    }
}

fn told(rule: &ColumnRule) -> Said {
    let held = match strength(rule) {
        Strength::Kept => 0,
        Strength::Partial => 1,
        Strength::Pseudonym => 2,
        Strength::Removed => 3,
    };
    Said { text: rule.toml(), held, place: rule.place }
}

/// What is about no single table: the keys' names, defaults and the choice of rows.
fn whole(before: &Policy, after: &Policy) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut change = |what: &str, old: Option<String>, new: Option<String>, direction: Direction, place: Place| {
        changes.push(Change {
            engine: None,
            environments: ENVIRONMENTS.to_vec(),
            table: String::new(),
            column: Some(what.to_owned()),
            before: old,
            after: new,
            direction,
            place,
        });
    };
    let begin = Place { line: 1, column: 1 };
    if before.project != after.project {
        let text = |policy: &Policy| Some(format!("{:?}", policy.project));
        change("project.name", text(before), text(after), Direction::Changed, begin);
    }
    if before.generation != after.generation {
        let text = |policy: &Policy| Some(policy.generation.to_string());
        change("project.generation", text(before), text(after), Direction::Changed, begin);
    }
    let kept: BTreeSet<&String> = before.defaults.keys().chain(after.defaults.keys()).collect();
    for name in kept {
        let (old, new) = (before.defaults.get(name).map(told), after.defaults.get(name).map(told));
        if let Some(direction) = direction(old.as_ref(), new.as_ref()) {
            let place = new.as_ref().or(old.as_ref()).map(|said| said.place).unwrap_or_default();
            let text = |said: Option<Said>| said.map(|said| said.text);
            change(&format!("defaults {name}"), text(old), text(new), direction, place);
        }
    }
    let (old, new) = (lines(&before.subset), lines(&after.subset));
    for (line, place) in old.iter().filter(|(line, _)| !new.iter().any(|(other, _)| other == line)) {
        change("subset", Some(line.clone()), None, Direction::Changed, *place);
    }
    for (line, place) in new.iter().filter(|(line, _)| !old.iter().any(|(other, _)| other == line)) {
        change("subset", None, Some(line.clone()), Direction::Changed, *place);
    }
    changes
}

/// Everything that `[subset]` says, one line for each choice, with its place.
fn lines(subset: &SubsetRules) -> Vec<(String, Place)> {
    let begin = Place::default();
    let mut lines = vec![(format!("children = {:?}", subset.children.unwrap_or_default().word()), begin)];
    lines.extend(subset.depth.map(|depth| (format!("depth = {depth}"), begin)));
    lines.extend(subset.whole.iter().map(|(place, table)| (format!("whole {table:?}"), *place)));
    lines.extend(subset.never.iter().map(|(place, table)| (format!("never {table:?}"), *place)));
    let condition = |said: &Option<(Place, String)>| said.as_ref().map(|(_, text)| format!(" where {text:?}"));
    let limit = |said: Option<u64>| said.map(|limit| format!(" limit {limit}"));
    let ordered = |order: &[(Place, OrderBy)]| {
        let one = |(_, by): &(Place, OrderBy)| format!("{:?}{}", by.column, if by.descending { " desc" } else { "" });
        (!order.is_empty()).then(|| format!(" order {}", order.iter().map(one).collect::<Vec<_>>().join(", ")))
    };
    let joined = |parts: Vec<Option<String>>| parts.into_iter().flatten().collect::<String>();
    for root in &subset.roots {
        let share = root.share.map(|share| format!(" share {share}"));
        let parts = vec![condition(&root.condition), share, limit(root.limit), ordered(&root.order)];
        lines.push((format!("root {:?}{}", root.table, joined(parts)), root.place));
    }
    for edge in &subset.edges {
        let parent = edge.parent.as_ref().map(|parent| format!(" to {parent:?}"));
        let follow = (!edge.follow).then(|| " not followed".to_owned());
        let parts = vec![parent, follow, condition(&edge.condition), limit(edge.limit), ordered(&edge.order)];
        lines.push((format!("edge {:?} {:?}{}", edge.table, edge.columns, joined(parts)), edge.place));
    }
    for reference in &subset.references {
        let VirtualReference { place, table, columns, parent, parent_columns, of_type } = reference;
        let of_type = of_type.as_ref().map(|of_type| format!(" of type {of_type:?}")).unwrap_or_default();
        lines.push((format!("reference {table:?} {columns:?} to {parent:?} {parent_columns:?}{of_type}"), *place));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "version = 1\n[tables.clients]\nmode = \"capture\"\nkeep = [\"id\", \"city\"]\n\
        [tables.clients.columns]\nemail = \"email\"\nssn = \"ssn_tail\"\n[tables.logs]\nmode = \"exclude\"\n";

    fn changes(new: &str) -> Vec<(String, &'static str, usize, usize)> {
        let (old, new) = (Policy::parse("old.toml", OLD).unwrap(), Policy::parse("new.toml", new).unwrap());
        let shown =
            |change: Change| (change.subject(), change.direction.word(), change.environments.len(), change.place.line);
        diff(&old, &new).into_iter().map(shown).collect()
    }

    #[test]
    fn order_and_comments_are_no_change() {
        let same = OLD.replace("email = \"email\"\nssn = \"ssn_tail\"", "# why\nssn = \"ssn_tail\"\nemail = \"email\"");
        assert_eq!(changes(&same), []);
    }

    #[test]
    fn weaker_comes_first_and_names_its_line() {
        let new = OLD
            .replace("\"id\", \"city\"", "\"id\"")
            .replace("email = \"email\"", "email = { mask = \"keep\", reason = \"x\" }\ncity = \"null\"")
            .replace("\"exclude\"", "\"structure\"");
        let expected = [
            ("clients.email".to_owned(), "weaker", 3, 6),
            ("table logs".to_owned(), "weaker", 3, 9),
            ("clients.city".to_owned(), "stronger", 3, 7),
        ];
        assert_eq!(changes(&new), expected);
    }

    #[test]
    fn an_environment_of_its_own_is_one_change() {
        let new = format!(
            "{OLD}[environments.staging.tables.clients.columns]\nssn = {{ mask = \"ssn_tail\", tail = \"real\", reason = \"x\" }}\n"
        );
        assert_eq!(changes(&new), [("clients.ssn".to_owned(), "weaker", 1, 11)]);
    }

    #[test]
    fn sections_and_modes_of_environments_count() {
        let sections =
            "[engines.mysql.tables.batches]\nmode = \"capture\"\n[environments.production]\nmode = \"structure\"\n";
        let new = format!("{OLD}{sections}");
        let expected = [
            ("mysql: table batches".to_owned(), "weaker", 2, 9 + 1),
            ("mysql: table batches".to_owned(), "weaker", 1, 9 + 1),
            ("table clients".to_owned(), "stronger", 1, 3 - 1),
        ];
        assert_eq!(changes(&new), expected);
    }

    #[test]
    fn rows_project_and_defaults_count() {
        let new = OLD.replace(
            "version = 1\n",
            "version = 1\n[project]\nname = \"erp\"\n[defaults]\nkeep = [\"note\"]\n[subset]\ndepth = 2\nroots = [{ table = \"clients\", limit = 5 }]\n",
        );
        let found = changes(&new);
        let expected =
            [("defaults note", "weaker"), ("project.name", "changed"), ("subset", "changed"), ("subset", "changed")];
        assert_eq!(found.iter().map(|(what, direction, ..)| (what.as_str(), *direction)).collect::<Vec<_>>(), expected);
        assert_eq!(found[3].3, 8);
    }
}
