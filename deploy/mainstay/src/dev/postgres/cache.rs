//! The folders that fetched programs are kept in. Some are where all users can
//! write, so what is run from there must have been put there by us.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::{fetch, owner::Owner};

/// The folders of programs in a cache that only we (and the owner of
/// `PostgreSQL`) can have put there.
pub(super) fn programs(cache: &Path, owner: Owner) -> impl Iterator<Item = PathBuf> {
    let found = fetch::cached(cache).into_iter();
    found.filter(move |programs| chain(cache, programs).all(|it| fault(&it, owner).is_none()))
}

/// Why a cache or something in it is not used.
pub(super) fn faults(cache: &Path, owner: Owner) -> Vec<String> {
    if let Some(fault) = fault(cache, owner) {
        return vec![fault];
    }
    let found = fetch::cached(cache).into_iter();
    found.filter_map(|programs| chain(cache, &programs).find_map(|it| fault(&it, owner))).collect()
}

/// Makes sure that a cache is there which only we can write to and the owner of
/// `PostgreSQL` can enter.
pub(super) fn is_usable(cache: &Path, owner: Owner) -> bool {
    create(cache).is_ok() && fault(cache, owner).is_none() && owner.can_enter(cache)
}

fn create(cache: &Path) -> io::Result<()> {
    cache.parent().map_or(Ok(()), fs::create_dir_all)?;
    match DirBuilder::new().mode(0o755).create(cache) {
        // Whatever the mask of new files is.
        Ok(()) => fs::set_permissions(cache, Permissions::from_mode(0o755)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// The cache, every folder from there to the programs, and the programs.
fn chain(cache: &Path, programs: &Path) -> impl Iterator<Item = PathBuf> {
    let below = programs.ancestors().take_while(|folder| *folder != cache);
    let mut folders: Vec<_> = below.chain([cache]).map(Path::to_owned).collect();
    folders.reverse();
    folders.into_iter().chain(["postgres", "initdb"].map(|name| programs.join(name)))
}

/// Why others could have changed a file or folder. One that is not there is no
/// danger.
fn fault(path: &Path, owner: Owner) -> Option<String> {
    let (link, file) = (fs::symlink_metadata(path).ok()?, fs::metadata(path).ok()?);
    let shown = path.display();
    let stranger = [&link, &file].into_iter().find(|it| it.uid() != 0 && !owner.trusts(it));
    if let Some(stranger) = stranger {
        return Some(format!("{shown} belongs to somebody else (uid {})", stranger.uid()));
    }
    (file.mode() & 0o022 != 0).then(|| format!("{shown} can be written to by others"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache with programs in it, for us alone to write to.
    fn cache() -> (tempfile::TempDir, PathBuf) {
        let cache = tempfile::tempdir().unwrap();
        let programs = cache.path().join("postgresql-1/package/native/bin");
        fs::create_dir_all(&programs).unwrap();
        fs::write(programs.join("postgres"), "").unwrap();
        for path in chain(cache.path(), &programs).filter(|path| path.exists()) {
            set_mode(&path, 0o755);
        }
        (cache, programs)
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn programs_that_others_can_replace_are_not_used() {
        let (cache, bin) = cache();
        assert_eq!(programs(cache.path(), Owner::Us).next().as_ref(), Some(&bin));
        assert!(faults(cache.path(), Owner::Us).is_empty());
        for path in chain(cache.path(), &bin).filter(|path| path.exists()) {
            for mode in [0o775, 0o757, 0o1777] {
                set_mode(&path, mode);
                assert_eq!(programs(cache.path(), Owner::Us).count(), 0, "{}", path.display());
                let faults = faults(cache.path(), Owner::Us);
                assert!(faults.iter().any(|it| it.contains("by others")), "{faults:?}");
            }
            set_mode(&path, 0o755);
        }
    }

    #[test]
    fn programs_of_somebody_else_are_not_used() {
        let (cache, bin) = cache();
        // Only root can give files away.
        if std::os::unix::fs::chown(&bin, Some(4242), None).is_ok() {
            assert_eq!(programs(cache.path(), Owner::Us).count(), 0);
            assert!(faults(cache.path(), Owner::Us).concat().contains("4242"));
            std::os::unix::fs::lchown(cache.path(), Some(4242), None).unwrap();
            assert!(!is_usable(cache.path(), Owner::Us));
        }
    }

    #[test]
    fn a_new_cache_can_be_read_by_all_and_written_to_by_us() {
        let parent = tempfile::tempdir().unwrap();
        let cache = parent.path().join("above/mainstay");
        assert!(is_usable(&cache, Owner::Us));
        assert_eq!(fs::metadata(&cache).unwrap().mode() & 0o7777, 0o755);
        set_mode(&cache, 0o777);
        assert!(!is_usable(&cache, Owner::Us));
    }
}
