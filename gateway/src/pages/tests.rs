//! Pages, as those who ask for them get them.

use std::io::Read as _;

use flate2::read::GzDecoder;
use http::StatusCode;
use http_body_util::BodyExt;

use super::*;

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

async fn ask(path: &str, headers: &[(header::HeaderName, &str)]) -> Option<Got> {
    let pages = Pages::new(&Table::read(proto::DESCRIPTORS).unwrap(), "__Host-access");
    let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
    let found = pages.find(path, &headers.collect())?;
    let response =
        found.answer.unwrap_or_else(|problem| problem.into_response(http::Version::HTTP_11));
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Some(Got { status: parts.status, headers: parts.headers, body })
}

async fn get(path: &str, accept: &str) -> Option<String> {
    let got = ask(path, &[(header::ACCEPT, accept)]).await?;
    Some(String::from_utf8(got.body).unwrap())
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_nothing_inline() {
    let pages = ["/", "/docs", "/docs/errors", "/docs/errors/EMAIL_TAKEN", "/problems"];
    let of_letters = ["/sign-in", "/verify-email", "/reset-password", "/sign-in/callback/x-1"];
    for path in pages.into_iter().chain(of_letters) {
        let page = get(path, "text/html").await.unwrap();
        assert!(page.contains("lang=\"en\"") && page.contains("<title>"), "{path}");
        for forbidden in ["{{", "//", "<script>", "<style", "style=", "onclick", "javascript:"] {
            assert!(!page.contains(forbidden), "{path}: {forbidden}");
        }
    }
}

#[tokio::test]
async fn what_a_page_loads_is_there() {
    let pages = ["/", "/docs", "/docs/errors", "/docs/errors/EMAIL_TAKEN"];
    let of_letters = ["/sign-in", "/verify-email", "/reset-password", "/sign-in/callback/x-1"];
    for path in pages.into_iter().chain(of_letters) {
        let page = get(path, "text/html").await.unwrap();
        let links = page.split([' ', '>']).filter_map(|part| {
            part.strip_prefix("href=\"").or(part.strip_prefix("src=\""))?.split('"').next()
        });
        for link in links.filter(|link| !link.starts_with("/api/") && !link.contains("jwks")) {
            let got = ask(link, &[]).await.unwrap_or_else(|| panic!("{path} leads to {link}"));
            assert_eq!(got.status, StatusCode::OK, "{path} leads to {link}");
        }
    }
}

#[tokio::test]
async fn programs_get_json() {
    let index: Value = serde_json::from_str(&get("/", "application/json").await.unwrap()).unwrap();
    assert!(index["routes"].as_array().unwrap().len() > 15);
    for path in ["/problems/email-taken", "/docs/errors/EMAIL_TAKEN", "/docs/errors/email-taken"] {
        let problem = get(path, "application/json").await.unwrap();
        let problem: Value = serde_json::from_str(&problem).unwrap();
        assert_eq!((&problem["code"], &problem["status"]), (&json!("EMAIL_TAKEN"), &json!(409)));
        assert_eq!(problem["grpc"], "ALREADY_EXISTS");
    }
    let all: Value =
        serde_json::from_str(&get("/docs/errors", "application/json").await.unwrap()).unwrap();
    assert!(all["problems"].as_array().unwrap().len() > 30);
    for path in [
        "/problems/nope",
        "/docs/errors/",
        "/docs/errorsx",
        "/docs/assets/nope",
        "/nope",
        "/sign-in/callback",
        "/sign-in/callback/",
        "/sign-in/callback/a/b",
        "/sign-in/callback/%61",
    ] {
        assert_eq!(get(path, "application/json").await, None, "{path}");
    }
}

#[tokio::test]
async fn documents_are_sent_compressed_and_once() {
    let plain = ask("/openapi.json", &[]).await.unwrap();
    let gzip = ask("/openapi.json", &[(header::ACCEPT_ENCODING, "br;q=1, gzip")]).await.unwrap();
    assert_eq!(gzip.headers[header::CONTENT_ENCODING], "gzip");
    let mut unpacked = Vec::new();
    GzDecoder::new(gzip.body.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    assert!(gzip.body.len() * 5 < plain.body.len(), "{}", gzip.body.len());
    let (one, other) = (&plain.headers[header::ETAG], &gzip.headers[header::ETAG]);
    assert_ne!(one, other, "a strong tag names exact bytes");
    let tag = format!("\"x\", W/{}", one.to_str().unwrap());
    let again = ask("/openapi.json", &[(header::IF_NONE_MATCH, &tag)]).await.unwrap();
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(&again.headers[header::ETAG], one);
    assert_eq!(again.headers.get(header::CONTENT_ENCODING), None);
}

#[tokio::test]
async fn vendored_files_are_whole_and_kept_for_ever() {
    let page = get("/docs", "text/html").await.unwrap();
    let script = page.split('"').find(|part| part.contains("bundle"));
    let script = script.unwrap();
    let got = ask(script, &[(header::ACCEPT_ENCODING, "gzip")]).await.unwrap();
    let mut unpacked = String::new();
    // The decoder checks length and sum.
    GzDecoder::new(got.body.as_slice()).read_to_string(&mut unpacked).unwrap();
    assert!(unpacked.contains("SwaggerUIBundle"));
    let keeping = got.headers[header::CACHE_CONTROL].to_str().unwrap();
    assert!(keeping.contains("immutable") && keeping.contains("public"), "{keeping}");
    let refused = ask(script, &[(header::ACCEPT_ENCODING, "identity, gzip;q=0")]).await.unwrap();
    assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn passwords_are_masked_and_may_be_pasted_and_filled_in() {
    let of_people = ["/sign-in", "/verify-email", "/reset-password", "/sign-in/callback/x-1"];
    let mut fields = 0;
    for path in of_people {
        let page = get(path, "text/html").await.unwrap();
        let inputs = page.split("<input ").skip(1).map(|input| input.split('>').next().unwrap());
        for field in inputs.filter(|input| input.contains("password")) {
            assert!(field.contains("type=\"password\""), "{path}: {field}");
            let [new, current] =
                ["new", "current"].map(|it| format!("autocomplete=\"{it}-password\""));
            assert!(field.contains(&new) || field.contains(&current), "{path}: {field}");
            fields += 1;
        }
    }
    assert_eq!(fields, 2, "the new password of a reset, and that of a sign-up");
    for path in ["/reset-password.js", "/verify-email.js"] {
        let script = get(path, "*/*").await.unwrap();
        for hindrance in ["paste", "clipboard", "keydown", "beforeinput", "\"input\""] {
            assert!(!script.contains(hindrance), "{path}: {hindrance}");
        }
    }
}
