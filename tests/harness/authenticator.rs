//! Authenticators in software: an app that shows codes (RFC 6238) and a key that
//! holds a passkey (`WebAuthn`, level 3), by none of the code that they test.

use aws_lc_rs::{
    digest, hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// The code that an app with a secret in Base32 shows now.
pub fn totp(secret: &str) -> String {
    totp_at(secret, Timestamp::now().as_second())
}

/// The code of some Unix second.
pub fn totp_at(secret: &str, second: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &base32(secret));
    let tag = hmac::sign(&key, &(second / 30).to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 0xf);
    let bytes: [u8; 4] = tag[offset..offset + 4].try_into().unwrap();
    format!("{:06}", (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000)
}

fn base32(text: &str) -> Vec<u8> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let values = text.chars().map(|c| alphabet.find(c).unwrap());
    let bits: Vec<_> =
        values.flat_map(|value| (0..5).rev().map(move |bit| (value >> bit) & 1)).collect();
    let byte = |bits: &[usize]| bits.iter().fold(0, |byte, bit| byte * 2 + bit);
    bits.chunks_exact(8).map(|bits| u8::try_from(byte(bits)).unwrap()).collect()
}

/// A key with one passkey. What is public can be changed to be wrong.
pub struct Authenticator {
    /// Where the browser says that it is.
    pub origin: String,
    /// The site that the passkey is for.
    pub rp_id: String,
    /// How often it was used.
    pub counter: u32,
    /// Whether its user showed that it is theirs.
    pub verifies_user: bool,
    id: Vec<u8>,
    user_handle: Vec<u8>,
    key: EcdsaKeyPair,
}

// === impl Authenticator ===

impl Authenticator {
    /// A new key in a browser at an origin whose host is the site.
    pub fn new(origin: &str) -> Self {
        let host = origin.split("://").nth(1).unwrap().split(':').next().unwrap();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        Self {
            origin: origin.to_owned(),
            rp_id: host.to_owned(),
            counter: 1,
            verifies_user: true,
            id: Uuid::now_v7().into_bytes().to_vec(),
            user_handle: Vec::new(),
            key: EcdsaKeyPair::generate(algorithm).unwrap(),
        }
    }

    /// Makes the passkey: what `navigator.credentials.create` gives.
    pub fn create(&mut self, options: &Value) -> Value {
        self.user_handle = bytes(&options["user"]["id"]);
        let mut data = self.data(ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(self.public_key());
        // CBOR: {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        let client = self.client_data("webauthn.create", options);
        self.credential(&json!({
            "attestationObject": text(&object),
            "clientDataJSON": text(&client),
            "transports": ["internal"],
            "publicKeyAlgorithm": -7,
        }))
    }

    /// Uses the passkey: what `navigator.credentials.get` gives.
    pub fn get(&mut self, options: &Value) -> Value {
        self.counter += 1;
        let data = self.data(0);
        let client = self.client_data("webauthn.get", options);
        let hash = digest::digest(&digest::SHA256, &client);
        let signed = [&data, hash.as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.credential(&json!({
            "authenticatorData": text(&data),
            "clientDataJSON": text(&client),
            "signature": text(signature.as_ref()),
            "userHandle": text(&self.user_handle),
        }))
    }

    fn credential(&self, response: &Value) -> Value {
        json!({
            "id": text(&self.id),
            "rawId": text(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        })
    }

    /// Authenticator data (section 6.1).
    fn data(&self, more: u8) -> Vec<u8> {
        let verified = if self.verifies_user { USER_VERIFIED } else { 0 };
        let mut data = digest::digest(&digest::SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(USER_PRESENT | verified | more);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// The public key as COSE has it (RFC 9053): P-256, for ES256.
    fn public_key(&self) -> Vec<u8> {
        // 0x04, x, y.
        let point = self.key.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", x, b"\x22\x58\x20", y].concat()
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let client = json!({
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        });
        client.to_string().into_bytes()
    }
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").field("origin", &self.origin).finish_non_exhaustive()
    }
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn bytes(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
}
