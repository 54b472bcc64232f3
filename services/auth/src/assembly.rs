//! Every service of this process, made of what they share.

use std::sync::Arc;

use database::{Pool, Replies};
use platform::{
    Fatal,
    page::Pages,
    server::{Grpc, Stopping},
    sign::Signer,
    trust::Trust,
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

use crate::{
    administration,
    audit::{self, Chainer, Failures},
    challenges::{Codes, Desk},
    config::Config,
    defence::Defence,
    emails,
    factors::{self, Factors, Tickets},
    identities::{self, Providers},
    keys::{self, KeySet},
    machines,
    mail::{self, PostOffice},
    passwords::Passwords,
    privacy::{self, Content, Exporter, Json},
    reproof::Prover,
    resets,
    sessions::{self, Issuer},
    sign_in,
    trust::{self, Hub},
    users::{self, SignUp},
};

/// The largest message that is read: the largest request is far below it.
const MAX_MESSAGE: usize = 64 * 1024;

/// What a process does beside answering.
pub(crate) struct Workers {
    pub(crate) chainer: Chainer,
    pub(crate) mail: mail::Worker,
    pub(crate) privacy: privacy::Worker,
}

/// What most services need.
pub(crate) struct Shared {
    pool: Pool,
    replies: Replies,
    pages: Arc<Pages>,
    passwords: Passwords,
    post: PostOffice,
    desk: Desk,
    defence: Arc<Defence>,
    keys: Arc<KeySet>,
    issuer: Issuer,
    failures: Failures,
    prover: Prover,
    sign_up: SignUp,
    exporter: Exporter,
}

/// A service with the usual limit.
macro_rules! limited {
    ($server:ident, $rpc:expr) => {
        $server::new($rpc).max_decoding_message_size(MAX_MESSAGE)
    };
}

/// Opens the keys, makes those that are missing, and follows what is trusted.
pub(crate) async fn follow(config: &Config, pool: &Pool) -> Result<(Arc<KeySet>, Hub), Fatal> {
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

// === impl Workers ===

impl Workers {
    /// Prepares the work; none of it begins.
    pub(crate) async fn new(config: &Config, shared: &Shared) -> Result<Self, Fatal> {
        let pool = &shared.pool;
        let signer = Signer::new(&config.secret_key, audit::PURPOSE);
        let (every, failures) = (config.checkpoint_every, shared.failures.clone());
        let chainer = Chainer::new(pool.clone(), signer, every, failures);
        let added = chainer.add_months().await;
        added.map_err(|error| Fatal::unavailable("the database", error))?;
        let mail = shared.post.worker(pool, &config.mail);
        Ok(Self {
            chainer,
            mail: mail.map_err(|error| Fatal::unavailable("MAINSTAY_MAIL_CA", error))?,
            privacy: privacy::Worker {
                pool: pool.clone(),
                keys: Arc::clone(&shared.keys),
                issuer: config.issuer.clone(),
                content: shared.exporter.content.clone(),
            },
        })
    }
}

// === impl Shared ===

impl Shared {
    /// Makes it of the settings.
    pub(crate) fn new(config: &Config, pool: &Pool, keys: &Arc<KeySet>) -> Result<Self, Fatal> {
        let master = &config.secret_key;
        let content = Content::new(keys, &config.issuer, config.content_url.as_ref());
        let post = PostOffice::new(master, &config.public_url);
        let prover = Prover {
            pool: pool.clone(),
            passwords: Passwords::new(),
            defence: Arc::new(Defence::new(pool, master, config.stuffing_limit)),
            failures: Failures::default(),
        };
        Ok(Self {
            pool: pool.clone(),
            replies: Replies::new(pool, master),
            pages: Arc::new(Pages::new(master.steady_sealer("steady page tokens"))),
            passwords: prover.passwords.clone(),
            post: post.clone(),
            desk: Desk { post: post.clone(), codes: Codes::new(master) },
            defence: Arc::clone(&prover.defence),
            keys: Arc::clone(keys),
            issuer: Issuer {
                keys: Arc::clone(keys),
                name: config.issuer.clone(),
                lifetimes: config.lifetimes,
                tickets: Arc::new(Tickets::new(master)),
                post,
            },
            failures: prover.failures.clone(),
            prover,
            sign_up: config.sign_up,
            exporter: Exporter { pool: pool.clone(), content, json: Json::new()? },
        })
    }

    /// Accounts, their addresses and passwords, and their end.
    pub(crate) fn accounts(&self, grpc: Grpc) -> Grpc {
        let (pool, replies) = (&self.pool, &self.replies);
        let users = users::Rpc {
            pool: pool.clone(),
            replies: replies.clone(),
            pages: Arc::clone(&self.pages),
            passwords: self.passwords.clone(),
            desk: self.desk.clone(),
            sign_up: self.sign_up,
        };
        let emails = emails::Rpc {
            pool: pool.clone(),
            replies: replies.clone(),
            prover: self.prover.clone(),
            desk: self.desk.clone(),
            sign_up: self.sign_up,
        };
        let resets = resets::Rpc {
            pool: pool.clone(),
            replies: replies.clone(),
            passwords: self.passwords.clone(),
            prover: self.prover.clone(),
            desk: self.desk.clone(),
            defence: Arc::clone(&self.defence),
        };
        let privacy = privacy::Rpc {
            pool: pool.clone(),
            replies: replies.clone(),
            post_office: self.post.clone(),
            keys: Arc::clone(&self.keys),
            exporter: self.exporter.clone(),
        };
        grpc.with(limited!(UserServiceServer, users))
            .with(limited!(EmailServiceServer, emails))
            .with(limited!(PasswordServiceServer, resets))
            .with(limited!(PrivacyServiceServer, privacy))
    }

    /// Sessions, and everything that opens one.
    pub(crate) fn ways_in(&self, grpc: Grpc, config: &Config) -> Result<Grpc, Fatal> {
        let Self { pool, replies, passwords, issuer, post, .. } = self;
        let site = factors::Site::new(&config.public_url, &config.webauthn_origins);
        let factors = Factors::new(&config.secret_key, &issuer.tickets, site, post.clone());
        let factors = Arc::new(factors);
        let second_factors = factors::Rpc {
            pool: pool.clone(),
            replies: replies.clone(),
            factors: Arc::clone(&factors),
            issuer: issuer.clone(),
        };
        let sign_in = sign_in::Rpc {
            pool: pool.clone(),
            replies: replies.clone(),
            prover: self.prover.clone(),
            factors,
            issuer: issuer.clone(),
        };
        let identities = identities::Rpc {
            pool: pool.clone(),
            providers: Arc::new(Providers::new(config.providers.clone(), &config.public_url)?),
            issuer: issuer.clone(),
            post_office: post.clone(),
            sign_up: self.sign_up,
        };
        let sessions = sessions::Rpc {
            pool: pool.clone(),
            replies: replies.clone(),
            passwords: passwords.clone(),
            defence: Arc::clone(&self.defence),
            issuer: issuer.clone(),
            failures: self.failures.clone(),
        };
        Ok(grpc
            .with(limited!(SessionServiceServer, sessions))
            .with(limited!(SignInServiceServer, sign_in))
            .with(limited!(FactorServiceServer, second_factors))
            .with(limited!(IdentityServiceServer, identities)))
    }

    /// Keys and accounts of machines.
    pub(crate) fn machines(&self, grpc: Grpc) -> Grpc {
        let (pool, replies) = (self.pool.clone(), self.replies.clone());
        let accounts = machines::AccountsRpc { pool: pool.clone(), replies: replies.clone() };
        let keys = machines::Rpc { pool, replies, issuer: self.issuer.clone() };
        grpc.with(limited!(ApiKeyServiceServer, keys))
            .with(limited!(ServiceAccountServiceServer, accounts))
    }

    /// What admins do, and what has happened.
    pub(crate) fn oversight(&self, grpc: Grpc, workers: &Workers, stopping: Stopping) -> Grpc {
        let administration = administration::Rpc {
            replies: self.replies.clone(),
            issuer: self.issuer.clone(),
            desk: self.desk.clone(),
        };
        let audit = audit::Rpc {
            pool: self.pool.clone(),
            pages: Arc::clone(&self.pages),
            head: workers.chainer.head(),
            stopping,
        };
        grpc.with(limited!(AdministrationServiceServer, administration))
            .with(limited!(AuditServiceServer, audit))
    }

    /// What those need who verify tokens.
    pub(crate) fn trust(&self, grpc: Grpc, hub: Hub, stopping: Stopping) -> Grpc {
        let keys = keys::Rpc { keys: Arc::clone(&self.keys) };
        grpc.with(limited!(KeyServiceServer, keys))
            .with(limited!(TrustServiceServer, trust::Rpc { hub, stopping }))
    }
}
