//! Media that are brought in parts: what has come of each, in a file of its own, until all of it has.
//!
//! Of each there are two files: `{id}.json`, what was announced, and `{id}.bytes`, which begins with eight bytes that say
//! how many of those behind them count. A part is written behind these and synced, then the count is written and synced:
//! so what counts is on disk whenever the server ends, and what a crash has left behind it is written over.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use commands::{
    CommandError,
    media::{Announced, Chunks, Claim, Part, Upload, UploadStore},
};
use domain::{MediumId, Rejection, UserId, policy::MediaPolicy};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use crate::{
    MediaOptions, inspect,
    store::{MediaError, chunks, failed},
};

/// The count at the beginning of a file.
const COUNT_BYTES: u64 = 8;
/// Bytes that are held in memory before they go into the file.
const BUFFER_BYTES: usize = 256 * 1024;
/// After how many bytes what has come of a part counts, although more of it comes.
const COUNTED_EVERY_BYTES: u64 = 4 * 1024 * 1024;

type Known = Arc<Mutex<HashMap<MediumId, State>>>;

/// One that was begun.
struct State {
    announced: Announced,
    offset: u64,
    /// A part of it comes.
    busy: bool,
    /// Somebody finishes or ends it.
    held: bool,
}

/// What has come of media that are brought in parts.
pub struct Parts {
    dir: PathBuf,
    known: Known,
    writing: Arc<Semaphore>,
}

impl Parts {
    /// The parts in the directory `parts` of a directory, made if it is not there.
    ///
    /// # Errors
    /// When the directory can't be made or read.
    pub fn open(dir: &Path, options: &MediaOptions) -> Result<Self, MediaError> {
        let dir = dir.join("parts");
        let known = load(&dir).map_err(|error| MediaError::Directory { path: dir.clone(), error })?;
        Ok(Self { dir, known: Arc::new(Mutex::new(known)), writing: Arc::new(Semaphore::new(options.uploads_max)) })
    }

    /// Notes one that begins, whose files are made next, or gives the one that has begun under this id.
    fn take_place(
        &self,
        medium: MediumId,
        announced: &Announced,
        policy: &MediaPolicy,
    ) -> Result<Option<Upload>, Rejection> {
        let mut known = self.known.lock();
        if let Some(state) = known.get(&medium) {
            let begun = Upload { medium, announced: state.announced.clone(), offset: state.offset };
            return if state.busy { Err(Rejection::UploadBusy) } else { Ok(Some(begun)) };
        }
        let theirs = known.values().filter(|state| state.announced.owner == announced.owner);
        if theirs.count() >= policy.uploads_max {
            return Err(Rejection::TooManyUploads { max: policy.uploads_max });
        }
        known.insert(medium, State { announced: announced.clone(), offset: 0, busy: true, held: false });
        Ok(None)
    }

    /// How many bytes of one count.
    fn offset(&self, medium: MediumId) -> Result<u64, Rejection> {
        self.known.lock().get(&medium).map(|state| state.offset).ok_or(Rejection::UploadNotFound)
    }
}

/// Everything that was begun and can go on; what is left of anything else is deleted.
fn load(dir: &Path) -> io::Result<HashMap<MediumId, State>> {
    fs::create_dir_all(dir)?;
    let mut known = HashMap::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let id = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).map(MediumId);
        if let Some((medium, state)) = id.and_then(|id| Some((id, begun(dir, id)?))) {
            known.insert(medium, state);
        } else {
            fs::remove_file(path)?;
        }
    }
    Ok(known)
}

fn begun(dir: &Path, medium: MediumId) -> Option<State> {
    let announced: Announced = serde_json::from_slice(&fs::read(announced_path(dir, medium)).ok()?).ok()?;
    let file = File::open(bytes_path(dir, medium)).ok()?;
    let mut count = [0; COUNT_BYTES as usize];
    file.read_exact_at(&mut count, 0).ok()?;
    let offset = u64::from_be_bytes(count);
    let whole = file.metadata().ok()?.len() >= COUNT_BYTES + offset && offset <= announced.bytes;
    whole.then_some(State { announced, offset, busy: false, held: false })
}

fn announced_path(dir: &Path, medium: MediumId) -> PathBuf {
    dir.join(format!("{medium}.json"))
}

fn bytes_path(dir: &Path, medium: MediumId) -> PathBuf {
    dir.join(format!("{medium}.bytes"))
}

/// Makes the files of one: when this returns they are on disk.
fn make(dir: &Path, medium: MediumId, announced: &Announced) -> io::Result<()> {
    let mut file = File::create(bytes_path(dir, medium))?;
    file.write_all(&[0; COUNT_BYTES as usize])?;
    file.sync_all()?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(&serde_json::to_vec(announced)?)?;
    file.as_file().sync_all()?;
    file.persist(announced_path(dir, medium)).map_err(|error| error.error)?;
    File::open(dir)?.sync_all()
}

/// Deletes the files of one, as far as they are there.
fn remove(dir: &Path, medium: MediumId) -> io::Result<()> {
    for path in [announced_path(dir, medium), bytes_path(dir, medium)] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, CommandError> {
    spawn_blocking(work).await.map_err(failed)?.map_err(failed)
}

#[async_trait]
impl UploadStore for Parts {
    async fn begin(
        &self,
        medium: MediumId,
        announced: Announced,
        policy: &MediaPolicy,
    ) -> Result<Upload, CommandError> {
        inspect::check_claim(&Claim {
            kind: announced.kind,
            name: announced.name.clone(),
            waveform: announced.waveform.clone(),
            bytes: Some(announced.bytes),
            policy: policy.clone(),
        })?;
        if let Some(begun) = self.take_place(medium, &announced, policy)? {
            return Ok(begun);
        }
        let hold = Hold::coming(&self.known, medium);
        let (dir, told) = (self.dir.clone(), announced.clone());
        // The files are made whether or not anybody waits for them.
        let made = blocking(move || {
            let made = make(&dir, medium, &told);
            drop(hold);
            made
        });
        if let Err(error) = made.await {
            self.delete(medium).await?;
            return Err(error);
        }
        Ok(Upload { medium, announced, offset: 0 })
    }

    fn upload(&self, medium: MediumId) -> Option<Upload> {
        let known = self.known.lock();
        let state = known.get(&medium)?;
        Some(Upload { medium, announced: state.announced.clone(), offset: state.offset })
    }

    fn uploads_of(&self, owner: UserId) -> Vec<Upload> {
        let known = self.known.lock();
        let theirs = known.iter().filter(|(_, state)| state.announced.owner == owner);
        let upload = |(medium, state): (&MediumId, &State)| Upload {
            medium: *medium,
            announced: state.announced.clone(),
            offset: state.offset,
        };
        let mut uploads: Vec<Upload> = theirs.map(upload).collect();
        uploads.sort_unstable_by_key(|upload| upload.medium);
        uploads
    }

    async fn part(&self, medium: MediumId, offset: u64, sealed: bool) -> Result<Box<dyn Part>, CommandError> {
        let permit = self.writing.clone().try_acquire_owned().map_err(|_| CommandError::Crowded)?;
        let bytes_max = {
            let mut known = self.known.lock();
            let state = known.get_mut(&medium).ok_or(Rejection::UploadNotFound)?;
            if state.busy || state.held {
                return Err(Rejection::UploadBusy.into());
            }
            if state.offset != offset {
                return Err(Rejection::OffsetMismatch { offset: state.offset }.into());
            }
            state.busy = true;
            state.announced.bytes
        };
        let hold = Hold::coming(&self.known, medium);
        let path = bytes_path(&self.dir, medium);
        let file = blocking(move || {
            let mut file = OpenOptions::new().read(true).write(true).open(path)?;
            file.set_len(COUNT_BYTES + offset)?;
            file.seek(SeekFrom::End(0))?;
            Ok(Held { file, hold })
        });
        let (held, buffer) = (Some(file.await?), BytesMut::new());
        Ok(Box::new(Coming { held, buffer, written: offset, counted: offset, bytes_max, sealed, _permit: permit }))
    }

    async fn is_as_told(&self, medium: MediumId) -> Result<bool, CommandError> {
        let told = self.upload(medium).ok_or(Rejection::UploadNotFound)?.announced.sha256;
        let Some(told) = told else { return Ok(true) };
        let (path, offset) = (bytes_path(&self.dir, medium), self.offset(medium)?);
        blocking(move || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(COUNT_BYTES))?;
            let (mut file, mut hasher, mut buffer) = (file.take(offset), Sha256::new(), vec![0; BUFFER_BYTES]);
            loop {
                let read = file.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                hasher.update(buffer.get(..read).unwrap_or_default());
            }
            let found: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(found == told)
        })
        .await
    }

    async fn read(&self, medium: MediumId) -> Result<Chunks, CommandError> {
        let (path, offset) = (bytes_path(&self.dir, medium), self.offset(medium)?);
        let file = blocking(move || File::open(path)).await?;
        Ok(chunks(file, COUNT_BYTES..COUNT_BYTES + offset))
    }

    fn hold(&self, medium: MediumId) -> Result<Box<dyn Send>, Rejection> {
        let mut known = self.known.lock();
        let state = known.get_mut(&medium).ok_or(Rejection::UploadNotFound)?;
        if state.held {
            return Err(Rejection::UploadBusy);
        }
        state.held = true;
        Ok(Box::new(Hold::ending(&self.known, medium)))
    }

    async fn delete(&self, medium: MediumId) -> Result<(), CommandError> {
        let dir = self.dir.clone();
        blocking(move || remove(&dir, medium)).await?;
        self.known.lock().remove(&medium);
        Ok(())
    }

    async fn delete_expired(&self, now: DateTime<Utc>) -> Result<usize, CommandError> {
        let expired: Vec<MediumId> = {
            let known = self.known.lock();
            let over =
                known.iter().filter(|(_, state)| !state.busy && !state.held && state.announced.expires_at <= now);
            over.map(|(medium, _)| *medium).collect()
        };
        for medium in &expired {
            self.delete(*medium).await?;
        }
        Ok(expired.len())
    }
}

/// What keeps others from one while something is done with it.
struct Hold {
    known: Known,
    medium: MediumId,
    /// What lets them at it again.
    end: fn(&mut State),
}

impl Hold {
    /// Held while a part comes, so that no other does.
    fn coming(known: &Known, medium: MediumId) -> Self {
        Self { known: known.clone(), medium, end: |state| state.busy = false }
    }

    /// Held while one is finished or ended, so that nobody else does either.
    fn ending(known: &Known, medium: MediumId) -> Self {
        Self { known: known.clone(), medium, end: |state| state.held = false }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(state) = self.known.lock().get_mut(&self.medium) {
            (self.end)(state);
        }
    }
}

/// The file of a part. It goes to the threads that write together with what keeps others from doing so: where nobody waits
/// for a part any more, a write of it that is under way still ends before the next part begins.
struct Held {
    file: File,
    hold: Hold,
}

impl Held {
    /// Has everything up to an offset count: when this returns it is on disk.
    fn count(&self, offset: u64) -> io::Result<()> {
        self.file.sync_data()?;
        self.file.write_all_at(&offset.to_be_bytes(), 0)?;
        self.file.sync_data()?;
        if let Some(state) = self.hold.known.lock().get_mut(&self.hold.medium) {
            state.offset = offset;
        }
        Ok(())
    }
}

/// A part on its way in.
struct Coming {
    held: Option<Held>,
    buffer: BytesMut,
    /// Where the next bytes of the file go.
    written: u64,
    /// How many bytes count.
    counted: u64,
    bytes_max: u64,
    sealed: bool,
    _permit: OwnedSemaphorePermit,
}

impl Coming {
    /// Writes what is held in memory, and has everything count if that is wanted.
    async fn flush(&mut self, counts: bool) -> Result<(), CommandError> {
        let mut held = self.held.take().ok_or_else(|| failed("the last write of this part failed"))?;
        let offset = self.written + self.buffer.len() as u64;
        let buffer = std::mem::take(&mut self.buffer);
        let write = move || {
            held.file.write_all(&buffer)?;
            if counts {
                held.count(offset)?;
            }
            let mut buffer = buffer;
            buffer.clear();
            Ok((held, buffer))
        };
        let (held, buffer) = blocking(write).await?;
        (self.held, self.buffer, self.written) = (Some(held), buffer, offset);
        if counts {
            self.counted = offset;
        }
        Ok(())
    }
}

#[async_trait]
impl Part for Coming {
    async fn write(&mut self, bytes: Bytes) -> Result<(), CommandError> {
        let behind = self.written + self.buffer.len() as u64 + bytes.len() as u64;
        if behind > self.bytes_max {
            return Err(Rejection::MediumTooLarge { max: self.bytes_max, unit: "bytes, as was announced" }.into());
        }
        self.buffer.extend_from_slice(&bytes);
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush(!self.sealed && behind - self.counted >= COUNTED_EVERY_BYTES).await?;
        }
        Ok(())
    }

    async fn keep(mut self: Box<Self>) -> Result<u64, CommandError> {
        self.flush(true).await?;
        Ok(self.counted)
    }
}
