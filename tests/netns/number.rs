//! Sandboxes that no path leads to.

use landfall_link::{Detached, Socket, detach_by_number, number};

use crate::rig::{Namespace, Rig, eventually};

fn socket(rig: &Rig) -> Socket {
    rig.node.open().socket().unwrap()
}

#[test]
fn a_namespace_keeps_its_number() {
    let rig = Rig::new();
    let (one, two) = (Namespace::new("pod"), Namespace::new("pod"));
    let mut node = socket(&rig);
    let first = number(&mut node, &one.open()).unwrap();

    assert_eq!(number(&mut node, &one.open()).unwrap(), first);
    assert_ne!(number(&mut node, &two.open()).unwrap(), first);
}

#[test]
fn a_link_is_removed_without_its_namespaces_path() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let link = rig.link("c1", 5);
    rig.attach(&pod, &link).unwrap();
    let mut node = socket(&rig);
    let number = number(&mut node, &pod.open()).unwrap();

    let removed = detach_by_number(&mut node, number, &link.device).unwrap();

    assert_eq!(removed, Detached::Removed);
    assert!(pod.link("net1").is_null());
    let again = detach_by_number(&mut node, number, &link.device).unwrap();
    assert_eq!(again, Detached::Absent);
}

#[test]
fn a_namespace_that_only_a_descriptor_keeps_is_found_and_one_that_is_gone_is_not() {
    let rig = Rig::new();
    let pod = Namespace::new("pod");
    let link = rig.link("c1", 5);
    rig.attach(&pod, &link).unwrap();
    let mut node = socket(&rig);
    let kept = pod.open();
    let number = number(&mut node, &kept).unwrap();
    drop(pod);

    let mut unlike = link.device.clone();
    unlike.parent = unlike.parent.wrapping_add(1);
    let other = detach_by_number(&mut node, number, &unlike).unwrap();
    assert_eq!(other, Detached::Absent, "another device stays");
    assert_eq!(landfall_link::devices(&kept).unwrap().len(), 1);

    drop(kept);
    eventually("the namespace is gone", || {
        detach_by_number(&mut node, number, &link.device).unwrap() == Detached::Absent
    });
}

#[test]
fn a_number_that_is_nobodys_says_that_the_link_is_gone() {
    let rig = Rig::new();
    let link = rig.link("c1", 5);
    let absent = detach_by_number(&mut socket(&rig), 4711, &link.device).unwrap();
    assert_eq!(absent, Detached::Absent);
}
