//! `kubectl landfall` on a real API server: what it reads at one moment, what it refuses, and that the
//! chart's roles are enough for it.

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    pod::text,
};
use serde_json::{Value, json};

use crate::{
    cluster,
    release::{Release, make_nodes},
};

/// Asks, as a user. The answer, and the exit code.
fn ask(user: &str, words: &[&str]) -> Result<(Value, i32)> {
    let user = format!("--as={user}");
    let mut all = vec!["kubectl", "landfall", "-o", "json"];
    all.extend(words);
    if !user.ends_with('=') {
        all.push(&user);
    }
    let output = cluster().dev(&all)?;
    let code = output.status.code().context("no exit code")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let answer = serde_json::from_slice(&output.stdout);
    let answer = answer.unwrap_or_else(|_| json!({"stderr": said}));
    Ok((answer, code))
}

/// A user who has a role of the chart.
fn bound(case: &Case<'_>, role: &str) -> Result<String> {
    let user = format!("{}-{role}", case.namespace);
    let name = format!("landfall-{}-kubectl-{role}", case.namespace);
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {
            "name": name,
            // It goes with the release.
            "labels": {"app.kubernetes.io/instance": format!("landfall-{}", case.namespace)},
        },
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    });
    cluster().apply(&[binding])?;
    Ok(user)
}

#[test]
fn who_looks_needs_the_role_for_looking_and_no_other() -> Result<()> {
    case::run(cluster(), "plugin-view", |case| {
        let release = Release::own(case, &["kubectl-rbac"])?;
        let user = bound(case, "view")?;
        let (checked, code) = ask(&user, &["check"])?;
        ensure!(matches!(code, 0 | 1), "{checked}");
        ensure!(!text(&checked, "/resourceVersion").is_empty(), "{checked}");
        let nobodys = case.ipv4(9);
        let (answer, code) = ask(&user, &["who-has", &nobodys])?;
        ensure!(code == 1 && answer["holdings"] == json!([]), "{answer}");
        let (answer, code) = ask(&user, &["pool", "there-is-none"])?;
        let says = text(&answer, "/stderr");
        ensure!(
            code == 2 && says.contains("no network there-is-none"),
            "{answer}"
        );
        let (answer, code) = ask("nobody-in-particular", &["check"])?;
        let says = text(&answer, "/stderr");
        ensure!(code == 2 && says.contains("forbidden"), "{answer}");
        drop(release);
        Ok(())
    })
}

#[test]
fn reclaim_says_what_it_means_and_does_nothing_without_its_flag_or_while_a_machine_is_on()
-> Result<()> {
    case::run(cluster(), "plugin-reclaim", |case| {
        let node = cluster().nodes(NodeKind::Namespace, 1)?.remove(0);
        let made = make_nodes(&[&node])?;
        let result = reclaims(case, &node);
        for name in made {
            cluster().kubectl(&["delete", "lfn", &name])?;
        }
        result
    })
}

fn reclaims(case: &Case<'_>, node: &str) -> Result<()> {
    let release = Release::own(case, &["kubectl-rbac"])?;
    let user = bound(case, "reclaim")?;
    let (answer, code) = ask(&user, &["reclaim", node])?;
    ensure!(code == 1 && answer["outcome"] == "unconfirmed", "{answer}");
    let words = ["reclaim", node, "--i-confirm-it-is-off", "--timeout=2"];
    let (answer, code) = ask(&user, &words)?;
    // Beside other tests the node may hold something; its kubelet reports.
    let outcome = text(&answer, "/outcome");
    ensure!(
        matches!((outcome, code), ("on", 1) | ("nothing", 0)),
        "{answer}"
    );
    let object = cluster().get(&["lfn", node])?;
    let said = object.pointer("/metadata/annotations/landfall.dev~1reclaim");
    ensure!(said.is_none(), "{said:?}");
    let (answer, code) = ask(&user, &["reclaim", "no-such-node"])?;
    let says = text(&answer, "/stderr");
    ensure!(
        code == 2 && says.contains("no LandfallNode no-such-node"),
        "{answer}"
    );
    drop(release);
    Ok(())
}
