//! `policy lock`: from a policy and a catalogue to the lock, or to what is out of date in it.

use super::reviewed::{Reviewed, listed, now};
use super::schema::policy_path;
use super::{address, write_whole};
use crate::cli::args::policy::LockArgs;
use crate::cli::render::{Answer, count};
use crate::cli::settings::Settings;
use crate::error::{Error, Result};
use crate::mask::key::MasterKey;
use crate::model::schema::{Catalogue, Table, TableKind, TableName};
use crate::policy;
use crate::policy::file::{ENVIRONMENTS, Mode, Policy};
use crate::policy::findings::Severity;
use crate::policy::inventory::{Inventory, inventory};
use crate::policy::lock::{Decider, Difference, Lock};
use crate::run::Context;
use crate::secret::Secret32;
use serde_json::{Value, json};

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &LockArgs) -> Result<Answer> {
    let reviewed = Reviewed::read(&policy_path(settings, args.policy.as_deref())?)?;
    let catalogue = catalogue(context, settings, args, &reviewed.policy)?;
    let inventory = inventory(&reviewed.policy, &catalogue)?;
    let file = reviewed.lock_path.display().to_string();
    let before = reviewed.lock.as_ref().and_then(|(lock, _)| lock.of(&reviewed.policy, catalogue.engine));
    let by = settings.reviewer(args.by.as_deref());
    let decider = decider(by.clone().unwrap_or_default(), args)?;
    let made = Lock::of(&file, &reviewed.policy, (&catalogue, &inventory), before, &decider)?;
    refuse_misfits(&reviewed.policy, &catalogue, &inventory)?;
    let nothing = Lock { tables: std::collections::BTreeMap::new(), ..made.clone() };
    let differences = before.unwrap_or(&nothing).differences(&made);
    let whole = reviewed.lock.as_ref().map(|(lock, _)| lock.clone()).unwrap_or_default();
    let text = whole.with(made.clone()).text();
    let changed = reviewed.lock.as_ref().is_none_or(|(_, old)| *old != text);
    let mut json = described(&made, &file, &differences);
    if args.check {
        json["up_to_date"] = json!(before.is_some() && differences.is_empty());
        return Ok(compared(&file, before, &differences, json, &made));
    }
    let unsigned = text.contains("by = \"\"");
    if unsigned && by.is_none() {
        return Err(Error::usage("nothing says who decided what is new or changed")
            .hint("Add --by NAME, or [review] by = \"...\" to terp-fixtures.toml."));
    }
    if changed {
        write_whole(&reviewed.lock_path, &text)?;
    }
    json["written"] = json!(changed);
    let lines: Vec<String> = differences.iter().map(|difference| format!("  {difference}\n")).collect();
    let done = if changed { format!("Wrote {file}") } else { format!("{file} is up to date") };
    Ok(Answer::new(json, format!("{}{done}: {}", lines.concat(), summary(&made))))
}

fn summary(lock: &Lock) -> String {
    let columns: usize = lock.tables.values().map(|table| table.columns.len()).sum();
    let tables = count(lock.tables.len() as u64, "table");
    format!("{} of {tables} for {}, schema {}.", count(columns as u64, "column"), lock.engine, lock.fingerprint())
}

fn compared(file: &str, before: Option<&Lock>, differences: &[Difference], json: Value, made: &Lock) -> Answer {
    let hint = "Write it with 'terp-fixtures policy lock --by NAME', and have it approved.";
    let failure = match (before, differences) {
        (None, _) => Some(Error::drift(format!("there is no lock {file}, or it is of other engines")).hint(hint)),
        (Some(_), []) => None,
        (Some(_), _) => Some(Error::drift(format!("{file} is out of date: {}", listed(differences))).hint(hint)),
    };
    let lines: Vec<String> = differences.iter().map(|difference| format!("  {difference}\n")).collect();
    let end = if failure.is_some() { "is out of date" } else { "is up to date" };
    Answer { failure, ..Answer::new(json, format!("{}{file} {end}: {}", lines.concat(), summary(made))) }
}

fn described(lock: &Lock, file: &str, differences: &[Difference]) -> Value {
    let one = |difference: &Difference| {
        json!({ "table": difference.table, "column": difference.column, "what": difference.sort.word(),
            "before": difference.before, "after": difference.after,
            "line": difference.place.map(|place| place.line) })
    };
    json!({ "lock": file, "schema": lock.fingerprint(), "engine": lock.engine, "tables": lock.tables.len(),
        "columns": lock.tables.values().map(|table| table.columns.len()).sum::<usize>(),
        "differences": differences.iter().map(one).collect::<Vec<_>>() })
}

fn decider(by: String, args: &LockArgs) -> Result<Decider> {
    let day = |days: u32| {
        let hours = jiff::SignedDuration::from_hours(24 * i64::from(days));
        let then = jiff::Timestamp::now().checked_add(hours);
        then.map(|then| then.strftime("%Y-%m-%d").to_string())
            .map_err(|error| Error::usage("--expires-in lies too far in the future").caused_by(error))
    };
    let on = now()[..10].to_owned();
    Ok(Decider { by, on, expires: args.expires_in.map(day).transpose()?, renew: args.renew })
}

/// The catalogue that was decided about. Read only, and no row.
fn catalogue(context: &Context<'_>, settings: &Settings, args: &LockArgs, policy: &Policy) -> Result<Catalogue> {
    let Some(schema) = args.schema.schema(context, settings)? else {
        return Err(address(None, "source", "SOURCE_DATABASE_URL").err().unwrap_or_else(|| Error::usage("no source")));
    };
    if let Some(unread) = schema.findings.into_iter().find(|finding| finding.severity == Severity::Error) {
        return Err(unread.error().within("the lock needs every table"));
    }
    let of_snapshot = args.schema.snapshot.is_some();
    Ok(if of_snapshot { with_excluded(schema.catalogue, policy) } else { schema.catalogue })
}

/// A snapshot has no trace of the tables that its policy excludes; the lock has their names.
fn with_excluded(mut catalogue: Catalogue, policy: &Policy) -> Catalogue {
    let policy = policy.of_engine(catalogue.engine);
    for (name, _) in policy.tables.iter().filter(|(_, rules)| rules.mode == Some(Mode::Exclude)) {
        if catalogue.tables.iter().any(|table| table.name.is_named(name)) {
            continue;
        }
        let table = match name.split_once('.') {
            Some((schema, name)) => TableName { schema: Some(schema.to_owned()), name: name.to_owned() },
            None => TableName::plain(name),
        };
        catalogue.tables.push(Table {
            name: table,
            kind: TableKind::Ordinary,
            columns: Vec::new(),
            primary_key: Vec::new(),
            uniques: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            create: String::new(),
            counter: false,
            strict: false,
        });
    }
    catalogue
}

/// Refuses what a capture would refuse, in every environment that could capture at all. The key does not matter to that.
fn refuse_misfits(policy: &Policy, catalogue: &Catalogue, inventory: &Inventory) -> Result<()> {
    let key = MasterKey::new(Secret32::new([0; 32]));
    for (at, environment) in ENVIRONMENTS.iter().enumerate() {
        let captures = inventory.tables.iter().any(|table| table.modes[at] == Some(Mode::Capture));
        let decided = inventory.tables.iter().all(|table| table.modes[at].is_some() && table.open(at).next().is_none());
        if decided && !(captures && *environment == "production") {
            policy::resolve(policy, catalogue, environment, &key).map_err(|error| error.within(environment))?;
        }
    }
    Ok(())
}
