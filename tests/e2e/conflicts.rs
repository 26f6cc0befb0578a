//! Hosts of the LAN that have addresses of a pool (`ipam.conflictProbe`).

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    kernel,
    manifest::with,
    pod::{self, text},
    wait::until,
};
use serde_json::{Value, json};

use crate::cluster;

/// A network of a few addresses, .20 to .22 of each family, that are probed.
fn probed(case: &Case<'_>) -> Result<String> {
    let range = |host: &dyn Fn(u8) -> String| json!([{"from": host(20), "to": host(22)}]);
    let subnets = json!([
        {"cidr": format!("{}/24", case.ipv4(0)), "ranges": range(&|host| case.ipv4(host))},
        {"cidr": format!("{}/64", case.ipv6(0)), "ranges": range(&|host| case.ipv6(host))},
    ]);
    let spec = with(case.spec("eth1"), "/ipam/subnets", subnets);
    let spec = with(spec, "/ipam/conflictProbe", json!(true));
    case.ready_network("MacvlanNetwork", "net", &spec)
}

fn foreign(network: &str) -> Result<[u64; 2]> {
    let object = cluster().get(&["mvn", network])?;
    let count = |family: &str| {
        let pointer = format!("/status/addresses/{family}/foreign");
        object
            .pointer(&pointer)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    Ok([count("ipv4"), count("ipv6")])
}

/// The hardware address of the host on the LAN.
fn lan_mac() -> Result<String> {
    let links = cluster().on_node("lan", &["ip", "-j", "link", "show", "eth0"])?;
    let links: Vec<Value> = serde_json::from_str(&links).context("ip -j link")?;
    let link = links.first().context("the LAN host has no eth0")?;
    Ok(text(link, "/address").to_owned())
}

#[test]
fn a_pod_leaves_an_address_to_the_host_that_has_it() -> Result<()> {
    case::run(cluster(), "conflicts", |case| {
        // Both families: the first addresses of both ranges are that host's.
        case.lan_host_with(20)?;
        let network = probed(case)?;
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        case.pod("one", node, &network)?;
        case.ready(&["one"])?;
        let interface = kernel::one(cluster(), &case.namespace, "one", "net1")?;
        let got = interface.ipv4()?.to_string();
        ensure!(got == case.ipv4(21), "{got}");
        kernel::reaches(
            cluster(),
            &case.namespace,
            "one",
            "net1",
            &[case.ipv4(20).parse()?],
        )?;
        until("the network counts what it leaves alone", 20, || {
            let counts = foreign(&network)?;
            ensure!(counts == [1, 1], "{counts:?}");
            Ok(())
        })?;
        let mac = lan_mac()?;
        for address in [case.ipv4(20), case.ipv6(20)] {
            let says = format!(
                "address {address} is used by a host of the LAN with hardware address {mac}"
            );
            pod::event(cluster(), &case.namespace, "one", "AddressConflict", &says)?;
        }
        until("the network has the Event too", 20, || {
            let of = format!("involvedObject.name={network},reason=AddressConflict");
            let events = cluster().items(&["events", "-A", "--field-selector", &of])?;
            ensure!(!events.is_empty(), "no Event of {network}");
            Ok(())
        })
    })
}

#[test]
fn who_requests_an_address_of_another_host_is_told_who_has_it() -> Result<()> {
    case::run(cluster(), "requested-foreign", |case| {
        case.lan_host_with(21)?;
        let network = probed(case)?;
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let request = json!([{"name": network, "ips": [case.ipv4(21)]}]).to_string();
        case.pod("one", node, &request)?;
        let mac = lan_mac()?;
        let says = format!(
            "address {} of network {network} is used by a host of the LAN with hardware address {mac}",
            case.ipv4(21)
        );
        pod::event(cluster(), &case.namespace, "one", "AddressConflict", &says)?;
        pod::not_ready(cluster(), &case.namespace, "one")
    })
}

#[test]
fn a_gateway_that_does_not_answer_is_a_condition_and_keeps_no_pod_from_starting() -> Result<()> {
    case::run(cluster(), "silent-gateway", |case| {
        let subnets = json!([{
            "cidr": format!("{}/24", case.ipv4(0)),
            "gateway": case.ipv4(1),
        }]);
        let spec = with(case.spec("eth1"), "/ipam/subnets", subnets);
        let spec = with(spec, "/ipam/conflictProbe", json!(true));
        let network = case.ready_network("MacvlanNetwork", "net", &spec)?;
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        case.pod("one", node, &network)?;
        case.ready(&["one"])?;
        let silent = || -> Result<Option<String>> {
            let object = cluster().get(&["lfn", node])?;
            let condition = pod::condition(&object, "GatewaySilent");
            Ok(condition.map(|(_, _, message)| message.to_owned()))
        };
        until("the node says that the gateway is silent", 20, || {
            let message = silent()?.context("no condition GatewaySilent")?;
            ensure!(message.contains(&case.ipv4(1)), "{message}");
            Ok(())
        })?;
        case.lan_host()?;
        until("the gateway has been heard", 60, || {
            let message = silent()?.unwrap_or_default();
            ensure!(!message.contains(&case.ipv4(1)), "{message}");
            Ok(())
        })
    })
}
