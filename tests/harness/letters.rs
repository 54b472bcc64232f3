//! The letters that a product is about to send.

use platform::seal::MasterKey;
use serde_json::Value;
use uuid::Uuid;

use crate::stack::Stack;

/// A letter.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Which, as `email_verification`.
    pub kind: String,
    /// What it says.
    pub says: Value,
}

// === impl Stack ===

impl Stack {
    /// What was written to an address, the oldest first.
    pub async fn letters(&self, address: &str) -> Vec<Letter> {
        let sql = "SELECT letter_id, kind, sealed FROM letters \
                   WHERE recipient = $1 AND sealed IS NOT NULL ORDER BY 1";
        let master: MasterKey = self.secret_key.parse().unwrap();
        let sealer = master.sealer("auth letters");
        let rows = self.databases.auth.rows(sql, &[&address]).await;
        let letters = rows.iter().map(|row| {
            let (id, kind, sealed): (Uuid, String, Vec<u8>) = (row.get(0), row.get(1), row.get(2));
            let says = sealer.open(id.as_bytes(), &sealed).unwrap();
            Letter { kind, says: serde_json::from_slice(&says).unwrap() }
        });
        letters.collect()
    }

    /// The last letter of a kind to an address.
    pub async fn letter(&self, address: &str, kind: &str) -> Letter {
        let letters = self.letters(address).await;
        let last = letters.iter().rfind(|letter| letter.kind == kind);
        last.unwrap_or_else(|| panic!("no {kind} to {address}: {letters:?}")).clone()
    }

    /// Makes letters possible again that were written a moment ago.
    pub async fn after_a_minute(&self) {
        let sql = "UPDATE challenges SET created_at = created_at - interval '61 seconds'";
        self.databases.auth.execute(sql, &[]).await;
    }
}

// === impl Letter ===

impl Letter {
    /// The token in its link.
    pub fn token(&self) -> String {
        self.text("link").split_once("#token=").expect("a token in the fragment").1.to_owned()
    }

    /// Its code.
    pub fn code(&self) -> String {
        self.text("code").to_owned()
    }

    /// Something that it says.
    pub fn text(&self, name: &str) -> &str {
        self.says[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}
