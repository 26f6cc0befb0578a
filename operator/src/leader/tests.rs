use std::{
    cell::Cell,
    future::{Future as _, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use axum::{Router, routing::any};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client, api::PostParams};
use tokio::sync::mpsc;

use super::{Leadership, NotLeading, gated};

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

fn leadership() -> Leadership {
    Leadership::new(|| Duration::from_millis(NOW.get()))
}

#[test]
fn leadership_ends_by_itself() {
    let leadership = leadership();
    assert!(!leadership.holds());
    leadership.extend(Duration::from_millis(1_500));
    assert!(leadership.holds());
    NOW.set(1_499);
    assert!(leadership.holds());
    // The operator was stopped for a minute: nobody told it anything.
    NOW.set(61_000);
    assert!(!leadership.holds());
    leadership.extend(Duration::from_secs(62));
    assert!(leadership.holds());
    leadership.lose();
    assert!(!leadership.holds());
}

#[tokio::test]
async fn who_waits_for_leadership_learns_of_it_once() {
    let leadership = leadership();
    leadership.extend(Duration::from_secs(1));
    leadership.extend(Duration::from_secs(2));
    leadership.won().await;
    let mut again = pin!(leadership.won());
    let is_pending =
        poll_fn(|context| Poll::Ready(again.as_mut().poll(context).is_pending())).await;
    assert!(is_pending, "a renewal is not news");
}

/// A server that says of each request that it came, and answers when it is told to.
fn server() -> (
    Client,
    mpsc::UnboundedReceiver<String>,
    mpsc::UnboundedSender<()>,
) {
    let (came, comes) = mpsc::unbounded_channel();
    let (answer, answers) = mpsc::unbounded_channel::<()>();
    let answers = std::sync::Arc::new(tokio::sync::Mutex::new(answers));
    let handle = move |request: axum::extract::Request| {
        let (came, answers) = (came.clone(), std::sync::Arc::clone(&answers));
        async move {
            came.send(request.method().to_string()).unwrap();
            answers.lock().await.recv().await;
            r#"{"metadata": {"name": "a"}}"#
        }
    };
    (
        Client::new(Router::new().fallback(any(handle)), "home"),
        comes,
        answer,
    )
}

fn config_map() -> ConfigMap {
    serde_json::from_value(serde_json::json!({"metadata": {"name": "a"}})).unwrap()
}

#[tokio::test]
async fn a_follower_reads_and_sends_no_write() {
    let (client, mut comes, answer) = server();
    let leadership = leadership();
    let maps: Api<ConfigMap> = Api::default_namespaced(gated(client, &leadership));
    let params = PostParams::default();
    let refused = maps.create(&params, &config_map()).await.unwrap_err();
    let kube::Error::Service(why) = refused else {
        panic!("{refused}");
    };
    assert!(why.is::<NotLeading>(), "{why}");
    answer.send(()).unwrap();
    maps.get("a").await.unwrap();
    leadership.extend(Duration::from_secs(1));
    answer.send(()).unwrap();
    maps.create(&params, &config_map()).await.unwrap();
    assert_eq!(comes.recv().await.unwrap(), "GET");
    assert_eq!(comes.recv().await.unwrap(), "POST");
    assert!(comes.is_empty());
}

#[tokio::test]
async fn who_ends_waits_for_the_write_under_way_and_begins_no_other() {
    let (client, mut comes, answer) = server();
    let leadership = leadership();
    leadership.extend(Duration::from_secs(1));
    let maps: Api<ConfigMap> = Api::default_namespaced(gated(client, &leadership));
    let params = PostParams::default();
    let writing = {
        let maps = maps.clone();
        tokio::spawn(async move { maps.create(&PostParams::default(), &config_map()).await })
    };
    assert_eq!(comes.recv().await.unwrap(), "POST");
    let mut end = pin!(leadership.end());
    let is_pending = poll_fn(|context| Poll::Ready(end.as_mut().poll(context).is_pending())).await;
    assert!(is_pending);
    maps.create(&params, &config_map()).await.unwrap_err();
    answer.send(()).unwrap();
    end.await;
    writing.await.unwrap().unwrap();
    assert!(comes.is_empty());
}
