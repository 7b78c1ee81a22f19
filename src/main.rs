//! The `terp-fixtures` command.

fn main() {}
