//! The keys that tokens are verified with, as strictly as they must be read.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use proto::auth::v1::Jwk;

/// A rotation has three, and one that goes wrong a few more.
const MOST_KEYS: usize = 16;
const LENGTH: usize = 32;

/// Keys that may be used, by id.
///
/// A set that cannot come from auth as it should be is refused as a whole: whoever
/// can slip a key into it may have changed the others, too. A key of a kind that we
/// do not know is passed over, as RFC 7517, section 5, asks.
#[derive(Clone, Default)]
pub struct VerifiedKeySet(Arc<HashMap<String, Arc<DecodingKey>>>);

/// Why a set of keys is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKeys {
    /// No key is left.
    #[error("a key set without a key that can be used")]
    Empty,
    /// Nobody has so many.
    #[error("a key set with too many keys")]
    TooMany,
    /// An id is there twice, so that it does not say which key it means.
    #[error("a key set that has an id twice")]
    Duplicate,
    /// A secret is among public keys: whoever knows it could sign.
    #[error("a key set with a symmetric key")]
    Symmetric,
    /// An id is not that of its key.
    #[error("a key set with a key under the id of another")]
    Misnamed,
}

// === impl VerifiedKeySet ===

impl VerifiedKeySet {
    /// Reads a set.
    pub fn new(keys: &[Jwk]) -> Result<Self, UnusableKeys> {
        if keys.len() > MOST_KEYS {
            return Err(UnusableKeys::TooMany);
        }
        let mut used = HashMap::new();
        let mut names = Vec::new();
        for key in keys {
            if key.kty.eq_ignore_ascii_case("oct") || key.alg.to_ascii_uppercase().starts_with("HS")
            {
                return Err(UnusableKeys::Symmetric);
            }
            if names.contains(&&key.kid) {
                return Err(UnusableKeys::Duplicate);
            }
            names.push(&key.kid);
            let Some(raw) = raw(key) else { continue };
            if thumbprint(&raw) != key.kid {
                return Err(UnusableKeys::Misnamed);
            }
            used.insert(key.kid.clone(), Arc::new(DecodingKey::from_ed_der(&raw)));
        }
        if used.is_empty() { Err(UnusableKeys::Empty) } else { Ok(Self(Arc::new(used))) }
    }

    /// The key with an id.
    pub(super) fn find(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.0.get(kid).cloned()
    }

    /// The ids of the keys.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl std::fmt::Debug for VerifiedKeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.ids()).finish()
    }
}

/// The bytes of an Ed25519 key for signatures; none if it is another one.
fn raw(key: &Jwk) -> Option<[u8; LENGTH]> {
    let is_ours =
        key.kty == "OKP" && key.crv == "Ed25519" && key.alg == "EdDSA" && key.r#use == "sig";
    let raw: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(&key.x).ok()?.try_into().ok()?;
    (is_ours && !is_of_small_order(raw)).then_some(raw)
}

/// The id of a key: RFC 7638, with the members RFC 8037 asks for.
pub fn thumbprint(public: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public);
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    let digest = digest::digest(&digest::SHA256, members.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref())
}

/// Two points that are eight times nothing.
const EIGHTH: [[u8; LENGTH]; 2] = [
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// Points with which one signature fits many messages (RFC 8032, section 5.1.7, and
/// libsodium's list). The highest bit, a sign, does not count.
fn is_of_small_order(mut point: [u8; LENGTH]) -> bool {
    let [.., last] = &mut point;
    *last &= 0x7f;
    let flat = |first: u8, middle: u8, last: u8| {
        let mut bytes = [middle; LENGTH];
        let [head, .., tail] = &mut bytes;
        (*head, *tail) = (first, last);
        bytes
    };
    let flats = [
        flat(0, 0, 0),
        flat(1, 0, 0),
        flat(0xec, 0xff, 0x7f),
        flat(0xed, 0xff, 0x7f),
        flat(0xee, 0xff, 0x7f),
    ];
    flats.contains(&point) || EIGHTH.contains(&point)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwk(public: &[u8]) -> Jwk {
        Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: URL_SAFE_NO_PAD.encode(public),
            kid: thumbprint(public),
            alg: "EdDSA".to_owned(),
            r#use: "sig".to_owned(),
        }
    }

    fn changed(change: impl FnOnce(&mut Jwk)) -> Jwk {
        let mut key = jwk(&[9; LENGTH]);
        change(&mut key);
        key
    }

    fn refusal(keys: &[Jwk]) -> Option<UnusableKeys> {
        VerifiedKeySet::new(keys).err()
    }

    #[test]
    fn thumbprints_are_those_of_rfc_8037() {
        let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(thumbprint(&public), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_set_that_auth_would_not_make_is_refused_as_a_whole() {
        let good = || jwk(&[9; LENGTH]);
        assert_eq!(refusal(&[good()]), None);
        assert_eq!(refusal(&[]), Some(UnusableKeys::Empty));
        assert_eq!(refusal(&[good(), good()]), Some(UnusableKeys::Duplicate));
        let same_name = changed(|key| key.x = jwk(&[8; LENGTH]).x);
        assert_eq!(refusal(std::slice::from_ref(&same_name)), Some(UnusableKeys::Misnamed));
        assert_eq!(refusal(&[good(), same_name]), Some(UnusableKeys::Duplicate));
        let many: Vec<_> = (0..17).map(|n| jwk(&[n + 2; LENGTH])).collect();
        assert_eq!(refusal(&many), Some(UnusableKeys::TooMany));
        assert_eq!(refusal(&many[..16]), None);
        for (kty, alg) in [("oct", "HS256"), ("oct", ""), ("OCT", "EdDSA"), ("OKP", "hs512")] {
            let symmetric = changed(|key| {
                (key.kty, key.alg) = (kty.to_owned(), alg.to_owned());
                "other".clone_into(&mut key.kid);
            });
            assert_eq!(refusal(&[good(), symmetric]), Some(UnusableKeys::Symmetric), "{kty} {alg}");
        }
    }

    #[test]
    fn a_key_that_is_not_ours_is_passed_over_and_never_used() {
        let strange: [fn(&mut Jwk); 12] = [
            |key| key.kty = "RSA".to_owned(),
            |key| key.kty = "EC".to_owned(),
            |key| key.kty = "okp".to_owned(),
            |key| key.crv = "X25519".to_owned(),
            |key| key.crv = "Ed448".to_owned(),
            |key| key.alg = "ES256".to_owned(),
            |key| key.alg = String::new(),
            |key| key.r#use = "enc".to_owned(),
            |key| key.r#use = String::new(),
            |key| key.x.push('='),
            |key| key.x.truncate(40),
            |key| key.x = "*".to_owned(),
        ];
        for (number, change) in strange.into_iter().enumerate() {
            let key = changed(change);
            assert_eq!(refusal(std::slice::from_ref(&key)), Some(UnusableKeys::Empty), "{number}");
            let set = VerifiedKeySet::new(&[jwk(&[8; LENGTH]), key.clone()]).unwrap();
            assert!(set.find(&key.kid).is_none() && set.ids().count() == 1, "{number}");
        }
    }

    #[test]
    fn one_key_has_one_spelling() {
        // The last character of 32 bytes has two bits that are not used.
        let mut key = jwk(&[9; LENGTH]);
        let last = key.x.pop().unwrap();
        for other in ('A'..='Z').chain('a'..='z').chain('0'..='9').filter(|it| *it != last) {
            let spelt = Jwk { x: format!("{}{other}", key.x), ..key.clone() };
            assert!(refusal(&[spelt]).is_some(), "{other}");
        }
    }

    #[test]
    fn keys_that_fit_every_message_are_not_used() {
        let mut one = [0; LENGTH];
        one[0] = 1;
        let mut signed = one;
        signed[31] = 0x80;
        for weak in [[0; LENGTH], one, signed] {
            assert_eq!(refusal(&[jwk(&weak)]), Some(UnusableKeys::Empty), "{weak:?}");
        }
    }
}
