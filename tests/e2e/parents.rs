//! What becomes of pods when their network's parent goes, comes back, or changes.
//!
//! The parent is one end of a cable on a node; the other end, with the gateway's address, is the LAN.

use anyhow::{Context, Result, bail, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    kernel::{self, Interface},
    manifest::with,
    node::sh,
    pod::condition,
    truth::Truth,
    wait::until,
};
use serde_json::{Value, json};

use crate::cluster;

/// Seconds from a change of the parent until it is everywhere: in the pods, and in the network's status.
const SEEN: u64 = 20;

/// A cable whose first end is the parent.
struct Cable<'n> {
    node: &'n str,
    /// `lfp1` and `lfl1`: the parent, and its LAN.
    number: u8,
}

impl<'n> Cable<'n> {
    fn plug(case: &Case<'_>, node: &'n str, number: u8) -> Result<Self> {
        let cable = Self { node, number };
        cable.again(case)?;
        Ok(cable)
    }

    /// Both ends are new interfaces, as of a NIC that is plugged in again.
    fn again(&self, case: &Case<'_>) -> Result<()> {
        const PLUG: &str = r#"
            ip link add "$1" type veth peer name "$2"
            ip addr add "$3" dev "$2"
            ip addr add "$4" dev "$2" nodad
            ip link set "$2" up
            ip link set "$1" up"#;
        let gateways = [
            format!("{}/24", case.ipv4(1)),
            format!("{}/64", case.ipv6(1)),
        ];
        let [ipv4, ipv6] = &gateways;
        self.sh(PLUG, &[&self.parent(), &self.lan(), ipv4, ipv6])?;
        Ok(())
    }

    fn parent(&self) -> String {
        format!("lfp{}", self.number)
    }

    fn lan(&self) -> String {
        format!("lfl{}", self.number)
    }

    fn sh(&self, script: &str, arguments: &[&str]) -> Result<String> {
        sh(cluster(), self.node, script, arguments)
    }

    /// A network of this parent, ready.
    fn network(&self, case: &Case<'_>, change: (&str, Value)) -> Result<String> {
        let only = json!([{
            "interface": self.parent(),
            "nodeSelector": {"matchLabels": {"kubernetes.io/hostname": self.node}},
        }]);
        let spec = with(case.spec("eth1"), "/parents", only);
        let spec = with(spec, change.0, change.1);
        case.ready_network("MacvlanNetwork", "net", &spec)
    }
}

impl Drop for Cable<'_> {
    fn drop(&mut self) {
        // It may have gone already: that is what is tested.
        let remove = r#"ip link del "$1" 2>/dev/null || :"#;
        if let Err(error) = self.sh(remove, &[&self.parent()]) {
            eprintln!("a cable of {} stays: {error:#}", self.node);
        }
    }
}

/// Waits until a condition of a network has this status; its message.
fn says(network: &str, kind: &str, status: &str) -> Result<String> {
    until(&format!("{network} says {kind}={status}"), SEEN, || {
        let object = cluster().get(&["mvn", network])?;
        match condition(&object, kind) {
            Some((seen, _, message)) if seen == status => Ok(message.to_owned()),
            _ => bail!("{:?}", object.pointer("/status/conditions")),
        }
    })
}

fn interface(case: &Case<'_>) -> Result<Interface> {
    kernel::one(cluster(), &case.namespace, "one", "net1")
}

fn reaches_the_lan(case: &Case<'_>) -> Result<()> {
    let lan = [case.ipv4(1).parse()?, case.ipv6(1).parse()?];
    kernel::reaches(cluster(), &case.namespace, "one", "net1", &lan)
}

/// Waits until the pod's interface has this MTU.
fn has_mtu(case: &Case<'_>, mtu: u64) -> Result<()> {
    until(&format!("an MTU of {mtu}"), SEEN, || {
        let found = interface(case)?;
        ensure!(found.mtu == mtu, "{found:?}");
        Ok(())
    })
}

#[test]
fn a_parent_that_goes_and_returns_gives_a_running_pod_its_interface_back() -> Result<()> {
    case::run(cluster(), "returns", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let cable = Cable::plug(case, node, 1)?;
        let network = cable.network(case, ("/paused", Value::Null))?;
        case.pod("one", node, &network)?;
        case.ready(&["one"])?;
        let before = interface(case)?;
        reaches_the_lan(case)?;

        cable.sh(r#"ip link del "$1""#, &[&cable.parent()])?;
        let message = says(&network, "ParentsReady", "False")?;
        ensure!(message.contains(&cable.parent()), "{message}");
        let gone = interface(case).err().context("the kernel removed it")?;
        println!("{gone:#}");

        cable.again(case)?;
        says(&network, "ParentsReady", "True")?;
        let after = until("the interface is back", SEEN, || interface(case))?;
        ensure!(after == before, "{before:?} became {after:?}");
        until("it works", SEEN, || reaches_the_lan(case))?;
        Truth::of(case).no_duplicates()?;
        case.delete_pod("one")?;
        Truth::of(case).nothing_held_at_rest()
    })
}

#[test]
fn an_interface_follows_the_mtu_of_its_parent_up_and_down() -> Result<()> {
    case::run(cluster(), "mtu", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let cable = Cable::plug(case, node, 2)?;
        let network = cable.network(case, ("/paused", Value::Null))?;
        case.pod("one", node, &network)?;
        case.ready(&["one"])?;
        for mtu in [1400_u64, 9000, 1500] {
            let script = r#"for end in "$1" "$2"; do ip link set "$end" mtu "$3"; done"#;
            let words = [&cable.parent(), &cable.lan(), &mtu.to_string()];
            cable.sh(script, &words.map(String::as_str))?;
            has_mtu(case, mtu)?;
        }
        Ok(())
    })
}

#[test]
fn an_mtu_of_its_own_comes_back_when_the_parent_can_carry_it_again() -> Result<()> {
    case::run(cluster(), "own-mtu", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let cable = Cable::plug(case, node, 3)?;
        let network = cable.network(case, ("/mtu", json!(1450)))?;
        case.pod("one", node, &network)?;
        case.ready(&["one"])?;
        has_mtu(case, 1450)?;
        for (parents, own) in [(1400_u64, 1400), (9000, 1450)] {
            let script = r#"ip link set "$1" mtu "$2""#;
            cable.sh(script, &[&cable.parent(), &parents.to_string()])?;
            has_mtu(case, own)?;
        }
        Ok(())
    })
}

/// Shorter than any look of ours: the carrier is gone for a few milliseconds.
#[test]
fn a_carrier_that_was_gone_for_a_moment_is_told_to_the_lan() -> Result<()> {
    /// Every interface is listened to: one that is set down ends a capture of its own.
    const FLAP: &str = r#"
        heard=$(mktemp)
        timeout 12 tcpdump -lnei any arp > "$heard" 2>/dev/null &
        sleep 2
        # The gateway is to be there afterwards.
        sysctl -qw "net.ipv6.conf.$1.keep_addr_on_down=1"
        ip link set "$1" down
        ip link set "$1" up
        wait || :
        grep "$1 .*who-has $2 tell $2" "$heard" || :
        rm "$heard""#;
    case::run(cluster(), "flap", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let cable = Cable::plug(case, node, 4)?;
        let network = cable.network(case, ("/paused", Value::Null))?;
        case.pod("one", node, &network)?;
        case.ready(&["one"])?;
        let own = interface(case)?.ipv4()?.to_string();
        // The announcements of the attach are over by then.
        std::thread::sleep(std::time::Duration::from_secs(4));
        let heard = cable.sh(FLAP, &[&cable.lan(), &own])?;
        println!("{heard}");
        ensure!(heard.lines().count() >= 3, "three announcements: {heard:?}");
        reaches_the_lan(case)
    })
}
