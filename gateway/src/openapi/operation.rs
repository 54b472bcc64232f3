//! One route as an operation.

use prost_reflect::{FieldDescriptor, Kind};
use proto::options::v1::{Access, Criticality, Policy, RateClass, Role};
use std::collections::BTreeMap;

use super::{
    comments::first_sentence,
    errors, examples, headers, limits,
    messages::Messages,
    model::{self, Media, Operation, Ordered, Parameter, Place, RequestBody},
    names, replies,
    schema::Schema,
};
use crate::route::{FieldPath, Part, Route};

const BODY: &str = "google.api.HttpBody";
const USUAL_TIMEOUT: u32 = 10;
const DEEPEST: usize = 3;

/// Makes the operation of a route; `path` has the names of its path's variables.
pub(super) fn operation(
    route: &Route,
    operation_id: String,
    path: &[String],
    messages: &mut Messages<'_>,
) -> Operation {
    let policy = messages.contract.policy(route.rpc.path.as_str()).cloned().unwrap_or_default();
    let comment = messages.comments.of_method(&route.rpc.method);
    let (summary, description) = first_sentence(comment);
    let (summary, description) = (summary.to_owned(), description.to_owned());
    let reasons = errors::reasons(route, policy.access());
    let mut responses = replies::responses(route, messages);
    responses.0.extend(errors::responses(&reasons).0);
    Operation {
        operation_id,
        summary,
        description,
        tags: [names::tag(&route.rpc.method)],
        security: security(policy.access()),
        parameters: parameters(route, path, messages),
        request_body: request_body(route, messages),
        responses,
        policy: told(route, &policy),
        errors: reasons.iter().map(|reason| reason.code).collect(),
    }
}

/// Without one, with the cookie or with a token, as far as the rule allows.
fn security(access: Access) -> Vec<BTreeMap<&'static str, Vec<&'static str>>> {
    let anonymous = (access == Access::Public).then(BTreeMap::new);
    let known = ["session", "bearer"].map(|scheme| [(scheme, Vec::new())].into());
    anonymous.into_iter().chain(known).collect()
}

fn told(route: &Route, policy: &Policy) -> model::Policy {
    let word = |name: &str, prefix: &str| {
        name.trim_start_matches(prefix).to_ascii_lowercase().replace('_', "-")
    };
    let has_side_effects = route.rpc.has_side_effects;
    let rate_class = match policy.rate_class() {
        RateClass::Unspecified if has_side_effects => RateClass::Write,
        RateClass::Unspecified => RateClass::Read,
        class => class,
    };
    let criticality = match policy.criticality() {
        Criticality::Unspecified if has_side_effects => Criticality::Critical,
        Criticality::Unspecified => Criticality::SheddablePlus,
        criticality => criticality,
    };
    let role = policy.override_role();
    model::Policy {
        rpc: route.rpc.path.as_str().trim_start_matches('/').to_owned(),
        access: word(policy.access().as_str_name(), "ACCESS_"),
        override_role: (role != Role::Unspecified).then(|| word(role.as_str_name(), "ROLE_")),
        rate_class: word(rate_class.as_str_name(), "RATE_CLASS_"),
        criticality: word(criticality.as_str_name(), "CRITICALITY_"),
        timeout_seconds: Some(policy.timeout_seconds).filter(|it| *it > 0).unwrap_or(USUAL_TIMEOUT),
        cache_seconds: policy.cache_seconds,
        scope: Some(policy.scope.clone()).filter(|scope| !scope.is_empty()),
        has_side_effects,
    }
}

fn parameters(route: &Route, path: &[String], messages: &mut Messages<'_>) -> Vec<Parameter> {
    let variables = route.parts().filter(|part| matches!(part, Part::Variable { .. }));
    let mut parameters: Vec<_> =
        variables.zip(path).map(|(part, name)| in_path(&part, name, messages)).collect();
    let input = route.rpc.method.input();
    for field in input.fields() {
        if let Some(name) = headers::of_field(&field) {
            parameters.push(Parameter {
                r#in: Place::Header,
                required: false,
                schema: headers::schema(&name),
                description: messages.comments.of_field(&field).to_owned(),
                example: None,
                name,
            });
        } else {
            in_query(route, field.name(), &field, messages, &mut parameters);
        }
    }
    parameters.extend(headers::parameters(route));
    parameters
}

fn in_path(part: &Part<'_>, name: &str, messages: &mut Messages<'_>) -> Parameter {
    let field = match part {
        Part::Variable { field: Some(field), is_whole: true, .. } => Some(*field),
        Part::Variable { .. } | Part::Literal(_) => None,
    };
    let (schema, description) = match field.map(FieldPath::leaf) {
        Some(leaf) => {
            let limits = messages.limits(leaf);
            (messages.parameter(leaf, limits.as_ref()), messages.comments.of_field(leaf).to_owned())
        }
        None => (Schema::text(), String::new()),
    };
    let example = examples::value(&schema, &messages.made);
    Parameter {
        name: name.to_owned(),
        r#in: Place::Path,
        required: true,
        description,
        schema: limits::in_path(Schema { examples: Vec::new(), ..schema }),
        example,
    }
}

/// Parameters of the query: those of fields, and of fields inside them.
fn in_query(
    route: &Route,
    path: &str,
    field: &FieldDescriptor,
    messages: &mut Messages<'_>,
    parameters: &mut Vec<Parameter>,
) {
    if let Some(parameter) = route.parameter(path) {
        let is_top = parameter.leaf().parent_message() == &route.rpc.method.input();
        let limits = messages.limits(field).filter(|_| is_top);
        let schema = messages.parameter(field, limits.as_ref());
        let required = limits.is_some_and(|limits| limits.is_required);
        let example = examples::value(&schema, &messages.made).filter(|_| required);
        parameters.push(Parameter {
            name: parameter.json_name(),
            r#in: Place::Query,
            required,
            description: messages.comments.of_field(field).to_owned(),
            schema: without_examples(schema),
            example,
        });
    } else if let Kind::Message(inner) = field.kind()
        && path.split('.').count() < DEEPEST
        && !field.is_list()
        && !field.is_map()
    {
        for field in inner.fields() {
            let path = format!("{path}.{}", field.name());
            in_query(route, &path, &field, messages, parameters);
        }
    }
}

fn without_examples(mut schema: Schema) -> Schema {
    schema.examples.clear();
    if let Some(items) = &mut schema.items {
        items.examples.clear();
    }
    schema
}

fn request_body(route: &Route, messages: &mut Messages<'_>) -> Option<RequestBody> {
    if takes_file(route) {
        let binary = Schema::formatted("binary");
        let form = Schema {
            properties: [("file".to_owned(), binary.clone())].into_iter().collect(),
            required: vec!["file".to_owned()],
            ..Schema::of("object")
        };
        let content = [
            ("application/octet-stream".to_owned(), Media::of(binary)),
            ("multipart/form-data".to_owned(), Media::of(form)),
        ];
        return Some(RequestBody { required: true, content: content.into_iter().collect() });
    }
    let schema = messages.body(route)?;
    let example = examples::value(&schema, &messages.made);
    let named = schema.name().and_then(|name| messages.made.get(name));
    let required = named.is_some_and(|schema| !schema.required.is_empty());
    let mut content = Ordered::default();
    let media = || Media { schema: schema.clone(), example: example.clone(), item_schema: None };
    content.add("application/json", media());
    if route.method == http::Method::PATCH {
        content.add("application/merge-patch+json", media());
    }
    Some(RequestBody { required, content })
}

/// Whether what clients send are the bytes of a file.
fn takes_file(route: &Route) -> bool {
    let input = route.rpc.method.input();
    let is_body = |kind: &Kind| kind.as_message().is_some_and(|it| it.full_name() == BODY);
    input.full_name() == BODY || input.fields().any(|field| is_body(&field.kind()))
}
