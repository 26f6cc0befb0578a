//! One writer per field, for those whom RBAC lets write: the operator, whoever may override, and
//! nobody else.

use anyhow::{Context, Result, bail};
use landfall_tests::{
    case::{self, Case},
    cluster::{NodeKind, checked},
    manifest::{landfall, with},
    wait::until,
};
use serde_json::{Value, json};

use crate::{
    cluster,
    release::{Release, make_nodes},
};

const TEMPLATES: [&str; 3] = ["operator-rbac", "agent-rbac", "admission-writers"];

/// Somebody whose role allows every ordinary verb on our kinds, as `admin` roles of teams do.
fn let_somebody_write(case: &Case<'_>) -> Result<()> {
    let name = format!("landfall-{}", case.namespace);
    let labels = json!({"app.kubernetes.io/instance": name});
    let metadata = json!({"name": format!("{name}-somebody"), "labels": labels});
    let verbs = json!(["get", "list", "create", "update", "patch", "delete"]);
    let rules = json!([{"apiGroups": ["landfall.dev"], "resources": ["*"], "verbs": verbs}]);
    let kind = "rbac.authorization.k8s.io/v1";
    let group = "rbac.authorization.k8s.io";
    let role = json!({"apiGroup": group, "kind": "ClusterRole", "name": metadata["name"]});
    let somebody = json!([{"apiGroup": group, "kind": "User", "name": "somebody"}]);
    cluster().apply(&[
        json!({"apiVersion": kind, "kind": "ClusterRole", "metadata": metadata, "rules": rules}),
        json!({"apiVersion": kind, "kind": "ClusterRoleBinding", "metadata": metadata,
            "roleRef": role, "subjects": somebody}),
    ])
}

fn block(case: &Case<'_>) -> Value {
    let spec = json!({
        "segment": case.namespace, "first": "10.20.0.0", "epoch": 1, "counter": 0, "entries": {},
    });
    landfall("AddressBlock", &case.namespace, &spec)
}

/// Sends an object as a user, as a dry run unless told otherwise.
fn send(user: &str, words: &[&str], object: &Value) -> Result<()> {
    let user = format!("--as={user}");
    let mut all = words.to_vec();
    all.extend(["--validate=false", "-f", "-"]);
    if !user.ends_with('=') {
        all.push(&user);
    }
    let output = cluster().feed_kubectl(&all, &object.to_string())?;
    checked(&all, &output).map(drop)
}

fn refused(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if error.to_string().contains("in an emergency") => Ok(()),
        other => bail!("a refusal by the policy was expected: {other:?}"),
    }
}

const CREATE: [&str; 2] = ["create", "--dry-run=server"];
const REPLACE: [&str; 2] = ["replace", "--dry-run=server"];

#[test]
fn the_ledger_is_written_by_the_operator_and_in_an_emergency_by_an_admin() -> Result<()> {
    case::run(cluster(), "ledger-writers", |case| {
        let release = Release::installed(case, &TEMPLATES)?;
        let_somebody_write(case)?;
        let good = block(case);
        until("the policy is in force", 20, || {
            refused(send("somebody", &CREATE, &good))
        })?;
        send(&release.user("operator"), &CREATE, &good).context("the operator creates")?;
        send("", &["create"], &good).context("an admin creates")?;
        let changed = with(good.clone(), "/spec/counter", json!(1));
        let labelled = with(good, "/metadata/labels", json!({"seen": "yes"}));
        refused(send("somebody", &REPLACE, &changed))?;
        send("somebody", &REPLACE, &labelled).context("labels are everybody's")?;
        let name = case.namespace.as_str();
        // The installed operator may be first: nothing is in the block, and no network's subnet.
        let delete = ["delete", "abl", name, "--ignore-not-found"];
        cluster().kubectl(&delete).context("an admin deletes")?;
        Ok(())
    })
}

#[test]
fn a_node_s_spec_is_the_operator_s_and_its_status_the_agent_s() -> Result<()> {
    case::run(cluster(), "node-writers", |case| {
        let release = Release::installed(case, &TEMPLATES)?;
        let_somebody_write(case)?;
        // A real node: the operator ends an object that has none.
        let node = cluster().nodes(NodeKind::Namespace, 1)?.remove(0);
        let made = make_nodes(&[&node])?;
        let result = node_writes(&release, &node);
        for name in made {
            cluster().kubectl(&["delete", "lfn", &name])?;
        }
        result
    })
}

fn node_writes(release: &Release, node: &str) -> Result<()> {
    const SPEC: &[&str] = &[];
    const STATUS: &[&str] = &["--subresource=status"];
    let close = r#"{"spec":{"ledgerEpoch":1000}}"#;
    let report = r#"{"status":{"bootID":"written-by-a-test"}}"#;
    let annotate = r#"{"metadata":{"annotations":{"landfall.dev/reclaim":"x"}}}"#;
    let patch = |user: &str, part: &[&str], patch: &str| {
        let user = format!("--as={user}");
        let words = ["patch", "lfn", node, "--dry-run=server", "--type=merge"];
        let mut words = [&words, part, &["-p", patch]].concat();
        // Else an admin.
        if !user.ends_with('=') {
            words.push(&user);
        }
        cluster().kubectl(&words).map(drop)
    };
    let (operator, agent) = (release.user("operator"), release.user("agent"));
    until("the policy is in force", 20, || {
        refused(patch("somebody", SPEC, close))
    })?;
    patch(&operator, SPEC, close).context("the operator writes the spec")?;
    refused(patch("somebody", STATUS, report))?;
    patch("somebody", SPEC, annotate).context("annotations are everybody's")?;
    // The operator tells a lost compare-and-swap from a refusal by whether the answer names the object
    // (operator/src/grants/failure.rs); kubectl's sentence is made from the same.
    let lost = r#"[{"op": "test", "path": "/metadata/generation", "value": -1}]"#;
    let lost = [
        "patch",
        "lfn",
        node,
        "--dry-run=server",
        "--type=json",
        "-p",
        lost,
    ];
    let lost = cluster()
        .kubectl(&lost)
        .expect_err("the test fails")
        .to_string();
    let says =
        "The request is invalid: the server rejected our request due to an error in our request";
    assert!(lost.contains(says), "{lost}");
    let wrong = patch("", SPEC, r#"{"spec":{"ledgerEpoch":"x"}}"#);
    let wrong = wrong.expect_err("not a number").to_string();
    assert!(wrong.contains(&format!("\"{node}\" is invalid")), "{wrong}");
    let denied = patch("somebody", SPEC, close)
        .expect_err("the policy")
        .to_string();
    assert!(denied.contains(&format!("\"{node}\"")), "{denied}");
    // RBAC has the first word on what a program never writes.
    let never = [(&*operator, STATUS, report), (&*agent, SPEC, close)];
    for (user, part, text) in never {
        let said = patch(user, part, text).expect_err(user).to_string();
        assert!(said.contains("cannot "), "{said}");
    }
    let admin = [
        "patch",
        "lfn",
        node,
        "--dry-run=server",
        "--type=merge",
        "-p",
    ];
    cluster().kubectl(&[&admin[..], &[close]].concat())?;
    Ok(())
}
