//! Logs, traces and metrics, set up once by each process.
//!
//! Logs go to standard error, one JSON object a line. Traces go to an OTLP
//! endpoint when one is set. Metrics are read from the admin port.

mod names;

use std::{
    fmt::{self, Debug},
    io::{self, IsTerminal},
    str::FromStr,
};

use http::HeaderValue;
use opentelemetry::{
    global,
    propagation::{Injector, TextMapPropagator},
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    metrics::SdkMeterProvider,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::{Span, field::Field};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{
    EnvFilter, Layer,
    field::MakeExt,
    fmt::format::{Writer, debug_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};
use uuid::Uuid;

pub use self::names::*;
use crate::{config::Reader, fatal::Fatal, request_id::RequestContext};

/// What is logged unless `RUST_LOG` says otherwise: the exporter's own
/// connections stay out, or telemetry would feed on itself.
const DEFAULT_FILTER: &str = "info,h2=warn,hyper=warn,tonic=warn,tower=warn,opentelemetry=warn,refinery=warn,tokio_postgres=warn";

/// How this process tells what it does.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `MAINSTAY_LOG_FORMAT`: `json` (default) or `pretty`.
    pub format: Format,
    /// `RUST_LOG`, as `tracing_subscriber::EnvFilter` has it.
    pub filter: Filter,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where traces go; nowhere if unset.
    pub otlp_endpoint: Option<String>,
    /// `OTEL_TRACES_SAMPLER_ARG`: the share of traces that are kept, 0 to 1.
    pub sampled: f64,
}

/// A number from 0 to 1.
struct Share(f64);

impl FromStr for Share {
    type Err = &'static str;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let share = s.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        share.map(Self).ok_or("must be a number from 0 to 1")
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Pretty,
}

/// Which log lines are written.
#[derive(Clone, Debug)]
pub struct Filter(String);

/// The running exporters; [`Telemetry::shut_down`] sends what they still hold.
#[derive(Debug)]
pub struct Telemetry {
    tracer: Option<SdkTracerProvider>,
    meter: SdkMeterProvider,
    registry: prometheus::Registry,
}

// === impl Settings ===

impl Settings {
    /// Reads the settings that every process has.
    pub fn read(reader: &mut Reader) -> Self {
        Self {
            format: reader.or("MAINSTAY_LOG_FORMAT", Format::Json),
            filter: reader.or("RUST_LOG", Filter(DEFAULT_FILTER.to_owned())),
            otlp_endpoint: reader.optional("OTEL_EXPORTER_OTLP_ENDPOINT"),
            sampled: reader.or("OTEL_TRACES_SAMPLER_ARG", Share(1.0)).0,
        }
    }
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "json" => Ok(Self::Json),
            "pretty" => Ok(Self::Pretty),
            _ => Err("must be json or pretty"),
        }
    }
}

impl FromStr for Filter {
    type Err = tracing_subscriber::filter::ParseError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        EnvFilter::try_new(s)?;
        Ok(Self(s.to_owned()))
    }
}

impl Filter {
    fn build(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

// === impl Telemetry ===

impl Telemetry {
    /// Starts logging, tracing and measuring. Call it inside the runtime, once.
    pub fn start(service: &'static str, settings: &Settings) -> Result<Self, Fatal> {
        let resource = Resource::builder()
            .with_service_name(service)
            .with_attribute(opentelemetry::KeyValue::new(
                "service.version",
                env!("CARGO_PKG_VERSION"),
            ))
            .build();
        let registry = prometheus::Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .map_err(|error| Fatal::unavailable("the metrics registry", error))?;
        let meter = SdkMeterProvider::builder()
            .with_resource(resource.clone())
            .with_reader(exporter)
            .build();
        global::set_meter_provider(meter.clone());
        let tracer = tracer(resource, settings)?;
        start_logging(service, settings, tracer.as_ref())?;
        Ok(Self { tracer, meter, registry })
    }

    /// All metrics in the Prometheus text format.
    pub fn scrape(&self) -> String {
        let families = self.registry.gather();
        prometheus::TextEncoder::new().encode_to_string(&families).unwrap_or_else(|error| {
            tracing::error!(%error, "metrics cannot be written");
            String::new()
        })
    }

    /// Sends what is still held. Blocks for some seconds at most.
    pub fn shut_down(self) {
        let traces = self.tracer.map_or(Ok(()), |tracer| tracer.shutdown());
        if let Err(error) = traces.and_then(|()| self.meter.shutdown()) {
            tracing::debug!(%error, "telemetry was not flushed");
        }
    }
}

fn tracer(resource: Resource, settings: &Settings) -> Result<Option<SdkTracerProvider>, Fatal> {
    let Some(endpoint) = &settings.otlp_endpoint else { return Ok(None) };
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build();
    let exporter = exporter.map_err(|error| Fatal::unavailable("the OTLP endpoint", error))?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sampled)));
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(sampler)
        .with_batch_exporter(exporter)
        .build();
    Ok(Some(provider))
}

fn start_logging(
    service: &'static str,
    settings: &Settings,
    tracer: Option<&SdkTracerProvider>,
) -> Result<(), Fatal> {
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let lines = match settings.format {
        Format::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
        Format::Pretty => lines
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .compact()
            .fmt_fields(debug_fn(for_people).delimited(" "))
            .boxed(),
    };
    let spans = tracer.map(|provider| {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer(service));
        layer.with_filter(settings.filter.build())
    });
    tracing_subscriber::registry()
        .with(lines.with_filter(settings.filter.build()))
        .with(spans)
        .try_init()
        .map_err(|error| Fatal::unavailable("logging", error))
}

/// Leaves out what a person reads in the sentence already.
fn for_people(line: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    let is_repeated = ["otel.", "rpc.", "http."].iter().any(|p| field.name().starts_with(p));
    match field.name() {
        "message" => write!(line, "{value:?}"),
        "trace_id" | "service" => Ok(()),
        _ if is_repeated => Ok(()),
        name => write!(line, "{name}={value:?}"),
    }
}

/// The span of one request, a child of the caller's where the caller sent one.
pub fn request_span(context: &RequestContext, name: &str) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.name = name,
        otel.kind = "server",
        request_id = context.id(),
        trace_id = context.trace_id(),
        user_id = tracing::field::Empty,
    );
    if let Some(traceparent) = &context.traceparent {
        let carrier =
            [(TRACEPARENT.to_owned(), traceparent.to_str().unwrap_or_default().to_owned())];
        let parent =
            TraceContextPropagator::new().extract(&std::collections::HashMap::from(carrier));
        // Without an exporter spans have no trace to join, which is no fault.
        let _joined = span.set_parent(parent);
    }
    span
}

/// Notes who is served, once that is known.
pub(crate) fn record_user(user_id: Option<Uuid>) {
    if let Some(user_id) = user_id {
        Span::current().record("user_id", tracing::field::display(user_id));
    }
}

/// Names the current span once it is known what it is. The field `otel.name` is
/// read only while a span has not begun.
pub(crate) fn name_span(name: String) {
    Span::current().context().span().update_name(name);
}

/// The current span as a `traceparent`; none unless traces are exported.
pub(crate) fn traceparent() -> Option<HeaderValue> {
    struct Slot(Option<HeaderValue>);
    impl Injector for Slot {
        fn set(&mut self, key: &str, value: String) {
            if key == TRACEPARENT {
                self.0 = HeaderValue::try_from(value).ok();
            }
        }
    }
    let context = Span::current().context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut slot = Slot(None);
    TraceContextPropagator::new().inject_context(&context, &mut slot);
    slot.0
}

const TRACEPARENT: &str = "traceparent";
