//! Claims as users write them, the pods that they are for, and who keeps watch over both.

use std::{collections::BTreeMap, net::IpAddr, rc::Rc};

use landfall_core::{
    address::Family,
    id::{Name, Uid},
    ledger::claims::{Claim, Kept, Share, Shares},
};

use crate::api::{Api, ClaimObject, PodObject, PodSpec};

/// The kind of a claim's object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimKind {
    /// Ours: it gets nothing before our finalizer is in place.
    Address,
    /// The NPWG's: no finalizer, and gone at once.
    Ipam,
}

/// Whom a claim is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The pod of this name.
    Pod(Name),
    /// The pods of a StatefulSet, by ordinal.
    StatefulSet(Name),
    /// The pods of a Deployment.
    Workload(Name),
    /// Whoever names it.
    Named,
}

/// The spec of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimSpec {
    /// AddressClaim or IPAMClaim.
    pub kind: ClaimKind,
    /// The network's UID.
    pub network: Uid,
    /// Whom it is for.
    pub owner: Owner,
    /// What it asks for; empty: of the operator's choice.
    pub addresses: Vec<IpAddr>,
}

/// What the operator says of a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimStatus {
    /// What it keeps, in the order of ordinals.
    pub addresses: Vec<IpAddr>,
}

/// Who made a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Controller {
    /// A StatefulSet, with this ordinal.
    StatefulSet(Name, u32),
    /// A Deployment.
    Workload(Name),
}

/// All pods and claims that there ever were, for whoever judges what was written about them.
#[derive(Clone, Debug, Default)]
pub struct Register {
    pods: BTreeMap<Uid, (Name, PodSpec)>,
    /// Each claim's specs, by generation.
    claims: BTreeMap<Uid, BTreeMap<u64, ClaimSpec>>,
}

/// The only namespace that has claims.
pub fn namespace() -> Name {
    Name::from("default")
}

// === impl ClaimSpec ===

impl ClaimSpec {
    /// What a pod may have of a claim of this UID by itself; `None`: it is not for that pod, or the pod
    /// must name it.
    pub fn share(&self, claim: Uid, pod: &Name, spec: &PodSpec) -> Option<Share> {
        let share = |ordinal| Some(Share { claim, ordinal });
        if spec.namespace != namespace() {
            return None;
        }
        match (&self.owner, &spec.controller) {
            (Owner::Pod(name), _) if name == pod => share(None),
            (Owner::StatefulSet(set), Some(Controller::StatefulSet(own, ordinal)))
                if set == own =>
            {
                share(Some(*ordinal))
            }
            (Owner::Workload(name), Some(Controller::Workload(own))) if name == own => share(None),
            _ => None,
        }
    }

    /// What the ledger sees of it. `count` is the number of its StatefulSet's ordinals.
    pub fn judged(&self, object: &ClaimObject, count: u32) -> Claim {
        let is_guarded = self.kind == ClaimKind::Ipam || !object.meta.finalizers.is_empty();
        Claim {
            namespace: namespace(),
            name: object.meta.key.clone(),
            generation: object.meta.generation,
            network: Some(self.network).filter(|_| is_guarded && !object.meta.is_deleting),
            is_ending: object.meta.is_deleting,
            addresses: self.addresses.clone(),
            shares: match self.owner {
                Owner::Pod(_) | Owner::Named => Shares::Whole,
                Owner::Workload(_) => Shares::Drawn,
                Owner::StatefulSet(_) => Shares::Ordinals { first: 0, count },
            },
        }
    }

    /// Whether pods get addresses of a family from it.
    pub fn has(&self, family: Family) -> bool {
        let mut families = self.addresses.iter().copied().map(Family::of);
        self.addresses.is_empty() || families.any(|one| one == family)
    }
}

/// The claim that a pod's first interface gets its addresses from: the one that it names, else the oldest
/// that is for it. `Err`: the pod waits, for there is none of that name, or it is being deleted.
pub fn claim_of<'c>(
    pod: &PodObject,
    mut claims: impl Iterator<Item = &'c Rc<ClaimObject>>,
) -> Result<Option<(Share, &'c ClaimObject)>, String> {
    let Some(want) = pod.spec.wants.first() else {
        return Ok(None);
    };
    let found = if let Some(name) = &pod.spec.claim {
        let named = claims.find(|claim| claim.meta.key == *name);
        let claim = named.ok_or_else(|| format!("there is no claim {name}"))?;
        if claim.spec.network != want.network {
            return Err(format!("claim {name} is for another network"));
        }
        let share = Share {
            claim: claim.meta.uid,
            ordinal: None,
        };
        Some((share, &**claim))
    } else if want.addresses.is_empty() {
        let own = claims.filter_map(|claim| {
            let share = claim.spec.share(claim.meta.uid, &pod.meta.key, &pod.spec)?;
            (claim.spec.network == want.network).then_some((share, &**claim))
        });
        // The UID grows with the revision in which the claim was made.
        own.min_by_key(|(_, claim)| claim.meta.uid)
    } else {
        None
    };
    match found {
        Some((_, claim)) if claim.meta.is_deleting => {
            Err(format!("claim {} is being deleted", claim.meta.key))
        }
        found => Ok(found),
    }
}

// === impl Register ===

impl Register {
    /// A pod was made.
    pub fn note_pod(&mut self, name: &Name, spec: &PodSpec) {
        self.pods.insert(spec.owner, (name.clone(), spec.clone()));
    }

    /// A claim was made, or changed.
    pub fn note_claim(&mut self, claim: &ClaimObject) {
        let specs = self.claims.entry(claim.meta.uid).or_default();
        specs.insert(claim.meta.generation, claim.spec.clone());
    }

    /// etcd is a backup's: what a claim asked for later it never did.
    pub fn go_back(&mut self, api: &Api) {
        for claim in api.claims.all() {
            if let Some(specs) = self.claims.get_mut(&claim.meta.uid) {
                specs.retain(|generation, _| *generation <= claim.meta.generation);
            }
        }
    }

    /// How many claims there have been.
    pub fn claims(&self) -> usize {
        self.claims.len()
    }

    /// Whether a pod may be given an address that a claim keeps: it is for the pod, or names it, or the
    /// pod asks for the address itself, which pods of the claim's namespace may.
    pub fn may_have(&self, owner: Uid, address: IpAddr, kept: Kept) -> bool {
        let Some((_, spec)) = self.pods.get(&owner) else {
            return false;
        };
        let mut asked = spec.wants.iter().flat_map(|want| &want.addresses);
        if spec.namespace == namespace() && asked.any(|one| *one == address) {
            return true;
        }
        self.share(owner, kept.share.claim)
            .is_some_and(|share| share == kept.share)
    }

    /// Whether a claim is for a pod, whatever its ordinal.
    pub fn is_for(&self, owner: Uid, claim: Uid) -> bool {
        self.share(owner, claim).is_some()
    }

    /// What a pod may have of a claim.
    fn share(&self, owner: Uid, uid: Uid) -> Option<Share> {
        let (name, spec) = self.pods.get(&owner)?;
        let claim = self.claims.get(&uid)?.values().next()?;
        let is_named = spec.claim.is_some() && claim.owner == Owner::Named;
        let named = Share {
            claim: uid,
            ordinal: None,
        };
        let named = Some(named).filter(|_| is_named && spec.namespace == namespace());
        named.or_else(|| claim.share(uid, name, spec))
    }

    /// Whether a claim has asked for other addresses since one was kept for it.
    pub fn has_dropped(&self, address: IpAddr, kept: Kept) -> bool {
        let specs = self.claims.get(&kept.share.claim);
        let mut later = specs
            .into_iter()
            .flat_map(|specs| specs.range(kept.generation + 1..));
        later.any(|(_, spec)| !spec.addresses.is_empty() && !spec.addresses.contains(&address))
    }
}
