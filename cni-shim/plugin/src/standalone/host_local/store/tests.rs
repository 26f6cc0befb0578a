//! The files of a network.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

static COUNT: AtomicU32 = AtomicU32::new(0);

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("landfall-store-{}-{count}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

const A: Holder<'_> = Holder {
    container: "a",
    interface: "net1",
};

fn address(host: u8) -> IpAddr {
    [10, 1, 2, host].into()
}

#[test]
fn files_are_as_host_local_writes_them() {
    let folder = Folder::new();
    let store = Store::at(&folder.0).lock().unwrap();

    assert!(store.reserve(address(5), A, 0).unwrap());
    assert!(!store.reserve(address(5), A, 0).unwrap());
    let read = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap();
    assert_eq!(read("10.1.2.5"), "a\r\nnet1");
    assert_eq!(read("last_reserved_ip.0"), "10.1.2.5");
    assert_eq!(store.last(0), Some(address(5)));
    assert_eq!(store.last(1), None);
}

#[test]
fn a_holder_is_found_by_container_and_interface_or_in_old_files_by_container() {
    let folder = Folder::new();
    let store = Store::at(&folder.0).lock().unwrap();
    let write = |host: u8, text: &str| {
        fs::write(folder.0.join(address(host).to_string()), text).unwrap();
    };
    write(2, "a\r\nnet1\n ");
    write(3, "a\r\nnet2");
    write(4, "a");
    write(5, "ab\r\nnet1");
    write(6, "\0\u{ff}");

    assert_eq!(store.of(A).unwrap(), [address(2), address(4)]);
    store.release_all(A).unwrap();
    assert!(store.of(A).unwrap().is_empty());
    assert_eq!(store.addresses().unwrap().len(), 3);
}

#[test]
fn what_no_attachment_alive_holds_is_given_back() {
    let folder = Folder::new();
    let store = Store::at(&folder.0).lock().unwrap();
    let b = Holder {
        container: "b",
        interface: "net1",
    };
    store.reserve(address(2), A, 0).unwrap();
    store.reserve(address(3), b, 0).unwrap();
    let valid = Valid {
        container_id: "a".to_owned(),
        interface: "net1".to_owned(),
    };

    for _ in 0..2 {
        store.retain(std::slice::from_ref(&valid)).unwrap();
        assert_eq!(store.addresses().unwrap().len(), 1);
    }
    assert_eq!(store.of(A).unwrap(), [address(2)]);
    assert_eq!(store.last(0), Some(address(3)));
    assert!(folder.0.join("lock").exists());
}

#[test]
fn a_folder_that_is_not_there_is_not_made_to_look_into_it() {
    let folder = Folder::new();

    assert!(Store::at(&folder.0).lock_existing().unwrap().is_none());
    assert!(!folder.0.exists());
}

#[test]
fn an_address_whose_giver_was_killed_before_it_wrote_is_nobodys() {
    let folder = Folder::new();
    let store = Store::at(&folder.0).lock().unwrap();
    let torn = |host| fs::write(folder.0.join(address(host).to_string()), "").unwrap();

    torn(5);
    assert!(store.addresses().unwrap().is_empty());
    assert!(store.reserve(address(5), A, 0).unwrap());
    assert_eq!(store.of(A).unwrap(), [address(5)]);
    torn(6);
    store.release_all(A).unwrap();
    assert!(store.files().unwrap().is_empty());
    torn(7);
    store.retain(&[]).unwrap();
    assert!(store.files().unwrap().is_empty());
}
