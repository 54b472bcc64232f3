//! Hearing at once what others did: `LISTEN` on a connection of its own.

use std::{future::poll_fn, time::Duration};

use platform::server::spawn;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    task::JoinHandle,
    time::sleep,
};
use tokio_postgres::{AsyncMessage, Config, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Hears that something happened, whoever did it. What is said while the database
/// is not reached is lost; so is being told twice of what happens at once.
#[derive(Debug)]
pub struct Listener {
    heard: watch::Receiver<()>,
    task: JoinHandle<()>,
}

// === impl Listener ===

impl Listener {
    pub(crate) fn start(
        config: Config,
        tls: Option<MakeRustlsConnect>,
        statement: &'static str,
    ) -> Self {
        let (tell, heard) = watch::channel(());
        let task = spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let listened = listen(&config, tls.clone(), statement, &tell).await;
                if let Err(error) = listened {
                    tracing::debug!(%error, "nothing is heard of the database for now");
                    pause = LONGEST_PAUSE.min(pause * 2);
                } else {
                    pause = FIRST_PAUSE;
                }
                sleep(pause).await;
            }
        });
        Self { heard, task }
    }

    /// Waits until something was said, or may have been while we did not listen.
    pub async fn heard(&mut self) {
        if self.heard.changed().await.is_err() {
            // Whoever tells has ended, which only a panic does.
            std::future::pending().await
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(
    config: &Config,
    tls: Option<MakeRustlsConnect>,
    statement: &str,
    tell: &watch::Sender<()>,
) -> Result<(), Error> {
    match tls {
        Some(tls) => {
            let (client, connection) = config.connect(tls).await?;
            follow(client, connection, statement, tell).await
        }
        None => {
            let (client, connection) = config.connect(NoTls).await?;
            follow(client, connection, statement, tell).await
        }
    }
}

/// Listens until the connection ends.
async fn follow<S, T>(
    client: tokio_postgres::Client,
    mut connection: Connection<S, T>,
    statement: &str,
    tell: &watch::Sender<()>,
) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let listening = async {
        client.batch_execute(statement).await?;
        // What was said before is not known.
        tell.send_replace(());
        Ok(())
    };
    let hearing = async {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(_) = message? {
                tell.send_replace(());
            }
        }
        Ok::<_, Error>(())
    };
    tokio::try_join!(listening, hearing).map(drop)
}
