//! The names of metrics and attributes, in one place because the conventions
//! still move (OpenTelemetry semantic conventions 1.42).

/// Seconds that the gateway took for a request.
pub const HTTP_SERVER_DURATION: &str = "http.server.request.duration";
/// Seconds that a service took for a call.
pub const RPC_SERVER_DURATION: &str = "rpc.server.call.duration";
/// Seconds that a statement took.
pub const DB_CLIENT_DURATION: &str = "db.client.operation.duration";
/// Requests whose answer may be kept for everybody.
pub const GATEWAY_CACHE_REQUESTS: &str = "gateway.cache.requests";

/// `hit` or `miss`.
pub const GATEWAY_CACHE_RESULT: &str = "gateway.cache.result";
/// The HTTP method.
pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
/// The template of the route, never the path.
pub const HTTP_ROUTE: &str = "http.route";
/// The HTTP status code.
pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
/// `grpc`.
pub const RPC_SYSTEM_NAME: &str = "rpc.system.name";
/// The full method: `mainstay.auth.v1.UserService/GetUser`.
pub const RPC_METHOD: &str = "rpc.method";
/// The gRPC status code by name.
pub const RPC_RESPONSE_STATUS_CODE: &str = "rpc.response.status_code";
/// `postgresql`.
pub const DB_SYSTEM_NAME: &str = "db.system.name";
/// The name of a statement: `auth.users.find`.
pub const DB_QUERY_SUMMARY: &str = "db.query.summary";
/// What failed: an SQLSTATE or a word.
pub const ERROR_TYPE: &str = "error.type";

/// Bucket bounds for requests, in seconds.
pub const REQUEST_BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Bucket bounds for statements, in seconds.
pub const STATEMENT_BUCKETS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
