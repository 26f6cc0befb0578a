//! What the LAN hears.

use landfall_link::announce;
use landfall_tests::capture::Capture;

use crate::rig::{Namespace, Rig, eventually};

fn listen(rig: &Rig) -> Capture {
    Capture::start(&rig.lan.name, "lan0", "arp or icmp6").unwrap()
}

const ARP: [&str; 3] = [
    "0a:58:0a:09:00:05 > ff:ff:ff:ff:ff:ff",
    "Request who-has 10.9.0.5",
    "tell 10.9.0.5",
];
const NA: [&str; 3] = [
    "0a:58:0a:09:00:05 > 33:33:00:00:00:01",
    "neighbor advertisement",
    "tgt is fd00:9::5",
];

#[test]
fn an_attach_announces_both_families() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let mut capture = listen(&rig);

    rig.attach(&pod, &rig.link("c1", 5)).unwrap();

    eventually("an ARP announcement", || capture.hears(&ARP));
    eventually("a neighbour advertisement", || capture.hears(&NA));
}

#[test]
fn an_announcement_can_be_repeated() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let link = rig.link("c1", 5);
    rig.attach(&pod, &link).unwrap();
    let mut capture = listen(&rig);

    let addresses: Vec<_> = link.addresses.iter().map(ipnet::IpNet::addr).collect();
    announce(
        &pod.open(),
        link.device.index,
        link.device.mac.unwrap(),
        &addresses,
    )
    .unwrap();

    eventually("an ARP announcement", || capture.hears(&ARP));
    eventually("a neighbour advertisement", || capture.hears(&NA));
    // tcpdump checks the checksum where it prints one.
    assert!(!capture.hears(&["bad"]), "{capture:?}");
}

#[test]
fn the_lan_learns_the_new_place_of_an_address_that_moves() {
    let rig = Rig::new();
    let (one, two) = (Namespace::new("pod"), Namespace::new("pod"));
    let link = rig.link("c1", 5);
    rig.attach(&one, &link).unwrap();
    assert!(rig.lan.pings("10.9.0.5") && rig.lan.pings("fd00:9::5"));
    landfall_link::detach(&one.open(), &link.device).unwrap();
    let mut moved = link;
    moved.device.mac = Some(landfall_core::mac::Mac([2, 0, 0, 0, 0, 7]));

    rig.attach(&two, &moved).unwrap();

    for address in ["10.9.0.5", "fd00:9::5"] {
        eventually("the neighbour's new MAC", || {
            let neighbors = rig.lan.ip(&["neigh", "show", address]);
            neighbors.contains("lladdr 02:00:00:00:00:07")
        });
    }
}
