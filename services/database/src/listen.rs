//! Being told by the database that something has changed, on a connection of its
//! own: those of the pool come and go.

use std::{future::poll_fn, time::Duration};

use platform::server::spawn;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc::{self, error::TrySendError},
    task::JoinHandle,
    time::timeout,
};
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, Row, Statement, types::ToSql};

use crate::{
    Error, Pool,
    pool::{CONNECT_WITHIN, Origin},
};

/// A statement that takes longer means that the connection is lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// A connection that hears notifications. They say that there is something to look
/// at, and not what: whoever loses the connection looks anyway.
#[derive(Debug)]
pub struct Listener {
    told: mpsc::Receiver<()>,
    client: Client,
    prepared: Option<(&'static str, Statement)>,
    pump: JoinHandle<()>,
}

// === impl Pool ===

impl Pool {
    /// Opens a connection and listens on it as a statement says.
    pub async fn listen(&self, sql: &'static str) -> Result<Listener, Error> {
        let Origin { config, tls } = self.origin();
        let opened = timeout(CONNECT_WITHIN, async {
            let (client, told, pump) = if let Some(tls) = tls {
                let (client, connection) = config.connect(tls.clone()).await?;
                let (told, pump) = pump(connection);
                (client, told, pump)
            } else {
                let (client, connection) = config.connect(NoTls).await?;
                let (told, pump) = pump(connection);
                (client, told, pump)
            };
            client.batch_execute(sql).await?;
            Ok::<_, Error>(Listener { told, client, prepared: None, pump })
        });
        opened.await.map_err(|_elapsed| Error::Config("no connection in time".to_owned()))?
    }
}

// === impl Listener ===

impl Listener {
    /// Waits for a notification; none comes any more once the connection is lost.
    pub async fn told(&mut self) -> Option<()> {
        self.told.recv().await
    }

    /// Runs the one statement that looks what is new: not behind those of requests,
    /// which may wait for each other in the pool.
    pub async fn rows(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let answer = timeout(ANSWER_WITHIN, async {
            let statement = match &self.prepared {
                Some((known, statement)) if *known == sql => statement.clone(),
                Some(_) | None => self.client.prepare(sql).await?,
            };
            self.prepared = Some((sql, statement.clone()));
            self.client.query(&statement, params).await
        });
        let rows =
            answer.await.map_err(|_elapsed| Error::Config("no answer in time".to_owned()))?;
        Ok(rows?)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Drives a connection. Notifications that nobody has heard yet are one.
fn pump<S, T>(mut connection: Connection<S, T>) -> (mpsc::Receiver<()>, JoinHandle<()>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (tell, told) = mpsc::channel(1);
    let pump = spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            if matches!(message, AsyncMessage::Notification(_)) {
                // Full is told already; and whoever does not listen any more ends this.
                if let Err(TrySendError::Closed(())) = tell.try_send(()) {
                    return;
                }
            }
        }
    });
    (told, pump)
}
