//! The token of a service against an auth that counts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use proto::auth::v1::{
    BatchGetProfilesRequest, CreateApiKeyRequest, CreateApiKeyResponse, DeleteApiKeyRequest,
    DeleteApiKeyResponse, ExchangeApiKeyRequest, ExchangeApiKeyResponse, ListApiKeysRequest,
    ListApiKeysResponse,
    api_key_service_server::{ApiKeyService, ApiKeyServiceServer},
    user_service_client::UserServiceClient,
};
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

use super::{ApiKey, ServiceToken};
use crate::{server::spawn, upstream::Address};

/// An auth that knows one key and no other method.
#[derive(Clone, Default)]
struct Auth {
    asked: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
    lasts: i32,
}

#[tonic::async_trait]
impl ApiKeyService for Auth {
    async fn exchange_api_key(
        &self,
        _request: Request<ExchangeApiKeyRequest>,
    ) -> Result<Response<ExchangeApiKeyResponse>, Status> {
        let number = self.asked.fetch_add(1, SeqCst);
        if self.is_down.load(SeqCst) {
            return Err(Status::unavailable("down"));
        }
        Ok(Response::new(ExchangeApiKeyResponse {
            access_token: format!("token-{number}"),
            token_type: "Bearer".to_owned(),
            expires_in: self.lasts,
            scope: String::new(),
        }))
    }

    async fn create_api_key(
        &self,
        _request: Request<CreateApiKeyRequest>,
    ) -> Result<Response<CreateApiKeyResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn list_api_keys(
        &self,
        _request: Request<ListApiKeysRequest>,
    ) -> Result<Response<ListApiKeysResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn delete_api_key(
        &self,
        _request: Request<DeleteApiKeyRequest>,
    ) -> Result<Response<DeleteApiKeyResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }
}

impl Auth {
    /// Serves, and refuses whoever calls anything but an exchange.
    fn start(lasts: i32) -> (Self, Address) {
        let auth = Self { lasts, ..Self::default() };
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = format!("http://{}", incoming.local_addr().unwrap()).parse().unwrap();
        let refuse = |request: Request<()>| match request.metadata().get("authorization") {
            None => Ok(request),
            Some(_) => Err(Status::unauthenticated("who are you?")),
        };
        let service = ApiKeyServiceServer::with_interceptor(auth.clone(), refuse);
        drop(spawn(Server::builder().add_service(service).serve_with_incoming(incoming)));
        (auth, address)
    }

    fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }
}

async fn said(token: &ServiceToken) -> Option<String> {
    Some(token.authorization().await?.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn many_calls_at_once_exchange_the_key_once() {
    let (auth, address) = Auth::start(300);
    let token = ServiceToken::new(Some(ApiKey::random()), &address);
    let all = join_all((0..50).map(|_| said(&token))).await;
    assert!(all.iter().all(|said| said.as_deref() == Some("Bearer token-0")), "{all:?}");
    assert_eq!(auth.asked(), 1);
    assert_eq!(said(&ServiceToken::new(None, &address)).await, None);
}

#[tokio::test]
async fn an_auth_that_is_down_is_not_asked_for_every_call() {
    let (auth, address) = Auth::start(300);
    auth.is_down.store(true, SeqCst);
    let token = ServiceToken::new(Some(ApiKey::random()), &address);
    for _ in 0..20 {
        assert_eq!(said(&token).await, None);
    }
    assert!(auth.asked() <= 2, "{}", auth.asked());
    auth.is_down.store(false, SeqCst);
    let back = async {
        while said(&token).await.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), back).await.unwrap();
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    let (auth, address) = Auth::start(5);
    let token = ServiceToken::new(Some(ApiKey::random()), &address);
    let first = said(&token).await.unwrap();
    let renewed = async {
        loop {
            // Never without: the old one is good until the new one is there.
            if said(&token).await.unwrap() != first {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), renewed).await.unwrap();
    assert_eq!(auth.asked(), 2);
}

#[tokio::test]
async fn a_token_that_is_refused_is_not_sent_again() {
    let (auth, address) = Auth::start(300);
    let token = ServiceToken::new(Some(ApiKey::random()), &address);
    let mut users = UserServiceClient::new(token.connect(&address));
    said(&token).await.unwrap();
    users.batch_get_profiles(BatchGetProfilesRequest::default()).await.unwrap_err();
    assert_eq!(said(&token).await.as_deref(), Some("Bearer token-0"), "it was not refused");
    assert_eq!(auth.asked(), 1);

    let mut keys =
        proto::auth::v1::api_key_service_client::ApiKeyServiceClient::new(token.connect(&address));
    let status = keys.list_api_keys(ListApiKeysRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
    assert_eq!(said(&token).await.as_deref(), Some("Bearer token-1"));
}
