use refinery::Runner;

use crate::{Error, Pool};

/// Any number; processes that migrate one database at once take turns on it.
const LOCK: i64 = 0x6d61_696e_7374;

/// Applies the migrations that a database has not seen, and returns how many.
///
/// Instances that start together do it once: refinery takes no lock of its own.
pub async fn migrate(pool: &Pool, migrations: Runner) -> Result<usize, Error> {
    // A connection of its own, closed afterwards: lock and settings end with it.
    let mut client = deadpool_postgres::Object::take(pool.client().await?);
    client.batch_execute(include_str!("prepare_migration.sql")).await?;
    client.query(include_str!("lock_migration.sql"), &[&LOCK]).await?;
    // From here on nobody is kept waiting behind a migration that itself waits.
    client.batch_execute(include_str!("limit_locks.sql")).await?;
    let client: &mut tokio_postgres::Client = &mut client;
    // A newer binary may have been here: its migrations only add, so we go on.
    let mut migrations = migrations.set_abort_missing(false);
    let report = migrations.set_migration_table_name("migrations").run_async(client).await;
    let report = report.map_err(|error| Error::Migration(Box::new(error)))?;
    for migration in report.applied_migrations() {
        tracing::info!(migration = %migration, "applied migration {migration}");
    }
    Ok(report.applied_migrations().len())
}
