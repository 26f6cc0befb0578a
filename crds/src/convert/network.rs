//! What both kinds have in common.

use std::time::Duration;

use landfall_core::{
    address::Family,
    attachment::check_label,
    id::{Name, Uid},
    network::{
        Announce, DefaultRoute, Driver, Ipam, IpamType, IpvlanMode, Network, ParentRule, Selector,
    },
};

use super::{At, Fault, ipam, parent, route, selector, text};
use crate::network_spec::{AnnounceSpec, AttachmentDefinitionSpec, NetworkSpec};

/// The least MTU that IPv6 works with (RFC 8200, section 5).
const IPV6_MTU: u32 = 1280;
/// The least MTU of IPv4 (RFC 791), and the largest that a link can have.
const MTU: std::ops::RangeInclusive<u32> = 68..=65535;

pub(super) fn network(
    uid: Uid,
    name: Name,
    driver: Driver,
    spec: &NetworkSpec,
) -> Result<Network, Fault> {
    let at = At::root("spec");
    let ipam = ipam::ipam(&at.field("ipam"), spec.ipam.as_ref())?;
    let isolated = spec.isolated.unwrap_or(false);
    check_driver(&at, &driver, &ipam)?;
    check_mtu(&at, spec.mtu, &ipam)?;
    check_way_out(&at, spec, &driver, &ipam)?;
    let link = spec.link.clone().unwrap_or_default();
    let ipv6 = spec.ipv6.clone().unwrap_or_default();
    Ok(Network {
        uid,
        name,
        driver,
        segment: segment(&at, &spec.segment)?,
        namespaces: selector::selector(&at.field("namespaces"), &spec.namespaces)?,
        parents: parents(&at.field("parents"), spec, isolated)?,
        mtu: spec.mtu,
        tx_queue_length: link.tx_queue_length,
        all_multicast: link.all_multicast.unwrap_or(false),
        accept_router_advertisements: ipv6.accept_router_advertisements.unwrap_or(false),
        duplicate_address_detection: ipv6.dad.unwrap_or(false),
        routes: route::routes(&at.field("routes"), &spec.routes, &ipam)?,
        neighbors: route::neighbors(&at.field("neighbors"), &spec.neighbors)?,
        ipam,
        default_route: spec.default_route.unwrap_or_default(),
        default_route_metric: spec.default_route_metric,
        announce: announce(&at.field("announce"), spec.announce.as_ref())?,
        host_access: spec
            .host_access
            .as_ref()
            .is_some_and(|access| access.enabled),
        isolated,
        sysctls: route::sysctls(&at.field("sysctls"), &spec.sysctls)?,
        paused: spec.paused.unwrap_or(false),
        limit_per_namespace: spec.limits.as_ref().and_then(|limits| limits.per_namespace),
        node_deletion: spec.node_deletion.unwrap_or_default(),
        attachment_definition: attachment_definition(
            &at.field("networkAttachmentDefinition"),
            spec.network_attachment_definition.as_ref(),
        )?,
    })
}

fn segment(at: &At, segment: &str) -> Result<Name, Fault> {
    check_label(segment).map_err(|fault| {
        at.field("segment")
            .fault(format!("{segment:?} can't be one: {fault}"))
    })?;
    Ok(Name::from(segment))
}

fn parents(at: &At, spec: &NetworkSpec, isolated: bool) -> Result<Vec<ParentRule>, Fault> {
    if spec.parents.is_empty() && !isolated {
        return Err(at.fault(
            "is empty: name at least one host interface, or set isolated: true for a network without one",
        ));
    }
    at.each(&spec.parents, parent::rule)
}

fn check_driver(at: &At, driver: &Driver, ipam: &Ipam) -> Result<(), Fault> {
    match driver {
        Driver::Ipvlan { .. } if ipam.kind == IpamType::Dhcp => Err(at.field("ipam").field("type").fault(
            "is DHCP, which needs a hardware address for each pod; ipvlan has one for all: use a MacvlanNetwork",
        )),
        Driver::Ipvlan { mode: mode @ (IpvlanMode::L3 | IpvlanMode::L3s), .. } if ipam.conflict_probe => {
            Err(at.field("ipam").field("conflictProbe").fault(format!(
                "asks the LAN by ARP and ND, which mode {mode} has no part in: its packets are routed; remove it, or use mode l2"
            )))
        }
        Driver::Ipvlan { .. } | Driver::Macvlan(_) => Ok(()),
    }
}

fn check_mtu(at: &At, mtu: Option<u32>, ipam: &Ipam) -> Result<(), Fault> {
    let Some(mtu) = mtu else {
        return Ok(());
    };
    let at = at.field("mtu");
    if !MTU.contains(&mtu) {
        let (least, most) = (MTU.start(), MTU.end());
        return Err(at.fault(format!("is {mtu}: it must be between {least} and {most}")));
    }
    if mtu < IPV6_MTU && ipam::has(ipam, Family::V6) {
        return Err(at.fault(format!(
            "is {mtu}, below the {IPV6_MTU} that IPv6 needs: raise it, or remove the IPv6 subnets"
        )));
    }
    Ok(())
}

/// Whether default route, gateways and isolation fit together.
fn check_way_out(at: &At, spec: &NetworkSpec, driver: &Driver, ipam: &Ipam) -> Result<(), Fault> {
    let policy = spec.default_route.unwrap_or_default();
    let with_gateway = ipam.subnets.iter().position(|s| s.gateway.is_some());
    let isolated = spec.isolated == Some(true);
    if isolated && policy != DefaultRoute::Never {
        let at = at.field("defaultRoute");
        return Err(at.fault(format!(
            "is {policy}, but isolated: true has no way out: remove one of them"
        )));
    }
    if let Some(index) = with_gateway.filter(|_| isolated) {
        let at = at
            .field("ipam")
            .field("subnets")
            .index(index)
            .field("gateway");
        return Err(at.fault("is set, but isolated: true has no way out: remove one of them"));
    }
    let is_given = policy == DefaultRoute::Always && ipam.kind == IpamType::Cluster;
    let needs_gateway = is_given && !driver.is_routed();
    if needs_gateway && with_gateway.is_none() {
        let at = at.field("defaultRoute");
        return Err(
            at.fault("is Always, but no subnet has a gateway: set the gateway of at least one")
        );
    }
    if spec.default_route_metric.is_some() && policy == DefaultRoute::Never {
        let at = at.field("defaultRouteMetric");
        return Err(at.fault("has no effect while defaultRoute is Never: set that, or remove this"));
    }
    Ok(())
}

fn announce(at: &At, spec: Option<&AnnounceSpec>) -> Result<Announce, Fault> {
    let spec = spec.cloned().unwrap_or_default();
    let count = spec.count.unwrap_or(3);
    let limits = [Duration::from_millis(100), Duration::from_secs(60)];
    let interval = spec.interval.as_deref();
    let default = Duration::from_secs(1);
    Ok(Announce {
        count: u8::try_from(count)
            .ok()
            .filter(|count| *count <= 10)
            .ok_or_else(|| {
                at.field("count")
                    .fault(format!("is {count}: it must be at most 10"))
            })?,
        interval_ms: text::millis(&at.field("interval"), interval, default, limits)?,
    })
}

fn attachment_definition(
    at: &At,
    spec: Option<&AttachmentDefinitionSpec>,
) -> Result<Option<Selector>, Fault> {
    let Some(spec) = spec.filter(|spec| spec.enabled) else {
        return Ok(None);
    };
    let namespaces = selector::optional(&at.field("namespaces"), spec.namespaces.as_ref())?;
    Ok(Some(namespaces.unwrap_or_default()))
}
