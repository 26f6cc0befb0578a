//! The node agent.
//!
//! ```text
//! LandfallNode ── config ──┐                          ┌── status ──> LandfallNode.status
//! node's links ── parents ─┤                          │
//! plugin ── server ────────┼──> engine (core's step) ─┼── records ─> /run/landfall
//! namespaces ── gc, scan ──┘                          └── execute ─> netlink, on threads of its own
//! ```
//!
//! Beside that it keeps the plugin on the node (install) and answers probes (metrics).

pub mod announce;
pub mod args;
pub mod attach;
pub mod check;
pub mod config;
pub mod detach;
pub mod engine;
pub mod execute;
pub mod gc;
pub mod identity;
pub mod install;
pub mod metrics;
pub mod parents;
pub mod records;
mod run;
pub mod scan;
pub mod server;
pub mod status;

pub use args::Args;
pub use run::run;
