//! `mainstay keys`: what an operator does about the keys of a deployment.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use auth::operator::keys;
use clap::{Args, Subcommand};
use database::{Pool, Url};
use platform::{config::Reader, seal::MasterKey};

use crate::{
    dev::{
        DATA, postgres,
        state::{self, State},
    },
    exit::Failure,
    service,
};

pub(crate) const ABOUT: &str = "\
Look after the keys that sign tokens and encrypt what is stored

Works on the database that DATABASE_URL names, with MAINSTAY_SECRET_KEY; without them
on the stack that runs on a data folder. Running services follow within a second.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the signing keys: next, signing, retired
    List(Target),
    /// Publish a new signing key, which takes over in ten minutes
    Rotate(Target),
    /// Take a signing key away at once, with every token that it has signed
    Revoke(Revoke),
    /// Encrypt what is stored with `MAINSTAY_SECRET_KEY`, after it was replaced
    Reseal(Target),
}

#[derive(Args, Debug)]
pub(crate) struct Target {
    /// The data folder of the running stack
    #[arg(long, value_name = "DIR", default_value = DATA)]
    data: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Revoke {
    /// Which key: an id of the list
    #[arg(value_name = "KID", allow_hyphen_values = true)]
    kid: String,
    #[command(flatten)]
    target: Target,
}

// === impl Command ===

impl Command {
    /// Does it, and tells what was done.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        service::runtime()?.block_on(async {
            match self {
                Self::List(target) => list(&target.data).await,
                Self::Rotate(target) => rotate(&target.data).await,
                Self::Revoke(Revoke { kid, target }) => revoke(&target.data, kid).await,
                Self::Reseal(target) => reseal(&target.data).await,
            }
        })
    }
}

async fn list(data: &Path) -> Result<(), Failure> {
    let mut out = io::stdout();
    for key in keys::list(&Pool::new(&url(data)?, 1)?).await? {
        let retired = key.retired_at.map(|at| format!(", retired {at:.0}")).unwrap_or_default();
        writeln!(out, "{}  {:<7}  from {:.0}{retired}", key.kid, key.state, key.signs_from)?;
    }
    Ok(())
}

async fn rotate(data: &Path) -> Result<(), Failure> {
    let (pool, master) = open(data)?;
    let minutes = keys::rotate(&pool, &master).await? / 60.0;
    writeln!(io::stdout(), "the next key is published and signs in {minutes:.0} minutes")?;
    Ok(())
}

async fn revoke(data: &Path, kid: &str) -> Result<(), Failure> {
    let (pool, master) = open(data)?;
    keys::revoke(&pool, &master, kid).await?;
    writeln!(io::stdout(), "the key is gone; what it has signed is refused from now on")?;
    Ok(())
}

async fn reseal(data: &Path) -> Result<(), Failure> {
    let (pool, master) = open(data)?;
    let count = keys::reseal(&pool, &master).await?;
    writeln!(io::stdout(), "{count} stored secrets are encrypted with MAINSTAY_SECRET_KEY")?;
    Ok(())
}

/// The database, and the key that its secrets are sealed with.
fn open(data: &Path) -> Result<(Pool, MasterKey), Failure> {
    let url = url(data)?;
    let environment = Reader::from_env().optional::<Url>("DATABASE_URL");
    let mut reader = if environment.is_some() {
        Reader::from_env()
    } else {
        let secret = data.join("secret").display().to_string();
        Reader::from_pairs([("MAINSTAY_SECRET_KEY_FILE".to_owned(), secret)])
    };
    let master = MasterKey::read(&mut reader);
    Ok((Pool::unhurried(&url)?, reader.finish(master)?))
}

/// Where the database is.
fn url(data: &Path) -> Result<String, Failure> {
    let mut reader = Reader::from_env();
    let url = reader.optional::<Url>("DATABASE_URL");
    if let Some(url) = reader.finish(url)? {
        return Ok(url.expose().to_owned());
    }
    match state::read(data).filter(State::is_current) {
        Some(state) => Ok(postgres::url(&state.socket, "auth", "auth")),
        None => Err(Failure::unavailable(
            format!("no stack runs on {}, and DATABASE_URL is not set", data.display()),
            Some("mainstay dev, in another terminal"),
        )),
    }
}

impl From<keys::Error> for Failure {
    fn from(error: keys::Error) -> Self {
        match error {
            keys::Error::NoKey => Self::new(error.to_string(), Some("mainstay keys list"), 65),
            keys::Error::Sealed => Self::new(
                error.to_string(),
                Some("name every key that was in use in MAINSTAY_PREVIOUS_SECRET_KEYS"),
                78,
            ),
            keys::Error::Crypto => Self::new(error.to_string(), None, 70),
            keys::Error::Database(error) => error.into(),
        }
    }
}
