use std::collections::BTreeMap;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use kube::{core::ObjectMeta, runtime::watcher::Event};
use landfall_core::{
    id::{Name, Seq, Uid},
    ledger::{Block, BlockId, Entry, Holder, State, fresh::Tick, view::Evidence},
    network::NetworkKind,
};
use landfall_crds::{
    block::AddressBlock,
    guarded::Unread,
    keys::finalizer,
    node::{AddressSeq, Grant, LandfallNode, LandfallNodeSpec, NodeIdentity, NotOurs},
};

use super::{NamespaceFacts, NodeWrite, World};
use crate::{
    convert,
    definitions::{Definition, DefinitionFacts, DefinitionKey},
    network::NetworkObject,
    nodes::NodeFacts,
    pods::{PodFacts, PodKey},
    samples,
    watches::{Change, Read, map},
};

fn world() -> World {
    World::new("landfall-system".to_owned())
}

fn id() -> BlockId {
    BlockId::of(&Name::from("default"), "10.20.0.0".parse().unwrap())
}

/// A block that has drawn `counter` seqs, at a resourceVersion.
fn block(counter: u64, version: u64) -> AddressBlock {
    let mut block = Block::new(id(), 1);
    block.seq.counter = counter;
    let mut object = convert::block::write(&block, None);
    object.metadata.resource_version = Some(version.to_string());
    object
}

fn seen(world: &World) -> Option<(u64, Option<Tick>)> {
    let seen = world.view.blocks.get(&id())?;
    Some((seen.value.seq.counter, seen.quorum_at))
}

fn watch(world: &mut World, event: Event<AddressBlock>) {
    world.observe(Change::Block(map(event, |object| Ok(Box::new(object)))));
}

#[test]
fn a_block_never_goes_back() {
    let mut world = world();
    world.put_block(block(5, 20), Some(Tick(3)));
    watch(&mut world, Event::Apply(block(4, 19)));
    assert_eq!(seen(&world), Some((5, Some(Tick(3)))));
    world.put_block(block(4, 19), Some(Tick(9)));
    assert_eq!(
        seen(&world),
        Some((5, Some(Tick(3)))),
        "a read that was overtaken"
    );
    watch(&mut world, Event::Delete(block(4, 19)));
    assert_eq!(
        seen(&world),
        Some((5, Some(Tick(3)))),
        "the end of the block before"
    );
}

#[test]
fn the_watch_repeating_our_own_write_takes_no_freshness_away() {
    let mut world = world();
    world.put_block(block(5, 20), Some(Tick(3)));
    watch(&mut world, Event::Apply(block(5, 20)));
    assert_eq!(seen(&world), Some((5, Some(Tick(3)))));
}

#[test]
fn what_only_a_watch_has_seen_is_cached_until_it_is_read() {
    let mut world = world();
    world.put_block(block(5, 20), Some(Tick(3)));
    watch(&mut world, Event::Apply(block(6, 21)));
    assert_eq!(seen(&world), Some((6, None)));
    world.put_block(block(6, 21), Some(Tick(7)));
    assert_eq!(seen(&world), Some((6, Some(Tick(7)))));
}

#[test]
fn a_block_that_a_list_does_not_name_is_doubted_not_dropped() {
    let mut world = world();
    world.put_block(block(5, 20), Some(Tick(3)));
    watch(&mut world, Event::Init);
    watch(&mut world, Event::InitDone);
    assert_eq!(seen(&world), Some((5, Some(Tick(3)))));
    assert_eq!(world.doubts.blocks, [id()].into());
    world.drop_block(&id());
    assert_eq!(seen(&world), None);
}

/// The object of node `a` at a resourceVersion and generation.
fn node(version: u64, generation: i64) -> LandfallNode {
    let mut object = LandfallNode::new("a", LandfallNodeSpec::default());
    object.spec.node = identity(1, 10);
    object.metadata.uid = Some("u".to_owned());
    object.metadata.resource_version = Some(version.to_string());
    object.metadata.generation = Some(generation);
    object
}

fn identity(uid: u128, machine: u128) -> NodeIdentity {
    NodeIdentity {
        uid: Uid(uid),
        machine_id: Uid(machine),
        provider_id: None,
        container_runtime: None,
    }
}

fn seen_at(world: &World) -> Tick {
    world.view.nodes[&Name::from("a")].seen_at
}

#[test]
fn a_node_is_news_only_when_its_spec_is() {
    let mut world = world();
    world.put_node_object(node(10, 1));
    let first = seen_at(&world);
    world.put_node_object(node(11, 1));
    assert_eq!(seen_at(&world), first, "the agent wrote its status");
    world.put_node_object(node(12, 2));
    let second = seen_at(&world);
    assert!(second > first);
    world.put_node_object(node(11, 1));
    assert_eq!(seen_at(&world), second, "an older version");
}

#[test]
fn a_block_read_that_began_before_a_spec_was_known_is_not_after_it() {
    let mut world = world();
    let read = world.tick();
    world.put_node_object(node(10, 1));
    world.put_block(block(5, 20), Some(read));
    assert!(
        world.view.blocks[&id()]
            .quorum_after(seen_at(&world))
            .is_none()
    );
    let read = world.tick();
    world.put_block(block(5, 20), Some(read));
    assert!(
        world.view.blocks[&id()]
            .quorum_after(seen_at(&world))
            .is_some()
    );
}

fn agent(name: &str, ready: bool) -> PodFacts {
    PodFacts {
        key: PodKey {
            namespace: "landfall-system".to_owned(),
            name: name.to_owned(),
        },
        uid: name.to_owned(),
        owner: Uid::of(name),
        npwg: None,
        agent: Some(ready),
        ..samples::pod("")
    }
}

fn see_pod(world: &mut World, facts: PodFacts) {
    world.observe(Change::Pod(Event::Apply(facts)));
}

fn is_live(world: &World) -> bool {
    world.view.nodes[&Name::from("a")].live
}

#[test]
fn a_node_is_live_while_one_of_its_agents_is_ready() {
    let mut world = world();
    world.put_node_object(node(10, 1));
    assert!(!is_live(&world));
    see_pod(&mut world, agent("old", true));
    assert!(is_live(&world));
    see_pod(&mut world, agent("new", false));
    assert!(is_live(&world), "the last one still is");
    world.observe(Change::Pod(Event::Delete(agent("old", true))));
    assert!(!is_live(&world));
    see_pod(&mut world, agent("new", true));
    assert!(is_live(&world));
}

fn see_node(world: &mut World, identity: Option<NodeIdentity>) {
    world.observe(Change::Node(Event::Apply(NodeFacts {
        name: Name::from("a"),
        identity,
        labels: BTreeMap::new(),
        is_reachable: true,
        evidence: Evidence::default(),
    })));
}

#[test]
fn a_node_gets_an_object_once_it_has_an_agent_and_its_machine_is_known() {
    let name = Name::from("a");
    let mut world = world();
    see_node(&mut world, None);
    see_pod(&mut world, agent("agent", false));
    assert!(world.node_write(&name, None).is_none());
    see_node(&mut world, Some(identity(1, 10)));
    match world.node_write(&name, None) {
        Some(NodeWrite::Create(object)) => assert_eq!(object.spec.node, identity(1, 10)),
        other => panic!("{other:?}"),
    }
    let mut without_agent = self::world();
    see_node(&mut without_agent, Some(identity(1, 10)));
    assert!(without_agent.node_write(&name, None).is_none());
}

#[test]
fn a_node_object_follows_its_node() {
    let name = Name::from("a");
    let mut world = world();
    see_pod(&mut world, agent("agent", true));
    see_node(&mut world, Some(identity(1, 10)));
    world.put_node_object(node(10, 1));
    assert!(world.node_write(&name, None).is_none(), "nothing to say");
    see_node(&mut world, Some(identity(2, 10)));
    match world.node_write(&name, None) {
        Some(NodeWrite::Spec { spec, .. }) => assert_eq!(spec.node, identity(2, 10)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pod_is_in_the_view_while_it_asks_and_may_start() {
    let mut world = world();
    let owners = |world: &World| world.view.pods.keys().copied().collect::<Vec<_>>();
    see_pod(&mut world, samples::pod("lan"));
    assert_eq!(owners(&world), [Uid(1)]);
    see_pod(&mut world, samples::pod(""));
    assert_eq!(owners(&world), []);
    see_pod(&mut world, samples::pod("lan"));
    let ended = PodFacts {
        may_start: false,
        ..samples::pod("lan")
    };
    see_pod(&mut world, ended);
    assert_eq!(owners(&world), []);
}

#[test]
fn a_pod_that_came_under_the_same_name_outlives_the_end_of_the_one_before() {
    let mut world = world();
    see_pod(&mut world, samples::pod("lan"));
    let next = PodFacts {
        uid: "next".to_owned(),
        owner: Uid(2),
        ..samples::pod("lan")
    };
    see_pod(&mut world, next);
    world.observe(Change::Pod(Event::Delete(samples::pod("lan"))));
    assert_eq!(
        world.view.pods.keys().copied().collect::<Vec<_>>(),
        [Uid(2)]
    );
}

#[test]
fn a_pod_on_the_nodes_own_network_is_told_so() {
    let mut world = world();
    let pod = PodFacts {
        host_network: true,
        ..samples::pod("lan")
    };
    see_pod(&mut world, pod);
    assert!(world.view.pods.is_empty());
    assert_eq!(world.notices.len(), 1);
}

#[test]
fn a_node_object_ends_with_its_node_unless_an_entry_names_it() {
    let name = Name::from("a");
    let mut world = world();
    world.put_node_object(node(10, 1));
    match world.node_write(&name, None) {
        Some(NodeWrite::Delete(_)) => {}
        other => panic!("{other:?}"),
    }
    let mut held = Block::new(id(), 1);
    let entry = Entry {
        state: State::Granted,
        seq: Seq {
            epoch: 1,
            counter: 1,
        },
        network: Uid(1),
        holder: Some(Holder {
            node: name.clone(),
            node_uid: Uid(1),
            machine: Uid(10),
            owner: Uid(1),
            interface: Name::from("net1"),
            index: 0,
        }),
        kept: None,
        foreign: None,
        since: 0,
    };
    held.entries.insert("10.20.0.5".parse().unwrap(), entry);
    world.put_block(convert::block::write(&held, None), None);
    assert!(world.node_write(&name, None).is_none());
}

#[test]
fn a_node_object_that_somebody_deletes_is_let_go_once_nothing_is_held() {
    let mut object = node(10, 1);
    object.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
    object.metadata.finalizers = Some(vec![finalizer::ADDRESSES.to_owned()]);
    let mut world = world();
    see_pod(&mut world, agent("agent", true));
    see_node(&mut world, Some(identity(1, 10)));
    let mut granted = object.clone();
    granted.spec.grants.push(Grant::default());
    world.put_node_object(granted);
    assert!(world.node_write(&Name::from("a"), None).is_none());
    object.metadata.resource_version = Some("11".to_owned());
    world.put_node_object(object);
    match world.node_write(&Name::from("a"), None) {
        Some(NodeWrite::LetGo(_)) => {}
        other => panic!("{other:?}"),
    }
}

/// Of two networks that can't share a parent the agent serves the first.
#[test]
fn a_node_is_told_of_the_oldest_network_first() {
    let mut world = world();
    see_pod(&mut world, agent("agent", true));
    see_node(&mut world, Some(identity(1, 10)));
    world.put_node_object(node(10, 1));
    for (uid, name, created) in [
        (1, "c", "2026-01-02T00:00:00Z"),
        (2, "b", "2026-01-02T00:00:00Z"),
        (3, "z", "2026-01-01T00:00:00Z"),
    ] {
        let object = serde_json::from_value(serde_json::json!({
            "metadata": {
                "name": name, "uid": Uid(uid).to_string(), "creationTimestamp": created,
                "resourceVersion": "1", "generation": 1,
            },
            "spec": {
                "namespaces": {}, "segment": name, "parents": [{"interface": "eth1"}],
                "ipam": {"subnets": [{"cidr": "10.20.0.0/24"}]},
            },
        }));
        let event = Event::Apply(NetworkObject::macvlan(object.unwrap()));
        world.observe(Change::Macvlan(event));
    }
    world.settle();
    match world.node_write(&Name::from("a"), None) {
        Some(NodeWrite::Spec { spec, .. }) => {
            let names: Vec<_> = spec.networks.iter().map(|n| n.name.as_str()).collect();
            assert_eq!(names, ["z", "b", "c"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_follower_keeps_nothing_that_only_a_leader_tells() {
    let mut world = world();
    let pod = PodFacts {
        host_network: true,
        ..samples::pod("lan")
    };
    world.put_node_object(node(10, 1));
    see_pod(&mut world, pod);
    see_pod(&mut world, agent("agent", true));
    world.follow();
    assert!(world.notices.is_empty());
    assert!(world.take_stale_nodes().is_empty());
    assert!(world.take_stale_owners().is_empty());
    world.begin();
    world.settle();
    assert_eq!(world.notices.len(), 1);
    assert_eq!(world.take_stale_nodes(), [Name::from("a")]);
}

#[test]
fn a_namespace_that_asks_for_what_the_api_server_cant_do_is_told_so() {
    let mut world = world();
    let meta = |name: &str, label: &str| {
        serde_json::from_value(serde_json::json!({
            "name": name, "labels": {"landfall.dev/attach": label},
        }))
    };
    let see = |world: &mut World, name: &str, label: &str| {
        let facts = NamespaceFacts::of(meta(name, label).unwrap());
        world.observe(Change::Namespace(Event::Apply(facts)));
    };
    see(&mut world, "early", "enabled");
    assert_eq!(world.notices.len(), 0);
    world.observe(Change::NamespaceDefault(false));
    assert_eq!(world.notices.len(), 1);
    see(&mut world, "late", "enabled");
    see(&mut world, "other", "disabled");
    assert_eq!(world.notices.len(), 2);
    world.observe(Change::NamespaceDefault(false));
    assert_eq!(world.notices.len(), 2);
    // Another operator tells.
    world.follow();
    world.begin();
    assert_eq!(world.notices.len(), 2);
}

/// Another plugin's elements reach the node's object, and leave it with the pod or their definition.
#[test]
fn a_node_is_told_what_is_not_ours() {
    let definition = |is_there: bool| {
        let facts = DefinitionFacts {
            key: DefinitionKey {
                namespace: Name::from("default"),
                name: Name::from("fast"),
            },
            definition: Definition::Other,
        };
        Change::Definition(if is_there {
            Event::Apply(facts)
        } else {
            Event::Delete(facts)
        })
    };
    let name = Name::from("a");
    let listed = |world: &mut World| {
        world.settle();
        let write = world.node_write(&name, None)?;
        let NodeWrite::Spec { spec, .. } = write else {
            panic!("{write:?}");
        };
        Some(spec.not_ours)
    };
    let mut world = world();
    see_pod(&mut world, agent("agent", true));
    see_node(&mut world, Some(identity(1, 10)));
    world.put_node_object(node(10, 1));
    see_pod(&mut world, samples::pod("fast@f0"));
    assert_eq!(listed(&mut world), None);
    assert!(
        world.view.pods[&Uid(1)].refusal.is_some(),
        "nothing has that name"
    );
    world.observe(definition(true));
    let element = NotOurs {
        owner: Uid(1),
        interface: "f0".to_owned(),
        name: "fast".to_owned(),
    };
    assert_eq!(listed(&mut world), Some(vec![element.clone()]));
    assert!(world.take_stale_nodes().contains(&name));
    assert!(world.view.pods.is_empty(), "it asks for nothing of ours");
    let mut told = node(11, 2);
    told.spec.not_ours = vec![element];
    world.put_node_object(told);
    assert_eq!(listed(&mut world), None);
    world.observe(Change::Pod(Event::Delete(samples::pod("fast@f0"))));
    assert_eq!(listed(&mut world), Some(Vec::new()));
    see_pod(&mut world, samples::pod("fast@f0"));
    world.observe(definition(false));
    assert_eq!(listed(&mut world), Some(Vec::new()));
    assert!(world.view.pods[&Uid(1)].refusal.is_some());
}

#[test]
fn only_what_can_change_a_decision_is_news() {
    let mut world = world();
    let is_news = |world: &mut World| {
        let news = world.is_news();
        world.take_stale_nodes();
        world.settle();
        world.notices.clear();
        world.is_decided_on();
        news
    };
    assert!(is_news(&mut world), "the first decision");
    assert!(!is_news(&mut world));
    world.put_node_object(node(10, 1));
    assert!(is_news(&mut world), "a node object");
    let mut status = node(11, 1);
    status.status.get_or_insert_default().attached = Vec::new();
    world.put_node_object(status.clone());
    assert!(
        !is_news(&mut world),
        "attachments, which no decision looks at"
    );
    status.metadata.resource_version = Some("12".to_owned());
    let released = AddressSeq {
        address: "10.20.0.5".parse().unwrap(),
        seq: "1.1".parse().unwrap(),
    };
    status.status.get_or_insert_default().released = vec![released];
    world.put_node_object(status);
    assert!(is_news(&mut world), "a release");
    watch(&mut world, Event::Apply(block(5, 20)));
    assert!(is_news(&mut world), "a block");
    world.put_block(block(5, 20), Some(Tick(9)));
    assert!(is_news(&mut world), "the same block, read with quorum");
    see_pod(&mut world, samples::pod("lan"));
    assert!(is_news(&mut world), "a pod");
    let started = PodFacts {
        addresses: vec!["10.244.0.5".parse().unwrap()],
        ..samples::pod("lan")
    };
    see_pod(&mut world, started);
    assert!(!is_news(&mut world), "a pod that has started");
    see_pod(&mut world, agent("agent", true));
    assert!(is_news(&mut world), "an agent that is Ready");
}

/// The block, which can't be read, at a resourceVersion.
fn unread(version: u64) -> Unread {
    Unread {
        meta: block(0, version).metadata,
        why: "spec.epoch: no number".to_owned(),
    }
}

fn watch_unread(
    world: &mut World,
    event: fn(Read<AddressBlock>) -> Event<Read<AddressBlock>>,
    version: u64,
) {
    world.observe(Change::Block(event(Err(Box::new(unread(version))))));
}

#[test]
fn a_block_that_cannot_be_read_is_set_aside_and_no_older_version_of_it_counts() {
    let mut world = world();
    world.put_block(block(5, 20), Some(Tick(3)));
    watch_unread(&mut world, Event::Apply, 19);
    assert_eq!(seen(&world), Some((5, Some(Tick(3)))), "it is older");
    watch_unread(&mut world, Event::Apply, 21);
    assert_eq!(seen(&world), None);
    assert!(world.is_unread_block(&id()));
    world.put_block(block(5, 20), Some(Tick(9)));
    assert_eq!(seen(&world), None, "a read that was overtaken");
    world.put_block(block(6, 22), None);
    assert_eq!(seen(&world), Some((6, None)));
    assert!(!world.is_unread_block(&id()));
}

#[test]
fn a_block_that_cannot_be_read_is_forgotten_once_it_is_deleted_or_not_listed() {
    let mut world = world();
    watch_unread(&mut world, Event::Apply, 21);
    watch(&mut world, Event::Init);
    watch_unread(&mut world, Event::InitApply, 21);
    watch(&mut world, Event::InitDone);
    assert!(world.is_unread_block(&id()));
    assert_eq!(world.unread().len(), 1);
    watch(&mut world, Event::Init);
    watch(&mut world, Event::InitDone);
    assert!(!world.is_unread_block(&id()));
    watch_unread(&mut world, Event::Apply, 21);
    watch_unread(&mut world, Event::Delete, 22);
    assert!(!world.is_unread_block(&id()));
}

#[test]
fn a_network_that_cannot_be_read_is_one_that_is_wrong() {
    let mut world = world();
    let meta = world_network_meta();
    let unread = Unread {
        meta,
        why: "spec.mtu: a text".to_owned(),
    };
    let uid = Uid::of(unread.meta.uid.as_deref().unwrap());
    let object = NetworkObject::unread(NetworkKind::Macvlan, Box::new(unread));
    world.observe(Change::Macvlan(Event::Apply(object)));
    world.settle();
    let verdict = world.verdict(uid).unwrap();
    let fault = verdict.accepted.as_ref().unwrap_err();
    assert_eq!(fault.message, "the object can't be read: spec.mtu: a text");
    assert_eq!(world.unread().len(), 1);
}

fn world_network_meta() -> ObjectMeta {
    ObjectMeta {
        name: Some("storage".to_owned()),
        uid: Some("00000000-0000-0000-0000-000000000007".to_owned()),
        ..ObjectMeta::default()
    }
}
