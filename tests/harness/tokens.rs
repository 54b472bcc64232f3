//! Access tokens that nobody was given: forged, expired, or a service's.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use platform::{
    seal::MasterKey,
    token::{AUDIENCE, TYPE},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::stack::{ISSUER, Stack};

/// The signing key of a stack in the wrong hands.
pub struct Forge {
    kid: String,
    key: EncodingKey,
}

// === impl Forge ===

impl Forge {
    /// Takes the key out of the database and unseals it.
    pub async fn of(stack: &Stack) -> Self {
        let rows = stack.databases.auth.rows("SELECT kid, sealed FROM signing_keys", &[]).await;
        let (kid, sealed): (String, Vec<u8>) = (rows[0].get("kid"), rows[0].get("sealed"));
        let master: MasterKey = stack.secret_key.parse().unwrap();
        let key = master.sealer("auth signing keys").open(kid.as_bytes(), &sealed).unwrap();
        Self { kid, key: EncodingKey::from_ed_der(&key) }
    }

    /// The claims of a good token.
    pub fn claims(user_id: &str, session_id: &str, roles: &[&str]) -> Value {
        let now = Timestamp::now().as_second();
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": user_id, "sid": session_id,
            "jti": Uuid::now_v7(), "iat": now, "nbf": now, "exp": now + 300, "roles": roles,
            "auth_time": now, "acr": "aal1",
        })
    }

    /// The header of a good token.
    pub fn header(&self) -> Header {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.kid.clone());
        header
    }

    /// Signs claims.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    /// Signs claims under any header.
    pub fn sign_with(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &self.key).unwrap()
    }

    /// Another service of the product.
    pub fn service(&self) -> String {
        let id = Uuid::now_v7().to_string();
        self.sign(&Self::claims(&id, &id, &["service"]))
    }

    /// A token of a user whose time is over.
    pub fn expired(&self, user_id: &str) -> String {
        let mut claims = Self::claims(user_id, &Uuid::now_v7().to_string(), &[]);
        let now = Timestamp::now().as_second();
        (claims["iat"], claims["nbf"]) = ((now - 600).into(), (now - 600).into());
        claims["exp"] = (now - 300).into();
        self.sign(&claims)
    }

    /// A token of a user with another deployment's signature.
    pub fn foreign(&self, user_id: &str) -> String {
        let claims = Self::claims(user_id, &Uuid::now_v7().to_string(), &["admin"]);
        let secret = [7; 32];
        // RFC 8410: PKCS#8 version 1 of an Ed25519 key is this prefix and the key.
        let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        let key = EncodingKey::from_ed_der(&[&prefix[..], &secret].concat());
        encode(&self.header(), &claims, &key).unwrap()
    }

    /// A token that was changed after it was signed.
    pub fn tampered(token: &str) -> String {
        let (head, signature) = token.rsplit_once('.').unwrap();
        let swapped: String = signature.chars().rev().collect();
        format!("{head}.{swapped}")
    }
}

impl std::fmt::Debug for Forge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forge").field("kid", &self.kid).finish_non_exhaustive()
    }
}
