//! The program: parses arguments, calls [`regent::cli::run`], turns the outcome into an exit code.

use std::alloc::System;
use std::env;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// What is freed is wiped: passwords pass through the parser of the configuration, which frees what
/// it unescapes without wiping it.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    regent::cli::run(env::args_os())
}
