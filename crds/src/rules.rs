//! Rules that look at a whole object: its name, and its status beside its spec.

use kube::core::Rule;

/// The name of a network or claim is part of other names.
pub(crate) fn name() -> Rule {
    Rule::new("self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') && self.metadata.name.size() <= 63")
        .message("the name must be a DNS label: at most 63 of a-z, 0-9 and '-', not beginning or ending with '-'")
}

/// A field that stays as it is while addresses are held. The status may lag behind by a moment: the
/// operator checks again.
pub(crate) fn held(field: &str) -> Rule {
    Rule::new(format!(
        "self.spec.{field} == oldSelf.spec.{field} || {NOTHING_HELD}"
    ))
    .message(&*format!(
        "{field} is immutable while addresses are held: detach all pods first, or make another network"
    ))
}

/// `ipam.type` likewise; absent, it is Cluster.
pub(crate) fn held_type() -> Rule {
    let kind = |object: &str| {
        format!(
            "(has({object}.spec.ipam) && has({object}.spec.ipam.type) ? {object}.spec.ipam.type : 'Cluster')"
        )
    };
    Rule::new(format!(
        "{} == {} || {NOTHING_HELD}",
        kind("self"),
        kind("oldSelf")
    ))
    .message("ipam.type is immutable while addresses are held: detach all pods first, or make another network")
}

/// A default route has a gateway, except where the link itself is the way (`or_else`).
pub(crate) fn gateway(or_else: &str) -> Rule {
    Rule::new(format!(
        "!has(self.defaultRoute) || self.defaultRoute != 'Always' || !has(self.ipam) || !has(self.ipam.subnets) \
         || self.ipam.subnets.exists(s, has(s.gateway)){or_else}"
    ))
    .message("defaultRoute: Always needs the gateway of at least one subnet")
}

const NOTHING_HELD: &str = "!has(oldSelf.status) || !has(oldSelf.status.addresses) \
    || (!has(oldSelf.status.addresses.ipv4) || oldSelf.status.addresses.ipv4.granted + oldSelf.status.addresses.ipv4.quarantined == 0) \
    && (!has(oldSelf.status.addresses.ipv6) || oldSelf.status.addresses.ipv6.granted + oldSelf.status.addresses.ipv6.quarantined == 0)";
