//! Landfall's decisions: networks, addresses, ledger, link plans.
//!
//! Pure: no clock, no IO, no async, and `no_std`, so that the compiler holds the crate to that.
//! The same `decide` and `step` run in the operator, in the agent, in the model checker and in
//! the simulation.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod address;
pub mod agent;
pub mod attachment;
pub mod id;
pub mod ledger;
pub mod link;
pub mod mac;
pub mod network;

#[cfg(test)]
mod model;
#[cfg(test)]
mod walk;
