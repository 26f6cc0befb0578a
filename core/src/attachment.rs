//! What a pod's annotations ask for.
//!
//! Two keys, one grammar: the NPWG's `k8s.v1.cni.cncf.io/networks` and our own
//! `landfall.dev/networks`, which Multus does not read. Each is a comma list or a JSON list, told
//! apart as Multus does. The text is the user's, so everything is checked and bounded.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use crate::{id::Name, mac::Mac};

mod comma;
mod element;
mod error;
mod json;
mod names;

pub use error::{AnnotationError, Fault};
pub use names::{NameFault, check_interface, check_label, check_subdomain};

/// The NPWG's key.
pub const NPWG_KEY: &str = "k8s.v1.cni.cncf.io/networks";
/// Our own key.
pub const LANDFALL_KEY: &str = "landfall.dev/networks";

/// The most attachments that one pod may ask for.
pub const MAX_REQUESTS: usize = 64;
/// The most addresses that one attachment may ask for.
pub const MAX_ADDRESSES: usize = 16;
/// The most bytes of one annotation; the API server's limit for all of a pod's together.
pub const MAX_BYTES: usize = 256 * 1024;

/// Names that the pod's namespace has already, or that the kernel refuses because they are folders
/// below `/proc/sys/net/ipv4/conf`.
const TAKEN_INTERFACES: [&str; 4] = ["eth0", "lo", "all", "default"];

/// One attachment that a pod asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// The annotation that it is in: [`NPWG_KEY`] or [`LANDFALL_KEY`].
    pub key: &'static str,
    /// The namespace that was named; `None` is the pod's own.
    pub namespace: Option<Name>,
    /// The name of the network, or of the NetworkAttachmentDefinition.
    pub name: Name,
    /// The interface's name in the pod: requested, or `net<i>` by its place over both annotations.
    pub interface: Name,
    /// Whether the name was requested.
    pub interface_requested: bool,
    /// Requested addresses.
    pub ips: Vec<RequestedAddress>,
    /// The requested hardware address.
    pub mac: Option<Mac>,
    /// The gateways of the pod's default route, the first preferred. `None` if it was not asked for;
    /// empty: the subnet's gateway.
    pub default_route: Option<Vec<IpAddr>>,
    /// The claim that keeps the addresses.
    pub ipam_claim_reference: Option<Name>,
    /// Keys that an attachment of ours can't honour (bandwidth, deviceID, a misspelt one, …). They
    /// are no error here: the element may be for another plugin.
    pub unserved: Vec<String>,
}

/// A requested address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestedAddress {
    /// The address.
    pub address: IpAddr,
    /// The prefix length that was written with it; the subnet's counts.
    pub prefix_length: Option<u8>,
}

/// Reads both annotations of a pod. No annotation, or one that is empty, asks for nothing.
pub fn requests(
    npwg: Option<&str>,
    landfall: Option<&str>,
) -> Result<Vec<Request>, AnnotationError> {
    let mut requests = Vec::new();
    read(NPWG_KEY, npwg.unwrap_or_default(), &mut requests)?;
    read(LANDFALL_KEY, landfall.unwrap_or_default(), &mut requests)?;
    number(&mut requests);
    check_interfaces(&requests)?;
    check_default_routes(&requests)?;
    Ok(requests)
}

/// Reads one annotation. Multus takes any text with one of these three characters for JSON.
fn read(key: &'static str, text: &str, requests: &mut Vec<Request>) -> Result<(), AnnotationError> {
    if text.len() > MAX_BYTES {
        return Err(AnnotationError::whole(key, Fault::TooLong));
    }
    if text.trim().is_empty() {
        return Ok(());
    }
    let room = MAX_REQUESTS.saturating_sub(requests.len());
    let elements = if text.contains(['[', '{', '"']) {
        json::read(text, room)
    } else {
        comma::read(text, room)
    };
    let elements = elements.map_err(|fault| AnnotationError::whole(key, fault))?;
    for (index, element) in elements.into_iter().enumerate() {
        let whole = |fault| AnnotationError::whole(key, fault);
        let name = element.checked_name(index + 1).map_err(whole)?;
        let at_name = |fault| AnnotationError::of(key, &name, fault);
        let request = element.check(key, &name).map_err(at_name)?;
        requests.push(request);
    }
    Ok(())
}

/// `net<i>` counts every element, also those with a name of their own, as Multus does.
fn number(requests: &mut [Request]) {
    for (index, request) in requests.iter_mut().enumerate() {
        if !request.interface_requested {
            request.interface = Name::from(alloc::format!("net{}", index + 1).as_str());
        }
    }
}

fn check_interfaces(requests: &[Request]) -> Result<(), AnnotationError> {
    for (index, request) in requests.iter().enumerate() {
        let name = request.interface.as_str();
        if TAKEN_INTERFACES.contains(&name) {
            return Err(error(request, Fault::InterfaceTaken(name.into())));
        }
        if let Some(first) = requests
            .iter()
            .take(index)
            .find(|r| r.interface.as_str() == name)
        {
            let fault = Fault::InterfaceTwice {
                interface: name.into(),
                first: first.name.clone(),
            };
            return Err(error(request, fault));
        }
    }
    Ok(())
}

fn check_default_routes(requests: &[Request]) -> Result<(), AnnotationError> {
    let mut wanting = requests.iter().filter(|r| r.default_route.is_some());
    match (wanting.next(), wanting.next()) {
        (Some(first), Some(second)) => {
            let fault = Fault::DefaultRouteTwice(first.name.clone());
            Err(error(second, fault))
        }
        _ => Ok(()),
    }
}

fn error(request: &Request, fault: Fault) -> AnnotationError {
    AnnotationError::of(request.key, &request.name, fault)
}

#[cfg(test)]
mod tests;
