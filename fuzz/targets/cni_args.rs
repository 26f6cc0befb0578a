//! See `landfall_fuzz::cni_args`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| landfall_fuzz::cni_args(bytes));
