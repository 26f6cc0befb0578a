//! What the tiers and `cargo dev` share: the cluster of `cargo dev up` as a test sees it, and stages for
//! those that have a control plane of their own.
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
pub mod capture;
pub mod case;
pub mod cluster;
pub mod diagnosis;
pub mod fault;
pub mod kernel;
pub mod ledger;
pub mod manifest;
pub mod netns;
pub mod node;
pub mod operator;
pub mod outage;
pub mod parts;
pub mod pinger;
pub mod pod;
pub mod process;
pub mod progress;
pub mod stage;
pub mod tree;
pub mod truth;
pub mod wait;
