#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent::config::fuzz::fuzz_import(bytes));
