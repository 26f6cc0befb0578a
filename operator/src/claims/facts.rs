//! What is kept of a claim's object, of either kind.

use std::net::IpAddr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{
    ResourceExt as _,
    core::{DynamicObject, ObjectMeta},
};
use landfall_core::id::Uid;
use landfall_crds::{
    claim::{AddressClaim, AddressClaimStatus, ClaimOwner, ClaimType},
    guarded::Unread,
};
use serde_json::Value;

use crate::upkeep::has_finalizer;

/// The kind of a claim's object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ClaimKind {
    /// Ours.
    Address,
    /// `IPAMClaim` of k8s.cni.cncf.io/v1alpha1: spec and finalizers are its maker's.
    Ipam,
}

/// Names a claim. AddressClaims come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClaimKey {
    pub(crate) namespace: String,
    pub(crate) kind: ClaimKind,
    pub(crate) name: String,
}

/// Whom a claim is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Pod(String),
    StatefulSet(String),
    Workload {
        kind: String,
        name: String,
    },
    /// Whoever names it.
    Named,
}

/// What is kept of a claim.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClaimFacts {
    pub(crate) key: ClaimKey,
    pub(crate) meta: ObjectMeta,
    pub(crate) network: String,
    /// The addresses that it asks for, or what is wrong with them.
    pub(crate) addresses: Result<Vec<IpAddr>, String>,
    pub(crate) owner: Owner,
    /// Of an AddressClaim.
    pub(crate) status: Option<AddressClaimStatus>,
    /// Of an IPAMClaim.
    pub(crate) ipam_status: Option<Value>,
    /// Why its object can't be read, if so: then only its key and metadata are certain.
    pub(crate) fault: Option<String>,
}

// === impl ClaimFacts ===

impl ClaimFacts {
    pub(crate) fn address(object: AddressClaim) -> Self {
        let spec = object.spec;
        Self {
            key: key(ClaimKind::Address, &object.metadata),
            meta: object.metadata,
            network: spec.network,
            addresses: parse(
                &spec
                    .addresses
                    .iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>(),
            ),
            owner: owner(spec.owner),
            status: object.status,
            ipam_status: None,
            fault: None,
        }
    }

    /// An AddressClaim that can't be read. It keeps what it has, and gets nothing more.
    pub(crate) fn unread(unread: Box<Unread>) -> Self {
        let Unread { meta, why } = *unread;
        Self {
            key: key(ClaimKind::Address, &meta),
            meta,
            network: String::new(),
            addresses: Err(why.clone()),
            owner: Owner::Named,
            status: None,
            ipam_status: None,
            fault: Some(why),
        }
    }

    /// What it was when it could be read last stays true of whose it is.
    pub(crate) fn after(mut self, before: Option<&Self>) -> Self {
        let before = before.filter(|before| self.fault.is_some() && before.uid() == self.uid());
        if let Some(before) = before {
            self.network.clone_from(&before.network);
            self.owner.clone_from(&before.owner);
        }
        self
    }

    pub(crate) fn ipam(mut object: DynamicObject) -> Self {
        object.managed_fields_mut().clear();
        let text = |pointer: &str| {
            let text = object.data.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let asked = object.data.pointer("/spec/ipRequests");
        let asked = asked.and_then(Value::as_array).into_iter().flatten();
        // In CIDR notation.
        let asked = asked.filter_map(Value::as_str);
        let asked = asked.map(|text| text.split('/').next().unwrap_or_default());
        let asked: Vec<&str> = asked.collect();
        Self {
            network: text("/spec/network"),
            addresses: parse(&asked),
            owner: Owner::Named,
            status: None,
            ipam_status: object.data.get("status").cloned(),
            fault: None,
            key: key(ClaimKind::Ipam, &object.metadata),
            meta: object.metadata,
        }
    }

    pub(crate) fn uid(&self) -> Uid {
        Uid::of(self.meta.uid.as_deref().unwrap_or_default())
    }

    pub(crate) fn generation(&self) -> u64 {
        let generation = self.meta.generation.unwrap_or_default();
        u64::try_from(generation).unwrap_or_default()
    }

    /// Milliseconds since 1970.
    pub(crate) fn created(&self) -> i64 {
        let created = self.meta.creation_timestamp.as_ref();
        created.map_or(0, |Time(time)| time.as_millisecond())
    }

    pub(crate) fn is_deleting(&self) -> bool {
        self.meta.deletion_timestamp.is_some()
    }

    /// Whether our finalizer is in place. IPAMClaims get none: that one is gone is read when an entry
    /// still names it.
    pub(crate) fn is_guarded(&self) -> bool {
        self.key.kind == ClaimKind::Ipam || self.has_finalizer()
    }

    pub(crate) fn has_finalizer(&self) -> bool {
        has_finalizer(&self.meta)
    }

    /// The addresses that its status names.
    pub(crate) fn named(&self) -> Vec<IpAddr> {
        let ours = self.status.iter().flat_map(|status| &status.addresses);
        let ips = self
            .ipam_status
            .as_ref()
            .and_then(|status| status.get("ips"));
        let ips = ips.and_then(Value::as_array).into_iter().flatten();
        let texts = ours
            .map(String::as_str)
            .chain(ips.filter_map(Value::as_str));
        let addresses = texts.filter_map(|text| text.split('/').next()?.parse().ok());
        addresses.collect()
    }

    /// Whether more than what the operator itself writes is new.
    pub(crate) fn is_news_after(&self, old: &Self) -> bool {
        let facts = |claim: &Self| {
            (
                claim.uid(),
                claim.generation(),
                claim.is_deleting(),
                claim.is_guarded(),
                claim.fault.clone(),
            )
        };
        facts(self) != facts(old)
    }
}

fn key(kind: ClaimKind, meta: &ObjectMeta) -> ClaimKey {
    ClaimKey {
        namespace: meta.namespace.clone().unwrap_or_default(),
        kind,
        name: meta.name.clone().unwrap_or_default(),
    }
}

fn parse(texts: &[&str]) -> Result<Vec<IpAddr>, String> {
    let parse = |text: &&str| {
        let address = text.parse();
        address.map_err(|_| format!("{text:?} is no address: write one such as 10.20.0.120"))
    };
    texts.iter().map(parse).collect()
}

fn owner(owner: ClaimOwner) -> Owner {
    let pod = owner.pod.map(|pod| pod.name).unwrap_or_default();
    let set = owner.stateful_set.map(|set| set.name).unwrap_or_default();
    match owner.kind {
        ClaimType::Pod => Owner::Pod(pod),
        ClaimType::StatefulSet => Owner::StatefulSet(set),
        ClaimType::Workload => {
            let workload = owner.workload.unwrap_or_default();
            Owner::Workload {
                kind: workload.kind,
                name: workload.name,
            }
        }
        ClaimType::None => Owner::Named,
    }
}
