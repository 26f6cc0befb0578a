//! Addresses from files on this host, in the layout of the reference plugin host-local, so that a node
//! can move over and back with its attachments:
//!
//! ```text
//! <dataDir>/<network>/10.1.2.5              container ID, CR LF, interface
//!                     last_reserved_ip.0    where range set 0 goes on
//!                     lock                  flock(2)ed while any of these is written
//! ```

mod allocate;
mod config;
mod range;
mod resolv;
mod store;
mod subnets;

pub use allocate::{AllocateError, SetError, allocate, has_room};
pub use config::{ConfigError, HostLocal};
pub use range::{Range, RangeError, RangeSet};
pub use resolv::read as read_resolv_conf;
pub use store::{Holder, Locked, Store, StoreError};
