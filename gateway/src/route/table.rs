//! Every route of the contract, and the way to the right one.

use std::{collections::HashMap, sync::Arc};

use http::{HeaderValue, Method};
use platform::{Fatal, access::Contract};
use prost_reflect::DescriptorPool;

use super::{Route, Rpc, bindings, location, template::Segment, trie, trie::Trie};
use crate::transcode::{Lane, codec::Codec};

/// Paths that differ more than this were not meant to be the same.
const CLOSE: f64 = 0.8;
const LONGEST_SEGMENT: usize = 64;

/// The routes of the contract.
#[derive(Debug)]
pub(crate) struct Table {
    contract: Contract,
    routes: Vec<Arc<Route>>,
    paths: Trie<usize>,
    methods: HashMap<String, Arc<Route>>,
}

/// A route, and the segments of the path that led to it, still encoded.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) route: &'a Arc<Route>,
    pub(crate) path: Vec<String>,
}

// === impl Table ===

impl Table {
    /// Reads the routes and checks that they make sense, alone and together.
    pub(crate) fn read(descriptors: &[u8]) -> Result<Self, Fatal> {
        let unusable = |error: &dyn ToString| Fatal::Contract(error.to_string());
        let contract = Contract::read_from(descriptors)?;
        let pool = DescriptorPool::decode(descriptors).map_err(|error| unusable(&error))?;
        let http = pool.get_extension_by_name("google.api.http");
        let http = http.ok_or_else(|| unusable(&"google.api.http is not in it"))?;
        let codec = Arc::new(Codec::new(&pool));
        let (mut routes, mut methods) = (Vec::new(), HashMap::new());
        for service in pool.services() {
            for method in service.methods() {
                let rpc = Arc::new(Rpc::read(&contract, method)?);
                let own = bindings::read(&http, &rpc)?;
                // What has no route is no business of browsers.
                if !own.is_empty() {
                    let mut method = bindings::method(&rpc)?;
                    method.lane = Lane::new(&method, &codec);
                    methods.insert(rpc.path.to_string(), Arc::new(method));
                }
                routes.extend(own);
            }
        }
        let locations: Vec<_> = routes.iter().map(|route| location::find(route, &routes)).collect();
        for (route, location) in routes.iter_mut().zip(locations) {
            route.location = location;
            let lane = Lane::new(route, &codec);
            route.lane = Some(lane.ok_or_else(|| unusable(&"a message of a route is missing"))?);
        }
        Self::build(contract, routes.into_iter().map(Arc::new).collect(), methods)
    }

    fn build(
        contract: Contract,
        routes: Vec<Arc<Route>>,
        methods: HashMap<String, Arc<Route>>,
    ) -> Result<Self, Fatal> {
        let mut paths = Trie::new();
        for (index, route) in routes.iter().enumerate() {
            let same: Vec<&usize> = paths.same(&route.path).collect();
            let mut same = same.into_iter().filter_map(|index| routes.get(*index));
            if let Some(other) = same.find(|other| other.method == route.method) {
                let Route { method, template, rpc, .. } = &**route;
                return Err(Fatal::Contract(format!(
                    "{method} {template} leads to both {} and {}",
                    other.rpc.path, rpc.path
                )));
            }
            paths.insert(&route.path, index);
        }
        Ok(Self { contract, routes, paths, methods })
    }

    /// All routes, in the order of the contract.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.iter()
    }

    /// The rules that the services enforce.
    pub(crate) fn contract(&self) -> &Contract {
        &self.contract
    }

    /// The route of a request. HEAD is a GET without a body.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<Found<'_>> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let is_wanted =
            |index: &usize| self.routes.get(*index).is_some_and(|r| r.method == *method);
        let (index, path) = self.paths.find(path, is_wanted)?;
        let route = self.routes.get(*index)?;
        Some(Found { route, path })
    }

    /// The method that a path is the very name of, for browsers that speak gRPC.
    pub(crate) fn method(&self, path: &str) -> Option<Found<'_>> {
        Some(Found { route: self.methods.get(path)?, path: Vec::new() })
    }

    /// Every method that is called under its own name.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.methods.values()
    }

    /// The methods that a path takes, as an `Allow` header; none for a path that
    /// has no route.
    pub(crate) fn allowed(&self, path: &str) -> Option<HeaderValue> {
        let mut methods = Vec::new();
        let mut note = |index: &usize| {
            methods.extend(self.routes.get(*index).map(|route| route.method.as_str()));
            false
        };
        // Nothing is wanted, so all are seen.
        let none = self.paths.find(path, &mut note);
        debug_assert!(none.is_none(), "nothing is wanted");
        if methods.is_empty() {
            return None;
        }
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.sort_unstable();
        methods.dedup();
        HeaderValue::try_from(methods.join(", ")).ok()
    }

    /// The path or template that a client most likely meant.
    pub(crate) fn nearest(&self, path: &str) -> Option<String> {
        let bare = path.trim_end_matches('/');
        if bare != path && self.allowed(bare).is_some() {
            return Some(bare.to_owned());
        }
        let given = trie::segments(bare)?;
        let likeness = self.routes.iter().map(|route| (likeness(route, &given), route));
        let best = likeness.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
        (best.0 >= CLOSE).then(|| best.1.template.to_string())
    }
}

/// How much a path is like a route's: 1 is the same.
fn likeness(route: &Route, given: &[&str]) -> f64 {
    let segments = &route.path.segments;
    if segments.len() != given.len() || segments.is_empty() {
        return 0.0;
    }
    let pairs = segments.iter().zip(given).filter_map(|(segment, given)| match segment {
        Segment::Literal(text) => Some((text, given)),
        Segment::One | Segment::Many => None,
    });
    // The least alike decides: `/api/x` is not nearly `/api/posts`.
    let alike = pairs.map(|(text, given)| {
        let is_short = given.len() <= LONGEST_SEGMENT;
        if is_short { strsim::jaro_winkler(text, given) } else { 0.0 }
    });
    alike.min_by(f64::total_cmp).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_contract_is_usable() {
        let table = Table::read(proto::DESCRIPTORS).unwrap();
        let rpc = |method: Method, path: &str| {
            table.find(&method, path).map(|found| found.route.rpc.path.to_string())
        };
        let post = "/mainstay.content.v1.PostService/";
        assert_eq!(rpc(Method::GET, "/api/posts/1"), Some(format!("{post}GetPost")));
        assert_eq!(rpc(Method::HEAD, "/api/posts/1"), Some(format!("{post}GetPost")));
        assert_eq!(rpc(Method::GET, "/api/users/me/posts"), Some(format!("{post}ListPosts")));
        assert_eq!(rpc(Method::POST, "/api/posts/1/publish"), Some(format!("{post}PublishPost")));
        assert_eq!(rpc(Method::POST, "/api/posts/1"), None);
        assert_eq!(rpc(Method::GET, "/api/posts/"), None);
        let session = rpc(Method::POST, "/api/sessions/current/refresh");
        assert_eq!(session.as_deref(), Some("/mainstay.auth.v1.SessionService/RefreshSession"));
    }

    #[test]
    fn paths_know_their_methods() {
        let table = Table::read(proto::DESCRIPTORS).unwrap();
        let allowed = |path: &str| table.allowed(path);
        assert_eq!(allowed("/api/posts/1").unwrap(), "DELETE, GET, HEAD, OPTIONS, PATCH");
        assert_eq!(allowed("/api/posts/1/publish").unwrap(), "OPTIONS, POST");
        assert_eq!(allowed("/api/nope"), None);
    }

    #[test]
    fn mistyped_paths_are_recognised() {
        let table = Table::read(proto::DESCRIPTORS).unwrap();
        for (path, expected) in [
            ("/api/post", Some("/api/posts")),
            ("/api/posts/", Some("/api/posts")),
            ("/api/posts/1/", Some("/api/posts/1")),
            ("/api/user/me", Some("/api/users/{user_id}")),
            ("/api/posts/1/publsh", Some("/api/posts/{post_id}/publish")),
            ("/nothing/like/it", None),
            ("/", None),
            ("/robots.txt", None),
        ] {
            assert_eq!(table.nearest(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn created_things_are_found_where_they_are_shown() {
        let table = Table::read(proto::DESCRIPTORS).unwrap();
        let location = |path: &str| {
            let found = table.find(&Method::POST, path).unwrap();
            found.route.location_of("1", &found.path)
        };
        assert_eq!(location("/api/users/me/posts").as_deref(), Some("/api/posts/1"));
        assert_eq!(location("/api/users").as_deref(), Some("/api/users/1"));
        assert_eq!(location("/api/posts/1/publish"), None);
    }

    #[test]
    fn a_contract_that_makes_no_sense_is_refused() {
        for (rpcs, problem) in [
            (
                r#"rpc A(Thing) returns (Thing) { option (google.api.http) = {get: "/a"}; }"#,
                "no access rule",
            ),
            (&fixture::rpc("A", r#"get: "/a/{nope}""#), "names nope"),
            (&fixture::rpc("A", r#"get: "/a/{tags}""#), "names tags"),
            (&fixture::rpc("A", r#"get: "/a/{inner}""#), "names inner"),
            (&fixture::rpc("A", r#"get: "/a//b""#), "empty segment"),
            (&fixture::rpc("A", r#"post: "/a" body: "nope""#), "body names no field"),
            (
                &fixture::rpc("A", r#"get: "/a" response_body: "nope""#),
                "response_body names no field",
            ),
            (&fixture::rpc("A", r#"custom { kind: "HEAD" path: "/a" }"#), "HEAD cannot be"),
            (&fixture::rpc("A", r#"body: "*""#), "has no path"),
            (
                &(fixture::rpc("A", r#"get: "/a/{id}""#)
                    + &fixture::rpc("B", r#"get: "/a/{display_name}""#)),
                "leads to both",
            ),
            (
                &fixture::rpc("A", r#"get: "/a/{id}" additional_bindings { get: "/a/{id=*}" }"#),
                "leads to both",
            ),
            (
                &fixture::rpc("A", r#"get: "/a""#).replace("returns (Thing)", "returns (Deep)"),
                "inside a field",
            ),
            (
                &fixture::rpc("A", r#"get: "/a""#).replace("returns (Thing)", "returns (Plain)"),
                "not optional",
            ),
            (
                &fixture::rpc("A", r#"get: "/a""#).replace("A(", "A(stream "),
                "takes a stream of messages",
            ),
        ] {
            let error = Table::read(&fixture::with_service(rpcs)).unwrap_err().to_string();
            assert!(error.contains(problem), "{rpcs}: {error}");
        }
    }

    #[test]
    fn same_paths_with_other_methods_or_verbs_do_not_clash() {
        let rpcs = fixture::rpc(
            "A",
            r#"get: "/a/{id}" additional_bindings { get: "/a/{id}:act" }"#,
        ) + &fixture::rpc(
            "B",
            r#"put: "/a/{id}" additional_bindings { custom { kind: "PURGE" path: "/a/{id}" } }"#,
        );
        let table = Table::read(&fixture::with_service(&rpcs)).unwrap();
        assert_eq!(table.allowed("/a/1").unwrap(), "GET, HEAD, OPTIONS, PURGE, PUT");
        assert_eq!(table.allowed("/a/1:act").unwrap(), "GET, HEAD, OPTIONS");
    }
}
