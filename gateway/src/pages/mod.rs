//! The few pages of the gateway itself: a welcome, a sign-in by link, and the
//! catalogue of problems. They load nothing from anywhere else.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use platform::status::{CATALOGUE, Reason};
use serde_json::{Value, json};

use crate::{
    Response,
    edge::prefers_json,
    problem::{catalogue, entry},
    route::Table,
};

const FRAME: &str = include_str!("frame.html");
const WELCOME: &str = include_str!("welcome.html");
const SIGN_IN: &str = include_str!("sign-in.html");
const SIGN_IN_SCRIPT: &str = include_str!("sign-in.js");
const STYLE: &str = include_str!("style.css");
const ICON: &str = include_str!("icon.svg");

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// Scripts and styles from this host, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page, and the path that it is counted under.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) path: &'static str,
    pub(crate) response: Response,
}

/// The page at a path.
pub(crate) fn find(path: &str, headers: &HeaderMap, table: &Table) -> Option<Page> {
    let wants_json = prefers_json(headers);
    let (path, media_type, text) = match path {
        "/" if wants_json => ("/", JSON, index(table).to_string()),
        "/" => ("/", HTML, framed("Mainstay", &WELCOME.replace("{{routes}}", &rows(table)))),
        "/sign-in" => ("/sign-in", HTML, framed("Sign in", SIGN_IN)),
        "/sign-in.js" => {
            ("/sign-in.js", "text/javascript; charset=utf-8", SIGN_IN_SCRIPT.to_owned())
        }
        "/style.css" => ("/style.css", "text/css; charset=utf-8", STYLE.to_owned()),
        "/icon.svg" => ("/icon.svg", "image/svg+xml", ICON.to_owned()),
        "/livez" => ("/livez", "text/plain; charset=utf-8", "ok\n".to_owned()),
        "/problems" => problems("/problems", CATALOGUE, wants_json),
        path => {
            let reason = entry(path.strip_prefix("/problems/")?)?;
            problems("/problems/{code}", &[reason], wants_json)
        }
    };
    let mut response = Response::new(text.into());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    Some(Page { path, response })
}

fn framed(title: &str, content: &str) -> String {
    FRAME.replace("{{title}}", title).replace("{{content}}", content)
}

fn problems(
    path: &'static str,
    entries: &[&'static Reason],
    wants_json: bool,
) -> (&'static str, &'static str, String) {
    let (json, rows) = catalogue(entries);
    if !wants_json {
        let heads = "<thead><tr><th>Code<th>Status<th>What happened<th>What to do</thead>";
        let table = format!("<h1>Problems</h1>\n<table>{heads}<tbody>\n{rows}</tbody></table>");
        return (path, HTML, framed("Problems", &table));
    }
    let json = match json {
        Value::Array(mut one) if one.len() == 1 => one.pop().unwrap_or_default(),
        all => json!({ "problems": all }),
    };
    (path, JSON, json.to_string())
}

/// The routes, for programs.
fn index(table: &Table) -> Value {
    let route = |(method, template, rpc): (&str, &str, &str)| json!({ "method": method, "path": template, "rpc": rpc });
    json!({ "name": "mainstay", "routes": routes(table).map(route).collect::<Vec<_>>() })
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
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn get(path: &str, accept: &'static str) -> Option<String> {
        let table = Table::read(proto::DESCRIPTORS).unwrap();
        let headers = [(header::ACCEPT, HeaderValue::from_static(accept))].into_iter().collect();
        let page = find(path, &headers, &table)?;
        let body = page.response.into_body().collect().await.unwrap().to_bytes();
        Some(String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn pages_load_nothing_from_elsewhere_and_nothing_inline() {
        for path in ["/", "/sign-in", "/problems", "/problems/email-taken"] {
            let page = get(path, "text/html").await.unwrap();
            assert!(page.contains("lang=\"en\"") && page.contains("<title>"), "{path}");
            for forbidden in ["{{", "//", "<script>", "<style", "style=", "onclick", "javascript:"]
            {
                assert!(!page.contains(forbidden), "{path}: {forbidden}");
            }
        }
    }

    #[tokio::test]
    async fn programs_get_json() {
        let index: Value =
            serde_json::from_str(&get("/", "application/json").await.unwrap()).unwrap();
        assert!(index["routes"].as_array().unwrap().len() > 15);
        let problem = get("/problems/email-taken", "application/json").await.unwrap();
        let problem: Value = serde_json::from_str(&problem).unwrap();
        assert_eq!((&problem["code"], &problem["status"]), (&json!("EMAIL_TAKEN"), &json!(409)));
        assert_eq!(get("/problems/nope", "application/json").await, None);
        assert_eq!(get("/nope", "*/*").await, None);
    }
}
