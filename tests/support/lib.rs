//! What the tiers share: the cluster of `cargo dev up` as a test sees it.
//!
//! Everything goes through the `dev` program and its kubectl, so that a failed test can be repeated
//! by hand with the commands that it prints.
#![expect(
    clippy::disallowed_methods,
    reason = "tests run programs and wait for what they see"
)]
#![expect(
    clippy::print_stderr,
    reason = "a failed test prints what one would look at first"
)]

pub mod admission;
pub mod audit;
pub mod background;
pub mod case;
pub mod cluster;
pub mod diagnosis;
pub mod fault;
pub mod kernel;
pub mod ledger;
pub mod manifest;
pub mod node;
pub mod operator;
pub mod outage;
pub mod pinger;
pub mod pod;
pub mod tree;
pub mod truth;
pub mod wait;
