//! The whole world: what may happen next in a state. The operators' decisions and the agents' steps
//! are the shipped functions; since they are pure, each is asked once about each input.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    string::String,
    vec::Vec,
};

use super::{
    claim,
    config::{Config, Fault, NETWORK, NODES, owner},
    machine::Machine,
    pool::{Map, Pool},
    state::{Backup, MACHINES, Operator, Restored, Seen, State},
};
use crate::{
    agent::{Served, Snapshot},
    id::{Name, Uid},
    ledger::{
        Block, BlockId, Rules,
        view::{NetworkView, NodeSpec, NodeStatus, Pod},
    },
};

/// A node object's spec, and the registration of the Node that it was written for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Object {
    pub(super) spec: NodeSpec,
    pub(super) registered: u8,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Create(usize),
    Delete(usize),
    Taint(usize),
    Untaint(usize),
    Cut(usize),
    Heal(usize),
    PowerOff(usize),
    PowerOn(usize),
    Rename(usize),
    Register(usize),
    LoseBlock(usize),
    Backup,
    Restore,
    /// The claim is deleted, and goes.
    EndClaim,
    LetsClaimGo,
    /// The operator that reads fresh.
    Leader(Act),
    /// One with lagging caches.
    Lagging(usize, Act),
    Sees(usize, Thing),
    Machine(usize, Local),
    /// kubelet learns or forgets a pod.
    Knows(usize, usize),
    /// The agent reads its own object.
    Reads(usize),
    ReadsStale(usize),
    Publishes(usize),
    /// A status write is on its way.
    Sends(usize),
    Lands(usize),
    /// The leader writes the registration into the node object.
    Registers(usize),
}

/// What an operator sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Block(usize),
    Node(usize),
    Pods,
    Claim,
    Evidence(usize),
}

/// One write or read of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Node(usize, u32),
    Block(usize, u32),
    Create(usize),
    ReadBlock(usize),
    ReadNode(usize),
    ReadEvidence(usize),
    /// The ledger has been rewritten after a restore.
    Adopted,
    /// All writes of the decision.
    All,
    /// Not a write: the decision puts something right that only a user's edit brings about.
    Mends,
    /// A write whose reply is lost: of a block, of a node.
    LostBlock(usize, u32),
    LostNode(usize, u32),
}

/// What happens inside a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Local {
    Add(usize),
    Del(usize, usize),
    Kill(usize, usize),
    GiveUp(usize, usize),
    TimeOut(usize, usize),
    Abort(usize, usize),
    NamespaceEnds(usize, usize),
    Made(usize),
    NotMade(usize),
    Gone(usize),
    NotGone(usize),
    LeftToKernel(usize),
    Sweep(usize, usize),
    Scan,
    /// A probe ends: nobody answered, or another host did.
    Unheard,
    Heard,
    Reads,
    Crash,
    LoseRun,
}

/// A step inside a machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalStep {
    pub(super) what: Local,
    pub(super) next: u32,
    pub(super) fault: Option<Fault>,
    /// The agent died during it.
    pub(super) crashes: bool,
    pub(super) unready: bool,
}

/// A state that may follow.
#[derive(Clone, Debug)]
pub(super) struct Next {
    pub(super) what: What,
    pub(super) state: State,
    /// No fault, and nothing that only users do.
    pub(super) progress: bool,
    /// The invariant that the step breaks.
    pub(super) broken: Option<String>,
}

/// What is judged together: both blocks, a node's spec and status, and a machine of that node.
pub(super) type Judged = ([u32; 2], u32, u32, u32, usize, Restored);

/// A machine after it has read its own object.
pub(super) type Readings = Rc<Vec<LocalStep>>;

/// The pools, and what was asked before.
pub(super) struct World {
    pub(super) config: Config,
    pub(super) rules: Rules,
    pub(super) networks: BTreeMap<Uid, NetworkView>,
    pub(super) block_ids: Vec<BlockId>,
    pub(super) names: Vec<Name>,
    pub(super) pods: Vec<Pod>,
    pub(super) capacity: usize,
    pub(super) blocks: Pool<Option<Block>>,
    pub(super) objects: Pool<Object>,
    pub(super) statuses: Pool<NodeStatus>,
    pub(super) machines: Pool<Machine>,
    pub(super) backups: Pool<Backup>,
    pub(super) decisions: Map<Seen, Rc<Vec<Act>>>,
    pub(super) local: Map<u32, Rc<Vec<LocalStep>>>,
    pub(super) known: Map<(u32, usize), u32>,
    pub(super) readings: Map<(u32, u32, u32, bool), Readings>,
    pub(super) published: Map<(u32, u32), u32>,
    pub(super) verdicts: Map<Judged, Option<Rc<String>>>,
}

// === impl World ===

impl World {
    pub(super) fn new(config: Config, rules: Rules) -> Self {
        let networks = config.networks();
        Self {
            rules,
            networks,
            block_ids: config.blocks(),
            names: NODES.iter().map(|name| Name::from(*name)).collect(),
            pods: (0..config.pods.len()).map(|pod| config.pod(pod)).collect(),
            capacity: config.capacity(),
            config,
            blocks: Pool::new(),
            objects: Pool::new(),
            statuses: Pool::new(),
            machines: Pool::new(),
            backups: Pool::new(),
            decisions: Map::default(),
            local: Map::default(),
            known: Map::default(),
            readings: Map::default(),
            published: Map::default(),
            verdicts: Map::default(),
        }
    }

    /// The node of a machine.
    pub(super) fn node_of(machine: usize) -> usize {
        if machine == 2 { 0 } else { machine }
    }

    /// The ID of a machine.
    pub(super) fn machine_id(machine: usize) -> Uid {
        Uid::of(["machine 0", "machine 1", "machine 2"][machine])
    }

    /// The machine behind a registration of a node's name.
    pub(super) fn machine_of(node: usize, registered: u8) -> usize {
        if registered == 2 { 2 } else { node }
    }

    /// The UID of the Node object of a registration.
    pub(super) fn node_uid(node: usize, registered: u8) -> Uid {
        let node = u128::try_from(node).expect("a small number");
        Uid(900 + 10 * node + u128::from(registered))
    }

    /// The node of a name.
    pub(super) fn node_named(&self, name: &Name) -> usize {
        let at = self.names.iter().position(|known| known == name);
        at.expect("a node of this world")
    }

    /// An empty ledger, agents that are ready, operators that have seen all of it.
    pub(super) fn initial(&mut self) -> State {
        let none = self.blocks.number(None);
        let mut blocks = [none; 2];
        for (place, id) in blocks.iter_mut().zip(self.block_ids.clone()) {
            *place = self.blocks.number(Some(Block::new(id, 1)));
        }
        let object = self.objects.number(Object {
            spec: NodeSpec::default(),
            registered: 0,
        });
        let statuses = [0, 1].map(|node| {
            self.statuses.number(NodeStatus {
                node_uid: Self::node_uid(node, 0),
                machine: Self::machine_id(node),
                ..NodeStatus::default()
            })
        });
        let all = if self.config.allowed(Fault::Create) > 0 {
            0
        } else {
            self.pods_of(0) | self.pods_of(1)
        };
        let machines = [0, 1, 2].map(|m| self.first_machine(m, object, statuses, all));
        let view = Seen {
            blocks,
            specs: [object; 2],
            statuses,
            pods: all,
            ..Seen::default()
        };
        let mut operators = [Operator::default(); 2];
        for operator in operators.iter_mut().take(self.config.lagging) {
            operator.view = view;
            operator.view.ticks.seen = [1; 2];
            operator.view.ticks = operator.view.ticks.normal();
            operator.current = 0b1111;
        }
        State {
            blocks,
            specs: [object; 2],
            statuses,
            late: [u32::MAX; 2],
            machines,
            operators,
            created: all,
            exists: all,
            tainted: 0,
            cut: 0,
            registered: [0; 2],
            backup: u32::MAX,
            restored: Restored::Never,
            claim: if self.config.claim.is_empty() {
                claim::UNKNOWN
            } else {
                claim::THERE
            },
            used: [0; super::config::FAULTS],
        }
    }

    fn first_machine(&mut self, m: usize, object: u32, statuses: [u32; 2], pods: u16) -> u32 {
        let id = Self::machine_id(m);
        let machine = if m == 2 {
            Machine::off(id)
        } else {
            let snapshot = self.snapshot(m, object, statuses[m]);
            Machine {
                pods: self.pods_of(m) & pods,
                ..Machine::warm(id, Self::node_uid(m, 0), snapshot)
            }
        };
        self.machines.number(machine)
    }

    /// The pods of a node: one bit each.
    pub(super) fn pods_of(&self, node: usize) -> u16 {
        let pods = self.config.pods.iter().enumerate();
        let own = pods.filter(|(_, of)| **of == node);
        own.fold(0, |bits, (pod, _)| bits | 1 << pod)
    }

    /// The node's object, as its agent reads it. Generations are left out: a version that is older
    /// than what the agent has seen is ignored by it, and is never shown to it here.
    pub(super) fn snapshot(&self, node: usize, object: u32, status: u32) -> Snapshot {
        let object = self.objects.get(object);
        let served = Served {
            name: Name::from("lan"),
            families: self.config.families().into_iter().collect(),
            is_probed: self.config.probe,
        };
        Snapshot {
            uid: Uid(1),
            generation: 1,
            epoch: object.spec.epoch,
            machine: Self::machine_id(Self::machine_of(node, object.registered)),
            networks: BTreeMap::from([(NETWORK, served)]),
            grants: object.spec.grants.clone(),
            recalls: object.spec.recalls.clone(),
            refusals: BTreeMap::new(),
            not_ours: BTreeSet::new(),
            status_released: self.statuses.get(status).released.clone(),
        }
    }

    /// Everything that may happen in a state.
    pub(super) fn next(&mut self, state: &State, out: &mut Vec<Next>) {
        out.clear();
        self.users(state, out);
        self.etcd(state, out);
        for node in 0..2 {
            self.power(state, node, out);
        }
        self.lead(state, out);
        for operator in 0..self.config.lagging {
            self.look(state, operator, out);
            self.act_on_caches(state, operator, out);
        }
        for machine in 0..MACHINES {
            self.machine(state, machine, out);
        }
    }

    /// Adds a state, if the run allows the fault.
    pub(super) fn push(
        &self,
        out: &mut Vec<Next>,
        what: What,
        from: &State,
        fault: Option<Fault>,
        change: impl FnOnce(&mut State),
    ) {
        if let Some(mut state) = from.after(fault, &self.config) {
            change(&mut state);
            out.push(Next {
                what,
                state,
                progress: fault.is_none(),
                broken: None,
            });
        }
    }
}

/// The UID of an owner, for views.
pub(super) fn owners(pods: u16) -> impl Iterator<Item = (usize, Uid)> {
    (0..16)
        .filter(move |pod| pods & (1 << pod) != 0)
        .map(|pod| (pod, owner(pod)))
}
