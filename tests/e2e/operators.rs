//! Two operators that both believe that they lead, and operators that sleep for a minute.

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case,
    diagnosis::SYSTEM,
    operator::Second,
    outage::{self, Outage},
    truth::Truth,
    wait::as_long_as,
};

use crate::{
    cluster,
    traffic::{Crowd, Pair, at_rest, nodes, ours, ours_ready},
};

/// Stops the operator that leads, if there is another one to take over.
fn stop_leader() -> Result<Option<Outage<'static>>> {
    let operators = ours("operator")?;
    if operators.len() < 2 {
        return Ok(None);
    }
    let holder = "jsonpath={.spec.holderIdentity}";
    let lease = [
        "get",
        "lease",
        "landfall-operator",
        "-n",
        SYSTEM,
        "-o",
        holder,
    ];
    let holder = cluster().kubectl(&lease)?;
    let leader = operators
        .into_iter()
        .find(|(name, _)| holder.starts_with(name));
    let (name, node) = leader.with_context(|| format!("nobody is {holder}"))?;
    let of = node.clone();
    let stopped = Outage::new(format!("{name} stopped"), move || {
        // Kubelet may have put another one in its place.
        outage::signal(cluster(), &of, "CONT", "landfall-operator")
    });
    outage::signal(cluster(), &node, "STOP", "landfall-operator")?;
    Ok(Some(stopped))
}

#[test]
fn two_operators_at_once_and_one_stalled_with_old_caches() -> Result<()> {
    case::alone(cluster(), "two", |case| {
        let network = case.part("eth1", 10, 25);
        let network = case.ready_network("MacvlanNetwork", "net", &network)?;
        let pair = Pair::start(case, &network, &nodes()?)?;
        let crowd = Crowd::start(case, &network, 12)?;
        let truth = Truth::of(case);
        let second = Second::start(cluster())?;
        for _ in 0..3 {
            crowd.replace()?;
            crowd.settled()?;
            truth.no_duplicates()?;
        }
        let (done, lost) = (second.writes("ok")?, second.writes("lost")?);
        eprintln!("the second operator: {done} writes, and {lost} that came too late");
        ensure!(done > 0, "it has written nothing");

        crowd.replace()?;
        second.signal("STOP")?;
        let leader = stop_leader()?;
        as_long_as("operators are stopped", 60, || {
            crowd.replace()?;
            crowd.settled()?;
            truth.no_duplicates()
        })?;
        crowd.replace()?;
        second.signal("CONT")?;
        leader.map_or(Ok(()), Outage::end)?;
        crowd.settled()?;
        truth.no_duplicates()?;
        crowd.replace()?;
        crowd.settled()?;
        drop(second);
        ours_ready()?;
        pair.stop()?.none_lost()?;
        at_rest(case)
    })
}
