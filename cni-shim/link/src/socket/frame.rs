//! Messages from the kernel, read only as far as we need them.
//!
//! `netlink-packet-route` can parse whole messages, but then one attribute that a newer kernel made
//! longer, on a NIC that is none of our business, fails the dump of all links. So the frames are split
//! here and only the attributes that somebody asks for are looked at.

use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR};
use nix::errno::Errno;

use super::{NetlinkError, Refusal};

const HEADER: usize = 16;
/// The negative error number of NLMSG_ERROR and, since Linux 2.6, of NLMSG_DONE.
const ERROR_NUMBER: usize = 4;
/// NLM_F_CAPPED: the failed request's header stands in the answer, not its payload.
const CAPPED: u16 = 0x100;
/// NLM_F_ACK_TLVS: attributes follow.
const ACK_TLVS: u16 = 0x200;
/// NLMSGERR_ATTR_MSG.
const TEXT: u16 = 1;
/// NLA_TYPE_MASK.
const KIND: u16 = 0x3fff;

/// One message of a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// nlmsg_type.
    pub(crate) kind: u16,
    /// nlmsg_flags.
    pub(crate) flags: u16,
    /// nlmsg_seq.
    pub(crate) sequence: u32,
    /// What follows the header.
    pub(crate) payload: Vec<u8>,
}

/// What a frame is to the one who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An object of the kernel.
    Object,
    /// The request was carried out, or its objects are all told.
    Done,
    /// It was not.
    Refused(Refusal),
}

/// The attributes of a message, or of an attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

// === impl Frame ===

impl Frame {
    /// Splits a datagram into its messages.
    pub(crate) fn split(mut bytes: &[u8]) -> Result<Vec<Self>, NetlinkError> {
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            let (frame, rest) = Self::first(bytes)
                .ok_or(NetlinkError::Garbled("a message is shorter than it says"))?;
            frames.push(frame);
            bytes = rest;
        }
        Ok(frames)
    }

    fn first(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let length = usize::try_from(u32_at(bytes, 0)?).ok()?;
        let frame = Self {
            kind: u16_at(bytes, 4)?,
            flags: u16_at(bytes, 6)?,
            sequence: u32_at(bytes, 8)?,
            payload: bytes.get(HEADER..length)?.to_vec(),
        };
        let rest = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((frame, rest))
    }

    /// What this frame is to the one who asked.
    pub(crate) fn answer(&self) -> Result<Answer, NetlinkError> {
        if self.kind != NLMSG_ERROR {
            return Ok(Answer::Object);
        }
        Ok(match self.error_number()? {
            0 => Answer::Done,
            number => Answer::Refused(Refusal {
                errno: Errno::from_raw(number),
                text: self.text(),
            }),
        })
    }

    /// As [`Self::answer`], to the one who asked for all objects.
    pub(crate) fn dump_answer(&self) -> Result<Answer, NetlinkError> {
        // The kernel may end a dump without an error number.
        if self.kind != NLMSG_DONE {
            return self.answer();
        }
        if self.payload.is_empty() {
            return Ok(Answer::Done);
        }
        Ok(match self.error_number()? {
            0 => Answer::Done,
            number => Answer::Refused(Refusal {
                errno: Errno::from_raw(number),
                text: self.attributes(ERROR_NUMBER).text(TEXT),
            }),
        })
    }

    fn error_number(&self) -> Result<i32, NetlinkError> {
        u32_at(&self.payload, 0)
            .map(|number| number.cast_signed().wrapping_neg())
            .ok_or(NetlinkError::Garbled("an answer without an error number"))
    }

    /// The kernel's own words about a refusal.
    fn text(&self) -> Option<String> {
        if self.flags & ACK_TLVS == 0 {
            return None;
        }
        let request = u32_at(&self.payload, ERROR_NUMBER)?;
        let skipped = if self.flags & CAPPED == 0 {
            usize::try_from(request).ok()?.next_multiple_of(4)
        } else {
            HEADER
        };
        Attributes(self.payload.get(ERROR_NUMBER + skipped..)?).text(TEXT)
    }

    /// The attributes after a header of this length.
    pub(crate) fn attributes(&self, header: usize) -> Attributes<'_> {
        Attributes(self.payload.get(header..).unwrap_or_default())
    }
}

// === impl Attributes ===

impl<'a> Attributes<'a> {
    /// Each attribute's kind and value. Ends at the first that is shorter than it says.
    pub(crate) fn iter(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut bytes = self.0;
        std::iter::from_fn(move || {
            let length = usize::from(u16_at(bytes, 0)?);
            let kind = u16_at(bytes, 2)? & KIND;
            let value = bytes.get(4..length)?;
            bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
            Some((kind, value))
        })
    }

    /// The value of the first attribute of a kind.
    pub(crate) fn get(self, kind: u16) -> Option<&'a [u8]> {
        self.iter()
            .find_map(|(k, value)| (k == kind).then_some(value))
    }

    /// A text, without the zero at its end.
    pub(crate) fn text(self, kind: u16) -> Option<String> {
        let value = self.get(kind)?;
        let value = value.strip_suffix(&[0]).unwrap_or(value);
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// A number.
    pub(crate) fn u32(self, kind: u16) -> Option<u32> {
        u32_at(self.get(kind)?, 0)
    }

    /// A short number.
    pub(crate) fn u16(self, kind: u16) -> Option<u16> {
        u16_at(self.get(kind)?, 0)
    }

    /// The attributes inside one.
    pub(crate) fn nested(self, kind: u16) -> Self {
        Attributes(self.get(kind).unwrap_or_default())
    }
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_ne_bytes(bytes.try_into().ok()?))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}
