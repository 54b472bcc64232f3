//! A client of the REST API that keeps cookies the way a browser does, and no
//! more: paths and headers go out exactly as they are written.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join;
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

/// A client. Clones share their cookies, as tabs do.
#[derive(Clone, Debug)]
pub struct Rest {
    gateway: SocketAddr,
    jar: Arc<Mutex<BTreeMap<String, String>>>,
}

/// A request about to be sent.
#[derive(Debug)]
pub struct Call {
    rest: Rest,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    keeps_cookies: bool,
}

/// What the gateway answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Bytes,
    /// The body as text, as far as it is that.
    pub text: String,
    /// The body as JSON; null if it is none.
    pub body: Value,
}

/// There was no answer: whether the request took effect is not known.
#[derive(Debug)]
pub struct Lost(pub String);

const LIMIT: Duration = Duration::from_secs(30);

// === impl Rest ===

impl Rest {
    /// A client without cookies.
    pub fn new(gateway: SocketAddr) -> Self {
        Self { gateway, jar: Arc::default() }
    }

    /// Sends GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send().await
    }

    /// Sends POST with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path).json(&body).send().await
    }

    /// Sends PATCH with a JSON body, whatever version is there.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call("PATCH", path).header("if-match", "*").json(&body).send().await
    }

    /// Sends DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path).send().await
    }

    /// Begins a request.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call {
            rest: self.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
            keeps_cookies: true,
        }
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar.lock().unwrap().get(name).cloned()
    }

    /// Changes a cookie behind the gateway's back; `None` removes it.
    pub fn set_cookie(&self, name: &str, value: Option<&str>) {
        let mut jar = self.jar.lock().unwrap();
        match value {
            Some(value) => jar.insert(name.to_owned(), value.to_owned()),
            None => jar.remove(name),
        };
    }

    /// A client with a copy of the cookies, as an attacker may have one.
    #[must_use]
    pub fn copy(&self) -> Self {
        let jar = self.jar.lock().unwrap().clone();
        Self { gateway: self.gateway, jar: Arc::new(Mutex::new(jar)) }
    }

    fn cookies(&self) -> Option<String> {
        let jar = self.jar.lock().unwrap();
        let pairs: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Does what `Set-Cookie` says. Every cookie of the product is one that no
    /// script can read and no other site or host can set.
    fn keep(&self, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let mut parts = cookie.split(';').map(str::trim);
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let attributes: Vec<_> = parts.collect();
            for wanted in ["Secure", "HttpOnly", "Path=/", "SameSite=Lax"] {
                assert!(attributes.contains(&wanted), "{name} is not {wanted}: {attributes:?}");
            }
            assert!(name.starts_with("__Host-"), "{name} is not bound to its host");
            let has_domain = attributes.iter().any(|it| it.to_lowercase().starts_with("domain"));
            assert!(!has_domain, "{name}: {attributes:?}");
            let is_over = attributes.contains(&"Max-Age=0");
            self.set_cookie(name, (!is_over).then_some(value));
        }
    }
}

// === impl Call ===

impl Call {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends a token and no cookies.
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Self {
        self.keeps_cookies = false;
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// Sends any body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the request and waits for the answer.
    pub async fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        match self.try_send().await {
            Ok(answer) => answer,
            Err(Lost(why)) => panic!("{what} was not answered: {why}"),
        }
    }

    /// Sends a request that may go unanswered.
    pub async fn try_send(self) -> Result<Answer, Lost> {
        let rest = self.rest.clone();
        let lost = |error: &dyn ToString| Lost(error.to_string());
        let exchange = exchange(rest.gateway, self.into_request());
        let answer = timeout(LIMIT, exchange).await.map_err(|error| lost(&error))?;
        let answer = answer.map_err(|error| lost(&error))?;
        rest.keep(&answer.headers);
        Ok(answer)
    }

    fn into_request(self) -> Request<Full<Bytes>> {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.path);
        // HTTP asks for the name that the client believes it talks to.
        if !self.headers.iter().any(|(name, _)| name == "host") {
            request =
                request.header(header::HOST, format!("localhost:{}", self.rest.gateway.port()));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(cookies) = self.rest.cookies().filter(|_| self.keeps_cookies) {
            request = request.header(header::COOKIE, cookies);
        }
        request.body(Full::new(self.body)).unwrap()
    }
}

// === impl Answer ===

#[expect(clippy::return_self_not_must_use, reason = "an assertion may be all one wants")]
impl Answer {
    /// A header as text; empty if absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A text inside the JSON body.
    pub fn text_at(&self, pointer: &str) -> String {
        let value = self.body.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("no text at {pointer} in {self:?}")).to_owned()
    }

    /// Asserts a status and returns the answer.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Asserts a complete problem (RFC 9457) and returns the answer.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.body["status"], status, "{self:?}");
        let media_type = self.header("content-type");
        assert!(media_type.starts_with("application/problem+json"), "{self:?}");
        for member in ["type", "title", "detail"] {
            let text = self.body[member].as_str();
            assert!(text.is_some_and(|text| !text.is_empty()), "no {member}: {self:?}");
        }
        assert_eq!(self.body["requestId"], self.header("x-request-id"), "{self:?}");
        self
    }

    /// The body without what differs from one request to the next.
    pub fn body_of_any_request(&self) -> String {
        self.text.replace(self.header("x-request-id"), "")
    }
}

/// One request on a connection of its own.
async fn exchange(
    gateway: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Result<Answer, Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(gateway).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let talk = async move {
        let (head, body) = sender.send_request(request).await?.into_parts();
        Ok::<_, hyper::Error>((head, body.collect().await?.to_bytes()))
    };
    // The connection ends once `talk` lets go of it.
    let (answer, _) = join(talk, connection).await;
    let (head, bytes) = answer?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let body = serde_json::from_str(&text).unwrap_or_default();
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, bytes, text, body })
}
