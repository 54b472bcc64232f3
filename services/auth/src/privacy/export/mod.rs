//! Everything that is kept about a user, as one ZIP archive that is made while it is
//! sent: there is never more of it than a piece or two.
//!
//! What is short is read at one moment. Sessions, events and posts can be many, and
//! are read page by page as the archive is taken; events cannot change, so that the
//! chain until its end of that moment and what waited behind it then are all events
//! of that moment. An archive that cannot be whole breaks off: its index and its
//! manifest are at the end.

mod archive;
mod json;
mod store;

use std::vec;

use database::Pool;
use jiff::Timestamp;
use proto::auth::v1::AuditEvent;
use serde::Serialize;
use uuid::Uuid;

pub(crate) use self::json::Json;
use self::{
    archive::{Archive, Shape, Written},
    store::Snapshot,
};
use super::content::{self, Content, Posts};
use crate::{audit, users};

/// What it takes to make archives.
#[derive(Clone, Debug)]
pub(crate) struct Exporter {
    pub(crate) pool: Pool,
    /// Where users' posts are: no archive without them.
    pub(crate) content: Content,
    pub(crate) json: Json,
}

/// An archive that is being made.
#[derive(Debug)]
pub(super) struct Export {
    pool: Pool,
    json: Json,
    user_id: Uuid,
    archive: Archive,
    step: Step,
    files: vec::IntoIter<File>,
    events: audit::Chained,
    waiting: vec::IntoIter<AuditEvent>,
    posts: Posts,
}

/// What is written next.
#[derive(Debug)]
enum Step {
    Files,
    /// Those behind a session.
    Sessions(Uuid),
    Events,
    Posts,
    Manifest,
    Nothing,
}

/// A file that is short.
#[derive(Debug)]
struct File {
    name: &'static str,
    shape: Shape,
    records: Vec<Vec<u8>>,
}

/// What the archive says of itself, last.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    /// Grows when what is in an archive changes so that its readers must, too.
    version: u32,
    user_id: Uuid,
    made_at: String,
    files: &'a [Written],
}

/// Why an archive cannot be made, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Account(#[from] users::Error),
    #[error(transparent)]
    Content(#[from] content::Error),
    #[error(transparent)]
    Database(#[from] database::Error),
    #[error("the archive cannot be written")]
    Archive(#[from] archive::Error),
    #[error("a record cannot be written as JSON")]
    Json(#[from] json::Error),
}

const README: &str = include_str!("README.txt");
const VERSION: u32 = 1;
/// At most so many records are read ahead of whoever takes them.
const AHEAD: i64 = 100;

// === impl Exporter ===

impl Exporter {
    /// Begins an archive and notes that in the user's events. What cannot be read at
    /// all is refused here, before anything was sent.
    pub(super) async fn begin(
        &self,
        user_id: Uuid,
        session_id: Option<Uuid>,
    ) -> Result<Export, Error> {
        let posts = self.content.posts(user_id).await?;
        let (after, now) = (0, Timestamp::now());
        let snapshot = store::snapshot(&self.pool, user_id, session_id).await?;
        let events = audit::Chained { user_id, after, until: snapshot.chain_end };
        let files = self.files(&snapshot)?;
        Ok(Export {
            pool: self.pool.clone(),
            json: self.json.clone(),
            user_id,
            archive: Archive::new(now),
            step: Step::Files,
            files: files.into_iter(),
            events,
            waiting: snapshot.waiting.into_iter(),
            posts,
        })
    }

    fn files(&self, snapshot: &Snapshot) -> Result<Vec<File>, Error> {
        let readme = vec![README.as_bytes().to_vec()];
        let account = vec![self.json.of(&snapshot.account)?];
        let list = |name, records| File { name, shape: Shape::List, records };
        Ok(vec![
            File { name: "README.txt", shape: Shape::Text, records: readme },
            File { name: "account.json", shape: Shape::Lines, records: account },
            list("devices.json", self.json.all(&snapshot.devices)?),
            list("second-factors.json", self.json.all(&snapshot.factors)?),
            list("recovery-codes.json", self.json.all(&snapshot.recovery_codes)?),
            list("identities.json", self.json.all(&snapshot.identities)?),
            list("api-keys.json", self.json.all(&snapshot.api_keys)?),
            list("letters.json", self.json.all(&snapshot.letters)?),
            list("confirmations.json", self.json.all(&snapshot.confirmations)?),
        ])
    }
}

// === impl Export ===

impl Export {
    /// The next piece; none at the end.
    pub(super) async fn piece(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            let is_all = matches!(self.step, Step::Nothing);
            if let Some(piece) = self.archive.take(is_all) {
                return Ok(Some(piece));
            }
            if is_all {
                return Ok(None);
            }
            self.go_on().await?;
        }
    }

    async fn go_on(&mut self) -> Result<(), Error> {
        self.step = match self.step {
            Step::Files => self.file().await?,
            Step::Sessions(after) => self.sessions(after).await?,
            Step::Events => self.events().await?,
            Step::Posts => self.post().await?,
            Step::Manifest => self.manifest().await?,
            Step::Nothing => Step::Nothing,
        };
        Ok(())
    }

    async fn file(&mut self) -> Result<Step, Error> {
        let Some(file) = self.files.next() else {
            self.archive.begin("sessions.json", Shape::List)?;
            return Ok(Step::Sessions(Uuid::nil()));
        };
        self.archive.begin(file.name, file.shape)?;
        self.write(file.records).await?;
        self.archive.end()?;
        Ok(Step::Files)
    }

    async fn sessions(&mut self, after: Uuid) -> Result<Step, Error> {
        let found = store::sessions(&self.pool, self.user_id, after, AHEAD).await?;
        if let Some((last, _)) = found.last() {
            let next = Step::Sessions(*last);
            let sessions: Vec<_> = found.into_iter().map(|(_, session)| session).collect();
            self.write(self.json.all(&sessions)?).await?;
            return Ok(next);
        }
        self.archive.end()?;
        self.archive.begin("events.ndjson", Shape::Lines)?;
        Ok(Step::Events)
    }

    async fn events(&mut self) -> Result<Step, Error> {
        let found = audit::chained(&self.pool, self.events, AHEAD).await?;
        if let Some((last, _)) = found.last() {
            self.events.after = *last;
            let events: Vec<_> = found.into_iter().map(|(_, event)| event).collect();
            self.write(self.json.all(&events)?).await?;
            return Ok(Step::Events);
        }
        let waiting: Vec<_> = self.waiting.by_ref().collect();
        self.write(self.json.all(&waiting)?).await?;
        self.archive.end()?;
        self.archive.begin("posts.ndjson", Shape::Lines)?;
        Ok(Step::Posts)
    }

    async fn post(&mut self) -> Result<Step, Error> {
        if let Some(post) = self.posts.next().await? {
            self.archive.record(&self.json.of(&post)?).await?;
            return Ok(Step::Posts);
        }
        self.archive.end()?;
        Ok(Step::Manifest)
    }

    async fn manifest(&mut self) -> Result<Step, Error> {
        let manifest = Manifest {
            version: VERSION,
            user_id: self.user_id,
            made_at: self.archive.made_at().to_string(),
            files: self.archive.written(),
        };
        let manifest = json::pretty(&manifest)?;
        self.archive.begin("manifest.json", Shape::Lines)?;
        self.archive.record(&manifest).await?;
        self.archive.end()?;
        self.archive.finish()?;
        Ok(Step::Nothing)
    }

    async fn write(&mut self, records: Vec<Vec<u8>>) -> Result<(), Error> {
        for record in records {
            self.archive.record(&record).await?;
        }
        Ok(())
    }
}
