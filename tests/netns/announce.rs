//! What the LAN hears.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use landfall_link::announce;

use crate::rig::{Namespace, Rig, eventually};

/// tcpdump on the LAN's side; killed with this.
struct Capture {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
    heard: Vec<String>,
}

impl Capture {
    fn start(rig: &Rig) -> Self {
        let mut child = Command::new("ip")
            .args(["netns", "exec", &rig.lan.name, "tcpdump", "-lnei", "lan0"])
            .args(["arp or icmp6"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It says so on stderr when it listens.
        let mut ready = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(ready.any(|line| line.unwrap().contains("listening on")));
        let (sender, lines) = std::sync::mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                drop(sender.send(line));
            }
        });
        Self {
            child,
            lines,
            heard: Vec::new(),
        }
    }

    fn hears(&mut self, texts: &[&str]) -> bool {
        self.heard.extend(self.lines.try_iter());
        let has_all = |line: &String| texts.iter().all(|text| line.contains(text));
        self.heard.iter().any(has_all)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
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
    let mut capture = Capture::start(&rig);

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
    let mut capture = Capture::start(&rig);

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
    assert!(!capture.hears(&["bad"]), "{:?}", capture.heard);
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
