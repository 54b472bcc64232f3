//! What a client is told when a request fails: RFC 9457, the same for every route.

mod fault;
mod page;
mod status;

use std::{borrow::Cow, time::Duration};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use platform::{request_id::RequestContext, status::Reason};
use serde::Serialize;

pub(crate) use self::{
    fault::{Fault, Faults, Place},
    page::{entry, explained, fault, told},
};
use crate::Response;

/// A refused or failed request.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    code: Cow<'static, str>,
    kind: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Cow<'static, str>,
    suggestion: Option<String>,
    pub(crate) faults: Vec<Fault>,
    stale: Option<Stale>,
    retry_after_seconds: Option<u64>,
    allow: Option<HeaderValue>,
    ends_connection: bool,
}

/// What somebody else changed meanwhile.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stale {
    current_etag: String,
    changed_fields: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Fault],
    #[serde(flatten)]
    stale: Option<&'a Stale>,
}

// === impl Problem ===

impl Problem {
    /// A problem of the catalogue, in the catalogue's words.
    pub(crate) fn of(reason: &'static Reason) -> Box<Self> {
        Box::new(Self {
            status: StatusCode::from_u16(reason.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: reason.code.into(),
            kind: kind(reason.code).into(),
            title: reason.title.into(),
            detail: reason.detail.into(),
            suggestion: None,
            faults: Vec::new(),
            stale: None,
            retry_after_seconds: None,
            allow: None,
            ends_connection: false,
        })
    }

    /// Something is wrong with what the client sent, in these places.
    ///
    /// What is wrong with parameters comes first: it is 400, the rest is 422.
    pub(crate) fn with_faults(faults: Vec<Fault>) -> Box<Self> {
        const TOLD: usize = 5;
        let mut problem = Self::of(fault::reason(&faults));
        let sentences: Vec<_> = faults.iter().take(TOLD).map(Fault::sentence).collect();
        let rest = faults.len().saturating_sub(TOLD);
        let more = if rest > 0 { format!("; and {rest} more") } else { String::new() };
        problem.detail = format!("{}{more}", sentences.join("; ")).into();
        problem.faults = faults;
        problem
    }

    /// Says what is wrong more precisely than the catalogue.
    pub(crate) fn detail(mut self: Box<Self>, detail: impl Into<Cow<'static, str>>) -> Box<Self> {
        self.detail = detail.into();
        self
    }

    /// Names what the client may have meant.
    pub(crate) fn suggest(mut self: Box<Self>, suggestion: String) -> Box<Self> {
        self.detail = format!("{}; did you mean {suggestion}?", self.detail).into();
        self.suggestion = Some(suggestion);
        self
    }

    /// Names the methods that the path takes.
    pub(crate) fn allow(mut self: Box<Self>, methods: HeaderValue) -> Box<Self> {
        self.allow = Some(methods);
        self
    }

    /// Says when it may go better.
    pub(crate) fn retry_after(mut self: Box<Self>, wait: Duration) -> Box<Self> {
        self.retry_after_seconds = Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        self
    }

    /// Ends the connection: where the next request on it begins is not certain.
    pub(crate) fn end_connection(mut self: Box<Self>) -> Box<Self> {
        self.ends_connection = true;
        self
    }

    /// The answer; its request id is that of the current request.
    pub(crate) fn into_response(self: Box<Self>, version: http::Version) -> Response {
        let context = RequestContext::current();
        let json = self.json(context.as_ref().map_or("", RequestContext::id));
        let mut response = Response::new(json.into());
        *response.status_mut() = self.status;
        self.write_headers(response.headers_mut(), version);
        response
    }

    /// The body of the answer, for where there is no other place to tell.
    pub(crate) fn json(&self, request_id: &str) -> Vec<u8> {
        let body = Body {
            r#type: &self.kind,
            title: &self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: &self.code,
            request_id,
            suggestion: self.suggestion.as_deref(),
            errors: &self.faults,
            stale: self.stale.as_ref(),
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// How long to wait before another try, which what passes always says.
    fn wait_seconds(&self) -> Option<u64> {
        let is_passing = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
        let least = is_passing.contains(&self.status).then_some(1);
        self.retry_after_seconds.max(least)
    }

    fn write_headers(&self, headers: &mut HeaderMap, version: http::Version) {
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.wait_seconds() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(allow) = &self.allow {
            headers.insert(header::ALLOW, allow.clone());
        }
        if self.ends_connection && version < http::Version::HTTP_2 {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// The URI that names a kind of problem, and where it is explained.
pub(crate) fn kind(code: &str) -> String {
    format!("/problems/{}", code.to_ascii_lowercase().replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use http::Version;

    use super::*;

    #[test]
    fn refusals_that_pass_say_when_and_others_do_not() {
        let headers =
            |reason| Problem::of(reason).into_response(Version::HTTP_11).into_parts().0.headers;
        assert_eq!(headers(Reason::UNAVAILABLE)[header::RETRY_AFTER], "1");
        assert_eq!(headers(Reason::TOO_BUSY)[header::RETRY_AFTER], "1");
        assert!(!headers(Reason::NOT_FOUND).contains_key(header::RETRY_AFTER));
        assert_eq!(headers(Reason::SESSION_ENDED)[header::WWW_AUTHENTICATE], "Bearer");
    }

    #[test]
    fn connections_are_ended_where_that_is_a_word() {
        let ends = |version| {
            let problem = Problem::of(Reason::MALFORMED_REQUEST).end_connection();
            problem.into_response(version).headers().contains_key(header::CONNECTION)
        };
        assert!(ends(Version::HTTP_11) && !ends(Version::HTTP_2));
    }

    #[test]
    fn faults_of_parameters_come_first() {
        let field = Fault::new(Place::Pointer("#/a".to_owned()), "TOO_LONG", "must be shorter");
        let value =
            Fault::new(Place::Parameter("b".to_owned()), Fault::WRONG_TYPE, "must be a number");
        let unknown = Fault::unknown(Place::Parameter("c".to_owned()), "c", &[]);
        let problem = Problem::with_faults(vec![field.clone()]);
        assert_eq!((problem.status.as_u16(), &*problem.detail), (422, "a must be shorter"));
        assert_eq!(Problem::with_faults(vec![field.clone(), value]).code, "INVALID_PARAMETER");
        assert_eq!(Problem::with_faults(vec![field, unknown]).code, "UNKNOWN_PARAMETER");
    }
}
