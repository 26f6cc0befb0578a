//! What else may come through the socket.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::Shutdown,
    os::{fd::AsFd as _, unix::net::UnixStream},
    time::Duration,
};

use landfall_plugin::{
    spec::Verb,
    wire::{self, Request},
};
use serde_json::json;

use crate::{
    agent::{Agent, grants, request},
    rig::Node,
};

const POD: &str = "00000000-0000-0000-0000-000000000001";

#[test]
fn garbage_on_the_socket_is_dropped_and_the_next_is_served() {
    let node = Node::new();
    let agent = Agent::ready(&node, &grants(POD, 5));
    let pod = node.pod();
    let too_long = u32::try_from(wire::MAX_FRAME + 1).unwrap().to_be_bytes();
    let frame = |text: &[u8]| {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&length, text].concat()
    };
    let deep = "[".repeat(100_000);
    let other_version = json!({"version": 9, "verb": "ADD", "door": "Chained"}).to_string();
    let junk = [
        vec![],
        b"\0".to_vec(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        too_long.to_vec(),
        u32::MAX.to_be_bytes().to_vec(),
        // A frame that ends early.
        [&100_u32.to_be_bytes(), &b"{"[..]].concat(),
        frame(b""),
        frame(b"{}"),
        frame(b"\xff\xfe\0"),
        frame(deep.as_bytes()),
        frame(other_version.as_bytes()),
        (0..=255).cycle().take(1 << 20).collect(),
    ];
    for bytes in junk {
        let stream = connect(&node);
        // It may have been closed already.
        (&stream).write_all(&bytes).ok();
        stream.shutdown(Shutdown::Write).ok();
        // No answer, or an error: nothing was understood.
        let mut answer = Vec::new();
        (&stream).read_to_end(&mut answer).ok();
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
        assert!(answer.is_empty(), "{start:?} got {answer:?}");
    }
    assert!(agent.stored().is_empty());
    assert_eq!(agent.add("c1", POD, &pod).unwrap()[0].interface, "net1");
}

/// What is wrong with a request.
type Spoil = fn(&mut Request);

#[test]
fn a_request_with_odd_values_is_an_error_and_leaves_nothing() {
    let node = Node::new();
    let agent = Agent::ready(&node, &grants(POD, 5));
    let pod = node.pod();
    let sane = || request(Verb::Add, "c1", POD, Some(&pod));
    let rows: [(&str, Spoil); 8] = [
        ("a path", |r| r.container_id = "../../etc/passwd".to_owned()),
        ("no container", |r| r.container_id.clear()),
        ("a long one", |r| r.container_id = "c".repeat(5000)),
        ("no UID", |r| r.pod.uid.clear()),
        ("another UID", |r| r.pod.uid = "\0<>\u{1f4a9}".repeat(1000)),
        ("JSON", |r| {
            r.annotations.npwg = Some("[{\"name\":".to_owned());
        }),
        ("no name", |r| {
            r.annotations.landfall = Some("/@/".to_owned());
        }),
        ("a long name", |r| {
            r.annotations.landfall = Some("n".repeat(100_000));
        }),
    ];
    for (name, spoil) in rows {
        let mut request = sane();
        spoil(&mut request);
        let error = agent.send(&request, Some(&pod)).expect_err(name);
        println!("{name}: {:?} {:.100}", error.code, error.msg);
    }
    // A file that is no namespace.
    let stream = connect(&node);
    let null = File::open("/dev/null").unwrap();
    wire::send_request(&stream, &sane(), Some(null.as_fd())).unwrap();
    let response = wire::receive_response(&stream).unwrap();
    response.into_result().expect_err("/dev/null");

    assert!(agent.stored().is_empty());
    assert_eq!(pod.addresses("net1"), None);
    assert_eq!(agent.add("c1", POD, &pod).unwrap()[0].interface, "net1");
}

fn connect(node: &Node) -> UnixStream {
    let stream = UnixStream::connect(node.folder.join(wire::SOCKET)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    stream
}
