//! What can be typed behind `doctor`.

use crate::store::probe::Purpose;
use clap::{Args, ValueEnum};

/// `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// What is to work: what only others need is told and does not fail.
    #[arg(long = "for", value_enum, value_name = "PURPOSE", default_value_t = For::Capture)]
    pub purpose: For,
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
