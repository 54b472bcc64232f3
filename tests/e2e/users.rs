//! Accounts.

use proto::auth::v1::{
    BatchGetProfilesRequest, CreateUserRequest, DeleteUserRequest, GetUserRequest,
    ListUsersRequest, UpdateUserRequest, User,
};
use serde_json::{Value, json};
use tests::{PASSWORD, Person, Stack, refused};
use tonic::Code;
use tonic_types::StatusExt as _;

fn account(name: &str) -> CreateUserRequest {
    CreateUserRequest {
        email: format!("{name}@example.com"),
        username: name.to_owned(),
        display_name: String::new(),
        password: PASSWORD.to_owned(),
    }
}

async fn read(person: &Person, user_id: &str) -> User {
    let request = GetUserRequest { user_id: user_id.to_owned() };
    person.grpc().users().get_user(request).await.unwrap().into_inner().user.unwrap()
}

#[tokio::test]
async fn nobody_is_there_before_somebody_signs_up() {
    let stack = Stack::start().await;
    assert_eq!(stack.databases.auth.rows("SELECT FROM users", &[]).await.len(), 0);
}

#[tokio::test]
async fn anybody_signs_up_and_reads_their_account() {
    let stack = Stack::start().await;
    let stranger = Person::stranger(&stack);
    let signed_up = stranger.rest().post(
        "/api/users",
        json!({"email": "Ann@Example.com", "username": "Ann", "displayName": "Ann A.", "password": PASSWORD}),
    );
    let signed_up = signed_up.await.expect(201);
    let id = signed_up.text_at("/id");
    assert_eq!(signed_up.header("location"), format!("/api/users/{id}"));
    assert_eq!(signed_up.body["email"], "ann@example.com");
    assert_eq!(signed_up.body["username"], "Ann");
    assert_eq!(signed_up.body["displayName"], "Ann A.");
    assert_eq!(signed_up.body["roles"], json!([]));
    assert!(!signed_up.text.contains("assword"), "{signed_up:?}");
    assert_eq!(stranger.rest().cookie("__Host-session"), None, "signing up is not signing in");

    let credentials = json!({"email": "ANN@example.COM", "password": PASSWORD});
    stranger.rest().post("/api/sessions", credentials).await.expect(201);
    let me = stranger.rest().get("/api/users/me").await.expect(200);
    assert_eq!(me.body, signed_up.body);
    assert_eq!(stranger.rest().get(&format!("/api/users/{id}")).await.expect(200).body, me.body);
}

#[tokio::test]
async fn both_roads_show_the_same_account() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let (rest, grpc) = (ann.rest().get("/api/users/me").await.expect(200), read(&ann, "me").await);
    assert_eq!(rest.text_at("/id"), grpc.id);
    assert_eq!(rest.text_at("/email"), grpc.email);
    assert_eq!(rest.text_at("/username"), grpc.username);
    assert_eq!(rest.text_at("/displayName"), grpc.display_name);
    assert_eq!(grpc.display_name, "ann", "the user name stands in");
    assert!(rest.text_at("/createdAt").ends_with('Z'), "RFC 3339 in UTC: {rest:?}");
}

#[tokio::test]
async fn addresses_and_names_belong_to_one_account() {
    let stack = Stack::start().await;
    let stranger = Person::stranger(&stack);
    Person::user(&stack, "ann").await;
    for (email, username, code) in [
        ("ANN@example.com", "other", "EMAIL_TAKEN"),
        ("other@example.com", "ANN", "USERNAME_TAKEN"),
    ] {
        let body = json!({"email": email, "username": username, "password": PASSWORD});
        stranger.rest().post("/api/users", body).await.refused(409, code);
        let request = CreateUserRequest {
            email: email.to_owned(),
            username: username.to_owned(),
            ..account("other")
        };
        let answer = stranger.grpc().users().create_user(request).await;
        refused(answer, Code::AlreadyExists, code);
    }
}

#[tokio::test]
async fn every_broken_rule_is_named_at_once() {
    let stack = Stack::start().await;
    let stranger = Person::stranger(&stack);
    let body = json!({"email": "ann@", "username": "a b", "password": "short"});
    let answer = stranger.rest().post("/api/users", body).await.refused(422, "INVALID_FIELDS");
    let errors = answer.body["errors"].as_array().unwrap();
    let pointers: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["#/email", "#/username", "#/password"]);

    let request = CreateUserRequest {
        email: "ann@".to_owned(),
        username: "a b".to_owned(),
        password: "short".to_owned(),
        display_name: String::new(),
    };
    let answer = stranger.grpc().users().create_user(request).await;
    let status = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    for (violation, error) in violations.iter().zip(errors) {
        assert_eq!(violation.reason, error["code"].as_str().unwrap());
        assert_eq!(violation.description, error["detail"].as_str().unwrap());
    }
    assert_eq!(violations.len(), errors.len());
}

#[tokio::test]
async fn accounts_are_for_their_owners_and_admins() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let admin = Person::admin(&stack, "root").await;
    let path = format!("/api/users/{}", ann.id);
    bob.rest().get(&path).await.refused(403, "NOT_YOURS");
    Person::stranger(&stack).rest().get(&path).await.refused(401, "SIGN_IN_REQUIRED");
    assert_eq!(admin.rest().get(&path).await.expect(200).text_at("/email"), ann.email);

    // Whether somebody exists is not told to others.
    let nobody = "/api/users/0197c5aa-bbcc-7000-8000-000000000000";
    for path in [nobody, "/api/users/nonsense"] {
        bob.rest().get(path).await.refused(403, "NOT_YOURS");
        admin.rest().get(path).await.refused(404, "NOT_FOUND");
    }
    let request = GetUserRequest { user_id: ann.id.clone() };
    let answer = bob.grpc().users().get_user(request).await;
    refused(answer, Code::PermissionDenied, "NOT_YOURS");
}

#[tokio::test]
async fn accounts_change_field_by_field() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    Person::user(&stack, "bob").await;
    let patch = async |body: Value| ann.rest().patch("/api/users/me", body).await;

    let changed = patch(json!({"displayName": "Ann A."})).await.expect(200);
    assert_eq!(changed.body["displayName"], "Ann A.");
    assert_eq!(changed.body["username"], "ann");
    let changed = patch(json!({"username": "anna"})).await.expect(200);
    assert_eq!(changed.body["displayName"], "Ann A.", "what is not named stays");
    let cleared = patch(json!({"displayName": null})).await.expect(200);
    assert_eq!(cleared.body["displayName"], "anna", "null clears");
    patch(json!({"username": null})).await.refused(422, "INVALID_FIELDS");
    patch(json!({"username": "BOB"})).await.refused(409, "USERNAME_TAKEN");
    patch(json!({"email": "new@example.com"})).await.refused(422, "INVALID_FIELDS");
    patch(json!({"roles": ["admin"]})).await.refused(422, "INVALID_FIELDS");
    assert_eq!(ann.rest().get("/api/users/me").await.body["roles"], json!([]));

    let mask = |path: &str| prost_types::FieldMask { paths: vec![path.to_owned()] };
    let request = UpdateUserRequest {
        user_id: "me".to_owned(),
        username: Some("ignored".to_owned()),
        display_name: Some("A.".to_owned()),
        update_mask: Some(mask("display_name")),
        ..UpdateUserRequest::default()
    };
    let changed = ann.grpc().users().update_user(request.clone()).await.unwrap().into_inner();
    let user = changed.user.unwrap();
    assert_eq!((&*user.username, &*user.display_name), ("anna", "A."));
    let request = UpdateUserRequest { update_mask: Some(mask("roles")), ..request };
    let answer = ann.grpc().users().update_user(request).await;
    refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
}

#[tokio::test]
async fn a_deleted_account_opens_nothing_any_more() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    let elsewhere = ann.on_another_device(&stack).await;
    let request = DeleteUserRequest { user_id: ann.id.clone() };
    let answer = bob.grpc().users().delete_user(request).await;
    refused(answer, Code::PermissionDenied, "NOT_YOURS");

    let deleted = ann.rest().delete("/api/users/me").await.expect(204);
    assert_eq!(deleted.text, "");
    let credentials = json!({"email": ann.email, "password": PASSWORD});
    let stranger = Person::stranger(&stack);
    stranger.rest().post("/api/sessions", credentials).await.refused(401, "INVALID_CREDENTIALS");
    let refresh = "/api/sessions/current/refresh";
    elsewhere.post(refresh, json!({})).await.refused(401, "SESSION_ENDED");
    let profiles = format!("/api/profiles?userIds={}&userIds={}", ann.id, bob.id);
    let profiles = stranger.rest().get(&profiles).await.expect(200);
    assert_eq!(profiles.body["profiles"].as_array().unwrap().len(), 1, "{profiles:?}");
    // Who has the name and the address next is somebody else.
    let heir = Person::user(&stack, "ann").await;
    assert_ne!(heir.id, ann.id);
}

#[tokio::test]
async fn admins_list_accounts_newest_first() {
    let stack = Stack::start().await;
    let admin = Person::admin(&stack, "root").await;
    for name in ["ann", "bob", "cid", "dot"] {
        admin.grpc().users().create_user(account(name)).await.unwrap();
    }
    let (mut names, mut path) = (Vec::new(), "/api/users?pageSize=2".to_owned());
    loop {
        let page = admin.rest().get(&path).await.expect(200);
        let users = page.body["users"].as_array().unwrap();
        names.extend(users.iter().map(|user| user["username"].as_str().unwrap().to_owned()));
        let Some(token) = page.body["nextPageToken"].as_str() else { break };
        assert_eq!(users.len(), 2);
        path = format!("/api/users?pageSize=2&pageToken={token}");
    }
    assert_eq!(names, ["dot", "cid", "bob", "ann", "root"]);

    let ann = Person::user(&stack, "eve").await;
    ann.rest().get("/api/users").await.refused(403, "ROLE_REQUIRED");
    let answer = ann.grpc().users().list_users(ListUsersRequest::default()).await;
    refused(answer, Code::PermissionDenied, "ROLE_REQUIRED");
}

#[tokio::test]
async fn profiles_are_public_and_hold_nothing_private() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let stranger = Person::stranger(&stack);
    let path = format!("/api/profiles?userIds={}&userIds={}&userIds=nonsense", ann.id, ann.id);
    let found = stranger.rest().get(&path).await.expect(200);
    let expected = json!([{"id": ann.id, "username": "ann", "displayName": "ann"}]);
    assert_eq!(found.body["profiles"], expected);

    let request = BatchGetProfilesRequest { user_ids: vec![ann.id.clone()] };
    let found = stranger.grpc().users().batch_get_profiles(request).await.unwrap().into_inner();
    assert_eq!(found.profiles[0].username, "ann");
    stranger.rest().get("/api/profiles").await.refused(400, "INVALID_PARAMETER");
}
