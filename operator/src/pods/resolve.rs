//! From a pod's annotations to networks, or to a sentence that says what to do.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::{
    attachment::{self, Request},
    id::{Name, Uid},
    ledger::{
        claims::Share,
        view::{Pod, Refusal, Want},
    },
    network::{DefaultRoute, IpamType, Labels, Network},
};
use landfall_crds::keys::event;

use super::{DefaultRoutes, PodFacts};
use crate::{
    args::Door,
    claims::{Asking, Book},
    definitions::{Definition, DefinitionKey},
};

mod names;

use names::target;

/// Networks by name, as pods see them.
pub(crate) type Directory = BTreeMap<Name, Listing>;

/// What stands behind a network's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// A network that can be attached to, or could until it was closed.
    Network(Uid),
    /// An object that is no network, as far as is known: why.
    Invalid(Uid, String),
}

/// An element of a pod's annotation that another plugin serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// The interface that it is for.
    pub(crate) interface: Name,
    /// The name in it.
    pub(crate) name: Name,
}

/// A pod's wishes, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// What the ledger serves.
    pub(crate) pod: Pod,
    /// What another plugin serves.
    pub(crate) others: Vec<Element>,
    /// The default routes that it asks for.
    pub(crate) default_routes: DefaultRoutes,
}

/// What a pod's wishes are held against.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a, F> {
    /// Networks by name.
    pub(crate) directory: &'a Directory,
    /// Networks by UID.
    pub(crate) network: F,
    /// The labels of the pod's namespace.
    pub(crate) namespace: &'a Labels,
    /// The operator's own namespace.
    pub(crate) home: &'a str,
    /// NetworkAttachmentDefinitions, whose names the NPWG's annotation may use.
    pub(crate) definitions: &'a BTreeMap<DefinitionKey, Definition>,
    /// Which claim is whose.
    pub(crate) claims: &'a Book,
    /// How the pod reaches its networks.
    pub(crate) door: Door,
    /// The pod holds grants already. What a change of the network forbids is forbidden to the next
    /// pod: an address is never taken from one that has it.
    pub(crate) is_served: bool,
}

/// Resolves the annotations of a pod.
pub(crate) fn resolve<'a, F>(facts: &PodFacts, around: &Surroundings<'a, F>) -> Resolved
where
    F: Fn(Uid) -> Option<&'a Network>,
{
    let mut default_routes = DefaultRoutes::new();
    let mut others = Vec::new();
    let mut seen = BTreeSet::new();
    let wants = attachment::requests(facts.npwg.as_deref(), facts.landfall.as_deref())
        .map_err(|error| invalid(error.to_string()))
        .and_then(|requests| {
            let wants = requests.into_iter().filter_map(|request| {
                let Some(target) = target(facts, &request, around).transpose() else {
                    others.push(Element {
                        interface: request.interface,
                        name: request.name,
                    });
                    return None;
                };
                if let Some(gateways) = &request.default_route {
                    default_routes.insert(request.interface.clone(), gateways.clone());
                }
                Some(target.and_then(|uid| {
                    // What is for the pod by itself is for its first interface on the network.
                    let is_first = seen.insert(uid);
                    want(facts, request, (uid, is_first), around)
                }))
            });
            wants.collect::<Result<Vec<Want>, Refusal>>()
        });
    let (wants, refusal) = match wants {
        Ok(wants) => (wants, None),
        Err(refusal) => (Vec::new(), Some(refusal)),
    };
    Resolved {
        pod: Pod {
            namespace: Name::from(&*facts.key.namespace),
            node: facts.node.clone(),
            created: facts.created,
            wants,
            refusal,
        },
        others,
        default_routes,
    }
}

fn want<'a, F>(
    facts: &PodFacts,
    request: Request,
    (uid, is_first): (Uid, bool),
    around: &Surroundings<'a, F>,
) -> Result<Want, Refusal>
where
    F: Fn(Uid) -> Option<&'a Network>,
{
    let name = &request.name;
    if !around.is_served {
        let network = (around.network)(uid)
            .ok_or_else(|| unknown(format!("network {name} is not accepted yet")))?;
        admit(facts, network, around.namespace)?;
        check(&request, network)?;
    }
    let claim = claim(facts, &request, (uid, is_first), around)?;
    Ok(Want {
        network: uid,
        interface: request.interface,
        addresses: request.ips.iter().map(|ip| ip.address).collect(),
        mac: request.mac,
        claim,
    })
}

/// The claim that the interface gets its addresses from.
fn claim<'a, F>(
    facts: &PodFacts,
    request: &Request,
    (uid, is_first): (Uid, bool),
    around: &Surroundings<'a, F>,
) -> Result<Option<Share>, Refusal>
where
    F: Fn(Uid) -> Option<&'a Network>,
{
    let Some(network) = (around.network)(uid).filter(|n| n.ipam.kind == IpamType::Cluster) else {
        return Ok(None);
    };
    let asking = Asking {
        pod: facts,
        network: uid,
        network_name: &network.name,
    };
    let found = match &request.ipam_claim_reference {
        Some(name) => around.claims.named(name.as_str(), asking).map(Some),
        None if is_first && request.ips.is_empty() => around.claims.of(asking),
        None => Ok(None),
    };
    // What it holds already it keeps, whatever has become of the claim.
    if around.is_served {
        return Ok(found.ok().flatten());
    }
    let found = found?;
    if found.is_some() && facts.is_migration_target {
        let message = format!(
            "the pod is the target of a live migration, and its address on network {} is still that of \
             the machine it comes from: an address is never given to two pods; stop the virtual machine \
             and start it again, or detach it from the network",
            network.name
        );
        return Err(refusal(event::LIVE_MIGRATION_NOT_SUPPORTED, message));
    }
    Ok(found)
}

fn admit(facts: &PodFacts, network: &Network, labels: &Labels) -> Result<(), Refusal> {
    if network.namespaces.matches(labels) {
        return Ok(());
    }
    let (name, namespace) = (&network.name, &facts.key.namespace);
    let message = format!(
        "network {name} does not admit pods of namespace {namespace}: its spec.namespaces must \
         select the namespace's labels"
    );
    Err(refusal(event::NAMESPACE_NOT_ALLOWED, message))
}

/// What the network can't give.
fn check(request: &Request, network: &Network) -> Result<(), Refusal> {
    let name = &request.name;
    let wrong = |what: &str| {
        let key = request.key;
        Err(invalid(format!("annotation {key}, {name}: {what}")))
    };
    if let Some(key) = request.unserved.first() {
        return wrong(&format!(
            "{key} is nothing that Landfall can give an attachment: leave it out"
        ));
    }
    if request.ipam_claim_reference.is_some() && network.ipam.kind != IpamType::Cluster {
        return wrong(
            "addresses of this network come from elsewhere (spec.ipam): leave ipam-claim-reference out",
        );
    }
    if request.mac.is_some() && !network.driver.has_own_mac() {
        return wrong(
            "an interface of ipvlan, or of mode passthru, has its parent's hardware address: leave \
             mac out",
        );
    }
    if !request.ips.is_empty() && network.ipam.kind != IpamType::Cluster {
        return wrong("addresses of this network come from elsewhere (spec.ipam): leave ips out");
    }
    if request.default_route.is_some() && network.default_route == DefaultRoute::Never {
        return wrong(
            "the network gives no default route: set its spec.defaultRoute to OnRequest, or leave \
             default-route out",
        );
    }
    Ok(())
}

fn invalid(message: String) -> Refusal {
    refusal(event::INVALID_ANNOTATION, message)
}

fn unknown(message: String) -> Refusal {
    refusal(event::UNKNOWN_NETWORK, message)
}

/// Only the user can mend it: ADD fails at once.
fn refusal(reason: &str, message: String) -> Refusal {
    Refusal {
        reason: reason.to_owned(),
        message,
        is_final: true,
    }
}
