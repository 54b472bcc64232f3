//! Where the data is: in its folder or, where the owner of `PostgreSQL` cannot
//! enter that, in a folder outside that it links to.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::{ffi::OsStringExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use super::{cluster::short_name, error::Error, owner::Owner};

/// Tells, in a folder outside, where the link is that leads to it.
const LINK: &str = "linked-from";

/// The folder that the owner of `PostgreSQL` can enter.
pub(super) fn home(
    folder: &Path,
    owner: Owner,
    say: &mut dyn FnMut(String),
) -> Result<PathBuf, Error> {
    let unusable = |path: &Path, cause| Error::Folder { path: path.to_owned(), cause };
    if let Ok(elsewhere) = fs::read_link(folder) {
        say(format!("the data is in {}", elsewhere.display()));
        owner.make_private_folder(&elsewhere).map_err(|cause| unusable(&elsewhere, cause))?;
        if let Some(original) = claimed_by_another(&elsewhere, folder) {
            let (link, data) = (folder.to_owned(), elsewhere);
            return Err(Error::Copied { link, data, owner: original });
        }
        claim(&elsewhere, folder).map_err(|cause| unusable(&elsewhere, cause))?;
        return Ok(elsewhere);
    }
    let parent = folder.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(|cause| unusable(parent, cause))?;
    if owner.can_enter(parent) {
        owner.make_private_folder(folder).map_err(|cause| unusable(folder, cause))?;
        return Ok(folder.to_owned());
    }
    let elsewhere = elsewhere(folder, owner).map_err(|cause| unusable(folder, cause))?;
    claim(&elsewhere, folder).map_err(|cause| unusable(&elsewhere, cause))?;
    std::os::unix::fs::symlink(&elsewhere, folder).map_err(|cause| unusable(folder, cause))?;
    let from = parent.display();
    say(format!("PostgreSQL does not run as root and cannot enter {from}:"));
    say(format!("the data is in {}", elsewhere.display()));
    Ok(elsewhere)
}

/// A folder outside, named after the one that cannot be entered. The moment is
/// part of the name: whoever deletes the link wants to begin anew.
fn elsewhere(folder: &Path, owner: Owner) -> io::Result<PathBuf> {
    let places = [Path::new("/var/lib"), Path::new("/var/tmp"), Path::new("/tmp")];
    let usable = |place: &&Path| {
        let shared = place.join("mainstay");
        owner.can_enter(place) && fs::create_dir_all(&shared).is_ok() && owner.can_enter(&shared)
    };
    let place = places.into_iter().find(usable);
    let place = place.ok_or_else(|| io::Error::other("no folder is open to `PostgreSQL`"))?;
    let prefix = format!("{}-", short_name(folder));
    let made = tempfile::Builder::new().prefix(&prefix).tempdir_in(place.join("mainstay"))?;
    owner.make_private_folder(made.path())?;
    Ok(made.keep())
}

/// Writes down that a folder outside is the data of a link.
fn claim(elsewhere: &Path, link: &Path) -> io::Result<()> {
    let parent = link.parent().unwrap_or(Path::new("/")).canonicalize()?;
    let link = parent.join(link.file_name().unwrap_or_default());
    let text = link.as_os_str().as_encoded_bytes();
    let file = elsewhere.join(LINK);
    if fs::read(&file).is_ok_and(|found| found == text) { Ok(()) } else { fs::write(file, text) }
}

/// The link that a folder outside is the data of, if it is another than this
/// one and still there: not if the link has been moved here.
fn claimed_by_another(elsewhere: &Path, link: &Path) -> Option<PathBuf> {
    let original = fs::read(elsewhere.join(LINK)).ok()?;
    let original = PathBuf::from(OsString::from_vec(original));
    if fs::read_link(&original).ok()? != elsewhere {
        return None;
    }
    let (a, b) = (fs::symlink_metadata(&original).ok()?, fs::symlink_metadata(link).ok()?);
    ((a.dev(), a.ino()) != (b.dev(), b.ino())).then_some(original)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_may_move_but_not_be_copied() {
        let root = tempfile::tempdir().unwrap();
        let [data, link, copy] = ["data", "link", "copy"].map(|name| root.path().join(name));
        fs::create_dir(&data).unwrap();
        symlink(&data, &link).unwrap();
        symlink(&data, &copy).unwrap();
        assert_eq!(claimed_by_another(&data, &link), None, "nobody has claimed it");
        claim(&data, &link).unwrap();
        assert_eq!(claimed_by_another(&data, &link), None);
        let claimed = claimed_by_another(&data, &copy).unwrap();
        assert_eq!(claimed, link.parent().unwrap().canonicalize().unwrap().join("link"));
        fs::remove_file(&link).unwrap();
        assert_eq!(claimed_by_another(&data, &copy), None, "the original is gone");
    }
}
