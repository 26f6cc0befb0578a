use std::{fmt::Write as _, time::Duration};

use super::Pings;

/// What ping(8) says when these of `sent` pings were answered.
fn said(sent: u64, answered: impl IntoIterator<Item = u64>) -> String {
    let mut said =
        "PING 10.1.0.5 (10.1.0.5) from 10.1.0.6 net1: 56(84) bytes of data.\n".to_owned();
    for seq in answered {
        let seq = seq % (1 << 16);
        writeln!(
            said,
            "64 bytes from 10.1.0.5: icmp_seq={seq} ttl=64 time=0.04 ms"
        )
        .expect("a String");
    }
    said + &format!("\n--- 10.1.0.5 ping statistics ---\n{sent} packets transmitted, 1 received\n")
}

#[test]
fn lost_pings_are_counted_and_the_longest_gap_is_known() {
    let rows = [
        ("none", said(9, 1..=9), 9, 0, 0),
        ("the last is under way", said(10, 1..=9), 9, 0, 0),
        ("the last two", said(11, 1..=9), 11, 2, 20),
        ("in the middle", said(9, [1, 2, 6, 8, 9]), 9, 4, 30),
        ("the first", said(9, 4..=9), 9, 3, 30),
        ("all", said(9, []), 9, 9, 90),
        ("an answer twice", said(3, [1, 2, 2, 3]), 3, 0, 0),
        ("more than 16 bits", said(70_000, 1..=70_000), 70_000, 0, 0),
    ];
    for (name, said, sent, lost, longest) in rows {
        let pings = Pings::read("a to b", &said).expect(name);
        let longest = Duration::from_millis(longest);
        assert_eq!(
            (pings.sent, pings.lost, pings.longest),
            (sent, lost, longest),
            "{name}"
        );
    }
}

#[test]
fn a_ping_that_was_killed_is_no_result() {
    Pings::read("a to b", "PING 10.1.0.5\n").expect_err("nobody knows how many were sent");
}
