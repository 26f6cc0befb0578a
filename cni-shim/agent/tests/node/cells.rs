//! The table of verbs and doors in the contract, one test a cell: the plugin and the agent together.
//!
//! | verb | chained | delegate |
//! |---|---|---|
//! | ADD | waits at most 2 s, then 11; what only the user can mend fails at once with 7 | same |
//! | CHECK | our records only; an unknown container succeeds | record and prevResult |
//! | DEL | fails only if the link is there and could not be removed; agent away: spooled, succeeds | same |
//! | GC | by container ID; a container whose namespace is alive is never touched | not called; the sweep |
//! | STATUS | success, always | agent reachable, else 50 |
//!
//! That a DEL fails if the link stays is tested at the engine: no kernel refuses to remove a link.

use std::time::{Duration, Instant};

use landfall_plugin::spec::{CniError, Verb};
use serde_json::{Value, json};

use crate::{
    agent::{Agent, grants},
    plugin::{Door, Plugin},
    rig::{Namespace, Node},
};

const POD: &str = "00000000-0000-0000-0000-000000000001";

/// An ADD that must fail, and how long it took.
fn failing_add(plugin: &Plugin<'_>, pod: &Namespace) -> (CniError, Duration) {
    let start = Instant::now();
    let error = plugin.call(Verb::Add, "c1", POD, Some(pod)).unwrap_err();
    (error, start.elapsed())
}

fn refusal(reason: &str, message: &str, is_final: bool) -> Value {
    json!({
        "owner": POD, "interface": "net1", "reason": reason, "message": message, "final": is_final,
    })
}

/// The cells ADD: what will pass is waited for, and then named with code 11.
fn add_waits(door: Door) {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let (pod, plugin) = (node.pod(), Plugin::new(&node, door));
    let two_seconds = |took: Duration| took >= Duration::from_secs(2);

    let (error, took) = failing_add(&plugin, &pod);
    assert_eq!(error.code.number(), 11, "a pending grant: {error}");
    assert!(
        error.msg.contains("no grant") && two_seconds(took),
        "{error}"
    );

    let exhausted = refusal("AddressPoolExhausted", "storage has no free address", false);
    agent.see_refusals(2, &[], &[], &[exhausted]);
    let (error, took) = failing_add(&plugin, &pod);
    assert_eq!(error.code.number(), 11, "an exhausted pool: {error}");
    assert!(error.msg.contains("storage has no free address") && two_seconds(took));

    agent.see(3, &grants(POD, 5), &[]);
    node.host.ip(&["link", "set", "eth1", "name", "away"]);
    agent.until("the parent is missed", |state| {
        state.parents.iter().all(|parent| !parent.ready)
    });
    let (error, took) = failing_add(&plugin, &pod);
    assert_eq!(error.code.number(), 11, "a missing parent: {error}");
    assert!(error.msg.contains("eth1") && two_seconds(took), "{error}");

    assert!(agent.stored().is_empty());
    node.host.ip(&["link", "set", "away", "name", "eth1"]);
    plugin.call(Verb::Add, "c1", POD, Some(&pod)).unwrap();
    assert!(pod.pings("10.9.0.1"));
}

#[test]
fn add_chained_waits_two_seconds_and_then_says_11_with_the_reason() {
    add_waits(Door::Chained);
}

#[test]
fn add_delegate_waits_two_seconds_and_then_says_11_with_the_reason() {
    add_waits(Door::Delegate);
}

/// The cells ADD: what only the user can mend fails at once with code 7.
fn add_fails_at_once(door: Door) {
    let node = Node::new();
    let agent = Agent::ready(&node, &[]);
    let pod = node.pod();
    let plugin = Plugin::new(&node, door);
    let cases = [
        ("UnknownNetwork", "there is no network storage"),
        (
            "NamespaceNotAllowed",
            "storage is not for namespace default",
        ),
    ];
    for (generation, (reason, message)) in (2..).zip(cases) {
        agent.see_refusals(generation, &[], &[], &[refusal(reason, message, true)]);
        let (error, took) = failing_add(&plugin, &pod);
        assert_eq!(error.code.number(), 7, "{error}");
        assert!(error.msg.contains(message), "{error}");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
    assert!(agent.stored().is_empty());
}

#[test]
fn add_chained_fails_at_once_with_7_for_what_only_the_user_can_mend() {
    add_fails_at_once(Door::Chained);
}

#[test]
fn add_delegate_fails_at_once_with_7_for_what_only_the_user_can_mend() {
    add_fails_at_once(Door::Delegate);
}

#[test]
fn add_chained_fails_at_once_with_7_for_a_bad_annotation() {
    let node = Node::new();
    let _agent = Agent::ready(&node, &[]);
    let pod = node.pod();
    for networks in [
        "a/b/c",
        "[{]",
        "[{\"name\":\"storage\",\"interface\":\"a/b\"}]",
    ] {
        let plugin = Plugin {
            networks,
            ..Plugin::new(&node, Door::Chained)
        };
        let (error, took) = failing_add(&plugin, &pod);
        assert_eq!(error.code.number(), 7, "{networks}: {error}");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

#[test]
fn check_chained_looks_at_our_records_only_and_an_unknown_container_succeeds() {
    let node = Node::new();
    let _agent = Agent::ready(&node, &grants(POD, 5));
    let (pod, plugin) = (node.pod(), Plugin::new(&node, Door::Chained));
    let check = |container: &str| plugin.call(Verb::Check, container, POD, Some(&pod));
    check("older-than-the-chain").unwrap();
    plugin.call(Verb::Add, "c1", POD, Some(&pod)).unwrap();
    check("c1").unwrap();
    pod.ip(&["addr", "del", "10.9.0.5/24", "dev", "net1"]);
    assert_eq!(check("c1").unwrap_err().code.number(), 101);
}

#[test]
fn check_delegate_compares_the_record_and_prev_result() {
    let node = Node::new();
    let agent = Agent::ready(&node, &grants(POD, 5));
    let (pod, mut plugin) = (node.pod(), Plugin::new(&node, Door::Delegate));
    let added = plugin.call(Verb::Add, "c1", POD, Some(&pod)).unwrap();

    let error = plugin.call(Verb::Check, "c1", POD, Some(&pod)).unwrap_err();
    assert!(error.msg.contains("prevResult missing"), "{error}");
    plugin.prev_result = Some(added.clone());
    plugin.call(Verb::Check, "c1", POD, Some(&pod)).unwrap();
    let error = plugin.call(Verb::Check, "c2", POD, Some(&pod)).unwrap_err();
    assert_eq!(error.code.number(), 3, "no record: {error}");

    // As the kernel and the record have it, and as Multus was told otherwise.
    let mut others = added.clone();
    others["ips"][0]["address"] = json!("10.9.0.6/24");
    plugin.prev_result = Some(others);
    let error = plugin.call(Verb::Check, "c1", POD, Some(&pod)).unwrap_err();
    assert!(error.msg.contains("10.9.0.6/24"), "{error}");

    plugin.prev_result = Some(added);
    pod.ip(&["link", "set", "net1", "down"]);
    plugin.call(Verb::Check, "c1", POD, Some(&pod)).unwrap_err();
    pod.ip(&["link", "set", "net1", "up"]);
    pod.ip(&["addr", "del", "10.9.0.5/24", "dev", "net1"]);
    let error = plugin.call(Verb::Check, "c1", POD, Some(&pod)).unwrap_err();
    assert!(error.msg.contains("10.9.0.5"), "{error}");
    assert_eq!(agent.stored(), ["c1 Active".to_owned()].into());
}

/// The cells DEL: with the agent away it is spooled and succeeds, and frees nothing.
fn del_is_spooled(door: Door) {
    let node = Node::new();
    let granted = grants(POD, 5);
    let agent = Agent::ready(&node, &granted);
    let (pod, plugin) = (node.pod(), Plugin::new(&node, door));
    plugin.call(Verb::Add, "c1", POD, Some(&pod)).unwrap();
    agent.go_away();
    plugin.call(Verb::Del, "c1", POD, Some(&pod)).unwrap();
    assert!(pod.pings("10.9.0.1"), "nobody was there to remove it");

    let agent = Agent::start(&node);
    assert_eq!(pod.addresses("net1"), None, "served from the spool");
    assert!(agent.stored().is_empty() && agent.released() == 0);
    plugin.call(Verb::Del, "c1", POD, Some(&pod)).unwrap();
    plugin.call(Verb::Del, "c1", POD, None).unwrap();
}

#[test]
fn del_chained_with_the_agent_away_is_spooled_succeeds_and_frees_nothing() {
    del_is_spooled(Door::Chained);
}

#[test]
fn del_delegate_with_the_agent_away_is_spooled_succeeds_and_frees_nothing() {
    del_is_spooled(Door::Delegate);
}

#[test]
fn gc_chained_goes_by_the_container_and_never_touches_a_namespace_that_is_alive() {
    let node = Node::new();
    let other = "00000000-0000-0000-0000-000000000002";
    let agent = Agent::ready(&node, &[grants(POD, 5), grants(other, 6)].concat());
    let (lives, ends) = (node.pod(), node.pod());
    let gc = |valid: &[&str]| {
        let plugin = Plugin {
            valid,
            ..Plugin::new(&node, Door::Chained)
        };
        plugin.call(Verb::Gc, "", "", None).unwrap()
    };
    let plugin = Plugin::new(&node, Door::Chained);
    plugin.call(Verb::Add, "c1", POD, Some(&lives)).unwrap();
    plugin.call(Verb::Add, "c2", other, Some(&ends)).unwrap();
    gc(&[]);
    assert_eq!(agent.stored().len(), 2, "both are alive");
    drop(ends);
    // The list names eth0 alone: what counts is the container.
    gc(&["c1", "c2"]);
    assert_eq!(agent.stored().len(), 2, "the runtime knows both");
    gc(&["c1"]);
    assert_eq!(agent.stored(), ["c1 Active".to_owned()].into());
    assert!(lives.pings("10.9.0.1"));
}

#[test]
fn gc_delegate_is_not_called_and_would_take_nothing_that_lives() {
    let node = Node::new();
    let agent = Agent::ready(&node, &grants(POD, 5));
    let (pod, plugin) = (node.pod(), Plugin::new(&node, Door::Delegate));
    plugin.call(Verb::Add, "c1", POD, Some(&pod)).unwrap();
    plugin.call(Verb::Gc, "", "", None).unwrap();
    assert_eq!(agent.stored(), ["c1 Active".to_owned()].into());
}

#[test]
fn status_chained_succeeds_always() {
    let node = Node::new();
    let plugin = Plugin::new(&node, Door::Chained);
    let status = || plugin.call(Verb::Status, "", "", None).unwrap();
    status();
    let agent = Agent::start(&node);
    status();
    agent.see(1, &[], &[]);
    agent.until("the agent is ready", |state| state.ready);
    status();
}

#[test]
fn status_delegate_is_50_unless_the_agent_serves() {
    let node = Node::new();
    let plugin = Plugin::new(&node, Door::Delegate);
    let status = || plugin.call(Verb::Status, "", "", None);
    let code = |result: Result<Value, CniError>| result.unwrap_err().code.number();
    assert_eq!(code(status()), 50, "nobody listens");
    let agent = Agent::start(&node);
    assert_eq!(code(status()), 50, "a cold start");
    agent.see(1, &[], &[]);
    agent.until("the agent is ready", |state| state.ready);
    status().unwrap();
    agent.go_away();
    assert_eq!(code(status()), 50, "nobody listens any more");
}
