//! Passkeys: beside a password, and instead of one.

use proto::auth::v1::{BeginPasskeySignInRequest, FinishPasskeySignInRequest};
use serde_json::json;
use tests::{Person, Rest, Stack};

use super::{
    BEGIN, FACTORS, SECOND, add_passkey, challenge, claims, claims_of, letters, noted, show,
};

pub(crate) const FINISH: &str = "/api/sessions/passkey";

#[tokio::test]
async fn a_passkey_signs_in_without_a_password() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let mut key = add_passkey(ann.rest()).await;
    let rest = Rest::new(stack.gateway.listen);
    let begun = rest.post(BEGIN, json!({})).await.expect(200);
    assert_eq!(begun.body["options"]["rpId"], "mainstay.test");
    assert_eq!(begun.body["options"]["allowCredentials"], json!([]), "names nobody");
    assert_eq!(begun.body.get("flow"), None, "it is in a cookie");
    assert!(rest.cookie("__Host-flow").is_some());
    let shown = json!({"passkey": key.get(&begun.body["options"])});
    let signed_in = rest.post(FINISH, shown).await.expect(200);
    assert_eq!(signed_in.text_at("/user/id"), ann.id);
    let claims = claims(&rest);
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!("aal2"), &json!(["hwk", "mfa"])));
    let listed = rest.get(FACTORS).await.expect(200);
    assert_eq!(listed.text_at("/factors/0/kind"), "passkey");
    assert_ne!(listed.text_at("/factors/0/lastUsedAt"), "");
    assert_eq!((noted(&stack, &ann, "factor.added").await, letters(&stack, &ann).await), (1, 1));
}

#[tokio::test]
async fn the_same_over_grpc() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let mut key = add_passkey(ann.rest()).await;
    let mut sign_in = Person::stranger(&stack).grpc().sign_in();
    let begun = sign_in.begin_passkey_sign_in(BeginPasskeySignInRequest::default()).await;
    let begun = begun.unwrap().into_inner();
    let shown = key.get(&json(&begun.options.unwrap()));
    let request = FinishPasskeySignInRequest {
        passkey: Some(message(&shown)),
        flow: begun.flow.unwrap(),
        ..Default::default()
    };
    let reply = sign_in.finish_passkey_sign_in(request).await.unwrap().into_inner();
    assert_eq!(claims_of(&reply.access_token.unwrap())["acr"], "aal2");
}

#[tokio::test]
async fn a_passkey_is_a_second_factor() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let mut key = add_passkey(ann.rest()).await;
    let rest = Rest::new(stack.gateway.listen);
    let challenge = challenge(&rest, &ann).await;
    let begun = rest.post(BEGIN, json!({"challenge": challenge})).await.expect(200);
    let allowed = begun.body["options"]["allowCredentials"].as_array().unwrap();
    assert_eq!(allowed.len(), 1, "the first half tells which keys there are");
    let passkey = key.get(&begun.body["options"]);
    assert_eq!(allowed[0]["id"], passkey["id"]);
    let shown = json!({"challenge": challenge, "passkey": passkey});
    rest.post(SECOND, shown).await.expect(200);
    assert_eq!(claims(&rest)["amr"], json!(["pwd", "hwk", "mfa"]));
}

#[tokio::test]
async fn the_passkey_of_another_is_no_second_factor() {
    let stack = Stack::start().await;
    let (ann, bob) = (Person::user(&stack, "ann").await, Person::user(&stack, "bob").await);
    add_passkey(ann.rest()).await;
    let mut bobs = add_passkey(bob.rest()).await;
    let rest = Rest::new(stack.gateway.listen);
    let challenge = challenge(&rest, &ann).await;
    let shown = json!({"challenge": challenge, "passkey": show(&rest, &mut bobs).await});
    rest.post(SECOND, shown).await.refused(401, "PROOF_REFUSED");
    assert_eq!(rest.cookie("__Host-session"), None);
}

/// A message as JSON.
fn json(message: &prost_types::Struct) -> serde_json::Value {
    let bytes = prost::Message::encode_to_vec(message);
    let descriptor = tests::contract::pool().get_message_by_name("google.protobuf.Struct").unwrap();
    let message = prost_reflect::DynamicMessage::decode(descriptor, &*bytes).unwrap();
    serde_json::to_value(message).unwrap()
}

/// JSON as a message.
pub(crate) fn message(json: &serde_json::Value) -> prost_types::Struct {
    let descriptor = tests::contract::pool().get_message_by_name("google.protobuf.Struct").unwrap();
    let message = prost_reflect::DynamicMessage::deserialize(descriptor, json).unwrap();
    message.transcode_to().unwrap()
}
