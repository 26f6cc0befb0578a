//! The agent without a cluster: its socket, engine, records and links, on a node that is a network
//! namespace of its own. `ip` says what the kernel has.
//!
//! Needs root and a kernel with macvlan and veth.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "tests: a panic is how they fail, and ip(8) is the witness from outside"
)]

mod agent;
mod announced;
mod attach;
mod capabilities;
mod cells;
mod check;
mod crash;
mod dad;
mod fields;
mod garbage;
mod isolated;
mod parents;
mod plugin;
mod probe;
mod restart;
mod rig;
mod sweep;
mod wave;
