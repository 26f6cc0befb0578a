//! What the kernel sends, taken apart.

use nix::errno::Errno;

use super::{
    Attributes, Frame, Refusal,
    frame::{Answer, u16_at},
};

/// An NLMSG_ERROR with NLM_F_CAPPED and NLM_F_ACK_TLVS: EBUSY and a text.
fn refusal() -> Vec<u8> {
    let mut payload = (-16_i32).to_ne_bytes().to_vec();
    // The refused request's header: its length is that of a payload that is not here.
    payload.extend(200_u32.to_ne_bytes());
    payload.extend([0; 12]);
    attribute(1, b"Device is busy\0", &mut payload);
    message(2, 0x300, &payload)
}

fn attribute(kind: u16, value: &[u8], to: &mut Vec<u8>) {
    to.extend(u16::try_from(value.len() + 4).unwrap().to_ne_bytes());
    to.extend(kind.to_ne_bytes());
    to.extend(value);
    to.resize(to.len().next_multiple_of(4), 0);
}

fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len() + 16)
        .unwrap()
        .to_ne_bytes()
        .to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(7_u32.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(payload);
    bytes
}

#[test]
fn a_refusal_has_the_kernels_own_words() {
    let frames = Frame::split(&refusal()).unwrap();

    let refusal = Refusal {
        errno: Errno::EBUSY,
        text: Some("Device is busy".to_owned()),
    };
    assert_eq!(
        refusal.to_string(),
        "Device or resource busy: Device is busy"
    );
    assert_eq!(frames[0].answer().unwrap(), Answer::Refused(refusal));
}

#[test]
fn a_refusal_that_repeats_the_request_has_its_words_behind_it() {
    let mut payload = (-22_i32).to_ne_bytes().to_vec();
    // 22 bytes of request, padded to 24.
    payload.extend(22_u32.to_ne_bytes());
    payload.extend([0; 20]);
    attribute(1, b"no\0", &mut payload);

    let frames = Frame::split(&message(2, 0x200, &payload)).unwrap();

    let refusal = Refusal {
        errno: Errno::EINVAL,
        text: Some("no".to_owned()),
    };
    assert_eq!(frames[0].answer().unwrap(), Answer::Refused(refusal));
}

#[test]
fn a_dump_ends_with_or_without_an_error_number() {
    for (payload, answer) in [
        (vec![], Answer::Done),
        (vec![0; 4], Answer::Done),
        (
            (-4_i32).to_ne_bytes().to_vec(),
            Answer::Refused(Refusal {
                errno: Errno::EINTR,
                text: None,
            }),
        ),
    ] {
        let frames = Frame::split(&message(3, 0, &payload)).unwrap();

        assert_eq!(frames[0].dump_answer().unwrap(), answer);
    }
}

#[test]
fn a_datagram_is_all_its_messages() {
    // The first is 21 bytes long: the next starts at 24.
    let mut bytes = message(16, 0, &[1, 2, 3, 4, 5]);
    bytes.resize(24, 0);
    bytes.extend(message(17, 0, &[6]));

    let frames = Frame::split(&bytes).unwrap();

    let payloads: Vec<_> = frames.iter().map(|f| f.payload.as_slice()).collect();
    assert_eq!(payloads, [&[1, 2, 3, 4, 5][..], &[6][..]]);
}

#[test]
fn a_message_cut_anywhere_is_an_error_and_no_panic() {
    let whole = refusal();
    for length in 1..whole.len() {
        let cut = &whole[..length];

        assert!(Frame::split(cut).is_err(), "{length}");
    }
}

#[test]
fn attributes_cut_anywhere_end_early() {
    let mut bytes = Vec::new();
    attribute(1, b"one\0", &mut bytes);
    attribute(0x8002, &7_u32.to_ne_bytes(), &mut bytes);
    for length in 0..bytes.len() {
        let cut = Attributes(&bytes[..length]);

        assert_eq!(cut.text(1).is_some(), length >= 8, "{length}");
        assert_eq!(cut.u32(2), None, "{length}");
    }
    // NLA_F_NESTED is no part of the kind.
    assert_eq!(Attributes(&bytes).u32(2), Some(7));
}

#[test]
fn lengths_that_lie_do_not_loop_or_panic() {
    // Zero, shorter than its own header, longer than all there is.
    for length in [0_u16, 3, 0xffff] {
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend([0; 6]);

        assert_eq!(Attributes(&bytes).iter().count(), 0, "{length}");
    }
    for length in [0_u32, 15, u32::MAX] {
        let mut bytes = message(16, 0, &[0; 8]);
        bytes.splice(..4, length.to_ne_bytes());

        assert!(Frame::split(&bytes).is_err(), "{length}");
    }
    assert_eq!(u16_at(&[], usize::MAX), None);
}
