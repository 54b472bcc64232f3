//! `mainstay admin service-key`: what a service of the product shows auth to say who
//! it is.

use std::{
    io::{self, Write as _},
    path::Path,
};

use auth::operator;
use database::Pool;
use platform::{config::Reader, identity::ApiKey};

use crate::{
    dev::{
        postgres,
        state::{self, State},
    },
    exit::Failure,
    service,
};

/// Makes a key of a service and prints it: this is the only time that it is seen.
pub fn print(name: &str, data: &Path) -> Result<(), Failure> {
    let mut reader = Reader::from_env();
    let url = reader.optional::<String>("DATABASE_URL");
    let url = match reader.finish(url)? {
        Some(url) => url,
        None => url_of(data)?,
    };
    let key = service::runtime()?.block_on(make(&url, name))?;
    writeln!(io::stdout(), "{}", key.expose())?;
    Ok(())
}

async fn make(url: &str, name: &str) -> Result<ApiKey, Failure> {
    let pool = Pool::new(url, 1)?;
    operator::service_key(&pool, name).await.map_err(|error| refused(&error, name))
}

/// Stores the keys that services of a development stack were given.
pub(crate) async fn provision(url: &str, keys: &[(&str, ApiKey)]) -> Result<(), Failure> {
    let pool = Pool::new(url, 1)?;
    for (service, key) in keys {
        let stored = operator::provision(&pool, service, key).await;
        stored.map_err(|error| refused(&error, service))?;
    }
    Ok(())
}

fn refused(error: &operator::Error, name: &str) -> Failure {
    Failure::unavailable(format!("no key could be made for {name}: {error}"), None)
}

fn url_of(data: &Path) -> Result<String, Failure> {
    let Some(state) = state::read(data).filter(State::is_current) else {
        let message = format!("no stack runs on {}, and DATABASE_URL is not set", data.display());
        let fix = "DATABASE_URL=postgres://…/auth mainstay admin service-key NAME";
        return Err(Failure::unavailable(message, Some(fix)));
    };
    Ok(postgres::url(&state.socket, "auth", "auth"))
}
