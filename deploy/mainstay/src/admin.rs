//! `mainstay admin`: what an operator does to a running stack.

use std::{
    io::{self, Write as _},
    path::Path,
};

use auth::operator;
use database::Pool;
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
        operator::Error::NoServiceKey(_) => Failure::unavailable(error.to_string(), None),
        operator::Error::Database(error) => {
            Failure::unavailable(format!("no sign-in link could be made: {error}"), None)
        }
    }
}
