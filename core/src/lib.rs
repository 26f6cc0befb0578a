//! Landfall's decisions: networks, addresses, ledger, link plans. Pure and no_std.
#![no_std]
extern crate alloc;
