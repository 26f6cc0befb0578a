//! Users: pods that come and go, as Deployments, StatefulSets, Jobs and static pods do.

use std::{collections::BTreeSet, net::IpAddr, rc::Rc};

use landfall_core::{
    id::{Name, Uid},
    ledger::view::Want,
};

use crate::{
    api::{PodObject, PodSpec, PodStatus},
    claims::{Controller, namespace},
    dice::Dice,
    fault::Fault,
    world::World,
};

mod claims;

/// What is special about a pod that is made.
#[derive(Default)]
struct Making {
    /// Of a static pod: its UID, the same each time.
    owner: Option<Uid>,
    controller: Option<Controller>,
    /// The claim that it names.
    claim: Option<Name>,
    /// The network of its first interface.
    network: Option<Uid>,
}

// === impl World ===

impl World {
    /// One thing that a user or a controller does.
    pub(crate) fn users(&mut self, dice: &mut Dice) {
        if self.scenario.has_claims && dice.one_in(3) {
            return self.claim_users(dice);
        }
        let room = self.site.api.pods.all().len() < self.scenario.pods;
        match dice.below(10) {
            0..=2 if room => self.create_deployment_pod(dice),
            3 if room => self.create_named("db", dice),
            4 if room => self.create_named("static", dice),
            5 | 6 => self.delete_one(dice),
            7 => self.finish_job(dice),
            8 if dice.one_in(6) => {
                for _ in 0..self.scenario.pods / 3 {
                    self.delete_one(dice);
                }
            }
            9 if dice.one_in(3) => {
                let pods = self.site.api.pods.all().len();
                let burst = self
                    .scenario
                    .pods
                    .saturating_sub(pods)
                    .min(self.scenario.pods / 3);
                for _ in 0..burst {
                    self.create_deployment_pod(dice);
                }
            }
            _ => {}
        }
    }

    /// As many pods as there may be.
    pub(crate) fn fill(&mut self, dice: &mut Dice) {
        while self.site.api.pods.all().len() < self.scenario.pods {
            self.create_deployment_pod(dice);
        }
    }

    /// Another name and another UID each time.
    fn create_deployment_pod(&mut self, dice: &mut Dice) {
        self.next_pod += 1;
        let name = format!("web-{}", self.next_pod);
        let making = Making {
            controller: Some(Controller::Workload(Name::from("web"))),
            ..Making::default()
        };
        self.create(&name, making, dice);
    }

    /// The same name each time; a static pod also the same owner.
    fn create_named(&mut self, kind: &str, dice: &mut Dice) {
        let name = format!("{kind}-{}", dice.below(self.scenario.nodes));
        let is_static = kind == "static";
        let making = Making {
            owner: is_static.then(|| Uid::of(&name)),
            ..Making::default()
        };
        self.create(&name, making, dice);
    }

    fn create(&mut self, name: &str, making: Making, dice: &mut Dice) {
        let Making {
            owner,
            controller,
            claim,
            network,
        } = making;
        let number = dice.below(self.scenario.nodes);
        // A static pod is where its manifest is.
        let number = owner.map_or(number, |_| {
            let digits = name.rsplit('-').next().and_then(|text| text.parse().ok());
            digits.unwrap_or(number)
        });
        let node = self.node_name(number);
        if self.site.api.kube_nodes.get(&node).is_none() {
            return;
        }
        let mut wants = match owner {
            Some(_) => vec![self.want(0, "net1")],
            None => self.wants(dice),
        };
        // Static pods, and those that name a claim, are of its namespace.
        let is_free = owner.is_none() && claim.is_none() && controller.is_none();
        let is_web = matches!(controller, Some(Controller::Workload(_)));
        let namespace = if is_free || is_web {
            self.any_namespace(dice)
        } else {
            namespace()
        };
        if let Some(want) = wants.first_mut().filter(|_| claim.is_some()) {
            want.addresses.clear();
            want.network = network.unwrap_or(want.network);
        }
        self.next_pod += 1;
        let owner = owner.unwrap_or_else(|| Uid(0xb << 124 | u128::from(self.next_pod)));
        let spec = PodSpec {
            owner,
            namespace,
            node,
            controller,
            claim,
            wants,
        };
        let api = &mut self.site.api;
        let finalizers = BTreeSet::from([Name::from("kubelet")]);
        let made = api
            .pods
            .create(&mut api.revision, Name::from(name), spec, finalizers);
        if let Ok(pod) = made {
            self.site
                .checker
                .register
                .note_pod(&pod.meta.key, &pod.spec);
            self.site
                .trace
                .line(|| format!("pod {name} {} on {}", pod.spec.owner, pod.spec.node));
        }
    }

    fn want(&self, network: usize, interface: &str) -> Want {
        let network = self.scenario.networks.all().get(network);
        Want {
            network: network.map(|network| network.uid).unwrap_or_default(),
            interface: Name::from(interface),
            addresses: Vec::new(),
            mac: None,
            claim: None,
        }
    }

    /// One interface or two, sometimes with a requested address.
    fn wants(&self, dice: &mut Dice) -> Vec<Want> {
        let networks = self.scenario.networks.all().len();
        let first = dice.below(networks);
        let mut wants = vec![self.want(first, "net1")];
        if dice.one_in(3) {
            wants.push(self.want((first + 1) % networks, "net2"));
        }
        if dice.one_in(8)
            && let Some(want) = wants.first_mut()
            && let Some(address) = self.any_address(want.network, dice)
        {
            want.addresses.push(address);
        }
        wants
    }

    fn any_address(&self, network: Uid, dice: &mut Dice) -> Option<IpAddr> {
        let network = self.scenario.networks.get(network)?;
        let subnet = dice.pick(network.ipam.subnets.iter())?;
        let range = subnet.usable.ranges().first()?;
        let nth = dice.below(6);
        let mut address = range.first();
        for _ in 0..nth {
            let next = landfall_core::address::successor(address)?;
            if next > range.last() {
                break;
            }
            address = next;
        }
        Some(address)
    }

    fn any_pod(&self, dice: &mut Dice) -> Option<Rc<PodObject>> {
        dice.pick(self.site.api.pods.all()).cloned()
    }

    fn delete_one(&mut self, dice: &mut Dice) {
        let Some(pod) = self.any_pod(dice) else {
            return;
        };
        let force = self.site.faults.happens(Fault::ForceDelete, dice);
        self.delete_pod(&pod.meta.key, force);
    }

    /// By force: the object is gone at once, whatever kubelet knows.
    pub(crate) fn delete_pod(&mut self, key: &Name, force: bool) {
        self.site
            .trace
            .line(|| format!("pod {key} is deleted (force {force})"));
        let api = &mut self.site.api;
        let deleted = api.pods.delete(&mut api.revision, key, None, None);
        if deleted.is_ok() && force {
            self.site.finish_pod(key);
        }
    }

    /// A Job's pod ends by itself; later somebody deletes it.
    fn finish_job(&mut self, dice: &mut Dice) {
        let Some(pod) = self.any_pod(dice) else {
            return;
        };
        let api = &mut self.site.api;
        let over = PodStatus { is_over: true };
        let key = &pod.meta.key;
        let ended = api
            .pods
            .patch_status(&mut api.revision, key, |_| true, over);
        debug_assert!(ended.is_ok(), "picked a moment ago");
    }
}
