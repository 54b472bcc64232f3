//! The auth service: users, their sessions, and the keys that prove them.
//!
//! One folder per resource, each with its rules (`mod.rs`), its gRPC edge
//! (`rpc.rs`), its storage (`store.rs`) and its statements (`*.sql`).

mod audit;
mod config;
mod keys;
mod mail;
pub mod operator;
mod passwords;
mod secrets;
mod sessions;
mod trust;
mod users;

use std::sync::Arc;

use database::{Pool, Replies};
use platform::{
    Fatal,
    access::{AccessLayer, Contract},
    config::Reader,
    page::Pages,
    server::{Grpc, Process, Stopping},
    token::Verifier,
    trust::Trust,
};
use proto::auth::v1::{
    key_service_server::KeyServiceServer, session_service_server::SessionServiceServer,
    trust_service_server::TrustServiceServer, user_service_server::UserServiceServer,
};

use self::{config::Config, keys::KeySet, passwords::Passwords, sessions::Issuer, trust::Hub};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The largest message that is read: the largest request is below a kilobyte.
const MAX_MESSAGE: usize = 64 * 1024;

/// Runs the service until it is told to stop.
pub async fn run(reader: Reader) -> Result<(), Fatal> {
    let config = Config::read(reader)?;
    let process = Process::start("auth", &config.server).await?;
    match process.prepare(prepare(config, process.stopping())).await {
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

async fn prepare(config: Config, stopping: Stopping) -> Result<(Grpc, AccessLayer), Fatal> {
    let contract = Contract::read()?;
    let unusable = |error| Fatal::unavailable("the database", error);
    let pool = Pool::new(config.database_url.expose(), config.database_connections.get());
    let pool = pool.map_err(unusable)?;
    migrate(&pool).await.map_err(unusable)?;
    let (keys, hub) = follow(&config, &pool).await?;
    let pages = Arc::new(Pages::new(config.secret_key.steady_sealer("steady page tokens")));
    let access = AccessLayer::new(contract, Verifier::new(&config.issuer, hub.trust()));

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
    let sessions = sessions::Rpc { pool, replies, passwords, issuer };
    let trust = trust::Rpc { hub, stopping };
    let grpc = Grpc::new()?
        .with(UserServiceServer::new(users).max_decoding_message_size(MAX_MESSAGE))
        .with(SessionServiceServer::new(sessions).max_decoding_message_size(MAX_MESSAGE))
        .with(KeyServiceServer::new(keys::Rpc { keys }).max_decoding_message_size(MAX_MESSAGE))
        .with(TrustServiceServer::new(trust).max_decoding_message_size(MAX_MESSAGE));
    Ok((grpc, access))
}

/// Opens the keys, makes those that are missing, and follows what is trusted.
async fn follow(config: &Config, pool: &Pool) -> Result<(Arc<KeySet>, Hub), Fatal> {
    let unusable = |error| Fatal::unavailable("the signing keys", error);
    let (sealer, rotation) = (config.secret_key.sealer(keys::PURPOSE), config.rotation);
    keys::turn(pool, &sealer, rotation).await.map_err(unusable)?;
    let keys = keys::load(pool, &sealer).await.map_err(unusable)?;
    let (keys, hub) = (Arc::new(KeySet::new(keys)), Hub::new(Trust::new(config.stale_after)));
    let follow = trust::Follow {
        pool: pool.clone(),
        sealer,
        rotation,
        keys: Arc::clone(&keys),
        hub: hub.clone(),
    };
    let followed = follow.start().await;
    followed.map_err(|error| Fatal::unavailable("what is trusted", error))?;
    Ok((keys, hub))
}
