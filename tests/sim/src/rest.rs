//! The end of a schedule: faults stop, everything runs to rest, and what must be so then is so
//! (invariants 10, 11 and 12).

use std::{collections::BTreeSet, net::IpAddr, rc::Rc};

use landfall_core::{
    address::{Family, successor},
    agent::Key,
    id::{Name, Seq, Uid},
    ledger::{Holder, State, view::Want},
};

use crate::{
    api::PodObject,
    dice::Dice,
    machine::{Machine, Stage},
    world::World,
};

mod claims;

/// Rounds in which all must come to rest.
const ROUNDS: usize = 150;
/// Things that a machine may do in one round.
const BUSY: usize = 4_000;

// === impl World ===

impl World {
    /// Heals everything, runs to rest, and checks what was promised for then.
    pub fn rest(&mut self, dice: &mut Dice) -> Result<(), String> {
        self.heal(dice);
        let mut quiet = 0;
        let mut round = 0;
        while quiet < 3 {
            let before = self.site.api.revision.last();
            self.round(dice);
            self.checked()?;
            let is_quiet = before == self.site.api.revision.last();
            quiet = if is_quiet { quiet + 1 } else { 0 };
            round += 1;
            if round > ROUNDS {
                return Err("11: does not come to rest".to_owned());
            }
        }
        self.audit()?;
        self.check_grants()?;
        self.check_pods()?;
        self.check_ledger()?;
        self.check_claims()?;
        self.check_memories()
    }

    fn heal(&mut self, dice: &mut Dice) {
        self.site.trace.line(|| "the faults stop".to_owned());
        self.site.faults.stop();
        while self.site.land(dice) {}
        for operator in &mut self.operators {
            operator.is_stalled = false;
            for network in operator.view.networks.values_mut() {
                network.closed = None;
            }
        }
        for machine in &mut self.machines {
            machine.is_cut = false;
        }
        for node in 0..self.scenario.nodes {
            let name = self.node_name(node);
            self.taint(&name, false);
            let number = self.in_force.get(node).copied().unwrap_or_default();
            if self
                .machines
                .get(number)
                .is_some_and(|machine| !machine.is_on)
            {
                self.power_on(node);
            }
            self.register(node);
        }
    }

    fn round(&mut self, dice: &mut Dice) {
        self.site.now += 100_000;
        for node in 0..self.scenario.nodes {
            self.update_health(node, false);
        }
        let (site, rules) = (&mut self.site, self.rules);
        for operator in &mut self.operators {
            operator.settle(site, rules, dice, 4);
        }
        for number in 0..self.machines.len() {
            self.machine_round(number, dice);
        }
    }

    fn machine_round(&mut self, number: usize, dice: &mut Dice) {
        let networks = &self.scenario.networks;
        let Some(machine) = self
            .machines
            .get_mut(number)
            .filter(|machine| machine.is_on)
        else {
            return;
        };
        let site = &mut self.site;
        for _ in 0..BUSY {
            let acted = machine.scan(site, dice)
                || machine.read_own(site, dice, false)
                || machine.watch_pods(site, dice)
                || machine.kernel(site, dice)
                || machine.sweep(site, dice);
            if !acted && !machine.kubelet(networks, site, dice) {
                break;
            }
        }
        machine.check(site);
        self.publish(number, dice);
    }

    /// The machine that serves a node, if its object is for it.
    fn server_of(&self, node: &Name) -> Option<&Machine> {
        let machines = self
            .in_force
            .iter()
            .filter_map(|number| self.machines.get(*number));
        let mut of = machines.filter(|machine| machine.name == *node);
        let machine = of.next()?;
        let object = self.site.api.nodes.get(node)?;
        (object.spec.identity.machine == machine.id).then_some(machine)
    }

    /// Every pod has what it asked for, or there is none of it (invariant 10).
    fn check_pods(&self) -> Result<(), String> {
        for pod in self.site.api.pods.all() {
            if pod.meta.is_deleting || pod.status.is_over {
                continue;
            }
            let Some(machine) = self.server_of(&pod.spec.node) else {
                continue;
            };
            let mut entries = self.holders();
            let is_stuck = entries.any(|(_, holder)| {
                holder.owner == pod.spec.owner && self.waits_for_evidence(holder)
            });
            if !is_attached(machine, pod) && !is_stuck && !self.must_wait(pod) {
                return Err(format!(
                    "10: pod {} ({}) of {} waits, and what it asks for is FREE: {:?}",
                    pod.meta.key, pod.spec.owner, pod.spec.node, pod.spec.wants
                ));
            }
        }
        Ok(())
    }

    /// Whether something that the pod asks for is not to be had.
    fn must_wait(&self, pod: &PodObject) -> bool {
        let Ok(claim) = self.claim_of(pod) else {
            return true;
        };
        (0..).zip(&pod.spec.wants).any(|(number, want)| {
            let claim = claim.filter(|_| number == 0);
            if claim.is_none() && !want.addresses.is_empty() {
                return want
                    .addresses
                    .iter()
                    .any(|address| !self.is_free(want.network, *address));
            }
            let Some(network) = self.scenario.networks.get(want.network) else {
                return false;
            };
            let mut families = network.families();
            families.any(
                |family| match claim.filter(|(_, claim)| claim.spec.has(family)) {
                    Some(claim) => !self.gives(claim, family),
                    None => {
                        self.free_addresses(want.network, family) < self.needed(pod, want, family)
                    }
                },
            )
        })
    }

    /// How many addresses of this family a pod needs from where this want gets one: two interfaces
    /// may share a pool.
    fn needed(&self, pod: &PodObject, want: &Want, family: Family) -> usize {
        let segment = self.site.checker.segment(want.network);
        let wants = pod.spec.wants.iter().filter(|other| {
            let network = self.scenario.networks.get(other.network);
            self.site.checker.segment(other.network) == segment
                && network.is_some_and(|network| network.families().any(|f| f == family))
        });
        wants.count()
    }

    fn free_addresses(&self, uid: Uid, family: Family) -> usize {
        let Some(network) = self.scenario.networks.get(uid) else {
            return 0;
        };
        let mut free = 0;
        for subnet in network
            .ipam
            .subnets
            .iter()
            .filter(|subnet| subnet.family() == family)
        {
            for range in subnet.usable.ranges() {
                let mut next = Some(range.first());
                while let Some(address) = next.filter(|address| *address <= range.last()) {
                    free += usize::from(self.is_free(uid, address));
                    next = successor(address);
                }
            }
        }
        free
    }

    fn is_free(&self, network: Uid, address: IpAddr) -> bool {
        self.site
            .checker
            .entry(&self.site.api, network, address)
            .is_none()
    }

    /// Everything that is held is for a pod that is there; all else has become FREE.
    fn check_ledger(&self) -> Result<(), String> {
        for block in self.site.api.blocks.all() {
            for (address, entry) in &block.spec.entries {
                let holder = entry.holder.as_ref();
                let Some(holder) = holder.filter(|_| entry.state == State::Granted) else {
                    if holder.is_some_and(|h| self.waits_for_evidence(h)) {
                        continue;
                    }
                    if entry.state == State::Claimed && entry.kept.is_some() {
                        continue;
                    }
                    // Asked back by mistake, of a pod that runs: an address never leaves a live sandbox.
                    if holder.is_some_and(|h| self.is_in_use(h, (*address, entry.seq))) {
                        continue;
                    }
                    return Err(format!("10: {address} has not become FREE: {entry:?}"));
                };
                let mut pods = self.site.api.pods.all();
                let has_pod = pods.any(|pod| {
                    let is_there = !pod.meta.is_deleting && !pod.status.is_over;
                    is_there && pod.spec.owner == holder.owner && pod.spec.node == holder.node
                });
                if !has_pod && !self.waits_for_evidence(holder) {
                    return Err(format!(
                        "10: {address} is held for a pod that is gone: {entry:?}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether a sandbox that goes on has the address.
    fn is_in_use(&self, holder: &Holder, key: (IpAddr, Seq)) -> bool {
        let Some(machine) = self.machines.iter().find(|one| one.id == holder.machine) else {
            return false;
        };
        let mut links = machine.links.iter();
        links.any(|(at, (_, addresses))| {
            let sandbox = machine.sandboxes.get(&at.container);
            let goes_on = sandbox.is_some_and(|sandbox| sandbox.stage == Stage::Up);
            goes_on && addresses.contains(&key)
        })
    }

    /// Whether only evidence can free what this machine holds, and there is none: it was replaced, or
    /// the node's object is still for the one that was; or it does not know that it was that Node.
    fn waits_for_evidence(&self, holder: &Holder) -> bool {
        let server = self.server_of(&holder.node);
        let is_its = server.is_some_and(|server| server.id == holder.machine);
        let mut machines = self.machines.iter();
        let is_replaced = machines.any(|one| one.name == holder.node && one.is_replaced);
        let forgot = server.is_some_and(|server| {
            self.site.api.nodes.get(&holder.node).is_some_and(|object| {
                let (said, node) = (&object.status.said, holder.node_uid);
                let never_said = !server.has_been.contains(&(object.meta.uid, node));
                let is_other = said.node_uid != node && !said.speaks_for.contains(&node);
                is_other && (server.has_lost_run || never_said)
            })
        });
        !self.scenario.deletion_counts() && is_replaced && !is_its || forgot
    }

    /// All that is held, and by whom.
    fn holders(&self) -> impl Iterator<Item = ((IpAddr, Seq), &Holder)> {
        let blocks = self.site.api.blocks.all();
        let entries = blocks.flat_map(|block| &block.spec.entries);
        entries.filter_map(|(address, entry)| Some(((*address, entry.seq), entry.holder.as_ref()?)))
    }

    /// Acknowledgements that nobody needs any more are forgotten.
    fn check_memories(&self) -> Result<(), String> {
        for machine in self
            .machines
            .iter()
            .filter(|machine| machine.is_on && !machine.is_replaced)
        {
            if self.server_of(&machine.name).is_none() {
                continue;
            }
            let mut released = machine.memory.released.clone();
            for (key, holder) in self.holders() {
                if self.waits_for_evidence(holder) {
                    released.remove(&key);
                }
            }
            if !released.is_empty() {
                return Err(format!(
                    "10: {} remembers {released:?} for ever",
                    machine.name
                ));
            }
        }
        Ok(())
    }
}

/// Whether a sandbox of the pod has all links with all addresses.
fn is_attached(machine: &Machine, pod: &Rc<PodObject>) -> bool {
    let mut sandboxes = machine.sandboxes.iter();
    sandboxes.any(|(container, sandbox)| {
        sandbox.pod.spec.owner == pod.spec.owner
            && sandbox.stage == Stage::Up
            && pod.spec.wants.iter().all(|want| {
                let key = Key {
                    container: container.clone(),
                    interface: want.interface.clone(),
                };
                let link = machine.links.get(&key);
                link.is_some_and(|(network, addresses)| {
                    let families = addresses.iter().map(|(address, _)| Family::of(*address));
                    let families: BTreeSet<Family> = families.collect();
                    let served = machine.memory.snapshot.as_ref();
                    let served = served.and_then(|snapshot| snapshot.networks.get(network));
                    *network == want.network
                        && (!want.addresses.is_empty()
                            || served.is_some_and(|served| served.families == families))
                })
            })
    })
}
