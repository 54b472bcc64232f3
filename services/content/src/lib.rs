//! The content service: what users write.
//!
//! One folder per resource, each with its rules (`mod.rs`), its gRPC edge
//! (`rpc.rs`), its storage (`store.rs`) and its statements (`*.sql`).

mod authors;
mod config;
mod posts;
mod privacy;

use std::sync::Arc;

use database::{Pool, Replies};
use platform::{
    Fatal,
    access::{AccessLayer, Contract},
    config::Reader,
    identity::ServiceToken,
    page::Pages,
    server::{Grpc, Process},
    token::Verifier,
    trust::Follower,
};
use proto::content::v1::{
    post_service_server::PostServiceServer, privacy_service_server::PrivacyServiceServer,
};

use self::{authors::Authors, config::Config};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The largest message that is read: a post's text and what surrounds it.
const MAX_MESSAGE: usize = 1024 * 1024;

/// Runs the service until it is told to stop.
pub async fn run(reader: Reader) -> Result<(), Fatal> {
    let config = Config::read(reader)?;
    let process = Process::start("content", &config.server).await?;
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
    let identity = ServiceToken::new(config.service_key, &config.auth_url);
    let auth = identity.connect(&config.auth_url);
    let trust = Follower::start(&config.auth_url, &identity, config.stale_after);
    let verifier = Verifier::new(&config.issuer, trust);
    let pages = Arc::new(Pages::new(config.secret_key.steady_sealer("steady page tokens")));
    let replies = Replies::new(&pool, &config.secret_key);
    let privacy = PrivacyServiceServer::new(privacy::Rpc { pool: pool.clone() });
    let posts = posts::Rpc { pool, replies, pages, authors: Authors::new(&auth) };
    let posts = PostServiceServer::new(posts).max_decoding_message_size(MAX_MESSAGE);
    Ok((Grpc::new()?.with(posts).with(privacy), AccessLayer::new(contract, verifier)))
}
