//! Factors that come and go. The owner is told by letter, each time.

use database::Transaction;
use jiff::Timestamp;
use platform::time::to_proto;
use proto::auth::v1 as pb;
use uuid::Uuid;
use webauthn_rs::prelude::PasskeyRegistration;

use super::{
    Error, Factors, MOST_FACTORS, Purpose, Ticket, context, has_factor, note, recovery,
    site::Holder,
    store,
    totp::{App, SetUp},
};
use crate::{
    audit::Kind,
    sessions::{self, Issuer, Proof, SignedIn},
    users,
};

/// Who changes their factors, and in which session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) user_id: Uuid,
    pub(super) session_id: Uuid,
}

/// What comes of a new factor.
struct Added {
    recovery_codes: Vec<String>,
    signed_in: SignedIn,
}

// === impl Factors ===

impl Factors {
    pub(super) async fn begin_totp(
        &self,
        transaction: &Transaction<'_>,
        user_id: Uuid,
    ) -> Result<pb::BeginTotpResponse, Error> {
        let user = users::find_in(transaction, user_id).await?;
        store::claim_account(transaction, user_id).await?;
        if store::lock_totp(transaction, user_id, true).await?.is_some() {
            return Err(Error::TotpExists);
        }
        let (app, factor_id) = (App::random(), Uuid::now_v7());
        let set_up = app.set_up(&self.site.name, &user.email)?;
        let sealed = self.vault.seal(&context(user_id, factor_id), app.bytes());
        store::begin_totp(transaction, user_id, factor_id, &sealed).await?;
        let SetUp { secret, uri, qr_svg } = set_up;
        Ok(pb::BeginTotpResponse { secret, uri, qr_svg })
    }

    pub(super) async fn confirm_totp(
        &self,
        transaction: &Transaction<'_>,
        owner: Owner,
        (code, name): (&str, &str),
        issuer: &Issuer,
    ) -> Result<pb::ConfirmTotpResponse, Error> {
        let Owner { user_id, .. } = owner;
        self.make_room(transaction, user_id).await?;
        let begun = store::lock_totp(transaction, user_id, false).await?;
        let begun = begun.ok_or(Error::NotBegun)?;
        let secret = self.vault.open(&context(user_id, begun.factor_id), &begun.sealed)?;
        let step = App::stored(secret).step_of(code, Timestamp::now()).ok_or(Error::WrongProof)?;
        let is_first = !has_factor(transaction, user_id).await?;
        let factor = store::confirm_totp(transaction, begun.factor_id, step, name.trim()).await?;
        let added = self.added(transaction, owner, (Proof::Totp, is_first), issuer).await?;
        Ok(pb::ConfirmTotpResponse {
            factor: Some(factor),
            recovery_codes: added.recovery_codes,
            access_token: added.signed_in.access_token,
            access_token_expires_at: added.signed_in.access_token_expires_at,
        })
    }

    pub(super) async fn begin_passkey(
        &self,
        transaction: &Transaction<'_>,
        user_id: Uuid,
    ) -> Result<pb::BeginPasskeyResponse, Error> {
        let user = users::find_in(transaction, user_id).await?;
        let holder = Holder {
            user_id,
            name: &user.email,
            display_name: &user.display_name,
            credentials: store::credentials(transaction, user_id).await?,
        };
        let (options, state) = self.site.ask_new(&holder)?;
        let flow = self.tickets.issue(Purpose::Registration, (user_id, state));
        Ok(pb::BeginPasskeyResponse {
            options: Some(options),
            flow: Some(flow.text),
            flow_expires_at: Some(to_proto(flow.expires_at)),
        })
    }

    pub(super) async fn confirm_passkey(
        &self,
        transaction: &Transaction<'_>,
        owner: Owner,
        request: &pb::ConfirmPasskeyRequest,
        issuer: &Issuer,
    ) -> Result<pb::ConfirmPasskeyResponse, Error> {
        let Owner { user_id, .. } = owner;
        let ticket = self.tickets.read(Purpose::Registration, &request.flow);
        let ticket: Ticket<(Uuid, PasskeyRegistration)> = ticket.ok_or(Error::FlowInvalid)?;
        let (begun_by, state) = &ticket.says;
        if *begun_by != user_id || !store::spend(transaction, &ticket).await? {
            return Err(Error::FlowInvalid);
        }
        let made = request.credential.as_ref().ok_or(Error::PasskeyRefused)?;
        let passkey = self.site.accept_new(made, state)?;
        self.make_room(transaction, user_id).await?;
        let is_first = !has_factor(transaction, user_id).await?;
        let factor_id = Uuid::now_v7();
        let plain = serde_json::to_vec(&passkey).map_err(|_never| Error::Unusable)?;
        let sealed = self.vault.seal(&context(user_id, factor_id), &plain);
        let ids = (user_id, factor_id, passkey.cred_id().as_ref());
        let factor = store::insert_passkey(transaction, ids, &sealed, request.name.trim()).await?;
        // Whether it is synced is seen when it is used.
        let proof = Proof::Passkey { is_synced: false };
        let added = self.added(transaction, owner, (proof, is_first), issuer).await?;
        Ok(pb::ConfirmPasskeyResponse {
            factor: Some(factor),
            recovery_codes: added.recovery_codes,
            access_token: added.signed_in.access_token,
            access_token_expires_at: added.signed_in.access_token_expires_at,
        })
    }

    pub(super) async fn remove(
        &self,
        transaction: &Transaction<'_>,
        owner: Owner,
        factor_id: Uuid,
    ) -> Result<(), Error> {
        let Owner { user_id, session_id } = owner;
        store::claim_account(transaction, user_id).await?;
        let kind = store::delete(transaction, user_id, factor_id).await?.ok_or(Error::NotFound)?;
        sessions::require_strong(transaction, (user_id, session_id)).await?;
        let is_last = !has_factor(transaction, user_id).await?;
        if is_last {
            store::delete_codes(transaction, user_id).await?;
        }
        let details = [("kind", &*kind)];
        note(transaction, Kind::FactorRemoved, user_id, Some(session_id), &details).await?;
        let what = if kind == "totp" { "an authenticator app" } else { "a passkey" };
        let rest = if is_last { "; the account has no second factor now" } else { "" };
        self.tell(transaction, user_id, &format!("{what} was removed{rest}")).await
    }

    pub(super) async fn regenerate_codes(
        &self,
        transaction: &Transaction<'_>,
        owner: Owner,
    ) -> Result<pb::RegenerateRecoveryCodesResponse, Error> {
        let Owner { user_id, session_id } = owner;
        store::claim_account(transaction, user_id).await?;
        if !has_factor(transaction, user_id).await? {
            return Err(Error::NoFactor);
        }
        sessions::require_strong(transaction, (user_id, session_id)).await?;
        let recovery_codes = self.make_codes(transaction, owner).await?;
        self.tell(transaction, user_id, "new recovery codes were made").await?;
        Ok(pb::RegenerateRecoveryCodesResponse { recovery_codes })
    }

    /// Keeps others from changing the account, and sees that it takes one more.
    async fn make_room(&self, transaction: &Transaction<'_>, user_id: Uuid) -> Result<(), Error> {
        store::claim_account(transaction, user_id).await?;
        let is_full = store::count(transaction, user_id).await? >= MOST_FACTORS;
        if is_full { Err(Error::TooMany) } else { Ok(()) }
    }

    /// What follows from a new factor. With the first one all sessions end that were
    /// opened without it, but for the one in which it was just shown.
    async fn added(
        &self,
        transaction: &Transaction<'_>,
        owner: Owner,
        (proof, is_first): (Proof, bool),
        issuer: &Issuer,
    ) -> Result<Added, Error> {
        let Owner { user_id, session_id } = owner;
        let is_totp = proof == Proof::Totp;
        let kind = if is_totp { "totp" } else { "passkey" };
        let details = [("kind", kind)];
        note(transaction, Kind::FactorAdded, user_id, Some(session_id), &details).await?;
        let what = if is_totp { "an authenticator app" } else { "a passkey" };
        self.tell(transaction, user_id, &format!("{what} was added")).await?;
        let recovery_codes = if is_first {
            sessions::end_all(transaction, user_id, Some(session_id)).await?;
            self.make_codes(transaction, owner).await?
        } else {
            Vec::new()
        };
        let signed_in = sessions::renew(transaction, (user_id, session_id), proof, issuer).await?;
        Ok(Added { recovery_codes, signed_in })
    }

    async fn make_codes(
        &self,
        transaction: &Transaction<'_>,
        owner: Owner,
    ) -> Result<Vec<String>, Error> {
        let Owner { user_id, session_id } = owner;
        let codes = recovery::draw();
        let hashes: Vec<_> = codes.iter().map(|code| recovery::hash(code)).collect();
        store::delete_codes(transaction, user_id).await?;
        store::insert_codes(transaction, user_id, &hashes).await?;
        note(transaction, Kind::RecoveryCodesMade, user_id, Some(session_id), &[]).await?;
        Ok(codes)
    }
}
