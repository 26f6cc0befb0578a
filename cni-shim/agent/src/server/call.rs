//! A request of the plugin, checked.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::Arc,
};

use landfall_core::{
    agent::{AddRequest, Asked, Token},
    attachment,
    id::{Name, Uid},
};
use landfall_link::{Chain, Netns};
use landfall_plugin::{
    spec::{CniError, Code, Verb},
    wire::{Door, Request},
};

use super::numbers::Numbers;
use crate::engine::Sandbox;

/// What the plugin asks for.
#[derive(Debug)]
pub enum Call {
    /// Attach.
    Add(Box<Add>),
    /// Detach.
    Del {
        /// The sandbox.
        container: Name,
        /// The one interface of a delegate call; `None` is all.
        interface: Option<Name>,
        /// Its namespace, if it could be opened.
        netns: Option<Arc<Netns>>,
    },
    /// Are the links there?
    Check {
        /// The sandbox.
        container: Name,
        /// The one interface of a delegate call, which must be known; `None` is what is known.
        interface: Option<Name>,
    },
    /// Detach what is not listed.
    Gc {
        /// Sandboxes that the runtime knows.
        valid: BTreeSet<Name>,
    },
    /// Could you attach?
    Status {
        /// Who asks.
        door: Door,
    },
    /// The annotations ask for nothing.
    Nothing,
}

/// An ADD.
#[derive(Debug)]
pub struct Add {
    /// The pod's UID.
    owner: Uid,
    /// The sandbox.
    pub(super) container: Name,
    asked: Vec<Asked>,
    /// The sandbox's namespace.
    pub(super) sandbox: Sandbox,
}

/// Container IDs name files.
const MAX_CONTAINER_ID: usize = 180;

// === impl Call ===

impl Call {
    /// Checks a request. Blocks: it enters the namespace for its cookie.
    pub fn of(
        request: &Request,
        netns: Option<OwnedFd>,
        numbers: &mut Numbers,
    ) -> Result<Self, CniError> {
        match request.verb {
            Verb::Add => add(request, netns, numbers),
            Verb::Del => Ok(Self::Del {
                container: container(request)?,
                interface: interface(request),
                netns: netns.map(|fd| Arc::new(Netns::from_fd(fd, &path(request)))),
            }),
            Verb::Check => Ok(Self::Check {
                container: container(request)?,
                interface: interface(request),
            }),
            Verb::Gc => Ok(Self::Gc {
                valid: request
                    .valid
                    .iter()
                    .map(|valid| Name::from(valid.container_id.as_str()))
                    .collect(),
            }),
            Verb::Status => Ok(Self::Status { door: request.door }),
            Verb::Version => Ok(Self::Nothing),
        }
    }
}

fn add(request: &Request, netns: Option<OwnedFd>, numbers: &mut Numbers) -> Result<Call, CniError> {
    let asked = asked(request)?;
    if asked.is_empty() {
        return Ok(Call::Nothing);
    }
    if request.pod.uid.is_empty() {
        let msg = "CNI_ARGS has no K8S_POD_UID; the runtime must pass it";
        return Err(CniError::new(Code::InvalidEnvironment, msg));
    }
    let path = path(request);
    let fd = netns.ok_or_else(|| {
        CniError::new(
            Code::InvalidEnvironment,
            "the sandbox's network namespace did not come with the request",
        )
    })?;
    let netns = Netns::from_fd(fd, &path);
    let cookie = netns
        .cookie()
        .map_err(|error| CniError::new(Code::Other(100), Chain(&error)))?;
    let pod = &request.pod;
    Ok(Call::Add(Box::new(Add {
        owner: Uid::of(&pod.uid),
        container: container(request)?,
        asked,
        sandbox: Sandbox {
            number: numbers.give(&netns),
            netns: Arc::new(netns),
            path,
            cookie: cookie.0,
            pod: format!("{}/{}", pod.namespace, pod.name),
        },
    })))
}

fn asked(request: &Request) -> Result<Vec<Asked>, CniError> {
    match request.door {
        Door::Delegate => Ok(vec![delegate(request)?]),
        Door::Chained => {
            let annotations = &request.annotations;
            let requests =
                attachment::requests(annotations.npwg.as_deref(), annotations.landfall.as_deref())
                    .map_err(|error| CniError::new(Code::InvalidConfig, error))?;
            Ok(requests
                .into_iter()
                .map(|request| Asked {
                    network: request.name,
                    interface: request.interface,
                    addresses: request.ips.iter().map(|ip| ip.address).collect(),
                })
                .collect())
        }
    }
}

fn delegate(request: &Request) -> Result<Asked, CniError> {
    let invalid = |msg: String| CniError::new(Code::InvalidConfig, msg);
    let network = request.network.as_deref().unwrap_or_default();
    if network.is_empty() {
        return Err(invalid("the configuration names no network".to_owned()));
    }
    attachment::check_interface(&request.interface)
        .map_err(|error| invalid(format!("interface {:?}: {error}", request.interface)))?;
    let address = |text: &String| {
        let bare = text.split('/').next().unwrap_or_default();
        let address: Result<IpAddr, _> = bare.parse();
        address.map_err(|_| invalid(format!("{text:?} in ips is no IP address")))
    };
    Ok(Asked {
        network: Name::from(network),
        interface: Name::from(request.interface.as_str()),
        addresses: request.ips.iter().map(address).collect::<Result<_, _>>()?,
    })
}

fn container(request: &Request) -> Result<Name, CniError> {
    let id = request.container_id.as_str();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if id.is_empty() || id.len() > MAX_CONTAINER_ID || id.starts_with('.') || !id.chars().all(plain)
    {
        let msg = format!("{id:?} is no container ID");
        return Err(CniError::new(Code::InvalidEnvironment, msg));
    }
    Ok(Name::from(id))
}

/// A chained call names the primary network's interface, which is none of ours.
fn interface(request: &Request) -> Option<Name> {
    match request.door {
        Door::Delegate => Some(Name::from(request.interface.as_str())),
        Door::Chained => None,
    }
}

fn path(request: &Request) -> PathBuf {
    Path::new(request.netns.as_deref().unwrap_or_default()).to_owned()
}

// === impl Add ===

impl Add {
    /// What core decides on.
    pub(super) fn request(&self, token: Token) -> AddRequest {
        AddRequest {
            token,
            container: self.container.clone(),
            owner: self.owner,
            asked: self.asked.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
