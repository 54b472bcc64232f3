//! The auth service: users, their sessions, and the keys that prove them.
//!
//! One folder per resource, each with its rules (`mod.rs`), its gRPC edge
//! (`rpc.rs`), its storage (`store.rs`) and its statements (`*.sql`).

mod audit;
mod config;
mod identities;
mod keys;
mod mail;
pub mod operator;
mod passwords;
mod secrets;
mod sessions;
mod users;

use std::{future::ready, sync::Arc};

use database::{Pool, Replies};
use platform::{
    Fatal,
    access::{AccessLayer, Contract},
    config::Reader,
    page::Pages,
    server::{Grpc, Process},
    token::Verifier,
};
use proto::auth::v1::{
    identity_service_server::IdentityServiceServer, key_service_server::KeyServiceServer,
    session_service_server::SessionServiceServer, user_service_server::UserServiceServer,
};

use self::{
    config::Config, identities::Providers, keys::KeySet, mail::PostOffice, passwords::Passwords,
    sessions::Issuer,
};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The largest message that is read: the largest request is below a kilobyte.
const MAX_MESSAGE: usize = 64 * 1024;

/// Runs the service until it is told to stop.
pub async fn run(reader: Reader) -> Result<(), Fatal> {
    let config = Config::read(reader)?;
    let process = Process::start("auth", &config.server).await?;
    match process.prepare(prepare(config)).await {
        None => Ok(()),
        Some(prepared) => {
            let (grpc, access) = prepared?;
            process.serve_grpc(grpc, access).await
        }
    }
}

/// Applies the migrations that a database has not seen, and returns how many.
pub async fn migrate(pool: &Pool) -> Result<usize, database::Error> {
    database::migrate(pool, embedded::migrations::runner()).await
}

async fn prepare(config: Config) -> Result<(Grpc, AccessLayer), Fatal> {
    let contract = Contract::read()?;
    let unusable = |error| Fatal::unavailable("the database", error);
    let pool = Pool::new(config.database_url.expose(), config.database_connections.get());
    let pool = pool.map_err(unusable)?;
    migrate(&pool).await.map_err(unusable)?;
    let sealer = config.secret_key.sealer("auth signing keys");
    let keys = keys::load_or_create(&pool, &sealer).await;
    let keys = Arc::new(keys.map_err(|error| Fatal::unavailable("the signing keys", error))?);
    let pages = Arc::new(Pages::new(config.secret_key.steady_sealer("steady page tokens")));
    let access = AccessLayer::new(contract, verifier(&config.issuer, &keys));

    let passwords = Passwords::new();
    let replies = Replies::new(&pool, &config.secret_key);
    let users = users::Rpc {
        pool: pool.clone(),
        replies: replies.clone(),
        pages,
        passwords: passwords.clone(),
    };
    let (keys_of_issuer, lifetimes) = (Arc::clone(&keys), config.lifetimes);
    let issuer = Issuer { keys: keys_of_issuer, name: config.issuer, lifetimes };
    let identities = identities::Rpc {
        pool: pool.clone(),
        providers: Arc::new(Providers::new(config.providers, &config.public_url)?),
        issuer: issuer.clone(),
        post_office: PostOffice::new(&config.secret_key, &config.public_url),
    };
    let sessions = sessions::Rpc { pool, replies, passwords, issuer };
    let grpc = Grpc::new()?
        .with(UserServiceServer::new(users).max_decoding_message_size(MAX_MESSAGE))
        .with(SessionServiceServer::new(sessions).max_decoding_message_size(MAX_MESSAGE))
        .with(IdentityServiceServer::new(identities).max_decoding_message_size(MAX_MESSAGE))
        .with(KeyServiceServer::new(keys::Rpc { keys }).max_decoding_message_size(MAX_MESSAGE));
    Ok((grpc, access))
}

/// This service has the keys at hand.
fn verifier(issuer: &str, keys: &Arc<KeySet>) -> Verifier {
    let keys = Arc::clone(keys);
    Verifier::new(issuer, Box::new(move || Box::pin(ready(Ok(keys.public())))))
}
