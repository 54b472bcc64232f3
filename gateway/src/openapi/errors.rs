//! Which problems an operation may answer with: those of the catalogue that fit
//! the shape of its method.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use platform::status::{CATALOGUE, FAULTS, Reason};
use prost_reflect::{FieldDescriptor, Kind};
use proto::options::v1::Access;
use serde_json::{Value, json};

use super::{
    headers,
    model::{Media, Or, Ordered, Response},
    names::camel,
    schema::Schema,
};
use crate::{
    problem::kind,
    route::{Answers, Body, CredentialKind, Route},
};

const PROBLEM: &str = "Problem";

/// Every reason for which a route may refuse a request.
pub(super) fn reasons(route: &Route, access: Access) -> Vec<&'static Reason> {
    CATALOGUE.iter().copied().filter(|reason| fits(reason.code, route, access)).collect()
}

fn fits(code: &str, route: &Route, access: Access) -> bool {
    let input = route.rpc.method.input();
    let gives_credentials = !route.rpc.gives.is_empty();
    let is_unsafe = route.method != Method::GET;
    let has_body = route.body != Body::Nothing;
    let is_file = matches!(route.rpc.answers, Answers::File { .. });
    if let Some(fits) = fits_proofs(code, route, access) {
        return fits;
    }
    match code {
        // Found before a route is, or only where there is none.
        "ROUTE_NOT_FOUND" | "METHOD_NOT_ALLOWED" | "METHOD_UNKNOWN" => false,
        "EMAIL_CODE_INVALID" => input.get_field_by_name("code").is_some(),
        "SIGN_UP_CLOSED" => access == Access::Public && route.is_creation() && !gives_credentials,
        "INVALID_CREDENTIALS" | "SIGN_IN_LINK_INVALID" | "SECOND_FACTOR_REQUIRED" => {
            gives_credentials && has_body
        }
        "API_KEY_INVALID" => input.get_field_by_name("api_key").is_some(),
        "SCOPE_REQUIRED" => access != Access::Public,
        "LIMIT_REACHED" => route.is_creation(),
        "SESSION_ENDED" => access != Access::Public || !route.rpc.takes.is_empty(),
        "STEP_UP_REQUIRED" => access != Access::Public && (is_unsafe || is_file),
        "EXPORT_UNAVAILABLE" => access == Access::Self_ && is_file,
        "NOT_YOURS" => access == Access::Self_,
        "ROLE_REQUIRED" => ![Access::Public, Access::User, Access::Self_].contains(&access),
        "NOT_FOUND" | "INVALID_PARAMETER" => input.fields().len() > 0,
        "PAGE_TOKEN_INVALID" | "PAGE_TOKEN_EXPIRED" | "PAGE_TOKEN_MISMATCH" => {
            input.get_field_by_name("page_token").is_some()
        }
        "INVALID_FIELDS" | "MALFORMED_JSON" => has_body,
        "CROSS_SITE_REQUEST"
        | "UNSUPPORTED_MEDIA_TYPE"
        | "REQUEST_TIMEOUT"
        | "PAYLOAD_TOO_LARGE" => is_unsafe,
        "PRECONDITION_REQUIRED" | "ETAG_MISMATCH" | "INVALID_CONDITION" => {
            headers::takes(route, "If-Match")
        }
        "IDEMPOTENCY_KEY_REUSED" | "IDEMPOTENCY_KEY_INVALID" | "IDEMPOTENCY_KEY_IN_FLIGHT" => {
            headers::takes_idempotency_key(route)
        }
        "RANGE_NOT_SATISFIABLE" => headers::takes(route, "Range"),
        "QUOTA_EXCEEDED" => route.rpc.method.is_client_streaming(),
        "TOO_MANY_STREAMS" => route.rpc.method.is_server_streaming(),
        // What happens to any request.
        "SIGN_IN_REQUIRED" | "TOKEN_INVALID" | "TOKEN_EXPIRED" | "UNKNOWN_PARAMETER"
        | "MALFORMED_REQUEST" | "NOT_ACCEPTABLE" | "URI_TOO_LONG" | "HEADERS_TOO_LARGE"
        | "TOO_BUSY" | "RATE_LIMITED" | "OVERLOADED" | "DEADLINE_EXCEEDED" | "UNAVAILABLE"
        | "INTERNAL" => true,
        // What only a service can find.
        _ => route.rpc.has_side_effects && has_body && may_be_taken(code, route),
    }
}

/// Whether a reason fits that is about the present password or about other sites; none
/// if it is about neither.
fn fits_proofs(code: &str, route: &Route, access: Access) -> Option<bool> {
    let input = route.rpc.method.input();
    let has = |field| input.get_field_by_name(field).is_some();
    let is_own = access == Access::Self_ && has("password");
    Some(match code {
        "CURRENT_PASSWORD_WRONG" | "CURRENT_PASSWORD_REQUIRED" => is_own || has("current_password"),
        "FRESH_SIGN_IN_REQUIRED" => is_own,
        "PROVIDER_UNKNOWN" | "PROVIDER_UNAVAILABLE" => {
            route.method != Method::GET && has("provider")
        }
        "SIGN_IN_FLOW_INVALID"
        | "IDENTITY_REFUSED"
        | "IDENTITY_EMAIL_TAKEN"
        | "IDENTITY_EMAIL_MISSING"
        | "IDENTITY_TAKEN"
        | "PROVIDER_LINKED" => {
            route.rpc.takes.iter().any(|taken| taken.kind == CredentialKind::Flow)
        }
        "LAST_SIGN_IN_METHOD" => has("identity_id"),
        _ => return None,
    })
}

/// Whether what a route changes has the field that `EMAIL_TAKEN` is about; true
/// for reasons of any other kind.
fn may_be_taken(code: &str, route: &Route) -> bool {
    let field = code.strip_suffix("_TAKEN").or(code.strip_suffix("_RESERVED"));
    let Some(field) = field else { return true };
    let shown = route.response_field.as_ref().map(FieldDescriptor::kind);
    let resource = shown.as_ref().and_then(Kind::as_message);
    resource.is_some_and(|it| it.get_field_by_name(&field.to_ascii_lowercase()).is_some())
}

/// A reference to the answer of each status that some reasons have.
pub(super) fn responses(reasons: &[&Reason]) -> Ordered<Or<Response>> {
    let mut statuses: Vec<_> = reasons.iter().map(|reason| reason.http).collect();
    statuses.sort_unstable();
    statuses.dedup();
    let named = |status: u16| (status.to_string(), Or::named("responses", &name(status)));
    statuses.into_iter().map(named).collect()
}

/// The answers of every status in the catalogue, each with all its reasons.
pub(super) fn components() -> Ordered<Response> {
    let mut by_status: BTreeMap<u16, Vec<&Reason>> = BTreeMap::new();
    for reason in CATALOGUE {
        by_status.entry(reason.http).or_default().push(reason);
    }
    by_status
        .into_iter()
        .map(|(status, reasons)| (name(status), response(status, &reasons)))
        .collect()
}

fn response(status: u16, reasons: &[&Reason]) -> Response {
    let line = |reason: &&Reason| format!("- `{}`: {}", reason.code, reason.detail);
    let lines: Vec<_> = reasons.iter().map(line).collect();
    let mut names = vec!["X-Request-Id"];
    if status < 500 {
        names.extend(["RateLimit", "RateLimit-Policy"]);
    }
    match status {
        401 => names.push("WWW-Authenticate"),
        429 | 503 => names.push("Retry-After"),
        _ => {}
    }
    let codes = Schema::one_of(reasons.iter().map(|reason| reason.code.to_owned()));
    let narrowed = Schema {
        properties: [("code".to_owned(), codes)].into_iter().collect(),
        ..Schema::of("object")
    };
    let schema = Schema { all_of: vec![Schema::named(PROBLEM), narrowed], ..Schema::default() };
    let example = reasons.first().map(|reason| example(reason));
    let media = Media { schema, example, item_schema: None };
    Response {
        description: format!("{}\n\n{}", phrase(status), lines.join("\n")),
        headers: headers::named(&names),
        content: [("application/problem+json".to_owned(), media)].into_iter().collect(),
        links: Ordered::default(),
    }
}

fn example(reason: &Reason) -> Value {
    json!({
        "type": kind(reason.code),
        "title": reason.title,
        "status": reason.http,
        "detail": reason.detail,
        "code": reason.code,
        "requestId": "0197c5aa-bbcc-7000-8000-000000000002",
    })
}

/// The schemas of a problem and of what is wrong with one part of a request.
pub(super) fn schemas() -> [(String, Schema); 2] {
    let fault = object(
        &["code", "detail"],
        vec![
            ("pointer", text("Where in the body: a JSON pointer (RFC 6901), as a URI fragment.")),
            ("parameter", text("Which parameter of the path or the query.")),
            ("header", text("Which header.")),
            (
                "code",
                Schema {
                    values: faults(),
                    ..text("What kind of rule is broken; see /docs/errors.")
                },
            ),
            ("detail", text("The rule.")),
            ("suggestion", text("What was probably meant.")),
        ],
        "One thing that is wrong with a request.",
    );
    [("Fault".to_owned(), fault), (PROBLEM.to_owned(), problem())]
}

fn problem() -> Schema {
    object(
        &["type", "title", "status", "detail", "code", "requestId"],
        vec![
            (
                "type",
                Schema::formatted("uri-reference")
                    .explained("Names the kind of problem, and leads to its explanation."),
            ),
            ("title", text("What happened, the same every time.")),
            (
                "status",
                Schema { minimum: Some(400), maximum: Some(599), ..Schema::of("integer") }
                    .explained("The HTTP status."),
            ),
            ("detail", text("What happened this time, and what to do.")),
            ("code", text("What programs compare; see /docs/errors.")),
            ("requestId", text("Names the request in our logs.")),
            ("suggestion", text("What was probably meant.")),
            (
                "errors",
                Schema::list(Schema::named("Fault"))
                    .explained("Everything that is wrong with the request."),
            ),
            ("challenge", text("With SECOND_FACTOR_REQUIRED: what the factor is sent with.")),
            (
                "methods",
                Schema::list(Schema::text())
                    .explained("With SECOND_FACTOR_REQUIRED: `totp`, `passkey`, `recovery_code`."),
            ),
            (
                "maxAge",
                Schema::of("integer")
                    .explained("With STEP_UP_REQUIRED: for how many seconds a proof is recent."),
            ),
        ],
        "Why a request was refused or failed (RFC 9457).",
    )
}

fn text(description: &str) -> Schema {
    Schema::text().explained(description)
}

fn object(required: &[&str], members: Vec<(&str, Schema)>, description: &str) -> Schema {
    Schema {
        properties: members.into_iter().map(|(name, it)| (name.to_owned(), it)).collect(),
        required: required.iter().map(|name| (*name).to_owned()).collect(),
        ..Schema::of("object").explained(description)
    }
}

fn faults() -> Vec<Value> {
    FAULTS.iter().map(|fault| fault.code.into()).collect()
}

/// `NotFound`.
fn name(status: u16) -> String {
    phrase(status).split([' ', '-']).map(camel).collect()
}

fn phrase(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or("Refused")
}
