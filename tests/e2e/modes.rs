//! Every mode and flag of ipvlan, through the API, on two nodes.
//!
//! Mode and flag belong to the parent, so each pair has a VLAN of its own on both nodes. Three pods have
//! all nine interfaces: two of them on one node.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case::{self, Case},
    kernel,
    manifest::with,
    node::Undo,
    pod::text,
};
use serde_json::{Value, json};

use crate::cluster;

/// The least VLAN id of this test; each way has one more.
const FIRST_VLAN: u16 = 3001;
/// The subnet of a way has so many addresses.
const ADDRESSES: u8 = 16;

/// A mode and a flag, with a parent of their own.
struct Way {
    number: u8,
    mode: &'static str,
    flag: &'static str,
}

fn ways() -> Vec<Way> {
    let modes = ["l2", "l3", "l3s"];
    let flags = ["bridge", "private", "vepa"];
    let pairs = modes
        .into_iter()
        .flat_map(|mode| flags.map(|flag| (mode, flag)));
    (1..)
        .zip(pairs)
        .map(|(number, (mode, flag))| Way { number, mode, flag })
        .collect()
}

// === impl Way ===

impl Way {
    fn name(&self) -> String {
        format!("{}-{}", self.mode, self.flag)
    }

    /// The parent, on both nodes.
    fn parent(&self) -> String {
        format!("lf-mode{}", self.number)
    }

    /// The interface in the pods: they ask for the ways in their order.
    fn interface(&self) -> String {
        format!("net{}", self.number)
    }

    fn vlan(&self) -> u16 {
        FIRST_VLAN + u16::from(self.number)
    }

    fn subnet(&self, case: &Case<'_>) -> String {
        format!("{}/28", case.ipv4(self.number * ADDRESSES))
    }

    /// The address of a node on the way's VLAN, by which the other node routes to its pods.
    fn transit(&self, node: u8) -> String {
        format!("100.64.{}.{}", self.number, node + 1)
    }

    fn spec(&self, case: &Case<'_>) -> Value {
        let spec = with(case.spec(&self.parent()), "/mode", json!(self.mode));
        let spec = with(spec, "/flag", json!(self.flag));
        let subnets = json!([{"cidr": self.subnet(case)}]);
        with(spec, "/ipam/subnets", subnets)
    }

    /// Whether a pod reaches another on the same node. In l3 a vepa packet goes out to the router, whoever
    /// that is.
    fn siblings(&self) -> Option<bool> {
        match (self.mode, self.flag) {
            (_, "bridge") => Some(true),
            (_, "private") | ("l2", _) => Some(false),
            _ => None,
        }
    }
}

/// The VLANs of a node, with routes to the pods of the other; gone with the answer.
fn vlans<'c>(case: &Case<'c>, own: u8, node: &str) -> Result<Undo<'c>> {
    let (mut make, mut remove) = (Vec::new(), Vec::new());
    for way in ways() {
        let (parent, vlan) = (way.parent(), way.vlan());
        let (here, there) = (way.transit(own), way.transit(1 - own));
        make.push(format!(
            "ip link add link eth2 name {parent} type vlan id {vlan}"
        ));
        make.push(format!("ip link set {parent} up"));
        make.push(format!("ip addr add {here}/24 dev {parent}"));
        if way.mode != "l2" {
            let subnet = way.subnet(case);
            make.push(format!("ip route add {subnet} via {there} dev {parent}"));
        }
        remove.push(format!("ip link del {parent} || :"));
    }
    Undo::after(case.cluster, node, &make.join("\n"), &remove.join("\n"))
}

#[test]
fn ipvlan_in_every_mode_and_with_every_flag_reaches_the_other_node() -> Result<()> {
    case::run(cluster(), "modes", |case| {
        let nodes = cluster().ipvlan_nodes()?;
        let _vlans = [vlans(case, 0, &nodes[0])?, vlans(case, 1, &nodes[1])?];
        let ways = ways();
        for way in &ways {
            case.network("IpvlanNetwork", &way.name(), &way.spec(case))?;
        }
        for way in &ways {
            case.ready_network("IpvlanNetwork", &way.name(), &way.spec(case))?;
        }
        let names: Vec<_> = ways.iter().map(|way| case.name(&way.name())).collect();
        let asked = names.join(", ");
        for (pod, node) in [("one", 0), ("sibling", 0), ("two", 1)] {
            case.pod(pod, &nodes[node], &asked)?;
        }
        case.ready(&["one", "sibling", "two"])?;
        for way in &ways {
            is_as_asked(case, way)?;
            let two = kernel::one(cluster(), &case.namespace, "two", &way.interface())?.ipv4()?;
            kernel::reaches(cluster(), &case.namespace, "one", &way.interface(), &[two])
                .with_context(|| way.name())?;
        }
        siblings_reach_each_other_as_the_flag_says(case, &ways)
    })
}

/// What the kernel shows of the link in pod `one`.
fn is_as_asked(case: &Case<'_>, way: &Way) -> Result<()> {
    let words = ["ip", "-j", "-d", "link", "show", &way.interface()];
    let output = cluster().in_pod(&case.namespace, "one", &words)?;
    let links: Vec<Value> = serde_json::from_slice(&output.stdout).context("ip -j -d link")?;
    let link = links.first().context("no link")?;
    let data = |name: &str| text(link, &format!("/linkinfo/info_data/{name}")).to_owned();
    ensure!(text(link, "/linkinfo/info_kind") == "ipvlan", "{link}");
    ensure!(data("mode") == way.mode, "{}: {link}", way.name());
    // ip(8) writes the flag as a key of its own, or as a word.
    let told = link.pointer("/linkinfo/info_data").map(Value::to_string);
    let told = told.unwrap_or_default();
    ensure!(told.contains(way.flag), "{}: {link}", way.name());
    Ok(())
}

fn siblings_reach_each_other_as_the_flag_says(case: &Case<'_>, ways: &[Way]) -> Result<()> {
    let mut words = vec!["sh".to_owned(), "-c".to_owned()];
    // All at once: those that get no answer take a second each.
    words.push(
        "while [ $# -gt 0 ]; do (ping -n -c2 -i0.3 -W1 -I $1 $2 >/dev/null 2>&1 && echo $1) & shift 2; \
         done; wait"
            .to_owned(),
    );
    words.push("sh".to_owned());
    for way in ways {
        let sibling = kernel::one(cluster(), &case.namespace, "sibling", &way.interface())?;
        let address: IpAddr = sibling.ipv4()?;
        words.extend([way.interface(), address.to_string()]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = cluster().in_pod(&case.namespace, "one", &words)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let answered: Vec<&str> = said.lines().collect();
    for way in ways {
        let reached = answered.contains(&way.interface().as_str());
        let expected = way.siblings().unwrap_or(reached);
        ensure!(reached == expected, "{}: {answered:?}", way.name());
    }
    Ok(())
}
