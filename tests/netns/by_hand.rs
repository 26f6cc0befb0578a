//! The commands of docs/by-hand.md, and those that `landfall explain` prints, run as they stand there.
//!
//! Each block has a machine of its own: a network namespace with the NIC eth0, and a mount namespace, so
//! that the namespaces which a block makes are not seen by anybody else and end with it.

use std::{
    fs,
    process::{Command, Output},
};

use landfall_plugin::import::explain;
use landfall_tests::tree::tree;

use crate::rig::Namespace;

/// The LAN's host has the address of every gateway in the page.
const GATEWAYS: [&str; 5] = [
    "20.1.1.1/24",
    "172.16.86.1/24",
    "192.168.32.254/24",
    "10.20.0.1/24",
    "fd00:20::1/64",
];

/// A block of the page.
struct Block {
    /// `any kernel`, or what it needs beside.
    needs: String,
    commands: String,
}

/// A machine whose eth0 is on a LAN with one host.
struct Machine {
    host: Namespace,
    _lan: Namespace,
}

impl Machine {
    fn new() -> Self {
        let (host, lan) = (Namespace::new("host"), Namespace::new("lan"));
        let peer = ["peer", "name", "eth0", "netns", &host.name];
        lan.ip(&[&["link", "add", "lan0", "type", "veth"], &peer[..]].concat());
        host.ip(&["link", "set", "eth0", "up"]);
        lan.ip(&["link", "set", "lan0", "up"]);
        for gateway in GATEWAYS {
            let nodad = gateway.contains(':').then_some("nodad");
            let add = ["addr", "add", gateway, "dev", "lan0"];
            lan.ip(&[&add[..], nodad.as_slice()].concat());
        }
        Self { host, _lan: lan }
    }

    /// Runs a script up to its first failure.
    fn run(&self, script: &str) -> Output {
        let prepare = "mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns";
        // `! ping` must fail too, which -e passes over.
        let lines = script.lines().map(|line| match line.strip_prefix("! ") {
            Some(command) => format!(
                "if {}; then echo must fail: {command:?}; exit 1; fi\n",
                command.split('#').next().unwrap()
            ),
            None => format!("{line}\n"),
        });
        let script: String = lines.collect();
        Command::new("nsenter")
            .arg(format!("--net={}", self.host.path().display()))
            .args([
                "unshare",
                "--mount",
                "sh",
                "-euxc",
                &format!("{prepare}\n{script}"),
            ])
            .output()
            .unwrap()
    }
}

fn page() -> String {
    fs::read_to_string(tree("docs/by-hand.md")).unwrap()
}

/// The text of each block behind `<!-- KEY: VALUE -->`, with its value.
fn marked(page: &str, key: &str) -> Vec<(String, String)> {
    let mark = format!("<!-- {key}: ");
    let parts = page.split(&mark).skip(1);
    let block = |part: &str| {
        let (value, rest) = part.split_once(" -->\n```").unwrap();
        let (_, rest) = rest.split_once('\n').unwrap();
        let text = rest.split("```").next().unwrap();
        (value.to_owned(), text.to_owned())
    };
    parts.map(block).collect()
}

fn blocks() -> Vec<Block> {
    let marked = marked(&page(), "run").into_iter();
    let blocks: Vec<Block> = marked
        .map(|(needs, commands)| Block { needs, commands })
        .collect();
    assert!(blocks.len() >= 10, "the page has lost blocks");
    blocks
}

fn succeeds(output: &Output, script: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{script}\n{out}\n{said}");
}

/// Whether a block's kernel parts are there, by making one.
fn kernel_has(needs: &str) -> bool {
    let link = match needs {
        "any kernel" => return true,
        "8021q" => "type vlan id 5",
        "ipvlan" => "type ipvlan mode l2",
        other => panic!("docs/by-hand.md: no such need: {other}"),
    };
    let script = format!("ip link add link eth0 name probe {link}");
    Machine::new().run(&script).status.success()
}

#[test]
fn every_block_of_the_page_that_any_kernel_can_run_does_what_it_says() {
    for block in blocks().iter().filter(|b| b.needs == "any kernel") {
        succeeds(&Machine::new().run(&block.commands), &block.commands);
    }
}

/// They run where the kernel has what they need, as that of a UML node does. Elsewhere only that they need
/// it is seen: the page must not ask for more than it says.
#[test]
fn a_block_that_needs_more_runs_where_the_kernel_has_it_and_fails_elsewhere() {
    for block in blocks().iter().filter(|b| b.needs != "any kernel") {
        let output = Machine::new().run(&block.commands);
        if kernel_has(&block.needs) {
            succeeds(&output, &block.commands);
        } else {
            assert!(
                !output.status.success(),
                "it does not need {}:\n{}",
                block.needs,
                block.commands
            );
        }
    }
}

#[test]
fn what_explain_prints_makes_the_link_that_the_configuration_means() {
    let folder = tree("cni-shim/plugin/tests/import");
    let text = fs::read_to_string(folder.join("rkt-macvlan.conf")).unwrap();
    let look = "ip -n pod -d link show net1; ip -n pod addr show net1
                ip netns exec pod ping -qc 1 -W 5 20.1.1.1";
    let script = format!("{}{look}", explain("20-lannet.conf", &text).unwrap());

    let output = Machine::new().run(&script);

    succeeds(&output, &script);
    let seen = String::from_utf8(output.stdout).unwrap();
    assert!(seen.contains("macvlan mode bridge"), "{seen}");
    assert!(seen.contains("inet 20.1.1.2/24 brd 20.1.1.255"), "{seen}");
}

/// The page shows files that other tests keep true.
#[test]
fn the_page_shows_what_import_reads_and_prints() {
    let folder = tree("cni-shim/plugin/tests/import");
    for key in ["input", "output"] {
        for (name, shown) in marked(&page(), key) {
            let kept = fs::read_to_string(folder.join(&name)).unwrap();
            if shown == kept {
                continue;
            }
            assert!(
                std::env::var_os("LANDFALL_WRITE_DOCS").is_some(),
                "docs/by-hand.md is stale: {name}\n{kept}"
            );
            let mark = format!("<!-- {key}: {name} -->\n```");
            let page = page();
            let (before, rest) = page.split_once(&mark).unwrap();
            let (language, rest) = rest.split_once('\n').unwrap();
            let (_, after) = rest.split_once("```").unwrap();
            fs::write(
                tree("docs/by-hand.md"),
                format!("{before}{mark}{language}\n{kept}```{after}"),
            )
            .unwrap();
        }
    }
}
