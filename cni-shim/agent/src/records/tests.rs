use std::{
    env, process,
    sync::atomic::{AtomicU32, Ordering},
};

use landfall_core::{
    agent::Phase,
    id::Name,
    link::Setting,
    network::{NetworkKind, Route},
};

use super::*;

/// A folder that goes with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("landfall-agent-{}-{number}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn entry(container: &str, interface: &str) -> Entry {
    Entry {
        key: Key {
            container: Name::from(container),
            interface: Name::from(interface),
        },
        record: Record {
            phase: Phase::Pending,
            owner: Uid(1),
            network: Uid(2),
            addresses: vec![("10.0.0.1".parse().unwrap(), "3.4".parse().unwrap())],
        },
        facts: Some(facts(interface, 77)),
    }
}

/// Of a link in the namespace with that cookie.
pub(crate) fn facts(interface: &str, cookie: u64) -> Facts {
    Facts {
        netns: PathBuf::from("/run/netns/cni-1"),
        cookie,
        number: Some(3),
        name: Name::from(interface),
        index: 70_000,
        parent: 4,
        kind: NetworkKind::Macvlan,
        mode: "bridge".to_owned(),
        flag: None,
        no_promiscuous: false,
        mac: None,
        mtu: None,
        tx_queue_length: None,
        all_multicast: false,
        settings: vec![Setting::of("ipv4.conf.IFNAME.arp_notify", interface, "1")],
        addresses: vec!["10.0.0.1/24".parse().unwrap()],
        routes: vec![Route {
            destination: "10.9.0.0/16".parse().unwrap(),
            gateway: None,
            metric: Some(7),
        }],
        neighbors: Vec::new(),
        pod: "default/a".to_owned(),
        network: "storage".to_owned(),
    }
}

const MARKED: Mark = Mark {
    boot: Uid(5),
    machine: Uid(6),
    epoch: 1,
};

fn complete(folder: &Folder) -> Store {
    let store = Store::open(&folder.0).unwrap();
    store.save_released(&BTreeSet::new()).unwrap();
    store.save_object(&LandfallNode::default()).unwrap();
    store.save_mark(&MARKED).unwrap();
    store
}

#[test]
fn what_is_saved_is_loaded() {
    let folder = Folder::new();
    let store = complete(&folder);
    let released = [("fd00::1".parse().unwrap(), "3.5".parse().unwrap())];
    store.save_released(&released.into()).unwrap();
    store.save_entry(&entry("c1", "net1")).unwrap();
    store.save_entry(&entry("c1", "net2")).unwrap();
    let loaded = store.load();
    let expected = ["net1", "net2"].map(|name| entry("c1", name));
    assert_eq!(loaded.entries.into_values().collect::<Vec<_>>(), expected);
    assert_eq!(loaded.released, released.into());
    assert_eq!(loaded.mark, Some(MARKED));
}

#[test]
fn a_dropped_attachment_is_gone_and_may_be_dropped_again() {
    let folder = Folder::new();
    let store = complete(&folder);
    store.save_entry(&entry("c1", "net1")).unwrap();
    store.drop_entry(&entry("c1", "net1").key).unwrap();
    store.drop_entry(&entry("c1", "net1").key).unwrap();
    assert!(store.load().entries.is_empty());
}

#[test]
fn an_empty_folder_is_not_complete() {
    let folder = Folder::new();
    let store = Store::open(&folder.0).unwrap();
    assert_eq!(store.load().mark, None);
}

#[test]
fn one_unreadable_record_makes_it_incomplete_until_it_is_marked_again() {
    let folder = Folder::new();
    let store = complete(&folder);
    let torn = folder.0.join("attachments/c1:net1.json");
    fs::write(&torn, b"{\"container\":").unwrap();
    assert_eq!(store.load().mark, None);
    assert!(!torn.exists());
    assert_eq!(store.load().mark, None);
    store.save_mark(&MARKED).unwrap();
    assert_eq!(store.load().mark, Some(MARKED));
}

#[test]
fn a_crash_while_writing_leaves_what_was_there() {
    let folder = Folder::new();
    let store = complete(&folder);
    store.save_entry(&entry("c1", "net1")).unwrap();
    fs::write(folder.0.join("attachments/c1:net1.json.new"), b"{").unwrap();
    assert_eq!(store.load().entries.len(), 1);
    assert_eq!(store.load().mark, Some(MARKED));
}

#[test]
fn without_the_released_set_it_is_not_complete() {
    let folder = Folder::new();
    let store = complete(&folder);
    fs::remove_file(folder.0.join("released.json")).unwrap();
    assert_eq!(store.load().mark, None);
}
