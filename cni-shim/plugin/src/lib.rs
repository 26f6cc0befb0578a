//! The CNI plugin, and what it says to the agent.
//!
//! ```text
//! runtime ── env + stdin ──> env > config > run ──┬─ standalone: no agent at all
//!                                                 ├─ asks for no network: prevResult, and that is all
//!                                                 ├─ client ── wire, netns fd ──> agent
//!                                                 └─ DEL, agent away: spool ····> agent, later
//! ```
//!
//! It starts once for every pod, so it has no async runtime, no TLS, no credential, and reads no more
//! of its input than it must.

pub mod client;
pub mod command;
pub mod config;
pub mod env;
pub mod import;
pub mod result;
pub mod run;
pub mod spec;
pub mod spool;
pub mod standalone;
pub mod wire;
