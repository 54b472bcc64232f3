use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use tests::{
    Rest, Service, eventually,
    pebble::Reserved,
    tls::{Authority, TlsClient},
};

use super::{environment, get};

/// Some tries, with pauses between them.
const PATIENCE: Duration = Duration::from_mins(1);
const MONTHS: u32 = 90 * 24 * 60 * 60;

/// A gateway that gets its certificate from an authority.
struct Site {
    gateway: Service,
    folder: tempfile::TempDir,
}

// === impl Site ===

impl Site {
    /// Starts a gateway; the authority is not there yet.
    async fn start(place: &Reserved, own: &Authority) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gateway = start(folder.path(), place, own, &folder.path().join("acme")).await;
        Self { gateway, folder }
    }

    fn proofs(&self) -> u16 {
        self.gateway.redirect.unwrap().port()
    }

    /// Waits for a request to be answered over TLS.
    async fn serves(&self, client: &TlsClient) {
        eventually("a certificate is there", PATIENCE, async || {
            let answer = client.send(self.gateway.listen, get()).await.ok()?;
            (answer.status() == 200).then_some(())
        })
        .await;
    }

    /// What is kept, below the folder of the authority.
    fn kept(&self, name: &str) -> PathBuf {
        let mut folders = fs::read_dir(self.folder.path().join("acme")).unwrap();
        folders.next().unwrap().unwrap().path().join(name)
    }
}

async fn start(logs: &Path, place: &Reserved, own: &Authority, kept: &Path) -> Service {
    let root = logs.join("root.pem");
    fs::write(&root, own.pem()).unwrap();
    let settings = environment(&[
        ("MAINSTAY_HTTP_REDIRECT_LISTEN", "localhost:0"),
        ("MAINSTAY_ACME_DOMAINS", "localhost"),
        ("MAINSTAY_ACME_DIRECTORY", &place.directory()),
        ("MAINSTAY_ACME_CONTACT", "ann@example.com"),
        ("MAINSTAY_ACME_FOLDER", kept.to_str().unwrap()),
        ("MAINSTAY_ACME_ROOT", root.to_str().unwrap()),
    ]);
    Service::start("gateway", settings, logs).await
}

#[tokio::test]
async fn a_certificate_is_issued_kept_and_served() {
    let (place, own) = (Reserved::new(), Authority::new());
    let mut site = Site::start(&place, &own).await;
    // Without a certificate nobody is shown a wrong one.
    let refused = own.client().seen(site.gateway.listen).await.unwrap_err();
    assert!(refused.to_string().contains("alert"), "{refused}");
    let pebble = place.start(own, site.proofs(), MONTHS, site.folder.path()).await;
    let client = pebble.client().await;
    site.serves(&client).await;
    for name in ["account.json", "certificate.pem", "lock"] {
        let mode = fs::metadata(site.kept(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::read_dir(site.kept("challenges")).unwrap().count(), 0, "proofs are removed");
    let shown = client.seen(site.gateway.listen).await.unwrap();
    // After a start the certificate that is kept is served, without any authority.
    drop(pebble);
    site.gateway.kill();
    site.gateway.start_again().await;
    assert_eq!(client.seen(site.gateway.listen).await.unwrap(), shown);
}

#[tokio::test]
async fn a_certificate_is_renewed_before_it_expires() {
    let (place, own) = (Reserved::new(), Authority::new());
    let site = Site::start(&place, &own).await;
    let pebble = place.start(own, site.proofs(), 15, site.folder.path()).await;
    let client = pebble.client().await;
    site.serves(&client).await;
    let first = client.seen(site.gateway.listen).await.unwrap();
    eventually("another certificate is shown", PATIENCE, async || {
        // Whatever is shown is valid: the client looks.
        let shown = client.seen(site.gateway.listen).await.unwrap();
        (shown != first).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_authority_that_forgot_us_gets_a_new_account() {
    let (place, own) = (Reserved::new(), Authority::new());
    let mut site = Site::start(&place, &own).await;
    let again = Authority::new();
    let pebble = place.start(own, site.proofs(), MONTHS, site.folder.path()).await;
    site.serves(&pebble.client().await).await;
    let place = pebble.stop();
    site.gateway.kill();
    fs::remove_file(site.kept("certificate.pem")).unwrap();
    fs::write(site.folder.path().join("root.pem"), again.pem()).unwrap();
    let pebble = place.start(again, site.proofs(), MONTHS, site.folder.path()).await;
    site.gateway.start_again().await;
    site.serves(&pebble.client().await).await;
}

#[tokio::test]
async fn a_refusal_is_explained() {
    let (place, own) = (Reserved::new(), Authority::new());
    let site = Site::start(&place, &own).await;
    // Nobody listens where the authority looks for the proof.
    let _pebble = place.start(own, 1, MONTHS, site.folder.path()).await;
    let line = eventually("the reason is logged", PATIENCE, async || {
        let is_told =
            |line: &Value| line["error"].as_str().is_some_and(|it| it.contains("refused: "));
        site.gateway.log_lines().into_iter().find(is_told)
    })
    .await;
    assert!(line["error"].as_str().unwrap().contains("connection refused"), "{line}");
    assert!(line["next_try_seconds"].as_u64().unwrap() >= 120, "{line}");
    Rest::new(site.gateway.redirect.unwrap()).get("/").await.expect(308);
}

#[tokio::test]
async fn gateways_that_share_a_folder_share_the_certificate() {
    let (place, own) = (Reserved::new(), Authority::new());
    let site = Site::start(&place, &own).await;
    let logs = tempfile::tempdir().unwrap();
    let kept = site.folder.path().join("acme");
    let second = start(logs.path(), &place, &own, &kept).await;
    let pebble = place.start(own, site.proofs(), MONTHS, site.folder.path()).await;
    let client = pebble.client().await;
    site.serves(&client).await;
    eventually("the second one shows it, too", PATIENCE, async || {
        let (one, two) = (client.seen(site.gateway.listen).await, client.seen(second.listen).await);
        (one.unwrap() == two.ok()?).then_some(())
    })
    .await;
    // Either may be asked for the proof of the other.
    fs::write(site.kept("challenges/a-token"), "a-token.proof").unwrap();
    for gateway in [&site.gateway, &second] {
        let rest = Rest::new(gateway.redirect.unwrap());
        let answer = rest.get("/.well-known/acme-challenge/a-token").await.expect(200);
        assert_eq!(answer.text, "a-token.proof");
        rest.get("/.well-known/acme-challenge/..%2flock").await.expect(308);
        rest.get("/.well-known/acme-challenge/unknown").await.expect(308);
    }
}
