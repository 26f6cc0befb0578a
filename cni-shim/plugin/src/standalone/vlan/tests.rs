//! VLANs by name, tag and mark.

use landfall_core::{link::ObservedDriver, network::VlanProtocol};

use super::*;

fn vlan(name: Option<&str>) -> Vlan {
    Vlan {
        id: 70,
        name: name.map(Name::from),
        protocol: VlanProtocol::Customer,
    }
}

/// eth1, with index 3.
fn wanted(name: Option<&str>) -> VlanLink {
    super::wanted(&vlan(name), (&Name::from("eth1"), 3))
}

fn link(index: u32, name: &str) -> Parent {
    Parent {
        driver: ObservedDriver::Other(Name::from("vlan")),
        below: Some(3),
        tag: Some(wanted(None).tag),
        ..Parent::sketch(index, name)
    }
}

#[test]
fn a_vlan_is_called_as_docker_calls_it_unless_it_has_a_name() {
    assert_eq!(wanted(None).name, Name::from("eth1.70"));
    assert_eq!(wanted(Some("storage")).name, Name::from("storage"));
    assert_eq!(wanted(None).alias, "landfall:standalone");
    // Not one of the agent's, which removes those that its networks don't need.
    assert!(!landfall_link::is_vlan_alias(&wanted(None).alias));
}

#[test]
fn a_link_of_the_parent_with_the_tag_is_the_vlan_whatever_it_is_called() {
    assert!(is(&link(9, "eth1.70"), &wanted(None)));
    assert!(is(&link(9, "storage"), &wanted(None)));
    let other_tag = Parent {
        tag: None,
        ..link(9, "eth1.70")
    };
    assert!(!is(&other_tag, &wanted(None)));
    let other_parent = Parent {
        below: Some(4),
        ..link(9, "eth1.70")
    };
    assert!(!is(&other_parent, &wanted(None)));
}

#[test]
fn a_vlan_with_an_address_or_a_link_on_top_or_in_a_bridge_is_used() {
    let plain = link(9, "eth1.70");
    let mut own = plain.clone();
    own.addresses = vec!["fe80::1/64".parse().unwrap()];
    assert!(!own.is_used(std::slice::from_ref(&own)));
    own.addresses.push("10.0.0.1/24".parse().unwrap());
    assert!(own.is_used(std::slice::from_ref(&own)));
    let port = Parent {
        port_of: Some(5),
        ..plain.clone()
    };
    assert!(port.is_used(&[]));
    let on_top = Parent {
        below: Some(9),
        ..link(10, "eth1.70.5")
    };
    assert!(plain.is_used(&[on_top]));
}
