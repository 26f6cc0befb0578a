//! host-local's files, with both programs over one folder: a node may move over, and back.

use std::{fs, thread, time::Duration};

use serde_json::{Value, json};

use crate::rig::{Folder, Namespace, Outcome, Rig, Who, both, ours, outcome};

/// Two rigs over one folder of addresses, each with its configuration.
fn pair() -> (Rig, Value, Rig, Value) {
    let theirs = Rig::new(Who::Reference);
    let ours = Rig::new(Who::Ours);
    let old = theirs.simple("1.0.0");
    let mut new = old.clone();
    new["ipam"]["type"] = json!("landfall");
    (theirs, old, ours, new)
}

fn address(printed: &Value) -> String {
    printed["ips"][0]["address"].as_str().unwrap().to_owned()
}

/// 47, 48
#[test]
fn each_goes_on_where_the_other_stopped_and_frees_what_the_other_gave() {
    let (theirs, old, ours, new) = pair();
    let give = |rig: &Rig, config: &Value, id: &str| {
        let pod = Namespace::new(id);
        let call = rig.call("ADD", config).container(id).pod(&pod);
        (address(&call.run().done()), pod)
    };
    let (first, _pod1) = give(&theirs, &old, "a");
    let (second, _pod2) = give(&ours, &new, "b");
    let (third, _pod3) = give(&theirs, &old, "c");
    assert_eq!(
        [first, second, third],
        ["10.1.2.2/24", "10.1.2.3/24", "10.1.2.4/24"]
    );
    for (rig, config, id) in [(&ours, &new, "a"), (&theirs, &old, "b"), (&ours, &new, "c")] {
        let pod = Namespace::new(id);
        rig.call("DEL", config)
            .container(id)
            .pod(&pod)
            .run()
            .silent();
        assert!(
            !theirs
                .data
                .reserved()
                .iter()
                .any(|(_, by)| by.starts_with(id))
        );
    }
    assert!(theirs.data.reserved().is_empty());
}

#[test]
fn an_attachment_of_the_reference_is_checked_and_removed_by_ours_and_the_other_way_round() {
    for first in [Who::Reference, Who::Ours] {
        let rig = Rig::new(first);
        let other = match first {
            Who::Ours => crate::programs::reference(),
            Who::Reference => crate::programs::ours(),
        };
        let mut config = rig.simple("1.0.0");
        config["prevResult"] = rig.add(&config).done();
        let call = |verb| {
            rig.call(verb, &config)
                .program(&other.join("macvlan"))
                .run()
        };
        call("CHECK").silent();
        call("DEL").silent();
        assert_eq!(rig.pod.links(), ["lo"]);
        assert!(rig.data.reserved().is_empty());
    }
}

/// 47, 48: the built-in IPAM answers as host-local does, call for call.
#[test]
fn the_built_in_ipam_answers_as_host_local() {
    let (theirs, old, ours, mut new) = pair();
    let own = Folder::new();
    new["ipam"]["dataDir"] = json!(own.0);
    let range =
        json!([[{"subnet": "10.1.2.0/29", "rangeEnd": "10.1.2.3"}, {"subnet": "10.1.9.0/30"}]]);
    let run = |rig: &Rig, config: &Value| {
        let mut config = config.clone();
        config["ipam"]["ranges"] = range.clone();
        config["ipam"]["routes"] = json!([{"dst": "0.0.0.0/0"}]);
        let mut told = Vec::new();
        let mut pods = Vec::new();
        for (verb, id, ip) in [
            ("ADD", "a", ""),
            ("ADD", "a", ""),
            ("ADD", "b", "10.1.2.1"),
            ("ADD", "b", "10.1.2.2"),
            ("ADD", "b", "192.0.2.1"),
            ("ADD", "b", "10.1.9.2"),
            ("DEL", "a", ""),
            ("ADD", "c", ""),
            ("ADD", "d", ""),
            ("ADD", "e", ""),
            ("DEL", "nobody", ""),
        ] {
            let pod = Namespace::new(id);
            let args = if ip.is_empty() {
                String::new()
            } else {
                format!("IgnoreUnknown=1;IP={ip}")
            };
            let call = rig
                .call(verb, &config)
                .container(id)
                .pod(&pod)
                .args(&args)
                .run();
            let printed = call.json();
            told.push(json!([
                verb,
                id,
                printed["ips"],
                printed["routes"],
                printed["code"],
                printed["msg"]
            ]));
            pods.push(pod);
        }
        told
    };
    assert_eq!(run(&ours, &new), run(&theirs, &old));
    let of = |folder: &Folder| {
        let last = fs::read_to_string(folder.0.join("lan/last_reserved_ip.0")).unwrap();
        (folder.reserved(), last)
    };
    assert_eq!(of(&own), of(&theirs.data));
}

/// 47
#[test]
fn files_of_old_releases_are_freed() {
    ours(|rig| {
        let mut config = rig.simple("1.0.0");
        config["ipam"]["type"] = json!("landfall");
        let folder = rig.data.0.join("lan");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("10.1.2.7"), "c1").unwrap();
        fs::write(folder.join("10.1.2.8"), "c1\r\nnet1\n").unwrap();
        fs::write(folder.join("10.1.2.9"), "c1\r\nnet2").unwrap();
        rig.del(&config).silent();
        assert_eq!(rig.data.reserved().len(), 1);
    });
}

/// 49, 80
#[test]
fn many_at_once_get_addresses_of_their_own() {
    const PODS: usize = 64;
    for kind in ["landfall", "host-local"] {
        ours(|rig| {
            let mut config = rig.simple("1.0.0");
            config["ipam"]["type"] = json!(kind);
            let pods: Vec<_> = (0..PODS)
                .map(|n| Namespace::new(&format!("p{n}")))
                .collect();
            let all = |verb: &str| -> Vec<Value> {
                thread::scope(|scope| {
                    let calls: Vec<_> = pods
                        .iter()
                        .map(|pod| {
                            let call = rig.call(verb, &config).container(&pod.name).pod(pod);
                            scope.spawn(move || call.run().done())
                        })
                        .collect();
                    calls.into_iter().map(|call| call.join().unwrap()).collect()
                })
            };
            let printed = all("ADD");
            let mut addresses: Vec<_> = printed.iter().map(address).collect();
            addresses.sort();
            addresses.dedup();
            assert_eq!(addresses.len(), PODS);
            assert_eq!(rig.data.reserved().len(), PODS);
            all("DEL");
            assert!(rig.data.reserved().is_empty());
            for pod in &pods {
                assert_eq!(pod.links(), ["lo"]);
            }
        });
    }
}

/// 49: a runtime ends a call that takes too long, wherever it is, and then asks for a DEL.
#[test]
fn calls_that_are_killed_give_no_address_twice_and_leave_nothing() {
    const PODS: usize = 25;
    const EACH: usize = 8;
    ours(|rig| {
        let mut config = rig.simple("1.1.0");
        config["ipam"]["type"] = json!("landfall");
        let pods: Vec<_> = (0..PODS)
            .map(|n| Namespace::new(&format!("p{n}")))
            .collect();
        let call = |verb: &str, pod: &Namespace, n: usize| {
            let call = rig.call(verb, &config).pod(pod);
            let call = call.container(&format!("{}-{n}", pod.name));
            call.with("CNI_IFNAME", format!("net{n}"))
        };
        // Of each three one is killed, after up to 12 ms: before, while and after it works.
        let add = |pod: &Namespace, place: usize, n: usize| {
            let mut child = call("ADD", pod, n).start();
            let number = place * EACH + n;
            if number.is_multiple_of(3) {
                let micros = u64::try_from(number * 7919 % 12_000).unwrap();
                thread::sleep(Duration::from_micros(micros));
                child.kill().unwrap();
            }
            outcome(child)
        };
        let added: Vec<(usize, usize, Outcome)> = thread::scope(|scope| {
            let add = &add;
            let threads: Vec<_> = pods
                .iter()
                .enumerate()
                .map(|(place, pod)| {
                    let each = move |n| (place, n, add(pod, place, n));
                    scope.spawn(move || (0..EACH).map(each).collect::<Vec<_>>())
                })
                .collect();
            let each = threads.into_iter().flat_map(|own| own.join().unwrap());
            each.collect()
        });
        assert_eq!(added.len(), PODS * EACH);
        let (done, killed): (Vec<_>, Vec<_>) = added
            .iter()
            .partition(|(_, _, outcome)| outcome.code.is_some());
        let mut given: Vec<_> = done.iter().map(|(_, _, o)| address(&o.done())).collect();
        given.sort();
        let all = given.len();
        given.dedup();
        assert_eq!(given.len(), all, "an address was given twice");
        for (place, n, _) in &killed {
            call("DEL", &pods[*place], *n).run().silent();
        }
        let mut reserved: Vec<_> = rig.data.reserved();
        reserved.retain(|(_, by)| !by.is_empty());
        assert_eq!(reserved.len(), all);
        for (place, n, _) in &done {
            call("DEL", &pods[*place], *n).run().silent();
        }
        assert!(rig.data.reserved().is_empty());
        for pod in &pods {
            assert_eq!(pod.links(), ["lo"]);
        }
    });
}

/// `subnets`, as a MacvlanNetwork writes them, in the same files.
#[test]
fn subnets_are_gone_through_one_after_another() {
    ours(|rig| {
        let mut config = rig.simple("1.1.0");
        config["ipam"] = json!({
            "type": "landfall", "dataDir": rig.data.0,
            "subnets": [
                {"cidr": "10.1.2.0/24", "gateway": "10.1.2.1", "ranges": [{"from": "10.1.2.1", "to": "10.1.2.2"}]},
                "10.1.3.0/31",
                {"cidr": "fd00:1:2::/64", "exclude": [{"cidr": "fd00:1:2::1/128"}]},
            ],
        });
        let call = |verb: &str, n: usize| {
            let call = rig.call(verb, &config).container(&format!("c{n}"));
            call.with("CNI_IFNAME", format!("net{n}"))
        };
        let ips = |n| call("ADD", n).run().done()["ips"].clone();
        let v6 = |host: u32| json!({"address": format!("fd00:1:2::{host}/64"), "interface": 0});
        let v4 = |address: &str| json!({"address": address, "interface": 0});
        let first = json!({"address": "10.1.2.2/24", "gateway": "10.1.2.1", "interface": 0});
        assert_eq!(ips(1), json!([first, v6(2)]));
        assert_eq!(ips(2), json!([v4("10.1.3.0/31"), v6(3)]));
        call("STATUS", 3).run().silent();
        assert_eq!(ips(3), json!([v4("10.1.3.1/31"), v6(4)]));
        assert_eq!(call("STATUS", 4).run().error_code(), 50);
        let (_, text) = call("ADD", 4).run().error();
        assert!(
            text.contains("no IP addresses available in range set"),
            "{text}"
        );
        call("DEL", 2).run().silent();
        assert_eq!(ips(4), json!([v4("10.1.3.0/31"), v6(5)]));
        let mut valid = config.clone();
        valid["cni.dev/valid-attachments"] = json!([{"containerID": "c4", "ifname": "net4"}]);
        rig.call("GC", &valid).run().silent();
        let left: Vec<_> = rig.data.reserved().into_iter().map(|(ip, _)| ip).collect();
        assert_eq!(left, ["10.1.3.0", "fd00:1:2::5"]);
    });
    // To host-local it is an unknown key, as to the reference's.
    both(|rig| {
        let ipam = rig.host_local(json!({"subnets": ["10.1.2.0/24"]}));
        rig.add(&Rig::config("1.0.0", json!({"ipam": ipam})))
            .error()
    });
}
