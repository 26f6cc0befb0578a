//! The pod's default route moves to our link, and comes back if the attach fails.

use std::thread;

use crate::rig::{Namespace, Rig, rename, route, sentence};

/// A pod with eth0 and default routes through it, as a primary network leaves it.
fn pod(family: &[&str]) -> Namespace {
    let pod = Namespace::new("pod");
    pod.ip(&[
        "link", "add", "eth0", "type", "veth", "peer", "name", "host0",
    ]);
    pod.ip(&["link", "set", "host0", "up"]);
    pod.ip(&["link", "set", "eth0", "up"]);
    pod.ip(&["addr", "add", "10.244.0.5/24", "dev", "eth0"]);
    pod.ip(&["addr", "add", "fd00:244::5/64", "dev", "eth0", "nodad"]);
    for gateway in family {
        pod.ip(&["route", "add", "default", "via", gateway, "dev", "eth0"]);
    }
    pod
}

fn defaults(pod: &Namespace) -> Vec<String> {
    let mut lines = Vec::new();
    for family in ["-4", "-6"] {
        let text = pod.ip(&[family, "route", "show", "default"]);
        lines.extend(text.lines().map(|line| line.trim().to_owned()));
    }
    lines
}

const BOTH: [&str; 2] = ["10.244.0.1", "fd00:244::1"];

#[test]
fn both_families_move_from_eth0() {
    let rig = Rig::new();
    let pod = pod(&BOTH);
    // A route of another program that needs no gateway.
    pod.ip(&["route", "add", "10.96.0.0/12", "via", "10.244.0.1"]);
    let mut link = rig.link("c1", 5);
    link.routes = vec![
        route("0.0.0.0/0", Some("10.9.0.1"), None),
        route("::/0", Some("fd00:9::1"), None),
    ];
    rig.attach(&pod, &link).unwrap();
    let found = defaults(&pod);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found.iter().all(|line| line.contains("dev net1")),
        "{found:?}"
    );
    assert!(
        pod.ip(&["route"])
            .contains("10.96.0.0/12 via 10.244.0.1 dev eth0")
    );
    rig.attach(&pod, &link).unwrap();
    assert_eq!(defaults(&pod), found);
}

#[test]
fn a_family_that_we_do_not_serve_stays() {
    let rig = Rig::new();
    let pod = pod(&BOTH);
    let mut link = rig.link("c1", 5);
    link.routes = vec![route("0.0.0.0/0", Some("10.9.0.1"), Some(50))];
    rig.attach(&pod, &link).unwrap();
    let found = defaults(&pod);
    assert!(
        found[0].contains("dev net1") && found[1].contains("dev eth0"),
        "{found:?}"
    );
    assert_eq!(found.len(), 2);
}

#[test]
fn a_route_that_is_not_wanted_takes_none_away() {
    let rig = Rig::new();
    let pod = pod(&BOTH);
    let before = defaults(&pod);
    rig.attach(&pod, &rig.link("c1", 5)).unwrap();
    assert_eq!(defaults(&pod), before);
}

#[test]
fn an_attach_that_fails_gives_it_back() {
    let rig = Rig::new();
    let pod = pod(&BOTH);
    let before = defaults(&pod);
    let mut link = rig.link("c1", 5);
    link.routes = vec![
        route("0.0.0.0/0", Some("10.9.0.1"), None),
        route("::/0", Some("fd00:9::1"), None),
        route("10.30.0.0/16", Some("10.9.0.255"), None),
    ];
    let error = rig.attach(&pod, &link).unwrap_err();
    assert!(error.undo_failures.is_empty(), "{}", sentence(&error));
    let after: Vec<String> = defaults(&pod).iter().map(|line| plain(line)).collect();
    let before: Vec<String> = before.iter().map(|line| plain(line)).collect();
    assert_eq!(after, before);
}

/// Without who made it, which is us now.
fn plain(line: &str) -> String {
    line.replace(" proto static", "")
        .replace(" onlink", "")
        .replace("  ", " ")
}

#[test]
fn two_networks_must_differ_in_their_metric() {
    let rig = Rig::new();
    let pod = pod(&BOTH[..1]);
    let mut first = rig.link("c1", 5);
    first.routes = vec![route("0.0.0.0/0", Some("10.9.0.1"), None)];
    rig.attach(&pod, &first).unwrap();
    let mut second = rig.link("c1", 6);
    rename(&mut second, "net2");
    second.device.index += 1;
    second.routes = first.routes;
    let error = rig.attach(&pod, &second).unwrap_err();
    assert!(
        sentence(&error).contains("choose another"),
        "{}",
        sentence(&error)
    );
    second.routes[0].metric = Some(200);
    rig.attach(&pod, &second).unwrap();
    assert_eq!(defaults(&pod).len(), 2);
}

#[test]
fn two_attaches_at_once_take_eth0s_away_together() {
    for round in 0..10 {
        let rig = Rig::new();
        let pod = pod(&BOTH);
        let links = [(5, 100), (6, 200)].map(|(host, metric)| {
            let mut link = rig.link("c1", host);
            rename(&mut link, &format!("net{host}"));
            link.device.index += u32::from(host);
            link.routes = vec![route("0.0.0.0/0", Some("10.9.0.1"), Some(metric))];
            link
        });
        thread::scope(|scope| {
            for link in &links {
                scope.spawn(|| rig.attach(&pod, link).unwrap());
            }
        });
        let found = pod.ip(&["-4", "route", "show", "default"]);
        assert!(!found.contains("eth0"), "{round}: {found}");
    }
}
