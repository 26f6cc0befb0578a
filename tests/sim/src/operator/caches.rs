//! What an operator knows: its caches, and the view that is made of them.
//!
//! A node object or block never goes back: what is older than what is known is dropped, and what a
//! list does not name is read before it is believed gone. Of pods and Nodes the last word counts.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use landfall_core::{
    id::{Name, Uid},
    ledger::{
        BlockId,
        fresh::{Seen, Tick},
        view::{NodeSpec, NodeView},
    },
};

use super::Operator;
use crate::{
    api::{
        BlockObject, Health, KubeNode, Node, NodeObject, PodObject, PodSpec, PodStatus,
        Registration, Request, Status, identity_of,
    },
    server::Kind,
    watch::News,
};

// === impl Operator ===

impl Operator {
    pub(crate) fn take_pods(&mut self, news: News<Name, PodSpec, PodStatus>) {
        match news {
            News::List(objects) => {
                let listed: BTreeSet<Name> = objects.iter().map(|o| o.meta.key.clone()).collect();
                let absent = self.pods.keys().filter(|key| !listed.contains(*key));
                for key in absent.cloned().collect::<Vec<_>>() {
                    self.drop_pod(&key);
                }
                for object in objects {
                    self.put_pod(object);
                }
            }
            News::Events(events) => {
                for event in events {
                    let key = &event.object.meta.key;
                    let known = self.pods.get(key).map(|pod| pod.meta.uid);
                    match event.kind {
                        Kind::Added | Kind::Modified => self.put_pod(event.object),
                        Kind::Deleted if known == Some(event.object.meta.uid) => self.drop_pod(key),
                        Kind::Deleted => {}
                    }
                }
            }
            News::Expired => {}
        }
    }

    fn put_pod(&mut self, object: Rc<PodObject>) {
        let key = object.meta.key.clone();
        if self
            .pods
            .get(&key)
            .is_some_and(|known| known.meta.uid != object.meta.uid)
        {
            self.drop_pod(&key);
        }
        let owner = object.spec.owner;
        if object.meta.is_deleting || object.status.is_over {
            self.withdraw(owner);
        } else {
            let pod = self.resolved(&object);
            self.view.pods.insert(owner, pod);
        }
        self.pods.insert(key, object);
    }

    fn drop_pod(&mut self, key: &Name) {
        if let Some(pod) = self.pods.remove(key) {
            self.withdraw(pod.spec.owner);
        }
    }

    fn withdraw(&mut self, owner: Uid) {
        self.view.pods.remove(&owner);
    }

    pub(crate) fn take_kube_nodes(&mut self, news: News<Name, Registration, Health>) {
        match news {
            News::List(objects) => {
                let listed: BTreeSet<Name> = objects.iter().map(|o| o.meta.key.clone()).collect();
                let absent = self.kube_nodes.keys().filter(|key| !listed.contains(*key));
                for key in absent.cloned().collect::<Vec<_>>() {
                    self.kube_nodes.remove(&key);
                    self.refresh_node(&key);
                }
                for object in objects {
                    self.put_kube_node(object);
                }
            }
            News::Events(events) => {
                for event in events {
                    if event.kind == Kind::Deleted {
                        self.kube_nodes.remove(&event.object.meta.key);
                        self.refresh_node(&event.object.meta.key);
                    } else {
                        self.put_kube_node(event.object);
                    }
                }
            }
            News::Expired => {}
        }
    }

    fn put_kube_node(&mut self, object: Rc<KubeNode>) {
        let name = object.meta.key.clone();
        self.kube_nodes.insert(name.clone(), object);
        self.refresh_node(&name);
    }

    /// The part of a node's view that other objects than its own decide. The watch repeats what was
    /// read: that takes no freshness away.
    fn refresh_node(&mut self, name: &Name) {
        self.stale_nodes.insert(name.clone());
        let (health, evidence) = (self.health(name), self.evidence(name));
        if let Some(node) = self.view.nodes.get_mut(name) {
            node.live = health.is_live;
            node.reachable = !health.is_silent;
            if node.evidence.value != evidence {
                node.evidence = Seen::cached(evidence);
            }
        }
    }

    fn health(&self, name: &Name) -> Health {
        let node = self.kube_nodes.get(name);
        node.map(|node| node.status).unwrap_or_default()
    }

    pub(crate) fn take_objects(&mut self, news: News<Name, Node, Status>) {
        match news {
            News::List(objects) => {
                let listed: BTreeSet<Name> = objects.iter().map(|o| o.meta.key.clone()).collect();
                let absent = self.objects.keys().filter(|key| !listed.contains(*key));
                self.doubted_nodes.extend(absent.cloned());
                for object in objects {
                    self.put_object(&object);
                }
            }
            News::Events(events) => {
                for event in events {
                    let meta = &event.object.meta;
                    if event.kind != Kind::Deleted {
                        self.put_object(&event.object);
                    } else if self
                        .known_node(&meta.key)
                        .is_some_and(|v| v <= meta.version)
                    {
                        self.drop_object(&meta.key);
                    }
                }
            }
            News::Expired => {}
        }
    }

    fn known_node(&self, name: &Name) -> Option<u64> {
        self.objects.get(name).map(|known| known.meta.version)
    }

    /// A spec that is new gets a tick now: a push into it needs a block read that begins later. A new
    /// status alone changes nothing in that order.
    pub(crate) fn put_object(&mut self, object: &Rc<NodeObject>) {
        let name = object.meta.key.clone();
        if self
            .known_node(&name)
            .is_some_and(|known| object.meta.version < known)
        {
            return;
        }
        let same_spec = self.objects.get(&name).is_some_and(|known| {
            known.meta.generation == object.meta.generation && known.meta.uid == object.meta.uid
        });
        if !same_spec {
            self.stale_nodes.insert(name.clone());
        }
        let seen_at = match self.view.nodes.get(&name) {
            Some(node) if same_spec => node.seen_at,
            _ => self.tick(),
        };
        let before = self.view.nodes.get(&name);
        let (health, identity) = (self.health(&name), object.spec.identity);
        let node = NodeView {
            seen_at,
            uid: identity.node,
            machine: identity.machine,
            labels: BTreeMap::new(),
            live: health.is_live,
            reachable: !health.is_silent,
            has_provider: identity.has_provider,
            read_at: before.filter(|_| same_spec).and_then(|node| node.read_at),
            evidence: self.evidence_beside(object),
            spec: object.spec.protocol.clone(),
            namespaces: BTreeMap::new(),
            status: object.status.said.clone(),
            without_parent: BTreeMap::new(),
        };
        self.view.nodes.insert(name.clone(), node);
        self.objects.insert(name, Rc::clone(object));
    }

    pub(crate) fn drop_object(&mut self, name: &Name) {
        self.objects.remove(name);
        self.view.nodes.remove(name);
        self.stale_nodes.insert(name.clone());
    }

    pub(crate) fn take_blocks(&mut self, news: News<BlockId, landfall_core::ledger::Block, ()>) {
        match news {
            News::List(objects) => {
                let listed: BTreeSet<BlockId> =
                    objects.iter().map(|o| o.meta.key.clone()).collect();
                let absent = self.blocks.keys().filter(|key| !listed.contains(*key));
                self.doubted_blocks.extend(absent.cloned());
                for object in objects {
                    self.put_block(&object, None);
                }
            }
            News::Events(events) => {
                for event in events {
                    let meta = &event.object.meta;
                    if event.kind != Kind::Deleted {
                        self.put_block(&event.object, None);
                    } else if self
                        .known_block(&meta.key)
                        .is_some_and(|v| v <= meta.version)
                    {
                        self.drop_block(&meta.key);
                    }
                }
            }
            News::Expired => {}
        }
    }

    fn known_block(&self, id: &BlockId) -> Option<u64> {
        self.blocks.get(id).map(|known| known.meta.version)
    }

    /// `quorum_at` is when a quorum read, or our own successful write, of this version began. The
    /// watch repeats what is known: it takes no freshness away.
    pub(crate) fn put_block(&mut self, object: &Rc<BlockObject>, quorum_at: Option<Tick>) {
        let (id, new) = (object.meta.key.clone(), object.meta.version);
        let known = self.known_block(&id);
        if known.is_some_and(|known| new < known) {
            return;
        }
        let before = self.view.blocks.get(&id);
        let before = before
            .filter(|_| known == Some(new))
            .and_then(|seen| seen.quorum_at);
        let seen = Seen {
            value: object.spec.clone(),
            quorum_at: before.max(quorum_at),
        };
        self.view.blocks.insert(id.clone(), seen);
        self.blocks.insert(id, Rc::clone(object));
    }

    pub(crate) fn drop_block(&mut self, id: &BlockId) {
        self.blocks.remove(id);
        self.view.blocks.remove(id);
    }

    /// Blocks that somebody deleted and in which nothing is held, without our finalizer.
    pub(crate) fn ended_blocks(&self, written: &BTreeSet<BlockId>) -> Vec<BlockObject> {
        let deleted = self.blocks.values().filter(|object| {
            !self.is_restored()
                && object.meta.is_deleting
                && !written.contains(&object.meta.key)
                && object
                    .spec
                    .entries
                    .values()
                    .all(|entry| entry.holder.is_none() && entry.kept.is_none())
        });
        let let_go = |object: &Rc<BlockObject>| {
            let mut object = (**object).clone();
            object.meta.finalizers.clear();
            object
        };
        deleted.map(let_go).collect()
    }

    /// The write that brings a node's object up to date, with the protocol's part if it changed.
    pub(crate) fn node_write(&self, name: &Name, protocol: Option<&NodeSpec>) -> Option<Request> {
        let registered = self.kube_nodes.get(name);
        let Some(object) = self.objects.get(name) else {
            let node = Node {
                identity: identity_of(registered?),
                protocol: NodeSpec {
                    epoch: self.view.restore.epoch,
                    ..NodeSpec::default()
                },
            };
            return Some(Request::CreateNode(name.clone(), node));
        };
        let spec = &object.spec.protocol;
        let is_free = spec.grants.is_empty() && spec.recalls.is_empty() && spec.fenced.is_empty();
        let is_needed = self.is_named(name) || self.is_restored();
        if (registered.is_none() || object.meta.is_deleting) && is_free && !is_needed {
            return Some(if object.meta.is_deleting {
                Request::LetGoNode(Rc::clone(object))
            } else {
                Request::DeleteNode(Rc::clone(object))
            });
        }
        let mut next = object.spec.clone();
        if let Some(protocol) = protocol {
            next.protocol.clone_from(protocol);
        }
        // An object in which grants are listed is not handed to another machine than the one that has
        // them; and after a restore the machine that it names must have its say first.
        let is_other = |machine| object.spec.identity.machine != machine;
        let identity = registered.map(|node| identity_of(node));
        if let Some(identity) = identity.filter(|new| !self.is_restored() || !is_other(new.machine))
            && (identity.machine == object.spec.identity.machine
                || is_free
                || self.view.is_granted_to(name, spec, identity.machine))
        {
            next.identity = identity;
        }
        if next == object.spec {
            return self.end_of_reclaim(name, object);
        }
        let tests = (object.meta.uid, object.meta.generation);
        Some(Request::PatchNode(name.clone(), tests, next))
    }

    /// Whether an entry names the node.
    fn is_named(&self, name: &Name) -> bool {
        let blocks = self.view.blocks.values();
        let mut entries = blocks.flat_map(|seen| seen.value.entries.values());
        entries.any(|entry| entry.holder.as_ref().is_some_and(|h| h.node == *name))
    }
}
