//! Operators on a server in memory, with nodes whose agents do what agents must.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use kube::runtime::watcher::Event;
use landfall_core::{
    id::{Name, Uid},
    ledger::view::Evidence,
};
use landfall_crds::{
    block::AddressBlock,
    guarded::{self, Guarded},
    macvlan::MacvlanNetwork,
    node::{AddressSeq, Grant, InUse, LandfallNode, LandfallNodeStatus, NodeIdentity},
};
use serde_json::{Value, json};

use super::api::{Key, Server};
use crate::{
    args::Door,
    claims::ClaimUpkeep,
    events,
    grants::{Auditor, Backoff, Lane, Ledger, Shell, Unattached},
    leader::{Leadership, gated},
    metrics::Metrics,
    network::{NetworkObject, Upkeep},
    network_status::NetworkStatuses,
    nodes::NodeFacts,
    pods::{PodFacts, PodKey},
    samples,
    watches::{Change, Read, map},
    world::World,
};

thread_local! {
    /// The time of all operators of a test.
    pub(super) static NOW: Cell<u64> = const { Cell::new(1_000_000) };
}

pub(super) fn pass(millis: u64) {
    NOW.set(NOW.get() + millis);
}

/// Numbers of changes, by kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sees {
    pub(super) pods: usize,
    pub(super) nodes: usize,
    pub(super) blocks: usize,
}

impl Sees {
    pub(super) const NOTHING: Self = Self::each(0);
    pub(super) const ALL: Self = Self::each(usize::MAX);

    const fn each(count: usize) -> Self {
        Self {
            pods: count,
            nodes: count,
            blocks: count,
        }
    }
}

/// An operator, and what it has seen.
pub(super) struct Operator {
    pub(super) shell: Shell,
    seen: Sees,
    told: tokio::sync::mpsc::Receiver<events::Notice>,
}

pub(super) struct Rig {
    pub(super) server: Server,
    pub(super) operators: Vec<Operator>,
    nodes: Vec<String>,
    network: Value,
    /// Pods that are bound.
    pub(super) pods: BTreeMap<String, PodFacts>,
    /// Pods that are deleted, and whose node may still start a sandbox.
    pub(super) ending: BTreeSet<Uid>,
    /// All changes of pods.
    pub(super) pod_log: Vec<(PodFacts, bool)>,
    /// What is attached: on which node, for whom, under which seq.
    pub(super) live: BTreeMap<(Name, Uid), BTreeSet<AddressSeq>>,
    drawn: u128,
}

pub(super) fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

// === impl Operator ===

impl Operator {
    /// An operator that has just started: its watches have listed what there is.
    fn new(rig: &Server, nodes: &[&str], network: &Value) -> Self {
        let leadership = Leadership::new(|| Duration::from_millis(NOW.get()));
        leadership.extend(Duration::MAX);
        let client = gated(rig.client(), &leadership);
        let metrics = Arc::new(Metrics::new(|| Duration::ZERO));
        let (events, told) = events::heard();
        let (upkeep, _) = Upkeep::start(client.clone(), Arc::clone(&metrics));
        let (claim_upkeep, _) = ClaimUpkeep::start(client.clone());
        let (network_statuses, _) = NetworkStatuses::start(client.clone(), Door::Chained);
        let shell = Shell {
            world: World::new("home".to_owned()),
            leadership,
            led: false,
            ledger: Ledger::new(client, "home"),
            events,
            upkeep,
            claim_upkeep,
            claims_read: None,
            network_statuses,
            metrics,
            clock: || NOW.get(),
            backoff: Backoff::default(),
            auditor: Auditor::default(),
            unattached: Unattached::default(),
            lane: Lane::default(),
            next: 0,
        };
        let mut operator = Self {
            shell,
            seen: Sees::NOTHING,
            told,
        };
        operator.see_all_watches_begin();
        for name in nodes {
            operator.see_node(name);
        }
        let network: MacvlanNetwork = object(network.clone());
        let event = Event::Apply(NetworkObject::macvlan(network));
        operator.shell.world.observe(Change::Macvlan(event));
        operator
    }

    fn see_all_watches_begin(&mut self) {
        let world = &mut self.shell.world;
        for event in [0, 1] {
            fn pick<T>(event: i32) -> Event<T> {
                if event == 0 {
                    Event::Init
                } else {
                    Event::InitDone
                }
            }
            world.observe(Change::Pod(pick(event)));
            world.observe(Change::Node(pick(event)));
            world.observe(Change::Namespace(pick(event)));
            world.observe(Change::Macvlan(pick(event)));
            world.observe(Change::Ipvlan(pick(event)));
            world.observe(Change::NodeObject(pick(event)));
            world.observe(Change::Block(pick(event)));
            world.observe(Change::Definition(pick(event)));
            world.observe(Change::Claim(pick(event)));
            world.observe(Change::IpamClaim(pick(event)));
            world.observe(Change::StatefulSet(pick(event)));
            world.observe(Change::ReplicaSet(pick(event)));
        }
        assert!(world.is_synced());
    }

    fn see_node(&mut self, name: &str) {
        let machine = Uid::of(name);
        let facts = NodeFacts {
            name: Name::from(name),
            identity: Some(NodeIdentity {
                uid: machine,
                machine_id: machine,
                provider_id: None,
                container_runtime: None,
            }),
            labels: BTreeMap::new(),
            is_reachable: true,
            evidence: Evidence {
                current: Some(machine),
                machine: Some(machine),
                out_of_service: false,
                reports: true,
                reclaimed: None,
            },
        };
        self.shell.world.observe(Change::Node(Event::Apply(facts)));
        let agent = PodFacts {
            key: PodKey {
                namespace: "home".to_owned(),
                name: format!("agent-{name}"),
            },
            owner: Uid::of(&format!("agent-{name}")),
            node: Name::from(name),
            npwg: None,
            agent: Some(true),
            ..samples::pod("")
        };
        self.shell.world.observe(Change::Pod(Event::Apply(agent)));
    }

    /// Sees this many more changes of each kind. Watches of different kinds know nothing of each
    /// other, so one may be old where another is new.
    pub(super) fn see(&mut self, server: &Server, pods: &[(PodFacts, bool)], sees: Sees) {
        for (facts, is_there) in pods.iter().skip(self.seen.pods).take(sees.pods) {
            self.seen.pods += 1;
            let event = if *is_there {
                Event::Apply(facts.clone())
            } else {
                Event::Delete(facts.clone())
            };
            self.shell.world.observe(Change::Pod(event));
        }
        let store = server.store();
        for change in changes(&store.log, "landfallnodes", self.seen.nodes, sees.nodes) {
            self.seen.nodes += 1;
            let change: Event<Guarded<LandfallNode>> = change;
            self.shell
                .world
                .observe(Change::NodeObject(map(change, read)));
        }
        for change in changes(&store.log, "addressblocks", self.seen.blocks, sees.blocks) {
            self.seen.blocks += 1;
            let change: Event<Guarded<AddressBlock>> = change;
            self.shell.world.observe(Change::Block(map(change, read)));
        }
    }
}

fn read<K>(object: Guarded<K>) -> Read<K> {
    guarded::read(object).map(Box::new)
}

fn changes<T: serde::de::DeserializeOwned>(
    log: &[(Key, Value, bool)],
    kind: &str,
    seen: usize,
    count: usize,
) -> Vec<Event<T>> {
    let log = log.iter().filter(|((plural, _), ..)| plural == kind);
    log.skip(seen)
        .take(count)
        .map(|(_, value, is_there)| {
            let object = object(value.clone());
            if *is_there {
                Event::Apply(object)
            } else {
                Event::Delete(object)
            }
        })
        .collect()
}

// === impl Rig ===

impl Rig {
    /// Operators on a network with these subnets.
    pub(super) fn new(operators: usize, nodes: &[&str], subnets: &Value) -> Self {
        let server = Server::default();
        let network = json!({
            "metadata": {
                "name": "lan", "uid": Uid(7).to_string(), "generation": 1, "resourceVersion": "1",
                "finalizers": ["landfall.dev/addresses"],
            },
            "spec": {
                "namespaces": {}, "parents": [{"interface": "eth1"}],
                "ipam": {"subnets": subnets, "reuseDelay": {"preferred": "30s", "minimum": "1s"}},
            },
        });
        let operators = (0..operators).map(|_| Operator::new(&server, nodes, &network));
        let operators = operators.collect();
        Self {
            server,
            operators,
            nodes: nodes.iter().map(|node| (*node).to_owned()).collect(),
            network,
            pods: BTreeMap::new(),
            ending: BTreeSet::new(),
            pod_log: Vec::new(),
            live: BTreeMap::new(),
            drawn: 100,
        }
    }

    /// The operators of before are gone; as many others start.
    pub(super) fn new_operators(&mut self) {
        let nodes: Vec<&str> = self.nodes.iter().map(String::as_str).collect();
        for operator in &mut self.operators {
            *operator = Operator::new(&self.server, &nodes, &self.network);
        }
    }

    /// Binds a new pod to a node.
    pub(super) fn bind(&mut self, name: &str, node: &str) {
        self.drawn += 1;
        let facts = PodFacts {
            key: PodKey {
                namespace: "default".to_owned(),
                name: name.to_owned(),
            },
            uid: Uid(self.drawn).to_string(),
            owner: Uid(self.drawn),
            node: Name::from(node),
            ..samples::pod("lan")
        };
        self.pods.insert(name.to_owned(), facts.clone());
        self.pod_log.push((facts, true));
    }

    /// The pod runs: its runtime has called all plugins, and kubelet shows its address.
    pub(super) fn run(&mut self, name: &str) {
        let facts = self.pods.get_mut(name).unwrap();
        facts.addresses = vec!["10.244.0.5".parse().unwrap()];
        self.pod_log.push((facts.clone(), true));
    }

    /// Deletes a pod. Its node may start a sandbox for it until [`Rig::end`].
    pub(super) fn delete(&mut self, name: &str) {
        if let Some(facts) = self.pods.remove(name) {
            self.ending.insert(facts.owner);
            self.pod_log.push((facts, false));
        }
    }

    /// The nodes have seen that deleted pods are gone.
    pub(super) fn end(&mut self) {
        self.ending.clear();
    }

    /// One operator sees some of what happened, decides and writes.
    pub(super) async fn turn(&mut self, operator: usize, sees: Sees) {
        let operator = &mut self.operators[operator];
        operator.see(&self.server, &self.pod_log, sees);
        let (_to, mut nothing) = tokio::sync::mpsc::channel(1);
        operator.shell.turn(&mut nothing).await;
    }

    /// All operators see everything and write, until nothing is left to write.
    pub(super) async fn settle(&mut self) {
        loop {
            let before = self.server.store().log.len();
            for operator in 0..self.operators.len() {
                self.turn(operator, Sees::ALL).await;
            }
            if self.server.store().log.len() == before {
                return;
            }
        }
    }

    /// An administrator edits an object.
    pub(super) fn edit(&self, plural: &str, name: &str, edit: impl FnOnce(&mut Value)) {
        let key = (plural.to_owned(), name.to_owned());
        let mut object = self.server.store().objects[&key].clone();
        edit(&mut object);
        self.server.store().put(&key, object);
    }

    /// What was told since the last call, each sentence once.
    pub(super) fn told(&mut self) -> Vec<String> {
        let mut told = BTreeSet::new();
        for operator in &mut self.operators {
            while let Ok(notice) = operator.told.try_recv() {
                told.insert(notice.text());
            }
        }
        told.into_iter().collect()
    }

    /// The network's user edits its spec.
    pub(super) fn edit_network(&mut self, edit: impl FnOnce(&mut Value)) {
        edit(&mut self.network["spec"]);
        let meta = &mut self.network["metadata"];
        let next = meta["generation"].as_u64().unwrap() + 1;
        meta["generation"] = next.into();
        meta["resourceVersion"] = next.to_string().into();
        for operator in &mut self.operators {
            let network = NetworkObject::macvlan(object(self.network.clone()));
            let world = &mut operator.shell.world;
            world.observe(Change::Macvlan(Event::Apply(network)));
        }
    }

    /// Kubernetes says of a node whether its kubelet reports: its condition Ready.
    pub(super) fn ready(&mut self, name: &str, ready: &str) {
        let uid = Uid::of(name).to_string();
        let node = json!({
            "metadata": {"name": name, "uid": uid},
            "status": {
                "nodeInfo": {"machineID": uid},
                "conditions": [{"type": "Ready", "status": ready}],
            },
        });
        let key = ("nodes".to_owned(), name.to_owned());
        self.server.store().objects.insert(key, node.clone());
        for operator in &mut self.operators {
            let facts = NodeFacts::of(object(node.clone()));
            let world = &mut operator.shell.world;
            world.observe(Change::Node(Event::Apply(facts)));
        }
    }

    /// The network is gone for good.
    pub(super) fn forget_network(&mut self) {
        for operator in &mut self.operators {
            let world = &mut operator.shell.world;
            world.observe(Change::Macvlan(Event::Init));
            world.observe(Change::Macvlan(Event::InitDone));
        }
    }

    pub(super) fn node(&self, name: &str) -> Option<LandfallNode> {
        let key = ("landfallnodes".to_owned(), name.to_owned());
        self.server.store().objects.get(&key).cloned().map(object)
    }

    pub(super) fn blocks(&self) -> Vec<AddressBlock> {
        let store = self.server.store();
        let blocks = store
            .objects
            .iter()
            .filter(|((kind, _), _)| kind == "addressblocks");
        blocks.map(|(_, value)| object(value.clone())).collect()
    }

    /// The agent of a node: takes away what belongs to no pod, attaches what is granted, releases
    /// what is recalled and not attached.
    pub(super) fn agent(&mut self, name: &str) {
        let Some(mut node) = self.node(name) else {
            return;
        };
        let spec = &node.spec;
        let is_there = |owner: Uid| {
            self.ending.contains(&owner) || self.pods.values().any(|pod| pod.owner == owner)
        };
        self.live
            .retain(|(on, owner), _| on.as_str() != name || is_there(*owner));
        let mut status = node.status.take().unwrap_or_default();
        adopt(
            spec.ledger_epoch,
            &mut status,
            name,
            &mut self.live,
            &spec.grants,
        );
        let is_over =
            |key: &AddressSeq| spec.recalls.contains(key) || status.released.contains(key);
        for grant in &spec.grants {
            let key = AddressSeq {
                address: grant.address.unwrap(),
                seq: grant.seq.unwrap(),
            };
            if is_there(grant.owner) && !is_over(&key) {
                let device = self.live.entry((Name::from(name), grant.owner));
                device.or_default().insert(key);
            }
        }
        let on_node = self.live.iter().filter(|((on, _), _)| on.as_str() == name);
        let attached: BTreeSet<IpAddr> = on_node
            .flat_map(|(_, keys)| keys)
            .map(|key| key.address)
            .collect();
        let released = spec
            .recalls
            .iter()
            .filter(|key| !attached.contains(&key.address));
        let shown = |key: &AddressSeq| {
            let mut grants = spec.grants.iter();
            grants.any(|g| g.address == Some(key.address) && g.seq == Some(key.seq))
        };
        status.released.retain(shown);
        status.released.extend(released.copied());
        status.released.sort();
        status.released.dedup();
        let on_node = self.live.iter().filter(|((on, _), _)| on.as_str() == name);
        status.attached = on_node.flat_map(|(_, keys)| keys).copied().collect();
        status.node_uid = Some(spec.node.uid);
        status.machine_id = Some(spec.node.machine_id);
        node.status = Some(status);
        let key = ("landfallnodes".to_owned(), name.to_owned());
        let value = serde_json::to_value(&node).unwrap();
        self.server.store().put(&key, value);
    }

    /// Invariant 1: no address is attached twice.
    pub(super) fn check(&self) {
        let mut seen = BTreeMap::new();
        for (device, keys) in &self.live {
            for key in keys {
                let other = seen.insert(key.address, device);
                assert_eq!(other, None, "{} is on {device:?} too", key.address);
            }
        }
    }
}

/// What an agent does about a new epoch, and about grants of that epoch for what it has attached.
fn adopt(
    epoch: u64,
    status: &mut LandfallNodeStatus,
    node: &str,
    live: &mut BTreeMap<(Name, Uid), BTreeSet<AddressSeq>>,
    grants: &[Grant],
) {
    if status.ledger_epoch < epoch {
        status.ledger_epoch = epoch;
        status.released.clear();
    }
    let mut used = Vec::new();
    let mut is_old = false;
    for ((_, owner), keys) in live.iter_mut().filter(|((on, _), _)| on.as_str() == node) {
        let renewed = keys.iter().map(|key| {
            let mut own = grants.iter().filter(|grant| grant.owner == *owner);
            let same = own.find(|grant| grant.address == Some(key.address));
            AddressSeq {
                seq: same.and_then(|grant| grant.seq).unwrap_or(key.seq),
                ..*key
            }
        });
        *keys = renewed.collect();
        is_old |= keys.iter().any(|key| key.seq.epoch < epoch);
        used.extend(keys.iter().map(|key| InUse {
            address: key.address,
            network: Uid(7),
            owner: *owner,
            interface: "net1".to_owned(),
            mac: None,
        }));
    }
    status.in_use = is_old.then_some(used);
}
