//! What a name in an annotation means: a network of ours, another plugin's definition, or nothing.

use landfall_core::{
    attachment::{NPWG_KEY, Request},
    id::{Name, Uid},
    ledger::view::Refusal,
};

use super::{Listing, Surroundings, invalid, unknown};
use crate::{
    args::Door,
    definitions::{Definition, DefinitionKey},
    pods::PodFacts,
};

/// The network that an element means; `None` if it is another plugin's.
pub(super) fn target<F>(
    facts: &PodFacts,
    request: &Request,
    around: &Surroundings<'_, F>,
) -> Result<Option<Uid>, Refusal> {
    let pods_own = || Name::from(facts.key.namespace.as_str());
    let key = DefinitionKey {
        namespace: request.namespace.clone().unwrap_or_else(pods_own),
        name: request.name.clone(),
    };
    // Multus does not read our own annotation, so its names are never those of definitions.
    let is_npwg = request.key == NPWG_KEY;
    let definition = around.definitions.get(&key).filter(|_| is_npwg);
    let is_ours = around.directory.contains_key(&request.name);
    match (around.door, definition) {
        (Door::Delegate | Door::Auto, Some(Definition::Ours(network))) => {
            network_named(network, request, around).map(Some)
        }
        (Door::Delegate, Some(Definition::Other)) => Ok(None),
        (Door::Chained | Door::Auto, Some(Definition::Other)) if !is_ours => Ok(None),
        (Door::Delegate, None) if is_npwg => Err(unknown(format!(
            "there is no NetworkAttachmentDefinition {}/{}: create it, with type landfall and the \
             network's name, or correct the pod's annotation {}",
            key.namespace, key.name, request.key
        ))),
        (_, _) => {
            check_namespace(facts, request, around)?;
            network_named(&request.name, request, around).map(Some)
        }
    }
}

fn check_namespace<F>(
    facts: &PodFacts,
    request: &Request,
    around: &Surroundings<'_, F>,
) -> Result<(), Refusal> {
    let name = &request.name;
    if let Some(namespace) = &request.namespace
        && namespace.as_str() != facts.key.namespace
        && namespace.as_str() != around.home
    {
        return Err(invalid(format!(
            "annotation {}: network {name} is named with namespace {namespace}, but networks have \
             no namespace: write {name} alone",
            request.key
        )));
    }
    Ok(())
}

fn network_named<F>(
    name: &Name,
    request: &Request,
    around: &Surroundings<'_, F>,
) -> Result<Uid, Refusal> {
    match around.directory.get(name) {
        Some(Listing::Network(uid)) => Ok(*uid),
        Some(Listing::Invalid(uid, _)) if around.is_served => Ok(*uid),
        Some(Listing::Invalid(_, message)) => Err(unknown(format!(
            "network {name} is not accepted: {message}"
        ))),
        None => Err(unknown(format!(
            "there is no MacvlanNetwork or IpvlanNetwork {name}: create it, or correct the pod's \
             annotation {}",
            request.key
        ))),
    }
}
