use super::{hear::read, *};

const OWN: Mac = Mac([2, 0, 0, 0, 0, 1]);

#[test]
fn a_probe_says_no_sender_address() {
    let arp = frame::arp_probe(OWN, "10.9.0.5".parse().unwrap());
    let expected: &[u8] = &[
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, // Ethernet
        0, 1, 8, 0, 6, 4, 0, 1, // a request
        2, 0, 0, 0, 0, 1, 0, 0, 0, 0, // from hardware alone
        0, 0, 0, 0, 0, 0, 10, 9, 0, 5,
    ];
    assert_eq!(arp, expected);

    let address = "fd00:9::12:3456".parse().unwrap();
    let solicitation = frame::neighbor_probe(OWN, address);
    assert_eq!(solicitation[..6], [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
    assert_eq!(solicitation[22..38], [0; 16], "from ::");
    let group: std::net::Ipv6Addr = "ff02::1:ff12:3456".parse().unwrap();
    assert_eq!(solicitation[38..54], group.octets());
    assert_eq!(solicitation.len(), 78, "no option");
}

#[test]
fn who_asks_is_told_from_who_has_it() {
    let arp = "10.9.0.5".parse().unwrap();
    let nd = "fd00:9::5".parse().unwrap();
    let table = [
        (frame::arp_probe(OWN, arp), IpAddr::V4(arp), Says::Wants),
        (frame::arp(OWN, arp), IpAddr::V4(arp), Says::Has),
        (frame::neighbor_probe(OWN, nd), IpAddr::V6(nd), Says::Wants),
        (
            frame::neighbor_advertisement(OWN, nd),
            IpAddr::V6(nd),
            Says::Has,
        ),
    ];
    for (frame, address, says) in table {
        let mac = OWN;
        assert_eq!(read(&frame), Some(Heard { address, says, mac }));
        // A frame that ends early, or is none of these, says nothing.
        assert!((0..frame.len()).all(|end| {
            let cut = read(&frame[..end]);
            cut.is_none() || cut == read(&frame)
        }));
    }
}

#[test]
fn what_came_through_a_router_says_nothing() {
    let mut frame = frame::neighbor_advertisement(OWN, "fd00:9::5".parse().unwrap());
    frame[21] = 254;
    assert_eq!(read(&frame), None);
    assert_eq!(read(&[0; 60]), None);
}
