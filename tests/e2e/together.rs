//! Networks beside each other: macvlan and ipvlan on one LAN, two networks in one pod, and what pods
//! had before.

use anyhow::{Result, ensure};
use landfall_tests::{
    case,
    cluster::NodeKind,
    kernel,
    manifest::{self, with},
};
use serde_json::json;

use crate::cluster;

#[test]
fn a_macvlan_pod_and_an_ipvlan_pod_reach_each_other_on_one_lan() -> Result<()> {
    case::run(cluster(), "both", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let other = &cluster().ipvlan_nodes()?[1];
        let macvlan = case.part("eth1", 10, 99);
        let macvlan = case.ready_network("MacvlanNetwork", "mac", &macvlan)?;
        let ipvlan = case.part("eth2", 100, 199);
        let ipvlan = case.ready_network("IpvlanNetwork", "ip", &ipvlan)?;
        case.pod("mac", node, &macvlan)?;
        case.pod("ip", other, &ipvlan)?;
        case.ready(&["mac", "ip"])?;
        for (from, to) in [("mac", "ip"), ("ip", "mac")] {
            let interface = kernel::one(cluster(), &case.namespace, to, "net1")?;
            let both = [interface.ipv4()?, interface.ipv6()?];
            kernel::reaches(cluster(), &case.namespace, from, "net1", &both)?;
        }
        Ok(())
    })
}

#[test]
fn a_pod_has_several_networks_named_by_both_keys_and_its_own_names() -> Result<()> {
    case::run(cluster(), "several", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let half = |parent: &str, first: u8| {
            let subnet = json!([{"cidr": format!("{}/25", case.ipv4(first))}]);
            with(case.spec(parent), "/ipam/subnets", subnet)
        };
        let low = case.ready_network("MacvlanNetwork", "low", &half("eth1", 0))?;
        let high = case.ready_network("MacvlanNetwork", "high", &half("eth2", 128))?;
        let wish = json!([{"name": low, "interface": "lan0"}, {"name": low}]).to_string();
        for (pod, node) in [("one", &nodes[0]), ("two", &nodes[1])] {
            let pod = manifest::pod(&case.namespace, pod, node, &wish);
            let key = manifest::annotation("landfall.dev/networks");
            cluster().apply(&[with(pod, &key, json!(high))])?;
        }
        case.ready(&["one", "two"])?;
        let two = kernel::interfaces(cluster(), &case.namespace, "two")?;
        let names: Vec<_> = two
            .iter()
            .map(|interface| interface.name.as_str())
            .collect();
        ensure!(names.len() == 4, "{names:?}");
        for name in ["eth0", "lan0", "net2", "net3"] {
            ensure!(names.contains(&name), "{names:?}");
        }
        for interface in two.iter().filter(|interface| interface.name != "eth0") {
            let (name, address) = (interface.name.as_str(), interface.ipv4()?);
            kernel::reaches(cluster(), &case.namespace, "one", name, &[address])?;
        }
        Ok(())
    })
}

#[test]
fn exec_logs_and_cluster_addresses_work_beside_an_attachment() -> Result<()> {
    case::run(cluster(), "beside", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let namespace = &case.namespace;
        let command = "/spec/containers/0/command";
        let server = manifest::pod(namespace, "server", &nodes[0], &network);
        let httpd = json!(["httpd", "-f", "-v", "-p", "8080", "-h", "/etc"]);
        let server = with(server, command, httpd);
        let client = manifest::pod(namespace, "client", &nodes[1], &network);
        let client = with(
            client,
            command,
            json!(["sh", "-c", "echo started; exec sleep 86400"]),
        );
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"namespace": namespace, "name": "server"},
            "spec": {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": 8080}]},
        });
        cluster().apply(&[service, server, client])?;
        case.ready(&["server", "client"])?;
        let logs = cluster().kubectl(&["logs", "-n", namespace, "client"])?;
        ensure!(logs == "started\n", "{logs}");
        let address = [
            "get",
            "service",
            "-n",
            namespace,
            "server",
            "-o",
            "jsonpath={.spec.clusterIP}",
        ];
        let address = cluster().kubectl(&address)?;
        // This static busybox has no wget that works: it would load a library to look names up.
        let fetch = format!("printf 'GET /passwd HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {address} 80");
        let fetch = ["exec", "-n", namespace, "client", "--", "sh", "-c", &fetch];
        // kube-proxy may learn of the server a moment later than we do.
        let page =
            landfall_tests::wait::until("the service answers", 20, || cluster().kubectl(&fetch))?;
        ensure!(page.contains("root:"), "{page}");
        Ok(())
    })
}
