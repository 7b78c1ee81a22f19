//! Floor 4: arguments, environment and terminal.
