//! The parent: `master`, or the link of the default route, on the node or in the sandbox.

use landfall_core::{
    link::{Observed, kernel_word},
    network::NetworkKind,
};
use landfall_link::{Chain, Netns, Node};

use super::{Call, internal, result::CniResult, sandbox};
use crate::spec::CniError;

impl Call<'_> {
    /// A socket where the parent is.
    pub(super) fn below(&self, netns: Option<&Netns>) -> Result<Node, CniError> {
        match netns {
            Some(netns) if self.config.link_in_container => sandbox::inside(netns),
            _ => sandbox::node(),
        }
    }

    /// The parent. `previous` is prevResult: ipvlan after another plugin takes its interface.
    pub(super) fn parent(
        &self,
        below: &mut Node,
        previous: Option<&CniResult>,
    ) -> Result<Observed, CniError> {
        let config = &self.config;
        let named = match (config.master.as_str(), config.kind, previous) {
            ("", NetworkKind::Ipvlan, Some(previous)) => Some(single(previous)?),
            ("", _, _) => None,
            (master, _, _) => Some(master),
        };
        let Some(name) = named else {
            let found = below.default_link();
            return found
                .map_err(|error| internal(Chain(&error)))?
                .ok_or_else(|| internal("no default route interface found"));
        };
        let found = below.link_named(name);
        let lookup = |why: &dyn std::fmt::Display| {
            internal(format!("failed to lookup master {name:?}: {why}"))
        };
        found
            .map_err(|error| lookup(&Chain(&error)))?
            .ok_or_else(|| lookup(&"Link not found"))
    }

    /// The MTU to ask for; `None` is the parent's. Of ipvlan the kernel judges.
    pub(super) fn mtu(&self, parent: &Observed) -> Result<Option<u32>, CniError> {
        let (mtu, limit) = (self.config.mtu, parent.mtu);
        let wanted = u32::try_from(mtu).ok();
        match self.config.kind {
            NetworkKind::Macvlan if wanted.is_none_or(|mtu| mtu > limit) => Err(internal(format!(
                "invalid MTU {mtu}, must be [0, master MTU({limit})]"
            ))),
            NetworkKind::Macvlan | NetworkKind::Ipvlan => Ok(wanted.filter(|mtu| *mtu > 0)),
        }
    }

    /// `macvlan`, or `ipvlan`.
    pub(super) const fn kind(&self) -> &'static str {
        kernel_word(self.config.kind)
    }
}

fn single(previous: &CniResult) -> Result<&str, CniError> {
    match previous.interfaces.as_slice() {
        [only] if !only.name.is_empty() => Ok(&only.name),
        _ => Err(internal(
            "chained master failure. PrevResult lacks a single named interface",
        )),
    }
}
