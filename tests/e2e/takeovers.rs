//! What a thief or a stranger prepared is worth nothing once the owner has acted.

use std::time::Duration;

use serde_json::json;
use tests::{PASSWORD, Person, Rest, Stack, eventually};

const SOON: Duration = Duration::from_secs(10);
const OTHER: &str = "several words of another kind";

/// Replaces a password with a letter.
async fn reset(stack: &Stack, rest: &Rest, email: &str) {
    rest.post("/api/password-resets", json!({"email": email})).await.expect(204);
    let token = stack.letter(email, "password_reset").await.token();
    let chosen = json!({"token": token, "password": OTHER});
    rest.post("/api/password-resets/confirm", chosen).await.expect(204);
}

/// Makes a key that may do something.
async fn key(rest: &Rest) -> String {
    let wanted = json!({"name": "script", "scopes": ["posts.read"]});
    rest.post("/api/users/me/api-keys", wanted).await.expect(201).text_at("/key")
}

#[tokio::test]
async fn another_address_that_a_thief_asked_for_is_not_given_after_the_owner_has_acted() {
    let stack = Stack::start().await;
    let stranger = Person::stranger(&stack);
    for (name, is_reset) in [("ann", true), ("bob", false)] {
        let owner = Person::user(&stack, name).await;
        let thief = owner.rest().copy();
        let address = format!("thief-of-{name}@example.com");
        let change = json!({"email": address, "password": PASSWORD});
        thief.post("/api/users/me/change-email", change).await.expect(204);
        let token = stack.letter(&address, "email_change").await.token();
        if is_reset {
            reset(&stack, stranger.rest(), &owner.email).await;
        } else {
            let all = json!({"which": "SESSION_RANGE_ALL"});
            owner.rest().post("/api/sessions/end", all).await.expect(200);
        }
        let confirm = json!({"token": token});
        let answer = stranger.rest().post("/api/emails/confirm", confirm).await;
        answer.refused(401, "EMAIL_CODE_INVALID");
    }
}

#[tokio::test]
async fn whoever_proves_an_address_first_shares_the_account_with_nobody() {
    let stack = Stack::start().await;
    let (squatter, ann) =
        (Person::user(&stack, "squatter").await, Person::user(&stack, "ann").await);
    let stranger = Person::stranger(&stack);
    let verification = stack.letter(&ann.email, "email_verification").await.token();
    let confirm = json!({"token": verification});
    stranger.rest().post("/api/emails/confirm", confirm).await.expect(200);
    let keys = [key(squatter.rest()).await, key(ann.rest()).await];
    for owner in [&squatter, &ann] {
        reset(&stack, stranger.rest(), &owner.email).await;
    }
    let exchange =
        async |key: &str| stranger.rest().post("/api/tokens", json!({"apiKey": key})).await;
    exchange(&keys[0]).await.refused(401, "API_KEY_INVALID");
    exchange(&keys[1]).await.expect(200);
}

#[tokio::test]
async fn whoever_loses_a_rank_loses_what_it_opened() {
    let stack = Stack::start().await;
    let (admin, eve) = (Person::admin(&stack, "root").await, Person::editor(&stack, "eve").await);
    let key = key(eve.rest()).await;
    let exchange = async || admin.rest().post("/api/tokens", json!({"apiKey": key})).await;
    let token = exchange().await.expect(200).text_at("/accessToken");
    let read = async || {
        let call = admin.rest().copy();
        call.call("GET", "/api/users/me/posts").bearer(&token).send().await
    };
    read().await.expect(200);
    let path = format!("/api/users/{}/roles", eve.id);
    let none = json!({"roles": [], "reason": "has left"});
    admin.rest().call("PUT", &path).json(&none).send().await.expect(200);
    exchange().await.refused(401, "API_KEY_INVALID");
    let refused = eventually("the token of the key is refused", SOON, async || {
        let answer = read().await;
        (answer.status != 200).then_some(answer)
    });
    refused.await.refused(401, "SESSION_ENDED");
}

#[tokio::test]
async fn admins_make_no_keys_of_the_products_own_services() {
    let stack = Stack::start().await;
    let admin = Person::admin(&stack, "root").await;
    let accounts = admin.rest().get("/api/service-accounts").await.expect(200);
    let accounts = accounts.body["serviceAccounts"].as_array().unwrap().clone();
    let content = accounts.iter().find(|account| account["name"] == "content").unwrap();
    let path = format!("/api/service-accounts/{}/api-keys", content["id"].as_str().unwrap());
    let wanted = json!({"name": "backdoor", "scopes": ["posts.read"]});
    admin.rest().post(&path, wanted).await.refused(404, "NOT_FOUND");
    let service = json!({"name": "backdoor", "roles": ["service"]});
    admin.rest().post("/api/service-accounts", service).await.refused(422, "INVALID_FIELDS");
}
