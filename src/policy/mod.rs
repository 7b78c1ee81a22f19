//! Floor 2: the policy. `file` reads what the user wrote, `resolve` holds it against the live catalogue and answers with a
//! mask for every column or with everything that is missing. Nothing is kept by default.
//!
//! Kinds of refusal: `Usage` where the file cannot be read (syntax, unknown key, wrong type of a key), `Policy` where it
//! decides wrongly or not at all (unknown mask, bad parameter, misfit, undecided column), `Drift` where it names what the
//! database does not have.

pub mod answers;
pub mod approvals;
pub mod check;
pub mod condition;
pub mod diff;
pub mod drift;
pub mod expiry;
pub mod file;
pub mod findings;
pub mod inventory;
pub mod json_schema;
pub mod keys;
pub mod lock;
pub mod preview;
pub mod propose;
pub mod resolve;
pub mod rules;
pub mod signers;
pub mod sketch;
pub mod statement;

mod agree;
mod build;
mod candidates;
mod checks;
mod read;
mod read_subset;
mod references;
mod section;
mod subject;
mod subset;
mod undecided;
mod weak;

pub use crate::model::names;
pub use file::{Mode, Policy};
pub use resolve::{Extra, Hop, Plan, TablePlan, reference_tables, resolve};
pub use section::{SECTIONS, Section};
pub use subset::every_reference;
