//! The plugin as a runtime executes it, with an agent that only knows the wire.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests: a panic is how they fail, and a process is what is tested"
)]

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Write,
    os::unix::{ffi::OsStrExt, fs::MetadataExt, net::UnixListener},
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use landfall_plugin::{
    spec::{CniError, Code, Verb},
    spool,
    wire::{Address, Attached, Request, Response, receive_request, send_response},
};
use serde_json::{Value, json};

const PREV_RESULT: &str =
    r#"{ "cniVersion":"1.0.0", "ips":[ {"address":"10.0.0.7/24"} ], "x\u00e4":1.50 }"#;
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A node's /run/landfall, gone with this.
struct RunDir(PathBuf);

impl RunDir {
    fn new() -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("landfall-process-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        // Stands for a network namespace: the plugin only opens it and hands it over.
        File::create(path.join("netns")).unwrap();
        Self(path)
    }

    fn listen(&self) -> UnixListener {
        UnixListener::bind(self.0.join("agent.sock")).unwrap()
    }

    /// An agent that answers one request.
    fn agent(&self, response: Response) -> JoinHandle<(Request, Option<u64>)> {
        let listener = self.listen();
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let (request, netns) = receive_request(&stream).unwrap();
            send_response(&stream, &response).unwrap();
            let inode = netns.map(|fd| File::from(fd).metadata().unwrap().ino());
            (request, inode)
        })
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
        command
            .env_clear()
            .env("LANDFALL_RUN_DIR", &self.0)
            .env("CNI_COMMAND", verb)
            .env("CNI_CONTAINERID", "c1")
            .env("CNI_NETNS", self.0.join("netns"))
            .env("CNI_IFNAME", "eth0")
            .env("CNI_PATH", "/opt/cni/bin")
            .env(
                "CNI_ARGS",
                "IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=p;K8S_POD_UID=u",
            );
        command
    }

    fn call(&self, verb: &str, input: &str) -> Output {
        finish(self.command(verb), input.as_bytes())
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn finish(mut command: Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A plugin that has read enough may have closed its end.
    drop(child.stdin.take().unwrap().write_all(input));
    child.wait_with_output().unwrap()
}

fn chained(annotations: &Value) -> String {
    let annotations = annotations.to_string();
    format!(
        r#"{{"cniVersion":"1.0.0","name":"kindnet","type":"landfall","prevResult":{PREV_RESULT},
            "runtimeConfig":{{"io.kubernetes.cri.pod-annotations":{annotations}}}}}"#
    )
}

fn asking() -> String {
    chained(&json!({"k8s.v1.cni.cncf.io/networks": "storage"}))
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// The error of a call that failed as CNI wants it.
fn error(output: &Output) -> CniError {
    let stdout = text(&output.stdout);
    let error = serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error}: {stdout:?}"));
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert_eq!(text(&output.stderr), "");
    error
}

fn succeeded(output: &Output) -> &str {
    assert!(output.status.success(), "{}", text(&output.stdout));
    text(&output.stdout)
}

#[test]
fn a_pod_that_asks_for_nothing_never_meets_the_agent() {
    let run = RunDir::new();
    let listener = run.listen();
    listener.set_nonblocking(true).unwrap();

    for annotations in [
        json!({}),
        json!({"a": "b"}),
        json!({"landfall.dev/networks": ""}),
    ] {
        let output = run.call("ADD", &chained(&annotations));
        assert_eq!(succeeded(&output), PREV_RESULT);
        assert_eq!(text(&output.stderr), "");
        for verb in ["DEL", "CHECK"] {
            assert_eq!(succeeded(&run.call(verb, &chained(&annotations))), "");
        }
    }

    assert!(listener.accept().is_err(), "nobody called");
}

#[test]
fn a_pod_that_asks_is_attached_by_the_agent() {
    let run = RunDir::new();
    let agent = run.agent(Response::done(Vec::new()));

    let output = run.call("ADD", &asking());

    assert_eq!(succeeded(&output), PREV_RESULT);
    let (request, netns) = agent.join().unwrap();
    assert_eq!(request.verb, Verb::Add);
    assert_eq!(request.container_id, "c1");
    assert_eq!(request.interface, "eth0");
    assert_eq!(request.config_name, "kindnet");
    assert_eq!(request.annotations.npwg.as_deref(), Some("storage"));
    assert_eq!(
        (
            &*request.pod.namespace,
            &*request.pod.name,
            &*request.pod.uid
        ),
        ("ns", "p", "u")
    );
    assert_eq!(
        netns,
        Some(fs::metadata(run.0.join("netns")).unwrap().ino())
    );
}

#[test]
fn what_the_agent_refuses_is_refused_in_its_words() {
    let run = RunDir::new();
    let refusal = CniError::new(Code::InvalidConfig, "no network 'storage'").with_details("d");
    let agent = run.agent(Response::failed(refusal.clone()));

    assert_eq!(error(&run.call("ADD", &asking())), refusal);
    agent.join().unwrap();
}

#[test]
fn without_agent_an_add_is_told_to_come_back_at_once() {
    let run = RunDir::new();
    for socket_is_there in [false, true] {
        if socket_is_there {
            // The socket of an agent that died.
            drop(run.listen());
        }
        let started = Instant::now();
        let output = run.call("ADD", &asking());
        let took = started.elapsed();

        let error = error(&output);
        assert_eq!(error.code, Code::TryAgainLater);
        assert!(error.msg.contains("agent.sock"), "{error}");
        assert!(took < Duration::from_millis(100), "{took:?}");
    }
}

#[test]
fn an_agent_that_is_too_busy_to_accept_is_away() {
    let run = RunDir::new();
    let path = run.0.join("agent.sock");
    let listener = run.listen();
    // Fill its queue, as connect() does once it would block.
    let mut waiting = Vec::new();
    loop {
        let flags = nix::sys::socket::SockFlag::SOCK_NONBLOCK;
        let family = nix::sys::socket::AddressFamily::Unix;
        let kind = nix::sys::socket::SockType::Stream;
        let socket = nix::sys::socket::socket(family, kind, flags, None).unwrap();
        let address = nix::sys::socket::UnixAddr::new(&path).unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&socket);
        if nix::sys::socket::connect(fd, &address).is_err() {
            break;
        }
        waiting.push(socket);
    }

    let started = Instant::now();
    let output = run.call("ADD", &asking());

    assert_eq!(error(&output).code, Code::TryAgainLater);
    assert!(started.elapsed() < Duration::from_millis(250));
    drop(listener);
}

#[test]
fn a_silent_agent_holds_an_add_no_longer_than_three_seconds() {
    let run = RunDir::new();
    let listener = run.listen();

    let started = Instant::now();
    let output = run.call("ADD", &asking());
    let took = started.elapsed();

    assert_eq!(error(&output).code, Code::TryAgainLater);
    let limits = Duration::from_secs(2)..Duration::from_secs(3);
    assert!(
        limits.contains(&took),
        "longer than the agent's own 2 s: {took:?}"
    );
    drop(listener);
}

#[test]
fn an_agent_that_talks_nonsense_is_as_good_as_away() {
    for answer in [
        &b""[..],
        b"\0\0\0\x02{]",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ] {
        let run = RunDir::new();
        let listener = run.listen();
        let agent = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            receive_request(&stream).unwrap();
            stream.write_all(answer).unwrap();
        });

        assert_eq!(error(&run.call("ADD", &asking())).code, Code::TryAgainLater);
        agent.join().unwrap();
    }
}

#[test]
fn without_agent_a_del_is_written_down_and_succeeds() {
    let run = RunDir::new();

    let output = run.call("DEL", &asking());

    assert_eq!(succeeded(&output), "");
    assert!(
        text(&output.stderr).contains("it is told later"),
        "{}",
        text(&output.stderr)
    );
    let spooled = spool::list(&run.0.join("spool")).unwrap();
    assert_eq!(spooled.len(), 1);
    let request = spooled.first().unwrap().request.as_ref().unwrap();
    assert_eq!((request.verb, &*request.container_id), (Verb::Del, "c1"));
    assert_eq!(request.pod.uid, "u");
}

#[test]
fn a_del_whose_spool_is_full_succeeds_all_the_same() {
    let run = RunDir::new();
    File::create(run.0.join("spool")).unwrap();

    let output = run.call("DEL", &asking());

    assert_eq!(succeeded(&output), "");
    assert!(text(&output.stderr).contains("its sweep must find this"));
}

#[test]
fn a_del_whose_namespace_is_gone_reaches_the_agent() {
    let run = RunDir::new();
    let agent = run.agent(Response::done(Vec::new()));
    let mut command = run.command("DEL");
    command.env("CNI_NETNS", "/nowhere").env_remove("CNI_ARGS");

    assert_eq!(succeeded(&finish(command, asking().as_bytes())), "");
    let (request, netns) = agent.join().unwrap();
    assert_eq!((request.verb, netns), (Verb::Del, None));
}

#[test]
fn a_del_without_annotations_asks_the_agent() {
    let run = RunDir::new();
    let agent = run.agent(Response::done(Vec::new()));

    succeeded(&run.call("DEL", r#"{"cniVersion":"1.0.0","name":"n"}"#));

    assert_eq!(agent.join().unwrap().0.verb, Verb::Del);
}

#[test]
fn the_text_of_a_failed_del_never_says_not_found() {
    let run = RunDir::new();
    let refusal = CniError::new(Code::Other(999), "link not found").with_details("not found");
    let agent = run.agent(Response::failed(refusal));

    let error = error(&run.call("DEL", &asking()));

    assert_eq!((&*error.msg, &*error.details), ("link missing", "missing"));
    agent.join().unwrap();
}

#[test]
fn a_status_succeeds_whatever_the_agent_does() {
    let run = RunDir::new();

    let output = run.call("STATUS", r#"{"cniVersion":"1.1.0","name":"n"}"#);

    assert_eq!(succeeded(&output), "");
}

#[test]
fn a_gc_hands_over_what_lives() {
    let run = RunDir::new();
    let agent = run.agent(Response::done(Vec::new()));
    let input = r#"{"cniVersion":"1.1.0","name":"n",
        "cni.dev/valid-attachments":[{"containerID":"c1","ifname":"eth0"}]}"#;

    assert_eq!(succeeded(&run.call("GC", input)), "");
    assert_eq!(agent.join().unwrap().0.valid.len(), 1);
}

#[test]
fn a_delegate_call_prints_its_attachment() {
    let run = RunDir::new();
    let agent = run.agent(Response::done(vec![Attached {
        network: "storage".to_owned(),
        interface: "net1".to_owned(),
        mac: Some("0a:58:0a:14:00:05".to_owned()),
        addresses: vec![Address {
            address: "10.20.0.5/24".to_owned(),
            gateway: None,
        }],
        ..Attached::default()
    }]));
    let input = r#"{"cniVersion":"1.0.0","name":"n","type":"landfall","network":"storage",
        "runtimeConfig":{"ips":["10.20.0.5/24"],"mac":"0a:58:0a:14:00:05"}}"#;

    let output = run.call("ADD", input);

    let result: Value = serde_json::from_str(succeeded(&output)).unwrap();
    let sandbox = run.0.join("netns").display().to_string();
    assert_eq!(
        result,
        json!({
            "cniVersion": "1.0.0",
            "interfaces": [{"name": "net1", "mac": "0a:58:0a:14:00:05", "sandbox": sandbox}],
            "ips": [{"address": "10.20.0.5/24", "interface": 0}],
        })
    );
    let (request, _) = agent.join().unwrap();
    assert_eq!(request.network.as_deref(), Some("storage"));
    assert_eq!(request.ips, ["10.20.0.5/24"]);
    assert_eq!(request.mac.as_deref(), Some("0a:58:0a:14:00:05"));
}

#[test]
fn garbage_is_an_error_and_never_a_panic() {
    let run = RunDir::new();
    let whole = asking();
    let cut = (0..whole.len())
        .step_by(11)
        .map(|at| &whole.as_bytes()[..at]);
    let odd = [
        &b"\xff\xfe"[..],
        b"\0",
        b"{}",
        b"[[",
        b"nul",
        b"{\"name\":1e999}",
    ];
    for input in cut.chain(odd) {
        for verb in ["ADD", "DEL"] {
            let error = error(&finish(run.command(verb), input));
            let known = [Code::Decode, Code::InvalidConfig];
            assert!(known.contains(&error.code), "{error:?} for {input:?}");
        }
    }
}

#[test]
fn input_without_end_is_refused() {
    let run = RunDir::new();
    let long = " ".repeat(4 * 1024 * 1024 + 1);

    assert_eq!(error(&run.call("ADD", &long)).code, Code::Decode);
}

#[test]
fn input_as_long_as_allowed_is_read() {
    let run = RunDir::new();
    let short = chained(&json!({"a": ""}));
    let filler = "x".repeat(4 * 1024 * 1024 - short.len());

    let output = run.call("ADD", &chained(&json!({"a": filler})));

    assert_eq!(succeeded(&output), PREV_RESULT);
}

#[test]
fn a_broken_environment_is_an_error() {
    let run = RunDir::new();
    let broken: [(&str, &[u8]); 4] = [
        ("CNI_CONTAINERID", b"a/../b"),
        ("CNI_IFNAME", b"\xff\xff"),
        ("CNI_COMMAND", b"add"),
        ("CNI_PATH", b""),
    ];
    for (name, value) in broken {
        let mut command = run.command("ADD");
        command.env(name, OsStr::from_bytes(value));

        assert_eq!(
            error(&finish(command, asking().as_bytes())).code,
            Code::InvalidEnvironment
        );
    }
}

#[test]
fn people_are_answered_too() {
    let ask = |argument: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
        command
            .env_clear()
            .args([argument].iter().filter(|a| !a.is_empty()));
        finish(command, b"")
    };

    assert!(succeeded(&ask("--help")).contains("LANDFALL_RUN_DIR"));
    assert!(succeeded(&ask("--version")).starts_with("landfall "));
    assert_eq!(succeeded(&ask("")), "");
    assert!(text(&ask("").stderr).contains("1.1.0"));
    assert_eq!(ask("--nonsense").status.code(), Some(2));
}
