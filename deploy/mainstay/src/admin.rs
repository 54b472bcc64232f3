//! `mainstay admin`: what an operator does to a running stack.

use std::{
    io::{self, Write as _},
    path::Path,
};

use database::Pool;

use crate::{
    dev::{
        postgres,
        state::{self, State},
    },
    exit::Failure,
    service,
};

/// The account that signs in with links.
pub const ADMIN: &str = "admin@example.com";

/// Prints a new sign-in link of the stack that runs on a data folder.
pub fn link(data: &Path) -> Result<(), Failure> {
    let Some(state) = state::read(data).filter(State::is_current) else {
        let message = format!("no stack runs on {}", data.display());
        return Err(Failure::unavailable(message, Some("mainstay dev, in another terminal")));
    };
    let url = postgres::url(&state.socket, "auth", "auth");
    let link = service::runtime()?.block_on(sign_in_link(&url, &state.running.gateway))?;
    writeln!(io::stdout(), "{link}")?;
    Ok(())
}

/// Makes the administrator where there is none, and a link that signs in once.
pub(crate) async fn sign_in_link(url: &str, gateway: &str) -> Result<String, Failure> {
    let pool = Pool::new(url, 1)?;
    let refused = |error: auth::operator::Error| {
        Failure::unavailable(format!("no sign-in link could be made: {error}"), None)
    };
    auth::operator::ensure_admin(&pool, ADMIN).await.map_err(refused)?;
    let token = auth::operator::sign_in_link(&pool, ADMIN).await.map_err(refused)?;
    Ok(format!("{gateway}/sign-in#token={token}"))
}
