//! What it costs to turn messages into JSON and back: directly, as the gateway
//! does; with trees of messages; with generated types; and, for scale, JSON alone
//! from and to plain structs, without Protocol Buffers.
//!
//! `cargo bench -p tests --bench transcoding`. Every round runs every row, so that
//! what else the machine does falls on all of them; medians are told.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark ends at once when something is wrong, and prints"
)]

mod contract;
mod page;
mod rows;

fn main() {
    let page = page::page(20, 1_200);
    rows::compare("a page of 20 posts", "mainstay.content.v1.ListPostsResponse", &page);
    let draft = page::draft(1_200);
    rows::compare("a request to create a post", "mainstay.content.v1.CreatePostRequest", &draft);
}
