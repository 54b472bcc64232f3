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
mod privacy;
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
    server::{Grpc, Process, spawn},
    token::Verifier,
    upstream,
};
use proto::auth::v1::{
    key_service_server::KeyServiceServer, privacy_service_server::PrivacyServiceServer,
    session_service_server::SessionServiceServer, user_service_server::UserServiceServer,
};

use self::{
    config::Config, keys::KeySet, mail::PostOffice, passwords::Passwords, sessions::Issuer,
};

/// What a process does beside answering.
struct Workers {
    mail: mail::Worker,
    privacy: privacy::Worker,
}

// === impl Workers ===

impl Workers {
    fn new(
        config: &Config,
        pool: &Pool,
        keys: &Arc<KeySet>,
        post_office: &PostOffice,
    ) -> Result<Self, Fatal> {
        let mail = post_office.worker(pool, &config.mail);
        Ok(Self {
            mail: mail.map_err(|error| Fatal::unavailable("MAINSTAY_MAIL_CA", error))?,
            privacy: privacy::Worker {
                pool: pool.clone(),
                keys: Arc::clone(keys),
                issuer: config.issuer.clone(),
                content: config.content_url.as_ref().map(upstream::connect),
            },
        })
    }
}

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
            let (grpc, access, workers) = prepared?;
            let mail = spawn(workers.mail.run(process.stopping()));
            let privacy = spawn(workers.privacy.run(process.stopping()));
            let served = process.serve_grpc(grpc, access).await;
            for worker in [mail, privacy] {
                if served.is_err() {
                    worker.abort();
                }
                // What was done is in the database, whatever became of the worker.
                drop(worker.await);
            }
            served
        }
    }
}

/// Applies the migrations that a database has not seen, and returns how many.
pub async fn migrate(pool: &Pool) -> Result<usize, database::Error> {
    database::migrate(pool, embedded::migrations::runner()).await
}

async fn prepare(config: Config) -> Result<(Grpc, AccessLayer, Workers), Fatal> {
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
    let post_office = PostOffice::new(&config.secret_key, &config.public_url);
    let users = users::Rpc {
        pool: pool.clone(),
        replies: replies.clone(),
        pages,
        passwords: passwords.clone(),
        post_office: post_office.clone(),
    };
    let workers = Workers::new(&config, &pool, &keys, &post_office)?;
    let privacy = privacy::Rpc { pool: pool.clone(), replies: replies.clone(), post_office };
    let (keys_of_issuer, lifetimes) = (Arc::clone(&keys), config.lifetimes);
    let issuer = Issuer { keys: keys_of_issuer, name: config.issuer, lifetimes };
    let sessions = sessions::Rpc { pool, replies, passwords, issuer };
    let grpc = Grpc::new()?
        .with(UserServiceServer::new(users).max_decoding_message_size(MAX_MESSAGE))
        .with(SessionServiceServer::new(sessions).max_decoding_message_size(MAX_MESSAGE))
        .with(PrivacyServiceServer::new(privacy).max_decoding_message_size(MAX_MESSAGE))
        .with(KeyServiceServer::new(keys::Rpc { keys }).max_decoding_message_size(MAX_MESSAGE));
    Ok((grpc, access, workers))
}

/// This service has the keys at hand.
fn verifier(issuer: &str, keys: &Arc<KeySet>) -> Verifier {
    let keys = Arc::clone(keys);
    Verifier::new(issuer, Box::new(move || Box::pin(ready(Ok(keys.public())))))
}
