//! Where a resource is found that was just created (AIP-133): the route of
//! `GetX` in the service whose `CreateX` made it.

use http::Method;
use prost_reflect::Kind;

use super::{FieldPath, Route, template::Template};

/// How the address of a new resource is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    path: Template,
}

/// Finds the route that shows what a route creates.
pub(super) fn find(route: &Route, routes: &[Route]) -> Option<Location> {
    let resource = route.response_field.as_ref()?.kind();
    let id = resource.as_message()?.get_field_by_name("id")?;
    if id.kind() != Kind::String {
        return None;
    }
    if !route.is_creation() {
        return None;
    }
    let getter = format!("Get{}", created_name(route)?);
    let service = route.rpc.method.parent_service();
    let shown = routes.iter().find(|shown| {
        let method = &shown.rpc.method;
        let is_sibling = method.parent_service() == service && method.name() == getter;
        is_sibling && shown.method == Method::GET
    })?;
    let location = Location { path: shown.path.clone() };
    // Tried at start, so that it cannot fail later.
    location.path_of("id", |field| route.fills(field).then_some("value")).map(|_| location)
}

fn created_name(route: &Route) -> Option<&str> {
    let name = route.rpc.method.name().strip_prefix("Create")?;
    name.starts_with(|first: char| first.is_ascii_uppercase()).then_some(name)
}

// === impl Location ===

impl Location {
    /// Whether it is found at paths of a template.
    pub(super) fn is_at(&self, path: &Template) -> bool {
        self.path.segments == path.segments && self.path.verb == path.verb
    }

    /// The address of a resource: its id is the last variable, the others are
    /// those of the request that made it.
    fn path_of<'a>(&self, id: &'a str, given: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
        let last = self.path.variables.last()?;
        self.path
            .expand(|variable| if variable == last { Some(id) } else { given(&variable.field) })
    }
}

// === impl Route ===

impl Route {
    /// Whether it creates something.
    pub(crate) fn is_creation(&self) -> bool {
        self.method == Method::POST && created_name(self).is_some()
    }

    /// Where something with this id is found that a request with this path created.
    pub(crate) fn location_of(&self, id: &str, path: &[String]) -> Option<String> {
        let given = self.path.capture(path);
        let value = |name: &str| given.iter().find(|(field, _)| *field == name);
        self.location.as_ref()?.path_of(id, |name| value(name).map(|(_, value)| &**value))
    }

    fn fills(&self, field: &str) -> bool {
        self.variables.iter().map(FieldPath::name).any(|name| name == field)
    }
}
