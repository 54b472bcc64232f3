//! Whether what somebody shows is a factor of the account.

use database::Transaction;
use jiff::Timestamp;
use prost_types::Struct;
use uuid::Uuid;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PublicKeyCredential, WebauthnError,
};

use super::{
    Error, Evidence, Factors, MOST_WRONG_CODES, Purpose, Sealed, context, json, note, recovery,
    store, totp::App,
};
use crate::{audit::Kind, sessions::Proof};

// === impl Factors ===

impl Factors {
    /// Verifies what somebody shows for an account. What is wrong stays counted, and
    /// what can be used once is used.
    pub(crate) async fn verify(
        &self,
        transaction: &Transaction<'_>,
        user_id: Uuid,
        evidence: &Evidence,
    ) -> Result<Proof, Error> {
        match evidence {
            Evidence::Code(code) => self.code(transaction, user_id, code).await,
            Evidence::RecoveryCode(code) => self.recovery_code(transaction, user_id, code).await,
            Evidence::Passkey { shown, flow } => {
                let (_, proof) = self.passkey(transaction, Some(user_id), (shown, flow)).await?;
                Ok(proof)
            }
        }
    }

    /// Finds out whose passkey it is that somebody shows.
    pub(crate) async fn identify(
        &self,
        transaction: &Transaction<'_>,
        shown: &Struct,
        flow: &str,
    ) -> Result<(Uuid, Proof), Error> {
        self.passkey(transaction, None, (shown, flow)).await
    }

    /// Asks for a passkey: for one of some account, or for any.
    pub(crate) async fn ask_passkey(
        &self,
        transaction: &Transaction<'_>,
        user_id: Option<Uuid>,
    ) -> Result<(Struct, Sealed), Error> {
        let credentials = match user_id {
            Some(user_id) => store::credentials(transaction, user_id).await?,
            None => Vec::new(),
        };
        let (options, state) = self.site.ask(&credentials)?;
        Ok((options, self.tickets.issue(Purpose::Assertion, state)))
    }

    async fn code(
        &self,
        transaction: &Transaction<'_>,
        user_id: Uuid,
        code: &str,
    ) -> Result<Proof, Error> {
        // Nobody else looks at a code of the account until this transaction ends.
        let Some(stored) = store::lock_totp(transaction, user_id, true).await? else {
            return Err(refused(transaction, user_id, "totp").await?);
        };
        if stored.wrong_codes >= MOST_WRONG_CODES {
            return Err(Error::TooManyWrongCodes { wait_seconds: stored.wait_seconds });
        }
        let factor_id = stored.factor_id;
        let secret = self.vault.open(&context(user_id, factor_id), &stored.sealed)?;
        let step = App::stored(secret).step_of(code, Timestamp::now());
        if let Some(step) = step
            && store::accept_step(transaction, factor_id, step).await?
        {
            return Ok(Proof::Totp);
        }
        store::count_wrong(transaction, factor_id).await?;
        Err(refused(transaction, user_id, "totp").await?)
    }

    async fn recovery_code(
        &self,
        transaction: &Transaction<'_>,
        user_id: Uuid,
        code: &str,
    ) -> Result<Proof, Error> {
        if !store::use_code(transaction, user_id, &recovery::hash(code)).await? {
            return Err(refused(transaction, user_id, "recovery_code").await?);
        }
        let left = store::codes_left(transaction, user_id).await?;
        note(transaction, Kind::RecoveryCodeUsed, user_id, None, &[]).await?;
        let change = format!("a recovery code was used to sign in; {left} are left");
        self.tell(transaction, user_id, &change).await?;
        Ok(Proof::RecoveryCode)
    }

    /// Verifies a passkey, of a user or of whoever has it. The flow is over either way.
    async fn passkey(
        &self,
        transaction: &Transaction<'_>,
        expected: Option<Uuid>,
        (shown, flow): (&Struct, &str),
    ) -> Result<(Uuid, Proof), Error> {
        let ticket = self.tickets.read::<DiscoverableAuthentication>(Purpose::Assertion, flow);
        let ticket = ticket.ok_or(Error::FlowInvalid)?;
        if !store::spend(transaction, &ticket).await? {
            return Err(Error::FlowInvalid);
        }
        let shown: PublicKeyCredential = json::read(shown).ok_or(Error::WrongProof)?;
        let stored = store::lock_passkey(transaction, shown.get_credential_id()).await?;
        let stored = stored.ok_or(Error::WrongProof)?;
        let user_id = stored.user_id;
        // Who signs in with nothing else has to say who they are (WebAuthn, section 7.2).
        let handle = shown.get_user_unique_id().map(|handle| handle == user_id.as_bytes());
        let is_theirs = expected.is_none_or(|expected| expected == user_id)
            && handle.unwrap_or(expected.is_some());
        if !is_theirs {
            return Err(refused(transaction, user_id, "passkey").await?);
        }
        let context = context(user_id, stored.factor_id);
        let opened = self.vault.open(&context, &stored.sealed)?;
        let mut passkey: Passkey =
            serde_json::from_slice(&opened).map_err(|_not_ours| Error::Unusable)?;
        let verified = match self.site.verify(&shown, ticket.says, &passkey) {
            Ok(verified) => verified,
            Err(error) => {
                return Err(forged(transaction, user_id, &error).await?);
            }
        };
        passkey.update_credential(&verified);
        let plain = serde_json::to_vec(&passkey).map_err(|_never| Error::Unusable)?;
        let sealed = self.vault.seal(&context, &plain);
        store::use_passkey(transaction, stored.factor_id, &sealed).await?;
        Ok((user_id, Proof::Passkey { is_synced: verified.backup_eligible() }))
    }
}

/// Writes down that something wrong was shown for an account.
async fn refused(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    kind: &str,
) -> Result<Error, database::Error> {
    note(transaction, Kind::FactorRefused, user_id, None, &[("kind", kind)]).await?;
    Ok(Error::WrongProof)
}

/// Writes down that a passkey was not what it claimed to be, or counted backwards.
async fn forged(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    error: &WebauthnError,
) -> Result<Error, database::Error> {
    if !matches!(error, WebauthnError::CredentialPossibleCompromise) {
        tracing::info!(%error, "a passkey was refused");
        return refused(transaction, user_id, "passkey").await;
    }
    tracing::warn!(
        %user_id,
        event.name = "auth.factor.counter_went_back",
        "a passkey of user {user_id} was refused: it counted backwards, there may be a copy"
    );
    note(transaction, Kind::PasskeyCopied, user_id, None, &[("kind", "passkey")]).await?;
    Ok(Error::WrongProof)
}
