//! Signals to `exec`: before the command runs they end the preparations, while it runs they are its own, and afterwards only a
//! second one is heard, since databases are being put back.

use crate::error::{Error, Result};
use crate::run::isolate::supply::Stops;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};

/// What is being done.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Preparing,
    #[cfg(unix)]
    Running(rustix::process::Pid),
    Ending {
        warned: bool,
    },
}

/// Takes the signals from its beginning to its end.
pub(super) struct Relay {
    phase: Arc<Mutex<Phase>>,
    #[cfg(unix)]
    handle: signal_hook::iterator::Handle,
}

#[cfg(unix)]
impl Drop for Relay {
    fn drop(&mut self) {
        self.handle.close();
    }
}

impl Relay {
    fn set(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// Takes signals from now on; `stops` ends the preparations, and what is done at the end. `told` is called when the
    /// first one comes too late for anything.
    #[cfg(unix)]
    pub(super) fn start(stops: Stops, told: impl Fn() + Send + 'static) -> Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
        use signal_hook::iterator::SignalsInfo;
        use signal_hook::iterator::exfiltrator::origin::WithOrigin;
        let taken = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH];
        let mut signals = SignalsInfo::<WithOrigin>::new(taken)
            .map_err(|error| Error::internal("signals cannot be handled").caused_by(error))?;
        let handle = signals.handle();
        let phase = Arc::new(Mutex::new(Phase::Preparing));
        let shared = Arc::clone(&phase);
        std::thread::spawn(move || {
            for origin in &mut signals {
                // The lock keeps the child from being waited for, and so its number from being another's, until it has the signal.
                let mut phase = shared.lock().unwrap_or_else(PoisonError::into_inner);
                match *phase {
                    Phase::Running(child) => forward(&origin, child),
                    Phase::Preparing if ends(origin.signal) => stops.making.cancel(),
                    Phase::Ending { warned: false } if ends(origin.signal) => {
                        *phase = Phase::Ending { warned: true };
                        told();
                    }
                    Phase::Ending { warned: true } if ends(origin.signal) => stops.ending.cancel(),
                    _ => {}
                }
            }
        });
        Ok(Self { phase, handle })
    }

    #[cfg(not(unix))]
    pub(super) fn start(_stops: Stops, _told: impl Fn() + Send + 'static) -> Result<Self> {
        Ok(Self { phase: Arc::new(Mutex::new(Phase::Preparing)) })
    }

    /// Runs a command to its end; it gets the signals meanwhile.
    #[cfg(unix)]
    pub(super) fn run(&self, command: &mut Command) -> std::io::Result<ExitStatus> {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        // A signal that comes now waits for the child to be there.
        let mut child = command.spawn()?;
        let number = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        if let Some(number) = number {
            *phase = Phase::Running(number);
            drop(phase);
            // Until it is waited for, its number is nobody else's.
            let until = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(number), until), Err(rustix::io::Errno::INTR)) {}
        }
        self.set(Phase::Ending { warned: false });
        child.wait()
    }

    #[cfg(not(unix))]
    pub(super) fn run(&self, command: &mut Command) -> std::io::Result<ExitStatus> {
        let status = command.status();
        self.set(Phase::Ending { warned: false });
        status
    }

    /// From now on a first signal is only told of, and a second one ends what is being done.
    pub(super) fn is_ending(&self) {
        self.set(Phase::Ending { warned: false });
    }
}

/// Whether a signal asks to end.
#[cfg(unix)]
fn ends(signal: i32) -> bool {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    [SIGINT, SIGTERM, SIGHUP, SIGQUIT].contains(&signal)
}

/// Sends a signal on. What the terminal sends goes to everybody in front of it: the child has it already.
#[cfg(unix)]
fn forward(origin: &signal_hook::low_level::siginfo::Origin, child: rustix::process::Pid) {
    if !matches!(origin.cause, signal_hook::low_level::siginfo::Cause::Sent(_)) {
        return;
    }
    if let Some(signal) = rustix::process::Signal::from_named_raw(origin.signal) {
        // It may have ended by now.
        rustix::process::kill_process(child, signal).unwrap_or_default();
    }
}

/// The exit code that a shell would give.
#[must_use]
pub(super) fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(255);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(255)
}
