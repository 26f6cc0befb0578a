//! Ranges of addresses, and sets of them. Each set gives an attachment one address.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

/// Neighbouring addresses of one subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The subnet; no bits after its prefix.
    pub subnet: IpNet,
    /// The first.
    pub start: IpAddr,
    /// The last.
    pub end: IpAddr,
    /// Never given to anybody; `None`: there is none.
    pub gateway: Option<IpAddr>,
}

/// Ranges of one family that don't overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeSet(pub Vec<Range>);

/// A range that makes no sense. The texts are those of host-local.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum RangeError {
    #[error("IP <nil> not v4 nor v6")]
    NoSubnet,
    #[error("Network {0} too small to allocate from")]
    TooSmall(IpNet),
    #[error(
        "Network has host bits set. For a subnet mask of length {} the network address is {}",
        .0.prefix_len(), .0.network()
    )]
    HostBits(IpNet),
    #[error("{which} {address} not in network {subnet}")]
    Outside {
        which: &'static str,
        address: IpAddr,
        subnet: IpNet,
    },
    #[error("empty range set")]
    Empty,
    #[error("mixed address families")]
    Mixed,
    #[error("subnets {0} and {1} overlap")]
    Overlap(String, String),
}

// === impl Range ===

impl Range {
    /// A range with what is absent filled in: all of the subnet, and its first address as the gateway.
    pub fn of(
        subnet: Option<IpNet>,
        start: Option<IpAddr>,
        end: Option<IpAddr>,
        gateway: Option<IpAddr>,
    ) -> Result<Self, RangeError> {
        let subnet = subnet.ok_or(RangeError::NoSubnet)?;
        if subnet.prefix_len() > subnet.max_prefix_len().saturating_sub(2) {
            return Err(RangeError::TooSmall(subnet));
        }
        if subnet.addr() != subnet.network() {
            return Err(RangeError::HostBits(subnet));
        }
        let first = next(subnet.network());
        let outside = |which, address| RangeError::Outside {
            which,
            address,
            subnet,
        };
        let start = match start {
            Some(start) if !subnet.contains(&start) => return Err(outside("RangeStart", start)),
            start => start.unwrap_or(first),
        };
        let end = match end {
            Some(end) if !subnet.contains(&end) || end < start => {
                return Err(outside("RangeEnd", end));
            }
            end => end.unwrap_or_else(|| last(subnet)),
        };
        Ok(Self {
            subnet,
            start,
            end,
            gateway: Some(gateway.unwrap_or(first)),
        })
    }

    /// Whether an address may be given from this range, or is its gateway.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.subnet.contains(&address) && (self.start..=self.end).contains(&address)
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.start)
            || self.contains(other.end)
            || other.contains(self.start)
            || other.contains(self.end)
    }
}

/// Without the broadcast address of IPv4.
fn last(subnet: IpNet) -> IpAddr {
    match subnet {
        IpNet::V4(net) => (u32::from(net.broadcast()).wrapping_sub(1).to_be_bytes()).into(),
        IpNet::V6(net) => net.broadcast().into(),
    }
}

/// The address after this one; after the last comes the first.
pub(super) fn next(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => u32::from(v4).wrapping_add(1).to_be_bytes().into(),
        IpAddr::V6(v6) => u128::from(v6).wrapping_add(1).to_be_bytes().into(),
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

// === impl RangeSet ===

impl RangeSet {
    /// A set of ranges.
    pub fn of(ranges: Vec<Range>) -> Result<Self, RangeError> {
        let Some(first) = ranges.first() else {
            return Err(RangeError::Empty);
        };
        let is_v4 = first.start.is_ipv4();
        if ranges.iter().any(|range| range.start.is_ipv4() != is_v4) {
            return Err(RangeError::Mixed);
        }
        for (place, range) in ranges.iter().enumerate() {
            let mut others = ranges.iter().skip(place.saturating_add(1));
            if let Some(other) = others.find(|other| range.overlaps(other)) {
                return Err(RangeError::Overlap(range.to_string(), other.to_string()));
            }
        }
        Ok(Self(ranges))
    }

    /// Whether its addresses are IPv4.
    pub fn is_v4(&self) -> bool {
        self.0.first().is_some_and(|range| range.start.is_ipv4())
    }

    /// The range that an address is in.
    pub fn range_of(&self, address: IpAddr) -> Option<&Range> {
        self.0.iter().find(|range| range.contains(address))
    }

    /// Whether two sets share an address.
    pub fn overlaps(&self, other: &Self) -> bool {
        let mut ours = self.0.iter();
        ours.any(|range| other.0.iter().any(|other| range.overlaps(other)))
    }

    /// Every address that may be given, once: after `last`, if that is in the set, else from the start.
    pub fn addresses(&self, last: Option<IpAddr>) -> impl Iterator<Item = (IpAddr, &Range)> {
        let last = last.and_then(|last| {
            let place = self.0.iter().position(|range| range.contains(last))?;
            Some((place, last))
        });
        let begin = last.map_or_else(
            || self.0.first().map(|range| (0, range.start)),
            |(place, last)| self.after(place, last),
        );
        let mut at = begin;
        std::iter::from_fn(move || {
            let (place, address) = at?;
            at = self.after(place, address).filter(|at| Some(*at) != begin);
            Some((address, self.0.get(place)?))
        })
        .filter(|(address, range)| Some(*address) != range.gateway)
    }

    /// The place and address after this one; after the last comes the first.
    fn after(&self, place: usize, address: IpAddr) -> Option<(usize, IpAddr)> {
        if self.0.get(place)?.end != address {
            return Some((place, next(address)));
        }
        let place = place.saturating_add(1).checked_rem(self.0.len())?;
        Some((place, self.0.get(place)?.start))
    }
}

impl fmt::Display for RangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, range) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { "," };
            write!(f, "{separator}{range}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
