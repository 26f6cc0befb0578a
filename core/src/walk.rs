//! Random walks over the whole protocol: two operators (one with stale caches), two agents that
//! crash after any prefix of their effects, a kubelet that starts and deletes pods and sandboxes.
//! After every step the kernel's truth is compared with the ledger's (invariants 1 to 5); at the
//! end of a walk, without faults, everything must settle (invariant 10).
//!
//! This is no proof: the model checker of a later step is. It finds what tables forget.

extern crate std;

use std::{
    borrow::ToOwned,
    collections::{BTreeMap, BTreeSet, VecDeque},
    format,
    net::IpAddr,
    panic, vec,
    vec::Vec,
};

use crate::{
    address::Family,
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
use kit::{Dice, network};
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
    /// Nodes with the taint out-of-service.
    tainted: BTreeSet<Name>,
    version: u64,
}

impl Api {
    fn evidence(&self, name: &Name) -> Evidence {
        Evidence {
            current: Some(kit::uid_of(name)),
            machine: Some(kit::uid_of(name)),
            out_of_service: self.tainted.contains(name),
            ..Evidence::default()
        }
    }
}

struct World {
    api: Api,
    operators: Vec<Operator>,
    nodes: Vec<Node>,
    next_pod: u128,
    rules: Rules,
    dual_stack: bool,
}

// === impl World ===

impl World {
    fn new(dual_stack: bool, rules: Rules) -> Self {
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
            operators: vec![Operator::new(dual_stack), Operator::new(dual_stack)],
            nodes: vec![Node::new("n0", dual_stack), Node::new("n1", dual_stack)],
            next_pod: 1000,
            rules,
            dual_stack,
        }
    }

    fn random(&mut self, dice: &mut Dice) {
        let (operator, node) = (dice.below(2), dice.below(2));
        match dice.below(13) {
            0 if self.api.pods.len() < 5 => self.new_pod(node),
            1 => {
                if let Some(owner) = dice.pick(self.api.pods.keys()) {
                    self.api.pods.remove(&owner);
                }
            }
            2..=4 => self.operators[operator].watch(&self.api, dice),
            5 | 6 => {
                self.operators[operator].act(&mut self.api, self.rules, dice, true);
            }
            7..=9 | 11.. if self.nodes[node].is_off => {}
            7 => self.nodes[node].kubelet(&self.api, dice, true),
            8 => self.nodes[node].read_own(&self.api),
            9 if dice.one_in(8) => self.nodes[node].crash(),
            10 => self.power(node, dice),
            _ => {
                self.nodes[node].execute(&mut self.api, dice, true);
            }
        }
    }

    /// A power cut takes everything of a node but its object. The taint is set only while the
    /// machine is off and removed before it is powered on, so evidence is never false.
    fn power(&mut self, node: usize, dice: &mut Dice) {
        let node = &mut self.nodes[node];
        match (node.is_off, self.api.tainted.contains(&node.name)) {
            (false, _) => {
                if dice.one_in(6) {
                    node.power_off();
                }
            }
            (true, false) if dice.one_in(2) => {
                self.api.tainted.insert(node.name.clone());
            }
            (true, false) => node.is_off = false,
            (true, true) => {
                if dice.one_in(3) {
                    self.api.tainted.remove(&node.name);
                }
            }
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
            wants: vec![want],
            refusal: None,
        };
        self.api.pods.insert(Uid(self.next_pod), pod);
    }

    /// What a node may still attach is held by it in the ledger (invariant 3).
    fn check_grants(&self) {
        for node in &self.nodes {
            for grant in &self.api.nodes[&node.name].spec.grants {
                let Some((address, seq)) = grant.address else {
                    continue;
                };
                let id = BlockId::of(&Name::from("lan"), address);
                let entry = self
                    .api
                    .blocks
                    .get(&id)
                    .and_then(|(b, _)| b.entries.get(&address));
                let held = entry.is_some_and(|entry| entry.is_held_by(&node.name, seq));
                // A cold agent adopts what its status says before it serves anything.
                let told = &self.api.nodes[&node.name].status.released;
                let key = (address, seq);
                let released = node.disk.released.contains(&key)
                    || (node.disk.snapshot.is_none() && told.contains(&key));
                assert!(
                    held || released,
                    "invariant 3: {address} {seq} on {}",
                    node.name
                );
            }
        }
    }

    /// No state that the protocol brings about shows the auditor anything.
    fn audit(&self) {
        let mut reader = Operator::new(self.dual_stack);
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

    /// No faults and fair turns: all must settle within a bound.
    fn settle(&mut self, dice: &mut Dice) {
        self.api.tainted.clear();
        for node in &mut self.nodes {
            node.is_off = false;
        }
        for _ in 0..200 {
            for operator in &mut self.operators {
                operator.see_all(&self.api);
                operator.view.now += 100_000;
                operator.act(&mut self.api, self.rules, dice, false);
            }
            for node in &mut self.nodes {
                node.read_own(&self.api);
                node.kubelet(&self.api, dice, false);
                while node.execute(&mut self.api, dice, false) {}
                node.publish(&mut self.api);
            }
            self.check();
        }
        let families = if self.dual_stack { 2 } else { 1 };
        for (owner, pod) in &self.api.pods {
            let node = self
                .nodes
                .iter()
                .find(|node| node.name == pod.node)
                .expect("exists");
            let up: Vec<&Name> = node
                .sandboxes
                .iter()
                .filter(|(_, (o, s))| o == owner && *s == Sandbox::Up)
                .map(|(container, _)| container)
                .collect();
            let links = node
                .links
                .iter()
                .filter(|(key, _)| up.contains(&&key.container));
            let addresses: usize = links.map(|(_, addresses)| addresses.len()).sum();
            assert_eq!(
                addresses, families,
                "invariant 10: pod {owner} of {}",
                pod.node
            );
        }
        let held: usize = self
            .api
            .blocks
            .values()
            .map(|(block, _)| {
                block
                    .entries
                    .values()
                    .filter(|e| e.holder.is_some())
                    .count()
            })
            .sum();
        assert_eq!(
            held,
            families * self.api.pods.len(),
            "invariant 10: nothing leaks"
        );
    }
}

fn walk(seed: u64, steps: usize, dual_stack: bool, rules: Rules) {
    let mut dice = Dice::new(seed);
    let mut world = World::new(dual_stack, rules);
    for _ in 0..steps {
        world.random(&mut dice);
        world.check();
        world.check_grants();
        world.audit();
    }
    world.settle(&mut dice);
}

/// The seed of the first walk that breaks an invariant. A failure names it: `walk(seed, …)` repeats
/// it.
fn first_broken(seeds: u64, dual_stack: bool, rules: Rules) -> Option<u64> {
    (0..seeds).find(|seed| panic::catch_unwind(|| walk(*seed, 400, dual_stack, rules)).is_err())
}

#[test]
fn no_walk_gives_an_address_twice_and_every_walk_settles() {
    assert_eq!(first_broken(500, false, Rules::SHIPPED), None);
}

#[test]
fn dual_stack_walks_are_all_or_nothing_and_settle() {
    assert_eq!(first_broken(300, true, Rules::SHIPPED), None);
}

#[test]
fn walks_find_what_a_missing_rule_breaks() {
    let ship = Rules::SHIPPED;
    // The other rules need longer, rarer traces than random walks find in a minute: `model/mutants.rs`.
    let mutants = [
        (
            "released without seq",
            Rules {
                released_matches_seq: false,
                ..ship
            },
        ),
        (
            "free when the pod is missing",
            Rules {
                missing_pod_recalls: false,
                ..ship
            },
        ),
        (
            "fence evidence from a cache",
            Rules {
                fence_needs_quorum: false,
                ..ship
            },
        ),
    ];
    let mut missed = Vec::new();
    for (name, rules) in mutants {
        let caught = first_broken(1500, false, rules);
        std::println!("mutant {name}: {caught:?}");
        missed.extend(caught.is_none().then_some(name));
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
