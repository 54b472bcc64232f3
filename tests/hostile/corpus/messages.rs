//! Calls of gRPC whose messages are none.

use crate::{
    frames::{DATA, END_HEADERS, END_STREAM, HEADERS, block, frame, hello, request},
    random::Random,
};

const METHODS: &[&str] = &[
    "/mainstay.content.v1.PostService/GetPost",
    "/mainstay.content.v1.PostService/ListPosts",
    "/mainstay.content.v1.PostService/CreatePost",
    "/mainstay.auth.v1.SessionService/CreateSession",
    "/mainstay.auth.v1.UserService/BatchGetProfiles",
    "/grpc.health.v1.Health/Check",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/mainstay.content.v1.PostService/Nope",
    "/nope",
    "/",
];

/// One call on a connection of its own.
pub(crate) fn messages(random: &mut Random) -> Vec<u8> {
    let mut headers = request("POST", random.pick(METHODS));
    let media_type = random.pick(&[
        "application/grpc",
        "application/grpc",
        "application/grpc",
        "application/grpc+proto",
        "application/grpc+json",
        "application/grpc-web",
        "application/json",
        "",
    ]);
    headers.push(("content-type", media_type));
    headers.push(("te", random.pick(&["trailers", "trailers", "trailers", ""])));
    let (long, word) = ("9".repeat(30), random.word());
    let odd = [
        ("grpc-timeout", "1n"),
        ("grpc-timeout", "99999999H"),
        ("grpc-timeout", "-1S"),
        ("grpc-timeout", long.as_str()),
        ("grpc-encoding", "gzip"),
        ("grpc-encoding", "nope"),
        ("grpc-accept-encoding", "nope"),
        ("authorization", "Bearer a.b.c"),
        ("authorization", "Basic YTpi"),
        ("authorization", "bearer"),
        ("x-request-id", "\u{1b}[31m"),
        ("traceparent", "00-0-0-0"),
        ("x-bin", "!!!"),
        ("x", word.as_str()),
    ];
    for _ in 0..random.below(3) {
        headers.push(odd[random.below(odd.len())]);
    }
    let head = frame(HEADERS, END_HEADERS, 1, &block(&headers));
    let mut body = framed(random);
    if random.once_in(4) {
        random.spoil(&mut body);
    }
    [hello(), head, frame(DATA, END_STREAM, 1, &body)].concat()
}

/// A message with the five bytes before it, which may lie.
fn framed(random: &mut Random) -> Vec<u8> {
    let mut message = Vec::new();
    for _ in 0..random.below(6) {
        field(random, &mut message);
    }
    let length = match random.below(6) {
        0 => u32::MAX,
        1 => u32::try_from(random.below(1 << 24)).unwrap(),
        2 => u32::try_from(message.len()).unwrap().saturating_sub(1),
        _ => u32::try_from(message.len()).unwrap(),
    };
    let flag = [0, 0, 0, 0, 1, 2, 255][random.below(7)];
    let mut framed = [&[flag][..], &length.to_be_bytes(), &message].concat();
    if random.once_in(10) {
        framed.truncate(random.below(6));
    }
    framed
}

/// One field, of any number and type.
fn field(random: &mut Random, message: &mut Vec<u8>) {
    let tag = u8::try_from(random.below(256)).unwrap();
    message.push(tag);
    match tag & 7 {
        0 => {
            let length = random.below(12);
            message.extend(vec![0xff; length]);
            message.push(1);
        }
        1 => message.extend(random.bytes(8)),
        2 => {
            let length = random.below(40);
            message.push(u8::try_from(length).unwrap());
            let stated = if random.once_in(4) { length / 2 } else { length };
            let text = if random.once_in(2) { random.bytes(stated) } else { vec![b'a'; stated] };
            message.extend(text);
        }
        3 => message.extend(vec![tag; random.below(200)]),
        _ => message.extend(random.bytes(4)),
    }
}
