//! The program: parse the arguments, run, end with the right exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    fr2en::cli::main()
}
