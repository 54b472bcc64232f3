//! Argon2id, in memory that is used again and again: asking the system for 19 MiB
//! of zeros each time takes a quarter as long as the hash itself.

use std::sync::{Mutex, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, PasswordHash, Salt},
};
use secrecy::{ExposeSecret, SecretString};

use super::Verdict;

/// Memory that hashes are made in; as many pieces as run at once.
#[derive(Default)]
pub(super) struct Memory(Mutex<Vec<Vec<Block>>>);

/// Hashing failed, which is never the caller's fault.
#[derive(Debug, thiserror::Error)]
#[error("password hashing failed: {0}")]
pub(super) struct HashingFailed(String);

// === impl Memory ===

impl Memory {
    /// Does something in memory that nobody else uses meanwhile.
    fn lend<T>(&self, blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
        let mut piece = self.pieces().pop().unwrap_or_default();
        piece.resize(blocks, Block::new());
        let done = work(&mut piece);
        // What was made for unusual parameters is not kept.
        if blocks == Params::DEFAULT.block_count() {
            self.pieces().push(piece);
        }
        done
    }

    fn pieces(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory(…)")
    }
}

/// Whether a text is a hash at all.
pub(super) fn is_hash(hash: &str) -> bool {
    PasswordHash::new(hash).is_ok()
}

/// Makes a hash with a salt of its own.
pub(super) fn hash(password: &SecretString, memory: &Memory) -> Result<String, HashingFailed> {
    let failed = |error: &dyn ToString| HashingFailed(error.to_string());
    let (params, salt) = (Params::DEFAULT, Salt::generate());
    let output = digest(password, &salt, &params, memory).map_err(|error| failed(&error))?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: (&params).try_into().map_err(|error| failed(&error))?,
        salt: Some(salt),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

/// Judges a password by a hash.
pub(super) fn verify(password: &SecretString, hash: &str, memory: &Memory) -> Verdict {
    let Ok(parsed) = PasswordHash::new(hash) else { return Verdict::Wrong };
    let is_ours = parsed.algorithm == Algorithm::Argon2id.ident();
    let (Some(salt), Some(expected), Ok(params)) =
        (&parsed.salt, &parsed.hash, Params::try_from(&parsed))
    else {
        return Verdict::Wrong;
    };
    // Outputs are compared in constant time.
    let is_right = digest(password, salt, &params, memory).is_ok_and(|output| output == *expected);
    if !is_ours || !is_right {
        return Verdict::Wrong;
    }
    let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
    if costs(&params) == costs(&Params::DEFAULT) { Verdict::Right } else { Verdict::RightButOld }
}

fn digest(
    password: &SecretString,
    salt: &[u8],
    params: &Params,
    memory: &Memory,
) -> Result<Output, argon2::password_hash::Error> {
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let password = password.expose_secret().as_bytes();
    let mut digest = vec![0; length];
    memory.lend(params.block_count(), |blocks| {
        argon2.hash_password_into_with_memory(password, salt, &mut digest, blocks)
    })?;
    Ok(Output::new(&digest)?)
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHasher, PasswordVerifier};

    use super::*;

    #[test]
    fn the_right_password_and_no_other() {
        let memory = Memory::default();
        let hash = hash(&"correct horse".into(), &memory).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(verify(&"correct horse".into(), &hash, &memory), Verdict::Right);
        assert_eq!(verify(&"correct horsf".into(), &hash, &memory), Verdict::Wrong);
        assert_eq!(verify(&SecretString::default(), "", &memory), Verdict::Wrong);
    }

    #[test]
    fn old_parameters_are_noticed() {
        let memory = Memory::default();
        let params = Params::new(8 * 1024, 1, 1, None).unwrap();
        let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = old.hash_password(b"correct horse").unwrap().to_string();
        assert_eq!(verify(&"correct horse".into(), &hash, &memory), Verdict::RightButOld);
    }

    #[test]
    fn used_memory_makes_the_same_hashes_as_new_memory() {
        let memory = Memory::default();
        for password in ["correct horse", "", "another one"] {
            let hash = hash(&password.into(), &memory).unwrap();
            let theirs = Argon2::default().verify_password(password.as_bytes(), hash.as_str());
            theirs.unwrap();
            assert_eq!(verify(&password.into(), &hash, &Memory::default()), Verdict::Right);
        }
    }
}
