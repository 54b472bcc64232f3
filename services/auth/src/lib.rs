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
};
use proto::auth::v1::{
    key_service_server::KeyServiceServer, session_service_server::SessionServiceServer,
    user_service_server::UserServiceServer,
};

use self::{
    config::Config,
    keys::KeySet,
    mail::{PostOffice, Worker},
    passwords::Passwords,
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
            let (grpc, access, worker) = prepared?;
            let mail = spawn(worker.run(process.stopping()));
            let served = process.serve_grpc(grpc, access).await;
            if served.is_err() {
                mail.abort();
            }
            // Whether a letter was sent is in the database, whatever became of the worker.
            drop(mail.await);
            served
        }
    }
}

/// Applies the migrations that a database has not seen, and returns how many.
pub async fn migrate(pool: &Pool) -> Result<usize, database::Error> {
    database::migrate(pool, embedded::migrations::runner()).await
}

async fn prepare(config: Config) -> Result<(Grpc, AccessLayer, Worker), Fatal> {
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
    let post_office = PostOffice::new(&config.secret_key, &config.public_url);
    let worker = post_office.worker(&pool, config.mail);
    let worker = worker.map_err(|error| Fatal::unavailable("MAINSTAY_MAIL_CA", error))?;
    let (keys_of_issuer, lifetimes) = (Arc::clone(&keys), config.lifetimes);
    let issuer = Issuer { keys: keys_of_issuer, name: config.issuer, lifetimes };
    let sessions = sessions::Rpc { pool, replies, passwords, issuer };
    let grpc = Grpc::new()?
        .with(UserServiceServer::new(users).max_decoding_message_size(MAX_MESSAGE))
        .with(SessionServiceServer::new(sessions).max_decoding_message_size(MAX_MESSAGE))
        .with(KeyServiceServer::new(keys::Rpc { keys }).max_decoding_message_size(MAX_MESSAGE));
    Ok((grpc, access, worker))
}

/// This service has the keys at hand.
fn verifier(issuer: &str, keys: &Arc<KeySet>) -> Verifier {
    let keys = Arc::clone(keys);
    Verifier::new(issuer, Box::new(move || Box::pin(ready(Ok(keys.public())))))
}
