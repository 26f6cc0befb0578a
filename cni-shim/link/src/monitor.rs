//! What changes in a namespace, as the kernel tells it.

use std::{io, time::Duration};

use nix::{
    libc::{
        RTM_DELADDR, RTM_DELLINK, RTM_NEWADDR, RTM_NEWLINK, RTNLGRP_IPV4_IFADDR,
        RTNLGRP_IPV6_IFADDR, RTNLGRP_LINK,
    },
    sys::{socket::setsockopt, socket::sockopt::ReceiveTimeout, time::TimeVal},
};

use crate::{
    observe::{family, link},
    socket::{Frame, NetlinkError, Socket, u32_at},
};

/// A socket that hears of every change of a link in its namespace.
#[derive(Debug)]
pub struct Monitor {
    socket: Socket,
    pending: std::collections::VecDeque<Event>,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A link is new, or something about it changed.
    Changed(Box<landfall_core::link::Observed>),
    /// A link is gone: no packet enters or leaves through it any more.
    Removed {
        /// Its index.
        index: u32,
    },
    /// A link got an address, or lost one.
    Addressed,
    /// More happened than the socket could hold: read everything again.
    Lost,
}

impl Monitor {
    /// Listens to links, in the namespace of the calling thread.
    pub fn open() -> Result<Self, NetlinkError> {
        Self::of(&[RTNLGRP_LINK])
    }

    /// Listens to links and their addresses, in the namespace of the calling thread.
    pub fn with_addresses() -> Result<Self, NetlinkError> {
        Self::of(&[RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR])
    }

    fn of(groups: &[u32]) -> Result<Self, NetlinkError> {
        let socket = Socket::open()?;
        for group in groups {
            let joined = socket.inner().add_membership(*group);
            joined.map_err(NetlinkError::Open)?;
        }
        Ok(Self {
            socket,
            pending: std::collections::VecDeque::new(),
        })
    }

    /// The next change; `None` if there is none for so long.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Event>, NetlinkError> {
        if let Some(event) = self.pending.pop_front() {
            return Ok(Some(event));
        }
        let micros = timeout.subsec_micros().max(1);
        let timeout = TimeVal::new(
            i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            i64::from(micros),
        );
        setsockopt(&self.socket, ReceiveTimeout, &timeout)
            .map_err(|errno| NetlinkError::Receive(errno.into()))?;
        match self.socket.receive() {
            Ok(frames) => self.pending.extend(frames.iter().filter_map(event)),
            Err(NetlinkError::Receive(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(NetlinkError::Receive(error))
                if error.raw_os_error() == Some(nix::libc::ENOBUFS) =>
            {
                return Ok(Some(Event::Lost));
            }
            Err(error) => return Err(error),
        }
        Ok(self.pending.pop_front())
    }
}

/// A bridge's messages about its ports have the same type and the family AF_BRIDGE.
pub(crate) fn event(frame: &Frame) -> Option<Event> {
    if [RTM_NEWADDR, RTM_DELADDR].contains(&frame.kind) {
        return Some(Event::Addressed);
    }
    if family(frame) != Some(netlink_packet_route::AddressFamily::Unspec) {
        return None;
    }
    match frame.kind {
        RTM_NEWLINK => link(frame).map(Box::new).map(Event::Changed),
        RTM_DELLINK => Some(Event::Removed {
            index: u32_at(&frame.payload, 4)?,
        }),
        _ => None,
    }
}
