//! Pods at rest: each has what it asked for, or there is none of it (invariant 10).

use std::{collections::BTreeSet, net::IpAddr, rc::Rc};

use landfall_core::{
    address::{Family, successor},
    agent::Key,
    id::Uid,
    ledger::view::Want,
};

use crate::{
    api::PodObject,
    machine::{Machine, Stage},
    world::World,
};

// === impl World ===

impl World {
    /// Every pod has what it asked for, or there is none of it (invariant 10).
    pub(super) fn check_pods(&self) -> Result<(), String> {
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

    pub(super) fn free_addresses(&self, uid: Uid, family: Family) -> usize {
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

    pub(super) fn is_free(&self, network: Uid, address: IpAddr) -> bool {
        self.site
            .checker
            .entry(&self.site.api, network, address)
            .is_none()
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
