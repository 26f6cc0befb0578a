//! The addresses of a network namespace, by one question to its kernel.
//!
//! Written anew here and not taken from the programs under test: what judges them must not share their
//! mistakes.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::fd::{AsRawFd, OwnedFd},
};

use anyhow::{Result, bail};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, setsockopt, socket,
    sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// NLM_F_REQUEST and NLM_F_DUMP.
const FLAGS: u16 = 0x301;
const HEADER: usize = 16;
/// struct ifaddrmsg: family, prefix length, flags, scope, index.
const ADDRESS_HEADER: usize = 8;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const SCOPE_GLOBAL: u8 = 0;
const INET: u8 = 2;

/// A socket in the network namespace of the calling thread. It stays there.
pub(super) fn open() -> Result<OwnedFd> {
    let fd = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    setsockopt(&fd, sockopt::ReceiveTimeout, &TimeVal::seconds(5))?;
    Ok(fd)
}

/// All addresses of global scope.
pub(super) fn addresses(fd: &OwnedFd) -> Result<BTreeSet<IpAddr>> {
    let length = u32::try_from(HEADER + ADDRESS_HEADER)?;
    let mut request = Vec::new();
    request.extend(length.to_ne_bytes());
    request.extend(RTM_GETADDR.to_ne_bytes());
    request.extend(FLAGS.to_ne_bytes());
    request.extend([0; 8 + ADDRESS_HEADER]);
    send(fd.as_raw_fd(), &request, MsgFlags::empty())?;
    let mut addresses = BTreeSet::new();
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let length = recv(fd.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        let mut rest = buffer.get(..length).unwrap_or_default();
        while let Some((kind, body, next)) = message(rest) {
            match kind {
                NLMSG_DONE => return Ok(addresses),
                NLMSG_ERROR => bail!("RTM_GETADDR is refused: {body:?}"),
                RTM_NEWADDR => addresses.extend(address(body)),
                _ => {}
            }
            rest = next;
        }
    }
}

/// The first message: its type, what is in it, and what follows.
fn message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::try_from(u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?)).ok()?;
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let body = bytes.get(HEADER..length)?;
    Some((kind, body, bytes.get(aligned(length)..).unwrap_or_default()))
}

/// The address of an interface itself: the peer's is another attribute.
fn address(body: &[u8]) -> Option<IpAddr> {
    let family = *body.first()?;
    if *body.get(3)? != SCOPE_GLOBAL {
        return None;
    }
    let mut rest = body.get(ADDRESS_HEADER..)?;
    let (mut local, mut other) = (None, None);
    while let Some(length) = rest.get(..2) {
        let length = usize::from(u16::from_ne_bytes(length.try_into().ok()?));
        let kind = u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?);
        let value = rest.get(4..length)?;
        match kind {
            IFA_LOCAL => local = ip(family, value),
            IFA_ADDRESS => other = ip(family, value),
            _ => {}
        }
        rest = rest.get(aligned(length)..).unwrap_or_default();
    }
    local.or(other)
}

fn ip(family: u8, value: &[u8]) -> Option<IpAddr> {
    if family == INET {
        let four: [u8; 4] = value.try_into().ok()?;
        Some(Ipv4Addr::from(four).into())
    } else {
        let sixteen: [u8; 16] = value.try_into().ok()?;
        Some(Ipv6Addr::from(sixteen).into())
    }
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}
