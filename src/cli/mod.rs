//! Floor 4: arguments, environment and terminal. [`main`] parses, runs, prints and returns the exit code.

mod annotate;
pub mod args;
mod commands;
mod demo_text;
mod log;
mod remembered;
mod render;
mod settings;

use crate::error::{Error, Kind, Result};
use crate::event::Cancel;
use crate::run::Context;
use args::Cli;
use clap::Parser as _;
use render::Screen;
use std::process::ExitCode;

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    forbid_core_dumps();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let screen = Screen::new(&cli.global);
    match run(&cli, &screen) {
        Ok(answer) => {
            screen.answer(&answer);
            match &answer.failure {
                None => ExitCode::SUCCESS,
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

/// A dump of the memory would hold keys, passphrases and rows. Less than before is always allowed.
fn forbid_core_dumps() {
    #[cfg(unix)]
    {
        let nothing = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
        rustix::process::setrlimit(rustix::process::Resource::Core, nothing).unwrap_or_default();
    }
}

/// Help and version are answers (0); anything else is wrong usage (1, not clap's own 2).
fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        render::usage_as_json(&error.to_string());
    }
    // A closed pipe is the only way this can fail, and then nobody reads.
    error.print().unwrap_or_default();
    if error.use_stderr() { ExitCode::from(Kind::Usage.exit_code()) } else { ExitCode::SUCCESS }
}

fn run(cli: &Cli, screen: &Screen) -> Result<render::Answer> {
    log::start(&cli.global)?;
    let cancel = Cancel::default();
    let pressed = cancel.clone();
    ctrlc::set_handler(move || pressed.cancel())
        .map_err(|error| Error::internal("signals cannot be handled").caused_by(error))?;
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get);
    let context = Context { report: screen, cancel, jobs: cli.global.jobs.map_or(cores, usize::from) };
    commands::run(cli, screen, &context)
}
