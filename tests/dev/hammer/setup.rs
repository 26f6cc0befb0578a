//! Starts everything, in the order in which a cluster would.

use std::{path::Path, time::Duration};

use anyhow::{Result, bail};

use super::{
    Options,
    daemon::Daemon,
    networks::{self, NETWORKS},
    node::{AGENT, Node},
    operators::{OPERATOR, Operators},
    rig::{self, SERVERS, STAGE},
    world::{Goal, World},
};
use crate::{
    network, process,
    stage::{
        kube::OURS,
        objects::{self, SYSTEM},
    },
};

/// Enough for what is written between two compactions.
const ETCD: &str = "--quota-backend-bytes=8589934592";
/// Nobody makes service accounts here.
const SERVER: &str = "--disable-admission-plugins ServiceAccount --etcd-compaction-interval 60s";
const READY: &str = "http://127.0.0.1:9480/readyz";
const PATIENCE: Duration = Duration::from_secs(30);

/// The world with all that runs in it.
pub(super) fn world(options: &Options, programs: &Path) -> Result<World> {
    let (agent, operator) = (programs.join("agent"), programs.join("operator"));
    let own = STAGE.copy(&[
        (&agent, "landfall"),
        (&agent, "landfall-agent"),
        (&operator, "landfall-operator"),
    ])?;
    let nodes = usize::from(options.nodes);
    let nodes = (0..nodes).map(|index| Node::new(index, &own));
    let nodes = nodes.collect::<Result<Vec<_>>>()?;
    let names: Vec<_> = nodes.iter().map(|node| node.name.clone()).collect();
    rig::wire(&names)?;
    SERVERS.prepare(&[AGENT, OPERATOR])?;
    let etcd = Daemon::new(false, Box::new(|| SERVERS.start_etcd(ETCD)));
    let server = Daemon::new(false, Box::new(|| SERVERS.start_server(SERVER)));
    etcd.start()?;
    server.start()?;
    SERVERS.wait()?;
    SERVERS.define_kinds()?;
    let kube = SERVERS.start_proxy()?;
    let servers = [etcd, server];
    let goal = Goal {
        operations: options.operations,
        time: Duration::from_secs(options.seconds),
    };
    let world = World::new(kube, servers, Operators::new(&own), nodes, goal);
    fill(&world)?;
    Ok(world)
}

/// Objects, and the programs that need them.
fn fill(world: &World) -> Result<()> {
    let kube = &world.kube;
    kube.create("/api/v1/namespaces", &objects::system())?;
    for (name, subnets) in NETWORKS {
        let list = format!("{OURS}/macvlannetworks");
        kube.create(&list, &networks::network(name, subnets))?;
    }
    world.operators.pair.iter().try_for_each(Daemon::start)?;
    for node in &world.nodes {
        node.register(kube)?;
        let pods = format!("/api/v1/namespaces/{SYSTEM}/pods");
        kube.create(&pods, &objects::agent(&node.name))?;
        node.agent.start()?;
    }
    for node in &world.nodes {
        if !network::answers(&rig::netns(&node.name), READY, PATIENCE) {
            let log = STAGE.log(&format!("agent-{}", node.name));
            bail!(
                "{}: the agent is not ready; {}",
                node.name,
                process::tail(&log, 15)
            );
        }
        node.tell(kube, true)?;
    }
    Ok(())
}
