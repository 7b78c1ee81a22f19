//! What holds for folders beyond the contract of all stores: durability of names, permissions, links, left-over files.

use super::*;
use crate::error::Kind;
use crate::store::suite::{self, object};
use std::fs::{self, File};
use std::time::SystemTime;
use tempfile::TempDir;

fn store() -> (TempDir, Folder) {
    let folder = tempfile::tempdir().unwrap();
    let store = Folder::create(folder.path().join("store")).unwrap();
    (folder, store)
}

#[test]
fn folders_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    suite::run(&|| {
        count.set(count.get() + 1);
        Box::new(Folder::create(folder.path().join(count.get().to_string())).unwrap())
    });
    let left: usize = (1..=count.get())
        .map(|nth| fs::read_dir(folder.path().join(nth.to_string()).join("tmp")).unwrap().count())
        .sum();
    assert_eq!((left, count.get()), (0, 8), "temporary files are left");
}

#[test]
fn only_a_folder_with_a_hint_is_a_store() {
    let (folder, store) = store();
    for path in [folder.path().join("nowhere"), folder.path().join("store")] {
        let error = Folder::open(&path).unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.what().ends_with("is not a store"), "{error}");
        assert!(error.hint_text().unwrap().contains("terp-fixtures keys init"));
    }
    store.put(&object(ObjectKind::Hint, 0, b"{}")).unwrap();
    Folder::open(folder.path().join("store")).unwrap();
    let address = format!("file://{}", folder.path().join("store").display());
    crate::store::open(&Address::new(address), false).unwrap();
}

#[test]
fn strange_files_are_not_listed() {
    let (_folder, store) = store();
    let pack = object(ObjectKind::Pack, 1, b"x");
    store.put(&pack).unwrap();
    for stray in ["packs/README", "packs/01/README", "packs/01/.DS_Store", "snapshots", "README.md"] {
        fs::write(store.root.join(stray), b"stray").unwrap();
    }
    fs::create_dir(store.root.join("packs/lost+found")).unwrap();
    assert_eq!(store.list(ObjectKind::Pack).unwrap().len(), 1);
    assert!(store.list(ObjectKind::Snapshot).unwrap().is_empty());
    assert!(store.list(ObjectKind::Key).unwrap().is_empty());
}

#[test]
fn only_old_temporary_files_of_ours_are_cleaned() {
    let (_folder, store) = store();
    let tmp = store.root.join("tmp");
    let old = SystemTime::now() - STALE - Duration::from_mins(1);
    for (name, is_old) in [("0".repeat(32), true), ("1".repeat(32), false), ("notes.txt".into(), true)] {
        let file = File::create(tmp.join(name)).unwrap();
        file.set_modified(if is_old { old } else { SystemTime::now() }).unwrap();
    }
    store.put(&object(ObjectKind::Pack, 1, b"x")).unwrap();
    let mut left: Vec<_> = fs::read_dir(&tmp).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["1".repeat(32), "notes.txt".to_owned()].map(std::ffi::OsString::from));
}

#[cfg(unix)]
#[test]
fn objects_are_read_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, store) = store();
    let pack = object(ObjectKind::Pack, 1, b"x");
    store.put(&pack).unwrap();
    let mode = fs::metadata(store.root.join(pack.name().path())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777 & !0o440, 0, "{mode:o}");
}

#[cfg(unix)]
#[test]
fn links_are_refused_everywhere() {
    use std::os::unix::fs::symlink;
    let (folder, store) = store();
    let pack = object(ObjectKind::Pack, 1, b"x");
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("secret"), b"x").unwrap();

    let refused = |outcome: Result<()>| {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.what().contains("is not a plain"), "{error}");
    };
    // A folder that is a link: nothing is read, written, listed or removed through it.
    symlink(&elsewhere, store.root.join("packs")).unwrap();
    refused(store.put(&pack));
    refused(store.get(pack.name(), 9).map(drop));
    refused(store.head(pack.name()).map(drop));
    refused(store.list(ObjectKind::Pack).map(drop));
    refused(store.delete(pack.name()));
    fs::remove_file(store.root.join("packs")).unwrap();

    // An object that is a link, even to the right content.
    store.put(&pack).unwrap();
    let path = store.root.join(pack.name().path());
    fs::remove_file(&path).unwrap();
    symlink(elsewhere.join("secret"), &path).unwrap();
    refused(store.put(&pack));
    refused(store.get(pack.name(), 9).map(drop));
    refused(store.list(ObjectKind::Pack).map(drop));
    refused(store.delete(pack.name()));
    assert!(elsewhere.join("secret").exists());

    // Temporary files do not go through a link either.
    fs::remove_file(&path).unwrap();
    fs::remove_dir(store.root.join("tmp")).unwrap();
    symlink(&elsewhere, store.root.join("tmp")).unwrap();
    refused(store.put(&pack));
}

#[test]
fn a_put_that_fails_leaves_nothing_visible() {
    let (_folder, store) = store();
    fs::remove_dir(store.root.join("tmp")).unwrap();
    fs::write(store.root.join("tmp"), b"in the way").unwrap();
    let pack = object(ObjectKind::Pack, 1, b"x");
    assert_eq!(store.put(&pack).unwrap_err().kind(), Kind::Store);
    assert_eq!(store.head(pack.name()).unwrap(), None);
    assert!(store.list(ObjectKind::Pack).unwrap().is_empty());
}
