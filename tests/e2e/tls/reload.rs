use std::{
    fs,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tests::{
    eventually, metrics,
    program::{self, Signal},
    tls::{Pair, shown},
    within,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Gateway, SOON, get};

impl Gateway {
    /// Waits until new connections see a certificate.
    async fn shows(&self, pair: &Pair) {
        let client = self.authority.client();
        eventually("the certificate is shown", SOON, async || {
            (client.seen(self.service.listen).await.unwrap() == pair.der()).then_some(())
        })
        .await;
    }

    /// Waits until something is logged; files that stay broken are reported at the
    /// second look.
    async fn complains(&self, told: &str) {
        eventually(told, SOON, async || {
            program::signal(self.service.pid(), Signal::HUP);
            self.service.log().contains(told).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_and_nobody_is_cut_off() {
    let gateway = Gateway::start().await;
    let client = gateway.authority.client().offering(&["http/1.1"]);
    let mut old = client.connect(gateway.service.listen).await.unwrap();
    assert_eq!(shown(&old), gateway.first.der());
    let second = gateway.authority.issue_until(2998);
    gateway.replace(&second);
    // Traffic goes on while the change comes through.
    eventually("the new certificate is shown", SOON, async || {
        assert_eq!(client.send(gateway.service.listen, get()).await.unwrap().status(), 200);
        (client.seen(gateway.service.listen).await.unwrap() == second.der()).then_some(())
    })
    .await;
    old.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut heard = [0; 12];
    within("an answer", SOON, old.read_exact(&mut heard)).await.unwrap();
    assert_eq!(&heard, b"HTTP/1.1 200");
    let name = "tls_certificate_expires_at_seconds";
    let expires_at = metrics(&gateway.service).await.sum(name, "server");
    let expected = "2998-01-01T00:00:00Z".parse::<Timestamp>().unwrap().as_second();
    assert_eq!(format!("{expires_at}"), format!("{expected}"));
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_is_reported() {
    let gateway = Gateway::start().await;
    let of_another = gateway.authority.issue();
    for (broken, told) in [
        (Pair { key: of_another.key.clone(), ..gateway.first.clone() }, "is not that of"),
        (Pair { certificate: String::new(), ..gateway.first.clone() }, "holds no certificate"),
        (Pair { key: "nonsense".to_owned(), ..gateway.first.clone() }, "no unencrypted private"),
    ] {
        gateway.replace(&broken);
        gateway.complains(told).await;
        gateway.shows(&gateway.first).await;
    }
    fs::remove_file(&gateway.paths.key).unwrap();
    gateway.complains("MAINSTAY_TLS_KEY: cannot read").await;
    let second = gateway.authority.issue();
    gateway.replace(&second);
    gateway.shows(&second).await;
}

#[tokio::test]
async fn sighup_reloads_at_once() {
    let gateway = Gateway::start().await;
    let begun = Instant::now();
    // Seen by looking every two seconds, the last would be shown after six at least.
    for year in 2030..2034 {
        let next = gateway.authority.issue_until(year);
        gateway.replace(&next);
        program::signal(gateway.service.pid(), Signal::HUP);
        gateway.shows(&next).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
