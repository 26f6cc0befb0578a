//! Whether a claim may have addresses, and what the ledger sees of it.

use landfall_core::{
    id::{Name, Uid},
    ledger::claims::{Claim, Shares},
    network::{IpamType, Labels, Network},
};
use landfall_crds::keys::{event, reason};

use super::{ClaimFacts, Owner};

/// Why a claim is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The condition's reason.
    pub(crate) reason: &'static str,
    /// A sentence that says what to do.
    pub(crate) message: String,
}

/// What was found about a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    /// The network that it names, accepted or not.
    pub(crate) network: Option<Uid>,
    pub(crate) accepted: Result<(), Fault>,
    /// What the ledger sees.
    pub(crate) claim: Claim,
}

/// Judges a claim. `network` is what its spec names, or why that is none; `labels` are those of its
/// namespace; `ordinals` are the first and the number of those of its StatefulSet.
pub(crate) fn judge(
    facts: &ClaimFacts,
    network: Result<&Network, String>,
    labels: &Labels,
    ordinals: Option<(u32, u32)>,
) -> Judged {
    let named = network.as_ref().ok().map(|network| network.uid);
    let accepted = accept(facts, network, labels);
    let may_have = facts.is_guarded() && !facts.is_deleting();
    // An address that is wrong keeps the others from nothing: it is only never taken.
    let is_open = !matches!(&accepted, Err(fault) if fault.reason != reason::INVALID);
    let shares = match &facts.owner {
        Owner::Pod(_) | Owner::Named => Shares::Whole,
        Owner::Workload { .. } => Shares::Drawn,
        Owner::StatefulSet(_) => {
            let (first, count) = ordinals.unwrap_or_default();
            Shares::Ordinals { first, count }
        }
    };
    Judged {
        network: named,
        claim: Claim {
            namespace: Name::from(&*facts.key.namespace),
            name: Name::from(&*facts.key.name),
            generation: facts.generation(),
            network: named.filter(|_| may_have && is_open && facts.addresses.is_ok()),
            is_ending: facts.is_deleting(),
            addresses: facts.addresses.clone().unwrap_or_default(),
            shares,
        },
        accepted,
    }
}

fn accept(
    facts: &ClaimFacts,
    network: Result<&Network, String>,
    labels: &Labels,
) -> Result<(), Fault> {
    let fault = |reason, message| Err(Fault { reason, message });
    if let Some(why) = &facts.fault {
        let message = format!("the object can't be read: {why}");
        return fault(reason::INVALID, message);
    }
    let network = match network {
        Ok(network) => network,
        Err(message) => return fault(event::UNKNOWN_NETWORK, message),
    };
    let name = &network.name;
    if !network.namespaces.matches(labels) {
        let message = format!(
            "network {name} does not admit namespace {}: its spec.namespaces must select the \
             namespace's labels",
            facts.key.namespace
        );
        return fault(event::NAMESPACE_NOT_ALLOWED, message);
    }
    if network.ipam.kind != IpamType::Cluster {
        let message = format!(
            "addresses of network {name} come from elsewhere (spec.ipam): there is nothing to keep"
        );
        return fault("NotManaged", message);
    }
    let addresses = match &facts.addresses {
        Ok(addresses) => addresses,
        Err(message) => return fault(reason::INVALID, message.clone()),
    };
    let mut outside = addresses
        .iter()
        .filter(|a| network.subnet_of(**a).is_none());
    if let Some(address) = outside.next() {
        let message = format!(
            "address {address} is not one that network {name} grants: choose one inside its ranges, \
             outside its excludes, and not a gateway"
        );
        return fault(reason::INVALID, message);
    }
    Ok(())
}
