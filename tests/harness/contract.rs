//! The contract as the tests read it: straight from the descriptors, by none of
//! the code that they test.

use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, MethodDescriptor, ReflectMessage as _,
    ServiceDescriptor, Value,
};
use proto::options::v1::Policy;

/// A method and everything that its options say.
#[derive(Clone, Debug)]
pub struct Method {
    /// What it takes and returns.
    pub descriptor: MethodDescriptor,
    /// Who may call it; none if the contract forgot to say.
    pub policy: Option<Policy>,
    /// Where REST has it.
    pub routes: Vec<Route>,
}

/// One REST route.
#[derive(Clone, Debug)]
pub struct Route {
    /// The HTTP method.
    pub verb: String,
    /// The path with its variables.
    pub template: String,
    /// `*` if the body holds what the path does not.
    pub body: String,
}

/// The descriptors.
pub fn pool() -> DescriptorPool {
    DescriptorPool::decode(proto::DESCRIPTORS).unwrap()
}

/// Every method of the contract.
pub fn methods(pool: &DescriptorPool) -> Vec<Method> {
    let services: Vec<_> = pool.services().collect();
    let methods = services.iter().flat_map(ServiceDescriptor::methods);
    methods.map(|descriptor| Method::read(pool, descriptor)).collect()
}

/// The rules of a field, if it has any.
pub fn rules(field: &FieldDescriptor) -> Option<DynamicMessage> {
    option(&field.options(), field.parent_pool(), "buf.validate.field")
}

/// Whether a field holds a secret that the gateway keeps in a cookie.
pub fn is_credential(field: &FieldDescriptor) -> bool {
    let name = "mainstay.options.v1.credential";
    option(&field.options(), field.parent_pool(), name).is_some()
}

/// The header that a field of a request stands for over REST.
pub fn header(field: &FieldDescriptor) -> Option<String> {
    let name = "mainstay.options.v1.header";
    let extension = field.parent_pool().get_extension_by_name(name).unwrap();
    let options = field.options();
    let is_filled = options.has_extension(&extension);
    is_filled.then(|| options.get_extension(&extension).as_str().unwrap().to_owned())
}

// === impl Method ===

impl Method {
    /// `mainstay.auth.v1.UserService/GetUser`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.descriptor.parent_service().full_name(), self.descriptor.name())
    }

    /// Whether what it takes has a field.
    pub fn takes(&self, field: &str) -> bool {
        self.descriptor.input().get_field_by_name(field).is_some()
    }

    fn read(pool: &DescriptorPool, descriptor: MethodDescriptor) -> Self {
        let read = |name| option(&descriptor.options(), pool, name);
        let policy = read("mainstay.options.v1.policy");
        let policy = policy.map(|policy| Policy::decode(&*policy.encode_to_vec()).unwrap());
        let routes = read("google.api.http").map(|rule| Route::read_all(&rule));
        Self { descriptor, policy, routes: routes.unwrap_or_default() }
    }
}

// === impl Route ===

impl Route {
    fn read_all(rule: &DynamicMessage) -> Vec<Self> {
        let more = rule.get_field_by_name("additional_bindings").unwrap().into_owned();
        let more = more.as_list().unwrap().to_vec();
        let more = more.iter().map(|rule| Self::read(rule.as_message().unwrap()));
        [Self::read(rule)].into_iter().chain(more).collect()
    }

    fn read(rule: &DynamicMessage) -> Self {
        let verbs = ["get", "put", "post", "delete", "patch"];
        let verb = verbs.into_iter().find(|verb| rule.has_field_by_name(verb)).unwrap();
        Self { verb: verb.to_uppercase(), template: text(rule, verb), body: text(rule, "body") }
    }

    /// The path with its variables filled from a message, and the fields that
    /// it has used.
    pub fn path(&self, message: &DynamicMessage) -> (String, Vec<String>) {
        let (mut path, mut used) = (self.template.clone(), Vec::new());
        for field in message.descriptor().fields() {
            let variable = format!("{{{}}}", field.name());
            if path.contains(&variable) {
                path = path.replace(&variable, &text(message, field.name()));
                used.push(field.name().to_owned());
            }
        }
        (path, used)
    }
}

fn option(options: &DynamicMessage, pool: &DescriptorPool, name: &str) -> Option<DynamicMessage> {
    let extension = pool.get_extension_by_name(name).unwrap();
    if !options.has_extension(&extension) {
        return None;
    }
    match options.get_extension(&extension).into_owned() {
        Value::Message(message) => Some(message),
        other => panic!("{name} is {other:?}"),
    }
}

fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).unwrap().as_str().unwrap().to_owned()
}
