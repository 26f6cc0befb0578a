//! Requests that got no good answer.

use std::io;

use nix::errno::Errno;

use super::DUMP_ATTEMPTS;

/// The kernel said no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", errno.desc(), Text(text.as_deref()))]
pub struct Refusal {
    /// The error number.
    pub errno: Errno,
    /// The kernel's own words (NLMSGERR_ATTR_MSG), where it has some.
    pub text: Option<String>,
}

struct Text<'a>(Option<&'a str>);

/// A request that got no good answer.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// No socket.
    #[error("cannot open a netlink socket")]
    Open(#[source] io::Error),
    /// The request did not leave.
    #[error("cannot send a netlink request")]
    Send(#[source] io::Error),
    /// The answer did not arrive.
    #[error("no answer to a netlink request")]
    Receive(#[source] io::Error),
    /// The kernel said no.
    #[error("the kernel refused")]
    Refused(#[source] Refusal),
    /// An answer that can't be read.
    #[error("the kernel's answer can't be read: {0}")]
    Garbled(&'static str),
    /// The state changed during every attempt to read it.
    #[error("the kernel's links changed while they were read, {DUMP_ATTEMPTS} times")]
    Interrupted,
}

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |text| write!(f, ": {text}"))
    }
}

// === impl NetlinkError ===

impl NetlinkError {
    /// The error number of a refusal.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Refused(refusal) => Some(refusal.errno),
            Self::Open(_)
            | Self::Send(_)
            | Self::Receive(_)
            | Self::Garbled(_)
            | Self::Interrupted => None,
        }
    }
}
