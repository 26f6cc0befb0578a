//! SO_NETNS_COOKIE: a number that no other namespace of this boot ever has.

use std::fmt;

use nix::{errno::Errno, libc, sys::socket::getsockopt};

use crate::socket::Socket;

/// The identity of a network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cookie(pub u64);

/// nix has no name for this option; its macro writes the getsockopt.
#[derive(Clone, Copy, Debug)]
struct NetnsCookie;

mod option {
    use super::{NetnsCookie, libc};

    nix::getsockopt_impl!(
        NetnsCookie,
        libc::SOL_SOCKET,
        libc::SO_NETNS_COOKIE,
        u64,
        nix::sys::socket::sockopt::GetStruct<u64>
    );
}

impl Cookie {
    /// The identity of the namespace in which a socket was opened.
    pub(super) fn of(socket: &Socket) -> Result<Self, Errno> {
        getsockopt(socket, NetnsCookie).map(Self)
    }
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
