//! `kubectl landfall` about pods that run, and about an object that somebody made by hand.

use anyhow::{Context, Result, ensure};
use landfall_tests::{case, cluster::NodeKind, kernel, manifest::landfall, pod::text, wait::until};
use serde_json::{Value, json};

use crate::cluster;

/// The policy lets nobody else write the ledger.
const OPERATOR: &str = "--as=system:serviceaccount:landfall-system:landfall-operator";

/// Creates an AddressBlock in the operator's name.
fn create_block(name: &str, spec: &Value) -> Result<()> {
    let object = landfall("AddressBlock", name, spec).to_string();
    let words = ["create", OPERATOR, "-f", "-"];
    let made = cluster().feed_kubectl(&words, &object)?;
    landfall_tests::cluster::checked(&words, &made)?;
    Ok(())
}

/// Asks. The answer, and the exit code.
pub(crate) fn ask(words: &[&str]) -> Result<(Value, i32)> {
    let all = [&["kubectl", "landfall", "-o", "json"], words].concat();
    let output = cluster().dev(&all)?;
    let code = output.status.code().context("no exit code")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let answer = serde_json::from_slice(&output.stdout);
    let answer = answer.with_context(|| format!("kubectl landfall {words:?}: {said}"))?;
    Ok((answer, code))
}

#[test]
fn the_plugin_tells_who_has_an_address_from_every_side() -> Result<()> {
    case::run(cluster(), "plugin", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let spec = landfall_tests::manifest::with(
            case.part("eth1", 10, 12),
            "/limits",
            json!({"perNamespace": 6}),
        );
        let network = case.ready_network("MacvlanNetwork", "net", &spec)?;
        case.pod("one", node, &network)?;
        case.ready(&["one"])?;
        let link = kernel::one(cluster(), &case.namespace, "one", "net1")?;
        let address = link.ipv4()?.to_string();
        let pod = format!("{}/one", case.namespace);
        until("the agent has reported", 10, || {
            let (answer, code) = ask(&["who-has", &address])?;
            let holding = &answer["holdings"][0];
            ensure!(code == 0 && holding["attached"] == true, "{answer}");
            for (key, value) in [
                ("network", network.as_str()),
                ("node", node),
                ("pod", &pod),
                ("interface", "net1"),
                ("state", "Granted"),
            ] {
                ensure!(
                    text(holding, &format!("/{key}")) == value,
                    "{key}: {answer}"
                );
            }
            Ok(())
        })?;
        let (answer, code) = ask(&["pod", &pod])?;
        let both = answer["holdings"].as_array().map(Vec::len);
        ensure!(code == 0 && both == Some(2), "{answer}");
        let (answer, _) = ask(&["pool", &network])?;
        ensure!(answer["heldByNamespace"][&case.namespace] == 2, "{answer}");
        let (answer, _) = ask(&["node", node])?;
        let holdings = answer["holdings"].as_array().context("no list")?;
        let own = holdings.iter().filter(|held| text(held, "/pod") == pod);
        ensure!(own.count() == 2, "{answer}");
        let (answer, code) = ask(&["who-has", &case.ipv4(12)])?;
        ensure!(
            code == 1 && answer["networks"] == json!([network]),
            "{answer}"
        );
        Ok(())
    })
}

#[test]
fn check_finds_nothing_in_a_ledger_at_work_and_names_what_was_made_by_hand() -> Result<()> {
    case::alone(cluster(), "plugin-check", |case| {
        let network = case.ready_network("MacvlanNetwork", "net", &case.part("eth1", 10, 30))?;
        for pod in ["one", "two", "three"] {
            case.pod(pod, "", &network)?;
            let (answer, code) = ask(&["check"])?;
            ensure!(code == 0, "{answer}");
        }
        case.ready(&["one", "two", "three"])?;
        let (answer, code) = ask(&["check"])?;
        ensure!(
            code == 0 && answer["attached"].as_u64() >= Some(6),
            "{answer}"
        );
        let spec = json!({
            "segment": case.namespace, "first": "10.0.0.0", "epoch": 1, "counter": 0, "entries": {},
        });
        let name = case.name("mine");
        create_block(&name, &spec)?;
        let found = ask(&["check"]);
        cluster().kubectl(&["delete", "abl", &name, OPERATOR])?;
        let (answer, code) = found?;
        let findings = answer["findings"].as_array().context("no list")?;
        let object = format!("AddressBlock/{name}");
        let own = findings.iter().find(|one| text(one, "/object") == object);
        ensure!(code == 1 && own.is_some(), "{answer}");
        Ok(())
    })
}

#[test]
fn an_object_that_cant_be_read_is_named_and_the_rest_is_told() -> Result<()> {
    case::alone(cluster(), "plugin-unread", |case| {
        // The schema takes any text for a seq.
        let entry =
            json!({"state": "Granted", "seq": "no", "since": "2026-01-01T00:00:00.000000Z"});
        let spec = json!({
            "segment": case.namespace, "first": "10.0.0.0", "epoch": 1, "counter": 0,
            "entries": {"10.0.0.1": entry},
        });
        let name = case.name("0a000000");
        create_block(&name, &spec)?;
        let found = ask(&["check"]);
        let held = cluster().dev(&["kubectl", "landfall", "who-has", "10.0.0.1"]);
        let elsewhere = ask(&["who-has", &case.ipv4(9)]);
        cluster().kubectl(&["delete", "abl", &name, OPERATOR])?;
        let (answer, code) = found?;
        let findings = answer["findings"].as_array().context("no list")?;
        let object = format!("AddressBlock/{name}");
        let own = findings.iter().find(|one| text(one, "/object") == object);
        let own = own.map(|one| text(one, "/message"));
        let says = own.is_some_and(|message| message.contains("spec.entries.10.0.0.1.seq: "));
        ensure!(code == 1 && says, "{answer}");
        let held = held?;
        let said = String::from_utf8_lossy(&held.stderr);
        let names = said.contains(&format!("AddressBlock {name} can't be read"));
        ensure!(held.status.code() == Some(2) && names, "{said}");
        let (answer, code) = elsewhere?;
        let unread = text(&answer, "/unread/0/name") == name;
        ensure!(code == 1 && unread, "{answer}");
        Ok(())
    })
}
