//! Signing keys: published, never twice, never in the open.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::decode_header;
use proto::auth::v1::GetKeySetRequest;
use serde_json::Value;
use tests::{Databases, ISSUER, Person, Service, Stack};

#[tokio::test]
async fn everybody_gets_the_keys_that_verify_tokens() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let stranger = Person::stranger(&stack);
    let set = stranger.rest().get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(set.header("cache-control"), "public, max-age=300");
    let keys = set.body["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    for (member, value) in [("kty", "OKP"), ("crv", "Ed25519"), ("alg", "EdDSA"), ("use", "sig")] {
        assert_eq!(keys[0][member], value, "RFC 8037");
    }
    assert_eq!(keys[0].get("d"), None, "the private half stays at home");

    let header = decode_header(ann.grpc().token()).unwrap();
    assert_eq!(header.kid.as_deref(), keys[0]["kid"].as_str());
    assert_eq!(header.typ.as_deref(), Some("at+jwt"), "RFC 9068");
    let reply = stranger.grpc().keys().get_key_set(GetKeySetRequest {}).await.unwrap();
    assert_eq!(reply.into_inner().keys[0].kid, keys[0]["kid"].as_str().unwrap());
}

#[tokio::test]
async fn a_token_says_who_it_is_for_and_nothing_private() {
    let stack = Stack::start().await;
    let ann = Person::editor(&stack, "ann").await;
    let claims = ann.grpc().token().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["aud"], "mainstay");
    assert_eq!(claims["sub"], ann.id.as_str());
    assert_eq!(claims["roles"], serde_json::json!(["editor"]));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    let standard = ["acr", "amr", "aud", "auth_time", "exp", "iat", "iss", "jti", "nbf"];
    assert_eq!(names, [&standard[..], &["roles", "sid", "sub"]].concat());
}

#[tokio::test]
async fn instances_that_start_together_make_one_key() {
    let databases = Databases::create().await;
    let logs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let settings: BTreeMap<String, String> = [
        ("MAINSTAY_LISTEN", "localhost:0"),
        ("MAINSTAY_ADMIN_LISTEN", "localhost:0"),
        ("MAINSTAY_STOP_ON_STDIN_CLOSE", "true"),
        ("MAINSTAY_DATABASE_CONNECTIONS", "2"),
        ("DATABASE_URL", &databases.auth.url),
        ("MAINSTAY_SECRET_KEY", &URL_SAFE_NO_PAD.encode([1; 32])),
        ("MAINSTAY_ISSUER", ISSUER),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    let start = |log: &tempfile::TempDir| {
        let (settings, log) = (settings.clone(), log.path().to_owned());
        async move { Service::start("auth", settings, &log).await }
    };
    let instances = futures_util::future::join_all(logs.iter().map(start)).await;
    assert_eq!(instances.len(), 3);
    let rows = databases.auth.rows("SELECT kid, sealed FROM signing_keys", &[]).await;
    assert_eq!(rows.len(), 1);
    let sealed: Vec<u8> = rows[0].get("sealed");
    // PKCS#8 of Ed25519 holds this object identifier in the clear.
    assert!(!sealed.windows(3).any(|bytes| bytes == [0x2b, 0x65, 0x70]), "encrypted at rest");
}
