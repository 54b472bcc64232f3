//! From what is read to what is sent: the headers of a letter.

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};
use uuid::Uuid;

use super::render::Written;

/// A letter on its way to somebody.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) id: Uuid,
    pub(super) recipient: String,
    pub(super) created_at: Timestamp,
    pub(super) written: Written,
}

/// No program is to answer it (RFC 3834).
#[derive(Clone, Debug)]
struct AutoSubmitted;

/// The letter cannot be sent to anybody by this name.
#[derive(Debug, thiserror::Error)]
#[error("no such address")]
pub(super) struct NoSuchAddress;

// === impl Outgoing ===

impl Outgoing {
    /// The message. It has the same Message-ID each time, so that whoever gets it
    /// twice can tell.
    pub(super) fn message(&self, from: &Mailbox) -> Result<Message, NoSuchAddress> {
        let recipient: Address = self.recipient.parse().map_err(|_invalid| NoSuchAddress)?;
        let Written { subject, text, html } = self.written.clone();
        let message = Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, recipient))
            .subject(subject)
            .message_id(Some(format!("<{}@{}>", self.id, from.email.domain())))
            .date(SystemTime::from(self.created_at))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(text, html));
        message.map_err(|_incomplete| NoSuchAddress)
    }
}

// === impl AutoSubmitted ===

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Letter, render};

    fn message(recipient: &str, product: &str) -> Result<String, NoSuchAddress> {
        let outgoing = Outgoing {
            id: Uuid::from_u128(7),
            recipient: recipient.to_owned(),
            created_at: Timestamp::from_second(1_700_000_000).unwrap(),
            written: render::write(&Letter::PasswordChanged {}, product),
        };
        let from = "Mainstay <no-reply@mainstay.test>".parse().unwrap();
        Ok(String::from_utf8(outgoing.message(&from)?.formatted()).unwrap())
    }

    #[test]
    fn a_letter_is_the_same_each_time_and_asks_for_no_answer() {
        let message = message("ann@example.com", "Mainstay").unwrap();
        for line in [
            "From: Mainstay <no-reply@mainstay.test>\r\n",
            "To: ann@example.com\r\n",
            "Subject: Your password was changed\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@mainstay.test>\r\n",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: multipart/alternative;",
        ] {
            assert!(message.contains(line), "no {line:?}: {message}");
        }
    }

    #[test]
    fn nobody_adds_a_header_to_a_letter() {
        let heads = |message: &str| message.split_once("\r\n\r\n").unwrap().0.to_owned();
        for recipient in [
            "ann@example.com\r\nBcc: bob@example.com",
            "ann@example.com\nBcc: bob@example.com",
            "ann@example.com, bob@example.com",
            "ann@example.com>\r\nRCPT TO:<bob@example.com",
            "Ann <ann@example.com>",
            "",
        ] {
            assert!(message(recipient, "Mainstay").is_err(), "{recipient:?}");
        }
        let head = heads(&message("ann@example.com", "M\r\nBcc: bob@example.com").unwrap());
        assert!(!head.contains("Bcc"), "{head}");
    }
}
