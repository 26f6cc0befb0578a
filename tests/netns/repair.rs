//! Planning on what is there: idempotence, repair, CHECK.

use landfall_core::link::{Difference, Link, check, plan_attach};
use landfall_link::observe;

use crate::rig::{Namespace, Rig, route};

/// What is not as wanted.
fn missed(pod: &Namespace, link: &Link) -> Vec<Difference> {
    let observed = observe(&pod.open(), link).unwrap();
    check(link, observed.as_ref())
}

#[test]
fn a_plan_on_a_finished_link_is_empty() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    link.routes = vec![
        route("0.0.0.0/0", Some("10.9.0.1"), None),
        route("::/0", Some("fd00:9::1"), None),
    ];
    rig.attach(&pod, &link).unwrap();

    let observed = observe(&pod.open(), &link).unwrap();

    assert_eq!(plan_attach(&link, observed.as_ref()), Ok(Vec::new()));
    assert_eq!(missed(&pod, &link), Vec::new());
}

#[test]
fn attaching_twice_changes_nothing() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let link = rig.link("c1", 5);
    let first = rig.attach(&pod, &link).unwrap();
    let seen = || {
        let mut link = pod.link("net1");
        // The link-local address is the kernel's: it is tentative for some microseconds.
        link["addr_info"].as_array_mut().unwrap().truncate(2);
        link
    };
    let before = seen();

    let second = rig.attach(&pod, &link).unwrap();

    assert!(first.created && !second.created);
    assert_eq!(seen(), before);
}

#[test]
fn what_was_taken_away_is_missed_and_put_back() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    link.device.mtu = Some(1400);
    link.routes = vec![route("10.30.0.0/16", Some("10.9.0.1"), None)];
    rig.attach(&pod, &link).unwrap();
    pod.ip(&["addr", "del", "10.9.0.5/24", "dev", "net1"]);
    pod.ip(&["link", "set", "net1", "mtu", "1300"]);
    pod.ip(&["link", "set", "net1", "down"]);

    let missed = missed(&pod, &link);
    let made = rig.attach(&pod, &link).unwrap();

    assert!(missed.contains(&Difference::Down), "{missed:?}");
    assert!(
        missed.contains(&Difference::Address("10.9.0.5/24".parse().unwrap())),
        "{missed:?}"
    );
    assert!(
        missed.contains(&Difference::Mtu {
            wanted: 1400,
            found: 1300
        }),
        "{missed:?}"
    );
    assert!(
        missed.contains(&Difference::Route(link.routes[0].clone())),
        "{missed:?}"
    );
    assert!(!made.created);
    assert!(pod.pings("10.9.0.1"));
}

#[test]
fn what_others_added_is_no_difference() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let link = rig.link("c1", 5);
    rig.attach(&pod, &link).unwrap();
    pod.ip(&["addr", "add", "192.0.2.7/24", "dev", "net1"]);
    pod.ip(&["route", "add", "198.51.100.0/24", "dev", "net1"]);

    assert_eq!(missed(&pod, &link), Vec::new());
}

#[test]
fn a_repair_that_fails_takes_back_only_what_it_did() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut link = rig.link("c1", 5);
    rig.attach(&pod, &link).unwrap();
    link.addresses.push("10.8.0.5/24".parse().unwrap());
    link.routes = vec![route("10.30.0.0/16", Some("10.9.0.255"), None)];

    rig.attach(&pod, &link).unwrap_err();

    let seen = pod.link("net1").to_string();
    assert!(
        seen.contains("10.9.0.5") && !seen.contains("10.8.0.5"),
        "{seen}"
    );
    assert!(pod.pings("10.9.0.1"));
}

#[test]
fn a_link_that_was_removed_is_missing() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let link = rig.link("c1", 5);
    rig.attach(&pod, &link).unwrap();
    rig.node.ip(&["link", "del", "eth1"]);

    assert_eq!(missed(&pod, &link), [Difference::Missing]);
}
