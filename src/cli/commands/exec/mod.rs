//! `exec`: a command with a database of its own, or one for each of its workers.

mod environment;
pub(in crate::cli) mod launch;
mod signals;
mod source;

use crate::cli::args::ExecArgs;
use crate::cli::render::{Answer, Screen, count, seconds};
use crate::cli::settings::Settings;
use crate::error::{Error, Result};
use crate::event::{Cancel, Event};
use crate::run::Context;
use crate::run::isolate::client::Lease;
use crate::run::isolate::supply::Stops;
pub(in crate::cli) use environment::LEASE;
use environment::{Handed, Wanted};
use serde_json::Value;
use signals::Relay;
use source::Source;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

/// Runs the command. Nothing of this goes to stdout: that is the command's.
pub(super) fn run(
    context: &Context<'_>,
    screen: &Arc<Screen>,
    settings: impl FnOnce() -> Result<Settings>,
    args: &ExecArgs,
) -> Answer {
    let (code, failure) = match settings().and_then(|settings| exec(context, screen, &settings, args)) {
        Ok(ended) => ended,
        Err(error) => (0, Some(error.within("the command was not run"))),
    };
    Answer { failure, code, ..Answer::new(Value::String(String::new()), "") }
}

/// The exit code of the command, and what of ours went wrong after it had run.
fn exec(
    context: &Context<'_>,
    screen: &Arc<Screen>,
    settings: &Settings,
    args: &ExecArgs,
) -> Result<(u8, Option<Error>)> {
    let wanted = Wanted::parse(&args.env)?;
    super::started(context, "exec", vec![("snapshot", args.snapshot.clone()), ("workers", args.workers.to_string())]);
    let stops = Stops::default();
    let told = {
        let screen = Arc::clone(screen);
        move || {
            screen.tell("The databases are being put back; once more to leave that to 'terp-fixtures doctor --clean'.");
        }
    };
    let relay = Relay::start(stops.clone(), told)?;
    let start = Instant::now();
    let mut source = Source::open(context, screen, settings, args, &wanted, &stops)?;
    let prepared = prepare(&mut source, args, &wanted, &stops.making);
    let (mut command, leases) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            relay.is_ending();
            warn(context, source.end(&[], false));
            return Err(error);
        }
    };
    context.report.event(&Event::Note {
        what: format!("{} ready after {}", count(leases.len() as u64, "database"), seconds(millis(start))),
    });
    screen.clear();
    let begun = Instant::now();
    let (code, not_run) = match relay.run(&mut command) {
        Ok(status) => (signals::code(status), None),
        Err(error) => {
            let (code, what) = launch::failed(&args.command[0], &error);
            (code, Some(what))
        }
    };
    if let Some(what) = &not_run {
        screen.tell(&format!("error: {what}"));
    }
    let ran = millis(begun);
    let is_kept = args.keep || (args.keep_on_failure && code != 0 && not_run.is_none());
    let verified = if args.verify && !is_kept && not_run.is_none() { source.verify(&leases) } else { Ok(()) };
    let kept = if is_kept { source.keep(&leases) } else { Vec::new() };
    for line in kept {
        screen.tell(&line);
    }
    let stay = args.reuse || source.is_shared();
    warn(context, source.end(&leases, is_kept));
    let became = match (is_kept, stay) {
        (true, _) => "kept",
        (false, true) => "put back",
        (false, false) => "removed",
    };
    if not_run.is_none() {
        let databases = count(leases.len() as u64, "database");
        let what = format!("the command ended with {code} after {}; {databases} {became}", seconds(ran));
        context.report.event(&Event::Note { what });
        super::finished(context, "exec", vec![("code", code.to_string())], Vec::new(), millis(start));
    }
    // The command's own failure says more than what came after it.
    match verified {
        Err(error) if code == 0 => Ok((0, Some(error.within("the command was run, and ended with 0")))),
        Err(error) => {
            context.warn(format!("after the command: {error}"), error.hint_text().map(str::to_owned));
            Ok((code, None))
        }
        Ok(()) => Ok((code, None)),
    }
}

fn warn(context: &Context<'_>, wrong: Vec<Error>) {
    for error in wrong {
        let hint = "'terp-fixtures doctor --clean' removes what is left.".to_owned();
        context.warn(format!("a database was left behind: {error}"), Some(hint));
    }
}

/// Leases, and the command with its environment.
fn prepare(source: &mut Source, args: &ExecArgs, wanted: &Wanted, cancel: &Cancel) -> Result<(Command, Vec<Lease>)> {
    let leases = source.lease(args)?;
    if args.verify {
        source.verify(&leases)?;
    }
    let handed: Vec<Handed<'_>> = leases
        .iter()
        .map(|lease| Handed { lease: &lease.id, address: &lease.url, path: lease.path.as_deref() })
        .collect();
    if let Some(handed) = handed.first() {
        wanted.check(handed.address)?;
    }
    let mut command = launch::command(&args.command[0], &args.command[1..]);
    let inherited = std::env::vars_os().map(|(name, _)| name);
    for (name, value) in environment::changes(&handed, wanted, &source.variables(), inherited) {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    cancel.check()?;
    Ok((command, leases))
}

fn millis(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
