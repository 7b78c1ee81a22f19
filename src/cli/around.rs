//! What a test that is written in Rust finds around it, for `crate::testing`: a pool, the leases of `exec`, its number among the tests
//! that run at the time, and the configuration.

use super::commands;
use super::settings::Settings;
use crate::error::Result;
use crate::run::Context;
use crate::run::isolate::client::Place;
use crate::run::repository::Repository;
use std::path::Path;

/// The number that cargo-nextest gives to each of the tests that run at the same time, from 0.
const SLOT: &str = "NEXTEST_TEST_GLOBAL_SLOT";

pub(crate) struct Around {
    /// The pool that the environment names.
    pub pool: Option<Place>,
    /// The ids of the leases of the `exec` that this runs under.
    pub leases: Vec<String>,
    /// This test's number, where each has a process.
    pub slot: Option<usize>,
    /// The host to make databases on.
    pub server: Option<String>,
}

impl Around {
    /// What the environment says.
    ///
    /// # Errors
    /// Kind `Usage` when the file of the pool's token cannot be read.
    pub(crate) fn now() -> Result<Self> {
        let said = |name: &str| std::env::var(name).ok();
        let leases = (1..).map_while(|number| said(&format!("{}_{number}", commands::LEASE))).collect();
        let slot = said(SLOT).and_then(|slot| slot.parse().ok());
        Ok(Self { pool: commands::place()?, leases, slot, server: said("TERP_FIXTURES_SERVER") })
    }
}

/// The configuration that was named, or the nearest, and its store.
///
/// # Errors
/// As every command that reads a store.
pub(crate) fn open(context: &Context<'_>, configuration: Option<&Path>) -> Result<(Settings, Repository)> {
    let store = std::env::var("TERP_FIXTURES_STORE").ok();
    let settings = Settings::load(configuration, store.as_deref())?;
    let repository = commands::open(context, &settings)?;
    Ok((settings, repository))
}
