//! What transcoding takes, counted: times differ from machine to machine.

use gateway::codec::{Absent, Codec, Unknown};
use prost::Message;
use prost_reflect::DescriptorPool;
use proto::content::v1::{ListPostsResponse, Post};

/// For a page of 20 posts: room for the JSON, and for it to grow.
const MOST: u64 = 25;

#[test]
fn a_page_takes_no_allocation_per_post() {
    let codec = Codec::new(&DescriptorPool::decode(proto::DESCRIPTORS).unwrap());
    let id = codec.message("mainstay.content.v1.ListPostsResponse").unwrap();
    let post = Post {
        title: "Hello".to_owned(),
        body: Some("A line with \"quotes\"\n".repeat(60)),
        tags: vec!["rust".to_owned(), "grpc".to_owned()],
        ..Post::default()
    };
    let page = ListPostsResponse { posts: vec![post; 20], ..ListPostsResponse::default() };
    let wire = page.encode_to_vec();
    let mut json = Vec::new();
    let counted = allocation_counter::measure(|| {
        json = codec.to_json(id, &wire, Absent::Written).unwrap().bytes;
    });
    assert!(json.len() > 25_000, "{} bytes", json.len());
    assert!(counted.count_total <= MOST, "{} allocations to JSON", counted.count_total);
    let counted = allocation_counter::measure(|| {
        assert_eq!(codec.to_wire(id, &json, Unknown::Refused).unwrap().bytes, wire);
    });
    assert!(counted.count_total <= MOST, "{} allocations from JSON", counted.count_total);
}
