//! See `landfall_fuzz::socket`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| landfall_fuzz::socket(bytes));
