//! The shipped decision, on a view that is made from the numbers of its parts.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    vec::Vec,
};

use super::{
    claim,
    config::{CLAIM, EPOCH, NETWORK},
    operator::{SILENT, TAINTED},
    state::{Restored, Seen},
    world::{Act, Object, World, owners},
};
use crate::id::Name;
use crate::ledger::{
    self, Block, Rules, View, Write,
    claims::{Claim, Claims, Shares},
    fresh::{self, Tick},
    unread::Unread,
    view::{Evidence, NodeStatus, NodeView, Restore},
};

// === impl World ===

impl World {
    /// The shipped decision.
    pub(super) fn decide(&mut self, seen: &Seen) -> Rc<Vec<Act>> {
        if let Some(acts) = self.decisions.get(seen) {
            return Rc::clone(acts);
        }
        let decision = ledger::decide(&self.view(seen), self.rules);
        let mut acts = Vec::new();
        // What only an edit by hand can bring about, nobody has seen without one.
        if !decision.repairs.is_empty() && self.rules == Rules::SHIPPED {
            acts.push(Act::Mends);
        }
        for write in decision.writes {
            acts.extend(self.act(seen, write));
        }
        // Nodes before blocks, as the shell writes.
        acts.sort_by_key(|act| match act {
            Act::Node(..) | Act::LostNode(..) => 0,
            Act::Block(..) | Act::LostBlock(..) => 1,
            Act::Create(_) | Act::Adopted => 2,
            Act::ReadBlock(_) | Act::ReadNode(_) | Act::ReadEvidence(_) | Act::All => 3,
            Act::Mends => 4,
        });
        let acts = Rc::new(acts);
        self.decisions.insert(*seen, Rc::clone(&acts));
        acts
    }

    /// A write of the decision, in numbers. Refusals are left out of node objects: no decision rests
    /// on them, and an agent only passes them on.
    fn act(&mut self, seen: &Seen, write: Write) -> Option<Act> {
        let family = |world: &Self, id| world.block_ids.iter().position(|known| *known == id);
        match write {
            Write::Node { name, mut spec } => {
                let node = self.node_named(&name);
                spec.refusals.clear();
                let registered = self.objects.get(seen.specs[node]).registered;
                let object = self.objects.number(Object { spec, registered });
                (object != seen.specs[node]).then_some(Act::Node(node, object))
            }
            Write::Block(block) => {
                if block.seq.counter > self.config.seq_bound {
                    return None;
                }
                let family = family(self, block.id.clone())?;
                Some(Act::Block(family, self.blocks.number(Some(block))))
            }
            Write::CreateBlock(id) => Some(Act::Create(family(self, id)?)),
            Write::ReadBlock(id) => Some(Act::ReadBlock(family(self, id)?)),
            Write::ReadNode(name) => Some(Act::ReadNode(self.node_named(&name))),
            Write::ReadEvidence(name) => Some(Act::ReadEvidence(self.node_named(&name))),
            // Whoever reads fresh has read it.
            Write::ReadRestore => None,
            Write::Adopted(_) => Some(Act::Adopted),
        }
    }

    fn view(&self, seen: &Seen) -> View {
        let ticks = &seen.ticks;
        let blocks = (0..self.block_ids.len()).filter_map(|family| {
            let block: Block = (*self.blocks.get(seen.blocks[family])).clone()?;
            let at = ticks.block[family];
            let seen = if at > 0 {
                fresh::Seen::quorum(block, Tick(at.into()))
            } else {
                fresh::Seen::cached(block)
            };
            Some((self.block_ids[family].clone(), seen))
        });
        let nodes = (0..2).map(|node| (self.names[node].clone(), self.node_view(seen, node)));
        View {
            now: 0,
            networks: self.networks.clone(),
            blocks: blocks.collect(),
            nodes: nodes.collect(),
            pods: owners(seen.pods)
                .map(|(pod, owner)| (owner, self.pods[pod].clone()))
                .collect(),
            restore: match seen.restored {
                Restored::Never => Restore::default(),
                Restored::UnderWay => Restore {
                    epoch: EPOCH,
                    adopted: 0,
                },
                Restored::Adopted => Restore {
                    epoch: EPOCH,
                    adopted: EPOCH,
                },
            },
            expected: BTreeSet::new(),
            unread: Unread::default(),
            claims: Self::claims(seen.claim),
        }
    }

    /// The claim as an operator sees it; it is for any pod that names it.
    fn claims(seen: u8) -> Claims {
        let mut claims = Claims::default();
        match seen {
            claim::THERE | claim::ENDING => {
                let claim = Claim {
                    namespace: Name::from("default"),
                    name: Name::from("kept"),
                    generation: 1,
                    network: Some(NETWORK),
                    is_ending: seen == claim::ENDING,
                    addresses: Vec::new(),
                    shares: Shares::Whole,
                };
                claims.known.insert(CLAIM, claim);
            }
            claim::GONE => {
                claims.gone.insert(CLAIM);
            }
            _ => {}
        }
        claims
    }

    pub(super) fn node_view(&self, seen: &Seen, node: usize) -> NodeView {
        let object = self.objects.get(seen.specs[node]);
        let status: NodeStatus = (*self.statuses.get(seen.statuses[node])).clone();
        let bits = seen.evidence[node];
        let (current, is_said) = (Self::node_uid(node, bits & 3), bits & TAINTED != 0);
        let evidence = Evidence {
            current: Some(current),
            machine: Some(Self::machine_id(Self::machine_of(node, bits & 3))),
            out_of_service: is_said && !self.config.is_reclaimed,
            // Nobody says it before the kubelet is silent.
            reports: !is_said,
            reclaimed: (is_said && self.config.is_reclaimed).then_some(current),
        };
        let (read, at) = (seen.ticks.read[node], seen.ticks.evidence[node]);
        let machine = Self::machine_of(node, object.registered);
        NodeView {
            seen_at: Tick(seen.ticks.seen[node].into()),
            uid: Self::node_uid(node, object.registered),
            machine: Self::machine_id(machine),
            labels: BTreeMap::new(),
            live: true,
            reachable: bits & SILENT == 0,
            has_provider: false,
            read_at: (read > 0).then(|| Tick(read.into())),
            evidence: if at > 0 {
                fresh::Seen::quorum(evidence, Tick(at.into()))
            } else {
                fresh::Seen::cached(evidence)
            },
            spec: object.spec.clone(),
            namespaces: BTreeMap::new(),
            status,
            without_parent: BTreeMap::new(),
        }
    }
}
