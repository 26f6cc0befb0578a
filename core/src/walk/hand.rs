//! An administrator of the walk, who edits ledger and node objects by hand.
//!
//! One operator, whose caches are fresh: what an edit does to an operator that does not see it, or
//! two edits that together leave no trace of a device, no rule can mend.

use super::*;

/// One edit; whether there was something to edit.
fn edit(world: &mut World, dice: &mut Dice) -> bool {
    match dice.below(9) {
        0 => entry(world, dice, |_, _| None),
        1 => entry(world, dice, |mut entry, _| {
            entry.state = State::Cooling;
            entry.holder = None;
            Some(entry)
        }),
        2 => entry(world, dice, |mut entry, dice| {
            entry.holder.as_mut()?.owner = Uid(1001 + u128::from(dice.one_in(2)));
            Some(entry)
        }),
        3 => entry(world, dice, |mut entry, dice| {
            entry.holder.as_mut()?.node = Name::from(if dice.one_in(2) { "n0" } else { "ghost" });
            Some(entry)
        }),
        4 => block(world, dice, |block| block.seq.counter = 0),
        5 => block(world, dice, |block| block.entries.clear()),
        6 => node(world, dice, |spec, dice| {
            if let Some(grant) = dice.pick(spec.grants.iter()).cloned() {
                spec.grants.retain(|other| *other != grant);
            }
        }),
        7 => node(world, dice, |spec, _| spec.recalls.clear()),
        _ => node(world, dice, |spec, dice| {
            let grant = dice.pick(spec.grants.iter()).cloned();
            spec.recalls.extend(grant.and_then(|grant| grant.address));
        }),
    }
}

/// A grant that nobody made, for no pod, of an address that is free.
fn invent(world: &mut World, dice: &mut Dice) -> bool {
    let Some((block, _)) = world.api.blocks.values().next() else {
        return false;
    };
    let free = (1..7_u8).map(|n| IpAddr::from([10, 0, 0, n]));
    let free = free.filter(|address| !block.entries.contains_key(address));
    let used: Vec<IpAddr> = world
        .api
        .nodes
        .values()
        .flat_map(|object| object.spec.grants.iter().filter_map(|g| g.address))
        .map(|(address, _)| address)
        .collect();
    let free: Vec<IpAddr> = free.filter(|address| !used.contains(address)).collect();
    let seq = Seq {
        epoch: block.seq.epoch,
        counter: u64::try_from(dice.below(40)).expect("small"),
    };
    let Some(address) = dice.pick(free.iter()).copied() else {
        return false;
    };
    node(world, dice, |spec, _| {
        spec.grants.push(Grant {
            owner: Uid(5),
            interface: Name::from(INTERFACE),
            network: NETWORK,
            address: Some((address, seq)),
            index: 0,
            mac: None,
        });
        spec.grants.sort();
    })
}

fn entry(
    world: &mut World,
    dice: &mut Dice,
    change: impl FnOnce(crate::ledger::Entry, &mut Dice) -> Option<crate::ledger::Entry>,
) -> bool {
    let Some((block, version)) = world.api.blocks.values_mut().next() else {
        return false;
    };
    let Some(address) = dice.pick(block.entries.keys()).copied() else {
        return false;
    };
    if let Some(entry) = block.entries.remove(&address)
        && let Some(changed) = change(entry, dice)
    {
        block.entries.insert(address, changed);
    }
    world.api.version += 1;
    *version = world.api.version;
    true
}

fn block(world: &mut World, _: &mut Dice, change: impl FnOnce(&mut Block)) -> bool {
    let Some((block, version)) = world.api.blocks.values_mut().next() else {
        return false;
    };
    change(block);
    world.api.version += 1;
    *version = world.api.version;
    true
}

fn node(world: &mut World, dice: &mut Dice, change: impl FnOnce(&mut NodeSpec, &mut Dice)) -> bool {
    let Some(name) = dice.pick(world.api.nodes.keys()).cloned() else {
        return false;
    };
    let object = world.api.nodes.get_mut(&name).expect("picked");
    change(&mut object.spec, dice);
    object.generation += 1;
    true
}

fn walk(seed: u64) {
    let mut dice = Dice::new(seed);
    let mut world = World::new();
    for _ in 0..300 {
        world.step(&mut dice);
        world.check_devices();
        if dice.one_in(12) {
            let edited = match dice.below(6) {
                0 => invent(&mut world, &mut dice),
                _ => edit(&mut world, &mut dice),
            };
            // The operator sees it before the next one.
            for _ in 0..if edited { 6 } else { 0 } {
                world.operate();
                world.check_devices();
            }
        }
    }
    world.settle_edited(&mut dice);
}

impl World {
    /// One step of anybody but the administrator.
    fn step(&mut self, dice: &mut Dice) {
        let at = dice.below(2);
        match dice.below(10) {
            0 if self.api.pods.len() < 5 => self.new_pod(at),
            1 => {
                if let Some(owner) = dice.pick(self.api.pods.keys()).copied() {
                    self.api.pods.remove(&owner);
                }
            }
            2 | 3 => self.operate(),
            4 | 5 => self.nodes[at].kubelet(&self.api, dice, true),
            6 => self.nodes[at].read_own(&self.api),
            7 if dice.one_in(8) => self.nodes[at].crash(),
            _ => {
                self.nodes[at].execute(&mut self.api, dice, true);
            }
        }
    }

    /// What was edited is right again, or can't do harm: nothing is found but entries of a node that
    /// does not exist, or of a machine that no node is, which only an administrator can tell to be
    /// nobody's.
    fn settle_edited(&mut self, dice: &mut Dice) {
        for _ in 0..200 {
            self.turn(dice);
            self.check_devices();
        }
        let ghosts: Vec<(BlockId, IpAddr)> = self
            .api
            .blocks
            .iter()
            .flat_map(|(id, (block, _))| {
                let entries = block.entries.iter();
                let ghosts = entries.filter(|(_, entry)| {
                    let holder = entry.holder.as_ref();
                    holder.is_some_and(|h| {
                        h.node == Name::from("ghost") || h.machine != kit::uid_of(&h.node)
                    })
                });
                ghosts.map(|(address, _)| (id.clone(), *address))
            })
            .collect();
        for (id, address) in ghosts {
            let (block, version) = self.api.blocks.get_mut(&id).expect("listed");
            block.entries.remove(&address);
            self.api.version += 1;
            *version = self.api.version;
        }
        self.audit();
        self.settle(dice);
    }
}

#[test]
fn whatever_is_edited_by_hand_no_address_is_live_twice_and_every_walk_settles() {
    let broken = (0..400).find(|seed| std::panic::catch_unwind(|| walk(*seed)).is_err());
    assert_eq!(broken, None);
}
