//! A network's object, of either kind.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::ObjectMeta;
use landfall_core::{
    id::{Name, Uid},
    network::{Network, NetworkKind},
};
use landfall_crds::{
    convert::NetworkObject as _, guarded::Unread, ipvlan::IpvlanNetwork, macvlan::MacvlanNetwork,
    network_spec::NetworkStatus,
};

use crate::upkeep::has_finalizer;

/// A network's object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NetworkObject {
    Macvlan(Box<MacvlanNetwork>),
    Ipvlan(Box<IpvlanNetwork>),
    /// It can't be read: what is granted of it stays, as its nodes know it.
    Unread(NetworkKind, Box<Unread>),
}

// === impl NetworkObject ===

impl NetworkObject {
    pub(crate) fn macvlan(object: MacvlanNetwork) -> Self {
        Self::Macvlan(Box::new(object))
    }

    pub(crate) fn ipvlan(object: IpvlanNetwork) -> Self {
        Self::Ipvlan(Box::new(object))
    }

    pub(crate) fn unread(kind: NetworkKind, unread: Box<Unread>) -> Self {
        Self::Unread(kind, unread)
    }

    /// Why it can't be read, if so.
    pub(crate) fn fault(&self) -> Option<&Unread> {
        match self {
            Self::Macvlan(_) | Self::Ipvlan(_) => None,
            Self::Unread(_, unread) => Some(unread),
        }
    }

    pub(crate) const fn kind(&self) -> NetworkKind {
        match self {
            Self::Macvlan(_) => NetworkKind::Macvlan,
            Self::Ipvlan(_) => NetworkKind::Ipvlan,
            Self::Unread(kind, _) => *kind,
        }
    }

    pub(crate) fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Macvlan(object) => &object.metadata,
            Self::Ipvlan(object) => &object.metadata,
            Self::Unread(_, unread) => &unread.meta,
        }
    }

    pub(crate) fn status(&self) -> Option<&NetworkStatus> {
        match self {
            Self::Macvlan(object) => object.status.as_ref(),
            Self::Ipvlan(object) => object.status.as_ref(),
            Self::Unread(..) => None,
        }
    }

    pub(crate) fn uid(&self) -> Uid {
        Uid::of(self.meta().uid.as_deref().unwrap_or_default())
    }

    pub(crate) fn name(&self) -> Name {
        Name::from(self.meta().name.as_deref().unwrap_or_default())
    }

    /// Milliseconds since 1970.
    pub(crate) fn created(&self) -> i64 {
        let created = self.meta().creation_timestamp.as_ref();
        created.map_or(0, |Time(time)| time.as_millisecond())
    }

    pub(crate) fn is_deleting(&self) -> bool {
        self.meta().deletion_timestamp.is_some()
    }

    /// Whether our finalizer is in place.
    pub(crate) fn is_guarded(&self) -> bool {
        has_finalizer(self.meta())
    }

    /// The network that the object shows, or what is wrong with it.
    pub(crate) fn network(&self) -> Result<Network, String> {
        match self {
            Self::Macvlan(object) => object.validate().map_err(|fault| fault.to_string()),
            Self::Ipvlan(object) => object.validate().map_err(|fault| fault.to_string()),
            Self::Unread(_, unread) => Err(format!("the object can't be read: {}", unread.why)),
        }
    }

    /// The path of a field that is set and that nothing serves yet.
    pub(crate) fn not_implemented(&self) -> Option<&'static str> {
        match self {
            Self::Macvlan(object) => object.not_implemented(),
            Self::Ipvlan(object) => object.not_implemented(),
            Self::Unread(..) => None,
        }
    }

    /// Whether a verdict on `before` may not hold for this any more. A new status alone changes
    /// nothing.
    pub(crate) fn is_news_after(&self, before: &Self) -> bool {
        let (new, old) = (self.meta(), before.meta());
        new.generation != old.generation
            || self.is_deleting() != before.is_deleting()
            || self.is_guarded() != before.is_guarded()
            || self.fault().map(|unread| &unread.why) != before.fault().map(|unread| &unread.why)
    }
}
