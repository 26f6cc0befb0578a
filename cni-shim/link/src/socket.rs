//! A blocking rtnetlink socket.
//!
//! rtnetlink does its work inside send(): when send returns, the answer is already in the receive
//! buffer. So there is nothing to wait for asynchronously, and a wait would only hide that the
//! calling thread was held in the kernel.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkMessage};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{SocketAddr, protocols::NETLINK_ROUTE};
use nix::sys::{socket::setsockopt, socket::sockopt::ReceiveTimeout, time::TimeVal};

use frame::Answer;

use crate::crash;

mod error;
mod frame;

pub use error::{NetlinkError, Refusal};
pub(crate) use frame::{Attributes, Frame, u16_at, u32_at};

/// An answer is there when send returns; this only keeps a lost one from holding a pod for ever.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The kernel fills dumps up to 32 KiB a datagram (NLMSG_GOODSIZE limits single answers to less).
const BUFFER: usize = 64 * 1024;
/// A dump that others' changes interrupt is asked again as often as this.
const DUMP_ATTEMPTS: usize = 5;

/// A netlink socket. It belongs to the network namespace in which it was opened for ever, whichever
/// thread uses it.
#[derive(Debug)]
pub struct Socket {
    inner: netlink_sys::Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

/// One request of a batch.
#[derive(Debug)]
pub(crate) struct Request {
    /// What.
    pub(crate) message: RouteNetlinkMessage,
    /// NLM_F_CREATE and the like.
    pub(crate) flags: u16,
}

// === impl Socket ===

impl Socket {
    /// Opens a socket in the network namespace of the calling thread.
    pub fn open() -> Result<Self, NetlinkError> {
        let mut inner = netlink_sys::Socket::new(NETLINK_ROUTE).map_err(NetlinkError::Open)?;
        inner.bind_auto().map_err(NetlinkError::Open)?;
        // The kernel's text for people, without a copy of our request in front of it.
        inner.set_ext_ack(true).map_err(NetlinkError::Open)?;
        inner.set_cap_ack(true).map_err(NetlinkError::Open)?;
        // Without this the kernel ignores the filters of a dump. Since Linux 4.20.
        inner
            .set_netlink_get_strict_chk(true)
            .map_err(NetlinkError::Open)?;
        let timeout = TimeVal::new(ANSWER_TIMEOUT.as_secs().cast_signed(), 0);
        setsockopt(&inner, ReceiveTimeout, &timeout)
            .map_err(|errno| NetlinkError::Open(errno.into()))?;
        Ok(Self {
            inner,
            sequence: 0,
            buffer: Vec::with_capacity(BUFFER),
        })
    }

    /// One request, one acknowledgement.
    pub(crate) fn call(&mut self, request: Request) -> Result<(), NetlinkError> {
        match self.batch(vec![request])?.pop() {
            None => Ok(()),
            Some((_, refusal)) => Err(NetlinkError::Refused(refusal)),
        }
    }

    /// Sends all requests with one system call and returns those that the kernel refused, by their
    /// place. A batch is not atomic: the kernel goes on after a refusal.
    pub(crate) fn batch(
        &mut self,
        requests: Vec<Request>,
    ) -> Result<Vec<(usize, Refusal)>, NetlinkError> {
        let first = self.sequence.wrapping_add(1);
        let Some(last) = requests.len().checked_sub(1) else {
            return Ok(Vec::new());
        };
        let effect = requests
            .first()
            .map_or("nothing", |first| name(&first.message));
        let mut bytes = Vec::new();
        for (place, request) in requests.into_iter().enumerate() {
            // Refusals are always reported; one acknowledgement says that all are through.
            let ack = if place == last { NLM_F_ACK } else { 0 };
            self.encode(request, NLM_F_REQUEST | ack, &mut bytes);
        }
        crash::around("send", effect, || self.send(&bytes))?;
        let mut refusals = Vec::new();
        loop {
            for frame in self.receive()? {
                let Some(place) = place(frame.sequence, first, last) else {
                    continue;
                };
                match frame.answer()? {
                    Answer::Object => continue,
                    Answer::Done => {}
                    Answer::Refused(refusal) => refusals.push((place, refusal)),
                }
                if place == last {
                    return Ok(refusals);
                }
            }
        }
    }

    /// One request, one object.
    pub(crate) fn get(&mut self, message: RouteNetlinkMessage) -> Result<Frame, NetlinkError> {
        let mut bytes = Vec::new();
        let request = Request { message, flags: 0 };
        let sequence = self.encode(request, NLM_F_REQUEST, &mut bytes);
        self.send(&bytes)?;
        self.object(sequence)
    }

    /// As [`Self::get`], after a request in the same system call whose refusal is of no interest.
    pub(crate) fn get_after(
        &mut self,
        first: Request,
        message: RouteNetlinkMessage,
    ) -> Result<Frame, NetlinkError> {
        let mut bytes = Vec::new();
        let effect = name(&first.message);
        self.encode(first, NLM_F_REQUEST, &mut bytes);
        let request = Request { message, flags: 0 };
        let sequence = self.encode(request, NLM_F_REQUEST, &mut bytes);
        crash::around("send", effect, || self.send(&bytes))?;
        self.object(sequence)
    }

    fn object(&mut self, sequence: u32) -> Result<Frame, NetlinkError> {
        loop {
            for frame in self.receive()? {
                if frame.sequence != sequence {
                    continue;
                }
                return match frame.answer()? {
                    Answer::Object => Ok(frame),
                    Answer::Refused(refusal) => Err(NetlinkError::Refused(refusal)),
                    Answer::Done => Err(NetlinkError::Garbled("an acknowledgement for a question")),
                };
            }
        }
    }

    /// One request, all objects.
    pub(crate) fn dump(
        &mut self,
        message: &RouteNetlinkMessage,
    ) -> Result<Vec<Frame>, NetlinkError> {
        for _ in 0..DUMP_ATTEMPTS {
            if let Some(frames) = self.try_dump(message.clone())? {
                return Ok(frames);
            }
        }
        Err(NetlinkError::Interrupted)
    }

    /// `None`: another change came between two parts of the dump, which may then miss objects.
    fn try_dump(
        &mut self,
        message: RouteNetlinkMessage,
    ) -> Result<Option<Vec<Frame>>, NetlinkError> {
        let mut bytes = Vec::new();
        let request = Request { message, flags: 0 };
        let sequence = self.encode(request, NLM_F_REQUEST | NLM_F_DUMP, &mut bytes);
        self.send(&bytes)?;
        let mut frames = Vec::new();
        let mut interrupted = false;
        loop {
            for frame in self.receive()? {
                if frame.sequence != sequence {
                    continue;
                }
                interrupted |= frame.flags & NLM_F_DUMP_INTR != 0;
                match frame.dump_answer()? {
                    Answer::Object => frames.push(frame),
                    Answer::Done => return Ok((!interrupted).then_some(frames)),
                    Answer::Refused(refusal) => return Err(NetlinkError::Refused(refusal)),
                }
            }
        }
    }

    fn encode(&mut self, request: Request, flags: u16, bytes: &mut Vec<u8>) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        let mut message = NetlinkMessage::from(request.message);
        message.header.flags = flags | request.flags;
        message.header.sequence_number = self.sequence;
        message.finalize();
        let start = bytes.len();
        bytes.resize(start + message.buffer_len(), 0);
        if let Some(room) = bytes.get_mut(start..) {
            message.serialize(room);
        }
        // Messages of a batch start at multiples of four.
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        self.sequence
    }

    fn send(&self, bytes: &[u8]) -> Result<(), NetlinkError> {
        let kernel = SocketAddr::new(0, 0);
        self.inner
            .send_to(bytes, &kernel, 0)
            .map(drop)
            .map_err(NetlinkError::Send)
    }

    pub(crate) fn receive(&mut self) -> Result<Vec<Frame>, NetlinkError> {
        loop {
            self.buffer.clear();
            let received = self.inner.recv_from(&mut self.buffer, nix::libc::MSG_TRUNC);
            let (length, sender) = match received {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                received => received.map_err(NetlinkError::Receive)?,
            };
            if length > self.buffer.len() {
                return Err(NetlinkError::Garbled("it is longer than any dump's part"));
            }
            // Any process may send to any netlink socket; only port 0 is the kernel.
            if sender.port_number() == 0 {
                return Frame::split(&self.buffer);
            }
        }
    }

    pub(crate) fn inner(&self) -> &netlink_sys::Socket {
        &self.inner
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

/// What a request does, in the words of rtnetlink(7).
fn name(message: &RouteNetlinkMessage) -> &'static str {
    #[expect(clippy::wildcard_enum_match_arm, reason = "a name for people")]
    match message {
        RouteNetlinkMessage::NewLink(_) => "RTM_NEWLINK",
        RouteNetlinkMessage::SetLink(_) => "RTM_SETLINK",
        RouteNetlinkMessage::DelLink(_) => "RTM_DELLINK",
        RouteNetlinkMessage::NewAddress(_) => "RTM_NEWADDR",
        RouteNetlinkMessage::DelAddress(_) => "RTM_DELADDR",
        RouteNetlinkMessage::NewRoute(_) => "RTM_NEWROUTE",
        RouteNetlinkMessage::DelRoute(_) => "RTM_DELROUTE",
        RouteNetlinkMessage::NewNsId(_) => "RTM_NEWNSID",
        _ => "another netlink request",
    }
}

fn place(sequence: u32, first: u32, last: usize) -> Option<usize> {
    usize::try_from(sequence.wrapping_sub(first))
        .ok()
        .filter(|place| *place <= last)
}

#[cfg(test)]
mod tests;
