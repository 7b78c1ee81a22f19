//! The `terp-fixtures` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    terp_fixtures::cli::main()
}
