//! What a device is called that does not say so itself: after its browser and its
//! system.

use platform::request_id::RequestContext;

/// Longer names are cut; those of programs may be anything.
const LONGEST: usize = 64;

/// Browsers name their ancestors, too, so the youngest comes first.
const BROWSERS: [(&str, &str); 13] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("grpc", "gRPC"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
];

/// The name of the client whose request is being served; empty if it says nothing.
pub(crate) fn name_of_client() -> String {
    let agent = RequestContext::current().and_then(|context| context.user_agent);
    agent.as_ref().and_then(|agent| agent.to_str().ok()).map(name).unwrap_or_default()
}

/// A short name for what a client calls itself.
fn name(agent: &str) -> String {
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => {
            // A program: its name, without its version.
            let program = agent.split(['/', ' ']).next().unwrap_or_default();
            program.chars().take(LONGEST).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named_after_their_browser_and_system() {
        let like = "Mozilla/5.0";
        for (agent, expected) in [
            ("(X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on Linux"),
            (
                "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
                "Edge on Windows",
            ),
            (
                "(Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/141.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "(iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
                 Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.6 Safari/605.1.15",
                "Safari on macOS",
            ),
        ] {
            assert_eq!(name(&format!("{like} {agent}")), expected);
        }
        for (agent, expected) in [
            ("curl/8.5.0", "curl"),
            ("tonic/0.14.9", "tonic"),
            ("grpc-go/1.70.0", "gRPC"),
            ("", ""),
            ("/", ""),
        ] {
            assert_eq!(name(agent), expected);
        }
        assert_eq!(name(&"x".repeat(500)).len(), LONGEST);
    }
}
