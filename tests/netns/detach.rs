//! What a detach leaves.

use landfall_link::{Detached, detach, devices};

use crate::rig::{Namespace, Rig};

#[test]
fn the_link_is_gone_when_detach_returns() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let link = rig.link("c1", 5);
    let netns = pod.open();
    for _ in 0..10 {
        rig.attach(&pod, &link).unwrap();

        let detached = detach(&netns, &link.device).unwrap();

        // Before ip(8) could be started, the link would be gone anyway.
        assert_eq!(devices(&netns).unwrap(), []);
        assert_eq!(detached, Detached::Removed);
        assert!(pod.link("net1").is_null());
    }
}

#[test]
fn its_name_index_mac_and_address_can_be_used_at_once() {
    let rig = Rig::new();
    let (one, two) = (Namespace::new("pod"), Namespace::new("pod"));
    let link = rig.link("c1", 5);
    rig.attach(&one, &link).unwrap();
    for pod in [&one, &two, &one] {
        detach(&one.open(), &link.device).unwrap();
        detach(&two.open(), &link.device).unwrap();

        rig.attach(pod, &link).unwrap();

        assert!(pod.pings("10.9.0.1"));
    }
}

#[test]
fn detaching_twice_finds_nothing() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let link = rig.link("c1", 5);
    rig.attach(&pod, &link).unwrap();
    detach(&pod.open(), &link.device).unwrap();

    assert_eq!(detach(&pod.open(), &link.device).unwrap(), Detached::Absent);
}

#[test]
fn a_link_that_the_pod_renamed_is_found() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let link = rig.link("c1", 5);
    rig.attach(&pod, &link).unwrap();
    pod.ip(&["link", "set", "net1", "down"]);
    pod.ip(&["link", "set", "net1", "name", "mine"]);

    assert_eq!(
        detach(&pod.open(), &link.device).unwrap(),
        Detached::Removed
    );
    assert!(pod.link("mine").is_null());
}

#[test]
fn another_link_of_that_name_stays() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    pod.ip(&["link", "add", "net1", "type", "bridge"]);

    let detached = detach(&pod.open(), &rig.link("c1", 5).device).unwrap();

    assert!(matches!(detached, Detached::Foreign(_)), "{detached:?}");
    assert!(!pod.link("net1").is_null());
}

#[test]
fn a_renamed_link_is_found_behind_a_stranger_with_its_name() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let link = rig.link("c1", 5);
    rig.attach(&pod, &link).unwrap();
    pod.ip(&["link", "set", "net1", "down"]);
    pod.ip(&["link", "set", "net1", "name", "mine"]);
    pod.ip(&["link", "add", "net1", "type", "bridge"]);

    assert_eq!(
        detach(&pod.open(), &link.device).unwrap(),
        Detached::Removed
    );
    assert!(pod.link("mine").is_null());
    assert!(!pod.link("net1").is_null());
}

#[test]
fn a_link_whose_parent_is_gone_is_absent() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let link = rig.link("c1", 5);
    rig.attach(&pod, &link).unwrap();
    rig.node.ip(&["link", "del", "eth1"]);

    assert_eq!(detach(&pod.open(), &link.device).unwrap(), Detached::Absent);
}
