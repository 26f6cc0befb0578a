//! Sets of addresses, as sorted ranges that neither overlap nor touch.

use alloc::vec::Vec;
use core::net::IpAddr;

use super::{Range, successor};

/// A set of addresses. Two sets with the same addresses are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RangeSet(Vec<Range>);

// === impl RangeSet ===

impl RangeSet {
    /// No address.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The ranges, sorted; between two of them at least one address is missing.
    pub fn ranges(&self) -> &[Range] {
        &self.0
    }

    /// Whether there is no address in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let index = self.first_not_before(address);
        self.0.get(index).is_some_and(|r| r.contains(address))
    }

    /// Whether an address is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.common(other).is_some()
    }

    /// The lowest range of addresses that are in both.
    pub fn common(&self, other: &Self) -> Option<Range> {
        self.0.iter().find_map(|range| {
            let index = other.first_not_before(range.first());
            let other = other.0.get(index).filter(|o| o.overlaps(range))?;
            Range::new(
                range.first().max(other.first()),
                range.last().min(other.last()),
            )
            .ok()
        })
    }

    /// Adds all addresses of a range.
    pub fn insert(&mut self, range: Range) {
        let index = self.first_touching(&range);
        let mut merged = range;
        let mut end = index;
        while let Some(next) = self.0.get(end).filter(|r| touches(&merged, r)) {
            merged = hull(&merged, next);
            end += 1;
        }
        self.0.splice(index..end, [merged]);
    }

    /// Takes all addresses of a range out.
    pub fn subtract(&mut self, range: &Range) {
        let index = self.first_not_before(range.first());
        let overlapping = self.0.iter().skip(index);
        let end = index + overlapping.take_while(|r| r.overlaps(range)).count();
        let rest: Vec<Range> = self
            .0
            .get(index..end)
            .unwrap_or_default()
            .iter()
            .flat_map(|r| r.subtract(range))
            .flatten()
            .collect();
        self.0.splice(index..end, rest);
    }

    /// How many addresses, at most `u128::MAX`.
    pub fn count(&self) -> u128 {
        self.0
            .iter()
            .fold(0, |sum: u128, range| sum.saturating_add(range.count()))
    }

    /// The addresses in order.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.0.iter().flat_map(Range::iter)
    }

    /// The addresses from `start` (itself included, if it is in the set) to the last, then those
    /// before it: each address once, without walking what lies before.
    pub fn iter_from(&self, start: IpAddr) -> impl Iterator<Item = IpAddr> + '_ {
        let (before, after) = self.0.split_at(self.first_not_before(start));
        let head = after.iter().filter_map(move |r| {
            let from = r.first().max(start);
            Range::new(from, r.last()).ok()
        });
        let split = after.first().filter(|r| r.first() < start);
        let tail = split.and_then(|r| {
            let [before, _] = r.subtract(&Range::new(start, r.last()).ok()?);
            before
        });
        head.chain(before.iter().copied())
            .chain(tail)
            .flat_map(|r| r.iter())
    }

    /// The index of the first range that ends at `address` or later.
    fn first_not_before(&self, address: IpAddr) -> usize {
        self.0.partition_point(|r| r.last() < address)
    }

    /// The index of the first range that overlaps `range`, touches it or lies after it.
    fn first_touching(&self, range: &Range) -> usize {
        self.0
            .partition_point(|r| r.last() < range.first() && !touches(r, range))
    }
}

/// Whether the two overlap, or the second begins right after the first, or the other way round.
fn touches(a: &Range, b: &Range) -> bool {
    a.overlaps(b)
        || successor(a.last()) == Some(b.first())
        || successor(b.last()) == Some(a.first())
}

/// The smallest range with both in it. Both must be of one family, which touching ranges are.
fn hull(a: &Range, b: &Range) -> Range {
    Range::new(a.first().min(b.first()), a.last().max(b.last())).unwrap_or(*a)
}

impl From<Range> for RangeSet {
    fn from(range: Range) -> Self {
        Self(Vec::from([range]))
    }
}

impl FromIterator<Range> for RangeSet {
    fn from_iter<I: IntoIterator<Item = Range>>(ranges: I) -> Self {
        let mut set = Self::new();
        for range in ranges {
            set.insert(range);
        }
        set
    }
}
