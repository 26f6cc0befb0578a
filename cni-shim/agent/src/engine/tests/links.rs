//! What the node's links ask for: announcements.

use super::*;

#[test]
fn a_new_attachment_is_announced_after_the_kernel_did_it_once() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    assert!(agent.announced.try_recv().is_err());
    agent.make_all();
    let announced = agent.announced.try_recv().unwrap();
    assert_eq!((announced.count, announced.at_once), (2, false));
    assert_eq!(
        announced.addresses,
        ["10.1.0.5".parse::<std::net::IpAddr>().unwrap()]
    );
}

#[test]
fn a_carrier_that_comes_back_is_announced_in_full() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    agent.make_all();
    agent.announced.try_recv().unwrap();
    let mut down = HostLink::clone(&parent());
    down.carrier = false;
    agent.take(Input::Links(vec![Arc::new(down)]));
    assert!(agent.announced.try_recv().is_err());
    agent.take(Input::Links(vec![parent()]));
    let announced = agent.announced.try_recv().unwrap();
    assert_eq!((announced.count, announced.at_once), (3, true));
}
