//! Proving more than a password: the rules, free of gRPC and SQL.

mod rpc;
mod store;

use database::Transaction;
use prost_types::Struct;
use uuid::Uuid;

pub(crate) use self::rpc::Rpc;
use crate::{
    audit,
    devices::Device,
    factors::{self, Error, Evidence, Factors},
    sessions::{self, Issuer, Opening, Proof, SignedIn},
};

/// What somebody proves once more who they are with.
#[derive(Debug)]
enum Again {
    /// Their password, which was right.
    Password,
    /// A second factor, which is still to be verified.
    Factor(Evidence),
}

/// Completes a sign-in whose first half is done.
async fn complete(
    transaction: &Transaction<'_>,
    (challenge, evidence, device): (&str, &Evidence, &Device),
    factors: &Factors,
    issuer: &Issuer,
) -> Result<SignedIn, Error> {
    let ticket = factors.half(challenge)?;
    let user_id = ticket.says.user_id;
    let proof = factors.verify(transaction, user_id, evidence).await?;
    if !factors::spend(transaction, &ticket).await? {
        return Err(Error::ChallengeInvalid);
    }
    let mut proofs = ticket.says.proofs;
    proofs.push(proof);
    let device = Some(device.clone());
    let opening = Opening { user_id, proofs, impersonator_id: None, device, password_hash: None };
    Ok(sessions::open(transaction, &opening, issuer).await?)
}

/// Signs somebody in with a passkey alone.
async fn with_passkey(
    transaction: &Transaction<'_>,
    (shown, flow, device): (&Struct, &str, &Device),
    factors: &Factors,
    issuer: &Issuer,
) -> Result<SignedIn, Error> {
    let (user_id, proof) = factors.identify(transaction, shown, flow).await?;
    let opening = Opening::of(user_id, proof).with(device.clone());
    Ok(sessions::open(transaction, &opening, issuer).await?)
}

/// Notes that the user of a session has just proven who they are.
async fn again(
    transaction: &Transaction<'_>,
    (user_id, session_id): (Uuid, Uuid),
    shown: &Again,
    (factors, issuer): (&Factors, &Issuer),
) -> Result<SignedIn, Error> {
    let proof = match shown {
        Again::Factor(evidence) => factors.verify(transaction, user_id, evidence).await?,
        Again::Password => {
            let opening = Opening::of(user_id, Proof::Password);
            factors::pass(transaction, &opening, &issuer.tickets).await?;
            Proof::Password
        }
    };
    let kind = audit::Kind::Reauthenticated;
    let (actor, session) = (Some(user_id), Some(session_id));
    let details = [("proof", proof.name())];
    let event = audit::Event { kind, actor, subject: actor, session, details: &details };
    audit::record(transaction, &event).await?;
    Ok(sessions::renew(transaction, (user_id, session_id), proof, issuer).await?)
}
