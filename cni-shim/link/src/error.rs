//! Errors for people: the chain of causes, and what may help.

use std::{error::Error, fmt};

use landfall_core::{
    link::{Device, Step, kernel_word},
    mac::Mac,
    network::NetworkKind,
};
use nix::errno::Errno;

use crate::{
    parents::{self, Parent},
    socket::Socket,
};

/// An error with all its causes in one line: each error's own text leaves its source out, and this is
/// the one place that joins them.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a>(pub &'a dyn Error);

/// What the kernel's error number does not say: what is in the way, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Another link has the chosen index. The attach is tried again with another.
    IndexTaken,
    /// A link of this name came between our look and our request.
    NameTaken,
    /// The parent is gone.
    ParentGone {
        /// Its index, while it was there.
        index: u32,
    },
    /// The parent belongs to a bridge, a bond or a switch.
    ParentIsPort {
        /// The parent's name.
        parent: String,
        /// Whose port it is.
        of: String,
    },
    /// Something else receives the parent's packets.
    ParentBusy {
        /// The parent's name.
        parent: String,
        /// What we wanted to make.
        kind: NetworkKind,
    },
    /// The parent can't carry such a link.
    ParentUnfit {
        /// The parent's name.
        parent: String,
        /// What we wanted to make.
        kind: NetworkKind,
    },
    /// More than the parent carries.
    MtuTooLarge {
        /// The parent's name.
        parent: String,
        /// The parent's MTU.
        limit: u32,
    },
    /// A link of this parent, or the parent, has the hardware address.
    MacTaken,
    /// Not an address that a link can have.
    MacInvalid(Mac),
    /// The kernel has no such driver.
    NoDriver(NetworkKind),
    /// Another link of the parent has the address (ipvlan checks that).
    AddressTaken,
    /// The sandbox has IPv6 off.
    NoIpv6,
    /// There is such a route.
    RouteExists,
    /// No address of the link reaches the gateway.
    GatewayUnreachable,
    /// A capability is missing.
    NotPermitted,
}

// === impl Hint ===

impl Hint {
    /// Whether the same request may succeed in a moment: the kernel may still be tearing down the link
    /// that is in the way.
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::MacTaken | Self::AddressTaken | Self::ParentBusy { .. } => true,
            Self::IndexTaken
            | Self::NameTaken
            | Self::ParentGone { .. }
            | Self::ParentIsPort { .. }
            | Self::ParentUnfit { .. }
            | Self::MtuTooLarge { .. }
            | Self::MacInvalid(_)
            | Self::NoDriver(_)
            | Self::NoIpv6
            | Self::RouteExists
            | Self::GatewayUnreachable
            | Self::NotPermitted => false,
        }
    }
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IndexTaken => f.write_str("another link has the chosen index"),
            Self::NameTaken => f.write_str("an interface of this name exists"),
            Self::ParentGone { index } => {
                write!(f, "the parent, index {index}, no longer exists on the node")
            }
            Self::ParentIsPort { parent, of } => write!(
                f,
                "{parent} is a port of {of}, which takes all its packets; use {of} as the parent"
            ),
            Self::ParentBusy { parent, kind } => write!(
                f,
                "{parent} can't carry {} links now: it carries links of the other kind or a \
                 passthru link, or is part of a switch",
                kernel_word(*kind)
            ),
            Self::ParentUnfit { parent, kind } => write!(
                f,
                "{parent} can't carry this {} link: a parent must be an Ethernet link and not \
                 the loopback, and a passthru link must be alone on it",
                kernel_word(*kind)
            ),
            Self::MtuTooLarge { parent, limit } => {
                write!(f, "{parent} has an MTU of {limit}; ask for no more")
            }
            Self::MacTaken => f.write_str("another link of the same parent has its MAC address"),
            Self::MacInvalid(mac) => write!(f, "{mac} can't be a link's own address"),
            Self::NoDriver(kind) => {
                let kind = kernel_word(*kind);
                write!(
                    f,
                    "this kernel has no {kind} driver; load or install the module {kind}"
                )
            }
            Self::AddressTaken => {
                f.write_str("another ipvlan link of the same parent has this address")
            }
            Self::NoIpv6 => f.write_str("IPv6 is off in this sandbox"),
            Self::RouteExists => {
                f.write_str("the sandbox has such a route with the same metric; choose another")
            }
            Self::GatewayUnreachable => f.write_str("no address of the link reaches the gateway"),
            Self::NotPermitted => f.write_str("CAP_NET_ADMIN is needed"),
        }
    }
}

/// What a refusal means. Only asked after one, so it may take its time and look at the parent.
pub(crate) fn hint(step: &Step, errno: Errno, host: &mut Socket) -> Option<Hint> {
    if errno == Errno::EPERM {
        return Some(Hint::NotPermitted);
    }
    match (step, errno) {
        (Step::Create(device), _) => {
            let links = parents::list(host).ok()?;
            match links.iter().find(|link| link.index == device.parent) {
                Some(parent) => create_hint(device, errno, parent, &links),
                None => Some(Hint::ParentGone {
                    index: device.parent,
                }),
            }
        }
        (Step::Up { .. }, Errno::EADDRINUSE | Errno::EBUSY) => Some(Hint::MacTaken),
        (Step::AddAddress { .. }, Errno::EADDRINUSE) => Some(Hint::AddressTaken),
        (Step::AddAddress { address, .. }, Errno::EACCES) if address.addr().is_ipv6() => {
            Some(Hint::NoIpv6)
        }
        (Step::AddRoute { .. }, Errno::EEXIST) => Some(Hint::RouteExists),
        (Step::AddRoute { .. }, Errno::ENETUNREACH | Errno::EHOSTUNREACH) => {
            Some(Hint::GatewayUnreachable)
        }
        _ => None,
    }
}

fn create_hint(device: &Device, errno: Errno, parent: &Parent, links: &[Parent]) -> Option<Hint> {
    let kind = device.driver.kind();
    let name = parent.name.as_str().to_owned();
    let port_of = links.iter().find(|link| Some(link.index) == parent.port_of);
    match (errno, port_of) {
        (Errno::EEXIST, _) => Some(Hint::NameTaken),
        (Errno::EBUSY, Some(of)) => Some(Hint::ParentIsPort {
            parent: name,
            of: of.name.as_str().to_owned(),
        }),
        (Errno::EBUSY, None) => Some(Hint::ParentBusy { parent: name, kind }),
        (Errno::EINVAL, _) if device.mtu.is_some_and(|mtu| mtu > parent.mtu) => {
            Some(Hint::MtuTooLarge {
                parent: name,
                limit: parent.mtu,
            })
        }
        (Errno::EINVAL, _) => Some(Hint::ParentUnfit { parent: name, kind }),
        (Errno::EADDRNOTAVAIL, _) => device.mac.map(Hint::MacInvalid),
        (Errno::EADDRINUSE, _) => Some(Hint::MacTaken),
        (Errno::EOPNOTSUPP, _) => Some(Hint::NoDriver(kind)),
        _ => None,
    }
}
