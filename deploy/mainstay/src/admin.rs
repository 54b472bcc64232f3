//! `mainstay admin`: what an operator does to a running stack.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use auth::operator;
use clap::Args;
use database::Pool;
use platform::config::Reader;
use serde::Serialize;

use crate::{
    dev::{
        postgres,
        state::{self, State},
    },
    exit::Failure,
    service,
};

/// The account that signs in with links, as long as it is an admin.
pub const ADMIN: &str = "admin@example.com";

/// Signs an admin in, once.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Link {
    /// The address to open.
    pub url: String,
    /// Whom it signs in.
    #[serde(skip)]
    pub email: String,
}

/// An administrator that is to be made.
#[derive(Args, Debug)]
pub struct Create {
    /// The address of the account, which no password opens
    #[arg(long)]
    email: String,
    /// Make an administrator of whoever has the address, if somebody has
    #[arg(long)]
    promote: bool,
    /// The data folder of a running `mainstay dev`; else `DATABASE_URL` and
    /// `MAINSTAY_PUBLIC_URL` say
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Makes an administrator and prints a link that signs in as them.
pub fn create(create: &Create) -> Result<(), Failure> {
    if !is_address(&create.email) {
        return Err(Failure::new(format!("{} is no e-mail address", create.email), None, 2));
    }
    let (url, page) = if let Some(data) = &create.data {
        let state = state::read(data).filter(State::is_current);
        let gateway = state.map(|state| state.running.gateway).unwrap_or_default();
        (crate::audit::url(data)?, gateway)
    } else {
        let mut reader = Reader::from_env();
        let url: String = reader.required("DATABASE_URL");
        let page = reader.optional::<String>("MAINSTAY_PUBLIC_URL");
        let page = page.unwrap_or_else(|| reader.required("MAINSTAY_ISSUER"));
        reader.finish((url, page))?
    };
    let pool = Pool::new(&url, 1)?;
    let made = operator::create_admin(&pool, &create.email, create.promote);
    let made = service::runtime()?.block_on(made);
    let token = made.map_err(|error| not_made(&error, &create.email))?;
    writeln!(io::stdout(), "{}/sign-in#token={token}", page.trim_end_matches('/'))?;
    Ok(())
}

/// Whether it has the shape of an address; whoever reads its letters will tell the
/// rest.
fn is_address(text: &str) -> bool {
    let is_plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let parts: Vec<_> = text.split('@').collect();
    is_plain && text.len() <= 254 && parts.len() == 2 && !parts.iter().any(|part| part.is_empty())
}

fn not_made(error: &operator::Error, email: &str) -> Failure {
    match error {
        operator::Error::NoAdmin => Failure::unavailable(
            format!("somebody has signed up as {email}, and is no admin"),
            Some(&format!("mainstay admin create --email {email} --promote")),
        ),
        operator::Error::Suspended => Failure::unavailable(
            format!("the account {email} is suspended"),
            Some("have another admin restore it"),
        ),
        operator::Error::NoServiceKey(_) => Failure::unavailable(error.to_string(), None),
        operator::Error::Database(error) => {
            Failure::unavailable(format!("no administrator could be made: {error}"), None)
        }
    }
}

/// Prints a new sign-in link of the stack that runs on a data folder.
pub fn link(data: &Path) -> Result<(), Failure> {
    let Some(state) = state::read(data).filter(State::is_current) else {
        let message = format!("no stack runs on {}", data.display());
        return Err(Failure::unavailable(message, Some("mainstay dev, in another terminal")));
    };
    let url = postgres::url(&state.socket, "auth", "auth");
    let link = service::runtime()?.block_on(sign_in_link(&url, &state.running.gateway))?;
    writeln!(io::stdout(), "{}", link.url)?;
    Ok(())
}

/// Makes the administrator where there is none, and a link that signs in once.
pub(crate) async fn sign_in_link(url: &str, gateway: &str) -> Result<Link, Failure> {
    let pool = Pool::new(url, 1)?;
    let made = make_link(&pool).await;
    let (email, token) = made.map_err(|error| refused(&error, url))?;
    Ok(Link { url: format!("{gateway}/sign-in#token={token}"), email })
}

async fn make_link(pool: &Pool) -> Result<(String, String), operator::Error> {
    operator::ensure_admin(pool, ADMIN).await?;
    let email = operator::admin(pool, ADMIN).await?;
    let token = operator::sign_in_link(pool, &email).await?;
    Ok((email, token))
}

fn refused(error: &operator::Error, url: &str) -> Failure {
    match error {
        operator::Error::NoAdmin => Failure::unavailable(
            format!("no sign-in link: nobody is an admin, and {ADMIN} is somebody else's account"),
            Some(&format!(
                "psql '{url}', and set the roles of a row of users to '{{admin}}'\n       \
                 or: mainstay dev --data DIR, to begin anew"
            )),
        ),
        operator::Error::Suspended => {
            Failure::unavailable("no sign-in link: the account is suspended", None)
        }
        operator::Error::NoServiceKey(_) => Failure::unavailable(error.to_string(), None),
        operator::Error::Database(error) => {
            Failure::unavailable(format!("no sign-in link could be made: {error}"), None)
        }
    }
}
