//! From what was typed to a run and its answer: one function per command.

use super::args::{self, Cli, Command, KeysCommand};
use super::render::{Answer, Screen, bytes, count, grouped, seconds, table};
use super::settings::{self, Settings};
use crate::engine;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::mask::key::MasterKey;
use crate::model::schema::TableName;
use crate::policy::{self, Policy};
use crate::run::load::OnConflict;
use crate::run::repository::{Repository, Snapshot};
use crate::run::{Context, capture, demo, inspect, keys, restore, rollback, verify};
use crate::seal::Member;
use crate::secret::{Address, SecretText};
use crate::store;
use clap::CommandFactory as _;
use serde_json::json;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Runs the command.
///
/// # Errors
/// Whatever the command's run returns.
pub(super) fn run(cli: &Cli, screen: &Screen, context: &Context<'_>) -> Result<Answer> {
    match &cli.command {
        Command::Completions { shell } => return completions(*shell),
        Command::Man { dir } => return man(dir),
        Command::Demo(args) => return demonstrate(context, screen, args),
        _ => {}
    }
    let settings = Settings::load(cli.global.config.as_deref(), cli.global.store.as_deref())?;
    match &cli.command {
        Command::Keys(KeysCommand::Init(args)) => keys_init(&settings, args),
        Command::Capture(args) => capture_command(context, &settings, args),
        Command::Restore(args) => restore_command(context, &settings, args),
        Command::Rollback(args) => rollback_command(context, args),
        Command::List => list(context, &settings),
        Command::Show(args) => show(context, &settings, args),
        Command::Verify(args) => verify_command(context, &settings, args),
        Command::Runs(args) => runs(context, args),
        Command::Completions { .. } | Command::Man { .. } | Command::Demo(_) => {
            Err(Error::internal("a command was dispatched twice"))
        }
    }
}

/// Opens the store as the member that the settings name.
fn open(context: &Context<'_>, settings: &Settings) -> Result<Repository> {
    let (member, public) = settings.member()?;
    if public {
        context.report.event(&Event::Warning {
            what: "this store is opened with the public identity that lies in it".into(),
            hint: Some("Everybody can read it; never capture real data into it.".into()),
        });
    }
    let store = store::open(&settings.store(), false)?;
    Repository::open(store, &member, &settings.signers()?)
}

fn address(given: Option<&str>, option: &str, variable: &str) -> Result<Address> {
    given.map(Address::new).ok_or_else(|| {
        Error::usage(format!("no {option} is named")).hint(format!("Add --{option} sqlite:PATH, or set {variable}."))
    })
}

/// Asks before something destructive. Without a terminal only `--yes` will do.
fn confirm(yes: bool, question: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    let refused =
        |what: &str| Error::guard(what).hint("Add --yes to go on without being asked, or --dry-run to look first.");
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(refused(&format!("{question} This needs a confirmation, and there is no terminal to ask on")));
    }
    write!(std::io::stderr(), "{question} Type 'yes' to go on: ").unwrap_or_default();
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Error::guard("no answer could be read").caused_by(error))?;
    if answer.trim() == "yes" { Ok(()) } else { Err(refused("not confirmed; nothing was changed")) }
}

fn started(context: &Context<'_>, operation: &'static str, facts: Vec<(&'static str, String)>) {
    context.report.event(&Event::Started { operation, facts });
}

fn finished(
    context: &Context<'_>,
    operation: &'static str,
    facts: Vec<(&'static str, String)>,
    tables: Vec<(TableName, u64)>,
    millis: u64,
) {
    context.report.event(&Event::Finished { operation, facts, tables, millis });
}

fn keys_init(settings: &Settings, args: &args::KeysInitArgs) -> Result<Answer> {
    let identity = args.identity_file.clone().unwrap_or_else(|| settings.usual_secret("identity.key"));
    let mask_key = args.mask_key_file.clone().unwrap_or_else(|| settings.usual_secret("mask.key"));
    let address = settings.store();
    let store = store::open(&address, true)?;
    let member = if identity.is_file() {
        Member::parse(&read_secret(&identity)?)?
    } else {
        let member = Member::generate();
        write_secret(&identity, &member.to_file("terp-fixtures identity: keep it secret"))?;
        member
    };
    let made = keys::init(&*store, &member)?;
    if !mask_key.is_file() {
        write_secret(&mask_key, &MasterKey::generate()?.to_text())?;
    }
    let text = format!(
        "Made the store {address}.\n\n  identity     {}   (secret: whoever has it can read the store)\n  masking key  {}   \
         (secret: whoever has it can undo masks)\n  recipient    {}\n  signer       {}\n\nNext: keep both secret files out of \
         git, and share the signer with your team.\n  terp-fixtures capture --policy pii.toml --source sqlite:PATH",
        identity.display(),
        mask_key.display(),
        made.recipient,
        made.signer
    );
    let json = json!({ "store": address.to_string(), "repo": made.repo, "recipient": made.recipient, "signer": made.signer,
        "identity_file": identity, "mask_key_file": mask_key });
    Ok(Answer { json, text })
}

fn read_secret(path: &Path) -> Result<SecretText> {
    std::fs::read_to_string(path)
        .map(SecretText::new)
        .map_err(|error| Error::usage(format!("cannot read {}", path.display())).caused_by(error))
}

/// Writes a secret file that only its owner can read; never over an existing one.
fn write_secret(path: &Path, secret: &SecretText) -> Result<()> {
    let cannot = |error: std::io::Error| Error::usage(format!("cannot write {}", path.display())).caused_by(error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(cannot)?;
        if folder.ends_with(settings::SECRETS) && !folder.join(".gitignore").exists() {
            std::fs::write(folder.join(".gitignore"), "*\n").map_err(cannot)?;
        }
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(cannot)?;
    file.write_all(secret.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)
}

fn capture_command(context: &Context<'_>, settings: &Settings, args: &args::CaptureArgs) -> Result<Answer> {
    let environment = settings.environment(args.env.as_deref());
    let path = settings.policy(args.policy.as_deref())?;
    let address = address(args.source.as_deref(), "source", "SOURCE_DATABASE_URL")?;
    let name = args.name.clone().unwrap_or_else(|| default_name(&address));
    check_name(&name)?;
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Error::usage(format!("cannot read the policy {}", path.display())).caused_by(error))?;
    let policy = Policy::parse(&path.display().to_string(), &text)?;
    let master = settings.master_key()?;
    let repository = open(context, settings)?;
    started(
        context,
        "capture",
        vec![
            ("name", name.clone()),
            ("source", address.to_string()),
            ("store", settings.store().to_string()),
            ("environment", environment.clone()),
            ("policy", path.display().to_string()),
        ],
    );
    let mut source = (engine::find(&address)?.source)(&address, &context.cancel)?;
    let catalogue = source.catalogue()?;
    let plan = policy::resolve(&policy, &catalogue, &environment, &master)?;
    let options = capture::Options {
        name,
        environment,
        policy: policy.proof(&master),
        dry_run: args.dry_run,
        expires: args.expires_in.map(days_from_now).transpose()?,
    };
    let done = capture::capture(context, &mut *source, &catalogue, &plan, &repository, &options)?;
    let rows: u64 = done.tables.iter().map(|(_, rows)| rows).sum();
    finished(
        context,
        "capture",
        vec![("uploaded_packs", done.uploaded_packs.to_string())],
        done.tables.clone(),
        done.millis,
    );
    let json = json!({
        "snapshot": done.snapshot.as_ref().map(|snapshot| json!({ "name": snapshot.manifest.name, "id": snapshot.id })),
        "dry_run": args.dry_run, "rows": rows, "masked_columns": done.masked_columns, "raw_bytes": done.raw_bytes,
        "uploaded_bytes": done.uploaded_bytes, "uploaded_packs": done.uploaded_packs, "chunks": done.chunks.0,
        "known_chunks": done.chunks.1, "foreign_keys": done.foreign_keys,
        "leaks": { "originals": done.leaks.originals, "cells": done.leaks.cells, "hits": done.leaks.hits,
            "skipped": done.leaks.skipped },
        "tables": done.tables.iter().map(|(table, rows)| json!({ "table": table.to_string(), "rows": rows })).collect::<Vec<_>>(),
        "millis": done.millis,
    });
    Ok(Answer { json, text: capture_text(&done) })
}

/// The outcome of a capture in plain words.
fn capture_text(done: &capture::Outcome) -> String {
    let rows: u64 = done.tables.iter().map(|(_, rows)| rows).sum();
    let filled = done.tables.iter().filter(|(_, rows)| *rows > 0).count();
    let Some(snapshot) = &done.snapshot else {
        let lines: Vec<Vec<String>> =
            done.tables.iter().map(|(table, rows)| vec![table.to_string(), grouped(*rows)]).collect();
        return format!(
            "{}\n\nDry run: would capture {} of {} and mask {}. Nothing was written.",
            table(&["table", "rows"], &lines, &[1]),
            count(rows, "row"),
            count(filled as u64, "table"),
            count(done.masked_columns as u64, "column")
        );
    };
    let skipped: u64 = done.leaks.skipped.values().sum();
    let filled = filled as u64;
    format!(
        "Captured {} as {}\n  {} of {}, {} of COPY text\n  {} masked; {} looked for in {}: none found ({} passed over: \
         short, common, in a public dictionary, or sampled)\n  {} closed\n  {} uploaded in {}; {} of {} were in the store \
         already\n  {}",
        snapshot.manifest.name,
        snapshot.label(),
        count(rows, "row"),
        count(filled, "table"),
        bytes(done.raw_bytes),
        count(done.masked_columns as u64, "column"),
        count(done.leaks.originals, "original"),
        count(done.leaks.cells, "cell"),
        grouped(skipped),
        count(done.foreign_keys, "foreign key"),
        bytes(done.uploaded_bytes),
        count(done.uploaded_packs as u64, "pack"),
        grouped(done.chunks.1),
        count(done.chunks.0, "chunk"),
        seconds(done.millis),
    )
}

/// `<database>-<YYYY-MM-DD>`.
fn default_name(address: &Address) -> String {
    let shown = address.to_string();
    let path = shown.split('?').next().unwrap_or_default();
    let last = path.rsplit(['/', ':', '\\']).next().unwrap_or_default();
    let stem = last.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("database");
    let clean: String = stem.chars().map(|c| if is_name_char(c) { c } else { '-' }).collect();
    format!("{clean}-{}", jiff::Timestamp::now().strftime("%Y-%m-%d"))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

fn check_name(name: &str) -> Result<()> {
    let good = !name.is_empty() && name.len() <= 100 && !name.starts_with(['-', '.']) && name.chars().all(is_name_char);
    if good {
        return Ok(());
    }
    Err(Error::usage(
        "a snapshot's name has 1 to 100 letters, digits, '-', '_' or '.', and starts with a letter or digit",
    )
    .hint("For example: demo-2025-12."))
}

fn days_from_now(days: u32) -> Result<String> {
    let hours = jiff::SignedDuration::from_hours(24 * i64::from(days));
    let then = jiff::Timestamp::now().checked_add(hours);
    then.map(|then| then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .map_err(|error| Error::usage("--expires-in lies too far in the future").caused_by(error))
}

fn restore_command(context: &Context<'_>, settings: &Settings, args: &args::RestoreArgs) -> Result<Answer> {
    if let Some(variable) = settings::production_variable() {
        return Err(Error::guard(format!("{variable} says that this is production; fixtures do not belong there"))
            .hint("Run this where the variable does not say production."));
    }
    let address = address(args.target.as_deref(), "target", "DATABASE_URL")?;
    let engine = engine::find(&address)?;
    let repository = open(context, settings)?;
    let snapshot = repository.find(&args.snapshot)?;
    if args.on_conflict == args::OnConflict::Overwrite && !args.dry_run {
        confirm(args.yes, &format!("Rows of {address} will be replaced where {} has other ones.", snapshot.label()))?;
    }
    started(
        context,
        "restore",
        vec![
            ("snapshot", snapshot.label()),
            ("target", address.to_string()),
            ("environment", snapshot.manifest.environment.clone()),
            ("dry_run", args.dry_run.to_string()),
        ],
    );
    let new_file = NewFile::watch(&address, engine.is_file);
    let mut target = (engine.target)(&address, true, &context.cancel)?;
    let options = restore::Options {
        create: args.create,
        on_conflict: match args.on_conflict {
            args::OnConflict::Fail => OnConflict::Fail,
            args::OnConflict::Skip => OnConflict::Skip,
            args::OnConflict::Overwrite => OnConflict::Overwrite,
        },
        keep_others: args.keep_others,
        tables: args.table.clone(),
        dry_run: args.dry_run,
        lock_timeout: Duration::from_secs(args.lock_timeout),
        environment: args.env.clone(),
    };
    let done = restore::restore(context, &repository, &snapshot, &mut *target, &options);
    drop(target);
    let done = match done {
        Ok(done) if !args.dry_run => done,
        other => {
            new_file.remove_if_empty();
            other?
        }
    };
    let tables = done.tables.iter().map(|table| (table.table.clone(), table.inserted + table.overwritten)).collect();
    finished(context, "restore", vec![("run", done.run.clone())], tables, done.millis);
    Ok(restore_answer(&done, &address, args.dry_run))
}

/// A file that a failed or dry run made must not stay behind.
struct NewFile(Option<PathBuf>);

impl NewFile {
    fn watch(address: &Address, is_file: bool) -> Self {
        let text = address.expose();
        let path = text.split_once(':').map_or(text, |(_, rest)| rest).trim_start_matches("//");
        Self((is_file && !Path::new(path).exists()).then(|| PathBuf::from(path)))
    }

    fn remove_if_empty(&self) {
        if let Some(path) = &self.0
            && path.metadata().is_ok_and(|about| about.len() == 0)
        {
            // An empty file that cannot be removed is only litter.
            std::fs::remove_file(path).unwrap_or_default();
        }
    }
}

fn restore_answer(done: &restore::Outcome, address: &Address, dry_run: bool) -> Answer {
    let lines: Vec<Vec<String>> = done
        .tables
        .iter()
        .map(|table| {
            let counts = [table.inserted, table.overwritten, table.identical, table.skipped];
            std::iter::once(table.table.to_string()).chain(counts.map(grouped)).collect()
        })
        .collect();
    let counts = table(&["table", "inserted", "overwritten", "identical", "skipped"], &lines, &[1, 2, 3, 4]);
    let replaced = match done.replaced.as_slice() {
        [] => String::new(),
        runs => format!("\n  replaced the previous run {}", runs.join(", ")),
    };
    let created = match done.created.len() {
        0 => String::new(),
        created => format!("\n  {} created", count(created as u64, "table")),
    };
    let rows = count(done.rows(), "row");
    let text = match (done.unchanged, dry_run) {
        (true, _) => format!("{address} holds {} already; nothing was changed.", done.run),
        (false, true) => format!("{counts}\n\nDry run: would put {rows} into {address}. Nothing was changed."),
        (false, false) => format!(
            "{counts}\n\nRestored {} into {address}\n  {rows}{created}{replaced}\n  {} verified\n  {}\n\nTake it \
             out again with: terp-fixtures rollback --target {address}",
            done.run,
            count(done.foreign_keys, "foreign key"),
            seconds(done.millis)
        ),
    };
    let json = json!({
        "run": done.run, "target": address.to_string(), "unchanged": done.unchanged, "dry_run": dry_run,
        "rows": done.rows(), "replaced": done.replaced, "foreign_keys": done.foreign_keys, "millis": done.millis,
        "created": done.created.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "tables": done.tables.iter().map(|table| json!({ "table": table.table.to_string(), "inserted": table.inserted,
            "overwritten": table.overwritten, "identical": table.identical, "skipped": table.skipped })).collect::<Vec<_>>(),
    });
    Answer { json, text }
}

fn rollback_command(context: &Context<'_>, args: &args::RollbackArgs) -> Result<Answer> {
    let address = address(args.target.as_deref(), "target", "DATABASE_URL")?;
    let mut target = (engine::find(&address)?.target)(&address, false, &context.cancel)?;
    if !args.dry_run {
        let what = args.run.as_deref().unwrap_or("the restored rows");
        confirm(args.yes, &format!("This takes {what} out of {address}."))?;
    }
    started(context, "rollback", vec![("target", address.to_string()), ("dry_run", args.dry_run.to_string())]);
    let options = rollback::Options {
        wanted: args.run.clone(),
        force: args.force,
        dry_run: args.dry_run,
        lock_timeout: Duration::from_secs(args.lock_timeout),
    };
    let done = rollback::rollback(context, &mut *target, &options)?;
    let tables = done.tables.iter().map(|(table, deleted, put_back)| (table.clone(), deleted + put_back)).collect();
    finished(context, "rollback", vec![("run", done.run.clone())], tables, done.millis);
    let lines: Vec<Vec<String>> = done
        .tables
        .iter()
        .map(|(table, deleted, put_back)| vec![table.to_string(), grouped(*deleted), grouped(*put_back)])
        .collect();
    let counts = table(&["table", "deleted", "put back"], &lines, &[1, 2]);
    let deleted: u64 = done.tables.iter().map(|(_, deleted, _)| deleted).sum();
    let put_back: u64 = done.tables.iter().map(|(_, _, put_back)| put_back).sum();
    let dropped = if done.dropped.is_empty() {
        String::new()
    } else {
        format!("\n  {} dropped that the restore had created", count(done.dropped.len() as u64, "table"))
    };
    let text = if args.dry_run {
        format!("{counts}\n\nDry run: would roll back {}. Nothing was changed.", done.run)
    } else {
        format!(
            "{counts}\n\nRolled back {} in {address}\n  {} deleted, {} put back{dropped}\n  {}",
            done.run,
            count(deleted, "row"),
            grouped(put_back),
            seconds(done.millis)
        )
    };
    let json = json!({
        "run": done.run, "target": address.to_string(), "dry_run": args.dry_run, "millis": done.millis,
        "tables": done.tables.iter().map(|(table, deleted, put_back)| json!({ "table": table.to_string(),
            "deleted": deleted, "put_back": put_back })).collect::<Vec<_>>(),
        "dropped": done.dropped.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    Ok(Answer { json, text })
}

fn list(context: &Context<'_>, settings: &Settings) -> Result<Answer> {
    let lines = inspect::lines(&open(context, settings)?.snapshots()?);
    let json = lines
        .iter()
        .map(|line| {
            json!({ "name": line.name, "id": line.id, "created": line.created, "environment": line.environment,
                "engine": line.engine, "tables": line.tables, "rows": line.rows, "raw_bytes": line.raw_bytes,
                "stored_bytes": line.stored_bytes, "shared_bytes": line.shared_bytes })
        })
        .collect();
    if lines.is_empty() {
        let text = "The store is empty. Make a snapshot with 'terp-fixtures capture'.".to_owned();
        return Ok(Answer { json, text });
    }
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                line.name.clone(),
                line.id[..12].to_owned(),
                line.created.clone(),
                line.environment.clone(),
                line.engine.clone(),
                line.tables.to_string(),
                grouped(line.rows),
                bytes(line.raw_bytes),
                bytes(line.stored_bytes - line.shared_bytes),
            ]
        })
        .collect();
    let head = ["name", "id", "created", "env", "engine", "tables", "rows", "raw", "own bytes"];
    Ok(Answer { json, text: table(&head, &rows, &[5, 6, 7, 8]) })
}

fn show(context: &Context<'_>, settings: &Settings, args: &args::ShowArgs) -> Result<Answer> {
    let snapshot = open(context, settings)?.find(&args.snapshot)?;
    let json = serde_json::to_value(&snapshot.manifest)
        .map_err(|error| Error::internal("the manifest cannot be shown").caused_by(error))?;
    Ok(Answer {
        json: json!({ "id": snapshot.id, "signer": snapshot.signer.to_string(), "manifest": json }),
        text: show_text(&snapshot),
    })
}

fn show_text(snapshot: &Snapshot) -> String {
    let manifest = &snapshot.manifest;
    let rows: Vec<Vec<String>> = manifest
        .tables
        .iter()
        .map(|entry| {
            let masked: Vec<String> = entry
                .masks
                .iter()
                .filter(|(_, mask)| *mask != "keep")
                .map(|(column, mask)| format!("{}: {mask}", column.escape_debug()))
                .collect();
            vec![
                entry.table.to_string(),
                entry.mode.clone(),
                grouped(entry.rows),
                bytes(entry.bytes),
                entry.chunks.len().to_string(),
                masked.join(", "),
            ]
        })
        .collect();
    let facts = [
        ("id", snapshot.id.clone()),
        ("created", format!("{} by terp-fixtures {}", manifest.created, manifest.tool)),
        ("signed by", snapshot.signer.to_string()),
        ("source", format!("{} {}", manifest.schema.engine, manifest.schema.version.escape_debug())),
        ("environment", manifest.environment.clone()),
        ("policy", format!("{} ({})", manifest.policy.file.escape_debug(), &manifest.policy.digest[..16])),
        ("masking key", format!("{}, generation {}", manifest.policy.key_id, manifest.policy.generation)),
        ("closure", format!("{} closed", count(manifest.results.closure.foreign_keys, "foreign key"))),
        (
            "leak scan",
            format!(
                "{} originals in {} cells: {} found",
                grouped(manifest.results.leaks.originals),
                grouped(manifest.results.leaks.cells),
                manifest.results.leaks.hits
            ),
        ),
        ("expires", manifest.expires.clone().unwrap_or_else(|| "never".to_owned())),
    ];
    let facts: Vec<String> = facts.iter().map(|(name, value)| format!("  {name:13} {value}")).collect();
    format!(
        "{}\n{}\n\n{}",
        manifest.name,
        facts.join("\n"),
        table(&["table", "mode", "rows", "bytes", "chunks", "masked columns"], &rows, &[2, 3, 4])
    )
}

fn verify_command(context: &Context<'_>, settings: &Settings, args: &args::VerifyArgs) -> Result<Answer> {
    let done = if args.scrub {
        verify::scrub(context, &*store::open(&settings.store(), false)?)?
    } else {
        verify::verify(context, &open(context, settings)?, args.snapshot.as_deref(), args.read_data)?
    };
    let done = done.into_result()?;
    let depth = match (args.scrub, args.read_data) {
        (true, _) => "without keys: manifests were not looked into",
        (_, false) => "manifests and packs; --read-data also reads every row",
        (_, true) => "every row was read",
    };
    let text = format!(
        "Nothing is damaged ({depth}).\n  {}, {}, {}, {}\n  {}",
        count(done.packs, "pack"),
        count(done.manifests, "manifest"),
        count(done.chunks, "chunk"),
        count(done.rows, "row"),
        seconds(done.millis)
    );
    let json = json!({ "packs": done.packs, "manifests": done.manifests, "chunks": done.chunks, "rows": done.rows,
        "damage": done.damage, "millis": done.millis });
    Ok(Answer { json, text })
}

fn runs(context: &Context<'_>, args: &args::RunsArgs) -> Result<Answer> {
    let address = address(args.target.as_deref(), "target", "DATABASE_URL")?;
    let mut target = (engine::find(&address)?.target)(&address, false, &context.cancel)?;
    let runs = rollback::runs(&mut *target)?;
    let rows = |run: &crate::run::ledger::Run| -> u64 {
        run.detail.tables.iter().map(|table| table.inserted + table.overwritten).sum()
    };
    let json = runs
        .iter()
        .map(|run| {
            json!({ "run": run.id, "snapshot": run.snapshot, "restored": run.restored,
                "environment": run.detail.environment, "tables": run.detail.tables.len(), "rows": rows(run) })
        })
        .collect();
    if runs.is_empty() {
        return Ok(Answer { json, text: format!("No run is in {address}.") });
    }
    let lines: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            vec![
                run.id.clone(),
                run.restored.clone(),
                run.detail.environment.clone(),
                run.detail.tables.len().to_string(),
                grouped(rows(run)),
            ]
        })
        .collect();
    Ok(Answer { json, text: table(&["run", "restored", "env", "tables", "rows"], &lines, &[3, 4]) })
}

fn demonstrate(context: &Context<'_>, screen: &Screen, args: &args::DemoArgs) -> Result<Answer> {
    let done = demo::demo(context, args.keep.as_deref())?;
    Ok(super::demo_text::answer(screen, &done))
}

fn completions(shell: clap_complete::Shell) -> Result<Answer> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "terp-fixtures", &mut script);
    let text = String::from_utf8(script)
        .map_err(|error| Error::internal("the completion script is not text").caused_by(error))?;
    Ok(Answer { json: json!({ "script": text }), text })
}

fn man(dir: &Path) -> Result<Answer> {
    let cannot = |error: std::io::Error| {
        Error::usage(format!("cannot write manual pages into {}", dir.display())).caused_by(error)
    };
    std::fs::create_dir_all(dir).map_err(cannot)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(cannot)?;
    let text = format!("Wrote the manual pages. Read the first with: man {}", dir.join("terp-fixtures.1").display());
    Ok(Answer { json: json!({ "dir": dir }), text })
}
