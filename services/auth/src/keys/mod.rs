//! Signing keys: made once, kept encrypted, published as a JWK set.

mod rpc;
mod store;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use platform::{
    seal::{Sealer, Unsealable},
    token::{Claims, TYPE},
};
use proto::auth::v1::Jwk;
use serde::Serialize;

pub(crate) use self::{rpc::Rpc, store::load_or_create};

/// The keys of this deployment, newest first; the newest one signs.
#[derive(Debug)]
pub(crate) struct KeySet {
    signing: Key,
    public: Vec<Jwk>,
}

struct Key {
    private: EncodingKey,
    public: Jwk,
}

/// A new key, ready to be stored.
#[derive(Debug)]
pub(crate) struct Sealed {
    kid: String,
    sealed: Vec<u8>,
}

/// What can go wrong with keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "they were encrypted with another MAINSTAY_SECRET_KEY: start with that one, or delete the rows of signing_keys"
    )]
    Sealed(#[from] Unsealable),
    #[error("no key could be made or used")]
    Crypto,
    #[error("token could not be signed")]
    Signing(#[from] jsonwebtoken::errors::Error),
    #[error(transparent)]
    Database(#[from] database::Error),
}

// === impl KeySet ===

impl KeySet {
    /// Opens stored keys, newest first.
    fn open(sealer: &Sealer, stored: &[Sealed]) -> Result<Self, Error> {
        let keys = stored.iter().map(|stored| Key::open(sealer, stored));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let public = keys.iter().map(|key| key.public.clone()).collect();
        let signing = keys.into_iter().next().ok_or(Error::Crypto)?;
        Ok(Self { signing, public })
    }

    /// Signs an access token.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, Error> {
        self.sign_as(TYPE, claims)
    }

    /// Signs something else, whose type keeps it from being taken for an access token.
    pub(crate) fn sign_as(&self, typ: &str, claims: &impl Serialize) -> Result<String, Error> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.signing.public.kid.clone());
        Ok(encode(&header, claims, &self.signing.private)?)
    }

    /// The public keys, newest first.
    pub(crate) fn public(&self) -> Vec<Jwk> {
        self.public.clone()
    }
}

// === impl Key ===

impl Key {
    /// Makes a key and seals its private half.
    fn generate(sealer: &Sealer) -> Result<Sealed, Error> {
        let pair = Ed25519KeyPair::generate().map_err(|_unspecified| Error::Crypto)?;
        // Version 1 of PKCS#8 is what jsonwebtoken reads.
        let private = pair.to_pkcs8v1().map_err(|_unspecified| Error::Crypto)?;
        let kid = thumbprint(pair.public_key().as_ref());
        let hidden = sealer.seal(kid.as_bytes(), private.as_ref());
        Ok(Sealed { kid, sealed: hidden })
    }

    fn open(sealer: &Sealer, stored: &Sealed) -> Result<Self, Error> {
        let private = sealer.open(stored.kid.as_bytes(), &stored.sealed)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&private);
        let pair = pair.map_err(|_rejected| Error::Crypto)?;
        let public = Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
            kid: stored.kid.clone(),
            alg: "EdDSA".to_owned(),
            r#use: "sig".to_owned(),
        };
        Ok(Self { private: EncodingKey::from_ed_der(&private), public })
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("public", &self.public).finish_non_exhaustive()
    }
}

/// The id of a key: RFC 7638, with the members RFC 8037 asks for.
fn thumbprint(public: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public);
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, members.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprints_are_those_of_rfc_8037() {
        let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(thumbprint(&public), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn keys_open_with_the_right_master_key_only() {
        let sealer = Sealer::from_key(&[1; 32]);
        let stored = [Key::generate(&sealer).unwrap(), Key::generate(&sealer).unwrap()];
        let keys = KeySet::open(&sealer, &stored).unwrap();
        assert_eq!(keys.public().len(), 2);
        assert_eq!(keys.signing.public.kid, stored[0].kid);
        KeySet::open(&Sealer::from_key(&[2; 32]), &stored).unwrap_err();
        KeySet::open(&sealer, &[]).unwrap_err();
    }
}
