use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::Value;
use tests::{
    eventually,
    program::{self, Ended},
    tls::{Authority, Pair},
};

use super::{Gateway, SOON, environment};

/// A gateway that is expected to end by itself.
async fn start(settings: &[(&str, &str)]) -> Ended {
    let mut command = program::command(&["gateway"]);
    command.envs(environment(settings));
    program::run(command).await
}

#[tokio::test]
async fn wrong_settings_are_told_at_start() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let own = authority.issue().write(folder.path(), "own");
    let other = authority.issue().write(folder.path(), "other");
    let empty = Pair { certificate: String::new(), key: String::new() };
    let empty = empty.write(folder.path(), "empty");
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (own_crt, own_key) = (path(&own.certificate), path(&own.key));
    let certificate = ("MAINSTAY_TLS_CERTIFICATE", own_crt.as_str());
    let key = ("MAINSTAY_TLS_KEY", own_key.as_str());
    let redirect = ("MAINSTAY_HTTP_REDIRECT_LISTEN", "localhost:0");
    let domains = ("MAINSTAY_ACME_DOMAINS", "example.org");
    for (settings, told) in [
        (&[certificate][..], "MAINSTAY_TLS_KEY is not set"),
        (&[key], "MAINSTAY_TLS_CERTIFICATE is not set"),
        (&[certificate, ("MAINSTAY_TLS_KEY", "/none")], "MAINSTAY_TLS_KEY: cannot read /none"),
        (&[certificate, ("MAINSTAY_TLS_KEY", &path(&other.key))], "is not that of the first"),
        (&[certificate, ("MAINSTAY_TLS_KEY", &own_crt)], "no unencrypted private key"),
        (&[("MAINSTAY_TLS_CERTIFICATE", &path(&empty.certificate)), key], "no certificate in PEM"),
        (&[redirect], "MAINSTAY_HTTP_REDIRECT_LISTEN is set, and there is no certificate"),
        (&[("MAINSTAY_TLS_CLIENT_CA", &own_crt)], "and there is no certificate"),
        (&[certificate, key, ("MAINSTAY_TLS_CLIENT_CA", &path(&empty.key))], "TLS_CLIENT_CA: "),
        (&[certificate, key, ("MAINSTAY_COOKIE_SECURE", "false")], "MAINSTAY_COOKIE_SECURE: "),
        (&[certificate, key, domains], "are both set"),
        (&[domains], "MAINSTAY_ACME_FOLDER is not set"),
        (&[domains], "MAINSTAY_HTTP_REDIRECT_LISTEN is not set"),
        (&[("MAINSTAY_ACME_DOMAINS", "*.example.org")], "without wildcards"),
        (&[domains, ("MAINSTAY_ACME_DIRECTORY", "http://x/")], "MAINSTAY_ACME_DIRECTORY: "),
        (&[("MAINSTAY_UPSTREAM_CA", &own_crt)], "MAINSTAY_UPSTREAM_CA is set, and no address"),
        (
            &[("MAINSTAY_AUTH_URL", "https://a:1"), ("MAINSTAY_UPSTREAM_KEY", &own_key)],
            "MAINSTAY_UPSTREAM_CERTIFICATE is not set",
        ),
        (&[("MAINSTAY_AUTH_URL", "ftp://a")], "MAINSTAY_AUTH_URL: must be an address"),
    ] {
        let ended = start(settings).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""), "{told}: {ended:?}");
        assert!(ended.stderr.contains(told), "{told}: {ended:?}");
    }
}

#[tokio::test]
async fn what_is_only_unwise_is_warned_of() {
    let gateway = Gateway::start().await;
    gateway.replace(&gateway.authority.issue_until(2021));
    fs::set_permissions(&gateway.paths.key, fs::Permissions::from_mode(0o644)).unwrap();
    for told in ["the certificate has expired", "everybody on this machine can read"] {
        eventually(told, SOON, async || gateway.service.log().contains(told).then_some(())).await;
    }
}

#[tokio::test]
async fn the_doctor_looks_at_the_certificate() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let good = authority.issue().write(folder.path(), "good");
    let old = authority.issue_until(2021).write(folder.path(), "old");
    let data = folder.path().join("data");
    let arguments = ["doctor", "--json", "--data", data.to_str().unwrap()];
    for (certificate, key, verdict, told) in [
        (&good.certificate, &good.key, "passed", "valid until 2999-01-01"),
        (&old.certificate, &old.key, "warning", "expired"),
        (&good.certificate, &old.key, "failed", "MAINSTAY_TLS_KEY: the key of"),
    ] {
        let mut command = program::command_at_home(&arguments);
        command.env("MAINSTAY_TLS_CERTIFICATE", certificate).env("MAINSTAY_TLS_KEY", key);
        let said = program::run(command).await.stdout;
        let findings: Vec<Value> = serde_json::from_str(&said).unwrap();
        let found = findings.iter().find(|it| it["check"] == "certificate").unwrap();
        assert_eq!(found["verdict"], verdict, "{found}");
        assert!(found["detail"].as_str().unwrap().contains(told), "{found}");
    }
}
