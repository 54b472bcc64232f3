//! What each service is told when it is started, and the order of starting.

use platform::{config::Reader, identity::ApiKey};

use super::{
    Ports,
    child::{self, Child},
    postgres::Postgres,
    terminal::Terminal,
};
use crate::{exit::Failure, service::Service, service_key};

/// What all services are given.
#[derive(Debug)]
pub(super) struct Settings {
    /// From our own environment.
    inherited: Vec<(String, String)>,
    secret: String,
    /// Who the services are to auth, new each time.
    service_keys: [(&'static str, ApiKey); 2],
}

/// What a service is told unless our own environment says otherwise.
const DEFAULTS: [(&str, &str); 7] = [
    // Whoever tries something out wants to see it at once, stranger or not.
    ("MAINSTAY_CACHE_BYTES", "0"),
    // Less than what the stack waits before it kills.
    ("MAINSTAY_DRAIN_SECONDS", "4"),
    // The same for all services, whatever the port of the gateway.
    ("MAINSTAY_ISSUER", "http://localhost"),
    ("MAINSTAY_LOG_FORMAT", "pretty"),
    // `mainstay mail` reads it.
    ("MAINSTAY_MAIL_URL", "mailbox:"),
    ("MAINSTAY_SERVER_TIMING", "true"),
    ("MAINSTAY_TRUSTED_ORIGINS", "http://localhost:*"),
];

/// Secrets are made for the stack, and it listens on plain ports: certificates for
/// one process would keep the others from finding it.
const NOT_INHERITED: [&str; 6] = [
    "MAINSTAY_SECRET_",
    "MAINSTAY_ACME_",
    "MAINSTAY_HTTP_REDIRECT_",
    "MAINSTAY_SERVICE_KEY",
    "MAINSTAY_TLS_",
    "MAINSTAY_UPSTREAM_",
];

// === impl Settings ===

impl Settings {
    /// Reads what is passed on from our own environment: settings of ours too, so
    /// that they can be tried out, but not those that the stack itself decides.
    pub(super) fn read(reader: &mut Reader, secret: String) -> Self {
        let mut inherited: Vec<_> = DEFAULTS.map(pair).into();
        for name in ["PATH", "HOME", "TMPDIR", "NO_COLOR"] {
            inherited.extend(reader.optional::<String>(name).map(|it| (name.to_owned(), it)));
        }
        for prefix in ["RUST_", "OTEL_", "MAINSTAY_"] {
            let pairs = reader.pairs_with_prefix(prefix);
            inherited.extend(
                pairs.filter(|(name, _)| !NOT_INHERITED.iter().any(|part| name.contains(part))),
            );
        }
        let service_keys = ["content", "gateway"].map(|service| (service, ApiKey::random()));
        Self { inherited, secret, service_keys }
    }

    /// Makes auth know the keys of the other services, once it has its tables. Until
    /// then they are nobody in particular.
    pub(super) async fn provision(&self, postgres: &Postgres) -> Result<(), Failure> {
        service_key::provision(&postgres.url("auth", "auth"), &self.service_keys).await
    }

    /// Starts the services. With fixed ports all start at once; one with any free
    /// port has to be ready before those that call it can be told the port.
    pub(super) async fn start(
        &self,
        ports: Ports,
        postgres: &Postgres,
        terminal: Terminal,
    ) -> Result<[Child; 3], child::Error> {
        let database = |name| ("DATABASE_URL", postgres.url(name, name));

        let for_auth = [Some(database("auth")), self.public_url(ports), content_url(ports)];
        let for_auth: Vec<_> = for_auth.into_iter().flatten().collect();
        let mut auth = self.launch(Service::Auth, ports.auth_port, &for_auth).await?;

        let for_content = [database("content"), ("MAINSTAY_AUTH_URL", auth.url())];
        let mut content = self.launch(Service::Content, ports.content_port, &for_content).await?;

        let for_gateway =
            [("MAINSTAY_AUTH_URL", auth.url()), ("MAINSTAY_CONTENT_URL", content.url())];
        let mut gateway = self.launch(Service::Gateway, ports.port, &for_gateway).await?;

        let took = tokio::try_join!(auth.ready(), content.ready(), gateway.ready())?;
        let grpc = |child: &Child| format!("{}   gRPC, with reflection", child.url());
        terminal.step("auth", grpc(&auth), took.0);
        terminal.step("content", grpc(&content), took.1);
        terminal.step("gateway", format!("{}    REST", gateway.url()), took.2);
        Ok([auth, content, gateway])
    }

    /// Where links in letters lead: the gateway, if its port is known by now.
    fn public_url(&self, ports: Ports) -> Option<(&'static str, String)> {
        const NAME: &str = "MAINSTAY_PUBLIC_URL";
        let is_given = self.inherited.iter().any(|(name, _)| name == NAME);
        (!is_given && ports.port != 0).then(|| (NAME, format!("http://localhost:{}", ports.port)))
    }

    async fn launch(
        &self,
        service: Service,
        port: u16,
        own: &[(&str, String)],
    ) -> Result<Child, child::Error> {
        let mut environment = self.inherited.clone();
        environment.extend(own.iter().map(|(name, value)| pair((name, value))));
        environment.push(pair(("MAINSTAY_STOP_ON_STDIN_CLOSE", "true")));
        if service != Service::Gateway {
            environment.push(pair(("MAINSTAY_SECRET_KEY", &self.secret)));
        }
        let own_key = self.service_keys.iter().find(|(name, _)| *name == service.name());
        let own_key = own_key.map(|(_, key)| pair(("MAINSTAY_SERVICE_KEY", key.expose())));
        environment.extend(own_key);
        let mut child = Child::spawn(service, port, environment)?;
        if port == 0 {
            child.ready().await?;
        }
        Ok(child)
    }
}

/// Where auth has users' posts erased. A port that is not known yet cannot be told:
/// then erasures wait.
fn content_url(ports: Ports) -> Option<(&'static str, String)> {
    let port = ports.content_port;
    (port != 0).then(|| ("MAINSTAY_CONTENT_URL", format!("http://localhost:{port}")))
}

fn pair((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_certificates_are_not_passed_on() {
        let own = [
            ("MAINSTAY_LOG_FORMAT", "json"),
            ("MAINSTAY_SECRET_KEY", "x"),
            ("MAINSTAY_SERVICE_KEY", "x"),
            ("MAINSTAY_TLS_CERTIFICATE", "x"),
            ("MAINSTAY_UPSTREAM_CA", "x"),
            ("MAINSTAY_ACME_DOMAINS", "x"),
        ];
        let mut reader = Reader::from_pairs(own.map(pair));
        let inherited = Settings::read(&mut reader, String::new()).inherited;
        let given: Vec<_> = inherited.iter().filter(|(_, value)| value == "x").collect();
        assert!(given.is_empty(), "{given:?}");
        assert!(inherited.contains(&pair(("MAINSTAY_LOG_FORMAT", "json"))));
    }
}
