//! `mainstay migrate`: brings the databases to the schema of this binary.

use std::io::{self, Write as _};

use database::Pool;
use platform::config::Reader;

use crate::{exit::Failure, service};

/// Migrates each database whose address is set.
pub fn run() -> Result<(), Failure> {
    let mut reader = Reader::from_env();
    let auth = reader.optional::<String>("AUTH_DATABASE_URL");
    let content = reader.optional::<String>("CONTENT_DATABASE_URL");
    if auth.is_none() && content.is_none() {
        reader.problem("neither AUTH_DATABASE_URL nor CONTENT_DATABASE_URL is set".to_owned());
    }
    let (auth, content) = reader.finish((auth, content))?;
    service::runtime()?.block_on(async {
        if let Some(url) = auth {
            tell("auth", auth::migrate(&Pool::new(&url, 1)?).await?)?;
        }
        if let Some(url) = content {
            tell("content", content::migrate(&Pool::new(&url, 1)?).await?)?;
        }
        Ok(())
    })
}

fn tell(database: &str, applied: usize) -> io::Result<()> {
    match applied {
        0 => writeln!(io::stdout(), "{database}: up to date"),
        1 => writeln!(io::stdout(), "{database}: 1 migration applied"),
        many => writeln!(io::stdout(), "{database}: {many} migrations applied"),
    }
}
