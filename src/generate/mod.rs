//! Floor 2: snapshots with no source rows.

pub mod sample;
