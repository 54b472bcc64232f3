//! Nobody overwrites what somebody else changed meanwhile without saying so.

use futures_util::future::join_all;
use proto::{
    auth::v1::UpdateUserRequest,
    content::v1::{GetPostRequest, PublishPostRequest, UpdatePostRequest},
};
use serde_json::{Value, json};
use tests::{Answer, Person, Rest, Stack, refused};
use tonic::Code;
use tonic_types::StatusExt as _;

const EDITORS: usize = 8;
const EDITS: usize = 10;

async fn patch(rest: &Rest, path: &str, if_match: &str, body: Value) -> Answer {
    rest.call("PATCH", path).header("if-match", if_match).json(&body).send().await
}

fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// Adds lines to a post the way a careful client does: reads, changes, writes, and
/// begins anew when somebody was faster. Returns how often that was.
async fn edit(rest: &Rest, path: &str, editor: usize) -> usize {
    let mut conflicts = 0;
    for number in 0..EDITS {
        loop {
            let read = rest.get(path).await.expect(200);
            let body = format!("{}{editor}.{number}\n", read.text_at("/body"));
            let etag = quoted(&read.text_at("/etag"));
            let answer = patch(rest, path, &etag, json!({"body": body})).await;
            if answer.status == 200 {
                break;
            }
            answer.refused(412, "ETAG_MISMATCH");
            conflicts += 1;
        }
    }
    conflicts
}

#[tokio::test]
async fn editors_at_the_same_time_lose_nothing() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let post = json!({"title": "Log"});
    let id = ann.rest().post("/api/users/me/posts", post).await.expect(201).text_at("/id");
    let path = format!("/api/posts/{id}");
    let editors = (0..EDITORS).map(|editor| edit(ann.rest(), &path, editor));
    let conflicts: usize = join_all(editors).await.into_iter().sum();
    let written = ann.rest().get(&path).await.expect(200);
    let text = written.text_at("/body");
    for editor in 0..EDITORS {
        let lines: Vec<_> =
            text.lines().filter(|line| line.starts_with(&format!("{editor}."))).collect();
        let expected: Vec<_> = (0..EDITS).map(|number| format!("{editor}.{number}")).collect();
        assert_eq!(lines, expected, "every line once and in order, of {text}");
    }
    assert_eq!(text.lines().count(), EDITORS * EDITS);
    assert_eq!(written.text_at("/etag"), (1 + EDITORS * EDITS).to_string());
    assert!(conflicts > EDITORS, "only {conflicts} conflicts: they did not meet");
}

#[tokio::test]
async fn a_stale_change_is_told_what_changed() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.write("Old").await;
    let path = format!("/api/posts/{id}");
    let first = ann.rest().get(&path).await.expect(200).text_at("/etag");
    patch(ann.rest(), &path, &quoted(&first), json!({"body": "New"})).await.expect(200);
    let publish = ann.rest().call("POST", &format!("{path}/publish"));
    let third = publish.header("if-match", "\"2.xyz-br\"").send().await.expect(200);
    assert_eq!(third.text_at("/etag"), "3");

    let change = json!({"title": "Mine"});
    let answer = patch(ann.rest(), &path, &quoted(&first), change.clone()).await;
    let stale = answer.refused(412, "ETAG_MISMATCH");
    assert_eq!(stale.body["currentEtag"], "3");
    assert_eq!(stale.body["changedFields"], json!(["body", "publishedAt", "status"]));
    // What was read later differs in less.
    let stale = patch(ann.rest(), &path, "\"1\", \"2\"", change.clone()).await;
    assert_eq!(
        stale.refused(412, "ETAG_MISMATCH").body["changedFields"],
        json!(["publishedAt", "status"])
    );
    for never in ["W/\"3\"", "\"nonsense\"", "\"03\"", "\"4\""] {
        let stale = patch(ann.rest(), &path, never, change.clone()).await;
        let stale = stale.refused(412, "ETAG_MISMATCH");
        assert_eq!(
            stale.body["changedFields"],
            json!(["body", "publishedAt", "status"]),
            "{never}"
        );
    }
    assert_eq!(ann.rest().get(&path).await.body["title"], "Old", "nothing of it was done");
    patch(ann.rest(), &path, "\"1\", \"3.abc\"", change).await.expect(200);

    let request = UpdatePostRequest {
        post_id: id,
        title: Some("Mine".to_owned()),
        etag: "3".to_owned(),
        ..UpdatePostRequest::default()
    };
    let answer = ann.grpc().posts().update_post(request).await;
    let status = refused(answer, Code::Aborted, "ETAG_MISMATCH");
    let told = status.get_details_error_info().unwrap().metadata;
    assert_eq!((&*told["current_etag"], &*told["changed_fields"]), ("4", "title"));
}

#[tokio::test]
async fn a_post_changes_only_for_those_who_say_which_version_they_mean() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.write("Old").await;
    let path = format!("/api/posts/{id}");
    let change = json!({"title": "New"});
    let blind = ann.rest().call("PATCH", &path).json(&change).send().await;
    blind.refused(428, "PRECONDITION_REQUIRED");
    let update = |etag: &str| UpdatePostRequest {
        post_id: id.clone(),
        title: Some("New".to_owned()),
        etag: etag.to_owned(),
        ..UpdatePostRequest::default()
    };
    let mut posts = ann.grpc().posts();
    let blind = posts.update_post(update("")).await;
    refused(blind, Code::FailedPrecondition, "PRECONDITION_REQUIRED");
    assert_eq!(ann.rest().get(&path).await.body["title"], "Old");
    for malformed in ["1", "", "\"1", "\"1\" \"2\"", "*, \"1\"", "W/1"] {
        let answer = patch(ann.rest(), &path, malformed, change.clone()).await;
        answer.refused(400, "INVALID_CONDITION");
    }
    // The field is the header's, wherever else it is written.
    let inside = json!({"title": "New", "etag": "1"});
    patch(ann.rest(), &path, "\"1\"", inside).await.refused(422, "INVALID_FIELDS");
    let query = format!("{path}?etag=1");
    patch(ann.rest(), &query, "\"1\"", change.clone()).await.refused(400, "UNKNOWN_PARAMETER");
    let many = vec!["\"1000000000000000000\""; 20].join(",");
    let answer = patch(ann.rest(), &path, &many, change.clone()).await;
    let answer = answer.refused(400, "INVALID_PARAMETER");
    assert_eq!(answer.body["errors"][0]["header"], "If-Match");

    posts.update_post(update("1")).await.unwrap();
    patch(ann.rest(), &path, "*", json!({"title": "Newer"})).await.expect(200);
    posts.update_post(update("*")).await.unwrap();
}

#[tokio::test]
async fn a_change_that_changes_nothing_leaves_the_version() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    ann.write("Same").await;
    // Of two posts with one title, one has another address.
    let post = json!({"title": "Same", "body": "Text", "tags": ["a"]});
    let written = ann.rest().post("/api/users/me/posts", post).await.expect(201);
    let path = format!("/api/posts/{}", written.text_at("/id"));
    let same = json!({"title": "Same", "body": "Text", "tags": ["a"]});
    let again = ann.rest().patch(&path, same).await.expect(200);
    assert_eq!(again.body, written.body);
    assert_eq!(ann.rest().patch(&path, json!({})).await.expect(200).body, written.body);
    let other = ann.rest().patch(&path, json!({"tags": ["b"]})).await.expect(200);
    assert_eq!(other.text_at("/etag"), "2");
    assert_ne!(other.body["updatedAt"], written.body["updatedAt"]);

    let before = ann.rest().get("/api/users/me").await.expect(200);
    let name = json!({"username": before.body["username"]});
    let after = ann.rest().patch("/api/users/me", name).await.expect(200);
    assert_eq!(after.body, before.body);
}

#[tokio::test]
async fn publishing_taking_back_and_deleting_may_say_which_version() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.write("News").await;
    let path = format!("/api/posts/{id}");
    ann.rest().patch(&path, json!({"body": "Text"})).await.expect(200);
    let act = async |method: &str, path: &str, if_match: &str| {
        ann.rest().call(method, path).header("if-match", if_match).send().await
    };
    let publish = format!("{path}/publish");
    act("POST", &publish, "\"1\"").await.refused(412, "ETAG_MISMATCH");
    assert_eq!(act("POST", &publish, "\"2\"").await.expect(200).text_at("/etag"), "3");
    let request = PublishPostRequest { post_id: id.clone(), etag: "2".to_owned() };
    let answer = ann.grpc().posts().publish_post(request).await;
    refused(answer, Code::Aborted, "ETAG_MISMATCH");
    let unpublish = format!("{path}/unpublish");
    act("POST", &unpublish, "\"2\"").await.refused(412, "ETAG_MISMATCH");
    act("POST", &unpublish, "\"3\"").await.expect(200);
    let stale = act("DELETE", &path, "\"3\"").await.refused(412, "ETAG_MISMATCH");
    assert_eq!(stale.body["currentEtag"], "4");
    let request = GetPostRequest { post_id: id };
    let shown = ann.grpc().posts().get_post(request).await.unwrap().into_inner();
    assert_eq!(shown.post.unwrap().etag, "4");
    act("DELETE", &path, "\"4\"").await.expect(204);
}

#[tokio::test]
async fn others_learn_no_version() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let (draft, news) = (ann.write("Draft").await, ann.publish("News").await);
    for (id, status, code) in [(draft, 404, "NOT_FOUND"), (news, 403, "NOT_YOURS")] {
        let path = format!("/api/posts/{id}");
        let answer = patch(bob.rest(), &path, "\"7\"", json!({"title": "Mine"})).await;
        let answer = answer.refused(status, code);
        assert_eq!(answer.body.get("currentEtag"), None, "{answer:?}");
    }
}

#[tokio::test]
async fn accounts_check_the_version_of_whoever_names_one() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (path, change) = ("/api/users/me", json!({"displayName": "Ann A."}));
    assert_eq!(ann.rest().get(path).await.expect(200).text_at("/etag"), "1");
    let blind = ann.rest().call("PATCH", path).json(&change).send().await.expect(200);
    assert_eq!(blind.text_at("/etag"), "2");
    let stale = patch(ann.rest(), path, "\"1\"", change).await.refused(412, "ETAG_MISMATCH");
    assert_eq!(stale.body["currentEtag"], "2");
    assert_eq!(stale.body["changedFields"], json!(["displayName"]));
    patch(ann.rest(), path, "\"2\"", json!({"username": "anna"})).await.expect(200);
    let request = UpdateUserRequest {
        user_id: "me".to_owned(),
        username: Some("annb".to_owned()),
        etag: "2".to_owned(),
        ..UpdateUserRequest::default()
    };
    let answer = ann.grpc().users().update_user(request).await;
    refused(answer, Code::Aborted, "ETAG_MISMATCH");
    // Nobody checks it there, so nobody may think that it was checked.
    let deleted = ann.rest().call("DELETE", path).header("if-match", "\"1\"").send().await;
    deleted.refused(400, "INVALID_CONDITION");
}
