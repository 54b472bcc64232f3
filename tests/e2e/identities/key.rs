//! The key of another site, in good hands and in bad ones.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};

use super::site::SECRET;

/// How an ID token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    /// As it should be.
    Good,
    /// Not at all, and it says so.
    Unsigned,
    /// With the secret that the site shares with us.
    SharedSecret,
    /// With the public key, as if that was a shared secret.
    PublicKey,
    /// By somebody else, under the name of the site's key.
    Foreign,
    /// With a key that the site does not publish.
    Unpublished,
    /// As it should be, but it says that it is an access token.
    AccessToken,
}

#[derive(Debug)]
pub(super) struct Key {
    kid: String,
    pair: KeyPair,
}

// === impl Key ===

impl Key {
    pub(super) fn new(kid: &str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        Self { kid: kid.to_owned(), pair }
    }

    pub(super) fn public(&self) -> Value {
        let point = self.pair.public_key_raw();
        let [x, y] = [&point[1..33], &point[33..65]].map(|it| URL_SAFE_NO_PAD.encode(it));
        let (kty, crv) = ("EC", "P-256");
        json!({"kty": kty, "crv": crv, "x": x, "y": y, "kid": self.kid, "use": "sig", "alg": "ES256"})
    }

    pub(super) fn sign(&self, claims: &Value, signature: Signature) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.clone());
        let own = EncodingKey::from_ec_der(&self.pair.serialize_der());
        let foreign = EncodingKey::from_ec_der(&Self::new("any").pair.serialize_der());
        match signature {
            Signature::Good => encode(&header, claims, &own).unwrap(),
            Signature::Foreign => encode(&header, claims, &foreign).unwrap(),
            Signature::Unpublished => {
                header.kid = Some("unpublished".to_owned());
                encode(&header, claims, &foreign).unwrap()
            }
            Signature::AccessToken => {
                header.typ = Some("at+jwt".to_owned());
                encode(&header, claims, &own).unwrap()
            }
            Signature::SharedSecret => {
                let header = Header::new(Algorithm::HS256);
                encode(&header, claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
            }
            Signature::PublicKey => {
                let mut header = Header::new(Algorithm::HS256);
                header.kid = Some(self.kid.clone());
                let key = EncodingKey::from_secret(self.pair.public_key_raw());
                encode(&header, claims, &key).unwrap()
            }
            Signature::Unsigned => {
                let parts = [json!({"alg": "none", "typ": "JWT"}), claims.clone()];
                let parts = parts.map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
                format!("{}.", parts.join("."))
            }
        }
    }
}
