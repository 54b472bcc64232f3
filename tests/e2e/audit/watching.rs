//! Events as they come.

use proto::auth::v1::{SetRolesRequest, WatchAuditEventsRequest};
use serde_json::Value;
use tests::{Person, Stack, reason, within};

use super::{SOON, chained, covered, write_down};

#[tokio::test]
async fn a_stream_of_events_goes_on_where_it_was_left() {
    let stack = Stack::start().await;
    let admin = Person::admin(&stack, "root").await;
    write_down(&stack.databases.auth, 250).await;
    chained(&stack.databases.auth).await;
    let watch = |headers: &[(&str, &str)]| {
        let call = admin.rest().call("GET", "/api/audit-events/watch?kind=test.");
        headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send()
    };
    let all = watch(&[("accept", "application/x-ndjson")]).await.expect(200);
    let all: Vec<Value> =
        all.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(all.len(), 250);
    let ids: Vec<u32> = all.iter().map(|it| it["id"].as_str().unwrap().parse().unwrap()).collect();
    assert!(ids.is_sorted(), "{ids:?}");

    let sse =
        [("accept", "text/event-stream"), ("last-event-id", all[247]["id"].as_str().unwrap())];
    let rest = watch(&sse).await.expect(200);
    let named: Vec<_> = rest.text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert_eq!(named, [all[248]["id"].as_str().unwrap(), all[249]["id"].as_str().unwrap()]);
    assert!(rest.text.contains("event: end"), "{}", rest.text);
    let odd = watch(&[("accept", "text/event-stream"), ("last-event-id", "x")]).await;
    assert!((400..500).contains(&odd.status), "{odd:?}");
}

#[tokio::test]
async fn a_watcher_hears_what_happens_until_they_lose_their_rank() {
    let stack = Stack::start().await;
    let (admin, other) =
        (Person::admin(&stack, "root").await, Person::admin(&stack, "other").await);
    chained(&stack.databases.auth).await;
    let request = WatchAuditEventsRequest { follow: true, ..Default::default() };
    let mut stream = other.grpc().audit().watch_audit_events(request).await.unwrap().into_inner();
    let ann = Person::user(&stack, "ann").await;
    // What came before may have got its place in the same moment.
    let heard = async {
        loop {
            let event = stream.message().await.unwrap().unwrap().event.unwrap();
            if event.kind == "account.created" && event.subject_id == ann.id {
                break;
            }
        }
    };
    within("the event is heard", SOON, heard).await;
    let lower = SetRolesRequest {
        user_id: other.id.clone(),
        roles: Vec::new(),
        reason: "reorganised".to_owned(),
    };
    admin.grpc().administration().set_roles(lower).await.unwrap();
    write_down(&stack.databases.auth, 3).await;
    let ended = async {
        loop {
            match stream.message().await {
                Ok(event) => {
                    let kind = event.unwrap().event.unwrap().kind;
                    assert!(!kind.starts_with("test."), "heard afterwards: {kind}");
                }
                Err(status) => break status,
            }
        }
    };
    let status = within("the stream ends", SOON, ended).await;
    assert_eq!(reason(&status), "SESSION_ENDED");
}

#[tokio::test]
async fn watchers_do_not_keep_the_service_from_stopping() {
    let mut stack = super::stack().await;
    let admin = Person::admin(&stack, "root").await;
    let request = WatchAuditEventsRequest { follow: true, ..Default::default() };
    let mut stream = admin.grpc().audit().watch_audit_events(request).await.unwrap().into_inner();
    covered(&stack.databases.auth).await;
    write_down(&stack.databases.auth, 1).await;
    stack.auth.terminate();
    let ended = async { while stream.message().await.is_ok() {} };
    within("the stream ends", SOON, ended).await;
    assert!(stack.auth.ended(SOON).await.success());
    // What was written down before the end has its place.
    chained(&stack.databases.auth).await;
}
