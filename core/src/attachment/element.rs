//! One element of either form, as text, and its checks.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use super::{
    Fault, MAX_ADDRESSES, NameFault, Request, RequestedAddress, check_interface, check_label,
    check_subdomain, error::quote,
};
use crate::{
    address::Family,
    id::Name,
    mac::{Mac, MacError},
};

/// An element as the user wrote it. An empty text is one that was not given, as in Go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) interface: Option<String>,
    pub(super) ips: Option<Vec<String>>,
    pub(super) mac: Option<String>,
    pub(super) default_route: Option<Vec<String>>,
    pub(super) ipam_claim_reference: Option<String>,
    pub(super) unserved: Vec<String>,
}

type Check = fn(&str) -> Result<(), NameFault>;

// === impl Element ===

impl Element {
    /// The network's name. `place` counts from 1 and is what an element without a name is known by.
    pub(super) fn checked_name(&self, place: usize) -> Result<Name, Fault> {
        let name = name("name", Some(self.name.clone()), check_subdomain)?;
        name.ok_or(Fault::NoName(place))
    }

    /// The request for that network, if all other texts are what they should be too.
    pub(super) fn check(self, key: &'static str, network: &Name) -> Result<Request, Fault> {
        let ips = addresses(self.ips.as_deref().unwrap_or_default())?;
        let claim = name(
            "ipam-claim-reference",
            self.ipam_claim_reference,
            check_subdomain,
        )?;
        if claim.is_some() && !ips.is_empty() {
            return Err(Fault::ClaimAndAddresses);
        }
        let interface = name("interface", self.interface, check_interface)?;
        Ok(Request {
            key,
            namespace: name("namespace", self.namespace, check_label)?,
            name: network.clone(),
            interface_requested: interface.is_some(),
            interface: interface.unwrap_or_default(),
            ips,
            mac: given(self.mac).map(|text| mac(&text)).transpose()?,
            default_route: self.default_route.as_deref().map(gateways).transpose()?,
            ipam_claim_reference: claim,
            unserved: self.unserved,
        })
    }
}

/// An empty text is one that was not given, as in Go.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn name(field: &'static str, text: Option<String>, check: Check) -> Result<Option<Name>, Fault> {
    let Some(text) = given(text) else {
        return Ok(None);
    };
    check(&text).map_err(|fault| Fault::Name {
        field,
        text: quote(&text),
        fault,
    })?;
    Ok(Some(Name::from(text.as_str())))
}

fn addresses(texts: &[String]) -> Result<Vec<RequestedAddress>, Fault> {
    if texts.len() > MAX_ADDRESSES {
        return Err(Fault::TooManyAddresses);
    }
    let mut addresses: Vec<RequestedAddress> = Vec::new();
    for text in texts {
        let wanted = address(text).ok_or_else(|| Fault::Address(quote(text)))?;
        if addresses.iter().any(|a| a.address == wanted.address) {
            return Err(Fault::AddressTwice(quote(text)));
        }
        addresses.push(wanted);
    }
    Ok(addresses)
}

/// `10.20.0.5` or `10.20.0.5/24`. An IPv4-mapped IPv6 address is the IPv4 one, as in Go.
fn address(text: &str) -> Option<RequestedAddress> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address = address.parse::<IpAddr>().ok()?.to_canonical();
    let digits = |l: &&str| l.bytes().all(|b| b.is_ascii_digit());
    let prefix_length = match length {
        None => None,
        Some(length) => Some(Some(length).filter(digits)?.parse().ok()?),
    };
    prefix_length
        .is_none_or(|length| length <= Family::of(address).bits())
        .then_some(RequestedAddress {
            address,
            prefix_length,
        })
}

fn gateways(texts: &[String]) -> Result<Vec<IpAddr>, Fault> {
    if texts.len() > MAX_ADDRESSES {
        return Err(Fault::TooManyAddresses);
    }
    let gateway = |text: &String| {
        let address: Result<IpAddr, _> = text.parse();
        address.map_err(|_| Fault::Gateway(quote(text)))
    };
    texts.iter().map(gateway).collect()
}

fn mac(text: &str) -> Result<Mac, Fault> {
    let mac: Result<Mac, MacError> = text.parse();
    mac.and_then(Mac::unicast).map_err(|fault| Fault::Mac {
        text: quote(text),
        fault,
    })
}
