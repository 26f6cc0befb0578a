//! Random walks with an administrator who edits ledger and node objects by hand: an operator, two agents that crash
//! after any prefix of their effects, a kubelet that starts and deletes pods and sandboxes. After every step no
//! address may be live twice; at the end, without faults, everything must settle (invariants 1 and 10).
//!
//! The protocol without edits is walked with more faults and checked more closely elsewhere: in `model/walk.rs`, and by
//! the schedules of `tests/sim`.

extern crate std;

use std::{
    borrow::ToOwned,
    collections::{BTreeMap, BTreeSet, VecDeque},
    format,
    net::IpAddr,
    vec,
    vec::Vec,
};

use crate::{
    agent::{
        self, AddRequest, Asked, Durable, Effect, Event, Key, Outcome, Served, Snapshot, Token,
        Volatile,
    },
    id::{Name, Seq, Uid},
    ledger::{
        Block, BlockId, Rules, State, View, Write,
        audit::{Attached, audit},
        fresh::{Seen, Tick},
        rebuild,
        view::{Evidence, Grant, NetworkView, NodeSpec, NodeStatus, NodeView, Pod, Want},
    },
};

mod hand;
pub(crate) mod kit;
mod node;
mod operator;
use kit::network;
use landfall_dice::Dice;
use node::{Node, Sandbox};
use operator::Operator;

const NETWORK: Uid = Uid(77);
const INTERFACE: &str = "net1";

/// A node object in the API server.
#[derive(Clone)]
struct NodeObject {
    generation: u64,
    spec: NodeSpec,
    status: NodeStatus,
}

#[derive(Default)]
struct Api {
    blocks: BTreeMap<BlockId, (Block, u64)>,
    nodes: BTreeMap<Name, NodeObject>,
    pods: BTreeMap<Uid, Pod>,
    version: u64,
}

/// Each machine is its node, and runs.
fn evidence(node: &Name) -> Evidence {
    Evidence {
        current: Some(kit::uid_of(node)),
        machine: Some(kit::uid_of(node)),
        ..Evidence::default()
    }
}

struct World {
    api: Api,
    operator: Operator,
    nodes: Vec<Node>,
    next_pod: u128,
}

// === impl World ===

impl World {
    fn new() -> Self {
        let mut api = Api::default();
        for name in ["n0", "n1"] {
            let object = NodeObject {
                generation: 1,
                spec: NodeSpec::default(),
                status: NodeStatus::default(),
            };
            api.nodes.insert(Name::from(name), object);
        }
        Self {
            api,
            operator: Operator::new(),
            nodes: vec![Node::new("n0"), Node::new("n1")],
            next_pod: 1000,
        }
    }

    fn new_pod(&mut self, node: usize) {
        self.next_pod += 1;
        let want = Want {
            network: NETWORK,
            interface: Name::from(INTERFACE),
            addresses: Vec::new(),
            mac: None,
            claim: None,
        };
        let name = self.nodes[node].name.clone();
        let pod = Pod {
            namespace: Name::from("default"),
            node: name,
            created: 0,
            wants: vec![want],
            refusal: None,
        };
        self.api.pods.insert(Uid(self.next_pod), pod);
    }

    /// The auditor finds nothing.
    fn audit(&self) {
        let mut reader = Operator::new();
        reader.see_all(&self.api);
        let nodes = self.nodes.iter();
        let attached: Attached = nodes
            .map(|node| (node.name.clone(), node.disk.attached()))
            .collect();
        let findings = audit(&reader.view, &attached);
        assert!(findings.is_empty(), "{findings:#?}");
    }

    /// Invariant 1 alone.
    fn check_devices(&self) {
        let mut seen = BTreeSet::new();
        let links = self.nodes.iter().flat_map(|node| node.links.values());
        for (address, _) in links.flatten() {
            assert!(seen.insert(*address), "invariant 1: {address} twice");
        }
    }

    /// Every device's (address, seq) is held by its node in the ledger, and by no other device.
    fn check(&self) {
        let mut seen = BTreeSet::new();
        for node in &self.nodes {
            for (key, addresses) in &node.links {
                assert!(node.disk.records.contains_key(key), "invariant 2: {key:?}");
                for (address, seq) in addresses {
                    assert!(seen.insert(*address), "invariant 1: {address} twice");
                    let id = BlockId::of(&Name::from("lan"), *address);
                    let entry = self
                        .api
                        .blocks
                        .get(&id)
                        .and_then(|(b, _)| b.entries.get(address));
                    let held = entry.is_some_and(|entry| entry.is_held_by(&node.name, *seq));
                    assert!(
                        held,
                        "invariants 3, 4: {address} {seq} on {}: {entry:?}",
                        node.name
                    );
                    assert!(
                        !node.disk.released.contains(&(*address, *seq)),
                        "invariant 2"
                    );
                }
            }
        }
    }

    /// The operator sees everything, and decides.
    fn operate(&mut self) {
        self.operator.see_all(&self.api);
        self.operator.act(&mut self.api);
    }

    /// No faults and fair turns.
    fn turn(&mut self, dice: &mut Dice) {
        self.operator.view.now += 100_000;
        self.operate();
        for node in &mut self.nodes {
            node.read_own(&self.api);
            node.kubelet(&self.api, dice, false);
            while node.execute(&mut self.api, dice, false) {}
            node.publish(&mut self.api);
        }
    }

    /// With fair turns all must settle within a bound.
    fn settle(&mut self, dice: &mut Dice) {
        for _ in 0..200 {
            self.turn(dice);
            self.check();
        }
        for (owner, pod) in &self.api.pods {
            let node = self.nodes.iter().find(|node| node.name == pod.node);
            let node = node.expect("exists");
            let is_up = |key: &Key| {
                let sandbox = node.sandboxes.get(&key.container);
                sandbox.is_some_and(|(pod, state)| pod == owner && *state == Sandbox::Up)
            };
            let links = node.links.iter().filter(|(key, _)| is_up(key));
            let addresses: usize = links.map(|(_, addresses)| addresses.len()).sum();
            assert_eq!(addresses, 1, "invariant 10: pod {owner} of {}", pod.node);
        }
        let blocks = self.api.blocks.values();
        let entries = blocks.flat_map(|(block, _)| block.entries.values());
        let held = entries.filter(|entry| entry.holder.is_some()).count();
        assert_eq!(held, self.api.pods.len(), "invariant 10: nothing leaks");
    }
}
