//! Addresses as sets: ranges of IPv4 and of IPv6, treated alike as numbers.

use core::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::IpNet;

mod set;

pub use set::RangeSet;

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Neighbouring addresses of one family, both ends included. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    from: IpAddr,
    to: IpAddr,
}

/// Why two addresses or a text are no range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// One end is IPv4, the other IPv6.
    #[error("both ends must be IPv4 or both IPv6")]
    Families,
    /// The end lies before the beginning.
    #[error("the last address lies before the first")]
    Backwards,
    /// Neither an address, nor `first-last`, nor a CIDR.
    #[error("expected an address, first-last, or a CIDR")]
    Syntax,
}

/// The addresses of a range or a set, in order.
#[derive(Clone, Debug)]
pub struct Addresses {
    family: Family,
    /// The next number and the last one.
    left: Option<(u128, u128)>,
}

// === impl Family ===

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

impl Family {
    /// Both, in the order in which owners reserve.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// The family of an address.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The length of an address in bits: also the longest prefix.
    pub const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// The address with this number. Bits that an IPv4 address does not have are cut off.
    pub fn address(self, number: u128) -> IpAddr {
        match self {
            Self::V4 => {
                let [.., a, b, c, d] = number.to_be_bytes();
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            Self::V6 => IpAddr::V6(Ipv6Addr::from(number)),
        }
    }

    /// The number of the last address.
    const fn last(self) -> u128 {
        match self {
            Self::V4 => 0xffff_ffff,
            Self::V6 => u128::MAX,
        }
    }
}

/// The address as a number.
pub fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The address after this one, if it is not the family's last.
pub fn successor(address: IpAddr) -> Option<IpAddr> {
    let family = Family::of(address);
    let number = number(address);
    (number < family.last()).then(|| family.address(number + 1))
}

/// The address before this one, if it is not the family's first.
pub fn predecessor(address: IpAddr) -> Option<IpAddr> {
    let number = number(address).checked_sub(1)?;
    Some(Family::of(address).address(number))
}

// === impl Range ===

impl Range {
    /// The addresses from `from` to `to`, both included.
    pub fn new(from: IpAddr, to: IpAddr) -> Result<Self, RangeError> {
        if Family::of(from) != Family::of(to) {
            return Err(RangeError::Families);
        }
        if to < from {
            return Err(RangeError::Backwards);
        }
        Ok(Self { from, to })
    }

    /// One address.
    pub const fn single(address: IpAddr) -> Self {
        Self {
            from: address,
            to: address,
        }
    }

    /// The first address.
    pub const fn first(&self) -> IpAddr {
        self.from
    }

    /// The last address.
    pub const fn last(&self) -> IpAddr {
        self.to
    }

    /// IPv4 or IPv6.
    pub const fn family(&self) -> Family {
        Family::of(self.from)
    }

    /// Whether the address is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.from <= address && address <= self.to
    }

    /// Whether all of `other` is in here.
    pub fn contains_range(&self, other: &Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }

    /// Whether an address is in both. Ranges of two families have none.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    /// What is left before and after `other`.
    pub fn subtract(&self, other: &Self) -> [Option<Self>; 2] {
        if !self.overlaps(other) {
            return [Some(*self), None];
        }
        let before = predecessor(other.from)
            .filter(|_| self.from < other.from)
            .map(|to| Self {
                from: self.from,
                to,
            });
        let after = successor(other.to)
            .filter(|_| other.to < self.to)
            .map(|from| Self { from, to: self.to });
        [before, after]
    }

    /// How many addresses; all of IPv6 counts as `u128::MAX`.
    pub fn count(&self) -> u128 {
        (number(self.to) - number(self.from)).saturating_add(1)
    }

    /// The addresses in order.
    pub fn iter(&self) -> Addresses {
        Addresses {
            family: self.family(),
            left: Some((number(self.from), number(self.to))),
        }
    }
}

impl From<IpNet> for Range {
    fn from(net: IpNet) -> Self {
        Self {
            from: net.network(),
            to: net.broadcast(),
        }
    }
}

impl IntoIterator for &Range {
    type Item = IpAddr;
    type IntoIter = Addresses;

    fn into_iter(self) -> Addresses {
        self.iter()
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        if let Some((from, to)) = text.split_once('-') {
            let from = from.trim().parse().map_err(|_| RangeError::Syntax)?;
            let to = to.trim().parse().map_err(|_| RangeError::Syntax)?;
            return Self::new(from, to);
        }
        if let Ok(net) = text.parse::<IpNet>() {
            return Ok(net.into());
        }
        let address = text.trim().parse().map_err(|_| RangeError::Syntax)?;
        Ok(Self::single(address))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            write!(f, "{}", self.from)
        } else {
            write!(f, "{}-{}", self.from, self.to)
        }
    }
}

// === impl Addresses ===

impl Iterator for Addresses {
    type Item = IpAddr;

    fn next(&mut self) -> Option<IpAddr> {
        let (next, last) = self.left?;
        self.left = (next < last).then(|| (next + 1, last));
        Some(self.family.address(next))
    }
}

#[cfg(test)]
mod tests;
