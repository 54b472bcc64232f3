//! Accounts of machines.

use proto::auth::v1::{CreateServiceAccountRequest, ListServiceAccountsRequest};
use serde_json::json;
use tests::{Person, Rest, Stack, refused};
use tonic::Code;

use super::{events, exchange, token};

const ACCOUNTS: &str = "/api/service-accounts";

#[tokio::test]
async fn an_account_of_a_machine_owns_nothing_and_may_what_it_was_given() {
    let stack = Stack::start().await;
    let (ann, admin) = (Person::user(&stack, "ann").await, Person::admin(&stack, "root").await);
    let post = ann.publish("Much ado").await;

    let wanted = json!({"name": "moderator", "roles": ["editor"]});
    ann.rest().post(ACCOUNTS, wanted.clone()).await.refused(403, "ROLE_REQUIRED");
    let account = admin.rest().post(ACCOUNTS, wanted.clone()).await.expect(201);
    assert_eq!(account.body["roles"], json!(["editor"]));
    admin.rest().post(ACCOUNTS, wanted).await.refused(409, "NAME_TAKEN");
    let path = format!("{ACCOUNTS}/{}", account.text_at("/id"));
    let keys = format!("{path}/api-keys");
    let wanted = json!({"name": "main", "scopes": ["posts.write", "users.read"]});
    let made = admin.rest().post(&keys, wanted).await.expect(201);
    assert!(made.text_at("/key").starts_with("mst_"));
    let listed = admin.rest().get(&keys).await.expect(200);
    assert_eq!(listed.body["apiKeys"], json!([made.body["apiKey"]]));

    let token = token(&stack, &made.text_at("/key")).await;
    let rest = Rest::new(stack.gateway.listen);
    let send = |verb: &str, path: &str| rest.call(verb, path).bearer(&token);
    send("POST", &format!("/api/posts/{post}/unpublish")).send().await.expect(200);
    let draft = json!({"title": "By nobody"});
    send("POST", "/api/users/me/posts").json(&draft).send().await.refused(403, "NOT_YOURS");
    send("GET", "/api/users/me").send().await.refused(403, "NOT_YOURS");
    send("GET", "/api/users").send().await.refused(403, "ROLE_REQUIRED");

    admin.rest().delete(&path).await.expect(204);
    exchange(&stack, &made.text_at("/key")).await.refused(401, "API_KEY_INVALID");
    admin.rest().delete(&path).await.refused(404, "NOT_FOUND");
    admin.rest().get(&keys).await.refused(404, "NOT_FOUND");
    let wanted = json!({"name": "late"});
    admin.rest().post(&keys, wanted).await.refused(404, "NOT_FOUND");
    let kinds = ["service_account.created", "service_account.deleted", "api_key.revoked"];
    for kind in kinds {
        assert_eq!(events(&stack, kind).await, 1, "{kind}");
    }
}

#[tokio::test]
async fn accounts_over_grpc() {
    let stack = Stack::start().await;
    let (ann, admin) = (Person::user(&stack, "ann").await, Person::admin(&stack, "root").await);
    let wanted = |roles: &[&str]| CreateServiceAccountRequest {
        name: "a-machine".to_owned(),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
    };
    let answer = ann.grpc().service_accounts().create_service_account(wanted(&[])).await;
    refused(answer, Code::PermissionDenied, "ROLE_REQUIRED");
    let answer = admin.grpc().service_accounts().create_service_account(wanted(&["root"])).await;
    refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
    let made = admin.grpc().service_accounts().create_service_account(wanted(&[])).await.unwrap();
    let made = made.into_inner().service_account.unwrap();
    let list = ListServiceAccountsRequest {};
    let all = admin.grpc().service_accounts().list_service_accounts(list).await.unwrap();
    let all = all.into_inner().service_accounts;
    assert_eq!(all[0], made);
    let names: Vec<_> = all.iter().map(|account| account.name.as_str()).collect();
    assert_eq!(names, ["a-machine", "gateway", "content"], "with the services of the product");
}
