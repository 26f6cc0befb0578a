//! Values other than the defaults.

use anyhow::Result;
use landfall_tests::{case, cluster::checked};
use serde_json::{Value, json};

use super::{folder, is, one, template, with};
use crate::cluster;

/// Values that nobody has together, each of them possible.
const ODD: [&str; 19] = [
    "door=\"Delegate\"",
    "logLevel=\"info,landfall_agent=debug\"",
    "imagePullSecrets=[{\"name\":\"registry\"}]",
    "operator.replicas=30",
    "operator.leaseSeconds=15",
    "operator.listen={\"address\":\"::\",\"port\":65535}",
    "operator.priorityClassName=\"\"",
    "operator.nodeSelector={\"disk\":\"yes\",\"kubernetes.io/os\":null}",
    "operator.topologySpreadConstraints=[{\"maxSkew\":2,\"topologyKey\":\"rack\",\"whenUnsatisfiable\":\"DoNotSchedule\"}]",
    "operator.podAnnotations={\"scrape\":\"true\"}",
    "operator.extraArgs=[\"--log-level=debug\"]",
    "agent.image.tag=\"1.0\"",
    "agent.listen.address=\"fd00::1\"",
    "agent.resources={}",
    "agent.priorityClassName=\"\"",
    "agent.tolerations=[{\"key\":\"gpu\",\"operator\":\"Equal\",\"value\":\"yes\",\"effect\":\"NoSchedule\"}]",
    "agent.updateStrategy={\"type\":\"OnDelete\",\"rollingUpdate\":null}",
    "agent.seccompProfile=\"Unconfined\"",
    "agent.hostPaths.cniConf=\"/var/lib/rancher/k3s/agent/etc/cni/net.d\"",
];

/// `value | what the error says`.
const REFUSED: &str = r#"
door="Multus"                              | door
logFormat="xml"                            | logFormat
logLevel=""                                | logLevel
unknown=1                                  | unknown
imagePullSecrets=["registry"]              | imagePullSecrets
labels={"a":1}                             | labels
crds.install="yes"                         | crds
admissionPolicy.mode="Audit"               | admissionPolicy
namespaceDefault.enabled="no"              | namespaceDefault
uninstall.wait=0                           | wait
operator.replica=2                         | replica
operator.replicas=-1                       | replicas
operator.replicas="2"                      | replicas
operator.leaseSeconds=1                    | leaseSeconds
operator.leaseSeconds=2.5                  | leaseSeconds
operator.image.repository=""               | repository
operator.image.digest="sha256:123"         | digest
operator.image.tag="a b"                   | tag
operator.image.pullPolicy="Sometimes"      | pullPolicy
operator.listen.port=70000                 | port
operator.listen.address="localhost"        | address
operator.resources={"memory":"1Gi"}        | resources
operator.affinity={"nodeSelector":{}}      | affinity
operator.tolerations=[{"keys":"a"}]        | tolerations
operator.extraArgs="--debug"               | extraArgs
operator.topologySpreadConstraints=[{}]    | topologySpreadConstraints
agent.privileged=true                      | privileged
agent.nodeSelector={"gpu":true}            | nodeSelector
agent.seccompProfile="Localhost"           | seccompProfile
agent.updateStrategy.type="Recreate"       | type
agent.updateStrategy.rollingUpdate.maxUnavailable="0%" | maxUnavailable
agent.hostPaths.run="run/landfall"         | run
agent.hostPaths.cniBin=""                  | cniBin
"#;

#[test]
fn the_api_server_takes_what_odd_values_render() -> Result<()> {
    case::run(cluster(), "odd-chart", |case| {
        let (release, folder) = (format!("landfall-{}", case.namespace), folder());
        let mut words = vec![&*release, &*folder, "-n", &case.namespace];
        words.extend(["--set", "crds.install=false"]);
        words.extend(ODD.iter().flat_map(|value| ["--set-json", value]));
        let words_apply = ["apply", "--dry-run=server", "-f", "-"];
        let output = cluster().feed_kubectl(&words_apply, &template(&words)?)?;
        checked(&words_apply, &output).map(drop)
    })
}

#[test]
fn odd_values_are_where_they_belong() -> Result<()> {
    let objects = with(&ODD)?;
    let deployment = &one(&objects, "Deployment", "-operator")?["spec"];
    assert_eq!(deployment["replicas"], 30);
    let operator = &deployment["template"]["spec"];
    assert_eq!(operator["nodeSelector"], json!({"disk": "yes"}));
    assert_eq!(operator["priorityClassName"], Value::Null);
    assert_eq!(operator["topologySpreadConstraints"][0]["maxSkew"], 2);
    assert_eq!(variable(operator, "LISTEN"), "[::]:65535");
    assert_eq!(variable(operator, "LEASE_SECONDS"), "15");
    let probe = &operator["containers"][0]["readinessProbe"]["httpGet"];
    assert_eq!(probe, &json!({"path": "/readyz", "port": "metrics"}));
    let agent = &one(&objects, "DaemonSet", "-agent")?["spec"];
    assert_eq!(agent["updateStrategy"], json!({"type": "OnDelete"}));
    let agent = &agent["template"]["spec"];
    assert_eq!(agent["tolerations"][0]["key"], "gpu");
    assert_eq!(agent["imagePullSecrets"], json!([{"name": "registry"}]));
    assert_eq!(variable(agent, "LISTEN"), "[fd00::1]:9480");
    assert_eq!(variable(agent, "DOOR"), "Delegate");
    let container = &agent["containers"][0];
    assert_eq!(container["livenessProbe"]["httpGet"]["host"], "fd00::1");
    assert_eq!(container["securityContext"]["privileged"], false);
    let image = container["image"].as_str();
    assert_eq!(image, Some("ghcr.io/landfall-dev/landfall-agent:1.0"));
    Ok(())
}

fn variable<'a>(pod: &'a Value, name: &str) -> &'a str {
    let all = pod["containers"][0]["env"].as_array();
    let named = all.into_iter().flatten().find(|one| one["name"] == name);
    named.and_then(|one| one["value"].as_str()).unwrap_or("")
}

#[test]
fn a_digest_goes_before_a_tag() -> Result<()> {
    let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
    let value = format!("operator.image={{\"tag\":\"1.0\",\"digest\":\"{digest}\"}}");
    let objects = with(&[&value])?;
    let expected = format!("ghcr.io/landfall-dev/landfall-operator@{digest}");
    for (kind, end) in [("Deployment", "-operator"), ("Job", "-uninstall")] {
        let pod = &one(&objects, kind, end)?["spec"]["template"]["spec"];
        assert_eq!(pod["containers"][0]["image"], expected.as_str());
    }
    Ok(())
}

/// A single replica may always be evicted.
#[test]
fn several_replicas_have_a_disruption_budget() -> Result<()> {
    let has = |values: &[&str]| -> Result<bool> {
        let objects = with(values)?;
        Ok(objects
            .iter()
            .any(|object| is(object, "PodDisruptionBudget", "")))
    };
    assert!(!has(&["operator.replicas=1"])?);
    assert!(has(&["operator.replicas=2"])?);
    let off = "operator.podDisruptionBudget.enabled=false";
    assert!(!has(&["operator.replicas=2", off])?);
    Ok(())
}

#[test]
fn what_is_switched_off_is_not_rendered() -> Result<()> {
    for (value, kind) in [
        ("admissionPolicy.enabled=false", "ValidatingAdmissionPolicy"),
        ("namespaceDefault.enabled=false", "MutatingAdmissionPolicy"),
        ("uninstall.enabled=false", "Job"),
    ] {
        let starts = |object: &&Value| object["kind"].as_str().is_some_and(|k| k.starts_with(kind));
        assert!(with(&[])?.iter().any(|object| starts(&object)), "{kind}");
        assert!(
            !with(&[value])?.iter().any(|object| starts(&object)),
            "{value}"
        );
    }
    Ok(())
}

#[test]
fn before_kubernetes_1_36_there_is_no_namespace_default_and_before_1_33_nothing() -> Result<()> {
    let folder = folder();
    let words = ["helm", "template", "landfall", &folder, "--kube-version"];
    let old = cluster().output(&[&words[..], &["1.33.0"]].concat())?;
    assert!(!old.contains("MutatingAdmissionPolicy"));
    assert!(old.contains("kind: ValidatingAdmissionPolicy"));
    let refused = cluster().dev(&[&words[..], &["1.32.9"]].concat())?;
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("incompatible with Kubernetes"), "{said}");
    Ok(())
}

#[test]
fn values_that_make_no_sense_are_refused_by_name() -> Result<()> {
    let folder = folder();
    let mut faults = Vec::new();
    for row in REFUSED.trim().lines() {
        let (value, says) = row.split_once('|').unwrap_or((row, ""));
        let words = ["helm", "template", "landfall", &folder, "--set-json"];
        let version = ["--kube-version", "1.36.0"];
        let output = cluster().dev(&[&words[..], &[value.trim()], &version].concat())?;
        let said = String::from_utf8_lossy(&output.stderr);
        let refused = !output.status.success() && said.contains("don't meet the specifications");
        if !refused || !said.contains(says.trim()) {
            faults.push(format!("{row}: {said}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}
