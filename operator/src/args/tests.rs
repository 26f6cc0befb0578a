use clap::{CommandFactory, Parser};

use super::{Args, Door, LogFormat, Task};

#[test]
fn the_command_is_consistent() {
    Args::command().debug_assert();
}

#[test]
fn every_flag_has_an_environment_variable() {
    let command = Args::command();
    let without: Vec<_> = command
        .get_arguments()
        .filter(|arg| arg.get_env().is_none())
        .map(|arg| arg.get_id().to_string())
        .collect();
    assert_eq!(without, Vec::<String>::new());
}

#[test]
fn words_and_labels_are_read() {
    let args = Args::parse_from([
        "landfall-operator",
        "--door=Delegate",
        "--log-format=json",
        "--agent-labels=a=b,c=d",
    ]);
    assert_eq!(args.door, Door::Delegate);
    assert_eq!(args.log_format, LogFormat::Json);
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(args.agent_labels, [label("a", "b"), label("c", "d")]);
}

#[test]
fn uninstall_waits_a_minute_unless_told_otherwise() {
    let task = |words: &[&str]| Args::parse_from([&["landfall-operator"], words].concat()).task;
    assert_eq!(task(&[]), None);
    assert_eq!(task(&["uninstall"]), Some(Task::Uninstall { wait: 60 }));
    let words = ["uninstall", "--wait=5"];
    assert_eq!(task(&words), Some(Task::Uninstall { wait: 5 }));
}
