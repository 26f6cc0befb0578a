//! Starts, and versions of the own object.

use super::*;

#[test]
fn a_cold_agent_is_ready_after_the_quorum_read_and_the_scan() {
    let mut agent = cold();
    assert!(agent.state().cold);
    agent.see(1, &json!({}), false);
    agent.event(Event::Scanned([].into()));
    assert!(!agent.state().ready);
    agent.see(1, &json!({}), true);
    assert!(agent.state().ready);
    assert_eq!(agent.state().epoch, 1);
    assert_eq!(agent.stored().mark.unwrap().epoch, 1);
}

#[tokio::test]
async fn a_version_from_the_watch_makes_a_cold_agent_ask_for_a_quorum_read() {
    let mut agent = cold();
    agent.see(1, &json!({}), false);
    tokio::time::timeout(std::time::Duration::from_secs(1), agent.asked.notified())
        .await
        .unwrap();
}

#[test]
fn a_warm_start_serves_at_once_without_the_api_server() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    let mut agent = agent.restarted();
    assert!(agent.state().ready && !agent.state().cold);
    let answer = agent.add(1, "c1");
    agent.make_all();
    assert_eq!(outcome(answer), Some(Outcome::Done));
}

#[test]
fn a_restart_finds_its_records_and_can_detach_them() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    agent.make_all();
    let mut agent = agent.restarted();
    assert_eq!(agent.state().attached.len(), 1);
    agent.del(1, "c1");
    let jobs = agent.jobs.detached();
    assert_eq!(jobs[0].facts.cookie, 42);
}

#[test]
fn another_boot_is_a_cold_start() {
    let agent = ready();
    let store = Store::open(&agent.folder.borrow().0).unwrap();
    let mut mark = store.load().mark.unwrap();
    mark.boot = Uid(0x33);
    store.save_mark(&mark).unwrap();
    assert!(agent.restarted().state().cold);
}

/// Found by the model: the mark of a warm start was written while a device that no record explains
/// blocked an address, and the next start, which does not scan, served that address again.
#[test]
fn a_start_is_cold_again_as_long_as_a_stranger_blocks_an_address() {
    let mut agent = cold();
    agent.see(1, &json!({"grants": grants()}), true);
    let stranger = "10.1.0.5".parse().unwrap();
    agent.event(Event::Scanned([stranger].into()));
    assert!(agent.state().ready);

    let mut agent = agent.restarted();
    assert!(agent.state().cold && !agent.state().ready);
    agent.see(1, &json!({"grants": grants()}), true);
    agent.event(Event::Scanned([].into()));
    assert!(!agent.restarted().state().cold);
}

#[test]
fn a_spec_for_another_machine_is_not_served() {
    let mut agent = ready();
    let node = json!({"uid": "0b", "machineID": format!("{:032x}", 0x99)});
    agent.see(2, &json!({"node": node, "grants": grants()}), true);
    assert!(!agent.state().ready);
    assert_eq!(agent.state().other_machine, Some(Uid(0x99)));
    let answer = agent.add(1, "c1");
    assert!(agent.jobs.attached().is_empty());
    assert_eq!(outcome(answer), None);
}

#[test]
fn an_older_version_from_a_quorum_read_says_that_the_cluster_was_restored() {
    let mut agent = ready();
    agent.see(5, &json!({"grants": grants()}), false);
    agent.see(4, &json!({}), false);
    assert!(!agent.state().restore_suspected);
    agent.see(4, &json!({}), true);
    assert!(agent.state().restore_suspected);
    assert_eq!(agent.state().generation, Some(5));
}

#[test]
fn an_object_made_again_counts_only_with_quorum() {
    let mut agent = ready();
    agent.see(5, &json!({"grants": grants()}), false);
    let mut again: LandfallNode = serde_json::from_value(json!({
        "apiVersion": "landfall.dev/v1alpha1", "kind": "LandfallNode",
        "metadata": {"name": "node1", "uid": "u2", "generation": 1},
        "spec": {"node": {"uid": "0b", "machineID": format!("{:032x}", 0x11)}},
    }))
    .unwrap();
    let seen = |agent: &mut Agent, object: &LandfallNode, quorum| {
        let object = Box::new(object.clone());
        agent.take(Input::Object { object, quorum });
        agent.state().generation
    };
    assert_eq!(seen(&mut agent, &again, false), Some(5));
    again.metadata.generation = Some(2);
    assert_eq!(seen(&mut agent, &again, true), Some(2));
}

/// The object says which Node this is, and its status who wrote that.
fn registered(node: &str, machine: u128, status: &serde_json::Value) -> serde_json::Value {
    json!({
        "node": {"uid": node, "machineID": format!("{machine:032x}")},
        "status": status,
    })
}

fn node_uid(last: u8) -> String {
    format!("00000000-0000-0000-0000-0000000000{last:02x}")
}

fn speaks_for(agent: &Agent) -> Option<(Uid, Vec<Uid>)> {
    let identity = agent.state().identity.clone()?;
    Some((identity.node, identity.speaks_for.into_iter().collect()))
}

#[test]
fn registered_again_it_speaks_for_the_earlier_node_also_after_a_restart() {
    let mut agent = ready();
    let (first, second) = (node_uid(1), node_uid(2));
    agent.see(2, &registered(&first, 0x11, &json!({})), false);
    agent.see(3, &registered(&second, 0x11, &json!({})), false);
    let (node, earlier) = speaks_for(&agent).unwrap();
    assert_eq!(node, Uid::of(&second));
    assert!(earlier.contains(&Uid::of(&first)));

    let mut agent = agent.restarted();
    assert_eq!(speaks_for(&agent), None, "before the quorum read");
    let status = json!({
        "nodeUID": first, "machineID": format!("{:032x}", 0x11), "bootID": format!("{:032x}", 0x22),
    });
    agent.see(3, &registered(&second, 0x11, &status), true);
    let expected = (Uid::of(&second), vec![Uid::of(&first)]);
    assert_eq!(speaks_for(&agent), Some(expected));
}

#[test]
fn with_run_lost_it_speaks_for_nobody_but_itself_and_after_a_reboot_for_all_it_was() {
    for (boot, expected) in [(0x22, vec![]), (0x23, vec![Uid::of(&node_uid(1))])] {
        let mut agent = cold();
        let status = json!({
            "nodeUID": node_uid(1), "machineID": format!("{:032x}", 0x11),
            "bootID": format!("{boot:032x}"),
        });
        agent.see(1, &registered(&node_uid(2), 0x11, &status), true);
        let (node, earlier) = speaks_for(&agent).unwrap();
        assert_eq!((node, earlier), (Uid::of(&node_uid(2)), expected));
    }
}

#[tokio::test]
async fn a_machine_that_takes_a_name_never_speaks_for_the_one_before_it() {
    let mut agent = cold();
    agent.event(Event::Scanned([].into()));
    let status = json!({
        "nodeUID": node_uid(1), "machineID": format!("{:032x}", 0x99), "bootID": "b",
    });
    agent.see(1, &registered(&node_uid(1), 0x99, &status), true);
    assert_eq!(speaks_for(&agent), None);
    // Its turn comes when nothing of the other is held any more.
    agent.see(2, &registered(&node_uid(2), 0x11, &status), false);
    assert!(!agent.state().ready);
    tokio::time::timeout(std::time::Duration::from_secs(1), agent.asked.notified())
        .await
        .unwrap();
    agent.see(2, &registered(&node_uid(2), 0x11, &status), true);
    assert_eq!(speaks_for(&agent), Some((Uid::of(&node_uid(2)), vec![])));
    assert!(agent.state().ready);
}

#[tokio::test]
async fn an_object_for_another_machine_is_not_read_again_and_again() {
    let mut agent = cold();
    agent.see(1, &registered(&node_uid(1), 0x99, &json!({})), true);
    let asked = agent.asked.notified();
    let pause = std::time::Duration::from_millis(20);
    tokio::time::timeout(pause, asked).await.unwrap_err();
}

#[test]
fn a_quorum_read_that_the_watch_overtakes_is_no_restore() {
    let mut agent = cold();
    agent.take(Input::ReadBegins);
    agent.see(2, &json!({}), false);
    agent.see(1, &json!({}), true);
    assert!(!agent.state().restore_suspected);
    agent.take(Input::ReadBegins);
    agent.see(2, &json!({}), true);
    agent.event(Event::Scanned([].into()));
    assert!(agent.state().ready);
    // A read that nothing has overtaken says what is.
    agent.take(Input::ReadBegins);
    agent.see(1, &json!({}), true);
    assert!(agent.state().restore_suspected);
}
