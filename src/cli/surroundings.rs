//! What arguments, configuration and variables say of a target.

use super::settings::Settings;
use crate::engine::{self, Whereabouts};
use crate::error::Result;
use crate::policy::file::ENVIRONMENTS;
use crate::run::surroundings::{ARGUMENT, Said, Surroundings};
use crate::secret::Address;

/// Variables of applications that say what this machine is, and our own, which says what the target is.
const MACHINE: [&str; 3] = ["NODE_ENV", "RAILS_ENV", "APP_ENV"];
const OWN: &str = "TERP_FIXTURES_ENV";

/// What is known of the target at an address; `named` is what `--env` says.
///
/// # Errors
/// Kind `Usage` for an address that no engine has, or an environment that there is not.
pub fn of(settings: &Settings, address: &Address, named: Option<&str>) -> Result<Surroundings> {
    let configured = settings.target_environment()?.map(|name| said(name, "configuration"));
    let own = value(OWN).filter(|name| ENVIRONMENTS.contains(&name.as_str()) && !is_production(name));
    let own = own.map(|name| said(&name, OWN));
    Ok(Surroundings {
        whereabouts: (engine::find(address)?.whereabouts)(address),
        address: address.to_string(),
        said: named.map(|name| said(name, ARGUMENT)).or(own).or(configured),
        machine: MACHINE.into_iter().find_map(|name| Some(said(environment(&value(name)?)?, name))),
        production_variable: production_variable(),
        allows_production: value("ALLOW_PRODUCTION_SEEDING").as_deref() == Some("true"),
        ..Surroundings::default()
    })
}

/// Where a target is, for people.
pub fn place(whereabouts: Whereabouts) -> &'static str {
    match whereabouts {
        Whereabouts::File => "a file",
        Whereabouts::Here => "on this machine",
        Whereabouts::Elsewhere => "on another machine",
    }
}

fn said(environment: &str, by: &'static str) -> Said {
    Said { environment: environment.to_owned(), by }
}

/// A variable's value, trimmed and in small letters; none where it is empty.
fn value(name: &str) -> Option<String> {
    let text = std::env::var_os(name)?.to_string_lossy().trim().to_ascii_lowercase();
    (!text.is_empty()).then_some(text)
}

/// What applications call the environments.
fn environment(value: &str) -> Option<&'static str> {
    match value {
        "dev" | "development" | "local" | "test" => Some("dev"),
        "staging" | "stage" | "preview" => Some("staging"),
        value if is_production(value) => Some("production"),
        _ => None,
    }
}

fn is_production(value: &str) -> bool {
    ["production", "prod", "live"].contains(&value)
}

/// The variable that says "this is production", if any does.
fn production_variable() -> Option<&'static str> {
    let says = |name: &&str| value(name).is_some_and(|value| is_production(&value));
    MACHINE.into_iter().chain([OWN]).find(says)
}
