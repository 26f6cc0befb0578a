//! A seeded simulation of a cluster around the shipped decisions of `core`.
//!
//! What decides is `ledger::decide` and `agent::step`, as they ship: there is no second model beside
//! them. Simulated is everything around: the API server, the network, the operators' caches, kubelets
//! and runtimes, kernels, power. A schedule follows from its seed alone: one thread, no clock.
//!
//! ```text
//!   users ──────> API server <──── operators (decide)          every write, every link and every
//!   nature ──┐        ^   │                                    step of an agent is checked against
//!            v        │   v                                    the numbered invariants of
//!          machines: agent (step), /run, kernel, kubelet       core::ledger; at the end, at rest
//! ```

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "texts of traces, and writes that are taken out one kind at a time"
)]

pub mod api;
pub mod check;
pub mod claims;
mod etcd;
pub mod fault;
mod kubelet;
pub mod machine;
mod nature;
pub mod networks;
pub mod operator;
mod rest;
pub mod restores;
pub mod run;
pub mod scenario;
pub mod server;
pub mod site;
mod story;
pub mod trace;
mod users;
pub mod watch;
pub mod world;

pub use landfall_dice as dice;
