//! Objects that may be anything: one that can't be read is no reason to see none of its kind.
//!
//! A schema that somebody changed, or that lets a text through which is no address, gives objects that
//! don't become our types. A list or a watch of the bare type fails as a whole on one of them, again and
//! again; of [`Guarded`] it goes on, and says of each what is wrong, and where.

use std::borrow::Cow;

use kube::{
    Resource,
    core::{DeserializeGuard, ObjectMeta},
};
use serde::{Deserialize, Deserializer, de::Error as _};

/// An object, or its metadata and why the rest can't be read. For lists and watches.
pub type Guarded<K> = DeserializeGuard<Located<K>>;

/// An object that can't be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Unread {
    /// Its metadata.
    pub meta: ObjectMeta,
    /// What is wrong, and at which path.
    pub why: String,
}

/// The object, or why it can't be read.
pub fn read<K>(guarded: Guarded<K>) -> Result<K, Box<Unread>> {
    match guarded.0 {
        Ok(Located(object)) => Ok(object),
        Err(invalid) => Err(Box::new(Unread {
            meta: invalid.metadata,
            why: invalid.error,
        })),
    }
}

/// An object whose fault, if it can't be read, names its path.
#[derive(Clone, Debug)]
pub struct Located<K>(pub K);

impl<'de, K: Deserialize<'de>> Deserialize<'de> for Located<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = serde_path_to_error::deserialize(deserializer);
        object.map(Self).map_err(|fault| {
            let (path, why) = (fault.path(), fault.inner());
            D::Error::custom(format!("{path}: {why}"))
        })
    }
}

impl<K: Resource> Resource for Located<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dynamic)
    }

    fn group(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dynamic)
    }

    fn version(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dynamic)
    }

    fn plural(dynamic: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dynamic)
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.meta()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.meta_mut()
    }
}

#[cfg(test)]
mod tests {
    use kube::core::{ObjectList, WatchEvent};
    use serde_json::{Value, json};

    use super::*;
    use crate::{block::AddressBlock, node::LandfallNode};

    fn block(seq: &Value) -> Value {
        json!({
            "apiVersion": "landfall.dev/v1alpha1", "kind": "AddressBlock",
            "metadata": {"name": "lan-0a000000", "uid": "u", "resourceVersion": "7"},
            "spec": {"segment": "lan", "first": "10.0.0.0", "epoch": 5, "counter": 9, "entries": {
                "10.0.0.1": {"state": "Granted", "seq": seq, "since": "2026-01-01T00:00:00.000000Z"},
            }},
        })
    }

    #[test]
    fn one_bad_object_of_a_list_is_named_with_its_path_and_the_others_are_read() {
        let list = json!({
            "apiVersion": "landfall.dev/v1alpha1", "kind": "AddressBlockList",
            "metadata": {"resourceVersion": "9"},
            "items": [block(&json!("5.3")), block(&json!("no")), block(&json!(3))],
        });
        let list: ObjectList<Guarded<AddressBlock>> = serde_json::from_value(list).unwrap();
        let mut items = list.items.into_iter().map(read);
        assert_eq!(items.next().unwrap().unwrap().spec.counter, 9);
        for _ in 0..2 {
            let unread = items.next().unwrap().unwrap_err();
            let path = "spec.entries.10.0.0.1.seq: ";
            assert!(unread.why.starts_with(path), "{}", unread.why);
            assert_eq!(unread.meta.name.as_deref(), Some("lan-0a000000"));
            assert_eq!(unread.meta.resource_version.as_deref(), Some("7"));
        }
    }

    #[test]
    fn a_bad_object_of_a_watch_is_an_event_like_any_other() {
        let object = json!({
            "apiVersion": "landfall.dev/v1alpha1", "kind": "LandfallNode",
            "metadata": {"name": "a", "uid": "u", "resourceVersion": "7"},
            "spec": {"node": {"uid": "1", "machineID": "2"}, "grants": [{"address": "10.0.0.300"}]},
        });
        let event = json!({"type": "MODIFIED", "object": object});
        let event: WatchEvent<Guarded<LandfallNode>> = serde_json::from_value(event).unwrap();
        let WatchEvent::Modified(guarded) = event else {
            panic!("{event:?}");
        };
        let unread = read(guarded).unwrap_err();
        assert!(
            unread.why.starts_with("spec.grants[0].address: "),
            "{}",
            unread.why
        );
    }
}
