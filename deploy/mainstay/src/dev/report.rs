//! What is said when everything can be used.

use std::{path::Path, time::Duration};

use serde::Serialize;

use super::{
    demo::Demo,
    state::Running,
    terminal::{self, Terminal},
};
use crate::admin::Link;

/// Everything somebody needs to begin.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Where it runs.
    #[serde(flatten)]
    pub running: Running,
    /// Signs in as administrator, if there is one.
    pub admin_link: Option<Link>,
    /// The account to try things with.
    pub demo: Option<Demo>,
}

// === impl Report ===

impl Report {
    /// Tells people how to begin, or programs in one line.
    pub fn tell(&self, terminal: Terminal, took: Duration) -> serde_json::Result<()> {
        if terminal.is_for_people() {
            terminal::print(&self.text(took));
        } else {
            terminal::print(&serde_json::to_string(self)?);
        }
        Ok(())
    }

    fn text(&self, took: Duration) -> String {
        let Running { gateway, data_dir, .. } = &self.running;
        let took = took.as_secs_f64();
        let as_admin = self.admin_link.as_ref().map(|link| as_admin(link, data_dir));
        let as_admin = as_admin.unwrap_or_default();
        let begin = format!(
            "Ready in {took:.1} s\n\n  \
               API       {gateway}/api/posts\n  \
               Docs      {gateway}/docs\n{as_admin}"
        );
        let examples = self.demo.as_ref().map(|demo| self.as_demo(demo)).unwrap_or_default();
        let end = "Stop: Ctrl-C    Something wrong: mainstay doctor\n";
        format!("{begin}{examples}\n{}\n{end}", self.as_anybody())
    }

    fn as_demo(&self, demo: &Demo) -> String {
        let Running { gateway, auth, .. } = &self.running;
        let Demo { email, password } = demo;
        let auth = auth.trim_start_matches("http://");
        let json = "-H 'content-type: application/json'";
        let who = format!(r#"{{"email":"{email}","password":"{password}"}}"#);
        let sign_in = "mainstay.auth.v1.SessionService/CreateSession";
        format!(
            "  Demo      {email}, password {password}\n\n\
             Sign in and write\n  \
               curl -c jar {json} -d '{who}' {gateway}/api/sessions\n  \
               curl -b jar {json} -d '{{\"title\":\"Hello\"}}' {gateway}/api/users/me/posts\n  \
               grpcurl -plaintext -d '{who}' {auth} {sign_in}\n"
        )
    }

    fn as_anybody(&self) -> String {
        let Running { gateway, content, .. } = &self.running;
        let host = content.trim_start_matches("http://");
        let list = "mainstay.content.v1.PostService/ListPosts";
        let data = r#"-d '{"page_size":3}'"#;
        format!(
            "Read\n  \
               curl '{gateway}/api/posts?pageSize=3'\n  \
               grpcurl -plaintext {data} {host} {list}\n  \
               buf curl --protocol grpc --http2-prior-knowledge {data} {content}/{list}\n"
        )
    }
}

fn as_admin(Link { url, email }: &Link, data_dir: &Path) -> String {
    let data_dir = data_dir.display();
    format!(
        "  Sign in   {url}\n            \
                     as {email}; works once, another: mainstay admin link --data {data_dir}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_without_an_admin_can_be_told_of() {
        let report = |admin_link| Report { running: Running::default(), admin_link, demo: None };
        let none = report(None);
        assert_eq!(serde_json::to_value(&none).unwrap()["adminLink"], serde_json::Value::Null);
        assert!(!none.text(Duration::ZERO).contains("Sign in"));
        let (url, email) = ("http://localhost/#t".to_owned(), "b@example.com".to_owned());
        let some = report(Some(Link { url, email }));
        assert_eq!(serde_json::to_value(&some).unwrap()["adminLink"], "http://localhost/#t");
        assert!(some.text(Duration::ZERO).contains("as b@example.com"));
    }
}
