//! The `google.api.http` option of a method, turned into routes (AIP-127).

use std::sync::Arc;

use http::Method;
use platform::Fatal;
use prost_reflect::{DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, Value};

use super::{Body, FieldPath, Route, Rpc, template::Template};

/// Reads every route of a method; a method may have none.
pub(super) fn read(http: &ExtensionDescriptor, rpc: &Arc<Rpc>) -> Result<Vec<Route>, Fatal> {
    let options = rpc.method.options();
    if !options.has_extension(http) {
        return Ok(Vec::new());
    }
    let rule = options.get_extension(http);
    let Some(rule) = rule.as_message() else { return Ok(Vec::new()) };
    let additional = rule.get_field_by_name("additional_bindings");
    let additional = additional.as_ref().and_then(|list| list.as_list()).unwrap_or_default();
    let rules: Vec<_> = additional.iter().filter_map(Value::as_message).collect();
    let is_nested = |rule: &&DynamicMessage| rule.has_field_by_name("additional_bindings");
    let unusable = |problem| Fatal::Contract(format!("{}: {problem}", rpc.path));
    if rules.iter().any(is_nested) {
        return Err(unusable("has additional_bindings inside additional_bindings".to_owned()));
    }
    let routes = [rule].into_iter().chain(rules).map(|rule| route(rule, rpc));
    routes.collect::<Result<_, String>>().map_err(unusable)
}

/// A method under its own name, as browsers that speak gRPC call it.
pub(super) fn method(rpc: &Arc<Rpc>) -> Result<Route, Fatal> {
    let template = rpc.path.to_string();
    let path = Template::parse(&template);
    let path = path.map_err(|malformed| Fatal::Contract(malformed.to_string()))?;
    Ok(Route {
        method: Method::POST,
        template: template.into(),
        rpc: Arc::clone(rpc),
        body: Body::Whole,
        response_field: None,
        update_mask: None,
        lane: None,
        is_rpc: true,
        location: None,
        variables: Vec::new(),
        path,
    })
}

fn route(rule: &DynamicMessage, rpc: &Arc<Rpc>) -> Result<Route, String> {
    let (method, template) = pattern(rule)?;
    let path = Template::parse(&template).map_err(|malformed| malformed.to_string())?;
    let (input, output) = (rpc.method.input(), rpc.method.output());
    let variables = path.variables.iter().map(|variable| {
        let field = FieldPath::find(&input, &variable.field);
        let usable = field.filter(|field| field.is_text() && !field.is_list());
        usable.ok_or_else(|| format!("the path names {}, which it cannot fill", variable.field))
    });
    let variables = variables.collect::<Result<Vec<_>, _>>()?;
    check(&variables, rpc)?;
    let body = match text(rule, "body").as_str() {
        "" => Body::Nothing,
        // AIP-131 and AIP-135; what lies between client and gateway may drop it.
        _ if method == Method::GET || method == Method::DELETE => {
            return Err(format!("{method} takes no body"));
        }
        "*" => Body::Whole,
        name => {
            let field = input.get_field_by_name(name).ok_or("body names no field")?;
            let is_message = field.kind().as_message().is_some() && !field.is_list();
            if !is_message || field.is_map() {
                return Err("body names a field that is not a message".to_owned());
            }
            Body::Field(field)
        }
    };
    super::shape::check(&rpc.sends, &method, &body)?;
    let response_field = match text(rule, "response_body").as_str() {
        "" => None,
        name => Some(output.get_field_by_name(name).ok_or("response_body names no field")?),
    };
    let update_mask = input.get_field_by_name("update_mask").filter(is_field_mask);
    Ok(Route {
        update_mask: update_mask.filter(|_| method == Method::PATCH),
        method,
        template: template.into(),
        rpc: Arc::clone(rpc),
        body,
        response_field,
        lane: None,
        is_rpc: false,
        location: None,
        variables,
        path,
    })
}

/// Checks that a path fills each field once, and none that something else fills.
fn check(variables: &[FieldPath], rpc: &Rpc) -> Result<(), String> {
    for (index, variable) in variables.iter().enumerate() {
        let name = variable.name();
        if rpc.filled().any(|filled| filled == name) {
            return Err(format!("the path names {name}, which the gateway fills"));
        }
        let mut others = variables.iter().take(index);
        if let Some(other) = others.find(|other| other.excludes(variable)) {
            return Err(format!("the path names both {} and {name}", other.name()));
        }
    }
    Ok(())
}

fn pattern(rule: &DynamicMessage) -> Result<(Method, String), String> {
    let plain = [
        ("get", Method::GET),
        ("put", Method::PUT),
        ("post", Method::POST),
        ("delete", Method::DELETE),
        ("patch", Method::PATCH),
    ];
    for (field, method) in plain {
        if rule.has_field_by_name(field) {
            return Ok((method, text(rule, field)));
        }
    }
    let custom = rule.get_field_by_name("custom");
    let custom = custom.as_ref().and_then(|custom| custom.as_message());
    let custom = custom.filter(|_| rule.has_field_by_name("custom")).ok_or("has no path")?;
    let kind = text(custom, "kind");
    let method = Method::from_bytes(kind.as_bytes());
    let method = method.ok().filter(|_| kind != "*" && !is_built_in(&kind));
    let method = method.ok_or_else(|| format!("{kind} cannot be the method of a route"))?;
    Ok((method, text(custom, "path")))
}

/// Methods that the gateway answers by itself, or never.
fn is_built_in(method: &str) -> bool {
    ["HEAD", "OPTIONS", "TRACE", "CONNECT"].contains(&method)
}

fn is_field_mask(field: &FieldDescriptor) -> bool {
    let Kind::Message(message) = field.kind() else { return false };
    message.full_name() == "google.protobuf.FieldMask" && !field.is_list()
}

fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value.as_ref().and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}
