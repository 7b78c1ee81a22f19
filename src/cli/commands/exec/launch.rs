//! Starting the child so that it is told to end when we die without a word.
//!
//! On Linux the system does that for a process that asked for it, and the asking has to be done by the child itself. What would
//! run between its birth and its own program must be `unsafe`; so this program starts itself once more, asks, and becomes the
//! command. Elsewhere the child is started as it is.

use std::ffi::{OsStr, OsString};
use std::process::{Command, ExitCode};

/// What this program is told to be nothing but the step between.
#[cfg(target_os = "linux")]
const LAUNCH: &str = "--become-the-command-of-exec";

/// The exit codes of shells for what cannot be run.
pub(super) const NOT_FOUND: u8 = 127;
pub(super) const NOT_EXECUTABLE: u8 = 126;

/// The command, ready to be started.
#[cfg(target_os = "linux")]
pub(super) fn command(program: &OsStr, arguments: &[OsString]) -> Command {
    // What this process runs, even when its file was replaced meanwhile.
    let own = std::path::Path::new("/proc/self/exe");
    if !own.exists() {
        return plain(program, arguments);
    }
    let mut command = Command::new(own);
    command.arg(LAUNCH).arg(std::process::id().to_string()).arg(program).args(arguments);
    command
}

#[cfg(not(target_os = "linux"))]
pub(super) fn command(program: &OsStr, arguments: &[OsString]) -> Command {
    plain(program, arguments)
}

/// The command as it is.
fn plain(program: &OsStr, arguments: &[OsString]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// The code for a command that could not be started, and what to say.
pub(super) fn failed(program: &OsStr, error: &std::io::Error) -> (u8, String) {
    let program = program.to_string_lossy();
    let program = program.escape_debug();
    match error.kind() {
        std::io::ErrorKind::NotFound => (NOT_FOUND, format!("the command was not run: {program} was not found")),
        _ => (NOT_EXECUTABLE, format!("the command was not run: {program} cannot be executed: {error}")),
    }
}

/// Becomes the command, where that is what this process is for.
#[cfg(target_os = "linux")]
#[must_use]
pub fn intercept() -> Option<ExitCode> {
    use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
    use std::io::Write as _;
    use std::os::unix::process::CommandExt as _;
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != LAUNCH {
        return None;
    }
    let parent: i32 = arguments.next()?.to_str()?.parse().ok()?;
    let program = arguments.next()?;
    // Where it cannot be asked for, the child runs all the same.
    set_parent_process_death_signal(Some(Signal::TERM)).unwrap_or_default();
    if getppid().map(Pid::as_raw_pid) != Some(parent) {
        // It died before it could be asked for.
        return Some(ExitCode::from(128 + 15));
    }
    let error = Command::new(&program).args(arguments).exec();
    let (code, text) = failed(&program, &error);
    writeln!(std::io::stderr(), "error: {text}").unwrap_or_default();
    Some(ExitCode::from(code))
}

#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn intercept() -> Option<ExitCode> {
    None
}
