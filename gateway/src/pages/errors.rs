//! The catalogue of errors: for whoever follows a problem's `type`.

use http::HeaderMap;
use platform::status::{CATALOGUE, FAULTS, FaultCode, Reason, code_name};
use serde_json::json;

use super::{Found, HTML, JSON, framed, page};
use crate::{
    edge::prefers_json,
    problem::{entry, explained, fault, kind, told},
};

/// Where the catalogue is; problems name the second.
const PLACES: [(&str, &str, &str); 2] = [
    ("/docs/errors", "/docs/errors", "/docs/errors/{code}"),
    ("/problems", "/problems", "/problems/{code}"),
];

/// The page at a path.
pub(super) fn find(path: &str, headers: &HeaderMap) -> Option<Found> {
    let (rest, all, one) = PLACES.iter().find_map(|(place, all, one)| {
        let rest = path.strip_prefix(place)?;
        (rest.is_empty() || rest.starts_with('/')).then_some((rest, *all, *one))
    })?;
    let wants_json = prefers_json(headers);
    let Some(code) = rest.strip_prefix('/') else {
        let (media_type, text) = if wants_json {
            let entries: Vec<_> = CATALOGUE.iter().map(|reason| explained(reason)).collect();
            let faults: Vec<_> = FAULTS.iter().map(told).collect();
            (JSON, json!({ "problems": entries, "faults": faults }).to_string())
        } else {
            (HTML, framed("Errors", &list()))
        };
        return Some(page(all, media_type, text));
    };
    let (media_type, text) = match (entry(code), wants_json) {
        (Some(reason), true) => (JSON, explained(reason).to_string()),
        (Some(reason), false) => (HTML, framed(reason.title, &details(reason))),
        (None, true) => (JSON, told(fault(code)?).to_string()),
        (None, false) => {
            let fault = fault(code)?;
            (HTML, framed(fault.title, &rule(fault)))
        }
    };
    Some(page(one, media_type, text))
}

fn list() -> String {
    let row = |reason: &&Reason| {
        let Reason { code, http, title, detail, .. } = reason;
        let detail = escaped(detail);
        format!(
            "<tr><td><a href=\"/docs/errors/{code}\">{code}</a><td>{http}<td>{title}<td>{detail}\n"
        )
    };
    let rows: String = CATALOGUE.iter().map(row).collect();
    let fault = |FaultCode { code, title, detail }: &FaultCode| {
        format!("<tr><td>{code}<td>{title}<td>{detail}\n")
    };
    let faults: String = FAULTS.iter().map(fault).collect();
    let heads = "<thead><tr><th>Code<th>Status<th>What happened<th>What to do</thead>";
    format!(
        "<h1>Errors</h1>\n<p>Every error has one of these codes; compare codes, not texts. \
         In a terminal: <code>mainstay explain CODE</code>.</p>\n\
         <table>{heads}<tbody>\n{rows}</tbody></table>\n\
         <h2>Faults</h2>\n<p>Each of a problem's <code>errors</code> has one of these codes, \
         and says where.</p>\n\
         <table><thead><tr><th>Code<th>What is wrong<th>What to do</thead><tbody>\n{faults}</tbody></table>"
    )
}

fn details(reason: &Reason) -> String {
    let Reason { code, http, title, detail, grpc } = reason;
    let (detail, grpc, kind) = (escaped(detail), code_name(*grpc), kind(code));
    format!(
        "<h1>{title}</h1>\n<dl>\n<dt>Code<dd><code>{code}</code>\n<dt>What to do<dd>{detail}\n\
         <dt>HTTP status<dd>{http}\n<dt>gRPC status<dd><code>{grpc}</code>\n\
         <dt>Type of the problem<dd><code>{kind}</code>\n</dl>\n\
         <p><a href=\"/docs/errors\">All errors</a></p>"
    )
}

fn rule(FaultCode { code, title, detail }: &FaultCode) -> String {
    format!(
        "<h1>{title}</h1>\n<dl>\n<dt>Code, in a problem's <code>errors</code>\
         <dd><code>{code}</code>\n<dt>What to do<dd>{detail}\n</dl>\n\
         <p><a href=\"/docs/errors\">All errors</a></p>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
