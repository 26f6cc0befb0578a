//! Every write of the operator and of an agent to the API server, met by every fault: delayed, lost, done
//! without an answer, repeated, refused, and the death of its program before and after it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};
use kube::{Client, Config};
use landfall_tests::{
    manifest::NETWORK_STATUS,
    pod::condition,
    stage::kube::{Kube, OURS, PODS},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    audit, choice,
    control::SERVER,
    docs,
    kubelet::Pod,
    node::Node,
    operator,
    place::Program,
    proxy::{FAULTS, Fault, Proxy},
    world::{self, World, until},
};

/// So many faults in CI.
const MOST: usize = 24;
/// A Lease is renewed for ever; the first are as good as the others.
const LEASES: usize = 2;

/// A program with its proxy.
struct Part<'a> {
    name: &'static str,
    proxy: Proxy,
    program: Arc<Mutex<Option<Program>>>,
    start: Box<dyn Fn() -> Program + 'a>,
}

/// The operator and the agents of both nodes.
struct Cast<'a> {
    parts: [Part<'a>; 3],
}

// === impl Part ===

impl<'a> Part<'a> {
    fn new(
        name: &'static str,
        (runtime, listen, user): (&Runtime, u16, &str),
        start: impl Fn(&str) -> Program + 'a,
    ) -> Self {
        let address = SocketAddr::from(([10, 77, 0, 1], listen));
        let config = config(user);
        let client = runtime.block_on(async { Client::try_from(config) });
        let proxy = Proxy::serve(runtime.handle(), address, client.unwrap());
        let program = Arc::new(Mutex::new(None));
        let dying = Arc::clone(&program);
        proxy.dies_by(move || {
            if let Some(program) = lock(&dying).as_mut() {
                program.kill();
            }
        });
        let server = format!("http://{address}");
        let start = Box::new(move || start(&server));
        let part = Self {
            name,
            proxy,
            program,
            start,
        };
        part.start();
        part
    }

    fn start(&self) {
        *lock(&self.program) = Some((self.start)());
    }

    /// Ends it for longer.
    fn stop(&self) {
        *lock(&self.program) = None;
    }

    /// Starts the next one, if it has ended.
    fn turn(&self) {
        let mut program = lock(&self.program);
        if program.as_mut().is_some_and(Program::has_ended) {
            *program = Some((self.start)());
        }
    }
}

/// Of a user at the API server, whose certificate is its own.
fn config(user: &str) -> Config {
    let mut config = Config::new(SERVER.parse().unwrap());
    config.accept_invalid_certs = true;
    config.auth_info.token = Some(user.to_owned().into());
    config
}

fn lock(program: &Mutex<Option<Program>>) -> MutexGuard<'_, Option<Program>> {
    program.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Cast ===

impl Cast<'_> {
    fn turn(&self) {
        self.parts.iter().for_each(Part::turn);
    }

    fn tell(&self) {
        for part in &self.parts {
            if let Some(program) = lock(&part.program).as_ref() {
                eprintln!("{}:\n{}", part.name, program.tail());
            }
        }
    }
}

/// A write to meet a fault: of which part, which, and the fault.
type Plan = (&'static str, String, Fault);

/// The story, from a network's beginning to its end. Returns the writes of all parts, and whether the
/// fault was met.
fn play(
    world: &World,
    (nodes, cast): (&[Node; 2], &Cast<'_>),
    number: u8,
    plan: Option<&Plan>,
) -> Result<(Vec<(&'static str, String)>, bool)> {
    for part in &cast.parts {
        let own = plan.filter(|(name, ..)| *name == part.name);
        part.proxy
            .begin(own.map(|(_, write, fault)| (write.clone(), *fault)));
    }
    let told = act(world, nodes, cast, &format!("net{number}"), number);
    if told.is_err() {
        cast.tell();
    }
    let (mut writes, mut met) = (Vec::new(), false);
    for part in &cast.parts {
        let (own, done) = part.proxy.end();
        writes.extend(own.into_iter().map(|write| (part.name, write)));
        met |= done;
    }
    told.map(|()| (writes, met))
}

fn act(world: &World, nodes: &[Node; 2], cast: &Cast<'_>, network: &str, number: u8) -> Result<()> {
    let api = world.api();
    let turn = &mut || cast.turn();
    world.network(network, number)?;
    let bind = |node, role| Pod::bind(api, &nodes[node], role, network);
    let mut pods = vec![bind(0, "stays"), bind(0, "goes"), bind(1, "fenced")];
    for pod in &mut pods {
        pod.start(network, turn)?;
        runs(api, pod)?;
    }
    pods[1].delete(network, turn)?;
    // The second node loses its power, with all that was on it.
    cast.parts[2].stop();
    nodes[1].lose_run();
    let mut fenced = pods.remove(2);
    fenced.cut_off();
    let taint = json!([{"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}]);
    let node = format!("/api/v1/nodes/{}", nodes[1].name);
    api.patch(&node, &json!({"spec": {"taints": taint}}))?;
    fenced.forget()?;
    until("the node is fenced", turn, || {
        audit::ledger_without(api, &fenced.uid)
    })?;
    api.patch(&node, &json!({"spec": {"taints": []}}))?;
    cast.parts[2].start();
    let mut after = bind(1, "after");
    after.start(network, turn)?;
    runs(api, &after)?;
    pods.push(after);
    let both = [&nodes[0], &nodes[1]];
    until("all is at rest", turn, || {
        audit::at_rest(api, &both, &pods)?;
        for pod in pods.iter().filter(|pod| pod.sandbox.is_some()) {
            shows(api, pod)?;
        }
        let path = format!("{OURS}/macvlannetworks/{network}");
        let object = api.get(&path)?;
        let ready = condition(&object, "Ready").map(|(status, ..)| status);
        ensure!(ready == Some("True"), "{:?}", object["status"]);
        Ok(())
    })?;
    for sandbox in pods.iter().filter_map(|pod| pod.sandbox.as_ref()) {
        let gateway = format!("10.9.{number}.1");
        ensure!(
            sandbox.netns.pings(&gateway),
            "{} is cut off",
            sandbox.container
        );
    }
    api.delete(&format!("{OURS}/macvlannetworks/{network}"), None)?;
    for pod in pods.iter_mut().filter(|pod| pod.sandbox.is_some()) {
        pod.delete(network, turn)?;
    }
    until("nothing is left", turn, || {
        audit::at_rest(api, &both, &pods)?;
        let networks = api.items(&format!("{OURS}/macvlannetworks"))?;
        ensure!(networks.is_empty(), "{networks:?}");
        Ok(())
    })
}

/// kubelet tells that a pod runs.
fn runs(api: &Kube, pod: &Pod<'_>) -> Result<()> {
    let ip = "10.244.0.9";
    let status = json!({"status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}});
    let path = format!("{PODS}/{}/status", pod.name);
    api.patch(&path, &status)
}

/// The pod's annotation names what it has.
fn shows(api: &Kube, pod: &Pod<'_>) -> Result<()> {
    let object = api.get(&format!("{PODS}/{}", pod.name))?;
    let text = object["metadata"]["annotations"][NETWORK_STATUS].as_str();
    let text = text.with_context(|| format!("{} shows nothing", pod.name))?;
    let shown: Value = serde_json::from_str(text)?;
    let sandbox = pod.sandbox.as_ref().context("no sandbox")?;
    for address in sandbox.netns.addresses("net1") {
        ensure!(
            shown.to_string().contains(&format!("\"{address}\"")),
            "{shown}"
        );
    }
    Ok(())
}

/// What there is to try, by a run without faults.
fn plans(writes: &[(&'static str, String)]) -> Vec<Plan> {
    let is_early_lease = |write: &str| {
        let count = write
            .split_once("leases#")
            .map(|(_, count)| count.parse::<usize>());
        count.is_none_or(|count| count.is_ok_and(|count| count <= LEASES))
    };
    let writes = writes.iter().filter(|(_, write)| is_early_lease(write));
    let of = |(place, (part, write)): (usize, &(&'static str, String))| {
        // Each write begins with another fault, so that evenly spread ones are not all the same.
        let mut faults = FAULTS;
        faults.rotate_left(place * 3 % FAULTS.len());
        faults.map(|fault| (*part, write.clone(), fault))
    };
    writes.enumerate().flat_map(of).collect()
}

#[test]
fn every_write_may_be_delayed_lost_repeated_refused_or_its_programs_last() -> Result<()> {
    world::run(|world| {
        let runtime = Runtime::new()?;
        let node = |number, port| Node::new(number, world, &format!("http://10.77.0.1:{port}"));
        let nodes = [node(1, 7001), node(2, 7002)];
        let operator = |server: &str| operator::start(world, server);
        let cast = Cast {
            parts: [
                Part::new("operator", (&runtime, 7000, "operator"), operator),
                Part::new("agent of node1", (&runtime, 7001, "agent"), |_| {
                    nodes[0].start_agent(&[])
                }),
                Part::new("agent of node2", (&runtime, 7002, "agent"), |_| {
                    nodes[1].start_agent(&[])
                }),
            ],
        };
        let result = all(world, (&nodes, &cast));
        cast.parts.iter().for_each(Part::stop);
        result
    })
}

fn all(world: &World, stage: (&[Node; 2], &Cast<'_>)) -> Result<()> {
    // The first run has the programs' own beginning in it.
    let (mut kinds, _) = play(world, stage, 2, None)?;
    let start = Instant::now();
    let (writes, _) = play(world, stage, 3, None)?;
    let seconds = start.elapsed().as_secs_f32();
    eprintln!("without faults: {} writes, {seconds:.1} s", writes.len());
    kinds.extend(writes.iter().cloned());
    let of = |(part, write): &(&str, String)| {
        let part = part.split(' ').next().unwrap_or_default();
        let kind = write
            .rsplit_once('#')
            .map_or(write.as_str(), |(kind, _)| kind);
        format!("{part}: {kind}")
    };
    docs::check("writes", &kinds.iter().map(of).collect());
    let plans = choice::some(plans(&writes), MOST);
    let (count, mut missed, mut failed) = (plans.len(), Vec::new(), Vec::new());
    for (place, plan) in plans.iter().enumerate() {
        let number = u8::try_from(place % 200)?.saturating_add(4);
        let start = Instant::now();
        let told = play(world, stage, number, Some(plan)).map(|(_, met)| met);
        let (part, write, fault) = plan;
        let name = format!("{part}, {write}, {fault:?}");
        eprintln!("{name}: {told:?}, {:.1} s", start.elapsed().as_secs_f32());
        match told {
            Ok(true) => {}
            Ok(false) => missed.push(name),
            Err(error) => {
                failed.push(format!("{name}: {error:#}"));
                // What it left would be the next one's failure.
                bail!("{failed:#?}");
            }
        }
    }
    eprintln!("{count} faults; not met, since a run has fewer such writes: {missed:?}");
    ensure!(missed.len() <= 1 + count / 4, "{missed:?}");
    Ok(())
}
