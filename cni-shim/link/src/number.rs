//! Namespaces by number: how a sandbox is asked for a link when no path leads to it any more.
//!
//! A path that is gone does not say that the sandbox is: a process, or a mount that we don't see, may
//! keep it. But a namespace may give each other one a number (an nsid), and through that number the
//! kernel answers for the other's links. The number goes with the sandbox, and is then given to the next
//! at once: so whatever is found behind it is compared with the device.

use std::os::fd::{AsFd as _, AsRawFd as _};

use landfall_core::link::{Device, Observed};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{LinkAttribute, LinkMessage},
    nsid::{NsidAttribute, NsidMessage},
};
use nix::errno::Errno;

use crate::{
    detach::{DetachError, Detached},
    netns::Netns,
    observe::{ObserveError, get_link},
    socket::{NetlinkError, Request, Socket},
};

/// struct rtgenmsg, aligned.
const HEADER: usize = 4;
const NETNSA_NSID: u16 = 1;
/// NETNSA_NSID_NOT_ASSIGNED: the kernel chooses one.
const ANY: i32 = -1;

/// The number of a namespace in that of the socket. It is given one if it has none.
pub fn number(socket: &mut Socket, netns: &Netns) -> Result<i32, NetlinkError> {
    let fd = u32::try_from(netns.as_fd().as_raw_fd())
        .map_err(|_| NetlinkError::Garbled("a namespace without a descriptor"))?;
    let mut give = asked(NsidAttribute::Fd(fd));
    give.attributes.push(NsidAttribute::Id(ANY));
    // Refused if it has one.
    let give = Request {
        message: RouteNetlinkMessage::NewNsId(give),
        flags: 0,
    };
    let ask = RouteNetlinkMessage::GetNsId(asked(NsidAttribute::Fd(fd)));
    let answer = socket.get_after(give, ask)?;
    let number = answer.attributes(HEADER).u32(NETNSA_NSID);
    number
        .map(u32::cast_signed)
        .filter(|number| *number != ANY)
        .ok_or(NetlinkError::Garbled("a namespace has no number"))
}

/// Removes the link of a device from the namespace with that number. The answer `Absent` is the
/// kernel's word that the link is gone: from that namespace, or together with it.
pub fn detach_by_number(
    socket: &mut Socket,
    number: i32,
    device: &Device,
) -> Result<Detached, DetachError> {
    let Some(found) = find(socket, number, device).map_err(ObserveError::Links)? else {
        return Ok(Detached::Absent);
    };
    let mut message = LinkMessage::default();
    message.header.index = found.index;
    message.attributes = vec![LinkAttribute::IfNetnsId(number)];
    let answer = socket.call(Request {
        message: RouteNetlinkMessage::DelLink(message),
        flags: 0,
    });
    let error = match answer {
        Ok(()) => return Ok(Detached::Removed),
        Err(error) => error,
    };
    // The sandbox may go, and its number with it, between the question and this.
    let is_gone = error.errno() == Some(Errno::ENODEV)
        || is_nobodys(socket, number, &error).map_err(ObserveError::Links)?;
    if is_gone {
        return Ok(Detached::Absent);
    }
    Err(DetachError::Remove {
        name: device.name.clone(),
        source: error,
    })
}

fn find(
    socket: &mut Socket,
    number: i32,
    device: &Device,
) -> Result<Option<Observed>, NetlinkError> {
    let mut by_index = LinkMessage::default();
    by_index.header.index = device.index;
    let mut by_name = LinkMessage::default();
    by_name.attributes = vec![LinkAttribute::IfName(device.name.as_str().to_owned())];
    for mut message in [by_index, by_name] {
        message.attributes.push(LinkAttribute::IfNetnsId(number));
        match get_link(socket, message) {
            Ok(Some(found)) if device.is(&found) => return Ok(Some(found)),
            Ok(_) => {}
            Err(error) if is_nobodys(socket, number, &error)? => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Whether a request failed because the number is nobody's. EINVAL says so, but not of that alone.
fn is_nobodys(
    socket: &mut Socket,
    number: i32,
    error: &NetlinkError,
) -> Result<bool, NetlinkError> {
    Ok(error.errno() == Some(Errno::EINVAL) && !is_given(socket, number)?)
}

fn is_given(socket: &mut Socket, number: i32) -> Result<bool, NetlinkError> {
    match socket.get(RouteNetlinkMessage::GetNsId(asked(NsidAttribute::Id(
        number,
    )))) {
        Ok(_) => Ok(true),
        Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

fn asked(attribute: NsidAttribute) -> NsidMessage {
    let mut message = NsidMessage::default();
    message.attributes = vec![attribute];
    message
}
