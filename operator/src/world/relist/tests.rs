use std::collections::BTreeMap;

use kube::runtime::watcher::Event;

use super::{Relist, Step};

fn steps(
    relist: &mut Relist<u8>,
    event: Event<u8>,
    known: &BTreeMap<u8, char>,
) -> Vec<Step<u8, u8>> {
    relist.steps(event, |n| *n, known)
}

#[test]
fn a_list_that_does_not_name_an_object_says_that_it_is_gone() {
    let mut relist = Relist::default();
    let known = BTreeMap::from([(1, 'a'), (2, 'b')]);
    assert_eq!(steps(&mut relist, Event::Init, &known), []);
    assert!(!relist.is_synced());
    let put = steps(&mut relist, Event::InitApply(2), &known);
    assert_eq!(put, [Step::Put(2)]);
    let done = steps(&mut relist, Event::InitDone, &known);
    assert_eq!(done, [Step::Absent(1)]);
    assert!(relist.is_synced());
}

#[test]
fn a_list_that_breaks_off_says_nothing() {
    let mut relist = Relist::default();
    let known = BTreeMap::from([(1, 'a')]);
    steps(&mut relist, Event::Init, &known);
    steps(&mut relist, Event::InitApply(3), &known);
    assert_eq!(steps(&mut relist, Event::Init, &known), []);
    steps(&mut relist, Event::InitApply(1), &known);
    assert_eq!(steps(&mut relist, Event::InitDone, &known), []);
}

#[test]
fn single_events_pass_through() {
    let mut relist = Relist::default();
    let known = BTreeMap::new();
    let put = steps(&mut relist, Event::Apply(1), &known);
    assert_eq!(put, [Step::Put(1)]);
    let deleted = steps(&mut relist, Event::Delete(1), &known);
    assert_eq!(deleted, [Step::Deleted(1)]);
}
