//! Our own programs, the API server and etcd, killed while pods come and go.

use std::{thread::sleep, time::Duration};

use anyhow::Result;
use landfall_tests::{
    case,
    cluster::NodeKind,
    outage::{self, CONTROL},
    truth::Truth,
    wait::timed,
};

use crate::{
    cluster,
    traffic::{Crowd, Pair, at_rest, killed_and_back, nodes, ours, ours_ready},
};

/// Runs a fault twice, each time while a dozen pods are replaced: once as it begins, once in its midst.
fn under_traffic(name: &str, fault: impl Fn() -> Result<()>) -> Result<()> {
    case::alone(cluster(), name, |case| {
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let pair = Pair::start(case, &network, &nodes()?)?;
        let crowd = Crowd::start(case, &network, 12)?;
        for pause in [0, 1500] {
            crowd.replace()?;
            sleep(Duration::from_millis(pause));
            fault()?;
            crowd.settled()?;
            Truth::of(case).no_duplicates()?;
        }
        pair.stop()?.none_lost()?;
        at_rest(case)
    })
}

#[test]
fn agents_are_killed_under_traffic() -> Result<()> {
    under_traffic("agents", || {
        killed_and_back("agent", &cluster().nodes(NodeKind::Namespace, 2)?)
    })
}

#[test]
fn operators_are_killed_under_traffic() -> Result<()> {
    under_traffic("operators", || {
        let operators = ours("operator")?.into_iter();
        killed_and_back(
            "operator",
            &operators.map(|(_, node)| node).collect::<Vec<_>>(),
        )
    })
}

#[test]
fn the_api_server_and_etcd_are_killed_under_traffic() -> Result<()> {
    under_traffic("control", || {
        for program in ["kube-apiserver", "etcd"] {
            outage::kill(cluster(), CONTROL, program)?;
            outage::api_answers(cluster())?;
        }
        timed("the return of all after the API server's", ours_ready)
    })
}
