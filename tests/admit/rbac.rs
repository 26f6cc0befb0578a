//! What the ServiceAccounts of the chart may do. The chart's roles are rendered for a release of
//! their own, so that neither an installed chart is needed nor one disturbed.

use anyhow::{Context, Result};
use landfall_tests::case;

use crate::{cluster, release::Release};

/// All that an account may do with resources in a namespace, sorted, without what every
/// ServiceAccount may ask about itself: `resource [names] [verbs]`.
fn rights(account: &str, namespace: &str) -> Result<Vec<String>> {
    let user = format!("--as={account}");
    let words = [
        "auth",
        "can-i",
        "--list",
        "--no-headers",
        "-n",
        namespace,
        &user,
    ];
    let listed = cluster().kubectl(&words)?;
    let resources = listed
        .lines()
        .filter(|line| !line.starts_with(' ') && !line.starts_with("selfsubject"));
    let mut rights = Vec::new();
    for line in resources {
        let (resource, rest) = line.split_once("[]").context("no column of URLs")?;
        let rest: Vec<_> = rest.split_whitespace().collect();
        rights.push(format!("{} {}", resource.trim(), rest.join(" ")));
    }
    rights.sort();
    Ok(rights)
}

#[test]
fn an_agent_reads_node_objects_and_patches_their_status_and_nothing_else() -> Result<()> {
    case::run(cluster(), "agent-roles", |case| {
        let release = Release::own(case, &["agent-rbac", "operator-rbac"])?;
        let account = release.user("agent");
        let expected = [
            "landfallnodes.landfall.dev [] [get list watch]",
            "landfallnodes.landfall.dev/status [] [patch]",
        ];
        for namespace in ["kube-system", &case.namespace] {
            assert_eq!(rights(&account, namespace)?, expected, "in {namespace}");
        }
        Ok(())
    })
}

#[test]
fn an_operator_writes_ledger_node_specs_and_statuses_and_reads_no_secrets() -> Result<()> {
    case::run(cluster(), "operator-roles", |case| {
        let release = Release::own(case, &["agent-rbac", "operator-rbac"])?;
        let account = release.user("operator");
        let everywhere = [
            "addressblocks.landfall.dev [] [get list watch create update delete]",
            "addressclaims.landfall.dev [] [list watch patch]",
            "addressclaims.landfall.dev/status [] [patch]",
            "events.events.k8s.io [] [create patch]",
            "ipamclaims.k8s.cni.cncf.io [] [list watch]",
            "ipamclaims.k8s.cni.cncf.io/status [] [patch]",
            "ipvlannetworks.landfall.dev [] [list watch patch]",
            "ipvlannetworks.landfall.dev/status [] [patch]",
            "landfallnodes.landfall.dev [] [get list watch create patch delete]",
            "macvlannetworks.landfall.dev [] [list watch patch]",
            "macvlannetworks.landfall.dev/status [] [patch]",
            "namespaces [] [list watch]",
            "network-attachment-definitions.k8s.cni.cncf.io [] [list watch]",
            "nodes [] [get list watch]",
            "pods [] [list watch]",
            "pods/status [] [patch]",
            "replicasets.apps [] [list watch]",
            "statefulsets.apps [] [list watch]",
        ];
        assert_eq!(rights(&account, "kube-system")?, everywhere);
        let mut at_home = rights(&account, &case.namespace)?;
        at_home.retain(|right| !everywhere.contains(&right.as_str()));
        let ledger = [
            "configmaps [] [create]",
            "configmaps [landfall-ledger] [get update]",
            "leases.coordination.k8s.io [] [create]",
            "leases.coordination.k8s.io [landfall-operator] [get list watch update]",
        ];
        assert_eq!(at_home, ledger);
        Ok(())
    })
}
