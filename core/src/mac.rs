//! Hardware addresses of attachments: parsing, rules, and derivation from the address (D9).

use core::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::Uid;

/// The first two bytes of derived addresses when a network does not choose its own.
pub const DEFAULT_PREFIX: [u8; 2] = [0x0a, 0x58];

/// An Ethernet address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

/// Why a text or a number is no hardware address for an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MacError {
    /// Not six pairs of hex digits.
    #[error("expected six pairs of hex digits joined by ':', for example 0a:58:0a:14:00:05")]
    Syntax,
    /// The group bit is set.
    #[error("a multicast address can't be an interface's own; its first byte must be even")]
    Multicast,
    /// All bytes are zero.
    #[error("the all-zeros address can't be an interface's own")]
    Zero,
}

/// What the last four bytes are derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// The attachment's address; of a dual-stack attachment the IPv4 one. An address that is used
    /// again keeps its hardware address, so no neighbour cache in the LAN goes stale.
    Address(IpAddr),
    /// An attachment without an address.
    Attachment {
        /// The pod's UID.
        owner: Uid,
        /// The network's UID.
        network: Uid,
        /// The interface's name in the pod.
        interface: &'a str,
    },
}

/// The hardware address of an attachment.
///
/// `salt` is 0 at first. A hash of 32 bits collides at 20 000 addresses with 4.5 %, and a requested
/// hardware address may equal a derived one: the caller then asks again with the next salt.
pub fn derive(prefix: [u8; 2], source: Source<'_>, salt: u32) -> Mac {
    let rest = match (source, salt) {
        (Source::Address(IpAddr::V4(address)), 0) => address.octets(),
        (source, salt) => hash(source, salt).to_be_bytes(),
    };
    let mut mac = [0; 6];
    let bytes = prefix.into_iter().chain(rest);
    mac.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    Mac(mac)
}

fn hash(source: Source<'_>, salt: u32) -> u32 {
    let mut hash = Fnv::new();
    match source {
        Source::Address(IpAddr::V4(address)) => hash.write(&address.octets()),
        Source::Address(IpAddr::V6(address)) => hash.write(&address.octets()),
        Source::Attachment {
            owner,
            network,
            interface,
        } => {
            hash.write(&owner.0.to_be_bytes());
            hash.write(&network.0.to_be_bytes());
            hash.write(interface.as_bytes());
        }
    }
    if salt != 0 {
        hash.write(&salt.to_be_bytes());
    }
    hash.finish()
}

/// FNV-1a with 64 bits and a final mix. Part of the contract: a change of the algorithm would change
/// the hardware address of every IPv6-only attachment.
struct Fnv(u64);

// === impl Fnv ===

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// FNV's high bits hardly see the last bytes, and neighbouring addresses differ only there:
    /// the finaliser of MurmurHash3 spreads them.
    fn finish(&self) -> u32 {
        let mut x = self.0;
        x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        x ^= x >> 33;
        u32::try_from(x >> 32).unwrap_or_default() // always fits
    }
}

// === impl Mac ===

impl Mac {
    /// The address itself, if it can be an interface's own: unicast and not zero.
    pub fn unicast(self) -> Result<Self, MacError> {
        match self {
            Self([first, ..]) if first & 1 == 1 => Err(MacError::Multicast),
            Self([0, 0, 0, 0, 0, 0]) => Err(MacError::Zero),
            mac => Ok(mac),
        }
    }

    /// Whether the local bit is set: given by an administrator, not by a vendor.
    pub fn is_local(self) -> bool {
        let Self([first, ..]) = self;
        first & 2 == 2
    }
}

/// Reads the two bytes of a network's prefix, `0a:58`: unicast and locally administered.
pub fn parse_prefix(text: &str) -> Option<[u8; 2]> {
    let mut bytes = [0; 2];
    parse_bytes(text, &mut bytes)?;
    let [first, _] = bytes;
    (first & 3 == 2).then_some(bytes)
}

/// Pairs of hex digits, joined all by one separator; `u8::from_str_radix` alone would take a sign.
fn parse_bytes(text: &str, bytes: &mut [u8]) -> Option<()> {
    let separator = if text.contains('-') { '-' } else { ':' };
    let mut parts = text.split(separator);
    for byte in bytes {
        *byte = parse_byte(parts.next()?)?;
    }
    parts.next().is_none().then_some(())
}

/// The habit of switches, `0a58.0a14.00ff`, which Go reads too.
fn parse_dotted(text: &str, bytes: &mut [u8; 6]) -> Option<()> {
    let mut parts = text.split('.');
    for pair in bytes.chunks_exact_mut(2) {
        let (high, low) = parts.next()?.split_at_checked(2)?;
        for (byte, digits) in pair.iter_mut().zip([high, low]) {
            *byte = parse_byte(digits)?;
        }
    }
    parts.next().is_none().then_some(())
}

fn parse_byte(digits: &str) -> Option<u8> {
    let two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    two.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let mut bytes = [0; 6];
        let read = if text.contains('.') {
            parse_dotted(text, &mut bytes)
        } else {
            parse_bytes(text, &mut bytes)
        };
        read.ok_or(MacError::Syntax)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = alloc::string::String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
