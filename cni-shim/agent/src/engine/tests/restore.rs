//! etcd is restored from a backup.

use super::*;

/// The object after an announced restore.
fn emptied(agent: &mut Agent) {
    agent.see(1, &json!({"ledgerEpoch": 1000}), true);
}

fn attached() -> Agent {
    let mut agent = ready();
    agent.see(5, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    agent.make_all();
    agent
}

#[test]
fn a_new_epoch_is_published_with_all_that_is_in_use_and_survives_a_restart() {
    let mut agent = attached();
    assert_eq!(
        (agent.state().ledger_epoch, agent.state().in_use.len()),
        (0, 0)
    );
    emptied(&mut agent);
    let mut agent = agent.restarted();
    assert!(agent.state().ready);
    assert_eq!(agent.state().ledger_epoch, 1000);
    let used = &agent.state().in_use;
    assert_eq!(used[0].address.to_string(), "10.1.0.5");
    assert_eq!(used[0].mac.unwrap().to_string(), "0a:58:0a:01:00:05");
    assert!(agent.jobs.detached().is_empty());
    let mut anew = grants();
    anew[0]["seq"] = "1000.1".into();
    agent.see(2, &json!({"ledgerEpoch": 1000, "grants": anew}), false);
    assert_eq!(agent.state().in_use, []);
    let attached: Vec<String> = agent
        .state()
        .attached
        .iter()
        .map(|(_, s)| s.to_string())
        .collect();
    assert_eq!(attached, ["1000.1"]);
    let entries = agent.stored().entries;
    let seqs: Vec<_> = entries
        .values()
        .map(|entry| entry.record.addresses[0].1)
        .collect();
    assert_eq!(seqs[0].to_string(), "1000.1");
}

#[tokio::test]
async fn a_new_epoch_from_the_watch_makes_the_agent_ask_for_a_quorum_read() {
    let mut agent = attached();
    agent.see(1, &json!({"ledgerEpoch": 1000}), false);
    assert_eq!(agent.state().ledger_epoch, 0);
    tokio::time::timeout(std::time::Duration::from_secs(1), agent.asked.notified())
        .await
        .unwrap();
}

#[test]
fn a_suspected_restore_is_remembered_until_it_is_announced() {
    let mut agent = attached();
    agent.see(3, &json!({}), true);
    assert!(agent.state().restore_suspected);
    let mut agent = agent.restarted();
    assert!(agent.state().restore_suspected);
    // The pod's own grant still serves it; what comes now is not taken.
    agent.see(9, &json!({}), true);
    assert_eq!(
        (agent.state().granted, agent.state().generation),
        (1, Some(5))
    );
    emptied(&mut agent);
    assert!(!agent.state().restore_suspected);
    assert!(!agent.restarted().state().restore_suspected);
}
