//! What an operator relies on: probes, metrics, and ports that explain themselves.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request};
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proto::auth::v1::GetKeySetRequest;
use tests::{Metrics, Person, Rest, Service, Stack, channel, metrics, raw, within};
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::{v1, v1alpha};

const SOON: Duration = Duration::from_secs(10);

fn health(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn metrics_have_standard_names_and_few_labels() {
    let stack = Stack::start().await;
    let ann = Person::user(&stack, "ann").await;
    let id = ann.publish("Counted").await;
    ann.rest().get(&format!("/api/posts/{id}")).await.expect(200);
    ann.rest().get("/nope/1").await.expect(404);
    let [gateway, content, auth] =
        [metrics(&stack.gateway).await, metrics(&stack.content).await, metrics(&stack.auth).await];
    let served = gateway.sum("http_server_request_duration_seconds_count", "/api/posts/{post_id}");
    assert!(served >= 1.0, "{gateway:?}");
    assert!(!gateway.0.contains(&id) && !gateway.0.contains("nope"), "unbounded labels");
    assert!(content.served("mainstay.content.v1.PostService/GetPost") >= 1.0, "{content:?}");
    assert!(auth.served("mainstay.auth.v1.SessionService/CreateSession") >= 1.0, "{auth:?}");
    for Metrics(text) in [&content, &auth] {
        assert!(text.contains("db_client_operation_duration_seconds_count"), "{text}");
        assert!(text.contains("rpc_response_status_code=\"OK\""), "{text}");
    }
    assert!(content.sum("db_client_operation_duration_seconds_count", "content.posts.find") >= 1.0);
}

#[tokio::test]
async fn probes_answer_on_the_admin_port() {
    let stack = Stack::start().await;
    for service in stack.services() {
        let admin = Rest::new(service.admin);
        for path in ["/livez", "/readyz"] {
            assert_eq!(admin.get(path).await.expect(200).text, "ok\n");
        }
        admin.get("/nope").await.expect(404);
        let public = Rest::new(service.listen).get("/metrics").await;
        assert_ne!(public.status, 200, "metrics are not public");
    }
}

#[tokio::test]
async fn health_is_told_for_each_service() {
    let stack = Stack::start().await;
    for (service, names) in [
        (&stack.auth, &["", "mainstay.auth.v1.UserService", "mainstay.auth.v1.SessionService"][..]),
        (&stack.content, &["", "mainstay.content.v1.PostService"]),
    ] {
        let mut client = HealthClient::new(channel(service));
        for name in names {
            let reply = client.check(health(name)).await.unwrap().into_inner();
            assert_eq!(reply.status(), ServingStatus::Serving, "{name}");
        }
        let status = client.check(health("mainstay.nope.v1.Nope")).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
}

#[tokio::test]
async fn tools_of_any_age_can_list_the_services() {
    let stack = Stack::start().await;
    let expected = ["grpc.health.v1.Health", "mainstay.auth.v1.UserService"];
    let mut client =
        v1::server_reflection_client::ServerReflectionClient::new(channel(&stack.auth));
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
    };
    let mut replies = client.server_reflection_info(stream::iter([request])).await.unwrap();
    let reply = format!("{:?}", replies.get_mut().message().await.unwrap());
    assert!(expected.iter().all(|name| reply.contains(name)), "{reply}");

    let mut client =
        v1alpha::server_reflection_client::ServerReflectionClient::new(channel(&stack.auth));
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
    };
    let mut replies = client.server_reflection_info(stream::iter([request])).await.unwrap();
    let reply = format!("{:?}", replies.get_mut().message().await.unwrap());
    assert!(expected.iter().all(|name| reply.contains(name)), "{reply}");
}

#[tokio::test]
async fn a_browser_on_a_grpc_port_is_shown_the_way() {
    let stack = Stack::start().await;
    let answer = Rest::new(stack.auth.listen).get("/").await;
    assert_eq!(answer.status, 415);
    assert!(answer.text.contains("This is a gRPC port"), "{answer:?}");
    assert!(answer.text.contains("grpcurl"), "{answer:?}");
    let answer = raw::exchange(stack.content.listen, b"nonsense\r\n\r\n").await;
    assert_eq!(raw::status(&answer), Some(400), "{answer}");
}

/// Calls a method with an empty message and a deadline that only the server
/// knows of: tonic's own client would give up by itself.
async fn call_within(service: &Service, path: &str, deadline: &str) -> HeaderMap {
    let stream = TcpStream::connect(service.listen).await.unwrap();
    let (executor, stream) = (TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(executor, stream).await.unwrap();
    let request = Request::post(format!("http://localhost{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", deadline)
        .body(Full::new(Bytes::from_static(&[0; 5])))
        .unwrap();
    tokio::select! {
        answer = sender.send_request(request) => answer.unwrap().headers().clone(),
        ended = connection => panic!("the connection ended: {ended:?}"),
    }
}

#[tokio::test]
async fn a_call_is_answered_by_its_deadline() {
    let stack = Stack::start().await;
    let list = "/mainstay.content.v1.PostService/ListPosts";
    let late = async || within("an answer", SOON, call_within(&stack.content, list, "300m")).await;
    let answer = stack.databases.content.while_locked("posts", late).await;
    let deadline_exceeded = (Code::DeadlineExceeded as i32).to_string();
    assert_eq!(answer["grpc-status"], deadline_exceeded, "{answer:?}");
    let in_time = call_within(&stack.content, list, "10S").await;
    assert_eq!(in_time.get("grpc-status"), None, "{in_time:?}");
}

#[tokio::test]
async fn methods_that_no_service_has_are_refused() {
    let stack = Stack::start().await;
    let pool = tests::contract::pool();
    let method = pool.get_service_by_name("mainstay.auth.v1.UserService").unwrap();
    let method = method.methods().next().unwrap();
    // The path of one service on the port of another.
    let mut client = tonic::client::Grpc::new(channel(&stack.content));
    client.ready().await.unwrap();
    let path = format!("/mainstay.auth.v1.UserService/{}", method.name());
    let codec = tonic_prost::ProstCodec::<GetKeySetRequest, GetKeySetRequest>::default();
    let request = tonic::Request::new(GetKeySetRequest {});
    let status = client.unary(request, path.parse().unwrap(), codec).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}
