//! Takes the few files of Swagger UI that the documentation page needs out of
//! the archive that a crate carries, still compressed.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED as ARCHIVE;

const FILES: [(&str, &str); 3] = [
    ("dist/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("dist/swagger-ui.css", "text/css; charset=utf-8"),
    ("LICENSE", "text/plain; charset=utf-8"),
];
const DEFLATED: u16 = 8;
/// How a record of the central directory begins.
const RECORD: u32 = 0x0201_4b50;
/// A gzip header without a name or a time (RFC 1952).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];

/// A file in the archive.
struct Entry<'a> {
    deflated: &'a [u8],
    crc: u32,
    size: u32,
}

#[expect(clippy::disallowed_methods, reason = "Cargo speaks to build scripts this way alone")]
fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var("OUT_DIR")?;
    let mut list = String::new();
    for (path, media_type) in FILES {
        let entry = find(path).ok_or_else(|| format!("{path} is not in the archive"))?;
        let name = path.rsplit('/').next().unwrap_or(path);
        let (stem, extension) = name.split_once('.').unwrap_or((name, "txt"));
        let name = format!("{stem}.{:08x}.{extension}", entry.crc);
        fs::write(Path::new(&out).join(&name), gzip(&entry))?;
        let bytes = format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))");
        writeln!(
            list,
            "Vendored {{ name: {name:?}, media_type: {media_type:?}, gzip: {bytes} }},"
        )?;
    }
    fs::write(Path::new(&out).join("vendored.rs"), format!("[{list}]"))?;
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

/// The stream of an entry as a file of its own: both formats are the same inside.
fn gzip(entry: &Entry<'_>) -> Vec<u8> {
    let end = [entry.crc.to_le_bytes(), entry.size.to_le_bytes()].concat();
    [&HEADER, entry.deflated, &end].concat()
}

/// Finds a file by its path below the archive's one folder. It walks the central
/// directory at the end of the archive (PKWARE APPNOTE 4.3).
fn find(path: &str) -> Option<Entry<'static>> {
    const END: &[u8] = b"PK\x05\x06";
    let end = ARCHIVE.windows(END.len()).rposition(|window| window == END)?;
    let mut at = usize::try_from(u32_at(end + 16)?).ok()?;
    loop {
        if u32_at(at)? != RECORD {
            return None;
        }
        let [name, extra, comment] = [28, 30, 32].map(|place| u16_at(at + place));
        let (name, skipped) = (usize::from(name?), usize::from(extra?) + usize::from(comment?));
        let full = ARCHIVE.get(at + 46..at + 46 + name)?;
        if full.iter().position(|byte| *byte == b'/').and_then(|root| full.get(root + 1..))
            == Some(path.as_bytes())
        {
            return (u16_at(at + 10)? == DEFLATED).then(|| entry(at))?;
        }
        at += 46 + name + skipped;
    }
}

/// The entry with a record of the central directory.
fn entry(record: usize) -> Option<Entry<'static>> {
    let [crc, deflated, size, local] = [16, 20, 24, 42].map(|place| u32_at(record + place));
    let (local, length) = (usize::try_from(local?).ok()?, usize::try_from(deflated?).ok()?);
    let names = usize::from(u16_at(local + 26)?) + usize::from(u16_at(local + 28)?);
    let begin = local + 30 + names;
    Some(Entry { deflated: ARCHIVE.get(begin..begin + length)?, crc: crc?, size: size? })
}

fn u16_at(at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(ARCHIVE.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(ARCHIVE.get(at..at + 4)?.try_into().ok()?))
}
