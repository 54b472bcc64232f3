//! One `PostgreSQL` for each test binary, and in it two new databases for each
//! test.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use platform::server::spawn;
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls, Row, types::ToSql};

use crate::program;

/// The databases of one test. They are removed some time after it.
#[derive(Debug)]
pub struct Databases {
    /// That of auth.
    pub auth: Database,
    /// That of content.
    pub content: Database,
}

/// A database.
#[derive(Debug)]
pub struct Database {
    name: String,
    /// Where its service finds it.
    pub url: String,
}

#[derive(Debug)]
struct Server {
    /// Where the superuser finds the database `postgres`.
    url: String,
    made: AtomicU32,
    /// Databases that no test uses any more.
    finished: Mutex<Vec<String>>,
    /// Stops the server when its standard input closes.
    _guard: Child,
}

/// Bytes that the databases of a run never come near to.
const ENOUGH: u64 = 4 << 30;

/// Whether the server writes as that of a product does: to a disk, and before it says so.
static IS_DURABLE: AtomicBool = AtomicBool::new(false);

static SERVER: OnceCell<Server> = OnceCell::const_new();

/// Has databases write as those of a product do, for what is measured with them. Is to
/// be called before there are any.
pub fn write_durably() {
    IS_DURABLE.store(true, Ordering::Relaxed);
}

// === impl Databases ===

impl Databases {
    /// Makes a pair of migrated, empty databases.
    pub async fn create() -> Self {
        let server = SERVER.get_or_init(Server::start).await;
        server.clean_up().await;
        let number = server.made.fetch_add(1, Ordering::Relaxed);
        Self {
            auth: server.copy("auth", number).await,
            content: server.copy("content", number).await,
        }
    }
}

// === impl Database ===

impl Database {
    /// A connection for many statements; it ends with its client.
    pub async fn connect(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        drop(spawn(connection));
        client
    }

    /// Runs a statement and returns its rows.
    pub async fn rows(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        connected(&self.url, async |client| client.query(sql, params).await.unwrap()).await
    }

    /// Makes a key of a service of the product; this is the database of auth.
    pub async fn service_key(&self, service: &str) -> String {
        let pool = database::Pool::new(&self.url, 1).unwrap();
        let key = auth::operator::service_key(&pool, service).await.unwrap();
        key.expose().to_owned()
    }

    /// Does something while nobody else can use a table.
    pub async fn while_locked<T>(&self, table: &str, work: impl AsyncFnOnce() -> T) -> T {
        let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        connected(&self.url, async |client| {
            client.batch_execute(&lock).await.unwrap();
            let done = work().await;
            client.batch_execute("ROLLBACK").await.unwrap();
            done
        })
        .await
    }

    /// Runs a statement and returns how many rows it changed.
    pub async fn execute(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> u64 {
        connected(&self.url, async |client| client.execute(sql, params).await.unwrap()).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(server) = SERVER.get() {
            server.finished.lock().unwrap().push(self.name.clone());
        }
    }
}

// === impl Server ===

impl Server {
    async fn start() -> Self {
        let durable = IS_DURABLE.load(Ordering::Relaxed);
        let mut guard = Command::new(program::path())
            .arg("postgres-guard")
            .args(durable.then_some("durable"))
            .env("TMPDIR", if durable { std::env::temp_dir() } else { place() })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("mainstay-tested is built by `cargo test`");
        let mut line = String::new();
        BufReader::new(guard.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("PostgreSQL starts");
        let url = said["url"].as_str().unwrap().to_owned();
        let server =
            Self { url, made: AtomicU32::new(0), finished: Mutex::default(), _guard: guard };
        for service in ["auth", "content"] {
            server.run(&format!("CREATE ROLE {service} LOGIN")).await;
            server.run(&format!("CREATE DATABASE {service}_template OWNER {service}")).await;
            let template = server.url_of(service, &format!("{service}_template"));
            let pool = database::Pool::new(&template, 1).unwrap();
            match service {
                "auth" => auth::migrate(&pool).await.unwrap(),
                _ => content::migrate(&pool).await.unwrap(),
            };
        }
        server
    }

    async fn copy(&self, service: &str, number: u32) -> Database {
        let name = format!("{service}_{number}");
        let template = format!("{service}_template");
        self.run(&format!("CREATE DATABASE {name} TEMPLATE {template} OWNER {service}")).await;
        let url = self.url_of(service, &name);
        Database { name, url }
    }

    async fn clean_up(&self) {
        let finished: Vec<_> = self.finished.lock().unwrap().drain(..).collect();
        for name in finished {
            self.run(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    fn url_of(&self, role: &str, database: &str) -> String {
        let url = self.url.replace("user=postgres", &format!("user={role}"));
        url.replace("dbname=postgres", &format!("dbname={database}"))
    }

    async fn run(&self, sql: &str) {
        connected(&self.url, async |client| client.batch_execute(sql).await.expect(sql)).await;
    }
}

/// Memory where there is enough of it: most of a new database are files that are
/// deleted a moment later.
fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    match rustix::fs::statvfs(memory) {
        Ok(stat) if stat.f_bavail.saturating_mul(stat.f_frsize) > ENOUGH => memory.to_owned(),
        _ => std::env::temp_dir(),
    }
}

/// Does something with a connection that lasts no longer.
async fn connected<T>(url: &str, work: impl AsyncFnOnce(&Client) -> T) -> T {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::select! {
        done = work(&client) => done,
        ended = connection => panic!("the database hung up: {ended:?}"),
    }
}
