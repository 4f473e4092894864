#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| regent::sip::fuzz::fuzz_challenge(bytes));
