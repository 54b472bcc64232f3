//! Second factors: the rules, free of gRPC and SQL.

mod add;
mod json;
mod recovery;
mod rpc;
mod site;
mod store;
mod ticket;
mod totp;
mod verify;

use std::sync::Arc;

use database::Transaction;
use platform::seal::{MasterKey, Sealer};
use prost_types::Struct;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::ticket::{Purpose, Sealed};
pub(crate) use self::{
    rpc::Rpc,
    site::{Origins, Site},
    store::{has_factor, spend},
    ticket::{Ticket, Tickets},
};
use crate::{
    audit,
    mail::{Letter, PostOffice},
    sessions::{self, Opening, Proof},
    users,
};

/// An account has at most this many.
const MOST_FACTORS: i32 = 20;
/// So many wrong codes in 15 minutes are looked at, and no more.
const MOST_WRONG_CODES: i32 = 5;

/// Everything that second factors are kept and verified with.
#[derive(Debug)]
pub(crate) struct Factors {
    vault: Sealer,
    tickets: Arc<Tickets>,
    site: Site,
    post_office: PostOffice,
}

/// What somebody shows to prove who they are, beside a password.
#[derive(Debug)]
pub(crate) enum Evidence {
    /// What an authenticator app shows.
    Code(String),
    /// A code for when the other factors are lost.
    RecoveryCode(String),
    /// What a passkey signed, and the flow in which it was asked for.
    Passkey { shown: Struct, flow: String },
}

/// A sign-in whose first half is done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Half {
    pub(crate) user_id: Uuid,
    pub(crate) proofs: Vec<Proof>,
}

/// What somebody is asked for who has not shown their second factor.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Names the first half of the sign-in.
    pub(crate) challenge: String,
    /// What can be shown: `passkey`, `recovery_code`, `totp`.
    pub(crate) methods: Vec<String>,
}

/// What can go wrong with second factors.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such factor")]
    NotFound,
    #[error("the code or the passkey is not right")]
    WrongProof,
    #[error("too many wrong codes")]
    TooManyWrongCodes { wait_seconds: f64 },
    #[error("the challenge is not good any more")]
    ChallengeInvalid,
    #[error("the flow is not good any more")]
    FlowInvalid,
    #[error("nothing was begun")]
    NotBegun,
    #[error("there is an authenticator app")]
    TotpExists,
    #[error("there are too many factors")]
    TooMany,
    #[error("there is no factor")]
    NoFactor,
    #[error("the passkey is not acceptable")]
    PasskeyRefused,
    #[error("there is no host name to tie passkeys to")]
    NoPasskeys,
    #[error("a factor could not be made")]
    Unusable,
    #[error("a factor was sealed with another master key")]
    Sealed(#[from] platform::seal::Unsealable),
    #[error(transparent)]
    Session(#[from] sessions::Error),
    #[error(transparent)]
    User(#[from] users::Error),
    #[error(transparent)]
    Database(#[from] database::Error),
}

/// Lets a sign-in pass that needs no second factor; any other is asked for one. From
/// then on until the transaction ends, no factor can be added to the account.
pub(crate) async fn pass(
    transaction: &Transaction<'_>,
    opening: &Opening,
    tickets: &Tickets,
) -> Result<(), sessions::Error> {
    let Opening { user_id, proofs, .. } = opening;
    if !store::has_factor_for_now(transaction, *user_id).await? {
        return Ok(());
    }
    let methods = store::methods(transaction, *user_id).await?;
    let half = Half { user_id: *user_id, proofs: proofs.clone() };
    let Sealed { text: challenge, .. } = tickets.issue(Purpose::Challenge, half);
    note(transaction, audit::Kind::SecondFactorAsked, *user_id, None, &[]).await?;
    Err(sessions::Error::SecondFactor(Box::new(Asked { challenge, methods })))
}

// === impl Factors ===

impl Factors {
    pub(crate) fn new(
        master: &MasterKey,
        tickets: &Arc<Tickets>,
        site: Site,
        post_office: PostOffice,
    ) -> Self {
        let vault = master.sealer("auth second factors");
        Self { vault, tickets: Arc::clone(tickets), site, post_office }
    }

    /// Reads a challenge; it is still to be spent.
    pub(crate) fn half(&self, challenge: &str) -> Result<Ticket<Half>, Error> {
        self.tickets.read(Purpose::Challenge, challenge).ok_or(Error::ChallengeInvalid)
    }

    /// Tells the owner of an account what became of its factors.
    async fn tell(
        &self,
        transaction: &Transaction<'_>,
        user_id: Uuid,
        change: &str,
    ) -> Result<(), Error> {
        let user = users::find_in(transaction, user_id).await?;
        let letter = Letter::FactorsChanged { change: change.to_owned() };
        Ok(self.post_office.take(transaction, &user.email, &letter).await?)
    }
}

// === impl Evidence ===

impl Evidence {
    /// What a request shows; none if that is nothing.
    pub(crate) fn of(
        code: Option<String>,
        recovery_code: Option<String>,
        passkey: Option<Struct>,
        flow: String,
    ) -> Option<Self> {
        let passkey = passkey.map(|shown| Self::Passkey { shown, flow });
        passkey.or_else(|| code.map(Self::Code)).or_else(|| recovery_code.map(Self::RecoveryCode))
    }
}

/// Where a secret belongs: it opens nowhere else.
fn context(user_id: Uuid, factor_id: Uuid) -> [u8; 32] {
    let mut context = [0; 32];
    let ids = user_id.as_bytes().iter().chain(factor_id.as_bytes());
    context.iter_mut().zip(ids).for_each(|(to, from)| *to = *from);
    context
}

/// Writes down what happened to the factors of an account.
async fn note(
    transaction: &Transaction<'_>,
    kind: audit::Kind,
    user_id: Uuid,
    session: Option<Uuid>,
    details: &[(&str, &str)],
) -> Result<(), database::Error> {
    let actor = session.map(|_| user_id);
    let event = audit::Event { kind, actor, subject: Some(user_id), session, details };
    audit::record(transaction, &event).await
}
