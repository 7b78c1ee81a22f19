//! Floor 1: masks.
