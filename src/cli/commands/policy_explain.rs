//! `policy explain`: all about one column, or about the columns of a table in short.

use super::schema::{Schema, lock, policy_path};
use super::{Context, read_policy};
use crate::cli::annotate::described;
use crate::cli::args::policy::ExplainArgs;
use crate::cli::render::{Answer, table};
use crate::cli::settings::{Settings, today};
use crate::error::{Error, Result};
use crate::mask::{Definition, docs};
use crate::policy::Policy;
use crate::policy::check::{Question, check, environments};
use crate::policy::file::{ENVIRONMENTS, Mode};
use crate::policy::findings::Finding;
use crate::policy::inventory::{ColumnRecord, Decision, Inventory, Origin, TableRecord, inventory_of_what_is_there};
use crate::policy::lock::{LockedColumn, LockedTable};
use crate::policy::names;
use serde_json::{Value, json};

/// What an answer is made of.
struct About<'a> {
    policy: &'a Policy,
    inventory: &'a Inventory,
    table: &'a TableRecord,
    findings: &'a [Finding],
    locked: Option<&'a LockedTable>,
}

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &ExplainArgs) -> Result<Answer> {
    let path = policy_path(settings, args.policy.as_deref())?;
    let policy = read_policy(&path)?;
    let lock = lock(&path, args.lock.as_deref())?;
    let Some(Schema { catalogue, findings: more, .. }) = args.schema.schema(context, settings)? else {
        return Err(Error::usage("no schema is named")
            .hint("Add --source sqlite:PATH, --snapshot NAME or --ddl FILE, or set SOURCE_DATABASE_URL."));
    };
    let inventory = inventory_of_what_is_there(&policy, &catalogue);
    let (record, column) = find(&inventory, &args.what)?;
    let (today, chosen) = (today(), environments(&policy));
    let question = Question {
        policy: &policy,
        catalogue: Some(&catalogue),
        environments: &chosen,
        today: &today,
        lock: lock.as_ref(),
        more,
    };
    let findings = check(question);
    let locked = lock.as_ref().and_then(|lock| lock.of(&policy, catalogue.engine));
    let locked = locked.and_then(|lock| lock.tables.get(&record.table.to_string()));
    let about = About { policy: &policy, inventory: &inventory, table: record, findings: &findings, locked };
    Ok(match column {
        Some(column) => Answer::new(about.json(column), about.text(column)),
        None => Answer::new(about.table_json(), about.table_text()),
    })
}

/// `schema.table.column`, `table.column` or a table.
fn find<'a>(inventory: &'a Inventory, what: &str) -> Result<(&'a TableRecord, Option<&'a ColumnRecord>)> {
    let table = |name: &str| {
        let exact = inventory.tables.iter().find(|record| record.table.is_named(name));
        let folded = name.to_lowercase();
        let mut alike = inventory.tables.iter().filter(|record| {
            record.table.name.to_lowercase() == folded || record.table.to_string().to_lowercase() == folded
        });
        exact.or_else(|| alike.next().filter(|_| alike.next().is_none()))
    };
    if let Some(record) = table(what) {
        return Ok((record, None));
    }
    let mut splits = what.match_indices('.').map(|(at, _)| (&what[..at], &what[at + 1..]));
    let Some((record, name)) = splits.find_map(|(of, name)| Some((table(of)?, name))) else {
        let of = what.rsplit_once('.').map_or(what, |(of, _)| of);
        let known = inventory.tables.iter().map(|record| record.table.name.as_str());
        let error = Error::usage(format!("there is no table '{}'", of.escape_debug()));
        return Err(
            error.hint(names::did_you_mean(of, known).unwrap_or_else(|| "Write TABLE or TABLE.COLUMN.".to_owned()))
        );
    };
    let known = || record.columns.iter().map(|record| record.column.name.as_str());
    match names::find(name, known()) {
        names::Found::At(at) => Ok((record, Some(&record.columns[at]))),
        _ => {
            let error = Error::usage(format!("table {} has no column '{}'", record.table, name.escape_debug()));
            let listed = format!(
                "It has {}.",
                known().map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join(", ")
            );
            Err(error.hint(names::did_you_mean(name, known()).unwrap_or(listed)))
        }
    }
}

impl About<'_> {
    fn name(&self, record: &ColumnRecord) -> String {
        format!("{}.{}", self.table.table, record.column.name.escape_debug())
    }

    /// What one environment does, in a line.
    fn decided(&self, record: &ColumnRecord, environment: usize) -> String {
        if record.column.generated {
            return "computed by the database: never read".to_owned();
        }
        match (&record.decisions[environment], self.table.modes[environment]) {
            (Some(decision), _) => {
                format!("{}; {}", decision.rule.toml(), self.origin(decision))
            }
            (None, None) => "undecided: a capture refuses".to_owned(),
            (None, Some(mode)) if mode.has_rows() => "undecided: a capture refuses".to_owned(),
            (None, Some(Mode::Exclude)) => "the table is left out".to_owned(),
            (None, Some(_)) => "no rows are taken".to_owned(),
        }
    }

    fn origin(&self, decision: &Decision) -> String {
        let line = format!("{}:{}", self.policy.file, decision.rule.place);
        match decision.origin {
            Origin::Written => format!("written at {line}"),
            Origin::Environment => format!("the environment's own, at {line}"),
            Origin::Default => format!("a default, at {line}"),
            Origin::Inherited => format!("inherited from the key that it refers to, at {line}"),
            Origin::Reference => "kept, because the table is a lookup table and the column looks harmless".to_owned(),
        }
    }

    /// Columns that share mask and domain with one.
    fn sharing(&self, record: &ColumnRecord) -> Vec<String> {
        let domain_of = |record: &ColumnRecord| {
            let rules = record.decisions.iter().flatten().map(|decision| &decision.rule);
            rules.map(|rule| (rule.mask.name, rule.domain_name().to_owned())).find(|(_, domain)| !domain.is_empty())
        };
        let Some(own) = domain_of(record) else { return Vec::new() };
        let others =
            self.inventory.tables.iter().flat_map(|table| table.columns.iter().map(move |other| (table, other)));
        others
            .filter(|(_, other)| domain_of(other).as_ref() == Some(&own))
            .map(|(table, other)| format!("{}.{}", table.table, other.column.name.escape_debug()))
            .filter(|name| *name != self.name(record))
            .collect()
    }

    fn referring(&self, record: &ColumnRecord) -> Vec<String> {
        let name = self.name(record);
        let all = self.inventory.tables.iter().flat_map(|table| table.columns.iter().map(move |other| (table, other)));
        all.filter(|(_, other)| other.refers_to.as_deref() == Some(&name))
            .map(|(table, other)| format!("{}.{}", table.table, other.column.name.escape_debug()))
            .collect()
    }

    fn locked(&self, record: &ColumnRecord) -> Option<&LockedColumn> {
        self.locked?.columns.get(&record.column.name)
    }

    fn findings_of(&self, record: &ColumnRecord) -> Vec<&Finding> {
        let is = |finding: &&Finding| {
            finding.table.as_ref() == Some(&self.table.table) && finding.column.as_ref() == Some(&record.column.name)
        };
        self.findings.iter().filter(is).collect()
    }

    fn text(&self, record: &ColumnRecord) -> String {
        let mut lines: Vec<(String, String)> = Vec::new();
        let mut fact = |name: &str, value: String| lines.push((name.to_owned(), value));
        fact("is", Self::kind(record));
        fact("refers to", record.refers_to.clone().unwrap_or_default());
        fact("referred to by", self.referring(record).join(", "));
        let guess = &record.guess;
        fact(
            "seems to be",
            format!("{} ({}, {} of 100): {}", guess.tier.words(), guess.kind, guess.confidence, guess.reason),
        );
        let decided: Vec<String> = (0..ENVIRONMENTS.len()).map(|at| self.decided(record, at)).collect();
        if decided.iter().all(|text| *text == decided[0]) {
            fact("everywhere", decided[0].clone());
        } else {
            ENVIRONMENTS.iter().zip(decided).for_each(|(name, text)| fact(name, text));
        }
        let mut seen: Vec<&str> = Vec::new();
        for decision in record.decisions.iter().flatten() {
            let mask = decision.rule.mask;
            if seen.contains(&mask.name) {
                continue;
            }
            seen.push(mask.name);
            fact(&format!("mask {}", mask.name), mask.about.to_owned());
            fact("what is left", docs::remains(decision.strength()).to_owned());
            fact("unique columns", docs::unique(mask).to_owned());
            fact("domain", decision.rule.domain_name().to_owned());
            fact("subject", decision.rule.subject.clone().unwrap_or_default());
            fact("condition", decision.rule.when.clone().unwrap_or_default());
            fact("until", decision.rule.expires.clone().unwrap_or_default());
            fact("reason", decision.rule.reason().unwrap_or_default().to_owned());
            fact("made-up example", example(mask).map(|[from, to]| format!("{from} -> {to}")).unwrap_or_default());
        }
        fact("shares fakes with", self.sharing(record).join(", "));
        fact("lock", self.locked(record).map(in_lock).unwrap_or_default());
        for finding in self.findings_of(record) {
            fact(&format!("{} {}", finding.severity.word(), finding.rule), finding.what.clone());
        }
        lines.retain(|(_, value)| !value.is_empty());
        let line = |(name, value): &(String, String)| format!("  {name:18} {}", value.replace('\n', " "));
        let body: Vec<String> = std::iter::once(self.name(record)).chain(lines.iter().map(line)).collect();
        body.join("\n")
    }

    /// Its type and keys in words.
    fn kind(record: &ColumnRecord) -> String {
        let column = &record.column;
        let declared = if column.declared.is_empty() { "no type".to_owned() } else { type_of(&column.declared) };
        let mut words = vec![declared];
        let said = [
            (!column.nullable, "NOT NULL"),
            (record.primary, "primary key"),
            (record.unique && !record.primary, "unique"),
            (column.generated, "computed"),
        ];
        words.extend(said.into_iter().filter(|(is, _)| *is).map(|(_, word)| word.to_owned()));
        words.join(", ")
    }

    fn json(&self, record: &ColumnRecord) -> Value {
        let environments: serde_json::Map<String, Value> = ENVIRONMENTS
            .iter()
            .enumerate()
            .map(|(at, name)| ((*name).to_owned(), self.decision_json(record, at)))
            .collect();
        let column = &record.column;
        json!({
            "table": self.table.table.to_string(), "column": column.name, "type": column.declared,
            "family": column.family.to_string(), "nullable": column.nullable, "unique": record.unique,
            "primary_key": record.primary, "generated": column.generated, "refers_to": record.refers_to,
            "referred_to_by": self.referring(record),
            "guess": { "tier": record.guess.tier.letter().to_string(), "words": record.guess.tier.words(), "kind": record.guess.kind,
                "confidence": record.guess.confidence, "reason": record.guess.reason },
            "environments": environments,
            "shares_fakes_with": self.sharing(record),
            "lock": self.locked(record).map(|locked| json!({ "type": locked.declared, "nullable": locked.nullable,
                "unique": locked.unique, "decision": locked.decisions.to_string(), "tier": locked.tier.letter().to_string(),
                "reason": locked.reason, "by": locked.by, "on": locked.on, "expires": locked.expires,
                "line": locked.place.line })),
            "findings": self.findings_of(record).into_iter().map(described).collect::<Vec<_>>(),
        })
    }

    fn decision_json(&self, record: &ColumnRecord, at: usize) -> Value {
        let mode = self.table.modes[at].map(Mode::word);
        let Some(decision) = &record.decisions[at] else {
            return json!({ "mode": mode, "decision": null, "words": self.decided(record, at) });
        };
        let rule = &decision.rule;
        json!({
            "mode": mode, "decision": rule.toml(), "words": self.decided(record, at), "mask": rule.mask.name,
            "about": rule.mask.about, "origin": format!("{:?}", decision.origin).to_lowercase(),
            "line": rule.place.line, "left": docs::remains(decision.strength()), "unique_columns": docs::unique(rule.mask),
            "domain": rule.domain_name(), "subject": rule.subject, "when": rule.when, "expires": rule.expires,
            "reason": rule.reason(),
            "example": example(rule.mask).map(|[original, masked]| json!({ "original": original, "masked": masked })),
        })
    }

    fn table_text(&self) -> String {
        let line = |record: &ColumnRecord| {
            let decided: Vec<String> = (0..ENVIRONMENTS.len()).map(|at| self.short(record, at)).collect();
            let found = self.findings_of(record).len();
            let mut line = vec![
                record.column.name.escape_debug().to_string(),
                type_of(&record.column.declared),
                record.guess.tier.to_string(),
            ];
            line.extend(decided);
            line.push(if found == 0 { String::new() } else { found.to_string() });
            line
        };
        let lines: Vec<Vec<String>> = self.table.columns.iter().map(line).collect();
        let modes = ENVIRONMENTS
            .iter()
            .zip(self.table.modes)
            .map(|(name, mode)| format!("{name}: {}", mode.map_or("undecided", Mode::word)));
        format!(
            "{} ({})\n{}",
            self.table.table,
            modes.collect::<Vec<_>>().join(", "),
            table(&["column", "type", "tier", "dev", "staging", "production", "findings"], &lines, &[6])
        )
    }

    fn short(&self, record: &ColumnRecord, at: usize) -> String {
        match &record.decisions[at] {
            Some(decision) => decision.rule.shown(),
            None if record.column.generated => "computed".to_owned(),
            None if self.table.modes[at].is_none_or(Mode::has_rows) => "undecided".to_owned(),
            None => "-".to_owned(),
        }
    }

    fn table_json(&self) -> Value {
        json!({
            "table": self.table.table.to_string(), "reason": self.table.reason,
            "modes": self.table.modes.map(|mode| mode.map(Mode::word)),
            "columns": self.table.columns.iter().map(|record| self.json(record)).collect::<Vec<_>>(),
        })
    }
}

/// A type as it is written, but for what a terminal would take as a command.
fn type_of(declared: &str) -> String {
    declared.escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\"")
}

/// What the lock says of a column, for people.
fn in_lock(locked: &LockedColumn) -> String {
    let reason = locked.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let until = locked.expires.as_ref().map(|day| format!(", until {day}")).unwrap_or_default();
    format!("{} by {} on {}{until}{reason} (line {})", locked.decisions, locked.by, locked.on, locked.place.line)
}

/// A made-up original and its masked form under a public key.
fn example(mask: &'static Definition) -> Option<[String; 2]> {
    let example = mask.examples.first()?;
    Some([example.cell.to_owned(), docs::shown(mask, example)?])
}
