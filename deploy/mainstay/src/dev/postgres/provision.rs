//! Makes roles and databases, as the superuser.

use std::{fmt, str::FromStr};

use tokio_postgres::{Client, NoTls};

use super::{Error, Postgres};

/// A name of a role or database that needs no quoting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier(String);

/// The text is not a plain name.
#[derive(Debug, thiserror::Error)]
#[error("not 1 to 63 lower-case letters, digits and `_`, beginning with a letter")]
pub struct NotAnIdentifier;

/// What can be made.
///
/// The statements cannot take parameters, so their files name them the way
/// `psql` does (`:"name"`), and only an [`Identifier`] is put there.
#[derive(Debug)]
pub struct Provision<'a> {
    postgres: &'a Postgres,
}

const ROLE_EXISTS: &str = include_str!("sql/role_exists.sql");
const DATABASE_EXISTS: &str = include_str!("sql/database_exists.sql");
const CREATE_ROLE: &str = include_str!("sql/create_role.sql");
const CREATE_DATABASE: &str = include_str!("sql/create_database.sql");
const CLOSE_DATABASE: &str = include_str!("sql/close_database.sql");
const CHECKPOINT: &str = include_str!("sql/checkpoint.sql");
const DROP_DATABASE: &str = include_str!("sql/drop_database.sql");

// === impl Provision ===

impl Postgres {
    /// Makes roles and databases here.
    pub fn provision(&self) -> Provision<'_> {
        Provision { postgres: self }
    }
}

impl Provision<'_> {
    /// Makes a role and an empty database of the same name, which nobody else
    /// may enter, unless they are there.
    pub async fn service(&self, name: &Identifier) -> Result<(), Error> {
        let run = async |client: &Client| {
            if client.query_opt(ROLE_EXISTS, &[&name.0]).await?.is_none() {
                client.batch_execute(&fill(CREATE_ROLE, &[("name", name)])).await?;
            }
            if client.query_opt(DATABASE_EXISTS, &[&name.0]).await?.is_none() {
                create(client, name, name, &Identifier("template0".to_owned())).await?;
            }
            Ok(())
        };
        self.connected(run).await
    }

    /// Makes a database that is a copy of another, to which nobody may be
    /// connected meanwhile.
    pub async fn copy(
        &self,
        template: &Identifier,
        name: &Identifier,
        role: &Identifier,
    ) -> Result<(), Error> {
        self.connected(async |client: &Client| create(client, name, role, template).await).await
    }

    /// Removes a database and ends the sessions in it.
    pub async fn drop_database(&self, name: &Identifier) -> Result<(), Error> {
        let statement = fill(DROP_DATABASE, &[("name", name)]);
        self.connected(async |client: &Client| client.batch_execute(&statement).await).await
    }

    /// Writes down now what the server would otherwise write when it stops.
    pub async fn checkpoint(&self) -> Result<(), Error> {
        self.connected(async |client: &Client| client.batch_execute(CHECKPOINT).await).await
    }

    async fn connected(
        &self,
        work: impl AsyncFnOnce(&Client) -> Result<(), tokio_postgres::Error>,
    ) -> Result<(), Error> {
        let url = self.postgres.superuser_url("postgres");
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::select! {
            done = work(&client) => done?,
            ended = connection => ended?,
        }
        Ok(())
    }
}

// === impl Identifier ===

impl FromStr for Identifier {
    type Err = NotAnIdentifier;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let begins_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        let fits = begins_well && text.len() <= 63 && text.chars().all(is_plain);
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAnIdentifier) }
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

async fn create(
    client: &Client,
    name: &Identifier,
    role: &Identifier,
    template: &Identifier,
) -> Result<(), tokio_postgres::Error> {
    let names = [("name", name), ("role", role), ("template", template)];
    client.batch_execute(&fill(CREATE_DATABASE, &names)).await?;
    client.batch_execute(&fill(CLOSE_DATABASE, &names)).await
}

fn fill(statement: &str, names: &[(&str, &Identifier)]) -> String {
    names.iter().fold(statement.to_owned(), |text, (name, identifier)| {
        text.replace(&format!(":\"{name}\""), &format!("\"{identifier}\""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_put_into_statements() {
        for good in ["auth", "t_1", "a"] {
            assert!(good.parse::<Identifier>().is_ok(), "{good}");
        }
        for bad in ["", "1a", "Auth", "a\"b", "a b", "ä", &"a".repeat(64)] {
            assert!(bad.parse::<Identifier>().is_err(), "{bad}");
        }
    }

    #[test]
    fn statements_are_filled_completely() {
        let name: Identifier = "auth".parse().unwrap();
        let all = [("name", &name), ("role", &name), ("template", &name)];
        for statement in [CREATE_ROLE, CREATE_DATABASE, CLOSE_DATABASE, DROP_DATABASE] {
            assert!(!fill(statement, &all).contains(":\""), "{statement}");
        }
    }
}
