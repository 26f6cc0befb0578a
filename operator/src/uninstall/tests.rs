use landfall_crds::node::{LandfallNodeSpec, LandfallNodeStatus};

use super::*;

mod cluster;

use cluster::{Cluster, Kind};

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A node of generation 2; its agent has seen a generation and says whether the plugin is out.
fn object(name: &str, uninstall: bool, status: Option<(i64, bool)>) -> LandfallNode {
    let spec = LandfallNodeSpec {
        uninstall,
        ..LandfallNodeSpec::default()
    };
    let mut object = LandfallNode::new(name, spec);
    object.metadata.generation = Some(2);
    object.status = status.map(|(seen, unchained)| LandfallNodeStatus {
        observed_generation: Some(seen),
        unchained,
        ..LandfallNodeStatus::default()
    });
    object
}

#[test]
fn a_node_is_asked_then_waited_for_until_its_agent_answers_this_question() {
    let objects = [
        object("new", false, Some((2, false))),
        object("told", true, Some((1, false))),
        object("stale", true, Some((1, true))),
        object("working", true, Some((2, false))),
        object("done", true, Some((2, true))),
    ];
    let ready = names(&["new", "told", "stale", "working", "done"]);
    let expected = Look {
        ask: names(&["new"]),
        wait: names(&["stale", "told", "working"]),
        away: names(&[]),
    };
    assert_eq!(judge(&objects, &ready), expected);
}

#[test]
fn a_node_that_can_t_answer_is_asked_and_not_waited_for() {
    let objects = [
        object("down", false, Some((2, false))),
        object("down-and-told", true, Some((2, false))),
        object("never-had-an-agent", false, None),
    ];
    let look = judge(&objects, &names(&["never-had-an-agent"]));
    assert_eq!(look.ask, names(&["down", "never-had-an-agent"]));
    assert_eq!(look.wait, names(&[]));
    let away = names(&["down", "down-and-told", "never-had-an-agent"]);
    assert_eq!(look.away, away);
    assert_eq!(look.late().count(), 0);
}

#[tokio::test]
async fn nodes_that_are_down_keep_nothing_from_being_removed() {
    let cluster = Cluster::new(&[("a", Kind::Works), ("b", Kind::Works), ("c", Kind::Down)]);
    uninstall(cluster.client(), Duration::from_secs(20))
        .await
        .unwrap();
    assert_eq!(cluster.told(), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_node_that_is_up_and_does_not_answer_in_time_is_named() {
    let cluster = Cluster::new(&[("a", Kind::Works), ("b", Kind::Hangs), ("c", Kind::Hangs)]);
    let patience = Duration::from_millis(1500);
    let error = uninstall(cluster.client(), patience).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("CNI configuration of b, c:"), "{said}");
}

/// It was there before, and leads now because the one that led is gone.
#[tokio::test]
async fn an_operator_that_begins_to_lead_during_an_uninstallation_leaves_the_question() {
    let cluster = Cluster::new(&[("a", Kind::Works), ("b", Kind::Down)]);
    let leadership = Leadership::new(|| Duration::ZERO);
    let taking = take_back(cluster.client(), leadership.clone());
    taking.await;
    leadership.extend(Duration::MAX);
    uninstall(cluster.client(), Duration::from_secs(20))
        .await
        .unwrap();
    assert_eq!(cluster.told(), ["a", "b"]);
}

/// A second uninstallation after one that failed: the operators of the first still run.
#[tokio::test]
async fn an_uninstallation_can_be_repeated_and_asks_again_what_was_taken_back() {
    let cluster = Cluster::new(&[("a", Kind::Works), ("b", Kind::Works)]);
    for _ in 0..2 {
        uninstall(cluster.client(), Duration::from_secs(20))
            .await
            .unwrap();
        assert_eq!(cluster.told(), ["a", "b"]);
        take_back(cluster.client(), Leadership::always()).await;
        assert_eq!(cluster.told(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn without_an_api_server_it_ends_in_time_and_says_what_to_do() {
    let nobody = axum::Router::new();
    let client = Client::new(nobody, "default");
    let patience = Duration::from_millis(1500);
    let error = uninstall(client, patience).await.unwrap_err().to_string();
    assert!(error.contains("no node could be asked"), "{error}");
    assert!(error.contains("--no-hooks"), "{error}");
}

#[tokio::test]
async fn an_operator_that_starts_takes_the_question_back() {
    let cluster = Cluster::new(&[("a", Kind::Works), ("b", Kind::Down)]);
    uninstall(cluster.client(), Duration::from_secs(20))
        .await
        .unwrap();
    take_back(cluster.client(), Leadership::always()).await;
    assert_eq!(cluster.told(), Vec::<String>::new());
}

/// A release without nodes, or whose agents never started, must be removable.
#[tokio::test]
async fn without_nodes_there_is_nothing_to_wait_for() {
    let cluster = Cluster::new(&[]);
    let patience = Duration::from_secs(20);
    uninstall(cluster.client(), patience).await.unwrap();
}
