//! One message to a service and one back.

use std::time::{Duration, Instant};

use http::{HeaderValue, StatusCode, header, request::Parts};
use platform::request_id::RequestContext;

use super::{Answer, Inner};
use crate::{
    Response,
    body::Incoming,
    call::Call,
    credentials::Changes,
    edge,
    problem::Problem,
    route::{Found, Route},
    transcode::{self, Given, Reply},
};

// === impl Inner ===

impl Inner {
    /// Carries a request to its service and the reply back.
    pub(super) async fn carry(
        &self,
        parts: &Parts,
        body: &mut Incoming,
        found: &Found<'_>,
        changes: &mut Changes,
    ) -> Answer {
        let body = edge::read(&parts.headers, body, &self.room).await?;
        if !body.bytes.is_empty() {
            edge::check_media_type(&parts.method, &parts.headers)?;
        }
        let identity = self.credentials.identify(&parts.headers);
        let identity = identity
            .map_err(|status| Problem::of_status(&status, |field| found.route.place_of(field)))?;
        let given = Given {
            query: parts.uri.query(),
            body: &body.bytes,
            credential: &|kind| identity.secret(kind),
        };
        let message = transcode::request(found, given)?;
        let route = found.route;
        let call = Call::new(&route.rpc, message);
        let call = self.credentials.call(call, &identity, changes);
        let answer = within(route.rpc.time_limit, call).await;
        let reply = answer.and_then(|answered| transcode::reply(route, answered.message));
        let reply =
            reply.map_err(|status| Problem::of_status(&status, |field| route.place_of(field)))?;
        changes.extend(reply.credentials.iter().cloned());
        Ok(success(found, reply, identity.is_anonymous()))
    }
}

/// The time that a client takes to send its body is not taken from the service's.
/// What the client waits for counts from when it asked.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> T {
    match RequestContext::current() {
        Some(mut context) => {
            let most = Instant::now() + limit;
            context.deadline = Some(context.deadline.map_or(most, |asked| asked.min(most)));
            context.scope(work).await
        }
        None => work.await,
    }
}

/// `may_be_kept`: nothing in the request said who makes it.
fn success(found: &Found<'_>, reply: Reply, may_be_kept: bool) -> Response {
    let route: &Route = found.route;
    if route.rpc.is_silent() {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        return response;
    }
    let mut response = Response::new(reply.json.into());
    let is_created = route.is_creation();
    *response.status_mut() = if is_created { StatusCode::CREATED } else { StatusCode::OK };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let location = reply.id.as_deref().and_then(|id| route.location_of(id, &found.path));
    if let Some(location) = location.and_then(|path| HeaderValue::try_from(path).ok()) {
        headers.insert(header::LOCATION, location);
    }
    let seconds = route.rpc.cache_seconds;
    let kept = HeaderValue::try_from(format!("public, max-age={seconds}"));
    if let Some(kept) = kept.ok().filter(|_| seconds > 0 && !is_created && may_be_kept) {
        headers.insert(header::CACHE_CONTROL, kept);
    }
    response
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[tokio::test]
    async fn a_call_has_the_time_that_its_method_takes_and_its_client_allows() {
        let remaining = async |asked: Option<u64>, limit: u64| {
            let mut context = RequestContext::read(&HeaderMap::new());
            context.deadline = asked.map(|asked| Instant::now() + Duration::from_secs(asked));
            let work = async { RequestContext::current()?.remaining() };
            let left = context.scope(within(Duration::from_secs(limit), work)).await;
            left.unwrap().as_secs_f64().round()
        };
        for (asked, limit, expected) in
            [(None, 10, 10.0), (None, 60, 60.0), (Some(20), 60, 20.0), (Some(20), 10, 10.0)]
        {
            let left = remaining(asked, limit).await;
            assert!((left - expected).abs() < 1.5, "{asked:?} {limit}: {left}");
        }
    }
}
