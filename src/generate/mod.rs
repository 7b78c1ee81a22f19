//! Floor 2: snapshots with no source rows.
//!
//! `sample` is the demo's ERP. Everything else makes rows for any schema, in this order: a [profile] is held against the
//! catalogue, [checks](check) leave each column a [restriction](restriction::Restriction), every column gets a [field],
//! [`make`] draws the rows table by table into a [world](world::World), the profile's invariants settle it, and everything is
//! held against every constraint once more. Nothing here reads a row, the clock or the system's randomness.

pub mod cell;
pub mod check;
pub mod draw;
pub mod field;
pub mod invariant;
pub mod make;
pub mod profile;
pub mod restriction;
pub mod sample;
pub mod value;
pub mod world;
