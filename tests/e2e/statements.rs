//! Statements that are sent together.

use database::{Error, Pool, Statement};
use tests::Databases;

const SET: &str = "-- tests.set\nSELECT set_config('tests.said', $1, TRUE)";
const READ: &str = "-- tests.read\nSELECT current_setting('tests.said', TRUE) AS said";
const DIVIDE: &str = "-- tests.divide\nSELECT 1 / $1::integer AS quotient";

/// Runs statements in a transaction and returns what the last one says.
async fn run(pool: &Pool, divisor: Option<i32>) -> Result<Option<String>, Error> {
    pool.transaction(divisor, |transaction, divisor| {
        Box::pin(async move {
            let mut statements = vec![Statement::new(SET, &[&"this"])];
            statements.extend(divisor.as_ref().map(|it| Statement::new(DIVIDE, &[it])));
            statements.push(Statement::new(READ, &[]));
            let rows = transaction.each(&statements).await?;
            assert_eq!(rows.len(), statements.len());
            Ok(rows.into_iter().flatten().last().unwrap().get("said"))
        })
    })
    .await
}

async fn said(pool: &Pool) -> Option<String> {
    let row = pool.row(READ, &[]).await.unwrap().unwrap();
    row.get::<_, Option<String>>("said").filter(|said| !said.is_empty())
}

#[tokio::test]
async fn what_is_sent_together_is_done_in_order_and_together() {
    let databases = Databases::create().await;
    let pool = Pool::new(&databases.auth.url, 1).unwrap();

    // Known to the connection before what is sent ahead of it.
    assert_eq!(said(&pool).await, None);
    assert_eq!(run(&pool, None).await.unwrap().as_deref(), Some("this"));
    assert_eq!(run(&pool, Some(1)).await.unwrap().as_deref(), Some("this"));
    // It was for the transaction only, so there was one.
    assert_eq!(said(&pool).await, None);
}

#[tokio::test]
async fn the_first_failure_is_told_and_nothing_stays() {
    let databases = Databases::create().await;
    let pool = Pool::new(&databases.auth.url, 1).unwrap();
    pool.row("-- tests.table\nCREATE TABLE numbers (number integer)", &[]).await.unwrap();
    let failed: Result<(), Error> = pool
        .transaction((), |transaction, ()| {
            Box::pin(async move {
                let insert = "-- tests.insert\nINSERT INTO numbers VALUES ($1)";
                let insert = |number| Statement::new(insert, &[number]);
                let statements = [insert(&1), Statement::new(DIVIDE, &[&0]), insert(&2)];
                transaction.each(&statements).await.map(drop)
            })
        })
        .await;
    let Error::Statement(failed) = failed.unwrap_err() else { panic!("the database says so") };
    assert_eq!(failed.code().unwrap().code(), "22012", "division by zero");
    // The one connection goes on.
    let count = "-- tests.count\nSELECT count(*) FROM numbers";
    assert_eq!(pool.row(count, &[]).await.unwrap().unwrap().get::<_, i64>(0), 0);
}
