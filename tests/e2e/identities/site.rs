//! Another site that people sign in with, and that lies when it is told to.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use platform::server::spawn;
use serde_json::{Value, json};
use tests::{Builder, Stack};
use tokio::{net::TcpListener, task::AbortHandle};

use super::key::{Key, Signature};

/// What the site knows of us.
pub(super) const CLIENT: &str = "mainstay-at-acme";
pub(super) const SECRET: &str = "known-to-acme-and-us";

/// A running site. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) issuer: String,
    state: Arc<Mutex<State>>,
    server: AbortHandle,
}

#[derive(Debug)]
struct State {
    key: Key,
    /// What the discovery document says beside the usual.
    more: Value,
    grants: BTreeMap<String, Grant>,
    granted: usize,
    user_info: Value,
    asked: BTreeMap<String, usize>,
}

#[derive(Debug)]
struct Grant {
    challenge: String,
    redirect_uri: String,
    claims: Value,
    signature: Signature,
}

// === impl Site ===

impl Site {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            key: Key::new("one"),
            more: json!({}),
            grants: BTreeMap::new(),
            granted: 0,
            user_info: json!({}),
            asked: BTreeMap::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let server = spawn(serve(listener, issuer.clone(), Arc::clone(&state))).abort_handle();
        Self { issuer, state, server }
    }

    /// Settings of a stack that knows the site as `acme`.
    pub(super) fn known(&self, builder: Builder) -> Builder {
        self.known_as(builder, "acme")
    }

    /// The same under another name; of several, the last name is listed first.
    pub(super) fn known_as(&self, builder: Builder, id: &str) -> Builder {
        let prefix = format!("MAINSTAY_PROVIDER_{}", id.to_uppercase());
        builder
            .set("auth", "MAINSTAY_PROVIDERS", id)
            .set("auth", &format!("{prefix}_ISSUER"), &self.issuer)
            .set("auth", &format!("{prefix}_CLIENT_ID"), CLIENT)
            .set("auth", &format!("{prefix}_CLIENT_SECRET"), SECRET)
            .set("auth", &format!("{prefix}_NAME"), "Acme Inc.")
    }

    /// A stack that knows the site.
    pub(super) async fn stack(&self) -> Stack {
        self.known(Stack::builder()).start().await
    }

    /// Says yes to a visit, and returns the code that goes back with the browser.
    /// The site says of the visitor what `claims` says, and lies as told.
    pub(super) fn grant(&self, visit: &str, claims: &Value, signature: Signature) -> String {
        let mut state = self.state.lock().unwrap();
        state.granted += 1;
        let code = format!("s3cret-code-{}", state.granted);
        let now = Timestamp::now().as_second();
        let mut all = json!({
            "iss": self.issuer, "aud": CLIENT, "nonce": param(visit, "nonce"),
            "iat": now, "exp": now + 300,
        });
        for (name, value) in claims.as_object().unwrap() {
            match value {
                Value::Null => drop(all.as_object_mut().unwrap().remove(name)),
                value => all[name] = value.clone(),
            }
        }
        let challenge = param(visit, "code_challenge");
        let redirect_uri = decoded(&param(visit, "redirect_uri"));
        state
            .grants
            .insert(code.clone(), Grant { challenge, redirect_uri, claims: all, signature });
        code
    }

    /// What the site says about visitors when it is asked again.
    pub(super) fn set_user_info(&self, said: Value) {
        self.state.lock().unwrap().user_info = said;
    }

    /// What its discovery document says beside the usual.
    pub(super) fn set_more(&self, more: Value) {
        self.state.lock().unwrap().more = more;
    }

    /// Begins to sign with a new key, and to publish that only.
    pub(super) fn rotate(&self, kid: &str) {
        self.state.lock().unwrap().key = Key::new(kid);
    }

    /// How often a path was asked for.
    pub(super) fn asked(&self, path: &str) -> usize {
        self.state.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A parameter of a URL or a form, as it is written there.
pub(super) fn param(url: &str, name: &str) -> String {
    let query = url.split_once('?').map_or(url, |(_, query)| query);
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(key, _)| *key == name);
    found.map(|(_, value)| value.to_owned()).unwrap_or_default()
}

/// A parameter without its percent signs.
pub(super) fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(hex, 16).unwrap());
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

async fn serve(listener: TcpListener, issuer: String, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (issuer, state) = (issuer.clone(), Arc::clone(&state));
        let service = service_fn(move |request| {
            let (issuer, state) = (issuer.clone(), Arc::clone(&state));
            async move { Ok::<_, Infallible>(answer(request, &issuer, &state).await) }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        drop(spawn(async move { drop(connection.await) }));
    }
}

async fn answer(
    request: Request<Incoming>,
    issuer: &str,
    state: &Mutex<State>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let form = request.into_body().collect().await.unwrap().to_bytes();
    let form = String::from_utf8(form.to_vec()).unwrap();
    let mut state = state.lock().unwrap();
    *state.asked.entry(path.clone()).or_default() += 1;
    let (status, body) = match path.as_str() {
        "/.well-known/openid-configuration" => (200, state.discovery(issuer)),
        "/jwks" => (200, json!({"keys": [state.key.public()]})),
        "/token" => state.redeem(&form),
        "/me" => (200, state.user_info.clone()),
        _ => (404, json!({})),
    };
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap()
}

// === impl State ===

impl State {
    fn discovery(&self, issuer: &str) -> Value {
        let mut said = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/me"),
            "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
        });
        for (name, value) in self.more.as_object().unwrap() {
            said[name] = value.clone();
        }
        said
    }

    /// Gives tokens for a code, once and to whoever knows what goes with it.
    fn redeem(&mut self, form: &str) -> (u16, Value) {
        let refused =
            (400, json!({"error": "invalid_grant", "error_description": "s3cret-detail"}));
        let Some(grant) = self.grants.remove(&param(form, "code")) else { return refused };
        let verifier = param(form, "code_verifier");
        let digest = digest(&SHA256, verifier.as_bytes());
        let goes_with = URL_SAFE_NO_PAD.encode(digest) == grant.challenge;
        if !goes_with || decoded(&param(form, "redirect_uri")) != grant.redirect_uri {
            return refused;
        }
        let mut said = json!({"access_token": "s3cret-at-acme", "token_type": "Bearer"});
        if grant.claims["without_id_token"].is_null() {
            said["id_token"] = self.key.sign(&grant.claims, grant.signature).into();
        }
        (200, said)
    }
}
