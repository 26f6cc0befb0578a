//! The netns tier: our links in network namespaces of their own, and what `ip` says of them.
//!
//! Needs root and a kernel with macvlan and veth. Nothing in the machine's own namespace is touched.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests: a panic is how they fail, and ip(8) is the witness from outside"
)]

mod announce;
mod attach;
mod by_hand;
mod default_route;
mod detach;
mod failure;
mod netns;
mod number;
mod parents;
mod repair;
mod rig;
