//! What the API has and the programs do not serve yet.
//!
//! A field that is set and not served would be a promise that is not kept, so the object is not
//! accepted. Whoever implements a field takes its row out.

use landfall_core::network::{IpamType, MacvlanMode};

use crate::{
    macvlan::{MacvlanLinkSpec, MacvlanNetworkSpec},
    network_spec::{AnnounceSpec, IpamSpec, Ipv6Spec, LinkSpec, NetworkSpec},
};

/// A network of either kind.
struct Fields<'a> {
    shared: &'a NetworkSpec,
    macvlan: Option<&'a MacvlanNetworkSpec>,
}

/// A field's path, and whether it is set to something other than its default.
type Row = (&'static str, fn(&Fields<'_>) -> bool);

const NOT_YET: &[Row] = &[
    ("spec.mode", |f| {
        f.mode(MacvlanMode::Passthru) || f.mode(MacvlanMode::Source)
    }),
    ("spec.macvlan", |f| f.macvlan_options()),
    ("spec.link", |f| {
        f.shared.link.as_ref().is_some_and(|l| !plain(l))
    }),
    ("spec.ipam.type", |f| {
        f.ipam(|i| i.kind == Some(IpamType::Dhcp))
    }),
    ("spec.ipam.conflictProbe", |f| {
        f.ipam(|i| i.conflict_probe == Some(true))
    }),
    ("spec.ipv6", |f| f.shared.ipv6.as_ref().is_some_and(ipv6)),
    ("spec.neighbors", |f| !f.shared.neighbors.is_empty()),
    ("spec.defaultRouteMetric", |f| {
        f.shared.default_route_metric.is_some()
    }),
    ("spec.announce", |f| {
        f.shared.announce.as_ref().is_some_and(announce)
    }),
    ("spec.hostAccess", |f| {
        f.shared.host_access.as_ref().is_some_and(|h| h.enabled)
    }),
    ("spec.isolated", |f| f.shared.isolated == Some(true)),
    ("spec.sysctls", |f| !f.shared.sysctls.is_empty()),
    ("spec.limits", |f| {
        f.shared
            .limits
            .as_ref()
            .is_some_and(|l| l.per_namespace.is_some())
    }),
    ("spec.networkAttachmentDefinition", |f| {
        f.shared
            .network_attachment_definition
            .as_ref()
            .is_some_and(|d| d.enabled)
    }),
];

/// The path of the first field that is set and not served.
pub(super) fn first(
    shared: &NetworkSpec,
    macvlan: Option<&MacvlanNetworkSpec>,
) -> Option<&'static str> {
    let fields = Fields { shared, macvlan };
    let row = NOT_YET.iter().find(|(_, is_set)| is_set(&fields));
    row.map(|(path, _)| *path)
}

impl Fields<'_> {
    fn mode(&self, mode: MacvlanMode) -> bool {
        self.macvlan.is_some_and(|spec| spec.mode == mode)
    }

    fn macvlan_options(&self) -> bool {
        let options = self.macvlan.and_then(|spec| spec.macvlan.as_ref());
        options.is_some_and(|options| {
            let off = MacvlanLinkSpec {
                no_promiscuous: options.no_promiscuous.filter(|on| *on),
                ..options.clone()
            };
            off != MacvlanLinkSpec::default()
        })
    }

    fn ipam(&self, is_set: fn(&IpamSpec) -> bool) -> bool {
        self.shared.ipam.as_ref().is_some_and(is_set)
    }
}

fn plain(link: &LinkSpec) -> bool {
    link.tx_queue_length.is_none() && link.all_multicast != Some(true)
}

fn ipv6(ipv6: &Ipv6Spec) -> bool {
    ipv6.accept_router_advertisements == Some(true) || ipv6.dad == Some(true)
}

fn announce(announce: &AnnounceSpec) -> bool {
    let interval = announce.interval.as_deref();
    announce.count.is_some_and(|count| count != 3)
        || interval.is_some_and(|interval| !["1s", "1000ms"].contains(&interval))
}
