//! The auth service: users, their sessions, and the keys that prove them.
//!
//! One folder per resource, each with its rules (`mod.rs`), its gRPC edge
//! (`rpc.rs`), its storage (`store.rs`) and its statements (`*.sql`).

mod administration;
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
mod passwords;
mod privacy;
mod reproof;
mod resets;
mod secrets;
mod sessions;
mod sign_in;
mod trust;
mod users;

use std::sync::Arc;

use database::{Pool, Replies};
use platform::{
    Fatal,
    access::{AccessLayer, Contract},
    config::Reader,
    page::Pages,
    server::{Grpc, Process, Stopping, spawn},
    sign::Signer,
    token::Verifier,
    trust::Trust,
    upstream,
};
use proto::auth::v1::{
    administration_service_server::AdministrationServiceServer,
    api_key_service_server::ApiKeyServiceServer, audit_service_server::AuditServiceServer,
    email_service_server::EmailServiceServer, factor_service_server::FactorServiceServer,
    identity_service_server::IdentityServiceServer, key_service_server::KeyServiceServer,
    password_service_server::PasswordServiceServer, privacy_service_server::PrivacyServiceServer,
    service_account_service_server::ServiceAccountServiceServer,
    session_service_server::SessionServiceServer, sign_in_service_server::SignInServiceServer,
    trust_service_server::TrustServiceServer, user_service_server::UserServiceServer,
};

use self::{
    audit::Chainer,
    challenges::{Codes, Desk},
    config::Config,
    defence::Defence,
    factors::{Factors, Tickets},
    identities::Providers,
    keys::KeySet,
    mail::PostOffice,
    passwords::Passwords,
    sessions::Issuer,
    trust::Hub,
};

/// What a process does beside answering.
struct Workers {
    chainer: Chainer,
    mail: mail::Worker,
    privacy: privacy::Worker,
}

// === impl Workers ===

impl Workers {
    fn new(
        config: &Config,
        pool: &Pool,
        (keys, post_office, chainer): (&Arc<KeySet>, &PostOffice, Chainer),
    ) -> Result<Self, Fatal> {
        let mail = post_office.worker(pool, &config.mail);
        Ok(Self {
            chainer,
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
    let stopping = process.stopping();
    match process.prepare(prepare(config, stopping.clone())).await {
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
    let pages = Arc::new(Pages::new(config.secret_key.steady_sealer("steady page tokens")));
    let access = AccessLayer::new(contract, Verifier::new(&config.issuer, hub.trust()));

    let passwords = Passwords::new();
    let failures = audit::Failures::default();
    let signer = Signer::new(&config.secret_key, audit::PURPOSE);
    let every = config.checkpoint_every;
    let chainer = Chainer::new(pool.clone(), signer, every, failures.clone());
    chainer.add_months().await.map_err(unusable)?;
    let audit = audit::Rpc {
        pool: pool.clone(),
        pages: Arc::clone(&pages),
        head: chainer.head(),
        stopping: stopping.clone(),
    };
    let replies = Replies::new(&pool, &config.secret_key);
    let post = PostOffice::new(&config.secret_key, &config.public_url);
    let (desk, sign_up) =
        (Desk { post: post.clone(), codes: Codes::new(&config.secret_key) }, config.sign_up);
    let defence = Arc::new(Defence::new(&pool, &config.secret_key, config.stuffing_limit));
    let users = users::Rpc {
        pool: pool.clone(),
        replies: replies.clone(),
        pages,
        passwords: passwords.clone(),
        desk: desk.clone(),
        sign_up,
    };
    let emails = emails::Rpc {
        pool: pool.clone(),
        replies: replies.clone(),
        passwords: passwords.clone(),
        desk: desk.clone(),
        sign_up,
    };
    let resets = resets::Rpc {
        pool: pool.clone(),
        replies: replies.clone(),
        passwords: passwords.clone(),
        desk: desk.clone(),
        defence: Arc::clone(&defence),
    };
    let workers = Workers::new(&config, &pool, (&keys, &post, chainer))?;
    let privacy =
        privacy::Rpc { pool: pool.clone(), replies: replies.clone(), post_office: post.clone() };
    let (keys_of_issuer, lifetimes) = (Arc::clone(&keys), config.lifetimes);
    let tickets = Arc::new(Tickets::new(&config.secret_key));
    let issuer = Issuer {
        keys: keys_of_issuer,
        name: config.issuer,
        lifetimes,
        tickets,
        post: post.clone(),
    };
    let site = factors::Site::new(&config.public_url, &config.webauthn_origins);
    let factors = Arc::new(Factors::new(&config.secret_key, &issuer.tickets, site, post.clone()));
    let second_factors = factors::Rpc {
        pool: pool.clone(),
        replies: replies.clone(),
        factors: Arc::clone(&factors),
        issuer: issuer.clone(),
    };
    let sign_in = sign_in::Rpc {
        pool: pool.clone(),
        replies: replies.clone(),
        passwords: passwords.clone(),
        factors,
        issuer: issuer.clone(),
    };
    let identities = identities::Rpc {
        pool: pool.clone(),
        providers: Arc::new(Providers::new(config.providers, &config.public_url)?),
        issuer: issuer.clone(),
        post_office: post.clone(),
        sign_up,
    };
    let service_accounts = machines::AccountsRpc { pool: pool.clone(), replies: replies.clone() };
    let api_keys =
        machines::Rpc { pool: pool.clone(), replies: replies.clone(), issuer: issuer.clone() };
    let administration =
        administration::Rpc { replies: replies.clone(), issuer: issuer.clone(), desk };
    let sessions = sessions::Rpc { pool, replies, passwords, defence, issuer, failures };
    let trust = trust::Rpc { hub, stopping };
    let grpc = Grpc::new()?
        .with(UserServiceServer::new(users).max_decoding_message_size(MAX_MESSAGE))
        .with(EmailServiceServer::new(emails).max_decoding_message_size(MAX_MESSAGE))
        .with(PasswordServiceServer::new(resets).max_decoding_message_size(MAX_MESSAGE))
        .with(SessionServiceServer::new(sessions).max_decoding_message_size(MAX_MESSAGE))
        .with(IdentityServiceServer::new(identities).max_decoding_message_size(MAX_MESSAGE))
        .with(FactorServiceServer::new(second_factors).max_decoding_message_size(MAX_MESSAGE))
        .with(SignInServiceServer::new(sign_in).max_decoding_message_size(MAX_MESSAGE))
        .with(
            AdministrationServiceServer::new(administration).max_decoding_message_size(MAX_MESSAGE),
        )
        .with(AuditServiceServer::new(audit).max_decoding_message_size(MAX_MESSAGE))
        .with(ApiKeyServiceServer::new(api_keys).max_decoding_message_size(MAX_MESSAGE))
        .with(
            ServiceAccountServiceServer::new(service_accounts)
                .max_decoding_message_size(MAX_MESSAGE),
        )
        .with(PrivacyServiceServer::new(privacy).max_decoding_message_size(MAX_MESSAGE))
        .with(KeyServiceServer::new(keys::Rpc { keys }).max_decoding_message_size(MAX_MESSAGE))
        .with(TrustServiceServer::new(trust).max_decoding_message_size(MAX_MESSAGE));
    Ok((grpc, access, workers))
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
