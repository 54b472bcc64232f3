//! Who tries, and what there is to try it on. Everything is new for each try and
//! put into the database directly, because passwords take time.

use proto::{
    content::v1::{CreatePostRequest, PublishPostRequest},
    options::v1::Role,
};
use tests::{Forge, Grpc, Rest, Stack};
use tokio_postgres::{Client, types::ToSql};
use uuid::Uuid;

/// The kinds of callers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Anonymous,
    User,
    Editor,
    Admin,
    Service,
    /// A user's API key with every scope there is.
    Machine,
    /// The same with every scope but the one that the method needs.
    Narrow,
    /// With a token that was changed after it was signed.
    Tampered,
    /// With a token that was good.
    Expired,
}

/// The stage: a running product and the key to its tokens.
pub(super) struct Cast {
    accounts: Client,
    forge: Forge,
    pub(super) grpc: Grpc,
    pub(super) rest: Rest,
}

/// A user with everything that one can have.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) user_id: String,
    pub(super) session_id: String,
    pub(super) identity_id: String,
    token: String,
}

// === impl Kind ===

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Anonymous,
        Self::User,
        Self::Editor,
        Self::Admin,
        Self::Service,
        Self::Machine,
        Self::Narrow,
        Self::Tampered,
        Self::Expired,
    ];

    /// Whether this kind of caller has a rank, or a higher one.
    pub(super) fn has(self, role: Role) -> bool {
        match role {
            Role::Unspecified => false,
            Role::Editor => matches!(self, Self::Editor | Self::Admin),
            Role::Admin => self == Self::Admin,
        }
    }

    fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Editor => &["editor"],
            Self::Admin => &["admin"],
            _ => &[],
        }
    }
}

// === impl Cast ===

impl Cast {
    pub(super) async fn of(stack: &Stack) -> Self {
        Self {
            accounts: stack.databases.auth.connect().await,
            forge: Forge::of(stack).await,
            grpc: Grpc::new(stack),
            rest: Rest::new(stack.gateway.listen),
        }
    }

    /// Somebody new with roles, signed in.
    pub(super) async fn owner(&self, kind: Kind) -> Owner {
        let (user_id, session_id) = (Uuid::now_v7(), Uuid::now_v7());
        let name = format!("u{}", user_id.simple());
        let email = format!("{name}@example.com");
        let roles = kind.roles();
        let sql = "INSERT INTO users (user_id, email, username, display_name, roles, password_hash) \
                   VALUES ($1, $2, $3, '', $4, '')";
        self.accounts.execute(sql, &[&user_id, &email, &name, &roles]).await.unwrap();
        let sql = "INSERT INTO sessions (session_id, user_id, expires_at) \
                   VALUES ($1, $2, now() + interval '1 day')";
        self.accounts.execute(sql, &[&session_id, &user_id]).await.unwrap();
        let identity_id = Uuid::now_v7();
        let sql = "INSERT INTO identities (identity_id, user_id, issuer, subject) \
                   VALUES ($1, $2, 'https://sso.example.com', $3)";
        self.accounts.execute(sql, &[&identity_id, &user_id, &name]).await.unwrap();
        let [user_id, session_id, identity_id] =
            [user_id, session_id, identity_id].map(|id| id.to_string());
        let token = self.forge.sign(&Forge::claims(&user_id, &session_id, roles));
        Owner { user_id, session_id, identity_id, token }
    }

    /// The token that a caller sends; empty for none. A machine's has some scopes.
    pub(super) fn token(&self, kind: Kind, caller: &Owner, scope: &str) -> String {
        match kind {
            Kind::Machine | Kind::Narrow => {
                let mut claims = Forge::claims(&caller.user_id, &caller.session_id, &[]);
                claims["scope"] = scope.into();
                self.forge.sign(&claims)
            }
            Kind::Anonymous => String::new(),
            Kind::Service => self.forge.service(),
            Kind::Tampered => Forge::tampered(&caller.token),
            Kind::Expired => self.forge.expired(&caller.user_id),
            Kind::User | Kind::Editor | Kind::Admin => caller.token.clone(),
        }
    }

    /// An API key of somebody.
    pub(super) async fn api_key(&self, owner: &Owner) -> String {
        let (key_id, user_id) = (Uuid::now_v7(), Uuid::parse_str(&owner.user_id).unwrap());
        let sql = "INSERT INTO api_keys (key_id, user_id, secret_hash, name, expires_at) \
                   VALUES ($1, $2, '', 'a key', now() + interval '1 day')";
        self.accounts.execute(sql, &[&key_id, &user_id]).await.unwrap();
        key_id.to_string()
    }

    /// A service account.
    pub(super) async fn service_account(&self) -> String {
        let id = Uuid::now_v7();
        let sql = "INSERT INTO service_accounts (service_account_id, name) VALUES ($1, $2)";
        self.accounts.execute(sql, &[&id, &format!("s{}", id.simple())]).await.unwrap();
        id.to_string()
    }

    /// A passkey of somebody that nobody can use.
    pub(super) async fn factor(&self, owner: &Owner) -> String {
        let (factor_id, user_id) = (Uuid::now_v7(), Uuid::parse_str(&owner.user_id).unwrap());
        let sql = "INSERT INTO factors \
                       (factor_id, user_id, kind, sealed, credential_id, confirmed_at) \
                   VALUES ($1, $2, 'passkey', '', $3, now())";
        let params: [&(dyn ToSql + Sync); 3] =
            [&factor_id, &user_id, &factor_id.as_bytes().as_slice()];
        self.accounts.execute(sql, &params).await.unwrap();
        factor_id.to_string()
    }

    /// A post of somebody, made the way they would make it.
    pub(super) async fn post(&self, owner: &Owner, is_published: bool) -> String {
        let mut posts = self.grpc.with_token(&owner.token).posts();
        let draft = CreatePostRequest {
            user_id: "me".to_owned(),
            title: "A post".to_owned(),
            ..CreatePostRequest::default()
        };
        let post = posts.create_post(draft).await.unwrap().into_inner().post.unwrap();
        if is_published {
            let request = PublishPostRequest { post_id: post.id.clone(), ..Default::default() };
            posts.publish_post(request).await.unwrap();
        }
        post.id
    }
}
