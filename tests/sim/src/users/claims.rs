//! Users of claims: they make, change and delete them, and scale what they are for.

use std::{collections::BTreeSet, net::IpAddr, rc::Rc};

use landfall_core::{
    id::{Name, Uid},
    network::IpamType,
};

use crate::{
    api::{ClaimObject, PodObject},
    claims::{ClaimKind, ClaimSpec, Controller, Owner, namespace},
    dice::Dice,
    users::Making,
    world::World,
};

/// The StatefulSet.
const SET: &str = "set";
/// The most ordinals that it has.
const ORDINALS: usize = 4;

// === impl World ===

impl World {
    /// One thing that somebody does about claims, or to pods that have them.
    pub(super) fn claim_users(&mut self, dice: &mut Dice) {
        match dice.below(12) {
            0 | 1 => self.make_claim(dice),
            2 => self.change_claim(dice),
            3 => self.delete_claim(dice),
            4 => self.scale(dice),
            5..=8 => self.keep_set(dice),
            _ => self.create_naming_pod(dice),
        }
    }

    /// Names are used again: a claim may be deleted and made anew.
    fn make_claim(&mut self, dice: &mut Dice) {
        let number = dice.below(self.scenario.nodes);
        let address = ClaimKind::Address;
        let (name, kind, owner) = match dice.below(5) {
            0 => {
                let pod = Name::from(format!("db-{number}").as_str());
                (format!("pod-{number}"), address, Owner::Pod(pod))
            }
            1 => {
                let owner = Owner::StatefulSet(Name::from(SET));
                (SET.to_owned(), address, owner)
            }
            2 => {
                let owner = Owner::Workload(Name::from("web"));
                ("web".to_owned(), address, owner)
            }
            3 => (format!("spare-{number}"), address, Owner::Named),
            _ => (format!("vm-{number}"), ClaimKind::Ipam, Owner::Named),
        };
        let Some(network) = self.claimable(dice) else {
            return;
        };
        let spec = ClaimSpec {
            kind,
            network,
            owner,
            addresses: self.some_addresses(network, dice),
        };
        let api = &mut self.site.api;
        let key = Name::from(name.as_str());
        let none = BTreeSet::new();
        if let Ok(made) = api.claims.create(&mut api.revision, key, spec, none) {
            self.note_claim(&made, "made");
        }
    }

    fn note_claim(&mut self, claim: &Rc<ClaimObject>, what: &str) {
        let site = &mut self.site;
        site.trace
            .line(|| format!("claim {} is {what}: {:?}", claim.meta.key, claim.spec));
        site.checker.register.note_claim(claim);
    }

    /// One that has addresses to keep.
    fn claimable(&self, dice: &mut Dice) -> Option<Uid> {
        let all = self.scenario.networks.all().iter();
        let own: Vec<Uid> = all
            .filter(|network| network.ipam.kind == IpamType::Cluster)
            .map(|network| network.uid)
            .collect();
        dice.pick(own.into_iter())
    }

    /// None: the operator chooses. Else a few, each once.
    fn some_addresses(&self, network: Uid, dice: &mut Dice) -> Vec<IpAddr> {
        if !dice.one_in(3) {
            return Vec::new();
        }
        let many = 1 + dice.below(3);
        let some: BTreeSet<IpAddr> = (0..many)
            .filter_map(|_| self.any_address(network, dice))
            .collect();
        some.into_iter().collect()
    }

    fn any_claim(&self, dice: &mut Dice) -> Option<Rc<ClaimObject>> {
        dice.pick(self.site.api.claims.all()).cloned()
    }

    fn change_claim(&mut self, dice: &mut Dice) {
        let Some(claim) = self.any_claim(dice).filter(|claim| !claim.meta.is_deleting) else {
            return;
        };
        let mut next = (*claim).clone();
        next.spec.addresses = self.some_addresses(next.spec.network, dice);
        let api = &mut self.site.api;
        if let Ok(changed) = api.claims.replace(&mut api.revision, &next) {
            self.note_claim(&changed, "changed");
        }
    }

    fn delete_claim(&mut self, dice: &mut Dice) {
        let Some(claim) = self.any_claim(dice) else {
            return;
        };
        let key = &claim.meta.key;
        self.site
            .trace
            .line(|| format!("claim {key} {} is deleted", claim.meta.uid));
        let api = &mut self.site.api;
        let deleted = api.claims.delete(&mut api.revision, key, None, None);
        debug_assert!(deleted.is_ok(), "picked a moment ago");
    }

    fn replicas(&self) -> u32 {
        let set = self.site.api.sets.get(&Name::from(SET));
        set.map_or(0, |set| set.spec)
    }

    fn scale(&mut self, dice: &mut Dice) {
        let replicas = u32::try_from(dice.below(ORDINALS + 1)).unwrap_or_default();
        let key = Name::from(SET);
        self.site
            .trace
            .line(|| format!("StatefulSet {key} is scaled to {replicas}"));
        let api = &mut self.site.api;
        let known = api.sets.get(&key).cloned();
        let done = match known {
            None => {
                let none = BTreeSet::new();
                api.sets.create(&mut api.revision, key, replicas, none)
            }
            Some(set) => {
                let tests = (set.meta.uid, set.meta.generation);
                api.sets.patch(&mut api.revision, &key, tests, replicas)
            }
        };
        debug_assert!(done.is_ok(), "read a moment ago");
    }

    /// The StatefulSet's controller: makes the pod of one ordinal, or deletes one that is too many.
    fn keep_set(&mut self, dice: &mut Dice) {
        let replicas = self.replicas();
        let ordinal = u32::try_from(dice.below(ORDINALS)).unwrap_or_default();
        let name = Name::from(format!("{SET}-{ordinal}").as_str());
        let there: Option<Rc<PodObject>> = self.site.api.pods.get(&name).cloned();
        let room = self.site.api.pods.all().len() < self.scenario.pods;
        match there {
            None if ordinal < replicas && room => {
                let making = Making {
                    controller: Some(Controller::StatefulSet(Name::from(SET), ordinal)),
                    ..Making::default()
                };
                self.create(name.as_str(), making, dice);
            }
            Some(pod) if ordinal >= replicas && !pod.meta.is_deleting => {
                self.delete_pod(&name, false);
            }
            None | Some(_) => {}
        }
    }

    /// As KubeVirt's: it names an IPAMClaim, or a reservation, that may not be there yet.
    fn create_naming_pod(&mut self, dice: &mut Dice) {
        if self.site.api.pods.all().len() >= self.scenario.pods {
            return;
        }
        let number = dice.below(self.scenario.nodes);
        let kind = if dice.one_in(2) { "vm" } else { "spare" };
        let claim = Name::from(format!("{kind}-{number}").as_str());
        let known = self.site.api.claims.get(&claim);
        let network = known.map(|claim| claim.spec.network);
        let making = Making {
            claim: Some(claim.clone()),
            network: network.or_else(|| self.claimable(dice)),
            ..Making::default()
        };
        // Sometimes two at once name one claim.
        let name = if dice.one_in(3) {
            self.next_pod += 1;
            format!("{claim}-{}", self.next_pod)
        } else {
            claim.as_str().to_owned()
        };
        self.create(&name, making, dice);
    }

    /// Another namespace's pods get nothing that is kept.
    pub(super) fn any_namespace(&self, dice: &mut Dice) -> Name {
        if self.scenario.has_claims && dice.one_in(4) {
            Name::from("other")
        } else {
            namespace()
        }
    }
}
