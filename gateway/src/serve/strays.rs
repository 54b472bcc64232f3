//! What no route leads to: pages, questions about methods, mistakes.

use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use platform::{server::RouteTemplate, status::Reason};

use super::{Answer, EVERY_METHOD, Inner};
use crate::{
    Response, browser, cors, pages,
    problem::{Place, Problem},
};

const PAGE_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

// === impl Inner ===

impl Inner {
    /// Answers from the same budget as looking at something.
    pub(super) async fn answer_stray(&self, parts: &Parts) -> Response {
        // A probe that is refused ends the process, and a preflight somebody's write.
        let is_free =
            parts.uri.path() == pages::PROBE || cors::is_preflight(parts, &self.trusted_origins);
        let standing = if is_free { None } else { self.guard.count_other().await };
        let counted = standing.map_or(Ok(()), |standing| standing.check());
        let answer = match counted {
            Ok(()) => self.answer_without_route(parts, parts.uri.path()),
            Err(status) => {
                Err(Problem::of_status(&status, |name| Place::Parameter(name.to_owned())))
            }
        };
        let mut response = answer.unwrap_or_else(|problem| problem.into_response(parts.version));
        if let Some(standing) = standing {
            standing.write(response.headers_mut());
        }
        response
    }

    fn answer_without_route(&self, parts: &Parts, path: &str) -> Answer {
        let page = self.pages.find(path, &parts.headers);
        let allowed = match (path, &page) {
            ("*", _) => Some(EVERY_METHOD),
            (_, Some(_)) => Some(PAGE_METHODS),
            _ => self.table.allowed(path).or_else(|| browser::allowed(path, &self.table)),
        };
        let methods = allowed.clone().unwrap_or(EVERY_METHOD);
        if let Some(preflight) = cors::preflight(parts, &self.trusted_origins, methods) {
            return Ok(preflight);
        }
        match (parts.method.as_str(), page, allowed) {
            ("GET" | "HEAD", Some(page), _) => {
                let mut response =
                    page.answer.unwrap_or_else(|problem| problem.into_response(parts.version));
                response.extensions_mut().insert(RouteTemplate(page.path.into()));
                Ok(response)
            }
            ("OPTIONS", _, Some(allowed)) => Ok(self.options(path, allowed)),
            (_, _, Some(allowed)) => Err(Problem::of(Reason::METHOD_NOT_ALLOWED).allow(allowed)),
            (_, _, None) => {
                let problem = Problem::of(Reason::ROUTE_NOT_FOUND);
                Err(match self.table.nearest(path) {
                    Some(nearest) => problem.suggest(nearest),
                    None => problem,
                })
            }
        }
    }

    /// Tells what a path takes.
    fn options(&self, path: &str, allowed: HeaderValue) -> Response {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(header::ALLOW, allowed);
        for method in [Method::POST, Method::PATCH] {
            let found = self.table.find(&method, path);
            headers.extend(found.and_then(|found| found.route.media_types()));
        }
        response
    }
}
