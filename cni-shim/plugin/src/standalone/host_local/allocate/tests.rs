//! Giving addresses.

use std::{fs, path::Path};

use super::*;
use crate::{spec::Version, standalone::object::Object};

struct Network(PathBuf);

impl Network {
    fn new(name: &str) -> Self {
        let name = format!("landfall-allocate-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn config(&self, ipam: &str, ips: &[&str]) -> HostLocal {
        let input = format!(
            r#"{{"ipam":{{"dataDir":{:?},{ipam}}},"runtimeConfig":{{"ips":{ips:?}}}}}"#,
            self.0
        );
        let object = Object::read(&input).unwrap();
        HostLocal::read(&object, "n", Version::V1_0_0, "").unwrap()
    }

    fn files(&self) -> usize {
        fs::read_dir(self.0.join("n")).map_or(0, Iterator::count)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn give(config: &HostLocal, container: &str) -> Result<Vec<String>, String> {
    let holder = Holder {
        container,
        interface: "net1",
    };
    match allocate(config, holder) {
        Ok(result) => Ok(result.ips.iter().map(|ip| ip.address.to_string()).collect()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn addresses_go_round_and_what_is_freed_comes_last() {
    let network = Network::new("round");
    let config = network.config(r#""subnet":"10.1.2.0/29","rangeEnd":"10.1.2.4""#, &[]);

    assert_eq!(give(&config, "a"), Ok(vec!["10.1.2.2/29".to_owned()]));
    assert_eq!(give(&config, "b"), Ok(vec!["10.1.2.3/29".to_owned()]));
    let store = Store::at(&config.folder).lock().unwrap();
    store.release([10, 1, 2, 2].into()).unwrap();
    drop(store);
    assert_eq!(give(&config, "c"), Ok(vec!["10.1.2.4/29".to_owned()]));
    assert!(has_room(&config).unwrap());
    assert_eq!(give(&config, "d"), Ok(vec!["10.1.2.2/29".to_owned()]));
    assert!(!has_room(&config).unwrap());
    assert_eq!(
        give(&config, "e").unwrap_err(),
        "failed to allocate for range 0: no IP addresses available in range set: 10.1.2.1-10.1.2.4"
    );
}

#[test]
fn of_several_sets_all_give_or_none() {
    let network = Network::new("sets");
    let ranges = r#""ranges":[[{"subnet":"10.1.0.0/29"}],[{"subnet":"10.2.0.0/30"}]]"#;
    let config = network.config(ranges, &[]);

    assert!(give(&config, "a").is_ok());
    let before = network.files();
    assert!(give(&config, "b").unwrap_err().contains("range 1"));
    assert_eq!(network.files(), before);
    assert_eq!(
        give(&config, "a").unwrap_err(),
        "failed to allocate for range 0: 10.1.0.2 has been allocated to a, duplicate allocation is \
         not allowed"
    );
}

#[test]
fn an_address_that_is_asked_for_is_given_or_nothing_is() {
    let network = Network::new("asked");
    let give = |ip: &str, container: &str| {
        give(
            &network.config(r#""subnet":"10.1.2.0/24""#, &[ip]),
            container,
        )
    };

    assert_eq!(give("10.1.2.77", "a"), Ok(vec!["10.1.2.77/24".to_owned()]));
    let before = network.files();
    for (ip, text) in [
        (
            "10.1.2.77",
            "failed to allocate for range 0: requested IP address 10.1.2.77 is not available in \
             range set 10.1.2.1-10.1.2.254",
        ),
        (
            "10.1.2.1",
            "failed to allocate for range 0: requested ip 10.1.2.1 is subnet's gateway",
        ),
        ("10.9.9.9", "failed to allocate all requested IPs: 10.9.9.9"),
    ] {
        assert_eq!(give(ip, "b").unwrap_err(), text);
        assert_eq!(network.files(), before);
    }
}

#[test]
fn a_file_as_resolv_conf_becomes_dns() {
    let network = Network::new("resolv");
    fs::create_dir_all(&network.0).unwrap();
    let path = network.0.join("resolv.conf");
    fs::write(&path, "nameserver 10.0.0.1\n").unwrap();
    let holder = Holder {
        container: "a",
        interface: "net1",
    };
    let with = |path: &Path| {
        let ipam = format!(r#""subnet":"10.1.2.0/24","resolvConf":{path:?}"#);
        allocate(&network.config(&ipam, &[]), holder)
    };

    assert!(with(Path::new("/nowhere")).is_err());
    assert_eq!(with(&path).unwrap().dns.nameservers, ["10.0.0.1"]);
}
