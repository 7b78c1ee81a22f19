//! Floor 2: the policy file.
