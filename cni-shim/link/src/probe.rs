//! Asks a LAN whether somebody has an address, without saying that anybody here has.
//!
//! ARP probes say no sender address (RFC 5227, 2.1.1) and neighbour solicitations come from `::` (RFC 4862,
//! 5.4.2): nobody's table changes by them. They leave from the parent, with its own hardware address: what
//! hangs from a parent does not hear what the parent sends, so nothing of this node answers.

use std::{
    net::IpAddr,
    os::fd::{AsRawFd as _, OwnedFd},
};

use landfall_core::mac::Mac;
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, bind, recv, setsockopt},
};

use crate::announce::{frame, link_address, open, send};

mod hear;
mod option;

pub use hear::{Heard, Says};
use option::PacketFilter;

const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
/// The most that is taken in one go, so that a storm holds up nobody else.
const AT_ONCE: usize = 256;

/// A LAN that can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// No packet socket.
    #[error("cannot open a packet socket; CAP_NET_RAW is needed")]
    Open(#[source] Errno),
    /// The link is gone, or takes no packet socket.
    #[error("cannot listen on the link with index {index}")]
    Listen {
        /// Which.
        index: u32,
        /// Why.
        #[source]
        source: Errno,
    },
    /// The question was not taken: the link is down.
    #[error("cannot ask for {address}")]
    Ask {
        /// What.
        address: IpAddr,
        /// Why.
        #[source]
        source: Errno,
    },
}

/// Listens on a link for who has which address, and asks.
#[derive(Debug)]
pub struct Ear {
    index: u32,
    mac: Mac,
    sockets: [OwnedFd; 2],
}

// === impl Ear ===

impl Ear {
    /// On a link of the calling thread's network namespace; `mac` is the link's.
    pub fn open(index: u32, mac: Mac) -> Result<Self, ProbeError> {
        let listen = |source| ProbeError::Listen { index, source };
        let on = |protocol| {
            let socket = open().map_err(ProbeError::Open)?;
            // Before it is bound: nothing gets in unfiltered.
            setsockopt(&socket, PacketFilter, &option::filter()).map_err(listen)?;
            let address = link_address(index, protocol).ok_or_else(|| listen(Errno::EINVAL))?;
            bind(socket.as_raw_fd(), &address).map_err(listen)?;
            Ok(socket)
        };
        let sockets = [on(ARP)?, on(IPV6)?];
        let [_, discovery] = &sockets;
        // Who has the address answers to all nodes; a link without IPv6 does not listen there.
        option::join(discovery, index, frame::ALL_NODES_MAC).map_err(listen)?;
        Ok(Self {
            index,
            mac,
            sockets,
        })
    }

    /// Asks once.
    pub fn ask(&self, address: IpAddr) -> Result<(), ProbeError> {
        let failed = |source| ProbeError::Ask { address, source };
        let [arp, discovery] = &self.sockets;
        let sent = match address {
            IpAddr::V4(v4) => send(arp, self.index, &frame::arp_probe(self.mac, v4)),
            IpAddr::V6(v6) => {
                // Others that ask for it at this moment do so there. Joining twice is as good as once.
                let (_, group) = frame::solicited_node(v6);
                option::join(discovery, self.index, group).map_err(failed)?;
                send(discovery, self.index, &frame::neighbor_probe(self.mac, v6))
            }
        };
        sent.map_err(failed)
    }

    /// What others have said since the last time.
    pub fn hear(&self) -> Vec<Heard> {
        // An ARP packet of Ethernet has 42 bytes, a neighbour advertisement with one option 86.
        let mut frame = [0; 256];
        let mut heard = Vec::new();
        for socket in &self.sockets {
            for _ in 0..AT_ONCE {
                match recv(socket.as_raw_fd(), &mut frame, MsgFlags::MSG_DONTWAIT) {
                    Ok(length) => {
                        let frame = frame.get(..length).unwrap_or_default();
                        heard.extend(hear::read(frame).filter(|heard| heard.mac != self.mac));
                    }
                    // Told once after the link went down; nothing more is heard until it is up.
                    Err(Errno::ENETDOWN) => {}
                    Err(_) => break,
                }
            }
        }
        heard
    }
}

#[cfg(test)]
mod tests;
