//! What opens, and what does not.

use super::*;

fn master(byte: u8) -> MasterKey {
    URL_SAFE_NO_PAD.encode([byte; 32]).parse().unwrap()
}

#[test]
fn opens_what_it_sealed_and_nothing_else() {
    let sealer = master(1).sealer("a");
    let sealed = sealer.seal(b"context", b"plain");
    assert_eq!(sealer.open(b"context", &sealed).unwrap(), b"plain");
    assert_ne!(sealer.seal(b"context", b"plain"), sealed, "nonces are fresh");

    sealer.open(b"other", &sealed).unwrap_err();
    master(1).sealer("b").open(b"context", &sealed).unwrap_err();
    master(2).sealer("a").open(b"context", &sealed).unwrap_err();
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        sealer.open(b"context", &flipped).unwrap_err();
    }
    for length in 0..sealed.len() {
        sealer.open(b"context", &sealed[..length]).unwrap_err();
    }
}

#[test]
fn what_is_sealed_steadily_looks_the_same_and_is_no_easier_to_forge() {
    let sealer = master(1).steady_sealer("a");
    let sealed = sealer.seal(b"context", b"plain");
    assert_eq!(sealer.seal(b"context", b"plain"), sealed);
    assert_eq!(sealer.open(b"context", &sealed).unwrap(), b"plain");
    assert_ne!(sealer.seal(b"context", b"plain2")[..5], sealed[..5], "not a stream of bytes");

    sealer.open(b"other", &sealed).unwrap_err();
    master(1).steady_sealer("b").open(b"context", &sealed).unwrap_err();
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        sealer.open(b"context", &flipped).unwrap_err();
    }
    for length in 0..sealed.len() {
        sealer.open(b"context", &sealed[..length]).unwrap_err();
    }
}

/// The current one first.
fn replaced(bytes: &[u8]) -> MasterKey {
    let keys: Vec<_> = bytes.iter().map(|byte| URL_SAFE_NO_PAD.encode([*byte; 32])).collect();
    let pairs = [
        ("MAINSTAY_SECRET_KEY".to_owned(), keys[0].clone()),
        ("MAINSTAY_PREVIOUS_SECRET_KEYS".to_owned(), keys[1..].join(",")),
    ];
    let mut reader = Reader::from_pairs(pairs);
    let key = MasterKey::read(&mut reader);
    reader.finish(key).unwrap()
}

#[test]
fn what_a_replaced_key_has_sealed_opens_and_nothing_is_sealed_with_it() {
    let (old, new) = (master(1), replaced(&[3, 2, 1]));
    let by_old = old.sealer("a").seal(b"c", b"plain");
    assert_eq!(new.sealer("a").open(b"c", &by_old).unwrap(), b"plain");
    new.sealer("b").open(b"c", &by_old).unwrap_err();
    new.sealer("a").open(b"d", &by_old).unwrap_err();
    let by_new = new.sealer("a").seal(b"c", b"plain");
    old.sealer("a").open(b"c", &by_new).unwrap_err();
    assert_eq!(master(3).sealer("a").open(b"c", &by_new).unwrap(), b"plain");

    let steady = old.steady_sealer("a").seal(b"c", b"plain");
    assert_eq!(new.steady_sealer("a").open(b"c", &steady).unwrap(), b"plain");
    assert_ne!(new.steady_sealer("a").seal(b"c", b"plain"), steady);
    master(3).steady_sealer("a").open(b"c", &steady).unwrap_err();
}

#[test]
fn a_replaced_key_that_is_none_is_told_and_not_shown() {
    let pairs = [
        ("MAINSTAY_SECRET_KEY".to_owned(), URL_SAFE_NO_PAD.encode([1; 32])),
        ("MAINSTAY_PREVIOUS_SECRET_KEYS".to_owned(), "hunter2".to_owned()),
    ];
    let mut reader = Reader::from_pairs(pairs);
    let key = MasterKey::read(&mut reader);
    let error = reader.finish(key).unwrap_err().to_string();
    assert!(error.contains("MAINSTAY_PREVIOUS_SECRET_KEYS: each must be 32"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn keys_of_the_wrong_length_are_refused() {
    for text in ["", "short", &URL_SAFE_NO_PAD.encode([0; 31]), "*"] {
        text.parse::<MasterKey>().unwrap_err();
    }
}
