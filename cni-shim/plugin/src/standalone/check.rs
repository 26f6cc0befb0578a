//! CHECK: what ADD told the runtime is compared with the kernel. More than that is no difference.

use ipnet::IpNet;
use landfall_core::{
    link::{Observed, ObservedDriver},
    network::{Driver, NetworkKind, Route as KernelRoute},
};
use landfall_link::{Chain, Node};
use nix::libc::RT_TABLE_MAIN;

use super::{
    Call, internal,
    result::{CniResult, Interface, Route},
    sandbox,
};
use crate::spec::CniError;

impl Call<'_> {
    pub(super) fn check(&self) -> Result<(), CniError> {
        let netns = self.sandbox()?;
        let mut below = self.below(Some(&netns))?;
        // After another plugin ipvlan's parent was in a prevResult that is not this one.
        let is_known = !self.config.master.is_empty() || self.config.kind == NetworkKind::Macvlan;
        if is_known {
            let parent = self.parent(&mut below, None)?;
            self.mtu(&parent)?;
        }
        self.ipam_check()?;
        let raw = self.config.prev_result;
        let raw = raw.ok_or_else(|| internal("required prevResult missing"))?;
        let previous = CniResult::read_raw(raw, self.config.version).map_err(internal)?;
        let mut pod = sandbox::inside(&netns)?;
        let link = self.check_link(&mut pod, self.told(&previous)?)?;
        check_addresses(&mut pod, &link, &previous)
    }

    /// What ADD told of this interface.
    fn told<'a>(&self, previous: &'a CniResult) -> Result<&'a Interface, CniError> {
        let (name, sandbox) = (&self.environment.interface, self.netns_path().display());
        let sandbox = sandbox.to_string();
        let mut own = previous.interfaces.iter().rev();
        own.find(|told| told.name == *name && told.sandbox == sandbox)
            .ok_or_else(|| {
                let other = previous.interfaces.iter().find(|told| told.name == *name);
                let other = other.map(|told| told.sandbox.as_str()).unwrap_or_default();
                internal(format!(
                    "sandbox in prevResult {other} doesn't match configured netns: {sandbox}"
                ))
            })
    }

    fn check_link(&self, pod: &mut Node, told: &Interface) -> Result<Observed, CniError> {
        let (name, kind) = (&told.name, self.kind());
        let found = pod
            .link_named(name)
            .map_err(|error| internal(Chain(&error)))?;
        let link = found.ok_or_else(|| {
            internal(format!(
                "container Interface name in prevResult: {name} not found"
            ))
        })?;
        let wanted = self.config.driver().map_err(internal)?;
        let ObservedDriver::Ours(driver) = &link.driver else {
            return Err(self.other_type(name));
        };
        if driver.kind() != wanted.kind() {
            return Err(self.other_type(name));
        }
        if !is_mode(&wanted, driver) {
            let (mode, other) = (driver.mode(), wanted.mode());
            return Err(internal(format!(
                "container {kind} mode {mode} does not match expected value: {other}"
            )));
        }
        let mac = link.mac.map(|mac| mac.to_string()).unwrap_or_default();
        if !told.mac.is_empty() && !told.mac.eq_ignore_ascii_case(&mac) {
            let told = &told.mac;
            return Err(internal(format!(
                "interface {name} Mac {told} doesn't match container Mac: {mac}"
            )));
        }
        Ok(link)
    }

    fn other_type(&self, name: &str) -> CniError {
        let kind = self.kind();
        internal(format!(
            "error: Container interface {name} not of type {kind}"
        ))
    }
}

fn is_mode(wanted: &Driver, found: &Driver) -> bool {
    match (wanted, found) {
        (Driver::Ipvlan { .. }, Driver::Ipvlan { .. }) => wanted == found,
        (wanted, found) => wanted.mode() == found.mode(),
    }
}

fn check_addresses(pod: &mut Node, link: &Observed, previous: &CniResult) -> Result<(), CniError> {
    let name = &link.name;
    let addresses = pod.addresses_of(link.index);
    let addresses = addresses.map_err(|error| internal(Chain(&error)))?;
    let routes = pod.all_routes().map_err(|error| internal(Chain(&error)))?;
    let has = |wanted: &dyn Fn(&KernelRoute) -> bool| routes.iter().any(|(_, r)| wanted(r));
    for ip in &previous.ips {
        let address = ip.address;
        if !addresses.iter().any(|found| found.address == address) {
            return Err(internal(format!(
                "Failed to match addr {address} on interface {name}"
            )));
        }
        // The kernel makes none for a single address.
        let connected = address.trunc();
        let single = address.prefix_len() == address.max_prefix_len();
        if !single && !has(&|route| route.destination == connected) {
            let gateway = ip.gateway.map_or_else(String::new, |ip| ip.to_string());
            return Err(internal(format!(
                "Failed to find Gateway {gateway} for interface {name}"
            )));
        }
    }
    // Only the main table was read.
    let is_main = |route: &&Route| route.table.is_none_or(|t| t == i64::from(RT_TABLE_MAIN));
    for route in previous.routes.iter().filter(is_main) {
        if !has(&|found| is_route(route, found)) {
            let destination = route.destination;
            return Err(internal(format!(
                "Expected Route {destination} not found in routing table"
            )));
        }
    }
    Ok(())
}

/// The gateway of a default route is not compared, as in the reference.
fn is_route(told: &Route, found: &KernelRoute) -> bool {
    let is_default = |net: &IpNet| net.prefix_len() == 0;
    let same = found.destination == told.destination.trunc();
    let through =
        told.gateway.is_none() || is_default(&told.destination) || found.gateway == told.gateway;
    same && through
}
