//! What a service says about itself on its admin port.

use crate::{rest::Rest, service::Service};

/// A reading of all metrics of a service, in Prometheus' text form.
#[derive(Debug)]
pub struct Metrics(pub String);

/// Reads the metrics of a service.
pub async fn metrics(service: &Service) -> Metrics {
    Metrics(Rest::new(service.admin).get("/metrics").await.expect(200).text)
}

// === impl Metrics ===

impl Metrics {
    /// The sum of a metric over all series whose labels contain a text.
    pub fn sum(&self, name: &str, labels: &str) -> f64 {
        let lines = self.0.lines().filter_map(|line| line.strip_prefix(name));
        let series = lines.filter(|rest| rest.starts_with(['{', ' ']) && rest.contains(labels));
        let values = series.filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum()
    }

    /// How often a gRPC method was served.
    pub fn served(&self, method: &str) -> f64 {
        self.sum("rpc_server_call_duration_seconds_count", method)
    }
}
