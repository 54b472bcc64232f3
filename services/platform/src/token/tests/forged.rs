//! Tokens that nobody of ours has made.

use super::*;

/// What is wrong with a token is named, so that a failure tells.
fn forged(ours: &Signer) -> Vec<(&'static str, String)> {
    let now = Timestamp::now().as_second();
    let head = |name: &str, value: Value| ours.sign(|header, _| header[name] = value);
    let claim = |name: &str, value: Value| ours.sign(|_, claims| claims[name] = value);
    let without =
        |name: &str| ours.sign(|_, claims| drop(claims.as_object_mut().unwrap().remove(name)));
    let mut theirs = Signer::new();
    theirs.jwk.kid.clone_from(&ours.jwk.kid);
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": theirs.jwk.x});
    vec![
        ("a foreign key", theirs.good()),
        ("its own key", theirs.sign(|header, _| header["jwk"] = jwk)),
        (
            "our own key, carried along",
            head("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": ours.jwk.x})),
        ),
        ("a link to keys", head("jku", json!("https://example.com/keys"))),
        ("a link to certificates", head("x5u", json!("https://example.com/chain"))),
        ("certificates", head("x5c", json!(["AAAA"]))),
        ("a certificate's digest", head("x5t", json!("AAAA"))),
        ("a critical extension", head("crit", json!(["exp"]))),
        (
            "a payload that is not encoded",
            ours.sign(|header, _| {
                (header["crit"], header["b64"]) = (json!(["b64"]), json!(false));
            }),
        ),
        ("another type", head("typ", json!("JWT"))),
        ("no type", ours.sign(|header, _| drop(header.as_object_mut().unwrap().remove("typ")))),
        ("an unknown key", head("kid", json!("k2"))),
        ("a path as a key", head("kid", json!("../../dev/null"))),
        ("no key", ours.sign(|header, _| drop(header.as_object_mut().unwrap().remove("kid")))),
        ("no algorithm", head("alg", json!("none"))),
        ("no algorithm, in capitals", head("alg", json!("NONE"))),
        ("another algorithm", head("alg", json!("ES256"))),
        ("another issuer", claim("iss", json!("them"))),
        ("issuers", claim("iss", json!(["us", "them"]))),
        ("another audience", claim("aud", json!("other"))),
        ("a user that is none", claim("sub", json!("root"))),
        ("not yet", claim("nbf", json!(now + 60))),
        ("a time as text", claim("exp", json!("4000000000"))),
        ("no end", without("exp")),
        ("no beginning", without("nbf")),
        ("no session", without("sid")),
        ("no user", without("sub")),
        ("no issuer", without("iss")),
        ("no audience", without("aud")),
        ("too long", claim("pad", json!("x".repeat(MAX_BYTES)))),
    ]
}

/// Tokens whose text is not what a token's is.
fn misspelt(ours: &Signer) -> Vec<(&'static str, String)> {
    let good = ours.good();
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let claims_twice = Signer::claims().to_string().replacen(
        '{',
        r#"{"sub":"00000000-0000-0000-0000-000000000000","#,
        1,
    );
    let header_twice = ours.header().to_string().replacen('{', r#"{"alg":"none","#, 1);
    // 64 bytes leave four bits of the last character without a meaning.
    let last = signature.chars().last().unwrap();
    let twin = if last == 'A' { 'B' } else { char::from(u8::try_from(last).unwrap() + 1) };
    let respelt = format!("{message}.{}{twin}", signature.strip_suffix(last).unwrap());
    vec![
        ("no signature", format!("{message}.")),
        ("two parts", message.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("detached", format!("{header}..{signature}")),
        ("bytes behind", format!("{good}AAAA")),
        ("a line behind", format!("{good}\n")),
        ("a blank in front", format!(" {good}")),
        ("padded", format!("{good}==")),
        ("the other alphabet", format!("{message}.{}", "+".repeat(86))),
        ("a second spelling", respelt),
        ("cut", good.chars().take(good.len() - 1).collect()),
        ("swapped parts", format!("{claims}.{header}.{signature}")),
        ("a claim twice", ours.sign_text(&ours.header().to_string(), &claims_twice)),
        ("a header twice", ours.sign_text(&header_twice, &Signer::claims().to_string())),
        ("JSON with more behind", ours.sign_text(&format!("{} x", ours.header()), "{}")),
        ("no object", ours.sign_text(&ours.header().to_string(), "[]")),
        ("JSON instead", json!({"payload": claims, "signatures": []}).to_string()),
        ("nothing in it", "a.b.c".to_owned()),
        ("dots", "..".to_owned()),
        ("nothing", String::new()),
        ("not even text", "\u{0}\u{fffd}".to_owned()),
    ]
}

#[tokio::test]
async fn forged_tokens_are_refused_whatever_is_wrong_with_them() {
    let ours = Signer::new();
    let (_, verifier) = trusting(&[&ours]);
    for (what, token) in forged(&ours).into_iter().chain(misspelt(&ours)) {
        assert_eq!(verifier.verify(&token).await.err(), Some(Refused::Invalid), "{what}: {token}");
    }
    verifier.verify(&ours.good()).await.unwrap();
}

#[tokio::test]
async fn every_bit_of_a_token_counts() {
    let ours = Signer::new();
    let (_, verifier) = trusting(&[&ours]);
    let good = ours.good();
    for place in 0..good.len() {
        for bit in 0..7 {
            let mut bytes = good.clone().into_bytes();
            bytes[place] ^= 1 << bit;
            let token = String::from_utf8(bytes).unwrap();
            assert_eq!(verifier.verify(&token).await.err(), Some(Refused::Invalid), "{token}");
        }
    }
}
