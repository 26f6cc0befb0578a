//! What the API has and the programs do not serve yet.
//!
//! A field that is set and not served would be a promise that is not kept, so the object is not
//! accepted. Whoever implements a field takes its row out.

use landfall_core::network::IpamType;

use crate::network_spec::{IpamSpec, NetworkSpec};

/// A network of either kind.
struct Fields<'a> {
    shared: &'a NetworkSpec,
}

/// A field's path, and whether it is set to something other than its default.
type Row = (&'static str, fn(&Fields<'_>) -> bool);

const NOT_YET: &[Row] = &[
    ("spec.ipam.type", |f| {
        f.ipam(|i| i.kind == Some(IpamType::Dhcp))
    }),
    ("spec.hostAccess", |f| {
        f.shared.host_access.as_ref().is_some_and(|h| h.enabled)
    }),
    ("spec.networkAttachmentDefinition", |f| {
        f.shared
            .network_attachment_definition
            .as_ref()
            .is_some_and(|d| d.enabled)
    }),
];

/// The path of the first field that is set and not served.
pub(super) fn first(shared: &NetworkSpec) -> Option<&'static str> {
    let fields = Fields { shared };
    let row = NOT_YET.iter().find(|(_, is_set)| is_set(&fields));
    row.map(|(path, _)| *path)
}

impl Fields<'_> {
    fn ipam(&self, is_set: fn(&IpamSpec) -> bool) -> bool {
        self.shared.ipam.as_ref().is_some_and(is_set)
    }
}
