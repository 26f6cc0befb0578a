use super::*;

fn at(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

#[expect(clippy::disallowed_methods, reason = "a test's start")]
fn start() -> Instant {
    Instant::now()
}

const FILE: &str = "/etc/cni/net.d/05-cilium.conflist";

fn written(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(second)
}

/// Puts the entry in, and has it undone a second later, until that is given up.
fn fight(feud: &mut Feud, start: Instant, from: u64) -> u64 {
    let file = Path::new(FILE);
    for second in from..from + 10 {
        if !feud.may_write(file, Some(written(second)), at(start, second)) {
            return second;
        }
    }
    panic!("it fights for ever");
}

#[test]
fn two_undoings_in_a_minute_end_it() {
    let start = start();
    let mut feud = Feud::default();
    assert_eq!(fight(&mut feud, start, 0), 2);
    let complaint = feud.complaint().unwrap();
    assert!(complaint.contains(FILE) && complaint.contains("cni.exclusive=false"));
}

#[test]
fn an_undoing_now_and_then_is_repaired() {
    let start = start();
    let mut feud = Feud::default();
    let file = Path::new(FILE);
    for turn in 0..10 {
        let second = turn * 100;
        assert!(feud.may_write(file, Some(written(second)), at(start, second)));
        feud.in_place(file, at(start, second + 1));
    }
    assert!(feud.complaint().is_none());
}

#[test]
fn it_is_tried_again_when_the_file_was_left_alone_for_a_minute() {
    let start = start();
    let mut feud = Feud::default();
    let file = Path::new(FILE);
    let end = fight(&mut feud, start, 0);
    let mut may = |stamp, second| feud.may_write(file, Some(written(stamp)), at(start, second));
    assert!(!may(end, end + 59));
    // It is still being written.
    assert!(!may(end + 59, end + 60));
    assert!(!may(end + 59, end + 119));
    assert!(may(end + 59, end + 120));
    let back = end + 121;
    feud.in_place(file, at(start, back));
    feud.in_place(file, at(start, back + 59));
    assert!(feud.complaint().is_some(), "it may not last");
    feud.in_place(file, at(start, back + 60));
    assert!(feud.complaint().is_none());
}

#[test]
fn a_try_that_is_undone_makes_the_next_wait_twice_as_long() {
    let start = start();
    let mut feud = Feud::default();
    let file = Path::new(FILE);
    let end = fight(&mut feud, start, 0);
    let mut may = |stamp, second| feud.may_write(file, Some(written(stamp)), at(start, second));
    assert!(may(end, end + 60));
    assert!(!may(end + 61, end + 61));
    assert!(!may(end + 61, end + 61 + 119));
    assert!(may(end + 61, end + 61 + 120));
}
