//! A node without an agent, among others that have one.

use anyhow::{Context, Result};
use landfall_tests::{
    case,
    diagnosis::SYSTEM,
    outage::Outage,
    pod::{self, text},
    truth::Truth,
    wait::{as_long_as, until},
};
use serde_json::{Value, json};

use crate::{
    cluster,
    traffic::{at_rest, nodes, ours, ours_ready},
};

/// Keeps the DaemonSet from a node. Elsewhere agents stay as they are: they are replaced only when
/// they are deleted.
fn without_agent(node: &str) -> Result<Outage<'_>> {
    let sets = cluster().items(&["daemonsets", "-n", SYSTEM])?;
    let set = sets.into_iter().next().context("no DaemonSet")?;
    let name = text(&set, "/metadata/name").to_owned();
    let strategy = set.pointer("/spec/updateStrategy").cloned();
    let affinity = set.pointer("/spec/template/spec/affinity").cloned();
    let patch = |name: &str, patch: &Value| {
        let patch = patch.to_string();
        let words = [
            "patch",
            "daemonset",
            name,
            "-n",
            SYSTEM,
            "--type=merge",
            "-p",
            &patch,
        ];
        cluster().kubectl(&words).map(drop)
    };
    let term = json!({"matchExpressions": [
        {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": [node]},
    ]});
    let rule = "requiredDuringSchedulingIgnoredDuringExecution";
    let without = json!({"spec": {
        "updateStrategy": {"type": "OnDelete", "rollingUpdate": null},
        "template": {"spec": {"affinity": {"nodeAffinity": {rule: {"nodeSelectorTerms": [term]}}}}},
    }});
    let of = name.clone();
    let away = Outage::new(format!("{node} without an agent"), move || {
        // The template first: with its old content all agents are up to date again.
        let template = json!({"spec": {"template": {"spec": {"affinity": affinity}}}});
        patch(&of, &template)?;
        patch(&of, &json!({"spec": {"updateStrategy": strategy}}))?;
        until("every agent is back", 60, ours_ready)
    });
    patch(&name, &without)?;
    until(&format!("{node} has no agent"), 60, || {
        let agents = ours("agent")?;
        anyhow::ensure!(!agents.iter().any(|(_, on)| on == node), "{agents:?}");
        Ok(())
    })?;
    Ok(away)
}

#[test]
fn on_a_node_without_an_agent_plain_pods_start_and_what_it_holds_stays_held() -> Result<()> {
    case::alone(cluster(), "away", |case| {
        let [node, other] = nodes()?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.part("eth1", 10, 11))?;
        case.pod("one", &node, &network)?;
        case.pod("two", &other, &network)?;
        case.ready(&["one", "two"])?;
        let away = without_agent(&node)?;
        case.pod("waits", &node, &network)?;
        let reason = "NoAgentOnNode";
        pod::event(cluster(), &case.namespace, "waits", reason, &node)?;

        let plain: Vec<_> = (0..20).map(|number| format!("plain-{number}")).collect();
        for name in &plain {
            case.pod(name, &node, "")?;
        }
        let plain: Vec<_> = plain.iter().map(String::as_str).collect();
        case.ready(&plain)?;

        // Its DEL succeeds, and frees nothing.
        case.delete_pod("one")?;
        case.pod("heir", &other, &network)?;
        let reason = "AddressPoolExhausted";
        pod::event(cluster(), &case.namespace, "heir", reason, &network)?;
        as_long_as("the agent is away", 3, || {
            pod::not_ready(cluster(), &case.namespace, "waits")?;
            pod::not_ready(cluster(), &case.namespace, "heir")
        })?;
        away.end()?;
        case.delete_pod("two")?;
        case.ready(&["waits", "heir"])?;
        Truth::of(case).no_duplicates()?;
        at_rest(case)
    })
}
