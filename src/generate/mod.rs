//! Floor 2: snapshots with no source rows.
