//! etcd is restored from a backup.

use std::collections::BTreeSet;

use landfall_crds::ledger::restored::{RestoredError, restored};
use serde_json::json;

use super::{Rig, granted, rig, rig::Sees, states};

fn key(plural: &str, name: &str) -> (String, String) {
    (plural.to_owned(), name.to_owned())
}

/// Web is on a and in the backup; shop came to b later.
async fn with_backup() -> Rig {
    let mut rig = rig(1);
    rig.bind("web", "a");
    rig.settle().await;
    rig.agent("a");
    rig.agent("b");
    let backup = rig.server.store().backup();
    rig.bind("shop", "b");
    rig.settle().await;
    rig.agent("b");
    assert_eq!(granted(&rig, "b"), ["10.20.0.2"]);
    rig.server.store().restore(backup);
    rig
}

async fn announce(rig: &mut Rig) {
    let report = restored(rig.server.client(), "home", &BTreeSet::new())
        .await
        .unwrap();
    assert_eq!(report.nodes, [("a".to_owned(), 1), ("b".to_owned(), 0)]);
    rig.new_operators();
}

#[tokio::test]
async fn pods_keep_their_addresses_over_an_announced_restore_and_new_ones_get_others() {
    let mut rig = with_backup().await;
    announce(&mut rig).await;
    rig.bind("new", "a");
    rig.settle().await;
    assert_eq!(
        granted(&rig, "a"),
        Vec::<String>::new(),
        "nobody has said a word yet"
    );
    rig.agent("a");
    rig.settle().await;
    assert_eq!(granted(&rig, "a"), Vec::<String>::new(), "b has not");
    let told = rig.told().join("\n");
    assert!(told.contains("until node b has said"), "{told}");
    rig.agent("b");
    rig.settle().await;
    rig.agent("a");
    rig.agent("b");
    rig.settle().await;
    rig.check();
    assert_eq!(granted(&rig, "b"), ["10.20.0.2"]);
    let mut on_a = granted(&rig, "a");
    on_a.sort();
    assert_eq!(on_a, ["10.20.0.1", "10.20.0.3"]);
    for node in ["a", "b"] {
        let status = rig.node(node).unwrap().status.unwrap();
        assert_eq!(status.in_use, None, "{node}");
        assert!(
            status
                .attached
                .iter()
                .all(|key| key.seq.epoch > 1_000_000_000)
        );
    }
}

/// What is held in the backup for a pod that has gone since comes back as free.
#[tokio::test]
async fn what_only_the_backup_holds_is_free_after_its_rest() {
    let mut rig = rig(1);
    rig.bind("web", "a");
    rig.settle().await;
    rig.agent("a");
    rig.agent("b");
    let backup = rig.server.store().backup();
    rig.delete("web");
    rig.end();
    rig.settle().await;
    rig.agent("a");
    rig.settle().await;
    rig.server.store().restore(backup);
    announce(&mut rig).await;
    rig.agent("a");
    rig.agent("b");
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Cooling"]);
}

/// It ends after the ConfigMap: the node objects are those of the backup.
#[tokio::test]
async fn an_announcement_that_died_half_way_is_finished_by_the_operator() {
    let mut rig = with_backup().await;
    {
        let mut store = rig.server.store();
        let mut object = store.objects[&key("configmaps", "landfall-ledger")].clone();
        object["data"]["drawn"] = "7".into();
        let mut written = store.put(&key("configmaps", "landfall-ledger"), object);
        written["data"]["restored"] = written["metadata"]["resourceVersion"].clone();
        store.put(&key("configmaps", "landfall-ledger"), written);
    }
    rig.new_operators();
    rig.settle().await;
    for node in ["a", "b"] {
        let spec = rig.node(node).unwrap().spec;
        assert!(
            spec.ledger_epoch > 1_000_000_000 && spec.grants.is_empty(),
            "{node}"
        );
    }
    for _ in 0..2 {
        rig.agent("a");
        rig.agent("b");
        rig.settle().await;
    }
    rig.check();
    assert_eq!(granted(&rig, "a"), ["10.20.0.1"]);
    assert_eq!(granted(&rig, "b"), ["10.20.0.2"]);
}

#[tokio::test]
async fn a_taint_of_the_backup_is_not_taken_for_one_of_now() {
    let mut rig = with_backup().await;
    let node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"},
        "spec": {"taints": [{"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}]},
    });
    rig.server.store().put(&key("nodes", "a"), node);
    let client = || rig.server.client();
    let refused = restored(client(), "home", &BTreeSet::new()).await;
    assert!(matches!(refused, Err(RestoredError::Tainted(nodes)) if nodes == ["a"]));
    let off = BTreeSet::from(["a".to_owned()]);
    restored(client(), "home", &off).await.unwrap();
    rig.new_operators();
}

#[tokio::test]
async fn a_restore_is_not_announced_over_a_node_object_that_cannot_be_read() {
    let mut rig = with_backup().await;
    let mut address = json!(null);
    rig.edit("landfallnodes", "a", |node| {
        let field = node.pointer_mut("/spec/grants/0/address").unwrap();
        address = std::mem::replace(field, json!("10.20.0.300"));
    });
    let writes = || rig.server.store().log.len();
    let before = writes();
    let refused = restored(rig.server.client(), "home", &BTreeSet::new()).await;
    let said = refused.unwrap_err().to_string();
    assert!(
        said.starts_with("LandfallNode a can't be read, spec.grants[0].address: "),
        "{said}"
    );
    assert_eq!(writes(), before, "no epoch is drawn either");
    rig.edit("landfallnodes", "a", |node| {
        *node.pointer_mut("/spec/grants/0/address").unwrap() = address;
    });
    let report = restored(rig.server.client(), "home", &BTreeSet::new()).await;
    assert_eq!(report.unwrap().nodes.len(), 2);
    rig.new_operators();
}

#[tokio::test]
async fn a_node_that_suspects_a_restore_stops_all_grants_until_it_is_announced() {
    let mut rig = with_backup().await;
    rig.new_operators();
    rig.edit("landfallnodes", "b", |node| {
        node["status"]["conditions"] = json!([{
            "type": "RestoreSuspected", "status": "True", "reason": "OlderThanSeen",
            "message": "", "lastTransitionTime": "2026-11-24T12:00:00Z",
        }]);
    });
    rig.bind("new", "b");
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Granted"]);
    let told = rig.told().join("\n");
    assert!(told.contains("kubectl landfall restored"), "{told}");
    announce(&mut rig).await;
    rig.edit("landfallnodes", "b", |node| {
        node["status"]["conditions"] = json!([]);
    });
    for _ in 0..2 {
        rig.agent("a");
        rig.agent("b");
        rig.settle().await;
    }
    rig.check();
    assert_eq!(granted(&rig, "b"), ["10.20.0.2", "10.20.0.3"]);
}

/// It has read what is known of restores before, and its caches show nothing of this one: a block of a later
/// epoch would pass for one that was rewritten (found by the simulation).
#[tokio::test]
async fn an_operator_that_does_not_know_of_a_restore_makes_no_block() {
    let mut rig = rig(1);
    rig.settle().await;
    let said = restored(rig.server.client(), "home", &BTreeSet::new()).await;
    said.unwrap();
    rig.bind("web", "a");
    let pods = Sees {
        pods: usize::MAX,
        ..Sees::NOTHING
    };
    rig.turn(0, pods).await;
    rig.turn(0, pods).await;
    assert_eq!(rig.blocks().len(), 0);
}

/// Nothing of it is in use, so nothing else tells of it (found by the simulation).
#[tokio::test]
async fn a_block_that_no_watch_has_shown_is_rewritten_before_all_goes_on() {
    let mut rig = rig(1);
    rig.bind("web", "a");
    rig.settle().await;
    let said = restored(rig.server.client(), "home", &BTreeSet::new()).await;
    let epoch = said.unwrap().epoch;
    rig.new_operators();
    rig.agent("a");
    rig.agent("b");
    let no_blocks = Sees {
        blocks: 0,
        ..Sees::ALL
    };
    for _ in 0..4 {
        rig.turn(0, no_blocks).await;
    }
    assert!(rig.blocks().iter().all(|block| block.spec.epoch >= epoch));
    assert_eq!(rig.blocks().len(), 1);
}
