//! Access tokens: minted by auth, verified by every service on its own.
//!
//! A token is a JWT signed with Ed25519 (RFC 8037, RFC 9068). The key that it
//! names pins the one algorithm; issuer, audience, type and times must all be
//! right. Verifying costs about 30 µs, so verified tokens are remembered.

mod claims;
mod keys;

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header, errors::ErrorKind};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::keys::{KeyRing, Lookup};
pub use self::{
    claims::{MACHINE, SERVICE},
    keys::{FetchError, KeySource, fetch_from_auth},
};

/// The audience of every access token: the services of this product.
pub const AUDIENCE: &str = "mainstay";
/// The `typ` of every access token (RFC 9068).
pub const TYPE: &str = "at+jwt";

const MAX_BYTES: usize = 4096;
const LEEWAY_SECONDS: u64 = 5;
const REMEMBERED: u64 = 10_000;

/// What a token says, in the names of RFC 7519 and OpenID Connect.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Who it is for.
    pub aud: String,
    /// The user.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    /// The token itself.
    pub jti: Uuid,
    /// When it was issued, in Unix seconds.
    pub iat: i64,
    /// Since when it is valid.
    pub nbf: i64,
    /// Until when it is valid.
    pub exp: i64,
    /// The user's ranks.
    pub roles: Vec<String>,
    /// When the user proved who they are, in Unix seconds (OpenID Connect Core).
    #[serde(default)]
    pub auth_time: i64,
    /// How well: `aal1`, or `aal2` with a second factor (NIST SP 800-63B).
    #[serde(default)]
    pub acr: String,
    /// With what (RFC 8176).
    #[serde(default)]
    pub amr: Vec<String>,
    /// Who acts in the user's name (RFC 8693).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// What a machine may do, scopes with spaces between them (RFC 8693); none for
    /// people, who may do all that they may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// Who acts in the name of another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Actor {
    /// The user who does.
    pub sub: Uuid,
}

/// Verifies access tokens.
#[derive(Clone, Debug)]
pub struct Verifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    validation: Validation,
    keys: KeyRing,
    verified: Cache<String, Arc<Claims>>,
}

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not one of ours.
    #[error("invalid token")]
    Invalid,
    /// It was, but its time is over.
    #[error("expired token")]
    Expired,
    /// There are no keys to verify it with.
    #[error("no keys to verify tokens with")]
    NoKeys,
}

// === impl Verifier ===

impl Verifier {
    /// Accepts tokens of an issuer that are signed with a key of the source.
    pub fn new(issuer: &str, source: KeySource) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.required_spec_claims =
            HashSet::from(["exp", "nbf", "iss", "aud", "sub"].map(str::to_owned));
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        let verified = Cache::new(REMEMBERED);
        Self(Arc::new(Inner { validation, keys: KeyRing::new(source), verified }))
    }

    /// Returns what a token says if it can be believed.
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, Refused> {
        if let Some(claims) = self.0.verified.get(token) {
            if claims.exp > Timestamp::now().as_second() && self.0.keys.are_usable() {
                return Ok(claims);
            }
            self.0.verified.invalidate(token);
        }
        let claims = Arc::new(self.verify_afresh(token).await?);
        self.0.verified.insert(token.to_owned(), Arc::clone(&claims));
        Ok(claims)
    }

    async fn verify_afresh(&self, token: &str) -> Result<Claims, Refused> {
        if token.len() > MAX_BYTES {
            return Err(Refused::Invalid);
        }
        let header = decode_header(token).map_err(|_malformed| Refused::Invalid)?;
        let carries_a_key = header.jku.is_some()
            || header.jwk.is_some()
            || header.x5u.is_some()
            || header.x5c.is_some();
        if header.typ.as_deref() != Some(TYPE) || header.alg != Algorithm::EdDSA || carries_a_key {
            return Err(Refused::Invalid);
        }
        let kid = header.kid.ok_or(Refused::Invalid)?;
        let key = match self.0.keys.find(&kid).await {
            Lookup::Found(key) => key,
            Lookup::Unknown => return Err(Refused::Invalid),
            Lookup::NoKeys => return Err(Refused::NoKeys),
        };
        let decoded = decode::<Claims>(token, &key, &self.0.validation);
        decoded.map(|data| data.claims).map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => Refused::Expired,
            _ => Refused::Invalid,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use jsonwebtoken::{EncodingKey, Header, encode};
    use proto::auth::v1::Jwk;

    use super::*;

    struct Signer {
        key: EncodingKey,
        jwk: Jwk,
    }

    impl Signer {
        fn new(kid: &str) -> Self {
            let pair = Ed25519KeyPair::generate().unwrap();
            let key = EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref());
            let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
            let jwk = Jwk {
                kty: "OKP".to_owned(),
                crv: "Ed25519".to_owned(),
                x,
                kid: kid.to_owned(),
                alg: "EdDSA".to_owned(),
                r#use: "sig".to_owned(),
            };
            Self { key, jwk }
        }

        fn sign(&self, change: impl FnOnce(&mut Header, &mut serde_json::Value)) -> String {
            let now = Timestamp::now().as_second();
            let mut claims = serde_json::json!({
                "iss": "us", "aud": AUDIENCE, "sub": Uuid::now_v7(), "sid": Uuid::now_v7(),
                "jti": Uuid::now_v7(), "iat": now, "nbf": now, "exp": now + 60, "roles": [],
            });
            let mut header = Header::new(Algorithm::EdDSA);
            header.typ = Some(TYPE.to_owned());
            header.kid = Some(self.jwk.kid.clone());
            change(&mut header, &mut claims);
            encode(&header, &claims, &self.key).unwrap()
        }
    }

    fn verifier(keys: Vec<Jwk>) -> Verifier {
        Verifier::new("us", Box::new(move || Box::pin(std::future::ready(Ok(keys.clone())))))
    }

    #[tokio::test]
    async fn accepts_its_own_tokens_and_nothing_else() {
        let (ours, theirs) = (Signer::new("k1"), Signer::new("k1"));
        let verifier = verifier(vec![ours.jwk.clone()]);
        let good = ours.sign(|_, _| {});
        verifier.verify(&good).await.unwrap();
        verifier.verify(&good).await.unwrap();

        let now = Timestamp::now().as_second();
        let expired = ours.sign(|_, claims| claims["exp"] = (now - 6).into());
        assert_eq!(verifier.verify(&expired).await.unwrap_err(), Refused::Expired);

        let forged = [
            theirs.sign(|_, _| {}),
            ours.sign(|header, _| header.typ = Some("JWT".to_owned())),
            ours.sign(|header, _| header.typ = None),
            ours.sign(|header, _| header.kid = Some("k2".to_owned())),
            ours.sign(|header, _| header.kid = None),
            ours.sign(|header, _| header.jku = Some("https://example.com/keys".to_owned())),
            ours.sign(|_, claims| claims["iss"] = "them".into()),
            ours.sign(|_, claims| claims["aud"] = "other".into()),
            ours.sign(|_, claims| claims["nbf"] = (now + 60).into()),
            ours.sign(|_, claims| claims["sub"] = "root".into()),
            ours.sign(|_, claims| {
                claims.as_object_mut().unwrap().remove("exp");
            }),
            ours.sign(|_, claims| {
                claims.as_object_mut().unwrap().remove("nbf");
            }),
            ours.sign(|_, claims| claims["pad"] = "x".repeat(MAX_BYTES).into()),
            good.rsplit_once('.').unwrap().0.to_owned() + ".",
            "a.b.c".to_owned(),
            String::new(),
        ];
        for token in forged {
            assert_eq!(verifier.verify(&token).await.unwrap_err(), Refused::Invalid, "{token}");
        }
        let tampered = good.replacen(['a', 'b'], "c", 1);
        assert_eq!(verifier.verify(&tampered).await.unwrap_err(), Refused::Invalid);
    }

    #[tokio::test]
    async fn a_symmetric_signature_over_the_public_key_is_refused() {
        let ours = Signer::new("k1");
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some("k1".to_owned());
        let secret = URL_SAFE_NO_PAD.decode(&ours.jwk.x).unwrap();
        let claims = serde_json::json!({"iss": "us", "aud": AUDIENCE, "exp": 4_000_000_000_u64});
        let token = encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap();
        let verifier = verifier(vec![ours.jwk]);
        assert_eq!(verifier.verify(&token).await.unwrap_err(), Refused::Invalid);
    }

    #[tokio::test]
    async fn keys_are_asked_for_once_and_never_twice_under_one_id() {
        let (one, two) = (Signer::new("same"), Signer::new("same"));
        let asked = Arc::new(AtomicUsize::new(0));
        let (counter, keys) = (Arc::clone(&asked), vec![one.jwk.clone(), two.jwk.clone()]);
        let source: KeySource = Box::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Box::pin(std::future::ready(Ok(keys.clone())))
        });
        let verifier = Verifier::new("us", source);
        for signer in [&one, &two] {
            let token = signer.sign(|_, _| {});
            verifier.verify(&token).await.unwrap_err();
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
