//! etcd is restored from a backup: announced (docs/restore.md), and by somebody who tells nobody.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::checked,
    diagnosis::SYSTEM,
    node::sh,
    outage::{self, CONTROL},
    pod::{self, text},
    truth::Truth,
    wait::{timed, until},
};

use crate::{
    cluster,
    traffic::{Pair, address, at_rest, nodes, ours_ready},
};

/// What `etcdutl` must be told, so that no version is given twice and every watch begins anew.
const AS_ANNOUNCED: &str = "--bump-revision 1000000000 --mark-compacted";

/// A backup of etcd, and where etcd keeps its data.
struct Backup {
    data: String,
}

// === impl Backup ===

impl Backup {
    fn make() -> Result<Self> {
        let script = "etcdctl --endpoints http://127.0.0.1:2379 snapshot save /run/rig/backup.db >&2; \
                      tr '\\0' '\\n' </proc/$(pgrep -x etcd)/cmdline | grep -x -A1 -e --data-dir | tail -1";
        let data = sh(cluster(), CONTROL, script, &[])?;
        let data = data.trim().to_owned();
        ensure!(data.starts_with('/'), "etcd keeps its data in {data:?}");
        Ok(Self { data })
    }

    /// Puts it in the place of what etcd has, while etcd and the API server don't run.
    fn restore(&self, flags: &str) -> Result<()> {
        let script = "rm -rf \"$1.new\" \"$1.old\"; \
                      etcdutl snapshot restore /run/rig/backup.db --data-dir \"$1.new\" --name default \
                      --initial-cluster default=http://127.0.0.1:2380 \
                      --initial-advertise-peer-urls http://127.0.0.1:2380 $2 >&2; \
                      mv \"$1\" \"$1.old\"; mv \"$1.new\" \"$1\"; rm -rf \"$1.old\"";
        let held = outage::hold_store(cluster())?;
        sh(cluster(), CONTROL, script, &[&self.data, flags])?;
        held.end()?;
        // They know what is no more.
        for program in ["kube-controller-manager", "kube-scheduler"] {
            outage::kill(cluster(), CONTROL, program)?;
        }
        Ok(())
    }
}

/// Says, with the administrator's kubeconfig, that etcd was restored.
#[expect(clippy::disallowed_methods, reason = "a user's own command")]
fn announce() -> Result<()> {
    let status = cluster().output(&["status", "-o", "json"])?;
    let status: serde_json::Value = serde_json::from_str(&status)?;
    let words = [
        "run",
        "--quiet",
        "--locked",
        "--package",
        "landfall-kubectl",
        "--",
        "restored",
    ];
    let output = Command::new(env!("CARGO"))
        .args(words)
        .env("KUBECONFIG", text(&status, "/kubeconfig"))
        .output()
        .context("cargo")?;
    checked(&words, &output).map(drop)
}

/// What they read after a restore looks older to them than what they know.
fn operators_start_anew() -> Result<()> {
    let restart = ["rollout", "restart", "deployment", "-n", SYSTEM];
    cluster().kubectl(&restart).map(drop)
}

/// Every node has said what it has in use, and the ledger is rewritten.
fn adopted() -> Result<()> {
    let ledger = cluster().get(&["configmap", "landfall-ledger", "-n", SYSTEM])?;
    let (restored, adopted) = (
        text(&ledger, "/data/restored"),
        text(&ledger, "/data/adopted"),
    );
    ensure!(
        !restored.is_empty() && restored == adopted,
        "{restored:?} is restored, {adopted:?} adopted"
    );
    for node in cluster().items(&["landfallnodes"])? {
        let epoch = |at| node.pointer(at).and_then(serde_json::Value::as_u64);
        let (spec, status) = (epoch("/spec/ledgerEpoch"), epoch("/status/ledgerEpoch"));
        let name = text(&node, "/metadata/name");
        ensure!(
            spec.is_some() && spec == status,
            "{name} has adopted {status:?} of {spec:?}"
        );
    }
    Ok(())
}

/// Runs a test of a restore. One that fails leaves a cluster that grants again: what comes after it has
/// nothing to do with it.
fn run(name: &str, test: impl FnOnce(&Case<'_>) -> Result<()>) -> Result<()> {
    case::alone(cluster(), name, |case| {
        let tested = test(case);
        if tested.is_err() {
            announce()?;
            operators_start_anew()?;
            until("every node has adopted the epoch", 180, adopted)?;
        }
        tested
    })
}

#[test]
fn pods_keep_their_addresses_over_an_announced_restore_of_etcd() -> Result<()> {
    run("restore", |case| {
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let [node, other] = nodes()?;
        let pair = Pair::start(case, &network, &[node.clone(), other.clone()])?;
        case.pod("before", &node, &network)?;
        case.ready(&["before"])?;
        let kept = address(case, "before")?;
        let backup = Backup::make()?;
        // In use, and the backup knows nothing of it.
        case.pod("after", &other, &network)?;
        case.ready(&["after"])?;
        let closed = outage::close(cluster())?;
        backup.restore(AS_ANNOUNCED)?;
        announce()?;
        operators_start_anew()?;
        case.pod("new", &node, &network)?;
        closed.end()?;
        timed("the adoption of the new epoch", || {
            until("every node has adopted the epoch", 180, adopted)
        })?;
        until("operator and agents are ready", 120, ours_ready)?;
        case.ready(&["before", "new"])?;
        ensure!(address(case, "before")? == kept, "before has lost {kept}");
        Truth::of(case).no_duplicates()?;
        pair.stop()?.none_lost()?;
        at_rest(case)
    })
}

#[test]
fn a_restore_of_etcd_that_nobody_announced_stops_all_grants_until_it_is() -> Result<()> {
    run("unannounced", |case| {
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let [node, other] = nodes()?;
        case.pod("before", &node, &network)?;
        case.ready(&["before"])?;
        let kept = address(case, "before")?;
        let backup = Backup::make()?;
        // The agent has seen what the backup has not.
        case.pod("after", &node, &network)?;
        case.ready(&["after"])?;
        backup.restore("")?;
        // Versions have gone back: what watches from a later one is told nothing until it is reached. On all nodes: each
        // may be where a new operator is to run.
        for node in cluster().status()?.nodes {
            outage::kill(cluster(), &node.name, "kubelet")?;
        }
        operators_start_anew()?;
        until("the agent suspects a restore", 120, || {
            let object = cluster().get(&["landfallnode", &node])?;
            let said = pod::condition(&object, "RestoreSuspected").context("it does not")?;
            ensure!(said.0 == "True", "{said:?}");
            Ok(())
        })?;
        case.pod("new", &other, &network)?;
        let reason = "WaitingForUnreachableNode";
        pod::event(
            cluster(),
            &case.namespace,
            "new",
            reason,
            "landfall restored",
        )?;
        announce()?;
        until("every node has adopted the epoch", 180, adopted)?;
        case.ready(&["before", "new"])?;
        ensure!(address(case, "before")? == kept, "before has lost {kept}");
        Truth::of(case).no_duplicates()?;
        at_rest(case)
    })
}
