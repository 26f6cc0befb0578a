//! Users who say that a machine is off (`kubectl landfall reclaim`), and take that back.

use landfall_core::id::{Name, Uid};

use crate::{dice::Dice, world::World};

// === impl World ===

impl World {
    /// Somebody says that a machine is off: the one that the node object names, or one that was before it.
    pub(super) fn reclaim(&mut self, name: &Name, dice: &mut Dice) {
        let Some(object) = self.site.api.nodes.get(name) else {
            return;
        };
        let identity = object.spec.identity;
        let mut named = vec![(identity.node, identity.machine)];
        let blocks = self.site.api.blocks.all();
        let entries = blocks.flat_map(|block| block.spec.entries.values());
        let holders = entries.filter_map(|entry| entry.holder.as_ref());
        let own = holders.filter(|holder| holder.node == *name);
        named.extend(own.map(|holder| (holder.node_uid, holder.machine)));
        named.retain(|(_, machine)| self.is_off(*machine));
        if let Some((node, _)) = dice.pick(named.into_iter()) {
            self.say_off(name, node);
        }
    }

    fn is_off(&self, machine: Uid) -> bool {
        let mut machines = self.machines.iter();
        machines.any(|one| one.id == machine && !one.is_on)
    }

    /// The word is written, unless there is one.
    pub(crate) fn say_off(&mut self, name: &Name, node: Uid) {
        self.site
            .trace
            .line(|| format!("a user says that the machine of Node {name} {node} is off"));
        self.annotate(name, None, Some(node));
    }

    /// The word is taken back.
    pub(crate) fn take_word_back(&mut self, name: &Name) {
        let object = self.site.api.nodes.get(name);
        if let Some(word) = object.and_then(|object| object.meta.reclaimed) {
            self.site.trace.line(|| {
                format!("a user takes back that the machine of Node {name} {word} is off")
            });
            self.annotate(name, Some(word), None);
        }
    }

    fn annotate(&mut self, name: &Name, before: Option<Uid>, after: Option<Uid>) {
        let api = &mut self.site.api;
        if let Some(uid) = api.nodes.get(name).map(|object| object.meta.uid) {
            let revision = &mut api.revision;
            // There may be a word already.
            let (Ok(_) | Err(_)) = api.nodes.annotate(revision, name, (uid, before), after);
        }
    }

    /// Whether somebody says of the machine that has the node's name that it is off.
    pub(crate) fn is_named_off(&self, node: usize) -> bool {
        let number = self.in_force.get(node).copied().unwrap_or_default();
        let machine = self.machines.get(number);
        let object = self.site.api.nodes.get(&self.node_name(node));
        let word = object.and_then(|object| object.meta.reclaimed);
        word.zip(machine)
            .is_some_and(|(word, machine)| machine.registered.contains(&word))
    }
}
