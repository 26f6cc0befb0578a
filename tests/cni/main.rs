//! The cni tier: our plugin in place of the reference plugins, beside them in namespaces of their own.
//!
//! Most cases are run twice, with the reference (built from the Go module proxy) and with ours, and what
//! is printed, what the kernel shows and what is left in files must be equal. The others show where ours
//! is meant to differ: docs/standalone.md names them.
//!
//! The module `uml` is for a kernel with ipvlan, VLANs, bonds and dummies, which many build machines lack: its
//! tests are ignored here and are the tier uml.
//!
//! Needs root, Go and a kernel with macvlan and veth. Nothing in the machine's own namespace is touched.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::disallowed_methods,
    reason = "tests: a panic is how they fail, and plugins and ip(8) are what is compared"
)]

mod addresses;
mod check;
mod clients;
mod config;
mod dhcp;
mod errors;
mod exchange;
mod lifecycle;
mod link;
mod parents;
mod programs;
mod rig;
mod rollback;
mod runtime;
mod uml;
mod verbs;
mod view;
