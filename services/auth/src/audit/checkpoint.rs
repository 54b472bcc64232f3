//! Checkpoints: signed statements of how far the chain went. Each covers the one
//! before, and all are lines of JSON for whoever keeps them elsewhere.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use platform::sign::{PublicKey, Signer};
use serde::{Deserialize, Serialize};

use super::chain::{Canon, GENESIS};

/// What the key of checkpoints is derived for.
pub const PURPOSE: &str = "audit checkpoints";

/// A signed statement of how far the chain went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// 1, 2, 3 and so on.
    pub number: i64,
    /// When it was made.
    #[serde(with = "moment")]
    pub made_at: Timestamp,
    /// The last place of the chain then.
    pub position: i64,
    /// The hash at that place.
    #[serde(with = "text")]
    pub hash: Vec<u8>,
    /// The last place that was dropped because it was old; 0: none was.
    pub pruned_position: i64,
    /// The hash at that place.
    #[serde(with = "text")]
    pub pruned_hash: Vec<u8>,
    /// The digest of the checkpoint before.
    #[serde(with = "text")]
    pub previous: Vec<u8>,
    /// The public key that it was signed with.
    #[serde(with = "text")]
    pub key: Vec<u8>,
    /// Ed25519 over all of the above.
    #[serde(with = "text")]
    pub signature: Vec<u8>,
}

// === impl Checkpoint ===

impl Checkpoint {
    /// What the next checkpoint says of this one.
    pub fn digest(&self) -> Vec<u8> {
        Canon::of("mainstay audit checkpoint signed 1")
            .bytes(&self.statement())
            .bytes(&self.signature)
            .finish()
    }

    /// Whether one of some keys signed it.
    pub fn is_signed_by(&self, keys: &[PublicKey]) -> bool {
        let statement = self.statement();
        let mut named = keys.iter().filter(|key| key.bytes() == self.key.as_slice());
        named.any(|key| key.has_signed(&statement, &self.signature))
    }

    /// As a line of JSON.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn statement(&self) -> Vec<u8> {
        Canon::of("mainstay audit checkpoint 1")
            .number(self.number)
            .time(self.made_at)
            .number(self.position)
            .bytes(&self.hash)
            .number(self.pruned_position)
            .bytes(&self.pruned_hash)
            .bytes(&self.previous)
            .bytes(&self.key)
            .finish()
    }
}

/// The checkpoint behind another: of a place with its hash, and of what was dropped,
/// if that is other than before.
pub(crate) fn next(
    last: Option<&Checkpoint>,
    made_at: Timestamp,
    (position, hash): (i64, Vec<u8>),
    pruned: Option<(i64, Vec<u8>)>,
    signer: &Signer,
) -> Checkpoint {
    let before = last.map(|last| (last.pruned_position, last.pruned_hash.clone()));
    let (pruned_position, pruned_hash) = pruned.or(before).unwrap_or((0, GENESIS.to_vec()));
    let mut checkpoint = Checkpoint {
        number: last.map_or(0, |last| last.number) + 1,
        made_at,
        position,
        hash,
        pruned_position,
        pruned_hash,
        previous: last.map_or_else(|| GENESIS.to_vec(), Checkpoint::digest),
        key: signer.public().bytes().to_vec(),
        signature: Vec::new(),
    };
    checkpoint.signature = signer.sign(&checkpoint.statement());
    checkpoint
}

/// Bytes as text.
pub(super) fn text_of(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

mod text {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::text_of(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        URL_SAFE_NO_PAD.decode(String::deserialize(from)?).map_err(Error::custom)
    }
}

mod moment {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(time)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        String::deserialize(from)?.parse().map_err(Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_good_as_it_was_signed_only() {
        let master = URL_SAFE_NO_PAD.encode([1; 32]).parse().unwrap();
        let signer = Signer::new(&master, PURPOSE);
        let keys = [signer.public()];
        let now = Timestamp::from_second(1_795_392_000).unwrap();
        let first = next(None, now, (3, vec![1; 32]), None, &signer);
        assert!(first.is_signed_by(&keys));
        assert!(!first.is_signed_by(&[Signer::new(&master, "other").public()]));
        assert_eq!(serde_json::from_str::<Checkpoint>(&first.line()).unwrap(), first);

        let second = next(Some(&first), now, (5, vec![2; 32]), Some((2, vec![3; 32])), &signer);
        assert_eq!((second.number, second.pruned_position), (2, 2));
        assert_eq!(second.previous, first.digest());
        let third = next(Some(&second), now, (6, vec![2; 32]), None, &signer);
        assert_eq!((third.pruned_position, third.pruned_hash.clone()), (2, vec![3; 32]));
        for forged in [
            Checkpoint { number: 4, ..third.clone() },
            Checkpoint { position: 7, ..third.clone() },
            Checkpoint { hash: vec![4; 32], ..third.clone() },
            Checkpoint { pruned_position: 3, ..third.clone() },
            Checkpoint { pruned_hash: vec![4; 32], ..third.clone() },
            Checkpoint { previous: first.digest(), ..third.clone() },
            Checkpoint { made_at: Timestamp::UNIX_EPOCH, ..third.clone() },
        ] {
            assert!(!forged.is_signed_by(&keys), "{forged:?}");
        }
    }
}
