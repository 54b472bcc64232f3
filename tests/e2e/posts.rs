//! What users write: drafts, publishing, and who sees what.

use proto::content::v1::{
    CreatePostRequest, DeletePostRequest, GetPostRequest, Post, PublishPostRequest,
    UnpublishPostRequest, UpdatePostRequest,
};
use serde_json::{Value, json};
use tests::{Person, Stack, refused};
use tonic::Code;

fn draft(user_id: &str, title: &str) -> CreatePostRequest {
    CreatePostRequest {
        user_id: user_id.to_owned(),
        title: title.to_owned(),
        ..CreatePostRequest::default()
    }
}

fn get(id: &str) -> GetPostRequest {
    GetPostRequest { post_id: id.to_owned() }
}

async fn create(person: &Person, title: &str) -> Post {
    let reply = person.grpc().posts().create_post(draft("me", title)).await.unwrap();
    reply.into_inner().post.unwrap()
}

#[tokio::test]
async fn users_write_under_their_own_name_only() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let admin = Person::admin(&stack, "root").await;
    let stranger = Person::stranger(&stack);
    let path = format!("/api/users/{}/posts", ann.id);
    let post = json!({"title": "Hello", "body": "World", "tags": ["greeting"]});

    stranger.rest().post(&path, post.clone()).await.refused(401, "SIGN_IN_REQUIRED");
    bob.rest().post(&path, post.clone()).await.refused(403, "NOT_YOURS");
    admin.rest().post(&path, post.clone()).await.refused(403, "NOT_YOURS");
    let written = ann.rest().post(&path, post).await.expect(201);
    let id = written.text_at("/id");
    assert_eq!(written.header("location"), format!("/api/posts/{id}"));
    assert_eq!(
        written.body["author"],
        json!({"id": ann.id, "username": "ann", "displayName": "ann"})
    );
    assert_eq!(written.body["status"], "draft");
    assert_eq!(written.body["slug"], "hello");
    assert_eq!(written.body["body"], "World");
    assert_eq!(written.body["tags"], json!(["greeting"]));
    assert_eq!(written.body["publishedAt"], Value::Null);

    let (mut anonymous, mut others) = (stranger.grpc().posts(), bob.grpc().posts());
    let answer = anonymous.create_post(draft(&ann.id, "Hello")).await;
    refused(answer, Code::Unauthenticated, "SIGN_IN_REQUIRED");
    let answer = others.create_post(draft(&ann.id, "Hello")).await;
    refused(answer, Code::PermissionDenied, "NOT_YOURS");
    let written = create(&ann, "Hi").await;
    assert_eq!((&*written.status, &*written.author.unwrap().id), ("draft", &*ann.id));
}

#[tokio::test]
async fn a_draft_exists_for_its_author_only() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let (editor, admin) =
        (Person::editor(&stack, "eddy").await, Person::admin(&stack, "root").await);
    let id = ann.write("Secret").await;
    let path = format!("/api/posts/{id}");
    for person in [&Person::stranger(&stack), &bob, &editor, &admin] {
        person.rest().get(&path).await.refused(404, "NOT_FOUND");
        refused(person.grpc().posts().get_post(get(&id)).await, Code::NotFound, "NOT_FOUND");
    }
    for person in [&bob, &editor, &admin] {
        person.rest().patch(&path, json!({"title": "Mine"})).await.refused(404, "NOT_FOUND");
        person.rest().delete(&path).await.refused(404, "NOT_FOUND");
        for verb in ["publish", "unpublish"] {
            let call = person.rest().call("POST", &format!("{path}/{verb}"));
            call.send().await.refused(404, "NOT_FOUND");
        }
    }
    let missing = bob.rest().get("/api/posts/0197c5aa-bbcc-7000-8000-000000000000").await;
    let hidden = bob.rest().get(&path).await;
    assert_eq!(missing.body_of_any_request(), hidden.body_of_any_request(), "no difference");
    assert_eq!(ann.rest().get(&path).await.expect(200).body["title"], "Secret");

    let shelf = format!("/api/users/{}/posts", ann.id);
    assert_eq!(bob.rest().get(&shelf).await.expect(200).body["posts"], json!([]));
    assert_eq!(bob.rest().get("/api/posts").await.expect(200).body["posts"], json!([]));
    let own = ann.rest().get(&shelf).await.expect(200);
    assert_eq!(own.body["posts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn publishing_twice_changes_nothing() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.write("News").await;
    let act = async |verb: &str| {
        let path = format!("/api/posts/{id}/{verb}");
        ann.rest().call("POST", &path).send().await.expect(200)
    };
    let first = act("publish").await;
    assert_eq!(first.body["status"], "published");
    assert_eq!(act("publish").await.body, first.body);
    let shown = Person::stranger(&stack).rest().get(&format!("/api/posts/{id}")).await;
    assert_eq!(shown.expect(200).body, first.body);

    let back = act("unpublish").await;
    assert_eq!((&back.body["status"], &back.body["publishedAt"]), (&json!("draft"), &Value::Null));
    assert_eq!(act("unpublish").await.body, back.body);
    assert_ne!(act("publish").await.body["publishedAt"], first.body["publishedAt"]);

    let request = PublishPostRequest { post_id: id.clone(), ..Default::default() };
    let reply = ann.grpc().posts().publish_post(request).await.unwrap().into_inner();
    assert_eq!(reply.post.unwrap().status, "published");
    let request = UnpublishPostRequest { post_id: id, ..Default::default() };
    let reply = ann.grpc().posts().unpublish_post(request).await.unwrap().into_inner();
    assert_eq!(reply.post.unwrap().published_at, None);
}

#[tokio::test]
async fn what_others_published_is_theirs() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let editor = Person::editor(&stack, "eddy").await;
    let id = ann.publish("News").await;
    let path = format!("/api/posts/{id}");
    bob.rest().patch(&path, json!({"title": "Mine"})).await.refused(403, "NOT_YOURS");
    bob.rest().delete(&path).await.refused(403, "NOT_YOURS");
    let unpublish = format!("{path}/unpublish");
    bob.rest().call("POST", &unpublish).send().await.refused(403, "NOT_YOURS");
    editor.rest().patch(&path, json!({"title": "Mine"})).await.refused(403, "NOT_YOURS");

    // An editor takes a post back, which makes it its author's business again.
    editor.rest().call("POST", &unpublish).send().await.expect(200);
    editor.rest().get(&path).await.refused(404, "NOT_FOUND");
    assert_eq!(ann.rest().get(&path).await.expect(200).body["title"], "News");
    ann.rest().call("POST", &format!("{path}/publish")).send().await.expect(200);
    editor.rest().delete(&path).await.expect(204);
    ann.rest().get(&path).await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn posts_change_field_by_field() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let post = json!({"title": "Old", "body": "Text", "tags": ["a", "b"]});
    let id = ann.rest().post("/api/users/me/posts", post).await.expect(201).text_at("/id");
    let path = format!("/api/posts/{id}");
    let patch = async |body: Value| ann.rest().patch(&path, body).await;

    let changed = patch(json!({"title": "New"})).await.expect(200);
    assert_eq!(changed.body["body"], "Text", "what is not named stays");
    assert_eq!(changed.body["tags"], json!(["a", "b"]));
    assert_eq!(changed.body["slug"], "new", "a draft's slug follows its title");
    let cleared = patch(json!({"tags": [], "body": null})).await.expect(200);
    assert_eq!((&cleared.body["tags"], &cleared.body["body"]), (&json!([]), &json!("")));
    patch(json!({"title": null})).await.refused(422, "INVALID_FIELDS");
    patch(json!({"title": ""})).await.refused(422, "INVALID_FIELDS");
    patch(json!({"status": "published"})).await.refused(422, "INVALID_FIELDS");
    patch(json!({"tags": ["a", "a"]})).await.refused(422, "INVALID_FIELDS");

    ann.rest().call("POST", &format!("{path}/publish")).send().await.expect(200);
    let renamed = patch(json!({"title": "Newest"})).await.expect(200);
    assert_eq!(renamed.body["slug"], "new", "an address that was public stays");

    let request = UpdatePostRequest {
        post_id: id,
        title: Some("ignored".to_owned()),
        body: Some("Words".to_owned()),
        update_mask: Some(prost_types::FieldMask { paths: vec!["body".to_owned()] }),
        etag: "*".to_owned(),
        ..UpdatePostRequest::default()
    };
    let changed = ann.grpc().posts().update_post(request).await.unwrap().into_inner();
    let changed = changed.post.unwrap();
    assert_eq!((&*changed.title, changed.body.as_deref()), ("Newest", Some("Words")));
}

#[tokio::test]
async fn slugs_are_unique_for_each_author() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let (one, two) = (create(&ann, "Hello, World!").await, create(&ann, "hello world").await);
    let other = create(&bob, "Hello, World!").await;
    assert_eq!((&*one.slug, &*other.slug), ("hello-world", "hello-world"));
    assert!(two.slug.starts_with("hello-world-"), "{}", two.slug);
    for title in ["北京 🎉", "!!!", &"long ".repeat(40)] {
        let slug = create(&ann, title.trim()).await.slug;
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(!slug.is_empty() && slug.len() <= 100 && slug.chars().all(is_plain), "{slug}");
    }
}

#[tokio::test]
async fn a_deleted_post_is_gone() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.publish("Brief").await;
    let path = format!("/api/posts/{id}");
    assert_eq!(ann.rest().delete(&path).await.expect(204).text, "");
    ann.rest().get(&path).await.refused(404, "NOT_FOUND");
    ann.rest().delete(&path).await.refused(404, "NOT_FOUND");
    let request = DeletePostRequest { post_id: id, ..Default::default() };
    let answer = ann.grpc().posts().delete_post(request).await;
    refused(answer, Code::NotFound, "NOT_FOUND");
    assert_eq!(ann.rest().get("/api/posts").await.expect(200).body["posts"], json!([]));
}

#[tokio::test]
async fn both_roads_show_the_same_post() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.publish("Same").await;
    let rest = Person::stranger(&stack).rest().get(&format!("/api/posts/{id}")).await.expect(200);
    let grpc = ann.grpc().posts().get_post(get(&id)).await.unwrap().into_inner().post.unwrap();
    assert_eq!(rest.text_at("/id"), grpc.id);
    assert_eq!(rest.text_at("/title"), grpc.title);
    assert_eq!(rest.text_at("/slug"), grpc.slug);
    assert_eq!(rest.text_at("/status"), grpc.status);
    assert_eq!(Some(rest.text_at("/body")), grpc.body);
    assert_eq!(rest.text_at("/author/username"), grpc.author.unwrap().username);
    let published: jiff::Timestamp = rest.text_at("/publishedAt").parse().unwrap();
    assert_eq!(published.as_second(), grpc.published_at.unwrap().seconds);
}

#[tokio::test]
async fn a_renamed_author_is_shown_under_the_new_name() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.publish("Mine").await;
    ann.rest().patch("/api/users/me", json!({"displayName": "Ann A."})).await.expect(200);
    let shown = ann.rest().get(&format!("/api/posts/{id}")).await.expect(200);
    assert_eq!(shown.body["author"]["displayName"], "Ann A.");
    // Posts outlive their author's account.
    ann.rest().delete("/api/users/me").await.expect(204);
    let shown = Person::stranger(&stack).rest().get(&format!("/api/posts/{id}")).await.expect(200);
    assert_eq!(shown.body["author"], json!({"id": ann.id, "username": "", "displayName": ""}));
}
