//! What an attack must not have done.

use std::{fs, time::Duration};

use tests::{Service, Stack, eventually, metrics, program};

const SOON: Duration = Duration::from_secs(20);
/// What an attack may leave behind in the memory of a process.
const LEFT_KIB: u64 = 64 * 1024;
/// More than any process has; one for each input would be thousands.
const SERIES: usize = 2_500;

/// The processes before an attack.
#[derive(Debug)]
pub(crate) struct Before {
    resident_kib: Vec<u64>,
}

// === impl Before ===

impl Before {
    pub(crate) fn look(stack: &Stack) -> Self {
        Self { resident_kib: stack.services().map(resident_kib).into() }
    }

    /// Asserts that nothing broke, nothing was blamed on us and nothing is kept.
    pub(crate) async fn assert_unharmed(&self, stack: &Stack) {
        for (service, before) in stack.services().into_iter().zip(&self.resident_kib) {
            assert!(program::is_running(service.pid()), "{service:?} is gone");
            assert_log_is_clean(&service.log());
            assert_nothing_failed(service).await;
            eventually("memory is given back", SOON, async || {
                (resident_kib(service) <= before + LEFT_KIB).then_some(())
            })
            .await;
            let after = resident_kib(service);
            println!("{}: {before} KiB before, {after} KiB after", service.url());
        }
    }
}

fn assert_log_is_clean(log: &str) {
    for line in log.lines() {
        let is_plain = !line.chars().any(char::is_control);
        assert!(is_plain, "a control character in the log: {line:?}");
        assert!(!line.contains("panicked"), "{line}");
        assert!(!line.contains("\"level\":\"ERROR\""), "{line}");
    }
}

async fn assert_nothing_failed(service: &Service) {
    let metrics = metrics(service).await;
    let failed = metrics.sum("http_server_request_duration_seconds_count", "status_code=\"5");
    assert!(failed < 1.0, "{failed} requests failed with 5xx");
    for code in ["INTERNAL", "UNKNOWN", "DATA_LOSS"] {
        let label = format!("status_code=\"{code}\"");
        let failed = metrics.sum("rpc_server_call_duration_seconds_count", &label);
        assert!(failed < 1.0, "{failed} calls failed with {code}");
    }
    let series = metrics.0.lines().filter(|line| !line.starts_with('#')).count();
    assert!(series < SERIES, "{series} series: labels grow with what is sent");
}

fn resident_kib(service: &Service) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", service.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
