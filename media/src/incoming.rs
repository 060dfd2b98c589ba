//! Bytes on their way in: in memory as long as they are few, in a file after that.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    ops::Range,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::Arc,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use commands::{
    CommandError,
    media::{Arrived, Claim, Incoming},
};
use domain::{
    Rejection,
    medium::{MediaUploaded, MediumFacts},
};
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::{sync::OwnedSemaphorePermit, task::spawn_blocking};

use crate::{
    inspect::{self, HEAD_BYTES, Inspected, Kept},
    previews::Memory,
    store::{failed, object_path, out_of_reach},
    turns::Turns,
};

/// Bytes that are held in memory before they go into the file.
const BUFFER_BYTES: usize = 1024 * 1024;
/// Bytes of a file that are written into the store at a time: the fewest that a bucket takes as a part. Of ten thousand, the
/// most that it takes, fifty gigabytes come.
const PART_BYTES: u64 = 5 * 1024 * 1024;

/// Where bytes go.
pub(crate) struct Place {
    /// In the end.
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// Meanwhile, where they are many.
    pub(crate) dir: PathBuf,
    /// For looking at pictures as a whole, and for parts of files.
    pub(crate) memory: Arc<Memory>,
    /// Taken while a blob is written.
    pub(crate) turns: Arc<Turns>,
}

/// Bytes on their way in.
pub(crate) struct Arriving {
    claim: Claim,
    bytes_max: u64,
    place: Place,
    buffer: BytesMut,
    /// Everything before the buffer, where there is more than fits into it. It has no name and goes with this.
    file: Option<File>,
    bytes: u64,
    permit: OwnedSemaphorePermit,
}

impl Arriving {
    /// Nothing has come yet.
    ///
    /// # Errors
    /// [`Rejection::MediumTooLarge`] where more is announced than may come.
    pub(crate) fn begin(claim: Claim, place: Place, permit: OwnedSemaphorePermit) -> Result<Self, Rejection> {
        let bytes_max = claim.kind.bytes_max(&claim.policy);
        let announced = claim.bytes.unwrap_or_default();
        if announced > bytes_max {
            return Err(Rejection::MediumTooLarge { max: bytes_max, unit: "bytes" });
        }
        let buffer = BytesMut::with_capacity(usize::try_from(announced).unwrap_or_default().min(BUFFER_BYTES));
        Ok(Self { claim, bytes_max, place, buffer, file: None, bytes: 0, permit })
    }

    async fn spill(&mut self) -> Result<(), CommandError> {
        let (file, dir) = (self.file.take(), self.place.dir.clone());
        let buffer = std::mem::take(&mut self.buffer);
        let write = move || {
            let mut file = match file {
                Some(file) => file,
                None => tempfile::tempfile_in(dir)?,
            };
            file.write_all(&buffer)?;
            let mut buffer = buffer;
            buffer.clear();
            Ok::<_, io::Error>((file, buffer))
        };
        let (file, buffer) = spawn_blocking(write).await.map_err(failed)?.map_err(failed)?;
        (self.file, self.buffer) = (Some(file), buffer);
        Ok(())
    }
}

#[async_trait]
impl Incoming for Arriving {
    async fn write(&mut self, bytes: Bytes) -> Result<(), CommandError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.bytes_max {
            return Err(Rejection::MediumTooLarge { max: self.bytes_max, unit: "bytes" }.into());
        }
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.spill().await?;
        }
        self.buffer.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Box<dyn Arrived>, CommandError> {
        if self.bytes == 0 {
            return Err(Rejection::MediumBroken { what: "there is nothing in it" }.into());
        }
        let looked = match self.file.is_some() {
            false => {
                let whole = std::mem::take(&mut self.buffer).freeze();
                self.finish_in_memory(whole, None).await?
            }
            true => {
                self.spill().await?;
                self.finish_in_file().await?
            }
        };
        Ok(Box::new(looked))
    }
}

impl Arriving {
    /// Looks at all of it at once, in memory that is held until it is kept.
    async fn finish_in_memory(
        self,
        whole: Bytes,
        memory: Option<OwnedSemaphorePermit>,
    ) -> Result<Looked, CommandError> {
        let (kind, claim, all_memory) = (self.claim.kind, self.claim, self.place.memory.all_bytes());
        let look = move || {
            let Inspected { facts, kept } = inspect::inspect(&claim, &whole, all_memory)?;
            let pieces = match kept {
                Kept::Whole => vec![whole],
                Kept::Pieces(pieces) => joined(&whole, pieces),
                Kept::Blanked(boxes) => vec![blanked(&whole, &boxes)],
            };
            let mut hasher = blake3::Hasher::new();
            pieces.iter().for_each(|piece| {
                hasher.update(piece);
            });
            let bytes = pieces.iter().map(|piece| piece.len() as u64).sum();
            let facts = MediumFacts { bytes, ..facts };
            Ok::<_, Rejection>((hasher.finalize().to_hex().to_string(), facts, pieces))
        };
        let (hash, facts, pieces) = spawn_blocking(look).await.map_err(failed)??;
        let medium = MediaUploaded { kind, hash, facts };
        Ok(Looked { medium, content: Content::Pieces(pieces), place: self.place, permit: self.permit, memory })
    }

    async fn finish_in_file(mut self) -> Result<Looked, CommandError> {
        let Some(mut file) = self.file.take() else { return Err(failed("there is no file")) };
        let read_head = move || {
            let mut head = vec![];
            file.seek(SeekFrom::Start(0))?;
            Read::by_ref(&mut file).take(HEAD_BYTES as u64).read_to_end(&mut head)?;
            Ok::<_, io::Error>((file, head))
        };
        let (file, head) = spawn_blocking(read_head).await.map_err(failed)?.map_err(failed)?;
        if inspect::in_memory(&self.claim, &head, self.bytes) {
            if self.bytes > self.claim.policy.picture_bytes {
                return Err(Rejection::MediumTooLarge { max: self.claim.policy.picture_bytes, unit: "bytes" }.into());
            }
            // Twice: what is read, and what is made of it where anything changes.
            let memory = self.place.memory.reserve(2 * self.bytes).await?;
            let whole = spawn_blocking(move || read_whole(file)).await.map_err(failed)?.map_err(failed)?;
            return self.finish_in_memory(whole, Some(memory)).await;
        }
        let (kind, claim, bytes) = (self.claim.kind, self.claim, self.bytes);
        let look = move || look_in_file(&claim, &head, file, bytes);
        let (file, hash, facts) = spawn_blocking(look).await.map_err(failed)??;
        let medium = MediaUploaded { kind, hash, facts };
        Ok(Looked { medium, content: Content::File(file), place: self.place, permit: self.permit, memory: None })
    }
}

/// What has come, once it was looked at.
struct Looked {
    medium: MediaUploaded,
    content: Content,
    place: Place,
    permit: OwnedSemaphorePermit,
    /// For what is held in memory beyond the buffer.
    memory: Option<OwnedSemaphorePermit>,
}

/// The bytes that are to be kept.
enum Content {
    /// In memory, piece by piece.
    Pieces(Vec<Bytes>),
    /// In a file without a name.
    File(File),
}

#[async_trait]
impl Arrived for Looked {
    fn medium(&self) -> &MediaUploaded {
        &self.medium
    }

    async fn keep(self: Box<Self>) -> Result<(), CommandError> {
        let Self { medium: MediaUploaded { hash, facts, .. }, content, place, permit, memory } = *self;
        match content {
            Content::Pieces(pieces) => {
                let _held = (memory, permit, place.turns.take(&hash).await);
                let payload = PutPayload::from_iter(pieces);
                place.objects.put(&object_path(&hash), payload).await.map_err(out_of_reach)?;
                Ok(())
            }
            Content::File(file) => {
                let memory = place.memory.reserve(facts.bytes.min(PART_BYTES)).await?;
                // Whether or not anybody waits for it any more: what was begun in a bucket is ended or taken back.
                let write = async move {
                    let _held = (memory, permit, place.turns.take(&hash).await);
                    put_file(&*place.objects, file, &hash, facts.bytes).await
                };
                tokio::spawn(write).await.map_err(failed)?
            }
        }
    }
}

/// The whole where nothing was left out of it, and one piece for each stretch of it otherwise.
fn joined(whole: &Bytes, pieces: Vec<Bytes>) -> Vec<Bytes> {
    let in_place = pieces.iter().try_fold(0, |at, piece| {
        let end = at + piece.len();
        (whole.get(at..end) == Some(piece.as_ref())).then_some(end)
    });
    let unchanged = in_place == Some(whole.len());
    if unchanged { vec![whole.clone()] } else { pieces }
}

fn read_whole(mut file: File) -> io::Result<Bytes> {
    let mut whole = vec![];
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut whole)?;
    Ok(whole.into())
}

/// The bytes with boxes of MPEG-4 blanked.
pub(crate) fn blanked(whole: &Bytes, boxes: &[(u64, Range<u64>)]) -> Bytes {
    let mut bytes = whole.to_vec();
    let place = |range: Range<u64>| {
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        at(range.start)..at(range.end)
    };
    for (name, content) in boxes {
        if let Some(name) = bytes.get_mut(place(*name..*name + 4)) {
            name.copy_from_slice(b"free");
        }
        if let Some(content) = bytes.get_mut(place(content.clone())) {
            content.fill(0);
        }
    }
    bytes.into()
}

fn look_in_file(
    claim: &Claim,
    head: &[u8],
    mut file: File,
    bytes: u64,
) -> Result<(File, String, MediumFacts), CommandError> {
    let Inspected { facts, kept } = inspect::inspect_file(claim, head, &mut BufReader::new(&mut file), bytes)?;
    if let Kept::Blanked(boxes) = kept {
        blank(&file, &boxes).map_err(failed)?;
    }
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&mut file).map_err(failed)?;
    let facts = MediumFacts { bytes, ..facts };
    Ok((file, hasher.finalize().to_hex().to_string(), facts))
}

fn blank(file: &File, boxes: &[(u64, Range<u64>)]) -> io::Result<()> {
    let zeros = [0; HEAD_BYTES];
    for (name, content) in boxes {
        file.write_all_at(b"free", *name)?;
        let mut at = content.start;
        while at < content.end {
            let count = usize::try_from(content.end - at).unwrap_or(HEAD_BYTES).min(HEAD_BYTES);
            file.write_all_at(zeros.get(..count).unwrap_or_default(), at)?;
            at += count as u64;
        }
    }
    Ok(())
}

/// Writes a file into the store, part by part. Where that fails, nothing of it stays.
async fn put_file(objects: &dyn ObjectStore, file: File, hash: &str, bytes: u64) -> Result<(), CommandError> {
    let mut upload = objects.put_multipart(&object_path(hash)).await.map_err(out_of_reach)?;
    let put = put_parts(&mut *upload, file, bytes).await;
    if put.is_err()
        && let Err(error) = upload.abort().await
    {
        let error = out_of_reach(error);
        tracing::warn!(%error, hash, "the parts of a blob that could not be written were not taken back");
    }
    put
}

async fn put_parts(upload: &mut dyn MultipartUpload, mut file: File, bytes: u64) -> Result<(), CommandError> {
    let rewind = move || file.seek(SeekFrom::Start(0)).map(|_| file);
    file = spawn_blocking(rewind).await.map_err(failed)?.map_err(failed)?;
    let mut left = bytes;
    while left > 0 {
        let count = left.min(PART_BYTES);
        let read = move || {
            let mut part = vec![0; usize::try_from(count).unwrap_or_default()];
            file.read_exact(&mut part)?;
            Ok::<_, io::Error>((file, Bytes::from(part)))
        };
        let part;
        (file, part) = spawn_blocking(read).await.map_err(failed)?.map_err(failed)?;
        upload.put_part(part.into()).await.map_err(out_of_reach)?;
        left -= count;
    }
    upload.complete().await.map_err(out_of_reach)?;
    Ok(())
}
