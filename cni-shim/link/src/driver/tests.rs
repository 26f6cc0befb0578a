//! Drivers as bytes and back.

use landfall_core::mac::Mac;
use netlink_packet_core::{Emitable, Nla};
use nix::libc::IFLA_LINKINFO;

use super::*;

/// What a kernel would show of a link that was asked for like this.
fn round_trip(driver: &Driver) -> ObservedDriver {
    let attribute = info(driver);
    assert_eq!(attribute.kind() & 0x3fff, IFLA_LINKINFO);
    let mut bytes = vec![0; attribute.buffer_len()];
    attribute.emit(&mut bytes);
    observed(Attributes(&bytes).nested(IFLA_LINKINFO))
}

#[test]
fn every_mode_of_macvlan_comes_back() {
    for word in MacvlanMode::WORDS {
        for no_promiscuous in [false, true] {
            let driver = Driver::Macvlan(Macvlan {
                mode: word.parse().unwrap(),
                no_promiscuous,
                ..Macvlan::default()
            });

            assert_eq!(round_trip(&driver), ObservedDriver::Ours(driver));
        }
    }
}

#[test]
fn every_mode_and_flag_of_ipvlan_comes_back() {
    for mode in IpvlanMode::WORDS {
        for flag in IpvlanFlag::WORDS {
            let driver = Driver::Ipvlan {
                mode: mode.parse().unwrap(),
                flag: flag.parse().unwrap(),
            };

            assert_eq!(round_trip(&driver), ObservedDriver::Ours(driver));
        }
    }
}

/// linux/if_link.h: 1, 2, 4, 8, 16 as u32 for macvlan; 0, 1, 2 and the flags 0, 1, 2 as u16 for ipvlan.
#[test]
fn the_bytes_are_the_kernels() {
    let passthru = info(&Driver::Macvlan(Macvlan {
        mode: MacvlanMode::Passthru,
        ..Macvlan::default()
    }));
    let l3s_private = info(&Driver::Ipvlan {
        mode: IpvlanMode::L3s,
        flag: IpvlanFlag::Private,
    });

    assert_eq!(
        bytes(&passthru),
        *b"\x0c\0\x01\0macvlan\0\x0c\0\x02\0\x08\0\x01\0\x08\0\0\0"
    );
    assert_eq!(
        bytes(&l3s_private),
        *b"\x0b\0\x01\0ipvlan\0\0\x14\0\x02\0\x06\0\x01\0\x02\0\0\0\x06\0\x02\0\x01\0\0\0"
    );
}

fn bytes(attribute: &LinkAttribute) -> Vec<u8> {
    let mut bytes = vec![0; attribute.value_len()];
    attribute.emit_value(&mut bytes);
    bytes
}

#[test]
fn sources_go_only_with_mode_source() {
    let with = |mode| {
        let options = Macvlan {
            mode,
            allowed_sources: vec![Mac([2, 0, 0, 0, 0, 1])],
            ..Macvlan::default()
        };
        macvlan(&options).len()
    };

    assert_eq!(with(MacvlanMode::Source), 3);
    assert_eq!(with(MacvlanMode::Bridge), 1);
}

#[test]
fn a_mode_of_a_newer_kernel_is_not_ours() {
    let mut data = vec![8, 0, 1, 0];
    data.extend(32_u32.to_ne_bytes());
    let mut info = b"\x0c\0\x01\0macvlan\0".to_vec();
    info.extend([12, 0, 2, 0]);
    info.extend(data);

    let other = ObservedDriver::Other(Name::from("macvlan"));
    assert_eq!(observed(Attributes(&info)), other);
}
