//! Frames between two ends of a socket pair.

use std::{
    fs::File,
    io::{Read, Write},
    os::{
        fd::AsFd,
        unix::{fs::MetadataExt, net::UnixStream},
    },
    thread,
};

use super::*;
use crate::spec::Code;

fn request() -> Request {
    Request {
        version: VERSION,
        verb: Verb::Add,
        door: Door::Chained,
        config_name: "n".to_owned(),
        network: None,
        container_id: "c1".to_owned(),
        netns: Some("/run/netns/x".to_owned()),
        interface: "eth0".to_owned(),
        pod: Pod {
            namespace: "ns".to_owned(),
            name: "p".to_owned(),
            uid: "u".to_owned(),
        },
        annotations: Annotations {
            npwg: Some("storage".to_owned()),
            landfall: None,
        },
        ips: Vec::new(),
        mac: None,
        valid: Vec::new(),
    }
}

#[test]
fn a_request_arrives_with_its_namespace() {
    let (plugin, agent) = UnixStream::pair().unwrap();
    let file = File::open("/proc/self/exe").unwrap();

    send_request(&plugin, &request(), Some(file.as_fd())).unwrap();
    let (received, netns) = receive_request(&agent).unwrap();

    assert_eq!(received, request());
    let inode = |file: &File| file.metadata().unwrap().ino();
    assert_eq!(inode(&File::from(netns.unwrap())), inode(&file));
}

#[test]
fn a_request_longer_than_the_sockets_buffer_arrives() {
    let (plugin, agent) = UnixStream::pair().unwrap();
    let mut long = request();
    long.annotations.landfall = Some("\u{1}".repeat(500_000));
    let file = File::open("/proc/self/exe").unwrap();

    let received = thread::scope(|scope| {
        scope.spawn(|| send_request(&plugin, &long, Some(file.as_fd())).unwrap());
        receive_request(&agent).unwrap()
    });

    assert_eq!(received.0, long);
    assert!(received.1.is_some());
}

#[test]
fn a_response_arrives() {
    let error = CniError::new(Code::TryAgainLater, "no address yet").with_details("d");
    for response in [Response::done(Vec::new()), Response::failed(error)] {
        let (plugin, agent) = UnixStream::pair().unwrap();

        send_response(&agent, &response).unwrap();

        assert_eq!(receive_response(&plugin).unwrap(), response);
    }
}

#[test]
fn fields_of_a_newer_release_are_ignored_and_of_an_older_one_filled_in() {
    let (mut plugin, agent) = UnixStream::pair().unwrap();
    let body = br#"{"version":1,"verb":"STATUS","door":"delegate","later":[{}]}"#;
    plugin
        .write_all(&u32::try_from(body.len()).unwrap().to_be_bytes())
        .unwrap();
    plugin.write_all(body).unwrap();

    let (received, netns) = receive_request(&agent).unwrap();

    assert_eq!(received.verb, Verb::Status);
    assert!(received.container_id.is_empty() && netns.is_none());
}

#[test]
fn a_header_that_comes_byte_by_byte_is_read() {
    let (mut plugin, agent) = UnixStream::pair().unwrap();
    let body = br#"{"version":1,"verb":"GC","door":"chained"}"#;
    let sender = thread::spawn(move || {
        for byte in u32::try_from(body.len()).unwrap().to_be_bytes() {
            plugin.write_all(&[byte]).unwrap();
            thread::sleep(std::time::Duration::from_millis(2));
        }
        plugin.write_all(body).unwrap();
    });

    assert_eq!(receive_request(&agent).unwrap().0.verb, Verb::Gc);
    sender.join().unwrap();
}

#[test]
fn another_version_is_named() {
    let (plugin, agent) = UnixStream::pair().unwrap();
    let newer = Request {
        version: 2,
        ..request()
    };
    send_request(&plugin, &newer, None).unwrap();

    assert!(matches!(
        receive_request(&agent),
        Err(WireError::Version(2))
    ));
}

#[test]
fn nonsense_is_an_error() {
    let after = |bytes: &[u8]| {
        let (mut plugin, agent) = UnixStream::pair().unwrap();
        plugin.write_all(bytes).unwrap();
        drop(plugin);
        receive_request(&agent).unwrap_err()
    };

    assert!(matches!(after(b""), WireError::Closed));
    assert!(matches!(after(b"\0\0"), WireError::Receive(_)));
    assert!(matches!(after(b"\0\0\0\x09{}"), WireError::Receive(_)));
    assert!(matches!(after(b"\0\0\0\x02{}"), WireError::Garbled(_)));
    assert!(matches!(after(b"\xff\xff\xff\xff"), WireError::TooLong(_)));
}

#[test]
fn a_message_that_is_too_long_is_not_sent() {
    let (plugin, mut agent) = UnixStream::pair().unwrap();
    let mut long = request();
    long.annotations.landfall = Some("x".repeat(MAX_FRAME));

    assert!(matches!(
        send_request(&plugin, &long, None),
        Err(WireError::TooLong(_))
    ));
    drop(plugin);
    assert_eq!(agent.read_to_end(&mut Vec::new()).unwrap(), 0);
}
