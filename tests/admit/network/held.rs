//! What must stay while addresses are held.

use anyhow::{Result, bail};
use landfall_tests::{case, manifest, wait::until};
use serde_json::json;

use super::good;
use crate::cluster;

#[test]
fn segment_and_ipam_type_stay_while_addresses_are_held() -> Result<()> {
    case::run(cluster(), "held", |case| {
        let mut spec = good("MacvlanNetwork")["spec"].clone();
        spec["segment"] = json!(case.namespace);
        let name = case.network("MacvlanNetwork", "net", &spec)?;
        let changes = [
            (
                json!({"segment": "other"}),
                "segment is immutable while addresses are held",
            ),
            (
                json!({"ipam": {"type": "None", "subnets": null}}),
                "ipam.type is immutable while addresses are held",
            ),
        ];
        for (change, says) in changes {
            let change = json!({"spec": change}).to_string();
            let patch = [
                "patch",
                "mvn",
                &name,
                "--type=merge",
                "--dry-run=server",
                "-p",
            ];
            let patch = [&patch[..], &[&change]].concat();
            // An operator, if there is one, soon says again that nothing is held.
            until(says, 10, || {
                hold(&name)?;
                match cluster().kubectl(&patch) {
                    Err(error) if error.to_string().contains(says) => Ok(()),
                    other => bail!("{other:?}"),
                }
            })?;
        }
        Ok(())
    })
}

/// Says that one address is held.
fn hold(name: &str) -> Result<()> {
    let counts = json!({
        "capacity": 254, "granted": 1, "quarantined": 0, "foreign": 0, "cooling": 0, "claimed": 0,
        "free": 253,
    });
    let status = json!({"status": {"addresses": {"ipv4": counts}}}).to_string();
    let patch = [
        "patch",
        "mvn",
        name,
        "--subresource=status",
        "--type=merge",
        "-p",
        &status,
    ];
    cluster().kubectl(&patch).map(drop)
}

#[test]
fn a_claim_is_for_one_network_and_one_owner() -> Result<()> {
    case::run(cluster(), "claim", |case| {
        let spec = json!({"network": "storage", "for": {"type": "Pod", "pod": {"name": "db-0"}}});
        let claim = manifest::landfall("AddressClaim", "db", &spec);
        let claim = manifest::with(claim, "/metadata/namespace", json!(case.namespace));
        cluster().apply(&[claim])?;
        let changes = [
            (
                json!({"network": "other"}),
                "network is immutable: make another claim",
            ),
            (
                json!({"for": {"pod": {"name": "db-1"}}}),
                "for is immutable: make another claim",
            ),
        ];
        for (change, says) in changes {
            let change = json!({"spec": change}).to_string();
            let patch = [
                "patch",
                "adc",
                "db",
                "-n",
                &case.namespace,
                "--type=merge",
                "-p",
                &change,
            ];
            match cluster().kubectl(&patch) {
                Err(error) if error.to_string().contains(says) => {}
                other => bail!("{says} was expected: {other:?}"),
            }
        }
        Ok(())
    })
}
