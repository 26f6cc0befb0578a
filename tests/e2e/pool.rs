//! A pool that is too small.

use anyhow::{Result, ensure};
use landfall_tests::{case, kernel, manifest::with, pod, wait::as_long_as};
use serde_json::json;

use crate::cluster;

#[test]
fn a_pod_waits_for_an_address_and_starts_by_itself_when_one_is_freed() -> Result<()> {
    case::run(cluster(), "pool", |case| {
        let node = &cluster().nodes(landfall_tests::cluster::NodeKind::Namespace, 1)?[0];
        let two = json!([{
            "cidr": format!("{}/24", case.ipv4(0)),
            "ranges": [{"from": case.ipv4(10), "to": case.ipv4(11)}],
        }]);
        let spec = with(case.spec("eth1"), "/ipam/subnets", two);
        let network = case.ready_network("MacvlanNetwork", "net", &spec)?;
        case.pod("one", node, &network)?;
        case.pod("two", node, &network)?;
        case.ready(&["one", "two"])?;
        let freed = kernel::one(cluster(), &case.namespace, "one", "net1")?.ipv4()?;

        case.pod("three", node, &network)?;
        let reason = "AddressPoolExhausted";
        pod::event(cluster(), &case.namespace, "three", reason, &network)?;
        as_long_as("there is no address", 3, || {
            pod::not_ready(cluster(), &case.namespace, "three")
        })?;
        case.delete_pod("one")?;
        case.ready(&["three"])?;
        let got = kernel::one(cluster(), &case.namespace, "three", "net1")?.ipv4()?;
        ensure!(got == freed, "{got} instead of {freed}");
        Ok(())
    })
}
