use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use landfall_core::{
    id::{Name, Uid},
    ledger::{
        claims::Share,
        view::{Refusal, Want},
    },
    network::{DefaultRoute, Driver, IpvlanFlag, IpvlanMode, Labels, Network, Selector},
};
use serde_json::json;

use super::{AgentPods, Directory, Listing, PodFacts, Resolved, Surroundings, resolve};
use crate::{
    args::Door,
    claims::{Book, ClaimKey, ClaimKind, Controller, Entry, Owner, SetKey},
    definitions::{Definition, DefinitionKey},
    samples,
};

fn agents() -> AgentPods {
    AgentPods {
        namespace: "landfall-system".to_owned(),
        labels: Labels::from([("component".to_owned(), "agent".to_owned())]),
    }
}

fn facts(pod: serde_json::Value) -> PodFacts {
    let pod: Pod = serde_json::from_value(pod).unwrap();
    PodFacts::of(pod, &agents())
}

#[test]
fn a_pod_may_start_if_it_is_bound_and_neither_deleted_nor_finished() {
    let pod = |spec, phase, deleted: Option<&str>| {
        facts(json!({
            "metadata": {"name": "web", "deletionTimestamp": deleted},
            "spec": spec,
            "status": {"phase": phase},
        }))
        .may_start
    };
    let bound = json!({"nodeName": "a", "containers": []});
    assert!(pod(bound.clone(), "Pending", None));
    assert!(pod(bound.clone(), "Running", None));
    assert!(!pod(json!({"containers": []}), "Pending", None));
    assert!(!pod(bound.clone(), "Succeeded", None));
    assert!(!pod(bound.clone(), "Failed", None));
    assert!(!pod(bound, "Running", Some("2026-01-01T00:00:00Z")));
}

#[test]
fn the_owner_of_a_mirror_pod_is_the_static_pod() {
    let uid = "00000000-0000-0000-0000-000000000001";
    let plain = facts(json!({"metadata": {"uid": uid}}));
    assert_eq!(plain.owner, Uid(1));
    let annotations = json!({"kubernetes.io/config.mirror": "00000000000000000000000000000002"});
    let mirror = facts(json!({"metadata": {"uid": uid, "annotations": annotations}}));
    assert_eq!(mirror.owner, Uid(2));
    assert_eq!(mirror.uid, uid);
}

#[test]
fn an_agent_is_a_pod_of_our_namespace_with_our_labels() {
    let pod = |namespace: &str, component: &str, ready: &str| {
        facts(json!({
            "metadata": {"namespace": namespace, "labels": {"component": component}},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }))
        .agent
    };
    assert_eq!(pod("landfall-system", "agent", "True"), Some(true));
    assert_eq!(pod("landfall-system", "agent", "False"), Some(false));
    assert_eq!(pod("landfall-system", "operator", "True"), None);
    assert_eq!(pod("default", "agent", "True"), None);
}

#[test]
fn an_empty_annotation_asks_for_nothing() {
    let asks = |text: &str| samples::pod(text).asks();
    assert!(asks("storage"));
    assert!(!asks(""));
    assert!(!asks("  "));
}

/// What pods are held against in these tests.
struct World {
    networks: BTreeMap<Uid, Network>,
    directory: Directory,
    namespace: Labels,
    definitions: BTreeMap<DefinitionKey, Definition>,
    claims: Book,
    door: Door,
    is_served: bool,
}

fn world() -> World {
    let storage = samples::network(1, "storage", &["10.20.0.0/24"]);
    let closed = Network {
        namespaces: Selector {
            labels: Labels::from([("team".to_owned(), "red".to_owned())]),
            requirements: Vec::new(),
        },
        default_route: DefaultRoute::OnRequest,
        ..samples::network(2, "red", &["10.30.0.0/24"])
    };
    let shared = Network {
        driver: Driver::Ipvlan {
            mode: IpvlanMode::L2,
            flag: IpvlanFlag::Bridge,
        },
        ..samples::network(3, "shared", &["10.40.0.0/24"])
    };
    let networks = [storage, closed, shared];
    let mut directory: Directory = networks
        .iter()
        .map(|network| (network.name.clone(), Listing::Network(network.uid)))
        .collect();
    let broken = Listing::Invalid(Uid(9), "no subnet".to_owned());
    directory.insert(Name::from("broken"), broken);
    World {
        networks: networks.into_iter().map(|n| (n.uid, n)).collect(),
        directory,
        namespace: Labels::new(),
        definitions: BTreeMap::new(),
        claims: Book::default(),
        door: Door::Chained,
        is_served: false,
    }
}

fn resolved(world: &World, annotation: &str) -> Resolved {
    resolved_of(world, &samples::pod(annotation))
}

fn resolved_of(world: &World, pod: &PodFacts) -> Resolved {
    let around = Surroundings {
        directory: &world.directory,
        network: |uid| world.networks.get(&uid),
        namespace: &world.namespace,
        home: "landfall-system",
        definitions: &world.definitions,
        claims: &world.claims,
        door: world.door,
        is_served: world.is_served,
    };
    resolve(pod, &around)
}

fn refused(world: &World, annotation: &str) -> Refusal {
    let resolved = resolved(world, annotation);
    assert_eq!(resolved.pod.wants, []);
    resolved.pod.refusal.expect("a refusal")
}

#[test]
fn names_become_networks() {
    let world = world();
    let resolved = resolved(&world, "storage, landfall-system/storage@lan0");
    let want = |interface: &str| Want {
        network: Uid(1),
        interface: Name::from(interface),
        addresses: Vec::new(),
        mac: None,
        claim: None,
    };
    assert_eq!(resolved.pod.refusal, None);
    assert_eq!(resolved.pod.wants, [want("net1"), want("lan0")]);
}

#[test]
fn a_request_keeps_its_address_mac_and_default_route() {
    let mut world = world();
    world.namespace.insert("team".to_owned(), "red".to_owned());
    let annotation = r#"[{"name": "red", "ips": ["10.30.0.9/24"], "mac": "02:00:00:00:00:09",
        "default-route": ["10.30.0.1"]}]"#;
    let resolved = resolved(&world, annotation);
    let [want] = &resolved.pod.wants[..] else {
        panic!("{resolved:?}");
    };
    assert_eq!(
        want.addresses,
        ["10.30.0.9".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(want.mac, Some("02:00:00:00:00:09".parse().unwrap()));
    let gateway: std::net::IpAddr = "10.30.0.1".parse().unwrap();
    let routes = BTreeMap::from([(Name::from("net1"), vec![gateway])]);
    assert_eq!(resolved.default_routes, routes);
}

#[test]
fn what_only_the_user_can_mend_is_said_in_a_sentence_and_final() {
    let world = world();
    let cases = [
        (
            "nowhere",
            "UnknownNetwork",
            "there is no MacvlanNetwork or IpvlanNetwork nowhere",
        ),
        (
            "broken",
            "UnknownNetwork",
            "network broken is not accepted: no subnet",
        ),
        (
            "kube-system/storage",
            "InvalidAnnotation",
            "write storage alone",
        ),
        ("storage,", "InvalidAnnotation", "item 2 is empty"),
        (
            "red",
            "NamespaceNotAllowed",
            "does not admit pods of namespace default",
        ),
        (
            r#"[{"name": "shared", "mac": "02:00:00:00:00:09"}]"#,
            "InvalidAnnotation",
            "leave mac out",
        ),
        (
            r#"[{"name": "storage", "default-route": ["10.20.0.1"]}]"#,
            "InvalidAnnotation",
            "set its spec.defaultRoute to OnRequest",
        ),
        (
            r#"[{"name": "storage", "deviceID": "0000:00:00.1"}]"#,
            "InvalidAnnotation",
            "deviceID is nothing that Landfall can give",
        ),
    ];
    for (annotation, reason, sentence) in cases {
        let refusal = refused(&world, annotation);
        assert_eq!(refusal.reason, reason, "{annotation}");
        let message = &refusal.message;
        assert!(message.contains(sentence), "{annotation}: {message}");
        assert!(refusal.is_final, "{annotation}");
    }
}

#[test]
fn a_pod_that_has_its_grants_keeps_asking_for_them_whatever_became_of_the_network() {
    let mut world = world();
    world.is_served = true;
    let uids = |annotation: &str| -> Vec<Uid> {
        let resolved = resolved(&world, annotation);
        resolved.pod.wants.iter().map(|want| want.network).collect()
    };
    assert_eq!(uids("red"), [Uid(2)]);
    assert_eq!(uids("broken"), [Uid(9)]);
    assert_eq!(uids("nowhere"), []);
}

/// NetworkAttachmentDefinitions of the pod's namespace: `fast` is of another plugin, and so is one that has
/// the name of a network; `nad` names network storage.
fn with_definitions(door: Door) -> World {
    let key = |name: &str| DefinitionKey {
        namespace: Name::from("default"),
        name: Name::from(name),
    };
    let definitions = BTreeMap::from([
        (key("fast"), Definition::Other),
        (key("storage"), Definition::Other),
        (key("nad"), Definition::Ours(Name::from("storage"))),
    ]);
    World {
        definitions,
        door,
        ..world()
    }
}

/// The interfaces that are ours, and those that are not; or the refusal's reason.
fn split(world: &World, annotation: &str) -> Result<(Vec<String>, Vec<String>), String> {
    let resolved = resolved(world, annotation);
    if let Some(refusal) = resolved.pod.refusal {
        return Err(format!("{}: {}", refusal.reason, refusal.message));
    }
    let ours = resolved
        .pod
        .wants
        .iter()
        .map(|want| want.interface.to_string());
    let others = resolved
        .others
        .iter()
        .map(|other| other.interface.to_string());
    Ok((ours.collect(), others.collect()))
}

#[test]
fn chained_an_unknown_name_is_another_plugins_if_a_definition_has_it() {
    let world = with_definitions(Door::Chained);
    let both = |ours: &[&str], others: &[&str]| {
        let all = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Ok((all(ours), all(others)))
    };
    assert_eq!(split(&world, "fast, storage"), both(&["net2"], &["net1"]));
    assert_eq!(split(&world, "storage, fast@f0"), both(&["net1"], &["f0"]));
    assert_eq!(split(&world, "fast"), both(&[], &["net1"]));
    let unknown = split(&world, "storage, nowhere").unwrap_err();
    assert!(
        unknown.starts_with("UnknownNetwork: there is no Macvlan"),
        "{unknown}"
    );
    let elsewhere = split(&world, "other/fast").unwrap_err();
    assert!(elsewhere.starts_with("InvalidAnnotation"), "{elsewhere}");
    let ours = PodFacts {
        npwg: None,
        landfall: Some("fast".to_owned()),
        ..samples::pod("")
    };
    let refusal = resolved_of(&world, &ours).pod.refusal;
    assert_eq!(refusal.unwrap().reason, "UnknownNetwork");
}

#[test]
fn behind_multus_names_are_those_of_definitions() {
    let world = with_definitions(Door::Delegate);
    let networks = |annotation: &str| {
        let resolved = resolved(&world, annotation);
        assert_eq!(resolved.pod.refusal, None, "{annotation}");
        let wants = resolved.pod.wants.iter();
        wants
            .map(|want| (want.network, want.interface.to_string()))
            .collect::<Vec<_>>()
    };
    assert_eq!(networks("fast, nad"), [(Uid(1), "net2".to_owned())]);
    assert_eq!(networks("storage"), []);
    let unknown = split(&world, "shared").unwrap_err();
    assert!(
        unknown.contains("no NetworkAttachmentDefinition default/shared"),
        "{unknown}"
    );
}

/// Puts a claim of namespace `default` on network `storage` into the book.
fn claim(world: &mut World, kind: ClaimKind, name: &str, uid: u128, owner: Owner) {
    let key = ClaimKey {
        namespace: "default".to_owned(),
        kind,
        name: name.to_owned(),
    };
    let entry = Entry {
        uid: Uid(uid),
        network: Some(Uid(1)),
        network_name: "storage".to_owned(),
        owner,
        created: i64::try_from(uid).unwrap(),
        is_deleting: false,
        fault: None,
    };
    world.claims.claims.insert(key, entry);
}

fn share(claim: u128, ordinal: Option<u32>) -> Share {
    let claim = Uid(claim);
    Share { claim, ordinal }
}

fn shares(world: &World, pod: &PodFacts) -> Vec<Option<Share>> {
    let resolved = resolved_of(world, pod);
    assert_eq!(resolved.pod.refusal, None);
    resolved.pod.wants.iter().map(|want| want.claim).collect()
}

fn controlled(pod: &str, kind: &str, name: &str) -> PodFacts {
    let mut facts = samples::pod("storage");
    facts.key.name = pod.to_owned();
    facts.controller = Some(Controller {
        kind: kind.to_owned(),
        name: name.to_owned(),
    });
    facts
}

#[test]
fn a_claim_is_for_the_pod_of_its_name_and_its_first_interface() {
    let mut world = world();
    let owner = || Owner::Pod("web".to_owned());
    claim(&mut world, ClaimKind::Address, "younger", 6, owner());
    claim(&mut world, ClaimKind::Address, "older", 5, owner());
    let pod = samples::pod("storage, storage");
    assert_eq!(shares(&world, &pod), [Some(share(5, None)), None]);
    let asks = samples::pod(r#"[{"name": "storage", "ips": ["10.20.0.9"]}]"#);
    assert_eq!(shares(&world, &asks), [None]);
    let mut other = samples::pod("storage");
    other.key.name = "web2".to_owned();
    assert_eq!(shares(&world, &other), [None]);
    let mut elsewhere = samples::pod("storage");
    elsewhere.key.namespace = "other".to_owned();
    assert_eq!(shares(&world, &elsewhere), [None]);
}

#[test]
fn a_stateful_sets_pod_has_the_share_of_its_ordinal_by_its_controller_and_not_by_its_name() {
    let mut world = world();
    claim(
        &mut world,
        ClaimKind::Address,
        "set",
        5,
        Owner::StatefulSet("db".to_owned()),
    );
    let mut pod = controlled("db-2", "StatefulSet", "db");
    assert_eq!(shares(&world, &pod), [Some(share(5, Some(2)))]);
    pod.pod_index = Some("2".to_owned());
    assert_eq!(shares(&world, &pod), [Some(share(5, Some(2)))]);
    pod.pod_index = Some("1".to_owned());
    assert_eq!(shares(&world, &pod), [None], "name and label differ");
    let mut named = samples::pod("storage");
    named.key.name = "db-2".to_owned();
    assert_eq!(shares(&world, &named), [None], "nobody manages it");
    let other = controlled("db-2", "ReplicaSet", "db");
    assert_eq!(shares(&world, &other), [None]);
}

#[test]
fn a_deployments_pods_are_known_by_their_replica_sets_controller() {
    let mut world = world();
    let owner = Owner::Workload {
        kind: "Deployment".to_owned(),
        name: "web".to_owned(),
    };
    claim(&mut world, ClaimKind::Address, "set", 5, owner);
    let pod = controlled("web-abc-1", "ReplicaSet", "web-abc");
    assert_eq!(shares(&world, &pod), [None]);
    let set = SetKey {
        namespace: "default".to_owned(),
        name: "web-abc".to_owned(),
    };
    let controller = Controller {
        kind: "Deployment".to_owned(),
        name: "web".to_owned(),
    };
    world.claims.replica_sets.insert(set, controller);
    assert_eq!(shares(&world, &pod), [Some(share(5, None))]);
}

#[test]
fn an_annotation_names_an_address_claim_else_an_ipam_claim() {
    const NAMES: &str = r#"[{"name": "storage", "ipam-claim-reference": "mine"}]"#;
    let mut world = world();
    let refusal = refused(&world, NAMES);
    assert!(!refusal.is_final && refusal.message.contains("there is no AddressClaim"));
    claim(&mut world, ClaimKind::Ipam, "mine", 6, Owner::Named);
    assert_eq!(shares(&world, &samples::pod(NAMES)), [Some(share(6, None))]);
    claim(&mut world, ClaimKind::Address, "mine", 5, Owner::Named);
    assert_eq!(shares(&world, &samples::pod(NAMES)), [Some(share(5, None))]);

    claim(
        &mut world,
        ClaimKind::Address,
        "mine",
        5,
        Owner::Pod("other".to_owned()),
    );
    let refusal = refused(&world, NAMES);
    assert!(refusal.is_final && refusal.message.contains("not for this pod"));

    claim(&mut world, ClaimKind::Address, "mine", 5, Owner::Named);
    for entry in world.claims.claims.values_mut() {
        entry.is_deleting = true;
    }
    let refusal = refused(&world, NAMES);
    assert!(!refusal.is_final && refusal.message.contains("being deleted"));
    world.is_served = true;
    assert_eq!(
        shares(&world, &samples::pod(NAMES)),
        [None],
        "it has what it has"
    );
}

#[test]
fn the_target_of_a_live_migration_is_told_so_where_a_claim_gives_it_its_address() {
    let mut world = world();
    claim(&mut world, ClaimKind::Ipam, "vm.storage", 6, Owner::Named);
    let mut pod = samples::pod(r#"[{"name": "storage", "ipam-claim-reference": "vm.storage"}]"#);
    pod.is_migration_target = true;
    let refusal = resolved_of(&world, &pod).pod.refusal.unwrap();
    assert_eq!(refusal.reason, "LiveMigrationNotSupported");
    assert!(refusal.is_final);
    pod.npwg = Some("storage".to_owned());
    assert_eq!(shares(&world, &pod), [None]);
}
