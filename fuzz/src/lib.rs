//! Whatever bytes come, a reader answers: it does not end, and it takes no other meaning from what it prints.
//!
//! ```text
//! cargo +nightly fuzz run --features search stdin     looks for bytes that break one; new ones go to corpus/stdin
//! cargo test -p landfall-fuzz                         those that were found, in every run of CI
//! ```

mod netlink;
mod plugin;
mod socket;

pub use netlink::netlink;
pub use plugin::{cni_args, stdin};
pub use socket::socket;
