//! What the ServiceAccounts of the chart may do. The chart's roles are rendered for a release of
//! their own, so that neither an installed chart is needed nor one disturbed.

use anyhow::{Context, Result, bail};
use landfall_tests::{
    case::{self, Case},
    cluster::{checked, tree},
    manifest::landfall,
    pod::text,
    wait::until,
};
use serde_json::{Value, json};

use crate::cluster;

/// The roles of one release, removed at the end.
struct Release(String);

impl Release {
    /// Renders and applies them for the test's namespace.
    fn new(case: &Case<'_>) -> Result<Self> {
        let release = Self(format!("landfall-{}", case.namespace));
        let chart = tree("charts/landfall").display().to_string();
        let mut words = vec!["helm", "template", &release.0, &chart];
        // The chart asks for a version, and helm by itself guesses an old one.
        let version: Value = serde_json::from_str(&cluster().kubectl(&["version", "-o", "json"])?)?;
        let version = text(&version, "/serverVersion/gitVersion");
        words.extend(["-n", &case.namespace, "--kube-version", version]);
        let templates =
            ["agent-rbac", "operator-rbac"].map(|name| format!("templates/{name}.yaml"));
        words.extend(templates.iter().flat_map(|name| ["--show-only", name]));
        let rendered = cluster().output(&words)?;
        let apply = ["apply", "-f", "-"];
        checked(&apply, &cluster().feed_kubectl(&apply, &rendered)?)?;
        Ok(release)
    }

    /// The name of a ServiceAccount.
    fn account(&self, component: &str) -> String {
        format!("{}-{component}", self.0)
    }

    /// The user that its token stands for.
    fn user(&self, case: &Case<'_>, component: &str) -> String {
        let account = self.account(component);
        format!("system:serviceaccount:{}:{account}", case.namespace)
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let kinds = "clusterroles,clusterrolebindings,validatingadmissionpolicies,\
                     validatingadmissionpolicybindings";
        let label = format!("app.kubernetes.io/instance={}", self.0);
        cluster()
            .kubectl(&["delete", kinds, "-l", &label])
            .map(drop)
            .unwrap_or_default();
    }
}

/// All that an account may do with resources in a namespace, sorted, without what every
/// ServiceAccount may ask about itself: `resource [names] [verbs]`.
fn rights(account: &str, namespace: &str) -> Result<Vec<String>> {
    let user = format!("--as={account}");
    let words = [
        "auth",
        "can-i",
        "--list",
        "--no-headers",
        "-n",
        namespace,
        &user,
    ];
    let listed = cluster().kubectl(&words)?;
    let resources = listed
        .lines()
        .filter(|line| !line.starts_with(' ') && !line.starts_with("selfsubject"));
    let mut rights = Vec::new();
    for line in resources {
        let (resource, rest) = line.split_once("[]").context("no column of URLs")?;
        let rest: Vec<_> = rest.split_whitespace().collect();
        rights.push(format!("{} {}", resource.trim(), rest.join(" ")));
    }
    rights.sort();
    Ok(rights)
}

#[test]
fn an_agent_reads_node_objects_and_patches_their_status_and_nothing_else() -> Result<()> {
    case::run(cluster(), "agent-roles", |case| {
        let release = Release::new(case)?;
        let account = release.user(case, "agent");
        let expected = [
            "landfallnodes.landfall.dev [] [get list watch]",
            "landfallnodes.landfall.dev/status [] [patch]",
        ];
        for namespace in ["kube-system", &case.namespace] {
            assert_eq!(rights(&account, namespace)?, expected, "in {namespace}");
        }
        Ok(())
    })
}

#[test]
fn an_operator_writes_ledger_node_specs_and_statuses_and_reads_no_secrets() -> Result<()> {
    case::run(cluster(), "operator-roles", |case| {
        let release = Release::new(case)?;
        let account = release.user(case, "operator");
        let everywhere = [
            "addressblocks.landfall.dev [] [get list watch create update]",
            "events.events.k8s.io [] [create patch]",
            "ipvlannetworks.landfall.dev [] [get list watch patch]",
            "ipvlannetworks.landfall.dev/status [] [patch]",
            "landfallnodes.landfall.dev [] [get list watch create patch delete]",
            "macvlannetworks.landfall.dev [] [get list watch patch]",
            "macvlannetworks.landfall.dev/status [] [patch]",
            "namespaces [] [get list watch]",
            "nodes [] [get list watch]",
            "pods [] [get list watch]",
            "pods/status [] [patch]",
        ];
        assert_eq!(rights(&account, "kube-system")?, everywhere);
        let mut at_home = rights(&account, &case.namespace)?;
        at_home.retain(|right| !everywhere.contains(&right.as_str()));
        let ledger = [
            "configmaps [] [create]",
            "configmaps [landfall-ledger] [get update]",
        ];
        assert_eq!(at_home, ledger);
        Ok(())
    })
}

/// RBAC can't say "its own": the policy does, by the node name in the token.
#[test]
fn an_agent_s_token_writes_the_status_of_its_own_node_only() -> Result<()> {
    case::run(cluster(), "agent-policy", |case| {
        let nodes = cluster().items(&["nodes"])?;
        let names = nodes
            .iter()
            .filter_map(|node| node.pointer("/metadata/name")?.as_str());
        let [own, other] = names.take(2).collect::<Vec<_>>()[..] else {
            bail!("two nodes are needed: cargo dev up");
        };
        let made = make_objects(&[own, other])?;
        let result = policy(case, own, other);
        for name in made {
            cluster().kubectl(&["delete", "lfn", &name])?;
        }
        result
    })
}

/// Makes the node objects that no operator has made; they are returned.
fn make_objects(names: &[&str]) -> Result<Vec<String>> {
    let mut made = Vec::new();
    for name in names {
        if cluster().kubectl(&["get", "lfn", name]).is_err() {
            cluster().apply(&[landfall("LandfallNode", name, &json!({}))])?;
            made.push((*name).to_owned());
        }
    }
    Ok(made)
}

fn policy(case: &Case<'_>, own: &str, other: &str) -> Result<()> {
    let release = Release::new(case)?;
    let account = release.account("agent");
    let namespace = ["-n", case.namespace.as_str()];
    cluster().kubectl(&[&["create", "serviceaccount", &account], &namespace[..]].concat())?;
    let bound = ["--bound-object-kind=Node", "--bound-object-name", own];
    let words = [&["create", "token", &account], &namespace[..], &bound].concat();
    let token = cluster().kubectl(&words)?;
    let token = token.trim();
    write(token, own, "status").context("its own node's status")?;
    until("the policy is in force", 20, || {
        let says = format!("this agent runs on node \"{own}\"");
        forbidden(write(token, other, "status"), &says)
    })?;
    write(token, own, "status").context("its own node's status")?;
    forbidden(write(token, own, ""), "cannot patch resource")
}

fn forbidden(result: Result<()>, says: &str) -> Result<()> {
    match result {
        Err(error) if error.to_string().contains(says) => Ok(()),
        other => bail!("{says} was expected: {other:?}"),
    }
}

/// Tries a patch of a node object, or of a part of it, with a token.
fn write(token: &str, node: &str, part: &str) -> Result<()> {
    // kubectl patch reads first, which an agent may not do with a status.
    let token = format!("--token={token}");
    let part = format!("--subresource={part}");
    let mut words = vec![
        "apply",
        "--server-side",
        "--dry-run=server",
        "--validate=false",
    ];
    words.extend([
        "--force-conflicts",
        "--field-manager=test",
        &part,
        &token,
        "-f",
        "-",
    ]);
    let mut object = landfall("LandfallNode", node, &json!({"fence": 1}));
    object["status"] = json!({"bootID": "test"});
    let output = cluster().feed_kubectl(&words, &object.to_string())?;
    checked(&["kubectl", "apply", "--token=…"], &output).map(drop)
}
