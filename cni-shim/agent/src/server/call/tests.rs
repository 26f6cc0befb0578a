use landfall_plugin::wire::{Annotations, Pod};

use super::{asked as asked_of, *};

fn request(verb: Verb, door: Door) -> Request {
    Request {
        version: 1,
        verb,
        door,
        config_name: "cluster".to_owned(),
        network: None,
        container_id: "c1".to_owned(),
        netns: None,
        interface: "eth0".to_owned(),
        pod: Pod::default(),
        annotations: Annotations::default(),
        ips: Vec::new(),
        mac: None,
        valid: Vec::new(),
    }
}

fn code(result: Result<Call, CniError>) -> u32 {
    result.unwrap_err().code.number()
}

#[test]
fn annotations_that_ask_for_nothing_need_no_pod_and_no_namespace() {
    let call = Call::of(
        &request(Verb::Add, Door::Chained),
        None,
        &mut Numbers::default(),
    )
    .unwrap();
    assert!(matches!(call, Call::Nothing));
}

#[test]
fn an_annotation_that_cant_be_read_is_the_users_to_mend() {
    let mut request = request(Verb::Add, Door::Chained);
    request.annotations.npwg = Some("a/b/c".to_owned());
    assert_eq!(code(Call::of(&request, None, &mut Numbers::default())), 7);
}

#[test]
fn an_add_needs_the_pods_uid_and_the_namespace() {
    let mut request = request(Verb::Add, Door::Chained);
    request.annotations.landfall = Some("storage".to_owned());
    assert_eq!(code(Call::of(&request, None, &mut Numbers::default())), 4);
    request.pod.uid = "u".to_owned();
    assert_eq!(code(Call::of(&request, None, &mut Numbers::default())), 4);
}

#[test]
fn both_annotations_are_asked_for() {
    let mut request = request(Verb::Add, Door::Chained);
    request.annotations.npwg = Some("storage@lan0".to_owned());
    request.annotations.landfall = Some("backup".to_owned());
    let asked = asked_of(&request).unwrap();
    let names: Vec<_> = asked
        .iter()
        .map(|asked| (asked.network.as_str(), asked.interface.as_str()))
        .collect();
    assert_eq!(names, [("storage", "lan0"), ("backup", "net2")]);
}

#[test]
fn a_delegate_call_asks_for_its_one_network() {
    let mut request = request(Verb::Add, Door::Delegate);
    request.interface = "net1".to_owned();
    assert_eq!(asked_of(&request).unwrap_err().code.number(), 7);
    request.network = Some("storage".to_owned());
    request.ips = vec!["10.0.0.5/24".to_owned(), "fd00::5".to_owned()];
    let asked = asked_of(&request).unwrap();
    let addresses = ["10.0.0.5", "fd00::5"].map(|text| text.parse::<IpAddr>().unwrap());
    assert_eq!(asked[0].addresses, addresses);
}

#[test]
fn a_container_id_that_is_no_file_name_is_refused() {
    for id in ["", "../x", ".hidden", "a/b", "a:b", &"x".repeat(181)] {
        let mut request = request(Verb::Del, Door::Chained);
        id.clone_into(&mut request.container_id);
        assert_eq!(
            code(Call::of(&request, None, &mut Numbers::default())),
            4,
            "{id}"
        );
    }
}
