//! ADD and DEL.

use super::*;

#[test]
fn an_add_is_pending_in_run_before_its_link_is_made_and_active_before_the_answer() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    let answer = agent.add(1, "c1");
    let stored: Vec<Entry> = agent.stored().entries.into_values().collect();
    assert_eq!(stored[0].record.phase, Phase::Pending);
    let facts = stored[0].facts.as_ref().unwrap();
    assert_eq!((facts.cookie, facts.parent), (42, 7));
    agent.make_all();
    let stored: Vec<Entry> = agent.stored().entries.into_values().collect();
    assert_eq!(stored[0].record.phase, Phase::Active);
    assert_eq!(outcome(answer), Some(Outcome::Done));
    assert_eq!(agent.state().attached.len(), 1);
}

#[test]
fn an_add_that_waits_for_an_older_sandbox_is_in_run_with_its_link_before_that_is_made() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    let _older = agent.add(1, "c1");
    agent.make_all();
    let _newer = agent.add(2, "c2");
    agent.remove_all();
    assert_eq!(
        agent.jobs.attached().len(),
        1,
        "it may be made from here on"
    );
    let stored: Vec<Entry> = agent.stored().entries.into_values().collect();
    assert_eq!(stored[0].key.container, "c2".into());
    assert_eq!(stored[0].record.phase, Phase::Pending);
    // An agent that dies now must find the link again.
    assert_eq!(stored[0].facts.as_ref().unwrap().parent, 7);
}

#[test]
fn an_add_waits_for_its_grant() {
    let mut agent = ready();
    let answer = agent.add(1, "c1");
    assert!(agent.jobs.attached().is_empty());
    agent.see(2, &json!({"grants": grants()}), false);
    agent.make_all();
    assert_eq!(outcome(answer), Some(Outcome::Done));
}

#[test]
fn without_a_parent_the_answer_is_to_try_again() {
    let mut agent = ready();
    agent.take(Input::Links(Vec::new()));
    agent.see(2, &json!({"grants": grants()}), false);
    let answer = agent.add(1, "c1");
    agent.event(Event::Timeout(Token(1)));
    let answer = outcome(answer);
    let Some(Outcome::TryAgain(why)) = answer else {
        panic!("{answer:?}");
    };
    assert!(why.contains("storage") && why.contains("eth1"), "{why}");
    assert!(agent.stored().entries.is_empty());
}

#[test]
fn an_add_waits_for_its_parent() {
    let mut agent = ready();
    agent.take(Input::Links(Vec::new()));
    agent.see(2, &json!({"grants": grants()}), false);
    let answer = agent.add(1, "c1");
    assert!(agent.jobs.attached().is_empty());
    agent.take(Input::Links(vec![parent()]));
    agent.make_all();
    assert_eq!(outcome(answer), Some(Outcome::Done));
}

#[test]
fn an_attach_is_tried_no_longer_than_somebody_wants_it() {
    let enders: [fn(&mut Agent); 4] = [
        |agent| agent.event(Event::Timeout(Token(1))),
        |agent| agent.event(Event::Abort(Token(1))),
        |agent| drop(agent.del(2, "c1")),
        |agent| drop(agent.add(2, "c2")),
    ];
    for end in enders {
        let mut agent = ready();
        agent.see(2, &json!({"grants": grants()}), false);
        let _answer = agent.add(1, "c1");
        let jobs = agent.jobs.attached();
        assert!(jobs[0].wanted.is_wanted());
        end(&mut agent);
        assert!(!jobs[0].wanted.is_wanted());
    }
}

#[test]
fn a_del_removes_the_link_before_the_record() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    agent.make_all();
    let answer = agent.del(2, "c1");
    let stored: Vec<Entry> = agent.stored().entries.into_values().collect();
    assert_eq!(stored[0].record.phase, Phase::Detaching);
    agent.remove_all();
    assert!(agent.stored().entries.is_empty());
    assert_eq!(outcome(answer), Some(Outcome::Done));
}

#[test]
fn a_recalled_address_is_released_once_its_link_is_gone() {
    let mut agent = ready();
    let recalls = json!([{"address": "10.1.0.5", "seq": "1.1"}]);
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    agent.make_all();
    agent.see(3, &json!({"grants": grants(), "recalls": recalls}), false);
    assert!(agent.stored().released.is_empty());
    agent.del(2, "c1");
    agent.remove_all();
    assert_eq!(agent.stored().released.len(), 1);
    assert_eq!(agent.state().released.len(), 1);
}

#[test]
fn an_aborted_add_is_undone() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    agent.event(Event::Abort(Token(1)));
    agent.make_all();
    agent.remove_all();
    assert!(agent.stored().entries.is_empty());
    assert!(agent.engine.flights.is_empty() && agent.engine.replies.is_empty());
}

#[test]
fn an_aborted_add_that_waits_keeps_nothing() {
    let mut agent = ready();
    agent.add(1, "c1");
    agent.event(Event::Abort(Token(1)));
    assert!(agent.engine.flights.is_empty() && agent.engine.replies.is_empty());
}

#[test]
fn a_link_that_cant_be_made_leaves_no_record() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    let answer = agent.add(1, "c1");
    for job in agent.jobs.attached() {
        agent.event(not_made(job.key, false));
    }
    assert_eq!(outcome(answer), Some(Outcome::Failed("no".to_owned())));
    assert!(agent.stored().entries.is_empty());
}

#[test]
fn what_may_pass_is_answered_with_try_again() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    let answer = agent.add(1, "c1");
    for job in agent.jobs.attached() {
        agent.event(not_made(job.key, true));
    }
    assert_eq!(outcome(answer), Some(Outcome::TryAgain("no".to_owned())));
    assert!(agent.stored().entries.is_empty());
}

fn not_made(key: Key, may_pass: bool) -> Event {
    Event::NotMade {
        key,
        why: "no".to_owned(),
        may_pass,
    }
}

#[test]
fn a_del_whose_link_stays_fails_and_its_record_stays() {
    let mut agent = ready();
    agent.see(2, &json!({"grants": grants()}), false);
    agent.add(1, "c1");
    agent.make_all();
    let answer = agent.del(2, "c1");
    for job in agent.jobs.detached() {
        agent.event(Event::NotGone {
            key: job.key,
            why: "busy".to_owned(),
            left_to_kernel: false,
        });
    }
    assert_eq!(outcome(answer), Some(Outcome::Failed("busy".to_owned())));
    let stored: Vec<Entry> = agent.stored().entries.into_values().collect();
    assert_eq!(stored[0].record.phase, Phase::Detaching);
    assert!(agent.state().released.is_empty());
}

#[test]
fn a_del_that_is_left_to_the_kernel_succeeds_and_its_record_stays() {
    let mut agent = ready();
    let recalls = json!([{"address": "10.1.0.5", "seq": "1.1"}]);
    agent.see(2, &json!({"grants": grants(), "recalls": []}), false);
    agent.add(1, "c1");
    agent.make_all();
    agent.see(3, &json!({"grants": grants(), "recalls": recalls}), false);
    let answer = agent.del(2, "c1");
    for job in agent.jobs.detached() {
        agent.event(Event::NotGone {
            key: job.key,
            why: "not here".to_owned(),
            left_to_kernel: true,
        });
    }
    assert_eq!(outcome(answer), Some(Outcome::Done));
    let stored: Vec<Entry> = agent.stored().entries.into_values().collect();
    assert_eq!(stored[0].record.phase, Phase::Detaching);
    assert!(agent.state().released.is_empty(), "nobody has seen it go");
}
