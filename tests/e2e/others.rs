//! Names in the NPWG's annotation that are another plugin's.

use anyhow::{Result, ensure};
use landfall_tests::{case, cluster::NodeKind, kernel, pod, wait::until};
use serde_json::json;

use crate::{cluster, definition::Definition};

/// The definition of NetworkAttachmentDefinitions.
fn definition() -> Result<Definition> {
    let schema = json!({
        "type": "object",
        "properties": {"spec": {
            "type": "object",
            "properties": {"config": {"type": "string"}},
        }},
    });
    let names = json!({
        "plural": "network-attachment-definitions",
        "singular": "network-attachment-definition",
        "kind": "NetworkAttachmentDefinition",
        "shortNames": ["net-attach-def"],
    });
    let version = json!({"name": "v1", "schema": {"openAPIV3Schema": schema}});
    Definition::new(&names, version)
}

/// The definition appears while the operator runs, and goes again.
#[test]
fn a_name_of_another_plugins_definition_is_passed_over_and_counted() -> Result<()> {
    case::alone(cluster(), "others", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let wish = format!("fast, {network}");
        case.pod("early", node, &wish)?;
        let namespace = case.namespace.as_str();
        pod::event(cluster(), namespace, "early", "UnknownNetwork", "fast")?;

        let definition = definition()?;
        let object = json!({
            "apiVersion": "k8s.cni.cncf.io/v1",
            "kind": "NetworkAttachmentDefinition",
            "metadata": {"namespace": namespace, "name": "fast"},
            "spec": {"config": "{\"type\": \"macvlan\", \"master\": \"eth2\"}"},
        });
        until("the new kind is served", 20, || {
            cluster().apply(std::slice::from_ref(&object))
        })?;
        case.pod("late", node, "fast")?;
        case.ready(&["early", "late"])?;
        let names = |pod: &str| -> Result<Vec<String>> {
            let all = kernel::interfaces(cluster(), namespace, pod)?;
            Ok(all.into_iter().map(|interface| interface.name).collect())
        };
        let early = names("early")?;
        ensure!(early == ["eth0", "net2"], "{early:?}");
        let late = names("late")?;
        ensure!(late == ["eth0"], "{late:?}");

        drop(definition);
        case.pod("after", node, &wish)?;
        pod::event(cluster(), namespace, "after", "UnknownNetwork", "fast").map(drop)
    })
}
