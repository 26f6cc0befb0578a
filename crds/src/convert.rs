//! From API objects to core's networks: the only door for user input.
//!
//! The schema's rules say most of this earlier, at `kubectl apply`. They are repeated here, because
//! an object may be older than a rule, and because only here a sentence can name the values.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Resource,
    core::object::{HasSpec, HasStatus},
};
use landfall_core::{
    attachment::check_label,
    id::{Name, Uid},
    mac::{DEFAULT_PREFIX, Mac, parse_prefix},
    network::{Driver, IpvlanFlag, Macvlan, MacvlanMode, Network},
};

use crate::{
    ipvlan::IpvlanNetwork,
    macvlan::{MacvlanNetwork, MacvlanNetworkSpec},
    network_spec::{NetworkSpec, NetworkStatus},
};

mod at;
mod ipam;
mod network;
mod not_implemented;
mod parent;
mod route;
mod selector;
mod served;
mod text;

use at::At;
pub use at::Fault;

/// Either kind of network, as its user wrote it.
pub trait NetworkObject:
    Resource<DynamicType = ()> + HasSpec + HasStatus<Status = NetworkStatus> + Clone
{
    /// The fields that both kinds have.
    fn shared(&self) -> &NetworkSpec;

    /// The network, if the object makes sense by itself.
    fn validate(&self) -> Result<Network, Fault>;

    /// The path of a field that is set and not served yet: the object is then not accepted (reason
    /// NotImplemented), rather than served without it.
    fn not_implemented(&self) -> Option<&'static str>;
}

impl NetworkObject for MacvlanNetwork {
    fn shared(&self) -> &NetworkSpec {
        &self.spec.network
    }

    fn validate(&self) -> Result<Network, Fault> {
        Network::try_from(self)
    }

    fn not_implemented(&self) -> Option<&'static str> {
        not_implemented::first(&self.spec.network)
    }
}

impl NetworkObject for IpvlanNetwork {
    fn shared(&self) -> &NetworkSpec {
        &self.spec.network
    }

    fn validate(&self) -> Result<Network, Fault> {
        Network::try_from(self)
    }

    fn not_implemented(&self) -> Option<&'static str> {
        not_implemented::first(&self.spec.network)
    }
}

impl TryFrom<&MacvlanNetwork> for Network {
    type Error = Fault;

    fn try_from(object: &MacvlanNetwork) -> Result<Self, Fault> {
        let (uid, name) = identity(&object.metadata)?;
        let driver = Driver::Macvlan(macvlan(&object.spec)?);
        network::network(uid, name, driver, &object.spec.network)
    }
}

impl TryFrom<&IpvlanNetwork> for Network {
    type Error = Fault;

    fn try_from(object: &IpvlanNetwork) -> Result<Self, Fault> {
        let (uid, name) = identity(&object.metadata)?;
        let driver = Driver::Ipvlan {
            mode: object.spec.mode,
            flag: object.spec.flag.unwrap_or(IpvlanFlag::Bridge),
        };
        network::network(uid, name, driver, &object.spec.network)
    }
}

/// The object's UID and name. Both are there in every object that the API server has stored.
fn identity(metadata: &ObjectMeta) -> Result<(Uid, Name), Fault> {
    let at = At::root("metadata");
    let uid = metadata.uid.as_deref().filter(|uid| !uid.is_empty());
    let uid = uid.ok_or_else(|| {
        let at = at.field("uid");
        at.fault("is missing: only an object that the API server has stored can be served")
    })?;
    let name = metadata.name.as_deref().unwrap_or_default();
    check_label(name).map_err(|fault| at.field("name").fault(format!("{name:?}: {fault}")))?;
    Ok((Uid::of(uid), Name::from(name)))
}

/// The options that only macvlan has.
fn macvlan(spec: &MacvlanNetworkSpec) -> Result<Macvlan, Fault> {
    let options = spec.macvlan.clone().unwrap_or_default();
    let at = At::root("spec").field("macvlan").field("allowedSources");
    let allowed_sources = at.each(&options.allowed_sources, |at, mac| text::mac(at, mac))?;
    if (spec.mode == MacvlanMode::Source) == allowed_sources.is_empty() {
        return Err(at.fault(
            "goes with mode: source, and mode: source lets nobody in without it: set both or none",
        ));
    }
    Ok(Macvlan {
        mode: spec.mode,
        prefix: prefix(spec)?,
        broadcast_queue_length: options.broadcast_queue_length,
        broadcast_cutoff: options.broadcast_cutoff,
        no_promiscuous: options.no_promiscuous.unwrap_or(false),
        allowed_sources: sorted(allowed_sources),
    })
}

fn prefix(spec: &MacvlanNetworkSpec) -> Result<[u8; 2], Fault> {
    let Some(text) = spec.mac.as_ref().and_then(|mac| mac.prefix.as_deref()) else {
        return Ok(DEFAULT_PREFIX);
    };
    parse_prefix(text).ok_or_else(|| {
        At::root("spec").field("mac").field("prefix").fault(format!(
            "{text:?} can't begin a hardware address of our own: write two bytes such as 0a:58, \
             the second digit 2, 6, a or e (unicast and locally administered)"
        ))
    })
}

fn sorted(mut macs: Vec<Mac>) -> Vec<Mac> {
    macs.sort_unstable();
    macs.dedup();
    macs
}

#[cfg(test)]
mod tests;
