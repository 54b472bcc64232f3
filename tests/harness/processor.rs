//! What processes cost, as `proc(5)` tells it.

use crate::Stack;

/// Processor time in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    /// By auth.
    pub auth: f64,
    /// By the processes of `PostgreSQL` that are there.
    pub database: f64,
}

// === impl Spent ===

impl Spent {
    /// Until now.
    pub async fn by(stack: &Stack) -> Self {
        // A connection of ours is a child of the server whose other children count.
        let database = stack.databases.auth.connect().await;
        let row = database.query_one("SELECT pg_backend_pid()", &[]).await.unwrap();
        let server = parent(u32::try_from(row.get::<_, i32>(0)).unwrap());
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let processes = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let children = processes.filter(|pid| parent(*pid) == server);
        Self { auth: seconds(stack.auth.pid()), database: children.map(seconds).sum() }
    }

    /// Since then.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self { auth: self.auth - before.auth, database: self.database - before.database }
    }
}

/// The fields of a process behind its name, which is in parentheses.
fn stat(pid: u32) -> Vec<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    fields.split(' ').map(str::to_owned).collect()
}

fn parent(pid: u32) -> u32 {
    stat(pid).get(1).and_then(|field| field.parse().ok()).unwrap_or_default()
}

/// For how many seconds a process has had a processor.
pub fn seconds(pid: u32) -> f64 {
    let ticks = stat(pid).into_iter().skip(11).take(2).filter_map(|it| it.parse::<u32>().ok());
    f64::from(ticks.sum::<u32>()) / 100.0
}
