extern crate std;
use alloc::{collections::BTreeSet, string::ToString};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{DEFAULT_PREFIX, Mac, MacError, Source, derive, parse_prefix};
use crate::id::Uid;

fn of(address: &str, salt: u32) -> Mac {
    derive(
        DEFAULT_PREFIX,
        Source::Address(address.parse().unwrap()),
        salt,
    )
}

#[test]
fn texts_of_three_habits() {
    for text in ["0a:58:0a:14:00:ff", "0A-58-0A-14-00-FF", "0a58.0a14.00ff"] {
        let mac: Mac = text.parse().unwrap();
        assert_eq!(mac.to_string(), "0a:58:0a:14:00:ff");
    }
    let bad = [
        "",
        "0a:58:0a:14:00",
        "0a:58:0a:14:00:ff:01",
        "a:58:0a:14:00:ff",
        "+a:58:0a:14:00:ff",
        "0a:58-0a:14:00:ff",
        "0a580a1400ff",
        "0a58.0a14.00f",
        "0a58.0a14.00ff.",
    ];
    for text in bad {
        assert_eq!(text.parse::<Mac>(), Err(MacError::Syntax), "{text}");
    }
}

#[test]
fn an_interface_has_a_unicast_address() {
    assert_eq!(Mac([0; 6]).unicast(), Err(MacError::Zero));
    assert_eq!(Mac([0xff; 6]).unicast(), Err(MacError::Multicast));
    assert!(Mac([2, 0, 0, 0, 0, 0]).unicast().is_ok_and(Mac::is_local));
    assert!(!Mac([0, 0x50, 0x56, 0, 0, 1]).is_local());
}

#[test]
fn a_prefix_is_unicast_and_local() {
    assert_eq!(parse_prefix("0a:58"), Some(DEFAULT_PREFIX));
    assert_eq!(parse_prefix("FE:00"), Some([0xfe, 0]));
    for text in ["0b:58", "08:58", "0a", "0a:58:00", "0a:5", "", "0a58"] {
        assert_eq!(parse_prefix(text), None, "{text}");
    }
}

/// Known answers: a change of the algorithm would change the address of running pods.
#[test]
fn derivation_is_part_of_the_contract() {
    let attachment = Source::Attachment {
        owner: Uid(1),
        network: Uid(2),
        interface: "net1",
    };
    let rows = [
        (of("10.20.0.5", 0), "0a:58:0a:14:00:05"),
        (of("10.20.0.5", 1), "0a:58:37:55:24:b6"),
        (of("fd00:20::5", 0), "0a:58:5a:19:78:c7"),
        (of("fd00:20::5", 1), "0a:58:14:7d:82:2b"),
        (derive([2, 0], attachment, 0), "02:00:e1:f1:87:12"),
    ];
    for (mac, expected) in rows {
        assert_eq!(mac.to_string(), expected);
        assert_eq!(mac.unicast(), Ok(mac));
    }
}

#[test]
fn neighbours_spread_over_the_hash() {
    let macs: BTreeSet<Mac> = (0..20_000_u32)
        .map(|n| IpAddr::V6(Ipv6Addr::from(0xfd00_u128 << 112 | u128::from(n))))
        .map(|address| derive(DEFAULT_PREFIX, Source::Address(address), 0))
        .collect();
    assert!(macs.len() >= 19_999, "a random hash loses 0.05 of them");
    let v4: BTreeSet<Mac> = (0..4096_u32)
        .map(|n| IpAddr::V4(Ipv4Addr::from(n)))
        .map(|address| derive(DEFAULT_PREFIX, Source::Address(address), 0))
        .collect();
    assert_eq!(v4.len(), 4096);
}
