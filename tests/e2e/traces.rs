//! One request is one trace, from REST to SQL.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::Span,
};
use platform::server::spawn;
use serde_json::json;
use tests::{Person, Stack, eventually};
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

const TRACE: [u8; 16] = [0x4b; 16];

/// Keeps what is exported to it, with the name of the service.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<(String, Span)>>>);

#[tonic::async_trait]
impl TraceService for Sink {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for spans in request.into_inner().resource_spans {
            let service = format!("{:?}", spans.resource);
            let names = ["auth", "content", "gateway"].into_iter();
            let service = names.filter(|name| service.contains(&format!("{name:?}")));
            let service: String = service.collect();
            let spans = spans.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.0.lock().unwrap().extend(spans.map(|span| (service.clone(), span)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test]
async fn one_request_is_one_trace_from_rest_to_sql() {
    let sink = Sink::default();
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = format!("http://{}", incoming.local_addr().unwrap());
    let service = TraceServiceServer::new(sink.clone());
    drop(spawn(Server::builder().add_service(service).serve_with_incoming(incoming)));
    let mut stack = Stack::builder();
    for service in ["auth", "content", "gateway"] {
        stack = stack.set(service, "OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint);
    }
    let stack = stack.start().await;
    let ann = Person::user(&stack, "ann").await;

    let traceparent = format!("00-{:032x}-00f067aa0ba902b7-01", u128::from_be_bytes(TRACE));
    let call = ann.rest().call("POST", "/api/users/me/posts").header("traceparent", &traceparent);
    call.json(&json!({"title": "Traced"})).send().await.expect(201);

    let expected = [
        ("gateway", "POST /api/users/{user_id}/posts", ""),
        ("content", "mainstay.content.v1.PostService/CreatePost", "gateway"),
        ("content", "content.posts.insert", "content"),
        ("auth", "mainstay.auth.v1.UserService/BatchGetProfiles", "content"),
        ("auth", "auth.users.profiles", "auth"),
    ];
    eventually("all spans are exported", Duration::from_secs(20), async || {
        let spans = sink.0.lock().unwrap();
        let of_trace: Vec<_> = spans.iter().filter(|(_, s)| s.trace_id == TRACE).collect();
        let parent = |span: &Span| of_trace.iter().find(|(_, s)| s.span_id == span.parent_span_id);
        let is_there = |(service, name, below): &(&str, &str, &str)| {
            of_trace.iter().any(|(of, span)| {
                let above = parent(span).map_or("", |(above, _)| above);
                of == service && span.name == *name && above == *below
            })
        };
        expected.iter().all(is_there).then_some(())
    })
    .await;
}
