//! Calls of methods that are known only by their descriptor.

use bytes::{Buf as _, BufMut as _, Bytes};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use tonic::{
    Request, Response, Status, client,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

use crate::grpc::Grpc;

/// Messages that are bytes already.
#[derive(Clone, Copy, Debug, Default)]
struct AsBytes;

/// Calls a method directly at its service, with a token unless it is empty.
pub async fn call(
    grpc: &Grpc,
    method: &MethodDescriptor,
    message: &DynamicMessage,
    token: &str,
) -> Result<Response<Bytes>, Status> {
    let service = method.parent_service();
    let mut client = client::Grpc::new(grpc.channel_of(service.package_name()));
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let path = format!("/{}/{}", service.full_name(), method.name());
    let mut request = Request::new(Bytes::from(message.encode_to_vec()));
    if !token.is_empty() {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    if !method.is_server_streaming() {
        return client.unary(request, path.parse().unwrap(), AsBytes).await;
    }
    // Of a stream that does not end, the beginning says enough.
    let mut stream = client.server_streaming(request, path.parse().unwrap(), AsBytes).await?;
    let first = stream.get_mut().message().await?;
    Ok(Response::new(first.unwrap_or_default()))
}

impl Codec for AsBytes {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
