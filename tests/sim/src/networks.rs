//! The networks of a schedule.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use landfall_core::{
    agent::Served,
    id::{Name, Uid},
    ledger::view::NetworkView,
    network::{IpamType, Network, NodeDeletion},
};

/// All networks, the same for all programs.
#[derive(Clone, Debug)]
pub struct Networks {
    all: Vec<Network>,
    /// The LAN is asked for an address before its first use.
    is_probed: bool,
}

/// A network in a few words: name, segment and subnets.
pub type Sketch = (&'static str, &'static str, &'static [&'static str]);

// === impl Networks ===

impl Networks {
    /// Networks with these subnets, whole.
    pub fn of(sketches: &[Sketch], deletion: NodeDeletion, rest: u64) -> Self {
        let numbered = (1_u128..).zip(sketches);
        let all = numbered.map(|(n, sketch)| network(Uid(n), *sketch, deletion, rest));
        Self {
            all: all.collect(),
            is_probed: false,
        }
    }

    /// The same, whose addresses are asked for before their first use.
    #[must_use]
    pub fn probed(self) -> Self {
        Self {
            is_probed: true,
            ..self
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Network] {
        &self.all
    }

    /// As an operator sees them.
    pub fn view(&self) -> BTreeMap<Uid, NetworkView> {
        let view = |network: &Network| NetworkView {
            network: network.clone(),
            closed: None,
        };
        self.all
            .iter()
            .map(|network| (network.uid, view(network)))
            .collect()
    }

    /// As a node object shows them.
    pub fn served(&self) -> Rc<BTreeMap<Uid, Served>> {
        let served = |network: &Network| Served {
            name: network.name.clone(),
            families: network.families().collect::<BTreeSet<_>>(),
            is_probed: self.is_probed,
        };
        let all = self
            .all
            .iter()
            .map(|network| (network.uid, served(network)));
        Rc::new(all.collect())
    }

    /// The network of this UID.
    pub fn get(&self, uid: Uid) -> Option<&Network> {
        self.all.iter().find(|network| network.uid == uid)
    }

    /// Its name.
    pub fn name_of(&self, uid: Uid) -> Name {
        self.get(uid)
            .map(|network| network.name.clone())
            .unwrap_or_default()
    }
}

fn network(uid: Uid, (name, segment, cidrs): Sketch, deletion: NodeDeletion, rest: u64) -> Network {
    let subnets = cidrs.iter().filter_map(|cidr| cidr.parse().ok());
    let mut network = Network::sketch(uid, Name::from(name), subnets);
    network.segment = Name::from(segment);
    if cidrs.is_empty() {
        network.ipam.kind = IpamType::None;
    }
    network.ipam.reuse_preferred_ms = rest;
    network.ipam.foreign_ms = 30_000;
    network.node_deletion = deletion;
    network
}
