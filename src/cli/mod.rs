//! Floor 4: arguments, environment and terminal. [`main`] parses, runs, prints and returns the exit code.

mod annotate;
pub mod args;
pub(crate) mod around;
mod commands;
mod demo_text;
mod log;
mod mapping;
mod remembered;
mod render;
mod settings;
mod summary;
mod surroundings;

use crate::error::{Error, Kind, Result};
use crate::event::Cancel;
use crate::run::Context;
use args::Cli;
use clap::Parser as _;
use render::Screen;
use std::process::ExitCode;
use std::sync::Arc;

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = commands::become_a_command() {
        return code;
    }
    leave_no_core();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let screen = Arc::new(Screen::new(&cli.global));
    match run(&cli, &screen) {
        Ok(answer) => {
            screen.answer(&answer);
            match &answer.failure {
                None => ExitCode::from(answer.code),
                Some(error) => {
                    screen.failed(error);
                    ExitCode::from(error.kind().exit_code())
                }
            }
        }
        Err(error) => {
            screen.failure(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// The memory of this process holds keys, and during a capture originals. A crash must not write it to a file: one byte is less than
/// any core has, and on Linux a sign to hand it to no program either. Programs that we start may ask for more again.
#[cfg(unix)]
fn leave_no_core() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = Rlimit { current: Some(1), ..getrlimit(Resource::Core) };
    if limit.maximum != Some(0) {
        // Fails only where a sandbox forbids the call, and then it is the sandbox's to say what a crash leaves.
        setrlimit(Resource::Core, limit).unwrap_or_default();
    }
}

#[cfg(not(unix))]
fn leave_no_core() {}

/// Help and version are answers (0); anything else is wrong usage (1, not clap's own 2).
fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        render::usage_as_json(&error.to_string());
    }
    // A closed pipe is the only way this can fail, and then nobody reads.
    error.print().unwrap_or_default();
    if error.use_stderr() { ExitCode::from(Kind::Usage.exit_code()) } else { ExitCode::SUCCESS }
}

fn run(cli: &Cli, screen: &Arc<Screen>) -> Result<render::Answer> {
    log::start(&cli.global)?;
    let cancel = Cancel::default();
    let pressed = cancel.clone();
    ctrlc::set_handler(move || pressed.cancel())
        .map_err(|error| Error::internal("signals cannot be handled").caused_by(error))?;
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get);
    let context = Context { report: &**screen, cancel, jobs: cli.global.jobs.map_or(cores, usize::from) };
    commands::run(cli, screen, &context)
}
