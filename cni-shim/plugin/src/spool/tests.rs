//! The spool.

use std::env::temp_dir;

use super::*;
use crate::{
    spec::Verb,
    wire::{Annotations, Door, Pod},
};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(temp_dir().join(format!("landfall-spool-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn request(container: &str) -> Request {
    Request {
        version: 1,
        verb: Verb::Del,
        door: Door::Chained,
        config_name: "n".to_owned(),
        network: None,
        container_id: container.to_owned(),
        netns: None,
        interface: "eth0".to_owned(),
        pod: Pod::default(),
        annotations: Annotations::default(),
        ips: Vec::new(),
        mac: None,
        valid: Vec::new(),
    }
}

#[test]
fn what_was_written_is_listed_once_and_can_be_removed() {
    let folder = Folder::new("list");
    for container in ["b", "a", "b"] {
        write(&folder.0.join("deeper"), &request(container)).unwrap();
    }

    let spooled = list(&folder.0.join("deeper")).unwrap();

    let read: Vec<_> = spooled
        .iter()
        .map(|s| s.request.as_ref().unwrap().clone())
        .collect();
    assert_eq!(read, [request("a"), request("b")]);
    for _ in 0..2 {
        remove(&spooled[0].path).unwrap();
    }
    assert_eq!(list(&folder.0.join("deeper")).unwrap().len(), 1);
}

#[test]
fn a_missing_folder_is_empty() {
    assert!(list(&Folder::new("missing").0).unwrap().is_empty());
}

#[test]
fn a_file_that_can_not_be_read_is_reported_and_half_a_file_is_not() {
    let folder = Folder::new("broken");
    write(&folder.0, &request("a")).unwrap();
    fs::write(folder.0.join("b:eth0.json"), "{").unwrap();
    fs::write(folder.0.join(".c:eth0.json.77"), "{").unwrap();

    let spooled = list(&folder.0).unwrap();

    assert_eq!(spooled.len(), 2);
    assert!(spooled[1].request.is_err());
}
