//! Faults tier: our programs are ended before and after each of their effects, and what they say to the
//! API server is delayed, lost, repeated and refused, request by request. Afterwards everything must be as
//! it is without that.
//!
//! Real programs on real parts: etcd and the API server, the operator, agents and the plugin as processes,
//! nodes and pods as network namespaces of this kernel. Only kubelet is played. Needs root.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests: a panic is how they fail, ip(8) is the witness from outside, and a long run tells where it is"
)]

mod agent;
mod audit;
mod choice;
mod control;
mod crash;
mod docs;
mod kubelet;
mod node;
mod operator;
mod place;
mod programs;
mod proxy;
mod standalone;
mod world;
mod writes;
