//! What the stand-alone plugin asks of a namespace: it has no snapshot of the node, its names come from a
//! configuration, and its routes are those of a CNI result.

use std::net::IpAddr;

use ipnet::IpNet;
use landfall_core::{
    id::Name,
    link::{Observed, ObservedAddress, Step},
    network::Route,
};
use netlink_packet_core::NLM_F_CREATE;
use netlink_packet_route::{
    RouteNetlinkMessage,
    route::{RouteAttribute, RouteHeader, RouteProtocol, RouteScope},
};

use crate::{
    attach::{AttachError, Node},
    message,
    netns::Netns,
    observe::{ObserveError, addresses, by_index, by_name, routes_with_link},
    socket::{NetlinkError, Request},
};

/// A route as a CNI result words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsertedRoute {
    /// Where to. Bits after the prefix are refused by the kernel.
    pub destination: IpNet,
    /// Through whom; `None` is on the link.
    pub gateway: Option<IpAddr>,
    /// The metric; `None` is the kernel's.
    pub metric: Option<u32>,
    /// The table; `None` is main.
    pub table: Option<u32>,
    /// The scope; `None` is universe.
    pub scope: Option<u8>,
}

/// A route that the kernel refused. Those before it are there.
#[derive(Debug, thiserror::Error)]
#[error("cannot add the route to {}", .route.destination)]
pub struct InsertError {
    /// Which.
    pub route: InsertedRoute,
    /// Why.
    #[source]
    pub source: NetlinkError,
}

// === impl Node ===

impl Node {
    /// Runs steps that somebody else planned for a link of a sandbox. On an error what was done is
    /// undone.
    pub fn run(&mut self, netns: &Netns, name: &Name, steps: &[Step]) -> Result<(), AttachError> {
        self.visit(netns, name, |visit| {
            let stopped = match visit.execute(steps) {
                Ok(()) => return Ok(()),
                Err(stopped) => stopped,
            };
            let undo_failures = visit.undo(&stopped.done);
            Err((stopped.cause, undo_failures))
        })
    }

    /// The link of that name, without its addresses and routes.
    pub fn link_named(&mut self, name: &str) -> Result<Option<Observed>, ObserveError> {
        by_name(self.host(), name).map_err(ObserveError::Links)
    }

    /// The link that the first default route leaves through, IPv4 before IPv6.
    pub fn default_link(&mut self) -> Result<Option<Observed>, ObserveError> {
        let routes = routes_with_link(self.host(), 0).map_err(ObserveError::Routes)?;
        let default = routes
            .iter()
            .find(|(_, route)| route.destination.prefix_len() == 0);
        match default {
            Some((index, _)) => by_index(self.host(), *index).map_err(ObserveError::Links),
            None => Ok(None),
        }
    }

    /// The addresses of a link.
    pub fn addresses_of(&mut self, index: u32) -> Result<Vec<ObservedAddress>, ObserveError> {
        let found = addresses(self.host(), index).map_err(ObserveError::Addresses)?;
        Ok(found.into_iter().map(|(_, address)| address).collect())
    }

    /// All routes of the main table, each with the index of its link.
    pub fn all_routes(&mut self) -> Result<Vec<(u32, Route)>, ObserveError> {
        routes_with_link(self.host(), 0).map_err(ObserveError::Routes)
    }

    /// Adds routes through a link of this namespace, in one batch. Of two to one destination both are
    /// there afterwards: the first of IPv4 is used, those of IPv6 share.
    pub fn insert_routes(
        &mut self,
        index: u32,
        routes: &[InsertedRoute],
    ) -> Result<(), Box<InsertError>> {
        let failed = |place: usize, source| {
            let route = routes.get(place).or_else(|| routes.first()).cloned();
            route.map_or(Ok(()), |route| Err(Box::new(InsertError { route, source })))
        };
        let requests = routes.iter().map(|route| insert(index, route)).collect();
        match self.host().batch(requests) {
            Ok(refusals) => match refusals.into_iter().next() {
                Some((place, refusal)) => failed(place, NetlinkError::Refused(refusal)),
                None => Ok(()),
            },
            Err(error) => failed(0, error),
        }
    }

    /// Removes a link of this namespace, if it is there. Returns when the kernel is done with it.
    pub fn remove_link(&mut self, index: u32) -> Result<(), NetlinkError> {
        match self.host().call(message::remove(index)) {
            Err(error) if error.errno() == Some(nix::errno::Errno::ENODEV) => Ok(()),
            result => result,
        }
    }
}

/// As the reference plugins ask for it: NLM_F_CREATE alone, protocol boot, no bit of the destination
/// taken away.
fn insert(index: u32, route: &InsertedRoute) -> Request {
    let mut message = message::through(index, route.destination, route.gateway, route.metric);
    message.header.protocol = RouteProtocol::Boot;
    message.header.scope = route.scope.map_or(RouteScope::Universe, RouteScope::from);
    if let Some(table) = route.table {
        // The header has one byte; the attribute goes before it.
        message.header.table = RouteHeader::RT_TABLE_UNSPEC;
        message.attributes.push(RouteAttribute::Table(table));
    }
    Request {
        message: RouteNetlinkMessage::NewRoute(message),
        flags: NLM_F_CREATE,
    }
}

#[cfg(test)]
mod tests;
