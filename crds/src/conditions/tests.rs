use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

use super::{Verdict, remove, set, status};

fn at(second: i64) -> Time {
    Time(Timestamp::from_second(second).unwrap())
}

const GOOD: Verdict<'_> = Verdict {
    kind: "Ready",
    status: Some(true),
    reason: "Serving",
    message: "Three nodes serve it.",
};

#[test]
fn the_transition_time_moves_with_the_status_only() {
    let mut conditions = Vec::new();
    let bad = Verdict {
        status: Some(false),
        ..GOOD
    };
    let reworded = Verdict {
        message: "Four nodes serve it.",
        ..GOOD
    };
    let steps = [
        (GOOD, 1, 10, true, 10),
        (GOOD, 1, 20, false, 10),
        (reworded, 1, 30, true, 10),
        (reworded, 2, 40, true, 10),
        (bad, 2, 50, true, 50),
        (
            Verdict {
                status: None,
                ..bad
            },
            2,
            60,
            true,
            60,
        ),
    ];
    for (verdict, generation, now, changed, transition) in steps {
        let result = set(&mut conditions, &verdict, Some(generation), &at(now));
        assert_eq!(result, changed, "{verdict:?} at {now}");
        assert_eq!(conditions[0].last_transition_time, at(transition));
        assert_eq!(status(&conditions, "Ready"), verdict.status);
    }
    assert_eq!(conditions.len(), 1);
}

#[test]
fn others_stay() {
    let mut conditions = Vec::new();
    let other = Verdict {
        kind: "Accepted",
        ..GOOD
    };
    set(&mut conditions, &GOOD, None, &at(1));
    set(&mut conditions, &other, None, &at(2));
    assert!(remove(&mut conditions, "Ready") && !remove(&mut conditions, "Ready"));
    assert_eq!(status(&conditions, "Accepted"), Some(true));
    assert_eq!(status(&conditions, "Ready"), None);
}
