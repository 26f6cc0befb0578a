//! What a stolen token of an agent can do: every verb on every resource that matters, of its own node
//! and of another, tried for real. `docs/security.md` shows the table.

use anyhow::{Result, bail};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    manifest::{pod, with},
    pod::text,
    wait::until,
};
use serde_json::json;

use crate::{
    cluster, docs,
    release::{Release, make_nodes},
};

mod requests;
mod resources;

use requests::{Caller, Request};
use resources::Resource;

/// Columns of the table.
const VERBS: [&str; 7] = [
    "get", "list", "watch", "create", "update", "patch", "delete",
];
const TEMPLATES: [&str; 2] = ["agent-rbac", "admission-agents"];

#[test]
fn a_stolen_agent_token_writes_one_status_and_reads_node_objects() -> Result<()> {
    case::run(cluster(), "stolen-token", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let (own, other) = (&*nodes[0], &*nodes[1]);
        let made = make_nodes(&[own, other])?;
        let result = stolen(case, own, other);
        for name in made {
            cluster().kubectl(&["delete", "lfn", &name])?;
        }
        result
    })
}

fn stolen(case: &Case<'_>, own: &str, other: &str) -> Result<()> {
    let release = Release::installed(case, &TEMPLATES)?;
    let pod = agent_pod(case, &release, own)?;
    let account = release.account("agent");
    let mut words = vec!["create", "token", &account, "-n", &release.namespace];
    words.extend(["--bound-object-kind=Pod", "--bound-object-name", &pod]);
    let thief = Caller::new(cluster().kubectl(&words)?.trim())?;
    until("the policy is in force", 20, || {
        let codes = thief.codes(&[status_of(own), status_of(other)])?;
        match codes[..] {
            [200, 403] => Ok(()),
            _ => bail!("its own status and another's: {codes:?}"),
        }
    })?;
    let resources = resources::all(own, other, &release.namespace, &pod);
    docs::check(
        "docs/security.md",
        "agent-token",
        &table(&thief, &resources)?,
    )
}

fn status_of(node: &str) -> Request {
    let body = json!({"status": {"bootID": "stolen"}});
    let path = format!("/apis/landfall.dev/v1alpha1/landfallnodes/{node}/status");
    Request::write("PATCH", &path, &body)
}

/// The name of a pod of the agent's ServiceAccount on a node: an agent, or a pod in its place.
fn agent_pod(case: &Case<'_>, release: &Release, node: &str) -> Result<String> {
    let namespace = release.namespace.as_str();
    if release.is_installed() {
        let label = "app.kubernetes.io/component=agent";
        let field = format!("spec.nodeName={node}");
        let words = [
            "pods",
            "-n",
            namespace,
            "-l",
            label,
            "--field-selector",
            &field,
        ];
        let pods = cluster().items(&words)?;
        return match pods.as_slice() {
            [pod, ..] => Ok(text(pod, "/metadata/name").to_owned()),
            [] => bail!("{node} has no agent"),
        };
    }
    let account = release.account("agent");
    cluster().kubectl(&["create", "serviceaccount", &account, "-n", namespace])?;
    let place = pod(&case.namespace, "agent", "", "");
    let place = with(place, "/spec/serviceAccountName", json!(account));
    cluster().apply(&[with(place, "/spec/nodeName", json!(node))])?;
    Ok("agent".to_owned())
}

/// All that the caller can do, as Markdown. Only what is neither allowed nor forbidden is a failure.
fn table(thief: &Caller, resources: &[Resource]) -> Result<String> {
    let requests: Vec<_> = resources
        .iter()
        .flat_map(|resource| VERBS.map(|verb| resource.request(verb)))
        .collect();
    let codes = thief.codes(&requests)?;
    let mut lines = vec![
        format!("| Resource | {} |", VERBS.join(" | ")),
        format!("|---{}|", "|---".repeat(VERBS.len())),
    ];
    for (resource, codes) in resources.iter().zip(codes.chunks(VERBS.len())) {
        let mut cells = Vec::new();
        for (verb, code) in VERBS.iter().zip(codes) {
            cells.push(match code {
                200 | 201 => "**yes**",
                403 => "no",
                _ => bail!("{verb} {resource:?}: {code}"),
            });
        }
        lines.push(format!("| {} | {} |", resource.title, cells.join(" | ")));
    }
    Ok(lines.join("\n") + "\n")
}

/// RBAC would allow it: the token names no node.
#[test]
fn a_token_that_is_bound_to_no_pod_writes_nothing() -> Result<()> {
    case::run(cluster(), "unbound-token", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 1)?;
        let made = make_nodes(&[&nodes[0]])?;
        let release = Release::installed(case, &TEMPLATES)?;
        let (account, namespace) = (release.account("agent"), release.namespace.as_str());
        if !release.is_installed() {
            cluster().kubectl(&["create", "serviceaccount", &account, "-n", namespace])?;
        }
        let token = cluster().kubectl(&["create", "token", &account, "-n", namespace])?;
        let caller = Caller::new(token.trim())?;
        let result = until("the policy is in force", 20, || {
            let codes = caller.codes(&[status_of(&nodes[0])])?;
            if codes == [403] {
                Ok(())
            } else {
                bail!("{codes:?}")
            }
        });
        for name in made {
            cluster().kubectl(&["delete", "lfn", &name])?;
        }
        result
    })
}
