//! Many pods, up and down.

use anyhow::{Result, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    fault, ledger,
    manifest::{self, with},
    truth::Truth,
    wait::until,
};
use serde_json::json;

use crate::cluster;

const PODS: usize = 60;
const TIMES: usize = 3;

#[test]
fn sixty_pods_go_up_and_down_three_times() -> Result<()> {
    case::run(cluster(), "churn", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        // Few more addresses than pods: those of one round are needed again in the next.
        let network = case.ready_network("MacvlanNetwork", "net", &case.part("eth1", 10, 90))?;
        case.pod("one", &nodes[0], &network)?;
        case.pod("two", &nodes[1], &network)?;
        case.ready(&["one", "two"])?;
        let deployment = manifest::deployment(&case.namespace, "web", 0, &network);
        let terms = json!([{"matchExpressions": [
            {"key": "kubernetes.io/hostname", "operator": "In", "values": nodes},
        ]}]);
        let required = "requiredDuringSchedulingIgnoredDuringExecution";
        let place =
            format!("/spec/template/spec/affinity/nodeAffinity/{required}/nodeSelectorTerms");
        cluster().apply(&[with(deployment, &place, terms)])?;
        let pings = fault::through(case, ["one", "two"], || {
            for _ in 0..TIMES {
                up_and_down(case)?;
            }
            Ok(())
        })?;
        // Two processors start sixty pods meanwhile: that a ping is late is no verdict, an outage is.
        ensure!(pings.longest.as_millis() < 500, "{pings}");
        Ok(())
    })
}

fn up_and_down(case: &Case<'_>) -> Result<()> {
    let truth = Truth::of(case);
    let kubectl = |line: &str| {
        let words: Vec<_> = line.split(' ').chain(["-n", &case.namespace]).collect();
        cluster().kubectl(&words)
    };
    kubectl(&format!("scale deployment/web --replicas={PODS}"))?;
    kubectl("rollout status deployment/web --timeout=180s")?;
    truth.no_duplicates()?;
    let held = ledger::held(cluster(), &case.namespace)?;
    ensure!(
        held.len() == 2 * (PODS + 2),
        "the ledger holds {}",
        held.len()
    );
    kubectl("scale deployment/web --replicas=0")?;
    truth.no_duplicates()?;
    kubectl("wait --for=delete pod -l app=web --timeout=120s")?;
    until("all addresses are back", 60, || {
        let held = ledger::held(cluster(), &case.namespace)?;
        ensure!(held.len() == 4, "the ledger holds {held:?}");
        Ok(())
    })
}
