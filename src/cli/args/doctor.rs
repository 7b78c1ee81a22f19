//! What can be typed behind `doctor` and `reset`.

use crate::store::probe::Purpose;
use clap::{Args, ValueEnum};

/// `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// What is to work: what only others need is told and does not fail.
    #[arg(long = "for", value_enum, value_name = "PURPOSE", default_value_t = For::Capture)]
    pub purpose: For,
    /// The server, or sqlite:FOLDER, whose templates and clones are listed; without it as configured, else those of SQLite.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Remove what killed programs left there, and look at nothing else.
    #[arg(long, conflicts_with = "purpose")]
    pub clean: bool,
    /// With --clean: templates and clones that nobody has, too.
    #[arg(long, requires = "clean")]
    pub all: bool,
}

/// `reset`.
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// The address of the clone, as 'exec' or 'pool serve' gave it.
    pub url: String,
    /// The server it is on, with an account that may make databases; without it as configured, else the clone's own address.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Compare every table with the snapshot's rows afterwards, and go further down the ladder where one differs.
    #[arg(long)]
    pub verify: bool,
    /// Put counters back also where that changes the table's definition (MySQL, MariaDB): about 50 ms for each.
    #[arg(long)]
    pub exact_ids: bool,
}

/// What somebody wants to do with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum For {
    /// Read snapshots; nothing is written.
    Restore,
    /// Write snapshots, and read them.
    Capture,
    /// Remove what is not needed, too.
    Gc,
}

impl From<For> for Purpose {
    fn from(purpose: For) -> Self {
        match purpose {
            For::Restore => Self::Restore,
            For::Capture => Self::Capture,
            For::Gc => Self::Gc,
        }
    }
}
