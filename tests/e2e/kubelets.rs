//! A thousand attachments and detachments through kubelets and container runtimes, while each of the
//! programs that take part is killed. The hammer (`cargo dev hammer`) plays these two; here they are real.

use anyhow::{Result, bail};
use landfall_tests::{
    case,
    cluster::NodeKind,
    outage::{self, CONTROL},
    truth::Truth,
    wait::timed,
};

use crate::{
    cluster,
    traffic::{Crowd, Pair, at_rest, nodes, ours},
};

const PODS: u32 = 40;
/// Each replaces every pod: a DEL and an ADD of each.
const ROUNDS: u32 = 13;
/// Looks at all kernels, one after the other, until a crowd must be Ready again; each takes over a second.
const LOOKS: u32 = 400;

#[test]
#[ignore = "by hand: half an hour; its record is in docs/hammer.md"]
fn a_thousand_operations_through_kubelets_while_every_program_is_killed() -> Result<()> {
    case::alone(cluster(), "kubelets", |case| {
        // Few more addresses than pods: those that are given back are needed at once.
        let network = case.ready_network("MacvlanNetwork", "net", &case.part("eth1", 10, 58))?;
        let pair = Pair::start(case, &network, &nodes()?)?;
        let crowd = Crowd::start(case, &network, PODS)?;
        let truth = Truth::of(case);
        let mut looks = 0;
        for round in 0..ROUNDS {
            crowd.replace()?;
            let fault = fault(round)?;
            let what = format!("round {round} ({fault}), {PODS} pods replaced");
            looks += timed(&what, || replaced(&crowd, &truth))?;
        }
        let operations = PODS * (2 * ROUNDS + 1);
        eprintln!("{operations} operations, {looks} looks at all kernels");
        pair.stop()?.none_lost()?;
        at_rest(case)
    })
}

/// Looks for duplicates until all pods are Ready; the number of looks.
fn replaced(crowd: &Crowd<'_>, truth: &Truth<'_>) -> Result<u32> {
    for looks in 1..=LOOKS {
        truth.no_duplicates()?;
        if crowd.is_settled() {
            return Ok(looks);
        }
    }
    bail!("not all pods are Ready after {LOOKS} looks")
}

/// Kills what the number says, and names it.
fn fault(number: u32) -> Result<&'static str> {
    let on_nodes = |program: &str| -> Result<()> {
        for node in cluster().nodes(NodeKind::Namespace, 2)? {
            outage::kill(cluster(), &node, program)?;
        }
        Ok(())
    };
    Ok(match number % 7 {
        0 => "nothing killed",
        1 => {
            on_nodes("landfall-agent")?;
            "agents killed"
        }
        2 => {
            for (_, node) in ours("operator")? {
                outage::kill(cluster(), &node, "landfall-operator")?;
            }
            "operators killed"
        }
        3 => {
            on_nodes("kubelet")?;
            "kubelets killed"
        }
        4 => {
            on_nodes("containerd")?;
            "container runtimes killed"
        }
        5 => {
            outage::kill(cluster(), CONTROL, "kube-apiserver")?;
            outage::api_answers(cluster())?;
            "API server killed"
        }
        _ => {
            outage::kill(cluster(), CONTROL, "etcd")?;
            outage::api_answers(cluster())?;
            "etcd killed"
        }
    })
}
