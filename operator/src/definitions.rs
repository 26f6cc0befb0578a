//! NetworkAttachmentDefinitions: names that pods' annotations may use beside our networks'.
//!
//! Their definition is Multus', and need not be there. What is not there names nothing, and is looked for
//! again.

use kube::{
    ResourceExt as _,
    core::{ApiResource, DynamicObject},
};
use landfall_core::id::Name;
use serde::Deserialize;
use serde_json::Value;

use crate::watches::{Change, Optional};

/// Names a NetworkAttachmentDefinition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DefinitionKey {
    /// Its namespace.
    pub(crate) namespace: Name,
    /// Its name.
    pub(crate) name: Name,
}

/// What a NetworkAttachmentDefinition stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Definition {
    /// Our plugin, with a network of ours.
    Ours(Name),
    /// Another plugin.
    Other,
}

/// What is kept of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DefinitionFacts {
    pub(crate) key: DefinitionKey,
    pub(crate) definition: Definition,
}

/// The part of a CNI configuration, or of a list of them, that says whose it is. JSON keys match without
/// regard to case in Go, but these are written by people for Multus, who write them as they are.
#[derive(Debug, Default, Deserialize)]
struct Config {
    #[serde(default, rename = "type")]
    plugin: String,
    #[serde(default)]
    network: Option<String>,
    #[serde(default)]
    plugins: Vec<Self>,
}

// === impl DefinitionFacts ===

impl DefinitionFacts {
    pub(crate) fn of(object: &DynamicObject) -> Self {
        let name = object.name_any();
        let config = object.data.pointer("/spec/config").and_then(Value::as_str);
        Self {
            definition: definition(config.unwrap_or_default(), &name),
            key: DefinitionKey {
                namespace: Name::from(object.namespace().unwrap_or_default().as_str()),
                name: Name::from(name.as_str()),
            },
        }
    }
}

/// A configuration that is empty lies on the nodes' disks, and one that can't be read is Multus' to
/// complain about: neither is ours.
fn definition(config: &str, name: &str) -> Definition {
    let Ok(config) = serde_json::from_str::<Config>(config) else {
        return Definition::Other;
    };
    let mut all = std::iter::once(&config).chain(&config.plugins);
    let ours = all.find(|config| config.plugin == "landfall");
    ours.map_or(Definition::Other, |ours| {
        Definition::Ours(Name::from(ours.network.as_deref().unwrap_or(name)))
    })
}

/// They, as a watch of what need not be there.
pub(crate) fn optional() -> Optional<DefinitionFacts> {
    Optional {
        resource: ApiResource {
            group: "k8s.cni.cncf.io".to_owned(),
            version: "v1".to_owned(),
            api_version: "k8s.cni.cncf.io/v1".to_owned(),
            kind: "NetworkAttachmentDefinition".to_owned(),
            plural: "network-attachment-definitions".to_owned(),
        },
        read: |object| DefinitionFacts::of(&object),
        change: Change::Definition,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_ours_if_one_of_its_plugins_is() {
        let ours = |network: &str| Definition::Ours(Name::from(network));
        let rows = [
            (
                r#"{"type": "macvlan", "master": "eth1"}"#,
                Definition::Other,
            ),
            (
                r#"{"type": "landfall", "network": "storage"}"#,
                ours("storage"),
            ),
            (r#"{"type": "landfall"}"#, ours("nad")),
            (
                r#"{"plugins": [{"type": "landfall", "network": "storage"}, {"type": "tuning"}]}"#,
                ours("storage"),
            ),
            (r#"{"plugins": [{"type": "bridge"}]}"#, Definition::Other),
            ("", Definition::Other),
            ("{", Definition::Other),
            (r#"{"type": 7}"#, Definition::Other),
        ];
        for (config, expected) in rows {
            assert_eq!(definition(config, "nad"), expected, "{config}");
        }
    }
}
