//! From what was typed to a run and its answer: one function per command.

mod audit;
mod capture;
mod copy;
mod coverage;
mod detect;
mod diff;
mod doctor;
mod exec;
mod export;
mod generate;
mod guarded;
mod import;
mod init;
mod isolated;
mod keys;
mod list;
mod lock;
mod masks;
mod members;
mod pins;
mod policy_approve;
mod policy_check;
mod policy_diff;
mod policy_explain;
mod policy_lock;
mod policy_review;
mod policy_schema;
mod pool;
mod pooled;
mod refs;
mod reset;
mod restore;
mod retention;
mod reviewed;
mod rollback;
mod runs;
mod schema;
mod seen;
mod shell;
mod show;
mod store;
mod tag;
mod target;
mod why;

use super::args::policy::PolicyCommand;
use super::args::{Cli, Command, DemoArgs};
use super::render::{Answer, Screen};
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::model::schema::TableName;
use crate::policy::Policy;
use crate::run::repository::Repository;
use crate::run::{Context, demo};
use crate::secret::Address;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

pub(super) use exec::LEASE;
pub(super) use exec::launch::intercept as become_a_command;
pub(super) use pooled::place;

/// Runs the command.
///
/// # Errors
/// Whatever the command's run returns.
pub(super) fn run(cli: &Cli, screen: &Arc<Screen>, context: &Context<'_>) -> Result<Answer> {
    let settings = || Settings::load(cli.global.config.as_deref(), cli.global.store.as_deref());
    match &cli.command {
        Command::Demo(args) => demonstrate(context, screen, args),
        Command::Init(args) => init::run(context, cli.global.store.as_deref(), args),
        Command::Keys(command) => members::run(context, &settings()?, command),
        Command::Capture(args) => capture::run(context, &settings()?, args),
        Command::Generate(args) => generate::run(context, &settings()?, args, cli.global.verbose),
        Command::Import(command) => import::run(context, &settings()?, command),
        Command::Coverage(args) => coverage::run(context, &settings()?, args),
        Command::Restore(args) => restore::run(context, &settings()?, args, cli.global.verbose),
        Command::Rollback(args) => rollback::run(context, &settings()?, args),
        Command::Reset(args) => reset::run(context, &settings()?, args),
        Command::List(args) => list::run(context, &settings()?, args),
        Command::Show(args) => show::run(context, &settings()?, args),
        Command::Diff(args) => diff::run(context, &settings()?, args),
        Command::Tag(args) => tag::run(context, &settings()?, args),
        Command::Export(args) => export::run(context, &settings()?, args),
        Command::Copy(args) => copy::run(context, &settings()?, args),
        Command::Verify(args) => store::verify(context, &settings()?, args),
        Command::Why(args) => why::run(context, &settings()?, args),
        Command::Masks(args) => masks::run(args),
        Command::Detect(args) => detect::run(context, settings, args, cli.global.verbose),
        Command::Refs(args) => refs::run(context, settings, args),
        Command::Policy(command) => policy(context, settings, command),
        Command::Exec(args) => Ok(exec::run(context, screen, settings, args)),
        Command::Pool(command) => pool::run(context, screen, &settings()?, command),
        Command::Runs(args) => runs::run(context, args),
        Command::Target(command) => target::run(context, &settings()?, command),
        Command::Lock(command) => lock::run(context, command),
        Command::Prune(args) => retention::prune(context, &settings()?, args),
        Command::Rm(args) => retention::rm(context, &settings()?, args),
        Command::Pin(args) => pins::run(context, &settings()?, args),
        Command::Doctor(args) => doctor::run(context, &settings()?, args),
        Command::Gc(args) => retention::gc(context, &settings()?, args),
        Command::Audit(command) => audit::run(context, &settings()?, command),
        Command::Completions { shell } => shell::completions(*shell),
        Command::Man { dir } => shell::man(dir),
    }
}

fn policy(
    context: &Context<'_>,
    settings: impl FnOnce() -> Result<Settings>,
    command: &PolicyCommand,
) -> Result<Answer> {
    match command {
        PolicyCommand::Lock(args) => policy_lock::run(context, &settings()?, args),
        PolicyCommand::Approve(args) => policy_approve::run(context, &settings()?, args),
        PolicyCommand::Review(args) => policy_review::run(context, &settings()?, args),
        PolicyCommand::Check(args) => policy_check::run(context, settings, args),
        PolicyCommand::Explain(args) => policy_explain::run(context, &settings()?, args),
        PolicyCommand::Diff(args) => policy_diff::run(args),
        PolicyCommand::Schema { profile } => Ok(policy_schema::run(*profile)),
    }
}

/// Reads a policy file.
fn read_policy(path: &Path) -> Result<Policy> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::usage(format!("cannot read the policy {}", path.display())).caused_by(error))?;
    Policy::parse(&path.display().to_string(), &text)
}

/// Writes a file as a whole: nobody ever sees half of it.
fn write_whole(path: &Path, text: &str) -> Result<()> {
    let cannot = |error: std::io::Error| Error::usage(format!("cannot write {}", path.display())).caused_by(error);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path));
    written.map_err(|error| {
        std::fs::remove_file(&new).unwrap_or_default();
        cannot(error)
    })
}

/// Opens the store to publish into it. A store that everybody can read takes no capture.
fn open_to_publish(context: &Context<'_>, settings: &Settings) -> Result<Repository> {
    if settings.member()?.1 {
        return Err(Error::guard(format!("the store {} is public: its identity lies in it", settings.store()))
            .hint("Make a store of your own with 'terp-fixtures keys init --store DIR', and name it with --store."));
    }
    let repository = open(context, settings)?;
    repository.check_current()?;
    Ok(repository)
}

/// Opens the store as the member that the settings name.
pub(super) fn open(context: &Context<'_>, settings: &Settings) -> Result<Repository> {
    let (member, public) = settings.member()?;
    if public {
        context.report.event(&Event::Warning {
            what: "this store is opened with the public identity that lies in it".into(),
            hint: Some("Everybody can read it; never capture real data into it.".into()),
        });
    }
    let store = crate::store::open(&settings.store(), false)?;
    let (name, host) = settings.actor();
    let repository = Repository::open(store, &member, &settings.signers()?)?
        .believing(&settings.publishers()?)
        .pinning(pins::load(settings)?)
        .acting_as(name, host, settings.is_public());
    audit::warn_of_gone(context, settings, &repository)?;
    seen::warn_of_gone(context, settings, &repository)?;
    Ok(repository)
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

fn demonstrate(context: &Context<'_>, screen: &Screen, args: &DemoArgs) -> Result<Answer> {
    let done = demo::demo(context, args.keep.as_deref())?;
    Ok(super::demo_text::answer(screen, &done))
}
