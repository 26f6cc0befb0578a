//! Objects that are there and can't be read: each is named, and all others are read.

use std::fmt;

use kube::Resource;
use landfall_core::{id::Uid, ledger::BlockId};
use landfall_crds::guarded::{self, Guarded, Unread};
use serde::Serialize;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Unreadable {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// What is wrong, and at which path.
    pub(crate) why: String,
    #[serde(skip)]
    uid: Uid,
}

/// The objects of a list that can be read; the others are added to `unread`.
pub(crate) fn readable<K>(items: Vec<Guarded<K>>, unread: &mut Vec<Unreadable>) -> Vec<K>
where
    K: Resource<DynamicType = ()>,
{
    let objects = items
        .into_iter()
        .filter_map(|item| match guarded::read(item) {
            Ok(object) => Some(object),
            Err(one) => {
                unread.push(Unreadable::of::<K>(*one));
                None
            }
        });
    objects.collect()
}

// === impl Unreadable ===

impl Unreadable {
    fn of<K: Resource<DynamicType = ()>>(unread: Unread) -> Self {
        let Unread { meta, why } = unread;
        Self {
            kind: K::kind(&()).into_owned(),
            name: meta.name.unwrap_or_default(),
            why,
            uid: Uid::of(&meta.uid.unwrap_or_default()),
        }
    }

    /// `LandfallNode/…`.
    pub(crate) fn object(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// The block, if it is the ledger's.
    pub(crate) fn block(&self) -> Option<BlockId> {
        let name = (self.kind == "AddressBlock").then_some(self.name.as_str())?;
        BlockId::of_object(name)
    }

    /// The node whose object it is.
    pub(crate) fn node(&self) -> Option<&str> {
        (self.kind == "LandfallNode").then_some(self.name.as_str())
    }

    /// The UID of the network that it is.
    pub(crate) fn network(&self) -> Option<Uid> {
        matches!(self.kind.as_str(), "MacvlanNetwork" | "IpvlanNetwork").then_some(self.uid)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind, name, why, ..
        } = self;
        write!(
            f,
            "{kind} {name} can't be read, {why}: put that right (kubectl edit {kind} {name}, for a status \
             with --subresource=status)"
        )
    }
}
