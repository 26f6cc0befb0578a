//! An operator of the walk.

use super::*;

/// An operator: its view, and the versions it was read at.
pub(super) struct Operator {
    pub(super) view: View,
    pub(super) versions: BTreeMap<BlockId, u64>,
    pub(super) generations: BTreeMap<Name, u64>,
    pub(super) tick: u64,
}

// === impl Operator ===

impl Operator {
    pub(super) fn new() -> Self {
        let network = NetworkView {
            network: network(NETWORK, "lan", &["10.0.0.0/29"]),
            closed: None,
        };
        let view = View {
            networks: BTreeMap::from([(NETWORK, network)]),
            ..View::default()
        };
        Self {
            view,
            versions: BTreeMap::new(),
            generations: BTreeMap::new(),
            tick: 0,
        }
    }

    pub(super) fn tick(&mut self) -> Tick {
        self.tick += 1;
        Tick(self.tick)
    }

    pub(super) fn read_node(&mut self, api: &Api, name: &Name) {
        let Some(object) = api.nodes.get(name) else {
            return;
        };
        let new = self.generations.insert(name.clone(), object.generation);
        let known = self.view.nodes.remove(name);
        let seen_at = match known.as_ref().map(|node| node.seen_at) {
            Some(at) if new == Some(object.generation) => at,
            _ => self.tick(),
        };
        let node = NodeView {
            seen_at,
            uid: kit::uid_of(name),
            machine: kit::uid_of(name),
            labels: BTreeMap::new(),
            live: true,
            reachable: true,
            has_provider: false,
            read_at: known
                .as_ref()
                .and_then(|node| node.read_at)
                .filter(|at| *at >= seen_at),
            evidence: known.map_or_else(|| Seen::cached(evidence(name)), |node| node.evidence),
            spec: object.spec.clone(),
            namespaces: BTreeMap::new(),
            status: object.status.clone(),
            without_parent: BTreeMap::new(),
        };
        self.view.nodes.insert(name.clone(), node);
    }

    pub(super) fn read_block(&mut self, api: &Api, id: &BlockId, quorum: bool) {
        let at = self.tick();
        if let Some((block, version)) = api.blocks.get(id) {
            if !quorum && self.versions.get(id) == Some(version) {
                // The echo of what is known does not make it older.
                return;
            }
            let seen = if quorum {
                Seen::quorum(block.clone(), at)
            } else {
                Seen::cached(block.clone())
            };
            self.view.blocks.insert(id.clone(), seen);
            self.versions.insert(id.clone(), *version);
        }
    }

    fn read_node_with_quorum(&mut self, api: &Api, name: &Name) {
        let at = self.tick();
        self.read_node(api, name);
        if let Some(node) = self.view.nodes.get_mut(name) {
            node.read_at = Some(at);
        }
    }

    fn read_evidence(&mut self, name: &Name) {
        let at = self.tick();
        if let Some(node) = self.view.nodes.get_mut(name) {
            node.evidence = Seen::quorum(evidence(name), at);
        }
    }

    pub(super) fn see_all(&mut self, api: &Api) {
        self.view.pods.clone_from(&api.pods);
        for name in api.nodes.keys() {
            self.read_node(api, name);
            let node = self.view.nodes.get_mut(name).expect("read");
            let now = evidence(name);
            if node.evidence.value != now {
                node.evidence = Seen::cached(now);
            }
        }
        for id in api.blocks.keys() {
            self.read_block(api, id, false);
        }
    }

    /// Decides, and sends its writes.
    pub(super) fn act(&mut self, api: &mut Api) {
        self.view.now += 1;
        let decision = crate::ledger::decide(&self.view, Rules::SHIPPED);
        for write in decision.writes {
            self.write(api, write);
        }
    }

    fn write(&mut self, api: &mut Api, write: Write) {
        match write {
            Write::Node { name, spec } => {
                let at = self.generations.get(&name).copied();
                if let Some(object) = api.nodes.get_mut(&name)
                    && at == Some(object.generation)
                {
                    object.spec = spec;
                    object.generation += 1;
                    self.read_node(api, &name);
                }
            }
            Write::Block(block) => {
                let at = self.tick();
                let id = block.id.clone();
                if let Some((stored, version)) = api.blocks.get_mut(&id)
                    && self.versions.get(&id) == Some(version)
                {
                    assert!(block.seq >= stored.seq, "invariant 5");
                    *stored = block.clone();
                    api.version += 1;
                    *version = api.version;
                    self.versions.insert(id.clone(), api.version);
                    self.view.blocks.insert(id, Seen::quorum(block, at));
                }
            }
            // No run of the walks restores etcd.
            Write::ReadRestore | Write::Adopted(_) => {}
            Write::CreateBlock(id) => {
                if api.blocks.contains_key(&id) {
                    self.read_block(api, &id, true);
                    return;
                }
                let mut reader = Self::new();
                for name in api.nodes.keys() {
                    reader.read_node(api, name);
                }
                let nodes = Seen::quorum(reader.view.nodes, Tick(1));
                let nodes = nodes.quorum_after(Tick(0)).expect("made with quorum");
                let segments = BTreeMap::from([(NETWORK, Name::from("lan"))]);
                api.version += 1;
                let epoch = api.version;
                let block = {
                    let claims = Seen::quorum(Vec::new(), Tick(1));
                    let claims = claims.quorum_after(Tick(0)).expect("read now");
                    let claims = claims.map(Vec::as_slice);
                    let now = self.view.now;
                    rebuild::rebuild(id.clone(), epoch, now, nodes, claims, &segments)
                };
                api.blocks.insert(id.clone(), (block, api.version));
                self.read_block(api, &id, true);
            }
            Write::ReadBlock(id) => self.read_block(api, &id, true),
            Write::ReadNode(name) => self.read_node_with_quorum(api, &name),
            Write::ReadEvidence(name) => self.read_evidence(&name),
        }
    }
}
