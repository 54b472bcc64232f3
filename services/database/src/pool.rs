use std::{str::FromStr, sync::Arc, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Object, RecyclingMethod, Runtime};
use futures_util::future::BoxFuture;
use opentelemetry::metrics::Histogram;
use platform::telemetry::{DB_CLIENT_DURATION, STATEMENT_BUCKETS};
use tokio_postgres::{
    Config, NoTls, Row,
    config::{Host, SslMode},
    types::ToSql,
};

use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Cause, Error, Statement, Transaction, lease::Lease, statement::Place, tls};

pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// A server that is gone without a word is noticed after this time.
const GIVE_UP_AFTER: Duration = Duration::from_secs(15);
const WAIT_AT_MOST: Duration = Duration::from_secs(2);
/// Below the deadline of every call, so that no statement outlives its caller by much.
const SERVER_OPTIONS: &str =
    "-c statement_timeout=8000 -c idle_in_transaction_session_timeout=10000 -c timezone=UTC";

const UNHURRIED_OPTIONS: &str = "-c timezone=UTC";

/// Connections to one database, shared by all requests of a process.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    connections: deadpool_postgres::Pool,
    origin: Origin,
    duration: Histogram<f64>,
}

/// How connections are made.
pub(crate) struct Origin {
    pub(crate) config: Config,
    pub(crate) tls: Option<MakeRustlsConnect>,
}

/// Where a database is: a URL or libpq's `key=value` pairs. It may hold a
/// password, so it is never shown.
#[derive(Clone, Default)]
pub struct Url(String);

// === impl Pool ===

impl Pool {
    /// Prepares a pool; connections are made when first needed.
    pub fn new(url: &str, size: usize) -> Result<Self, Error> {
        Self::with(url, size, SERVER_OPTIONS)
    }

    /// One connection for an operator, whose statements may take as long as they do.
    pub fn unhurried(url: &str) -> Result<Self, Error> {
        Self::with(url, 1, UNHURRIED_OPTIONS)
    }

    fn with(url: &str, size: usize, options: &str) -> Result<Self, Error> {
        let mut config = Config::from_str(url)?;
        config.connect_timeout(CONNECT_WITHIN).application_name("mainstay");
        let options = config
            .get_options()
            .map_or_else(|| options.to_owned(), |given| format!("{options} {given}"));
        config.options(options);
        config.keepalives_idle(KEEP_ALIVE).tcp_user_timeout(GIVE_UP_AFTER);
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let tls = if needs_tls(&config) { Some(tls::connector()?) } else { None };
        if tls.is_some() {
            // By default the driver would do without if it is told to.
            config.ssl_mode(SslMode::Require);
        }
        let manager = match &tls {
            Some(tls) => Manager::from_config(config.clone(), tls.clone(), recycling),
            None => Manager::from_config(config.clone(), NoTls, recycling),
        };
        let connections = deadpool_postgres::Pool::builder(manager)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_AT_MOST))
            .create_timeout(Some(CONNECT_WITHIN))
            .recycle_timeout(Some(CONNECT_WITHIN))
            .build()
            .map_err(|error| Error::Config(error.to_string()))?;
        let meter = opentelemetry::global::meter("mainstay");
        let duration = meter
            .f64_histogram(DB_CLIENT_DURATION)
            .with_unit("s")
            .with_boundaries(STATEMENT_BUCKETS.to_vec())
            .build();
        Ok(Self(Arc::new(Inner { connections, origin: Origin { config, tls }, duration })))
    }

    /// Runs a statement that returns any number of rows.
    pub async fn rows(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let mut lease = Lease::new(self.client().await?, self.0.origin.tls.clone());
        let place = Place { client: lease.client()?, duration: &self.0.duration, has_begun: None };
        let rows = place.run(&[Statement::new(sql, params)]).await;
        lease.end();
        Ok(rows?.pop().unwrap_or_default())
    }

    /// Runs a statement that returns one row or none.
    pub async fn row(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Error> {
        Ok(self.rows(sql, params).await?.into_iter().next())
    }

    /// Runs statements together or not at all, again if the database asks for
    /// it: `work` may run more than once and must do nothing else. What it needs
    /// to know is handed to it as `given`.
    pub async fn transaction<G, T, E>(
        &self,
        given: G,
        work: impl for<'a> Fn(&'a Transaction<'a>, &'a G) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
    ) -> Result<T, E>
    where
        G: Send + Sync,
        T: Send,
        E: From<Error> + Cause + Send,
    {
        let mut lease = Lease::new(self.client().await?, self.0.origin.tls.clone());
        let value = crate::transaction::run(lease.client()?, &self.0.duration, &given, work).await;
        lease.end();
        value
    }

    /// How its connections are made.
    pub(crate) fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Takes a connection for work that the methods above do not cover.
    pub(crate) async fn client(&self) -> Result<Object, Error> {
        Ok(self.0.connections.get().await?)
    }
}

/// A local socket needs none, and `sslmode=disable` wants none.
fn needs_tls(config: &Config) -> bool {
    let is_remote = config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)));
    is_remote && config.get_ssl_mode() != SslMode::Disable
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pool").field(&self.0.connections.status()).finish()
    }
}

// === impl Url ===

impl Url {
    /// The address itself, for the pool.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Url {
    type Err = tokio_postgres::Error;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        // The driver has no such modes, because it always verifies.
        let url = s.replace("sslmode=verify-full", "sslmode=require");
        let url = url.replace("sslmode=verify-ca", "sslmode=require");
        Config::from_str(&url)?;
        Ok(Self(url))
    }
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Url(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_remote_servers_are_talked_to_over_tls() {
        let needs = |url: &str| needs_tls(&Config::from_str(url).unwrap());
        assert!(needs("postgres://auth@db.example.com/auth"));
        assert!(!needs("postgres://auth@db.example.com/auth?sslmode=disable"));
        let url: Url = "postgres://a@db.example.com/a?sslmode=verify-full".parse().unwrap();
        assert!(needs(url.expose()));
        assert!(!needs("host=/run/postgresql user=auth dbname=auth"));
    }
}
