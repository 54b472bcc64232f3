//! The auth service: users, their sessions, and the keys that prove them.
//!
//! One folder per resource, each with its rules (`mod.rs`), its gRPC edge
//! (`rpc.rs`), its storage (`store.rs`) and its statements (`*.sql`).

mod administration;
mod assembly;
mod audit;
mod challenges;
mod config;
mod defence;
mod devices;
mod emails;
mod factors;
mod identities;
mod keys;
mod machines;
mod mail;
pub mod operator;
mod pace;
mod passwords;
mod privacy;
mod reproof;
mod resets;
mod secrets;
mod sessions;
mod sign_in;
mod trust;
mod users;

use database::Pool;
use platform::{
    Fatal,
    access::{AccessLayer, Contract},
    config::Reader,
    server::{Grpc, Process, Stopping, spawn},
    token::Verifier,
};

use self::{
    assembly::{Shared, Workers, follow},
    config::Config,
};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Runs the service until it is told to stop.
pub async fn run(reader: Reader) -> Result<(), Fatal> {
    let config = Config::read(reader)?;
    let process = Process::start("auth", &config.server).await?;
    let stopping = process.stopping();
    match process.prepare(Box::pin(prepare(config, stopping.clone()))).await {
        None => Ok(()),
        Some(prepared) => {
            let (grpc, access, workers) = prepared?;
            let workers = [
                spawn(workers.chainer.run(stopping.clone())),
                spawn(workers.mail.run(stopping.clone())),
                spawn(workers.privacy.run(stopping)),
            ];
            let served = process.serve_grpc(grpc, access).await;
            for worker in workers {
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

async fn prepare(
    config: Config,
    stopping: Stopping,
) -> Result<(Grpc, AccessLayer, Workers), Fatal> {
    let contract = Contract::read()?;
    let unusable = |error| Fatal::unavailable("the database", error);
    let pool = Pool::new(config.database_url.expose(), config.database_connections.get());
    let pool = pool.map_err(unusable)?;
    migrate(&pool).await.map_err(unusable)?;
    let (keys, hub) = follow(&config, &pool).await?;
    let access = AccessLayer::new(contract, Verifier::new(&config.issuer, hub.trust()));
    let shared = Shared::new(&config, &pool, &keys)?;
    let workers = Workers::new(&config, &shared).await?;
    let grpc = Grpc::new()?;
    let grpc = shared.accounts(grpc);
    let grpc = shared.ways_in(grpc, &config)?;
    let grpc = shared.machines(grpc);
    let grpc = shared.oversight(grpc, &workers, stopping.clone());
    Ok((shared.trust(grpc, hub, stopping), access, workers))
}
