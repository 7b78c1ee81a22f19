//! terp-fixtures: small, safe, shareable fixtures out of a real database.
//!
//! The library is silent: it prints nothing, reads no environment variable and never asks. Progress leaves it as
//! [`event::Event`]s through [`event::Report`]; everything that touches arguments, environment or terminal is in `cli`. Only
//! [`testing`], a database for a test in one line, asks `cli` what the environment says.
//!
//! Data flows one way through types that say what has been done to it (see `docs/architecture.md`):
//!
//! ```text
//! capture:  Source -Batch-> mask -Masked-> codec -Encoded-> Chunk -> Packed -> seal -Sealed-> Store
//! restore:  Store -Sealed-> seal -Encoded-> codec -Masked-> check -Checked-> Target
//! ```
//!
//! There is no function from `Batch` to `Encoded`, so rows that no mask has seen cannot be stored:
//!
//! ```compile_fail,E0308
//! use terp_fixtures::{codec::rows, model::batch::Batch};
//! fn leak(batch: Batch, layout: &rows::Layout) {
//!     let _ = rows::encode(batch, layout);
//! }
//! ```
//!
//! The same lines with a `Masked` compile, so the failure above is the type and nothing else:
//!
//! ```
//! use terp_fixtures::{codec::rows, model::proof::Masked};
//! fn fine(masked: Masked, layout: &rows::Layout) {
//!     let _ = rows::encode(masked, layout);
//! }
//! ```
//!
//! And rows that were not checked against the live schema cannot be loaded:
//!
//! ```compile_fail,E0308
//! use terp_fixtures::{engine::{LoadTable, Target}, model::proof::Masked};
//! fn load(target: &mut dyn Target, into: &LoadTable, rows: Masked) {
//!     let _ = target.load(into, &rows);
//! }
//! ```
//!
//! ```
//! use terp_fixtures::{engine::{LoadTable, Target}, model::proof::Checked};
//! fn load(target: &mut dyn Target, into: &LoadTable, rows: Checked) {
//!     let _ = target.load(into, &rows);
//! }
//! ```
//!
//! Nor can a lib user make a `Masked`, `Encoded`, `Sealed` or `Checked` of their own: the constructors are private.
//!
//! ```compile_fail,E0624
//! use terp_fixtures::model::{batch::Batch, proof::Masked};
//! let _ = Masked::vouch(Batch::new(1));
//! ```

pub mod check;
pub mod classify;
pub mod cli;
pub mod codec;
pub mod ddl;
pub mod detect;
pub mod engine;
pub mod error;
pub mod event;
pub mod generate;
pub mod mask;
pub mod model;
pub mod policy;
pub mod run;
pub mod seal;
pub mod secret;
pub mod store;
pub mod subset;
pub mod testing;
pub mod translate;

/// What is fuzzed, as ordinary tests: it is in here because bytes become a sealed object only behind the doors of this crate.
#[cfg(test)]
#[path = "../tests/fuzz/targets/mod.rs"]
mod fuzz;
