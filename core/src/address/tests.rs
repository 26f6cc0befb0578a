extern crate std;
use alloc::{collections::BTreeSet, string::ToString, vec::Vec};
use core::net::IpAddr;

use proptest::prelude::*;

use super::{Family, Range, RangeError, RangeSet, number, predecessor, successor};

fn range(text: &str) -> Range {
    text.parse().unwrap()
}

fn set(texts: &[&str]) -> RangeSet {
    texts.iter().map(|text| range(text)).collect()
}

#[test]
fn ranges_read_and_print() {
    let rows = [
        ("10.0.0.1", "10.0.0.1", 1),
        ("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9", 9),
        ("10.0.0.1 - 10.0.0.1", "10.0.0.1", 1),
        ("10.0.0.7/30", "10.0.0.4-10.0.0.7", 4),
        ("fd00::/127", "fd00::-fd00::1", 2),
        ("0.0.0.0/0", "0.0.0.0-255.255.255.255", 1 << 32),
        (
            "::/0",
            "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            u128::MAX,
        ),
    ];
    for (text, printed, count) in rows {
        assert_eq!(range(text).to_string(), printed);
        assert_eq!(range(text).count(), count);
    }
}

#[test]
fn bad_ranges_say_why() {
    let rows = [
        ("10.0.0.2-10.0.0.1", RangeError::Backwards),
        ("10.0.0.2-fd00::1", RangeError::Families),
        ("10.0.0.2-", RangeError::Syntax),
        ("10.0.0", RangeError::Syntax),
        ("", RangeError::Syntax),
    ];
    for (text, error) in rows {
        assert_eq!(text.parse::<Range>(), Err(error), "{text}");
    }
}

#[test]
fn the_ends_of_a_family_have_no_neighbour() {
    for family in Family::ALL {
        let (first, last) = (family.address(0), family.address(family.last()));
        assert_eq!((predecessor(first), successor(last)), (None, None));
        assert_eq!(predecessor(successor(first).unwrap()), Some(first));
    }
}

#[test]
fn the_families_never_meet() {
    let mut both = set(&["0.0.0.0/0"]);
    both.insert(range("::/0"));
    assert_eq!(both.ranges().len(), 2);
    assert!(!range("0.0.0.0/0").overlaps(&range("::/0")));
    assert_eq!(both.count(), u128::MAX);
    both.subtract(&range("::/0"));
    assert_eq!(both, set(&["0.0.0.0/0"]));
}

#[test]
fn touching_ranges_are_one() {
    let rows: [(&[&str], &[&str]); 4] = [
        (&["10.0.0.0/25", "10.0.0.128/25"], &["10.0.0.0/24"]),
        (&["10.0.0.5", "10.0.0.1-10.0.0.9"], &["10.0.0.1-10.0.0.9"]),
        (
            &["10.0.0.1", "10.0.0.3", "10.0.0.2"],
            &["10.0.0.1-10.0.0.3"],
        ),
        (
            &["255.255.255.255", "255.255.255.254"],
            &["255.255.255.254/31"],
        ),
    ];
    for (parts, whole) in rows {
        assert_eq!(set(parts), set(whole), "{parts:?}");
        assert_eq!(set(parts).ranges().len(), 1, "{parts:?}");
    }
}

#[test]
fn subtracting_leaves_what_is_before_and_after() {
    let rows: [(&str, &[&str]); 6] = [
        (
            "10.0.0.3-10.0.0.5",
            &["10.0.0.1-10.0.0.2", "10.0.0.6-10.0.0.9"],
        ),
        ("10.0.0.0/31", &["10.0.0.2-10.0.0.9"]),
        ("10.0.0.9-10.0.0.99", &["10.0.0.1-10.0.0.8"]),
        ("10.0.0.0/24", &[]),
        ("10.0.1.0/24", &["10.0.0.1-10.0.0.9"]),
        ("fd00::/8", &["10.0.0.1-10.0.0.9"]),
    ];
    for (minus, left) in rows {
        let mut from = set(&["10.0.0.1-10.0.0.9"]);
        from.subtract(&range(minus));
        assert_eq!(from, set(left), "{minus}");
    }
}

#[test]
fn common_is_the_lowest_overlap() {
    let a = set(&["10.0.0.0/30", "10.0.0.16/28", "fd00::/64"]);
    let b = set(&["10.0.0.4-10.0.0.20", "fd00::/96"]);
    assert_eq!(a.common(&b), Some(range("10.0.0.16-10.0.0.20")));
    assert_eq!(b.common(&a), a.common(&b));
    assert_eq!(a.common(&set(&["10.0.0.4/30"])), None);
}

#[test]
fn a_walk_from_an_address_comes_round_once() {
    let set = set(&["10.0.0.1-10.0.0.4", "10.0.0.8", "fd00::1"]);
    let rows = [
        (
            "10.0.0.3",
            "10.0.0.3 10.0.0.4 10.0.0.8 fd00::1 10.0.0.1 10.0.0.2",
        ),
        (
            "10.0.0.5",
            "10.0.0.8 fd00::1 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4",
        ),
        (
            "0.0.0.0",
            "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.8 fd00::1",
        ),
        (
            "fd00::2",
            "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.8 fd00::1",
        ),
    ];
    for (start, expected) in rows {
        let walk: Vec<_> = set
            .iter_from(start.parse().unwrap())
            .map(|a| a.to_string())
            .collect();
        assert_eq!(walk.join(" "), expected, "{start}");
    }
    let huge = RangeSet::from(range("::/0"));
    assert_eq!(
        huge.iter_from("fd00::7".parse().unwrap())
            .next()
            .unwrap()
            .to_string(),
        "fd00::7"
    );
}

/// A small world at the end of a family, so that the limits are met.
fn world(family: Family) -> impl Fn(u8) -> IpAddr {
    move |n| family.address(family.last() - 63 + u128::from(n % 64))
}

fn family() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::V4), Just(Family::V6)]
}

proptest! {
    /// Against a set of single addresses: every operation of a set, in any order.
    #[test]
    fn a_range_set_is_a_set(
        family in family(),
        steps in prop::collection::vec((any::<bool>(), any::<u8>(), any::<u8>()), 0..24),
        start in any::<u8>(),
    ) {
        let at = world(family);
        let mut set = RangeSet::new();
        let mut model: BTreeSet<IpAddr> = BTreeSet::new();
        for (insert, a, b) in steps {
            let range = Range::new(at(a).min(at(b)), at(a).max(at(b))).unwrap();
            if insert {
                set.insert(range);
                model.extend(range.iter());
            } else {
                set.subtract(&range);
                model.retain(|a| !range.contains(*a));
            }
        }
        prop_assert!(set.iter().eq(model.iter().copied()));
        prop_assert_eq!(set.count(), u128::try_from(model.len()).unwrap());
        for n in 0..64 {
            prop_assert_eq!(set.contains(at(n)), model.contains(&at(n)));
        }
        let apart = |pair: &[Range]| number(pair[0].last()) + 1 < number(pair[1].first());
        prop_assert!(set.ranges().windows(2).all(apart));
        let walk: Vec<IpAddr> = set.iter_from(at(start)).collect();
        let (before, after): (Vec<_>, Vec<_>) = model.iter().copied().partition(|a| *a < at(start));
        prop_assert_eq!(walk, [after, before].concat());
    }

    #[test]
    fn common_is_what_two_sets_share(
        family in family(),
        a in prop::collection::vec((any::<u8>(), 0_u8..8), 0..8),
        b in prop::collection::vec((any::<u8>(), 0_u8..8), 0..8),
    ) {
        let at = world(family);
        let build = |parts: Vec<(u8, u8)>| -> RangeSet {
            parts
                .into_iter()
                .filter_map(|(from, len)| Range::new(at(from), at(from.saturating_add(len))).ok())
                .collect()
        };
        let (a, b) = (build(a), build(b));
        let lowest = a.iter().find(|address| b.contains(*address));
        prop_assert_eq!(a.common(&b).map(|r| r.first()), lowest);
        let all = |r: Range| r.iter().all(|x| a.contains(x) && b.contains(x));
        prop_assert!(a.common(&b).is_none_or(all));
    }
}
