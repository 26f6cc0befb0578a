//! Netlink, network namespaces and sysctls: what touches the kernel, for the agent and for the
//! stand-alone plugin.
//!
//! Everything here blocks, and holds the caller for up to 20 ms (RTM_DELLINK waits for RCU): call it
//! from threads of your own, never from a tokio worker.
//!
//! ```text
//! Netns ── enter ──> Inside ── socket ──> Socket of the sandbox
//!                      └────── sysctls (from a thread inside, by path)
//! Node ── attach(netns, Link) ──> plan > execute > observe > check ──> Made
//!      ── detach(netns, Device) ─> gone for everybody when it returns
//!      ── parents() ─────────────> the node's own links
//! ```

mod announce;
mod attach;
mod bridge;
pub mod crash;
#[cfg(feature = "datagram")]
pub mod datagram;
mod detach;
mod driver;
mod error;
mod marked;
mod message;
mod monitor;
mod mtu;
mod netns;
mod number;
mod observe;
mod parents;
mod probe;
mod socket;
mod standalone;
mod sysctl;
mod vlan;

pub use announce::{AnnounceError, announce};
pub use attach::{AttachError, Cause, Made, Node, StepError, observe};
pub use bridge::{BridgeError, BridgeLink};
pub use detach::{DetachError, Detached, detach, detach_named};
pub use error::{Chain, Hint};
pub use monitor::{Event, Monitor};
pub use mtu::{MtuError, set_mtu};
pub use netns::{Cookie, Inside, Netns, NetnsError};
pub use number::{detach_by_number, number};
pub use observe::{ObserveError, devices, routes_of};
pub use parents::{DefaultRoute, Parent, list};
pub use probe::{Ear, Heard, ProbeError, Says};
pub use socket::{NetlinkError, Refusal, Socket};
pub use standalone::{InsertError, InsertedRoute};
pub use sysctl::{PROC_SYS, SysctlError, Sysctls};
pub use vlan::{Tag, VlanError, VlanLink, is_vlan_alias, vlan_alias};
