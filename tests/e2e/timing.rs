//! Where the time of a request went.

use tests::{Person, Stack};

#[tokio::test]
async fn times_are_told_in_development_and_only_there() {
    let mut telling = Stack::builder();
    for service in ["gateway", "content"] {
        telling = telling.set(service, "MAINSTAY_SERVER_TIMING", "true");
    }
    let stack = telling.start().await;
    let ann = Person::user(&stack, "ann").await;
    let path = format!("/api/posts/{}", ann.write("Hello").await);
    let answer = ann.rest().get(&path).await.expect(200);
    let told: Vec<_> = answer.header("server-timing").split(", ").collect();
    for part in [
        "gateway;dur=",
        "transcode;dur=",
        "upstream;dur=",
        "content;dur=",
        "db;desc=\"queries=1\";dur=",
    ] {
        let found = told.iter().find_map(|told| told.strip_prefix(part)?.parse::<f64>().ok());
        assert!(found.is_some_and(|took| (0.0..30_000.0).contains(&took)), "{part}: {told:?}");
    }
    ann.rest().get("/nope").await.refused(404, "ROUTE_NOT_FOUND");

    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    assert_eq!(ann.rest().get("/api/posts").await.expect(200).header("server-timing"), "");
    let reply =
        ann.grpc().posts().list_posts(proto::content::v1::ListPostsRequest::default()).await;
    assert!(!reply.unwrap().metadata().contains_key("server-timing"));
}
