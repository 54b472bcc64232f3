//! The few pages of the gateway itself: a welcome, those that links in letters lead
//! to, the end of a sign-in with another site, the documentation of the API and the
//! catalogue of errors. They load nothing from anywhere else.

mod asset;
mod docs;
mod errors;

use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

use self::{asset::Asset, docs::Docs};
use crate::{Response, edge::prefers_json, problem::Problem, route::Table};

const FRAME: &str = include_str!("frame.html");
const WELCOME: &str = include_str!("welcome.html");
const SIGN_IN: &str = include_str!("sign-in.html");
const SIGN_IN_SCRIPT: &str = include_str!("sign-in.js");
const VERIFY_EMAIL: &str = include_str!("verify-email.html");
const VERIFY_EMAIL_SCRIPT: &str = include_str!("verify-email.js");
const RESET_PASSWORD: &str = include_str!("reset-password.html");
const RESET_PASSWORD_SCRIPT: &str = include_str!("reset-password.js");
const CALLBACK: &str = include_str!("callback.html");
const CALLBACK_SCRIPT: &str = include_str!("callback.js");
const STYLE: &str = include_str!("style.css");
const ICON: &str = include_str!("icon.svg");

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Scripts and styles from this host, and nothing else. The icons of the
/// documentation are inside its style.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// All pages; those that take time are made at start.
#[derive(Debug)]
pub(crate) struct Pages {
    docs: Docs,
    index: String,
    welcome: String,
}

/// Says that the process is there.
pub(crate) const PROBE: &str = "/livez";

/// A page, and the path that it is counted under.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: &'static str,
    pub(crate) answer: Result<Response, Box<Problem>>,
}

// === impl Pages ===

impl Pages {
    /// Makes the pages of a gateway that serves these routes, and whose access
    /// token is in this cookie.
    pub(crate) fn new(table: &Table, cookie: &str) -> Self {
        Self {
            docs: Docs::new(table, cookie),
            index: index(table).to_string(),
            welcome: framed("Mainstay", &WELCOME.replace("{{routes}}", &rows(table))),
        }
    }

    /// The page at a path.
    pub(crate) fn find(&self, path: &str, headers: &HeaderMap) -> Option<Found> {
        let (path, media_type, text) = match path {
            "/" if prefers_json(headers) => ("/", JSON, self.index.clone()),
            "/" => ("/", HTML, self.welcome.clone()),
            "/sign-in" => ("/sign-in", HTML, framed("Sign in", SIGN_IN)),
            "/sign-in.js" => ("/sign-in.js", SCRIPT, SIGN_IN_SCRIPT.to_owned()),
            "/verify-email" => {
                ("/verify-email", HTML, framed("Confirm your address", VERIFY_EMAIL))
            }
            "/verify-email.js" => ("/verify-email.js", SCRIPT, VERIFY_EMAIL_SCRIPT.to_owned()),
            "/reset-password" => {
                ("/reset-password", HTML, framed("Choose a new password", RESET_PASSWORD))
            }
            "/reset-password.js" => {
                ("/reset-password.js", SCRIPT, RESET_PASSWORD_SCRIPT.to_owned())
            }
            "/sign-in/callback.js" => ("/sign-in/callback.js", SCRIPT, CALLBACK_SCRIPT.to_owned()),
            // One for each site that people sign in with; the page does not know which.
            path if is_callback(path) => {
                ("/sign-in/callback/{site}", HTML, framed("Sign in", CALLBACK))
            }
            "/style.css" => ("/style.css", "text/css; charset=utf-8", STYLE.to_owned()),
            "/icon.svg" => ("/icon.svg", "image/svg+xml", ICON.to_owned()),
            PROBE => (PROBE, TEXT, "ok\n".to_owned()),
            path => {
                let found = self.docs.find(path, headers);
                return found.or_else(|| errors::find(path, headers));
            }
        };
        Some(page(path, media_type, text))
    }
}

/// Whether other sites send browsers back to a path.
fn is_callback(path: &str) -> bool {
    let site = path.strip_prefix("/sign-in/callback/").unwrap_or_default();
    !site.is_empty() && site.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

fn page(path: &'static str, media_type: &'static str, text: String) -> Found {
    let mut response = Response::new(text.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    Found { path, answer: Ok(response) }
}

fn framed(title: &str, content: &str) -> String {
    FRAME.replace("{{title}}", title).replace("{{content}}", content)
}

/// The routes, for programs.
fn index(table: &Table) -> Value {
    let route = |(method, template, rpc): (&str, &str, &str)| json!({ "method": method, "path": template, "rpc": rpc });
    json!({
        "name": "mainstay",
        "openapi": "/openapi.json",
        "docs": "/docs",
        "routes": routes(table).map(route).collect::<Vec<_>>(),
    })
}

/// The routes, for people.
fn rows(table: &Table) -> String {
    let row = |(method, template, _): (&str, &str, &str)| {
        format!("<tr><td>{method}<td><code>{template}</code>\n")
    };
    routes(table).map(row).collect()
}

fn routes(table: &Table) -> impl Iterator<Item = (&str, &str, &str)> {
    table.routes().map(|route| {
        (route.method.as_str(), &*route.template, route.rpc.path.as_str().trim_start_matches('/'))
    })
}

#[cfg(test)]
mod tests;
