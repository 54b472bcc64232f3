//! The messages of `flow.proto`.

use prost::Message;
use prost_types::Timestamp;

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct WatchRequest {
    #[prost(string, tag = "1")]
    pub(super) topic: String,
    #[prost(string, tag = "2")]
    pub(super) last_event_id: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Event {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(string, tag = "2")]
    pub(super) text: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct UploadRequest {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(bool, tag = "2")]
    pub(super) is_public: bool,
    #[prost(message, optional, tag = "3")]
    pub(super) file: Option<HttpBody>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct UploadResponse {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(uint32, tag = "2")]
    pub(super) size: u32,
    #[prost(string, tag = "3")]
    pub(super) media_type: String,
    #[prost(uint32, tag = "4")]
    pub(super) pieces: u32,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct FileRequest {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) range: String,
    #[prost(string, tag = "3")]
    pub(super) if_range: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct HttpBody {
    #[prost(string, tag = "1")]
    pub(super) content_type: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) data: Vec<u8>,
}

/// Both the request and the response.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Say {
    #[prost(string, tag = "1")]
    pub(super) text: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct RenewRequest {
    #[prost(string, tag = "1")]
    pub(super) refresh_token: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct RenewResponse {
    #[prost(string, tag = "1")]
    pub(super) user: String,
    #[prost(string, optional, tag = "2")]
    pub(super) access_token: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub(super) expires_at: Option<Timestamp>,
    #[prost(string, optional, tag = "4")]
    pub(super) refresh_token: Option<String>,
}
