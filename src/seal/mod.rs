//! Floor 1: encryption and signatures.
