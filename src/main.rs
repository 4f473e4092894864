//! The program: parses arguments, calls [`regent::cli::run`], turns the outcome into an exit code.

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    regent::cli::run(env::args_os())
}
