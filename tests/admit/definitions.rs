//! The definitions themselves: established, described, with their names and columns.

use anyhow::{Context, Result};
use landfall_tests::{
    cluster::Cluster,
    pod::{condition, text},
};
use serde_json::Value;

use crate::{cluster, yaml};

/// Plural, kind, short name and columns of every kind, as users see them.
const KINDS: [(&str, &str, &str, &str); 5] = [
    (
        "macvlannetworks",
        "MacvlanNetwork",
        "mvn",
        "MODE PARENTS SUBNETS GRANTED FREE NODES READY AGE",
    ),
    (
        "ipvlannetworks",
        "IpvlanNetwork",
        "ivn",
        "MODE PARENTS SUBNETS GRANTED FREE NODES READY AGE",
    ),
    (
        "addressclaims",
        "AddressClaim",
        "adc",
        "NETWORK FOR ADDRESSES BOUND HELD AGE",
    ),
    ("addressblocks", "AddressBlock", "abl", "SEGMENT FIRST AGE"),
    (
        "landfallnodes",
        "LandfallNode",
        "lfn",
        "NETWORKS GRANTED ATTACHED PARENTS READY",
    ),
];

/// Applies the generated files as one would by hand, and waits.
pub(crate) fn establish(cluster: &Cluster) -> Result<()> {
    cluster.kubectl(&["apply", "-f", &yaml()])?;
    let mut words = vec![
        "wait",
        "crd",
        "--for=condition=Established",
        "--timeout=20s",
    ];
    let names = KINDS.map(|(plural, ..)| format!("{plural}.landfall.dev"));
    words.extend(names.iter().map(String::as_str));
    cluster.kubectl(&words).map(drop)
}

fn definition(plural: &str) -> Result<Value> {
    cluster().get(&["crd", &format!("{plural}.landfall.dev")])
}

fn schema(definition: &Value) -> &Value {
    &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

#[test]
fn every_definition_is_established_and_structural() -> Result<()> {
    for (plural, ..) in KINDS {
        let definition = definition(plural)?;
        for kind in ["Established", "NamesAccepted"] {
            let status = condition(&definition, kind).map(|(status, ..)| status);
            assert_eq!(status, Some("True"), "{plural} {kind}");
        }
        let structural = condition(&definition, "NonStructuralSchema");
        assert_eq!(structural, None, "{plural}");
        let versions = definition["spec"]["versions"].as_array().context(plural)?;
        assert_eq!(versions.len(), 1, "{plural}");
        assert_eq!(text(&versions[0], "/name"), "v1alpha1");
    }
    Ok(())
}

#[test]
fn user_kinds_and_nodes_have_a_status_subresource_and_blocks_have_none() -> Result<()> {
    for (plural, ..) in KINDS {
        let definition = definition(plural)?;
        let status = definition["spec"]["versions"][0]["subresources"].get("status");
        assert_eq!(status.is_some(), plural != "addressblocks", "{plural}");
        let scope = text(&definition, "/spec/scope");
        let namespaced = plural == "addressclaims";
        assert_eq!(scope == "Namespaced", namespaced, "{plural}");
    }
    Ok(())
}

#[test]
fn short_names_kinds_and_the_category_are_served() -> Result<()> {
    let words = [
        "api-resources",
        "--api-group=landfall.dev",
        "--categories=landfall",
        "--no-headers",
    ];
    let listed = cluster().kubectl(&words)?;
    for (plural, kind, short, _) in KINDS {
        let line = listed.lines().find(|line| line.starts_with(plural));
        let line = line.with_context(|| format!("{plural} is not in category landfall"))?;
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!((words[1], words[4]), (short, kind), "{line}");
        cluster().kubectl(&["get", short, "-A"])?;
    }
    Ok(())
}

#[test]
fn columns_are_those_of_the_contract() -> Result<()> {
    for (plural, _, _, columns) in KINDS {
        let definition = definition(plural)?;
        let version = &definition["spec"]["versions"][0];
        let all = version["additionalPrinterColumns"].as_array();
        let names = all.into_iter().flatten().map(|column| {
            let described = !text(column, "/description").is_empty();
            assert!(described, "{plural}: {column}");
            text(column, "/name").to_uppercase()
        });
        assert_eq!(names.collect::<Vec<_>>().join(" "), columns, "{plural}");
    }
    Ok(())
}

#[test]
fn explain_says_what_each_kind_and_field_is() -> Result<()> {
    for (plural, _, short, _) in KINDS {
        let explained = cluster().kubectl(&["explain", short])?;
        assert!(
            !explained.contains("Auto-generated"),
            "the description of {plural} is for programmers: {explained}"
        );
        let definition = definition(plural)?;
        let schema = schema(&definition);
        let mut bare = Vec::new();
        for part in ["spec", "status"] {
            undescribed(&schema["properties"][part], part, &mut bare);
        }
        assert!(bare.is_empty(), "{plural}: no description: {bare:?}");
    }
    let explained = cluster().kubectl(&["explain", "mvn.spec.ipam.subnets.gateway"])?;
    assert!(explained.contains("never handed out"), "{explained}");
    Ok(())
}

fn undescribed(schema: &Value, path: &str, bare: &mut Vec<String>) {
    let properties = schema["properties"].as_object();
    for (name, property) in properties.into_iter().flatten() {
        let path = format!("{path}.{name}");
        if text(property, "/description").is_empty() {
            bare.push(path.clone());
        }
        undescribed(property, &path, bare);
        undescribed(&property["items"], &path, bare);
    }
}

#[test]
fn only_choices_of_ours_have_defaults_kernel_settings_have_none() -> Result<()> {
    let ours = [
        "spec.mode",
        "spec.segment",
        "spec.hostAccess.enabled",
        "spec.networkAttachmentDefinition.enabled",
    ];
    for plural in ["macvlannetworks", "ipvlannetworks"] {
        let definition = definition(plural)?;
        let mut defaults = Vec::new();
        let spec = &schema(&definition)["properties"]["spec"];
        with_default(spec, "spec", &mut defaults);
        defaults.retain(|path| !ours.contains(&path.as_str()));
        assert!(
            defaults.is_empty(),
            "{plural} has defaults for {defaults:?}"
        );
    }
    Ok(())
}

fn with_default(schema: &Value, path: &str, found: &mut Vec<String>) {
    if schema.get("default").is_some() {
        found.push(path.to_owned());
    }
    let properties = schema["properties"].as_object();
    for (name, property) in properties.into_iter().flatten() {
        let path = format!("{path}.{name}");
        with_default(property, &path, found);
        with_default(&property["items"], &path, found);
    }
}
