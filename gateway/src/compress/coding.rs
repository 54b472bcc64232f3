//! The codings that we write, and the one that a client is given.

use std::{
    cell::RefCell,
    io::{Result, Write},
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};

thread_local! {
    /// To make one takes longer than to compress a page with it.
    static ZSTD: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
}

/// What is not smaller than this part of the original is not worth a decoder.
const WORTH_IT: usize = 9;

/// 256 KiB; with less the crate's higher qualities take ten times as long.
const BROTLI_WINDOW: u32 = 18;

/// How the bytes of an answer are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Coding {
    /// RFC 8878.
    Zstd,
    /// RFC 7932.
    Brotli,
    /// RFC 1952.
    Gzip,
}

/// How hard to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// For one answer: about as long as the answer took to make.
    Quick,
    /// For an answer that is kept.
    Thorough,
}

// === impl Coding ===

impl Coding {
    /// The best first: the first two make about the same of an answer, and the
    /// first does it faster.
    pub(crate) const ALL: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// Its name in headers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The coding that a client likes best, and of those the one that we do; none
    /// if it likes the plain bytes better or says nothing.
    pub(crate) fn chosen(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(header::ACCEPT_ENCODING).iter();
        let texts = values.filter_map(|value| value.to_str().ok());
        let ranges: Vec<_> = texts.flat_map(|text| text.split(',')).map(range).collect();
        let named = |name: &str| ranges.iter().find(|(range, _)| range == name).map(|(_, q)| *q);
        let any = named("*");
        let plain = named("identity").unwrap_or(0.001);
        let liked = Self::ALL.into_iter().filter_map(|coding| {
            let quality = match coding {
                Self::Gzip => named("gzip").or(named("x-gzip")),
                Self::Zstd | Self::Brotli => named(coding.name()),
            };
            quality.or(any).filter(|quality| *quality > 0.0).map(|quality| (coding, quality))
        });
        // The first of those that are liked alike.
        let best = liked.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.filter(|(_, quality)| *quality >= plain).map(|(coding, _)| coding)
    }

    /// The tag of an answer in this coding. A weak one names no exact bytes.
    pub(super) fn named(self, tag: &HeaderValue) -> Option<HeaderValue> {
        let opaque = tag.to_str().ok()?.strip_prefix('"')?.strip_suffix('"')?;
        HeaderValue::try_from(format!("\"{opaque}-{}\"", self.name())).ok()
    }

    /// Compresses bytes; none if it would not help.
    pub(super) fn compress(self, bytes: &[u8], effort: Effort) -> Option<Bytes> {
        let compressed = match self.encode(bytes, effort) {
            Ok(compressed) => compressed,
            Err(error) => {
                // There is no input that cannot be compressed: memory is short.
                tracing::warn!(%error, coding = self.name(), "an answer was not compressed");
                return None;
            }
        };
        (compressed.len() < bytes.len() / 10 * WORTH_IT).then(|| compressed.into())
    }

    fn encode(self, bytes: &[u8], effort: Effort) -> Result<Vec<u8>> {
        let room = Vec::with_capacity(bytes.len() / 3);
        match self {
            Self::Zstd if effort == Effort::Quick => ZSTD.with_borrow_mut(|kept| match kept {
                Some(compressor) => compressor.compress(bytes),
                None => kept.insert(zstd::bulk::Compressor::new(1)?).compress(bytes),
            }),
            Self::Zstd => zstd::bulk::compress(bytes, 9),
            Self::Brotli => {
                let quality = if effort == Effort::Quick { 1 } else { 6 };
                let mut writer =
                    brotli::CompressorWriter::new(room, 32 * 1024, quality, BROTLI_WINDOW);
                writer.write_all(bytes)?;
                Ok(writer.into_inner())
            }
            Self::Gzip => {
                let level = if effort == Effort::Quick { 1 } else { 6 };
                let mut writer = GzEncoder::new(room, Compression::new(level));
                writer.write_all(bytes)?;
                writer.finish()
            }
        }
    }
}

/// A coding and how much it is liked: nothing said is 1, nonsense is 0.
fn range(text: &str) -> (String, f32) {
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    let name = parts.next().unwrap_or_default();
    let quality = match parts.find_map(|part| part.strip_prefix("q=").map(str::parse)) {
        None => 1.0,
        Some(quality) => quality.ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0),
    };
    (name, quality)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    fn chosen(accept: &str) -> Option<&'static str> {
        let headers = [(header::ACCEPT_ENCODING, accept.parse().unwrap())].into_iter().collect();
        Coding::chosen(&headers).map(Coding::name)
    }

    #[test]
    fn clients_get_the_coding_that_they_like_best() {
        for (accept, expected) in [
            ("gzip, deflate, br, zstd", Some("zstd")),
            ("gzip, deflate, br", Some("br")),
            ("gzip", Some("gzip")),
            ("x-gzip", Some("gzip")),
            ("GZIP;Q=0.5", Some("gzip")),
            ("br;q=0.5, gzip;q=0.8", Some("gzip")),
            ("zstd;q=0, *", Some("br")),
            ("*", Some("zstd")),
            ("*;q=0", None),
            ("*;q=0, gzip", Some("gzip")),
            ("identity", None),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.5, gzip", Some("gzip")),
            ("deflate", None),
            ("gzip;q=0", None),
            ("gzip;q=nonsense", None),
            ("gzip;q=7", None),
            ("", None),
        ] {
            assert_eq!(chosen(accept), expected, "{accept}");
        }
        assert_eq!(Coding::chosen(&HeaderMap::new()), None);
    }

    #[test]
    fn only_strong_tags_name_a_coding() {
        let named = |tag: &'static str| Coding::Brotli.named(&HeaderValue::from_static(tag));
        assert_eq!(named("\"a\"").unwrap(), "\"a-br\"");
        assert_eq!(named("W/\"a\""), None);
    }

    fn decoded(coding: Coding, bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        match coding {
            Coding::Zstd => zstd::Decoder::new(bytes).unwrap().read_to_end(&mut plain),
            Coding::Brotli => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut plain),
            Coding::Gzip => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain),
        }
        .unwrap();
        plain
    }

    #[test]
    fn what_does_not_get_smaller_stays_as_it_is() {
        let hash = |n: u8| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[n]);
        let noise: Vec<u8> = (0..128).flat_map(|n| hash(n).as_ref().to_vec()).collect();
        for coding in Coding::ALL {
            assert_eq!(coding.compress(&noise, Effort::Thorough), None, "{coding:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_was_compressed_comes_out_again(text in "[a-f ]{0,5000}") {
            for (coding, effort) in Coding::ALL.into_iter().flat_map(|coding| {
                [(coding, Effort::Quick), (coding, Effort::Thorough)]
            }) {
                let compressed = coding.encode(text.as_bytes(), effort).unwrap();
                prop_assert_eq!(decoded(coding, &compressed), text.as_bytes());
            }
        }
    }
}
