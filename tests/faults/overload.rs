//! More than can be done is refused at once, and the rest is done.

use std::time::Duration;

use tests::{Person, Rest, Stack, load::Load, metrics};

const TIME: Duration = Duration::from_secs(3);

#[tokio::test]
async fn under_overload_what_is_let_in_is_answered_and_the_rest_is_told_when_to_come_again() {
    // Few at a time, so that a debug build on a busy machine is overloaded soon.
    let stack = Stack::builder().set("gateway", "MAINSTAY_MAX_IN_FLIGHT", "8").start().await;
    let ann = Person::user(&stack, "ann").await;
    ann.publish("Wanted").await;
    let token = format!("Bearer {}", ann.grpc().token());
    let headers = [("authorization", token.as_str())];
    let load = Load::get(stack.gateway.listen, "/api/users/me/posts", &headers);
    let best = load.closed(4, TIME).await;
    assert!(best.good.len() > 20 && best.refused.is_empty(), "{}", best.summary());

    let over = load.open(best.goodput() * 5.0, 400, TIME).await;
    println!("capacity: {}\nat 5 times that: {}", best.summary(), over.summary());
    assert!(over.wrong.iter().all(|it| it == "late"), "nothing breaks: {:?}", over.wrong);
    assert!(over.wrong.len() * 4 < over.good.len(), "few are late: {}", over.summary());
    assert!(over.refused.len() > over.good.len(), "{}", over.summary());
    // The figure is the benchmark's; here it must not collapse.
    assert!(over.goodput() > best.goodput() * 0.3, "{} {}", best.summary(), over.summary());
    let shed = metrics(&stack.gateway).await;
    let name = "gateway_requests_shed_total";
    assert!(shed.sum(name, "limiter=\"concurrency\"") > 0.0, "{shed:?}");
    // It is over when it is over.
    ann.rest().get("/api/users/me/posts").await.expect(200);
}

#[tokio::test]
async fn probes_and_sign_in_go_on_under_overload() {
    let stack = Stack::builder().set("gateway", "MAINSTAY_MAX_IN_FLIGHT", "1").start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.publish("Stuck").await;
    let path = format!("/api/posts/{id}");
    let rest = ann.rest();
    stack
        .databases
        .content
        .while_locked("posts", async || {
            let stuck = rest.get(&path);
            let others = async {
                tests::eventually("the next one is refused", TIME, async || {
                    let answer = rest.call("GET", &path).header("grpc-timeout", "1S").send().await;
                    (answer.status == 503).then_some(answer)
                })
                .await
                .refused(503, "OVERLOADED");
                // Another service has room of its own, and probes and keys need none.
                rest.get("/api/users/me").await.expect(200);
                rest.get("/.well-known/jwks.json").await.expect(200);
                Rest::new(stack.gateway.admin).get("/readyz").await.expect(200);
                rest.post("/api/sessions/current/refresh", serde_json::json!({})).await.expect(200);
            };
            let (stuck, ()) = futures_util::future::join(stuck, others).await;
            assert!(matches!(stuck.status, 503 | 504), "{stuck:?}");
        })
        .await;
    rest.get(&path).await.expect(200);
}
