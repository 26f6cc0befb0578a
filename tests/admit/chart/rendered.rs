//! What the default values render.

use anyhow::Result;
use landfall_tests::{case, cluster::checked, pod::text};
use serde_json::{Value, json};

use super::{folder, is, one, template, with};
use crate::cluster;

#[test]
fn helm_finds_no_fault_with_the_chart() -> Result<()> {
    let words = ["lint", "--strict", "--kube-version=1.36.0"];
    cluster().output(&[&["helm"], &words[..], &[&folder()]].concat())?;
    Ok(())
}

#[test]
fn the_api_server_takes_what_the_defaults_render() -> Result<()> {
    case::run(cluster(), "chart", |case| {
        let release = format!("landfall-{}", case.namespace);
        let yaml = template(&[&release, &folder(), "-n", &case.namespace])?;
        let words = ["apply", "--dry-run=server", "-o", "name", "-f", "-"];
        let taken = checked(&words, &cluster().feed_kubectl(&words, &yaml)?)?;
        for kind in [
            "daemonset.apps",
            "deployment.apps",
            "job.batch",
            "mutatingadmissionpolicy.",
            "validatingadmissionpolicy.",
            "customresourcedefinition.",
        ] {
            assert!(taken.contains(kind), "no {kind} in {taken}");
        }
        Ok(())
    })
}

#[test]
fn definitions_outlive_the_release() -> Result<()> {
    let yaml = template(&["landfall", &folder(), "--show-only=templates/crds.yaml"])?;
    let definitions = super::objects(&yaml)?;
    assert_eq!(definitions.len(), 5);
    for definition in definitions {
        let keep = definition.pointer("/metadata/annotations/helm.sh~1resource-policy");
        assert_eq!(keep, Some(&json!("keep")), "{definition}");
    }
    Ok(())
}

#[test]
fn the_agent_is_not_privileged_and_has_five_capabilities() -> Result<()> {
    let objects = with(&[])?;
    let pod = &one(&objects, "DaemonSet", "-agent")?["spec"]["template"]["spec"];
    let context = &pod["containers"][0]["securityContext"];
    assert_eq!(context["privileged"], false);
    assert_eq!(context["readOnlyRootFilesystem"], true);
    assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
    let capabilities = json!({
        "drop": ["ALL"],
        "add": ["NET_ADMIN", "NET_RAW", "SYS_ADMIN", "DAC_OVERRIDE", "SYS_PTRACE"],
    });
    assert_eq!(context["capabilities"], capabilities);
    assert_eq!(pod["containers"].as_array().map(Vec::len), Some(1));
    assert_eq!(pod["initContainers"], Value::Null);
    Ok(())
}

#[test]
fn the_operator_and_the_uninstall_job_have_no_rights_on_their_node() -> Result<()> {
    let objects = with(&[])?;
    let found = [
        one(&objects, "Deployment", "-operator")?,
        one(&objects, "Job", "-uninstall")?,
    ];
    for object in found {
        let pod = &object["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(
            pod["securityContext"]["seccompProfile"]["type"],
            "RuntimeDefault"
        );
        let expected = json!({
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        });
        assert_eq!(pod["containers"][0]["securityContext"], expected);
        assert_eq!(pod["volumes"], Value::Null);
    }
    Ok(())
}

/// Another chart's objects must never be selected by ours.
#[test]
fn every_object_carries_the_release_and_its_own_labels() -> Result<()> {
    let objects = with(&[r#"labels={"team":"net"}"#])?;
    for object in &objects {
        let labels = &object["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/instance"], "landfall", "{object}");
        assert_eq!(labels["team"], "net", "{object}");
    }
    let components = ["Deployment", "DaemonSet"].map(|kind| {
        let object = objects.iter().find(|object| is(object, kind, ""));
        text(
            object.unwrap_or(&Value::Null),
            "/spec/selector/matchLabels/app.kubernetes.io~1component",
        )
    });
    assert_eq!(components, ["operator", "agent"]);
    Ok(())
}

#[test]
fn uninstalling_asks_the_agents_first_and_shows_what_they_say() -> Result<()> {
    let objects = with(&["uninstall.wait=7"])?;
    let job = one(&objects, "Job", "-uninstall")?;
    let annotations = &job["metadata"]["annotations"];
    assert_eq!(annotations["helm.sh/hook"], "pre-delete");
    assert_eq!(
        annotations["helm.sh/hook-output-log-policy"],
        "hook-succeeded,hook-failed"
    );
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"], json!(["uninstall", "--wait=7"]));
    assert_eq!(job["spec"]["activeDeadlineSeconds"], 67);
    Ok(())
}
