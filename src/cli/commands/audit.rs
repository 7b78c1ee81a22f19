//! `audit log`, `audit verify` and `audit head`; and how every other command writes its own deeds down.

use super::{address, open};
use crate::cli::args::{AuditCommand, AuditHeadArgs, AuditLogArgs, AuditVerifyArgs};
use crate::cli::remembered;
use crate::cli::render::{Answer, count, grouped, table};
use crate::cli::settings::Settings;
use crate::engine::{self, Target};
use crate::error::{Error, Kind, Result};
use crate::model::audit::{Database, Deed, Entry, Head, Outcome};
use crate::run::Context;
use crate::run::audit::verify::{self, Known};
use crate::run::audit::{self, Recorded, chain};
use crate::run::repository::Repository;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn run(context: &Context<'_>, settings: &Settings, command: &AuditCommand) -> Result<Answer> {
    match command {
        AuditCommand::Log(args) => log(context, settings, args),
        AuditCommand::Verify(args) => verified(context, settings, args),
        AuditCommand::Head(args) => head(context, settings, args),
    }
}

/// Runs what may be refused, and writes a refusal or failure into the store's trail where one can be opened. `run` adds what it gets
/// to know to the deed. Wrong usage is no attempt, and neither is a dry run. That an entry cannot be written never hides why.
pub(super) fn attempt(
    context: &Context<'_>,
    settings: &Settings,
    (mut deed, dry_run): (Deed, bool),
    run: impl FnOnce(&mut Deed) -> Result<Answer>,
) -> Result<Answer> {
    run(&mut deed).inspect_err(|error| {
        if dry_run || error.kind() == Kind::Usage {
            return;
        }
        let Some(repository) = open_quietly(settings) else { return };
        let deed = deed.stopped_by(error);
        let refused = deed.outcome == Outcome::Refused;
        if let Err(second) = record(context, settings, &repository, deed)
            && refused
        {
            let hint = Some("The reason of the refusal itself is below.".to_owned());
            context.warn(format!("the refusal could not be written into the audit trail: {second}"), hint);
        }
    })
}

/// Appends an entry, and remembers where the trail stands.
pub(super) fn record(context: &Context<'_>, settings: &Settings, repository: &Repository, deed: Deed) -> Result<()> {
    if let Some(head) = audit::record(repository, deed)? {
        remember(context, settings, repository, &head);
    }
    Ok(())
}

/// Remembers where the trail stands; that it cannot only makes this machine forgetful.
pub(super) fn remember(context: &Context<'_>, settings: &Settings, repository: &Repository, head: &Head) {
    if let Err(error) = remembered::save(settings, repository.id(), head) {
        context.warn(format!("{error}, so this machine does not remember the audit trail's newest entry"), None);
    }
}

/// Appends an entry of what a target has in its own chain already, so that a store that cannot be written is only told.
pub(super) fn record_of_target(context: &Context<'_>, settings: &Settings, repository: &Repository, deed: Deed) {
    let what = deed.operation.word();
    if let Err(error) = record(context, settings, repository, deed) {
        let hint = "The target's own chain has it: 'terp-fixtures audit log --target URL' shows it.";
        context.warn(
            format!("the {what} is done, but could not be written into the store's audit trail: {error}"),
            Some(hint.to_owned()),
        );
    }
}

/// The store, if one can be opened; where none can, the command goes on without an audit trail.
pub(super) fn open_quietly(settings: &Settings) -> Option<Repository> {
    let (member, _) = settings.member().ok()?;
    let store = crate::store::open(&settings.store(), false).ok()?;
    let repository = Repository::open(store, &member, &settings.signers().ok()?).ok()?;
    let repository = repository.believing(&settings.publishers().ok()?);
    let (name, host) = settings.actor();
    Some(repository.acting_as(name, host, settings.is_public()))
}

/// A target as an entry names it.
pub(super) fn database(target: &mut dyn Target, address: &crate::secret::Address) -> Database {
    Database { address: address.to_string(), identity: target.identity().ok() }
}

fn log(context: &Context<'_>, settings: &Settings, args: &AuditLogArgs) -> Result<Answer> {
    let (mut entries, damaged) = match &args.target {
        Some(_) => {
            let rows = chain::rows(&mut *open_target(context, args.target.as_deref())?)?;
            let entries = chain::readable(&rows);
            let damaged = (entries.len() < rows.len()).then(|| "some rows of the chain cannot be read".to_owned());
            (entries, damaged.into_iter().collect())
        }
        None => {
            let (entries, damaged) = audit::entries(&open(context, settings)?)?;
            (entries, damaged.iter().map(ToString::to_string).collect::<Vec<_>>())
        }
    };
    for damage in damaged {
        context.warn(damage, Some("'terp-fixtures audit verify' says what is wrong.".to_owned()));
    }
    entries.retain(|recorded| wanted(args, &recorded.entry));
    let from = entries.len().saturating_sub(args.limit.unwrap_or(usize::MAX));
    let entries = &entries[from..];
    let lines: Vec<&str> = entries.iter().map(|recorded| recorded.line.as_str()).collect();
    // With --json the lines themselves, one object each.
    let json = Value::String(lines.join("\n"));
    let text = match entries {
        [] => "The audit trail has no such entry.".to_owned(),
        entries => log_text(entries),
    };
    Ok(Answer::new(json, text))
}

fn wanted(args: &AuditLogArgs, entry: &Entry) -> bool {
    let deed = &entry.what;
    let one_of = |words: &[String], word: &str| words.is_empty() || words.iter().any(|wanted| wanted == word);
    let signer = entry.who.signer.as_deref().unwrap_or_default();
    let digits = signer.strip_prefix("ed25519:").unwrap_or_default();
    let is_actor = |actor: &String| {
        let signs = !actor.is_empty() && (signer.starts_with(actor) || digits.starts_with(actor));
        signs || entry.who.name == *actor || entry.who.host == *actor
    };
    one_of(&args.operation, deed.operation.word())
        && one_of(&args.outcome, deed.outcome.word())
        && args.since.as_ref().is_none_or(|since| entry.time >= *since)
        && args.until.as_ref().is_none_or(|until| entry.time <= *until)
        && args.snapshot.as_ref().is_none_or(|snapshot| is_of(snapshot, deed))
        && args.actor.as_ref().is_none_or(is_actor)
        && args.environment.as_ref().is_none_or(|environment| deed.environment.as_ref() == Some(environment))
}

/// Whether a deed is about the snapshot that `wanted` names, as everywhere else.
fn is_of(wanted: &str, deed: &Deed) -> bool {
    let Some(snapshot) = &deed.snapshot else { return false };
    let has_id =
        |id: &str| id.len() >= 6 && snapshot.id.as_ref().is_some_and(|full| full.starts_with(&id.to_ascii_lowercase()));
    match wanted.split_once('@') {
        Some((name, id)) => snapshot.name == name && has_id(id),
        None => snapshot.name == wanted || has_id(wanted),
    }
}

fn log_text(entries: &[Recorded]) -> String {
    let line = |recorded: &Recorded| {
        let Entry { time, who, what, .. } = &recorded.entry;
        let snapshot = what.snapshot.as_ref().map_or_else(String::new, |snapshot| {
            let id = snapshot.id.as_deref().map(|id| format!("@{}", id.get(..12).unwrap_or(id))).unwrap_or_default();
            format!("{}{id}", snapshot.name.escape_debug())
        });
        let place = what.database.as_ref().map(|database| database.address.escape_debug().to_string());
        let key = what.key.as_ref().map(|key| key.escape_debug().to_string());
        vec![
            time.clone(),
            what.operation.word().to_owned(),
            what.outcome.word().to_owned(),
            format!("{} at {}", who.name.escape_debug(), who.host.escape_debug()).trim_end_matches(" at ").to_owned(),
            what.environment.clone().unwrap_or_default(),
            snapshot,
            what.counts.get("rows").map(|rows| grouped(*rows)).unwrap_or_default(),
            what.reason.clone().map(|reason| reason.escape_debug().to_string()).or(place).or(key).unwrap_or_default(),
        ]
    };
    let lines: Vec<Vec<String>> = entries.iter().map(line).collect();
    table(&["time", "operation", "outcome", "who", "env", "snapshot", "rows", "where or why"], &lines, &[6])
}

fn verified(context: &Context<'_>, settings: &Settings, args: &AuditVerifyArgs) -> Result<Answer> {
    let done = match &args.target {
        Some(_) => {
            let repository = open_quietly(settings).filter(|repository| !repository.is_public());
            verify::target(&mut *open_target(context, args.target.as_deref())?, repository.as_ref())?.into_result()?
        }
        None => {
            let repository = open(context, settings)?;
            let mut known = Vec::new();
            for path in &args.head {
                let file = std::fs::read(path).map_err(|error| {
                    Error::usage(format!("cannot read the head {}", path.display())).caused_by(error)
                })?;
                let statement = audit::read_head(&repository, &file).map_err(|error| error.within(path.display()))?;
                known.push(Known { by: format!("the head of {}", statement.time), head: statement.head });
            }
            let seen = remembered::load(settings, repository.id())?;
            known.extend(seen.map(|head| Known { by: remembered::NAME.to_owned(), head }));
            let done = verify::store(&repository, &known)?.into_result()?;
            if done.entries > 0 {
                remember(context, settings, &repository, &done.head);
            }
            done
        }
    };
    let text = match done.entries {
        0 => "The audit trail is empty.".to_owned(),
        entries => format!(
            "The audit trail is whole: {}, up to number {} ({}).",
            if entries == 1 { "1 entry".to_owned() } else { format!("{} entries", grouped(entries)) },
            done.head.seq,
            done.head.heads.join(", ")
        ),
    };
    let json = json!({ "entries": done.entries, "seq": done.head.seq, "heads": done.head.heads });
    Ok(Answer::new(json, text))
}

fn head(context: &Context<'_>, settings: &Settings, args: &AuditHeadArgs) -> Result<Answer> {
    let repository = open(context, settings)?;
    if repository.is_public() {
        return Err(Error::guard("a public store has no audit trail").hint("Name a store of your own with --store."));
    }
    let (statement, file) = audit::sign_head(&repository)?;
    let shown = String::from_utf8_lossy(&file).into_owned();
    let json = json!({ "repo": statement.repo, "time": statement.time, "entries": statement.entries,
        "seq": statement.head.seq, "heads": statement.head.heads, "statement": shown, "output": args.output });
    let Some(path) = &args.output else { return Ok(Answer::new(json, shown)) };
    write_new(path, &file)?;
    let entries = count(statement.entries, "signed line");
    let text = format!(
        "Wrote {} for {entries}. Keep it where nobody who can write to the store can change it.\nLater: terp-fixtures audit verify --head {}",
        path.display(),
        path.display()
    );
    Ok(Answer::new(json, text))
}

/// Never over another head: an older one is what finds later deletions.
fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all())).map_err(|error| {
        Error::usage(format!("cannot write {}", path.display())).caused_by(error).hint("Name a new file with --output.")
    })
}

fn open_target(context: &Context<'_>, target: Option<&str>) -> Result<Box<dyn Target>> {
    let address = address(target, "target", "DATABASE_URL")?;
    (engine::find(&address)?.target)(&address, false, &context.cancel)
}

/// Warns when entries that this machine has seen are gone.
pub(super) fn warn_of_gone(context: &Context<'_>, settings: &Settings, repository: &Repository) -> Result<()> {
    match remembered::load(settings, repository.id()) {
        Err(error) => context.warn(error.to_string(), error.hint_text().map(str::to_owned)),
        Ok(Some(head)) if !audit::still_there(repository, &head)? => {
            let hint = "'terp-fixtures audit verify' says which.".to_owned();
            context.warn("entries of the store's audit trail that this machine has seen are gone", Some(hint));
        }
        Ok(_) => {}
    }
    Ok(())
}
