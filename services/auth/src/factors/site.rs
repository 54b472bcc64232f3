//! Passkeys of this site: what `WebAuthn` asks of browsers and what it accepts.

use std::str::FromStr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prost_types::Struct;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, Passkey, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, Url, Webauthn, WebauthnBuilder,
    WebauthnError,
};

use super::{Error, json};

/// Origins, separated by commas.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Vec<Url>);

/// Where users reach the product.
#[derive(Debug)]
pub(crate) struct Site {
    /// Its host, which authenticator apps show.
    pub(super) name: String,
    /// None where a URL has no host name: browsers tie passkeys to one.
    webauthn: Option<Webauthn>,
}

/// Whom a passkey is made for.
#[derive(Debug)]
pub(super) struct Holder<'a> {
    pub(super) user_id: Uuid,
    pub(super) name: &'a str,
    pub(super) display_name: &'a str,
    /// What they have already.
    pub(super) credentials: Vec<Vec<u8>>,
}

// === impl Origins ===

impl FromStr for Origins {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let origins = s.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        let origins = origins.map(|origin| match Url::parse(origin) {
            Ok(url) if url.domain().is_some() && url.path() == "/" => Ok(url),
            _ => Err(format!("not an origin such as https://example.com: {origin}")),
        });
        origins.collect::<Result<_, _>>().map(Self)
    }
}

// === impl Site ===

impl Site {
    /// The site at a URL, and other origins where its passkeys may be used.
    pub(crate) fn new(public_url: &str, origins: &Origins) -> Self {
        let url = Url::parse(public_url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
        let webauthn = url.as_ref().and_then(|url| webauthn(url, origins).ok());
        if webauthn.is_none() {
            tracing::warn!("there are no passkeys: MAINSTAY_PUBLIC_URL has no host name");
        }
        Self { name: if host.is_empty() { "mainstay".to_owned() } else { host }, webauthn }
    }

    /// Asks a browser for a new passkey.
    pub(super) fn ask_new(
        &self,
        holder: &Holder<'_>,
    ) -> Result<(Struct, PasskeyRegistration), Error> {
        let Holder { user_id, name, display_name, credentials } = holder;
        let begun = self.webauthn()?.start_passkey_registration(*user_id, name, display_name, None);
        let (asked, state) = begun.map_err(|error| unusable(&error))?;
        let mut options = serde_json::to_value(asked.public_key).unwrap_or_default();
        if let Some(options) = options.as_object_mut() {
            options.insert("excludeCredentials".to_owned(), descriptors(credentials));
            let selection = options.get_mut("authenticatorSelection");
            if let Some(selection) = selection.and_then(Value::as_object_mut) {
                // It is found without a user name, to sign in with nothing else.
                selection.insert("residentKey".to_owned(), "required".into());
                selection.insert("requireResidentKey".to_owned(), true.into());
            }
        }
        Ok((json::write(&options), state))
    }

    /// Accepts what a browser made of that.
    pub(super) fn accept_new(
        &self,
        made: &Struct,
        state: &PasskeyRegistration,
    ) -> Result<Passkey, Error> {
        let made: RegisterPublicKeyCredential = json::read(made).ok_or(Error::PasskeyRefused)?;
        let passkey = self.webauthn()?.finish_passkey_registration(&made, state);
        passkey.map_err(|error| {
            tracing::info!(%error, "a new passkey was refused");
            Error::PasskeyRefused
        })
    }

    /// Asks a browser to use one of some passkeys, or any that it finds.
    pub(super) fn ask(
        &self,
        credentials: &[Vec<u8>],
    ) -> Result<(Struct, DiscoverableAuthentication), Error> {
        let begun = self.webauthn()?.start_discoverable_authentication();
        let (asked, state) = begun.map_err(|error| unusable(&error))?;
        let mut options = serde_json::to_value(asked.public_key).unwrap_or_default();
        if let Some(options) = options.as_object_mut() {
            options.insert("allowCredentials".to_owned(), descriptors(credentials));
        }
        Ok((json::write(&options), state))
    }

    /// Verifies what a browser answered, with the passkey that it names.
    pub(super) fn verify(
        &self,
        shown: &PublicKeyCredential,
        state: DiscoverableAuthentication,
        passkey: &Passkey,
    ) -> Result<AuthenticationResult, WebauthnError> {
        let webauthn = self.webauthn.as_ref().ok_or(WebauthnError::Configuration)?;
        let passkey = webauthn_rs::prelude::DiscoverableKey::from(passkey);
        webauthn.finish_discoverable_authentication_v2(shown, state, &passkey)
    }

    fn webauthn(&self) -> Result<&Webauthn, Error> {
        self.webauthn.as_ref().ok_or(Error::NoPasskeys)
    }
}

fn webauthn(url: &Url, origins: &Origins) -> Result<Webauthn, WebauthnError> {
    let host = url.domain().ok_or(WebauthnError::Configuration)?;
    // On one's own machine the port of the day is not known beforehand.
    let is_local = host == "localhost";
    let builder = WebauthnBuilder::new(host, url)?.rp_name(host).allow_any_port(is_local);
    let builder = origins.0.iter().fold(builder, WebauthnBuilder::append_allowed_origin);
    builder.build()
}

fn descriptors(credentials: &[Vec<u8>]) -> Value {
    let descriptor = |id: &Vec<u8>| json!({"type": "public-key", "id": URL_SAFE_NO_PAD.encode(id)});
    credentials.iter().map(descriptor).collect()
}

fn unusable(error: &WebauthnError) -> Error {
    tracing::error!(%error, "a passkey could not be asked for");
    Error::Unusable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_need_a_host_name() {
        let has = |url: &str| Site::new(url, &Origins::default()).webauthn.is_some();
        assert!(has("https://example.com") && has("http://localhost:8080"));
        assert!(!has("http://127.0.0.1:8080") && !has("https://[::1]") && !has("nonsense"));
        assert_eq!(Site::new("https://example.com/app", &Origins::default()).name, "example.com");
    }

    #[test]
    fn origins_are_read() {
        let origins: Origins = "https://a.example.com, https://b.example.com:444".parse().unwrap();
        assert_eq!(origins.0.len(), 2);
        for wrong in ["example.com", "https://a.com/path", "https://1.2.3.4"] {
            wrong.parse::<Origins>().unwrap_err();
        }
    }

    #[test]
    fn a_browser_is_asked_for_what_signs_in_alone() {
        let site = Site::new("https://example.com", &Origins::default());
        let holder = Holder {
            user_id: Uuid::now_v7(),
            name: "ann@example.com",
            display_name: "Ann",
            credentials: vec![vec![1, 2, 3]],
        };
        let (options, _) = site.ask_new(&holder).unwrap();
        let options: Value = json::read(&options).unwrap();
        assert_eq!(options["rp"]["id"], "example.com");
        let selection = &options["authenticatorSelection"];
        assert_eq!(selection["residentKey"], "required");
        assert_eq!(selection["userVerification"], "required");
        assert_eq!(options["excludeCredentials"][0]["id"], "AQID");

        let (options, _) = site.ask(&[]).unwrap();
        let options: Value = json::read(&options).unwrap();
        assert_eq!(options["userVerification"], "required");
        assert_eq!(options["allowCredentials"], json!([]));
    }
}
