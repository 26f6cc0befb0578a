//! Identities: what names a node, an owner, a network, a grant.

use alloc::sync::Arc;
use core::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The UID of a Kubernetes object or of a machine (`/etc/machine-id`), as 128 bits.
///
/// UIDs of the API server are UUIDs; kubelet's UIDs of static pods and machine IDs are 32 hex
/// digits (an MD5 sum). Both are read as the number that they spell, so `Uid` is small, ordered
/// and cheap to copy. Any other text (a static pod's manifest may set its own UID) is hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(pub u128);

/// The name of an object: a node, a segment, an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// The sequence number of a grant: unique for its address for ever (docs/ipam-protocol.md, "Objects").
///
/// Ordered by epoch, then counter. Text form: `<epoch>.<counter>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq {
    /// Drawn whenever a block object is made, and at a restore; only grows.
    pub epoch: u64,
    /// The block's counter; only grows within an epoch.
    pub counter: u64,
}

/// A text that is not `<epoch>.<counter>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected <epoch>.<counter>, two unsigned numbers")]
pub struct SeqError;

// === impl Uid ===

impl Uid {
    /// Reads a UUID or 32 hex digits as the number they spell; hashes anything else.
    pub fn of(text: &str) -> Self {
        let mut number = 0_u128;
        let mut digits = 0;
        for c in text.chars().filter(|c| *c != '-') {
            match c.to_digit(16) {
                Some(digit) if digits < 32 => {
                    number = (number << 4) | u128::from(digit);
                    digits += 1;
                }
                _ => return Self(fnv1a_128(text.as_bytes())),
            }
        }
        if digits == 32 {
            Self(number)
        } else {
            Self(fnv1a_128(text.as_bytes()))
        }
    }
}

/// FNV-1a with 128 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>.
fn fnv1a_128(bytes: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    })
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            n >> 96,
            (n >> 80) & 0xffff,
            (n >> 64) & 0xffff,
            (n >> 48) & 0xffff,
            n & 0xffff_ffff_ffff
        )
    }
}

impl Serialize for Uid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = alloc::string::String::deserialize(deserializer)?;
        Ok(Self::of(&text))
    }
}

// === impl Name ===

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = alloc::string::String::deserialize(deserializer)?;
        Ok(Self::from(text.as_str()))
    }
}

// === impl Seq ===

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.counter)
    }
}

impl FromStr for Seq {
    type Err = SeqError;

    fn from_str(text: &str) -> Result<Self, SeqError> {
        let (epoch, counter) = text.split_once('.').ok_or(SeqError)?;
        Ok(Self {
            epoch: epoch.parse().map_err(|_| SeqError)?,
            counter: counter.parse().map_err(|_| SeqError)?,
        })
    }
}

impl Serialize for Seq {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = alloc::string::String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
