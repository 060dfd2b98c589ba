//! What the command side's port for the bytes of media promises, checked on each adapter by the same functions: a folder, and
//! a bucket of a store that speaks S3.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use bytes::Bytes;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use commands::{
    CommandError,
    media::{Claim, MediaStore, SmallerForm},
};
use domain::{MediumKind, Rejection, medium::MediaUploaded, policy::MediaPolicy};
use futures::TryStreamExt;
use image::ImageFormat;
use media::{
    BlobStore, MediaOptions,
    audit::{BlobAudit, Found},
};
use serde_json::{Map, Value};
use teahouse_tests::{BucketHost, media::encoded};
use tempfile::TempDir;
use uuid::Uuid;

/// What a bucket takes as a part, and the store writes at a time.
const PART: usize = 5 * 1024 * 1024;
/// Stores that are tried at the same time share one process.
static HOST: Mutex<Weak<BucketHost>> = Mutex::new(Weak::new());

/// A store and what is behind it.
struct Case {
    store: BlobStore,
    options: MediaOptions,
    behind: Behind,
    home: TempDir,
}

enum Behind {
    Folder(PathBuf),
    Bucket(Arc<BucketHost>, String),
}

impl Case {
    fn folder() -> Self {
        let home = TempDir::new().unwrap();
        let behind = Behind::Folder(home.path().join("blobs"));
        Self::new(home, MediaOptions::default(), behind)
    }

    fn bucket() -> Self {
        let host = {
            let mut running = HOST.lock().unwrap_or_else(PoisonError::into_inner);
            let host = running.upgrade().unwrap_or_else(|| Arc::new(BucketHost::start()));
            *running = Arc::downgrade(&host);
            host
        };
        let prefix = Uuid::now_v7().to_string();
        let settings = host.settings(&prefix).into_iter().map(|(name, value)| {
            let value = value.parse().map_or(Value::String(value), Value::Bool);
            (name.to_owned(), value)
        });
        let s3 = Some(serde_json::from_value(settings.collect::<Map<_, _>>().into()).unwrap());
        let options = MediaOptions { s3, ..MediaOptions::default() };
        Self::new(TempDir::new().unwrap(), options, Behind::Bucket(host, prefix))
    }

    fn new(home: TempDir, options: MediaOptions, behind: Behind) -> Self {
        Self { store: BlobStore::open(home.path(), &options).unwrap(), options, behind, home }
    }

    /// Brings bytes as a kind, piece by piece.
    async fn bring(&self, kind: MediumKind, bytes: &[u8]) -> Result<MediaUploaded, CommandError> {
        let mut incoming = self.store.receive(claim(kind)).await?;
        for piece in bytes.chunks(300_000) {
            incoming.write(Bytes::copy_from_slice(piece)).await?;
        }
        let arrived = incoming.finish().await?;
        let medium = arrived.medium().clone();
        arrived.keep().await?;
        Ok(medium)
    }

    /// Brings a file, and gives the hash of its bytes.
    async fn file(&self, bytes: &[u8]) -> String {
        self.bring(MediumKind::File, bytes).await.unwrap().hash
    }

    async fn read(&self, hash: &str, range: std::ops::Range<u64>) -> Option<Vec<u8>> {
        let chunks = self.store.read(hash, range).await.unwrap()?;
        Some(chunks.try_collect::<Vec<Bytes>>().await.unwrap().concat())
    }

    /// The blobs that are older than a time.
    async fn before(&self, time: DateTime<Utc>) -> Vec<String> {
        let mut found = vec![];
        for part in 0..=255 {
            found.extend(self.store.blobs_before(part, time).await.unwrap());
        }
        found.sort();
        found
    }

    /// The names of everything that is kept, as whoever runs the store sees them.
    fn kept(&self) -> Vec<String> {
        match &self.behind {
            Behind::Folder(dir) => files(dir).iter().map(|path| name(dir, path)).collect(),
            Behind::Bucket(host, prefix) => {
                assert!(!host.unfinished().iter().any(|name| name.starts_with(prefix)), "parts of a blob stay");
                let objects = host.objects();
                objects.iter().filter_map(|name| Some(name.strip_prefix(prefix)?[1..].to_owned())).collect()
            }
        }
    }

    /// Puts other bytes in the place of a blob behind the store's back, or none.
    fn alter(&self, hash: &str, bytes: Option<&[u8]>) {
        let name = format!("{}/{hash}", &hash[..2]);
        match (&self.behind, bytes) {
            (Behind::Folder(dir), Some(bytes)) => std::fs::write(dir.join(name), bytes).unwrap(),
            (Behind::Folder(dir), None) => std::fs::remove_file(dir.join(name)).unwrap(),
            (Behind::Bucket(host, prefix), Some(bytes)) => host.put(&format!("{prefix}/{name}"), bytes),
            (Behind::Bucket(host, prefix), None) => host.delete(&format!("{prefix}/{name}")),
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn name(dir: &Path, path: &Path) -> String {
    path.strip_prefix(dir).unwrap().display().to_string()
}

fn claim(kind: MediumKind) -> Claim {
    Claim { kind, name: "leaf.bin".into(), waveform: vec![], bytes: None, policy: MediaPolicy::default() }
}

/// Of these bytes nobody knows a format; each stands at a place of its own.
fn some(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at / 7 + at / 911) as u8).collect()
}

fn later() -> DateTime<Utc> {
    Utc::now() + TimeDelta::hours(1)
}

fn earlier() -> DateTime<Utc> {
    Utc::now() - TimeDelta::hours(1)
}

/// The same tests for each adapter.
macro_rules! conformance {
    ($($test:ident),* $(,)?) => {
        mod folder {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $test() {
                super::$test(super::Case::folder()).await;
            })*
        }
        mod bucket {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $test() {
                super::$test(super::Case::bucket()).await;
            })*
        }
    };
}

conformance!(
    what_was_brought_is_kept_under_its_hash_and_comes_back,
    any_range_comes_back,
    the_same_bytes_are_kept_once,
    what_is_refused_or_broken_off_leaves_nothing,
    only_blobs_that_are_older_are_listed_and_deleted,
    a_blob_that_is_brought_again_and_again_is_not_deleted_meanwhile,
    a_picture_is_made_smaller_from_what_is_kept,
    smaller_forms_that_are_gone_or_empty_are_made_again,
    an_audit_finds_what_is_missing_or_altered,
);

async fn what_was_brought_is_kept_under_its_hash_and_comes_back(case: Case) {
    for bytes in [1, 1000, 1024 * 1024, 1024 * 1024 + 1, PART, PART + 1, 2 * PART + 77].map(some) {
        let hash = case.file(&bytes).await;
        assert_eq!(hash, blake3::hash(&bytes).to_hex().as_str());
        assert!(case.kept().contains(&format!("{}/{hash}", &hash[..2])));
        assert!(case.read(&hash, 0..bytes.len() as u64).await.unwrap() == bytes, "of {} bytes", bytes.len());
    }
    assert_eq!(case.kept().len(), 7);
    assert_eq!(case.read(&"0".repeat(64), 0..5).await, None);
}

async fn any_range_comes_back(case: Case) {
    let bytes = some(2 * PART + 77);
    let hash = case.file(&bytes).await;
    for range in [0..1, 7..7, 0..PART, PART - 1..PART + 1, PART..2 * PART + 77, 2 * PART + 76..2 * PART + 77] {
        let read = case.read(&hash, range.start as u64..range.end as u64).await.unwrap();
        assert!(read == bytes[range.clone()], "{range:?}");
    }
}

async fn the_same_bytes_are_kept_once(case: Case) {
    for bytes in [some(1000), some(PART + 1)] {
        let (one, other) = futures::join!(case.file(&bytes), case.file(&bytes));
        assert_eq!(one, other);
    }
    assert_eq!(case.kept().len(), 2);
}

async fn what_is_refused_or_broken_off_leaves_nothing(case: Case) {
    let cut_off = &encoded(200, 200, ImageFormat::Png)[..5000];
    let refused = case.bring(MediumKind::Picture, cut_off).await;
    assert!(matches!(refused, Err(CommandError::Rejected(Rejection::MediumBroken { .. }))));
    assert!(matches!(case.bring(MediumKind::File, b"").await, Err(CommandError::Rejected(_))));
    let mut broken_off = case.store.receive(claim(MediumKind::File)).await.unwrap();
    broken_off.write(some(2 * PART).into()).await.unwrap();
    drop(broken_off);
    // Found to be good, and not kept.
    for bytes in [some(1000), some(PART + 1)] {
        let mut refused = case.store.receive(claim(MediumKind::File)).await.unwrap();
        refused.write(bytes.into()).await.unwrap();
        drop(refused.finish().await.unwrap());
    }
    assert_eq!(case.kept(), [] as [String; 0]);
    assert_eq!(files(&case.home.path().join("incoming")), [] as [PathBuf; 0]);
}

async fn only_blobs_that_are_older_are_listed_and_deleted(case: Case) {
    let mut hashes = vec![case.file(b"one").await, case.file(b"two").await, case.file(&some(PART + 1)).await];
    hashes.sort();
    assert_eq!(case.before(later()).await, hashes);
    assert_eq!(case.before(earlier()).await, [] as [String; 0]);
    assert!(!case.store.delete_before(&hashes[0], earlier()).await.unwrap());
    assert_eq!(case.kept().len(), 3);
    assert!(case.store.delete_before(&hashes[0], later()).await.unwrap());
    assert!(!case.store.delete_before(&hashes[0], later()).await.unwrap());
    assert_eq!(case.read(&hashes[0], 0..1).await, None);
    assert_eq!(case.before(later()).await, hashes[1..]);
}

async fn a_blob_that_is_brought_again_and_again_is_not_deleted_meanwhile(case: Case) {
    // Old enough to be deleted is only what was there before. A bucket's clock is its own, and tells whole seconds only: no
    // other way than to let one go by.
    let hash = case.file(b"leaf").await;
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    // What comes from now on must not look older than this: a folder's clock goes in steps of a few milliseconds.
    let begun = (Utc::now() - TimeDelta::milliseconds(50)).trunc_subsecs(0);
    let bring = async {
        for _ in 0..20 {
            case.file(b"leaf").await;
            assert!(case.read(&hash, 0..4).await.is_some());
        }
    };
    let delete = async {
        for _ in 0..20 {
            case.store.delete_before(&hash, begun).await.unwrap();
        }
    };
    futures::join!(bring, delete);
    assert_eq!(case.read(&hash, 0..4).await.unwrap(), b"leaf");
}

async fn a_picture_is_made_smaller_from_what_is_kept(case: Case) {
    let picture = case.bring(MediumKind::Picture, &encoded(640, 400, ImageFormat::Png)).await.unwrap();
    let smaller = case.store.smaller(&picture.hash, SmallerForm::Thumbnail).await.unwrap();
    let smaller = image::load_from_memory(&smaller.bytes).unwrap();
    assert_eq!((smaller.width(), smaller.height()), (320, 200));
    assert!(!case.store.blur_hash(&picture.hash).await.unwrap().is_empty());
    let missing = case.store.smaller(&"0".repeat(64), SmallerForm::Preview).await;
    assert!(matches!(missing, Err(CommandError::MediaStore(_))));
}

async fn smaller_forms_that_are_gone_or_empty_are_made_again(case: Case) {
    let picture = case.bring(MediumKind::Picture, &encoded(640, 400, ImageFormat::Png)).await.unwrap();
    let thumbnail = case.store.smaller(&picture.hash, SmallerForm::Thumbnail).await.unwrap();
    let blur = case.store.blur_hash(&picture.hash).await.unwrap();
    let made = files(&case.home.path().join("previews"));
    assert_eq!(made.len(), 3);
    let spoil: [fn(&PathBuf); 2] =
        [|path| std::fs::remove_file(path).unwrap(), |path| std::fs::write(path, b"").unwrap()];
    for spoil in spoil {
        for path in &made {
            spoil(path);
            assert!(case.store.smaller(&picture.hash, SmallerForm::Thumbnail).await.unwrap() == thumbnail);
            assert!(!case.store.smaller(&picture.hash, SmallerForm::Preview).await.unwrap().bytes.is_empty());
            assert_eq!(case.store.blur_hash(&picture.hash).await.unwrap(), blur);
        }
    }
}

async fn an_audit_finds_what_is_missing_or_altered(case: Case) {
    let [sound, altered, missing] =
        [case.file(b"one").await, case.file(&some(PART + 1)).await, case.file(b"two").await];
    case.alter(&altered, Some(b"something else"));
    case.alter(&missing, None);
    let audit = BlobAudit::open(case.home.path(), &case.options).unwrap();
    for (hash, found) in [(sound, Found::Sound), (altered, Found::Altered), (missing, Found::Missing)] {
        assert_eq!(audit.look(&hash).await.unwrap(), found);
    }
}
