//! Files that lost or changed something behind the log's back: named, never skipped.

// In a test, a panic is the finding.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use eventlog::{EventLog, ExpectedVersion, OpenError, Position, ReadError, StoreKind, Verifier};
use support::{append, append_events, event, everything, open, verified};
use uuid::Uuid;

/// What opening a log and reading all of it came to.
#[derive(Debug)]
enum Found {
    /// As many whole records as were acknowledged.
    Whole,
    Damage {
        position: Position,
    },
}

async fn inspect(kind: StoreKind, dir: &Path) -> Found {
    let log = match kind.open(dir, None) {
        Ok(log) => log,
        Err(OpenError::Damaged(error)) => return damage(error),
        // No record can be looked at, the first one included.
        Err(OpenError::Broken { reason, .. }) => {
            assert!(!reason.is_empty());
            return Found::Damage { position: Position(1) };
        }
        Err(other) => panic!("{other}"),
    };
    match everything(log.as_ref(), 100).await {
        Ok(events) => {
            let mut verifier = Verifier::new();
            assert!(events.iter().all(|event| verifier.check(event).is_none()));
            Found::Whole
        }
        Err(error) => damage(error),
    }
}

fn damage(error: ReadError) -> Found {
    match error {
        ReadError::Damaged { position, rule, .. } => {
            assert!(!rule.is_empty());
            Found::Damage { position }
        }
        other => panic!("{other}"),
    }
}

/// Some events, a restart, some more; the log is closed again.
async fn filled(kind: StoreKind, dir: &Path) -> u64 {
    for round in 0..2 {
        let log = open(kind, dir);
        for n in 0..60_u64 {
            let payload = Uuid::new_v4().to_string().repeat(20);
            let name = format!("stream-{}", n % 7);
            log.append(append(&name, ExpectedVersion::Any, payload)).await.unwrap();
        }
        assert_eq!(log.last_position(), Position(60 * (round + 1)));
    }
    120
}

/// Enough events that the engine writes table files, which have other safeguards than its journal.
async fn filled_with_tables(dir: &Path) -> u64 {
    let log = open(StoreKind::Fjall, dir);
    let mut last = 0;
    for _ in 0..100 {
        if !tables(dir).is_empty() {
            return last;
        }
        let payload = || (0..400).map(|_| Uuid::new_v4().to_string()).collect::<String>();
        let events = (0..200).map(|_| event(payload())).collect();
        let append = append_events("stream", ExpectedVersion::Any, events);
        last = log.append(append).await.unwrap().position.0;
    }
    panic!("no table file appeared");
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn journal(dir: &Path) -> PathBuf {
    let is_journal = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "jnl");
    files(dir).into_iter().find(is_journal).unwrap()
}

/// The biggest table files, which hold records and not only the engine's own notes.
fn tables(dir: &Path) -> Vec<PathBuf> {
    let is_table = |path: &PathBuf| {
        path.parent().is_some_and(|folder| folder.ends_with("tables"))
            && fs::metadata(path).is_ok_and(|meta| meta.len() > 1 << 20)
    };
    files(dir).into_iter().filter(is_table).collect()
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}

fn flip_bit(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

/// Bytes from the start of a file to its last one that is not zero.
fn used_bytes(file: &Path) -> usize {
    let bytes = fs::read(file).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

/// Does something to a copy of a log and tells what the log then says of itself.
async fn after(kind: StoreKind, dir: &Path, harm: impl FnOnce(&Path)) -> Found {
    let copied = tempfile::tempdir().unwrap();
    copy(dir, copied.path());
    harm(copied.path());
    inspect(kind, copied.path()).await
}

/// A bit flipped in any of some places spread over a file must be named, unless nothing that was
/// acknowledged depends on it. Gives how often it was named.
async fn flips(kind: StoreKind, dir: &Path, file: &Path, places: usize) -> usize {
    let name = file.strip_prefix(dir).unwrap();
    let used = used_bytes(file);
    let mut named = 0;
    for place in 0..places {
        let at = used * (2 * place + 1) / (2 * places);
        match after(kind, dir, |copied| flip_bit(&copied.join(name), at)).await {
            Found::Whole => {}
            Found::Damage { position } => {
                assert!(position > Position::START);
                named += 1;
            }
        }
    }
    named
}

#[tokio::test]
async fn an_untouched_copy_is_whole() {
    for kind in [StoreKind::Fjall, StoreKind::Sled] {
        let dir = tempfile::tempdir().unwrap();
        filled(kind, dir.path()).await;
        let found = after(kind, dir.path(), |_| {}).await;
        assert!(matches!(found, Found::Whole), "{found:?}");
    }
}

#[tokio::test]
async fn a_bit_flipped_in_fjalls_journal_is_named() {
    let dir = tempfile::tempdir().unwrap();
    filled(StoreKind::Fjall, dir.path()).await;
    let named = flips(StoreKind::Fjall, dir.path(), &journal(dir.path()), 24).await;
    assert_eq!(named, 24);
}

#[tokio::test]
async fn a_bit_flipped_in_fjalls_tables_is_named() {
    let dir = tempfile::tempdir().unwrap();
    filled_with_tables(dir.path()).await;
    let table = tables(dir.path()).remove(0);
    let named = flips(StoreKind::Fjall, dir.path(), &table, 10).await;
    assert_eq!(named, 10);
}

#[tokio::test]
async fn a_bit_flipped_in_sleds_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    filled(StoreKind::Sled, dir.path()).await;
    // Much of sled's file is older versions of its pages, so not every flip matters.
    let named = flips(StoreKind::Sled, dir.path(), &dir.path().join("sled/db"), 60).await;
    assert!(named > 0);
}

#[tokio::test]
async fn a_cut_off_end_is_named_with_the_first_position_that_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let last = filled(StoreKind::Fjall, dir.path()).await;
    let journal = journal(dir.path());
    let name = journal.strip_prefix(dir.path()).unwrap();
    let used = used_bytes(&journal) as u64;
    let found = after(StoreKind::Fjall, dir.path(), |copied| {
        let file = fs::File::options().write(true).open(copied.join(name)).unwrap();
        file.set_len(used - 10).unwrap();
    })
    .await;
    assert!(matches!(found, Found::Damage { position } if position.0 == last), "{found:?}");
}

#[tokio::test]
async fn damage_is_still_named_when_the_engine_has_recovered_over_it() {
    let dir = tempfile::tempdir().unwrap();
    filled(StoreKind::Fjall, dir.path()).await;
    let journal = journal(dir.path());
    flip_bit(&journal, used_bytes(&journal) / 2);
    for _ in 0..2 {
        let found = inspect(StoreKind::Fjall, dir.path()).await;
        assert!(matches!(found, Found::Damage { .. }), "{found:?}");
    }
}

#[tokio::test]
async fn what_recovery_cut_off_is_kept_until_the_log_is_whole_again() {
    let dir = tempfile::tempdir().unwrap();
    filled(StoreKind::Fjall, dir.path()).await;
    let journal = journal(dir.path());
    let used = used_bytes(&journal);
    let before = fs::read(&journal).unwrap()[..used].to_vec();
    flip_bit(&journal, used / 2);
    for _ in 0..2 {
        let found = inspect(StoreKind::Fjall, dir.path()).await;
        assert!(matches!(found, Found::Damage { .. }), "{found:?}");
    }
    let kept = dir.path().join("as-found").join(journal.file_name().unwrap());
    flip_bit(&kept, used / 2);
    assert_eq!(fs::read(&kept).unwrap()[..used], before);
    fs::copy(&kept, &journal).unwrap();
    let found = inspect(StoreKind::Fjall, dir.path()).await;
    assert!(matches!(found, Found::Whole), "{found:?}");
    assert!(!dir.path().join("as-found").exists());
}

#[tokio::test]
async fn a_directory_whose_making_was_interrupted_is_made_anew() {
    for kind in [StoreKind::Fjall, StoreKind::Sled] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("making"), "").unwrap();
        fs::create_dir(dir.path().join(kind.to_string())).unwrap();
        fs::write(dir.path().join(kind.to_string()).join("0.jnl"), "half").unwrap();
        fs::write(dir.path().join("tail"), "").unwrap();
        let log = open(kind, dir.path());
        log.append(append("s", ExpectedVersion::NoStream, "a")).await.unwrap();
        drop(log);
        assert_eq!(verified(open(kind, dir.path()).as_ref()).await.len(), 1);
    }
}

#[tokio::test]
async fn a_missing_file_is_named() {
    for kind in [StoreKind::Fjall, StoreKind::Sled] {
        let dir = tempfile::tempdir().unwrap();
        filled(kind, dir.path()).await;
        let essential = match kind {
            StoreKind::Fjall => journal(dir.path()),
            StoreKind::Sled => dir.path().join("sled/db"),
        };
        let name = essential.strip_prefix(dir.path()).unwrap();
        for gone in [name, Path::new("tail")] {
            let found = after(kind, dir.path(), |copied| {
                fs::remove_file(copied.join(gone)).unwrap();
            })
            .await;
            assert!(matches!(found, Found::Damage { .. }), "{kind} {gone:?} {found:?}");
        }
        let found = after(kind, dir.path(), |copied| {
            fs::remove_dir_all(copied.join(kind.to_string())).unwrap();
        })
        .await;
        assert!(matches!(found, Found::Damage { .. }), "{kind} {found:?}");
    }
}

#[tokio::test]
async fn a_missing_table_is_named() {
    let dir = tempfile::tempdir().unwrap();
    filled_with_tables(dir.path()).await;
    let table = tables(dir.path()).remove(0);
    let name = table.strip_prefix(dir.path()).unwrap();
    let found = after(StoreKind::Fjall, dir.path(), |copied| {
        fs::remove_file(copied.join(name)).unwrap();
    })
    .await;
    assert!(matches!(found, Found::Damage { .. }), "{found:?}");
}

#[tokio::test]
async fn a_damaged_tail_mark_is_named() {
    let dir = tempfile::tempdir().unwrap();
    filled(StoreKind::Fjall, dir.path()).await;
    for at in 0..20 {
        let found = after(StoreKind::Fjall, dir.path(), |copied| {
            flip_bit(&copied.join("tail"), at);
        })
        .await;
        assert!(matches!(found, Found::Damage { .. }), "{found:?}");
    }
}

/// Whoever can write to the engine can give it a well-formed record: only CRC and chain tell.
#[tokio::test]
async fn a_record_altered_through_the_engine_is_named_with_position_and_stream() {
    let dir = tempfile::tempdir().unwrap();
    filled(StoreKind::Fjall, dir.path()).await;
    let key = 42_u64.to_be_bytes();
    {
        let database = fjall::Database::builder(dir.path().join("fjall")).open().unwrap();
        let events = database.keyspace("events", Default::default).unwrap();
        let mut value = events.get(key).unwrap().unwrap().to_vec();
        *value.last_mut().unwrap() ^= 1;
        events.insert(key, value).unwrap();
        database.persist(fjall::PersistMode::SyncAll).unwrap();
    }
    let Err(OpenError::Damaged(error)) = StoreKind::Fjall.open(dir.path(), None) else {
        panic!("the altered record went unnoticed");
    };
    assert_eq!(
        error,
        ReadError::Damaged {
            position: Position(42),
            stream: Some("stream-6".to_owned()),
            rule: "the record's checksum does not match".to_owned(),
        }
    );
}

#[tokio::test]
async fn a_record_removed_through_the_engine_is_named() {
    let dir = tempfile::tempdir().unwrap();
    filled(StoreKind::Fjall, dir.path()).await;
    {
        let database = fjall::Database::builder(dir.path().join("fjall")).open().unwrap();
        let events = database.keyspace("events", Default::default).unwrap();
        events.remove(42_u64.to_be_bytes()).unwrap();
        database.persist(fjall::PersistMode::SyncAll).unwrap();
    }
    let found = inspect(StoreKind::Fjall, dir.path()).await;
    assert!(matches!(found, Found::Damage { position: Position(42) }), "{found:?}");
}

#[tokio::test]
async fn one_directory_is_open_only_once() {
    for kind in [StoreKind::Fjall, StoreKind::Sled] {
        let dir = tempfile::tempdir().unwrap();
        let log = open(kind, dir.path());
        let second = kind.open(dir.path(), None);
        assert!(matches!(second, Err(OpenError::Locked { .. })));
        log.append(append("s", ExpectedVersion::NoStream, "a")).await.unwrap();
        drop(log);
        assert_eq!(verified(open(kind, dir.path()).as_ref()).await.len(), 1);
    }
}

#[test]
fn a_directory_belongs_to_one_engine() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(StoreKind::Sled, dir.path()));
    let other = StoreKind::Fjall.open(dir.path(), None);
    assert!(matches!(other, Err(OpenError::OtherStore { found: "sled", .. })));
}

#[tokio::test]
async fn a_lost_file_is_named_the_same_however_often_one_looks() {
    for (kind, lost) in [
        (StoreKind::Fjall, "fjall/version"),
        (StoreKind::Fjall, "fjall/keyspaces/0/current"),
        (StoreKind::Fjall, "fjall/keyspaces/1/current"),
        (StoreKind::Fjall, "fjall/keyspaces/2/current"),
        (StoreKind::Sled, "sled/db"),
        (StoreKind::Sled, "sled/conf"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let count = filled(kind, dir.path()).await;
        std::fs::remove_file(dir.path().join(lost)).unwrap();
        let look = || kind.open(dir.path(), None).map(|_| ()).unwrap_err().to_string();
        let said = look();
        assert!(said.contains(lost) && said.contains(&format!("up to position {count}")), "{said}");
        assert_eq!(look(), said);
    }
}
