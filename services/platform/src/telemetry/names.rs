//! The names of metrics and attributes, in one place because the conventions
//! still move (OpenTelemetry semantic conventions 1.42).

/// Seconds that the gateway took for a request.
pub const HTTP_SERVER_DURATION: &str = "http.server.request.duration";
/// Seconds that a service took for a call.
pub const RPC_SERVER_DURATION: &str = "rpc.server.call.duration";
/// Seconds that a statement took.
pub const DB_CLIENT_DURATION: &str = "db.client.operation.duration";
/// When a certificate of ours expires, in seconds since 1970.
pub const TLS_CERTIFICATE_EXPIRES_AT: &str = "tls.certificate.expires_at";
/// Connections whose TLS handshake was tried.
pub const TLS_HANDSHAKES: &str = "tls.server.handshakes";

/// Connections that the server ended, by `error.type`.
pub const SERVER_CONNECTIONS_ENDED: &str = "mainstay.server.connections.ended";

/// Requests that a process refused because there was too much to do:
/// `gateway.requests.shed`.
pub fn requests_shed(process: &str) -> String {
    format!("{process}.requests.shed")
}
/// Requests that a process refused because their caller had made too many:
/// `gateway.requests.rate_limited`.
pub fn rate_limited(process: &str) -> String {
    format!("{process}.requests.rate_limited")
}
/// How often a process could not ask the shared store of budgets:
/// `gateway.limits.store.failures`.
pub fn limit_store_failures(process: &str) -> String {
    format!("{process}.limits.store.failures")
}
/// Calls that the gateway made again, or would have.
pub const RETRIES: &str = "gateway.retries";
/// Whether a back end is called: 0 yes, 1 once to see, 2 no.
pub const BREAKER_STATE: &str = "gateway.breaker.state";

/// Tries to send a letter, by outcome: `sent`, `again`, `never`.
pub const LETTERS_TRIED: &str = "auth.letters.tried";
/// Letters that are to be sent.
pub const LETTERS_WAITING: &str = "auth.letters.waiting";
/// For how many seconds the oldest of them has waited.
pub const LETTERS_OLDEST: &str = "auth.letters.oldest.age";

/// What refused a request: `concurrency` or `queue`.
pub const LIMITER: &str = "limiter";
/// What is given up first: `sheddable` before `critical`.
pub const CRITICALITY: &str = "criticality";
/// Whose budget was used up: `read`, `write`, `sign-in`, `upload`.
pub const RATE_CLASS: &str = "class";
/// What became of a retry: `made`, or why not.
pub const RESULT: &str = "result";
/// The beginning of a package's name, and an address where it is served.
pub const BACKEND: &str = "backend";
/// Messages that the gateway could not turn from or into JSON the direct way.
pub const TRANSCODE_FALLBACKS: &str = "mainstay.transcode.fallbacks";
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
/// Whether a certificate is shown as `server` or as `client`.
pub const TLS_CERTIFICATE_ROLE: &str = "tls.certificate.role";
/// How a handshake ended: `ok` or a word for what was wrong.
pub const OUTCOME: &str = "outcome";
/// What failed: an SQLSTATE or a word.
pub const ERROR_TYPE: &str = "error.type";
/// `to_json` or `to_wire`.
pub const TRANSCODE_DIRECTION: &str = "mainstay.transcode.direction";
/// What was unusual about a message: `order`, `any`…
pub const TRANSCODE_REASON: &str = "mainstay.transcode.reason";

/// Bucket bounds for requests, in seconds.
pub const REQUEST_BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Bucket bounds for statements, in seconds.
pub const STATEMENT_BUCKETS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
