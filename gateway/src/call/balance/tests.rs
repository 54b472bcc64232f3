//! Who is called, and who is not.

use std::collections::BTreeMap;

use super::*;

/// A service at so many addresses, none of which is ever called.
fn backend(count: u8) -> Backend {
    let backend = Backend::new("tested.", &"http://tested:80".parse().unwrap());
    let addresses = (1..=count).map(|last| SocketAddr::from(([127, 0, 0, last], 1)));
    let all = addresses.map(|address| backend.member(&[], address)).collect();
    *backend.0.members.lock().unwrap() = Members { all, asked: Some(Instant::now()) };
    backend
}

async fn leases(backend: &Backend, count: usize) -> Vec<Lease> {
    let mut leases = Vec::new();
    for _ in 0..count {
        leases.push(backend.lease().await.unwrap());
    }
    leases
}

fn count(leases: &[Lease]) -> BTreeMap<SocketAddr, usize> {
    let mut counts = BTreeMap::new();
    for lease in leases {
        *counts.entry(lease.member.address).or_default() += 1;
    }
    counts
}

fn refused() -> Failure {
    Failure::Broken { status: status::refuse(Reason::UNAVAILABLE), is_unsent: true }
}

#[tokio::test]
async fn the_less_busy_is_called() {
    let backend = backend(2);
    let mut held = leases(&backend, 10).await;
    assert_eq!(count(&held).into_values().collect::<Vec<_>>(), [5, 5]);
    let busy = held[0].member.address;
    held.retain(|lease| lease.member.address == busy);
    assert!(!count(&leases(&backend, 5).await).contains_key(&busy));
    drop(held);
    assert_eq!(
        backend.known().all.iter().map(|it| it.in_flight.load(Ordering::Relaxed)).sum::<usize>(),
        0
    );
}

#[tokio::test]
async fn an_address_that_nobody_serves_is_left_out_at_once() {
    let backend = backend(3);
    let lease = backend.lease().await.unwrap();
    let dead = lease.member.address;
    lease.report(Some(&refused()));
    let counts = count(&leases(&backend, 30).await);
    assert!(counts.len() == 2 && !counts.contains_key(&dead), "{counts:?}");
}

#[tokio::test]
async fn a_service_that_is_nowhere_is_spared() {
    let backend = backend(2);
    for lease in leases(&backend, 2).await {
        lease.report(Some(&refused()));
    }
    assert!(matches!(backend.lease().await, Err(Failure::Spared(_))));
}

#[tokio::test]
async fn a_name_that_nobody_has_says_nothing_of_itself() {
    let backend = Backend::new("tested.", &"http://nobody.invalid:80".parse().unwrap());
    let Err(failure) = backend.lease().await else { panic!("nobody is there") };
    assert!(matches!(failure, Failure::Broken { is_unsent: true, .. }));
    assert!(!failure.into_status().message().contains("invalid"));
    let again = backend.lease().await;
    assert!(matches!(again, Err(Failure::Spared(_))), "it is not looked up at once");
}
