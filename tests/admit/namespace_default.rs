//! The networks of a namespace, stamped on its pods when they are created.

use anyhow::{Result, bail};
use landfall_tests::{
    admission,
    case::{self, Case},
    manifest::{NETWORKS, annotation, pod, with},
    pod::text,
    wait::until,
};
use serde_json::{Value, json};

use crate::{cluster, release::Release};

const OURS: &str = "landfall.dev/networks";

/// What the namespace is given, and a release's policy that is in force.
fn opted_in(case: &Case<'_>, networks: &str) -> Result<Release> {
    let release = Release::installed(case, &["namespace-default"])?;
    let name = case.namespace.as_str();
    let value = format!("{OURS}={networks}");
    cluster().kubectl(&["annotate", "namespace", name, &value])?;
    cluster().kubectl(&["label", "namespace", name, "landfall.dev/attach=enabled"])?;
    until("the policy is in force", 20, || {
        match stamp(&pod(name, "probe", "", ""))? {
            Some(seen) if seen == networks => Ok(()),
            seen => bail!("the probe has {seen:?}"),
        }
    })?;
    Ok(release)
}

/// The annotation of ours that a pod has once it is created.
fn stamp(pod: &Value) -> Result<Option<String>> {
    let seen = admission::verdict(cluster(), pod)?;
    let seen = seen.map_err(anyhow::Error::msg)?;
    let value = seen.pointer(&annotation(OURS)).and_then(Value::as_str);
    Ok(value.map(str::to_owned))
}

#[test]
fn a_pod_that_asks_for_nothing_gets_the_networks_of_its_namespace() -> Result<()> {
    case::run(cluster(), "default", |case| {
        let networks = "storage,db@net7";
        let _release = opted_in(case, networks)?;
        let plain = pod(&case.namespace, "plain", "", "");
        assert_eq!(stamp(&plain)?.as_deref(), Some(networks));
        // Its other annotations stay.
        let annotated = with(plain, &annotation("team"), json!("net"));
        let seen = admission::verdict(cluster(), &annotated)?.expect("it is accepted");
        assert_eq!(text(&seen, &annotation("team")), "net");
        assert_eq!(text(&seen, &annotation(OURS)), networks);
        Ok(())
    })
}

#[test]
fn a_pod_that_asks_itself_or_opts_out_keeps_what_it_says() -> Result<()> {
    case::run(cluster(), "default-own", |case| {
        let _release = opted_in(case, "storage")?;
        let plain = pod(&case.namespace, "own", "", "");
        for (key, value, expected) in [
            (OURS, "db", Some("db")),
            (OURS, "", Some("")),
            (NETWORKS, "db", None),
            (NETWORKS, "", None),
        ] {
            let own = with(plain.clone(), &annotation(key), json!(value));
            assert_eq!(stamp(&own)?.as_deref(), expected, "{key}: {value:?}");
        }
        Ok(())
    })
}

#[test]
fn pods_of_the_host_network_and_mirror_pods_get_nothing() -> Result<()> {
    case::run(cluster(), "default-host", |case| {
        let _release = opted_in(case, "storage")?;
        let plain = pod(&case.namespace, "host", "", "");
        let host = with(plain.clone(), "/spec/hostNetwork", json!(true));
        assert_eq!(stamp(&host)?, None);
        let not = with(plain.clone(), "/spec/hostNetwork", json!(false));
        assert_eq!(stamp(&not)?.as_deref(), Some("storage"));
        let mirror = with(
            plain,
            &annotation("kubernetes.io/config.mirror"),
            json!("x"),
        );
        let seen = admission::verdict(cluster(), &mirror)?;
        // Only kubelet may make one; should that change, it must not be stamped.
        if let Ok(seen) = seen {
            assert_eq!(text(&seen, &annotation(OURS)), "");
        }
        Ok(())
    })
}

#[test]
fn a_namespace_without_the_label_or_the_annotation_gives_nothing() -> Result<()> {
    case::run(cluster(), "default-off", |case| {
        let _release = opted_in(case, "storage")?;
        let name = case.namespace.as_str();
        let plain = pod(name, "plain", "", "");
        cluster().kubectl(&["annotate", "namespace", name, &format!("{OURS}-")])?;
        until("the annotation has gone", 10, || nothing(&plain))?;
        cluster().kubectl(&["annotate", "namespace", name, &format!("{OURS}=db")])?;
        until("it is back", 10, || match stamp(&plain)?.as_deref() {
            Some("db") => Ok(()),
            seen => bail!("{seen:?}"),
        })?;
        cluster().kubectl(&["label", "namespace", name, "landfall.dev/attach-"])?;
        until("the label has gone", 10, || nothing(&plain))
    })
}

fn nothing(pod: &Value) -> Result<()> {
    match stamp(pod)? {
        None => Ok(()),
        seen => bail!("the pod has {seen:?}"),
    }
}

/// A fault there would keep the cluster, or ourselves, from starting.
#[test]
fn the_namespaces_of_the_cluster_and_of_the_release_are_left_out() -> Result<()> {
    let folder = crate::chart::folder();
    let show = "--show-only=templates/namespace-default.yaml";
    let yaml = crate::chart::template(&["landfall", &folder, "-n", "our-home", show])?;
    let objects = crate::chart::objects(&yaml)?;
    let selector = &objects[0]["spec"]["matchConstraints"]["namespaceSelector"];
    let expected = json!([{
        "key": "kubernetes.io/metadata.name",
        "operator": "NotIn",
        "values": ["kube-system", "our-home"],
    }]);
    assert_eq!(selector["matchExpressions"], expected);
    Ok(())
}
