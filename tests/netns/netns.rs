//! Namespaces and what is in them.

use std::time::Duration;

use landfall_link::{Cookie, Event, Monitor, Netns, devices};

use crate::rig::{Namespace, Rig, eventually, sentence};

#[test]
fn a_cookie_names_one_namespace() {
    let (one, two) = (Namespace::new("pod"), Namespace::new("pod"));

    let cookie = one.open().cookie().unwrap();

    assert_eq!(one.open().cookie().unwrap(), cookie);
    assert_ne!(two.open().cookie().unwrap(), cookie);
    assert_ne!(Cookie::own().unwrap(), cookie);
}

#[test]
fn a_visit_leaves_the_caller_where_it_was() {
    let before = Cookie::own().unwrap();
    let pod = Namespace::new("pod");

    let inside = pod.open().enter(|_| Cookie::own().unwrap()).unwrap();

    assert_eq!(inside, pod.open().cookie().unwrap());
    assert_eq!(Cookie::own().unwrap(), before);
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let error = Netns::open("/run/netns/lfn-none".as_ref()).unwrap_err();

    assert_eq!(
        sentence(&error),
        "cannot open the network namespace /run/netns/lfn-none: No such file or directory (os error 2)"
    );
}

#[test]
fn the_sweep_sees_links_whoever_made_them() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    rig.attach(&pod, &rig.link("c1", 5)).unwrap();
    pod.ip(&["link", "add", "br0", "type", "bridge"]);

    let found = devices(&pod.open()).unwrap();

    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].name.as_str(), "net1");
    assert_eq!(found[0].parent, Some(rig.parent()));
    let addresses: Vec<_> = found[0]
        .addresses
        .iter()
        .map(|a| a.address.to_string())
        .collect();
    assert!(
        addresses.contains(&"10.9.0.5/24".to_owned()),
        "{addresses:?}"
    );
}

#[test]
fn a_monitor_tells_of_a_carrier_that_returns() {
    let rig = Rig::new();
    let mut monitor = rig.node.open().enter(|_| Monitor::open()).unwrap().unwrap();
    let mut tells = |carrier: bool| {
        let event = monitor.next(Duration::from_millis(20)).unwrap();
        matches!(event, Some(Event::Changed(link)) if link.carrier == carrier)
    };

    rig.lan.ip(&["link", "set", "lan0", "down"]);
    eventually("the loss of the carrier", || tells(false));
    rig.lan.ip(&["link", "set", "lan0", "up"]);
    eventually("its return", || tells(true));
}
