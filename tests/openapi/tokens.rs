//! Tokens and the key set, read by other people's software.

use super::*;

use tests::{Forge, eventually};

/// Signs in and returns the token.
async fn sign_in(person: &Person) -> String {
    let session = person.grpc().sessions().create_session(person.credentials()).await.unwrap();
    session.into_inner().access_token.unwrap()
}

#[tokio::test]
async fn other_software_believes_our_tokens_across_a_rotation() {
    tools().await;
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let mut tokens = vec![sign_in(&ann).await];
    let pool = Pool::new(&stack.databases.auth.url, 1).unwrap();
    let master = stack.secret_key.parse().unwrap();
    auth::operator::keys::rotate(&pool, &master).await.unwrap();
    // Published, and not signing yet.
    tokens.push(sign_in(&ann).await);
    let sql = "UPDATE signing_keys SET signs_from = now() WHERE signs_from > now()";
    assert_eq!(stack.databases.auth.execute(sql, &[]).await, 1);
    let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid;
    let before = kid(&tokens[1]);
    assert_eq!(kid(&tokens[0]), before);
    let turned = eventually("the next key signs", LIMIT, async || {
        let token = sign_in(&ann).await;
        (kid(&token) != before).then_some(token)
    });
    tokens.push(turned.await);
    tokens.push(Forge::of(&stack).await.foreign(&ann.id));

    let jwks = format!("{}/.well-known/jwks.json", url(&stack));
    std::fs::copy(here("tokens.mjs"), Path::new(TOOLS).join("tokens.mjs")).unwrap();
    let mut jose = Command::new("node");
    jose.args(["tokens.mjs", &jwks, tests::ISSUER]).args(&tokens).current_dir(TOOLS);
    let said = passes(&mut jose, LIMIT).await;
    assert!(said.contains("jose believes 3 tokens of 2 keys"), "{said}");
    let mut joserfc = tool("venv/bin/python");
    joserfc.args([&here("tokens.py"), &jwks, tests::ISSUER]).args(&tokens);
    let said = passes(&mut joserfc, LIMIT).await;
    assert!(said.contains("joserfc believes 3 tokens of 2 keys"), "{said}");
}
