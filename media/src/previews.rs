//! Smaller forms of pictures, and the few colours that stand in for them until they are there.
//!
//! They are made when somebody first wants one of them, by few threads and in bounded memory, all of a picture's at once,
//! and kept in a directory of their own. It may be emptied at any time: they are made again.

use std::{
    fs,
    io::{self, Cursor, Write},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use commands::{
    CommandError,
    media::{Smaller, SmallerForm},
};
use domain::{Rejection, policy::MediaPolicy};
use image::{
    DynamicImage, ImageDecoder, ImageReader, Limits, codecs::jpeg::JpegEncoder, imageops::FilterType,
    metadata::Orientation,
};
use tokio::{
    sync::{AcquireError, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use crate::{
    MediaOptions,
    inspect::picture::{self, Picture},
    store::failed,
    turns::Turns,
};

/// What memory is counted in, in bytes.
const UNIT: u64 = 64 * 1024;
/// How well JPEG keeps what it is given, of 100.
const QUALITY: u8 = 82;
/// Across and down, how many waves a blur hash is made of.
const WAVES: (u32, u32) = (4, 3);
/// A blur hash is made of a picture of at most so many pixels a side.
const BLURRED_SIDE: u32 = 64;

/// Memory for whole pictures, shared by all who need some.
pub(crate) struct Memory {
    units: Arc<Semaphore>,
    all: u64,
    /// Most who may wait for some.
    waiting: Semaphore,
}

impl Memory {
    /// How much there is, in bytes.
    pub(crate) fn all_bytes(&self) -> u64 {
        self.all * UNIT
    }

    /// Waits for memory.
    ///
    /// # Errors
    /// [`Rejection::MediumTooLarge`] for more than there ever is, [`CommandError::Crowded`] where too many wait.
    pub(crate) async fn reserve(&self, bytes: u64) -> Result<OwnedSemaphorePermit, CommandError> {
        let units = bytes.div_ceil(UNIT);
        if units > self.all {
            return Err(picture::needs_more_memory(self.all_bytes()).into());
        }
        let _place = self.waiting.try_acquire().map_err(|_| CommandError::Crowded)?;
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        self.units.clone().acquire_many_owned(units).await.map_err(|_: AcquireError| CommandError::Crowded)
    }
}

/// Makes and keeps smaller forms of pictures.
pub(crate) struct Previews {
    dir: PathBuf,
    memory: Arc<Memory>,
    /// How many threads work on pictures at a time.
    threads: Arc<Semaphore>,
    /// Whose turn it is to make a picture's.
    turns: Turns,
}

impl Previews {
    pub(crate) fn new(dir: PathBuf, options: &MediaOptions) -> Self {
        let units = (options.picture_memory_bytes / UNIT).min(Semaphore::MAX_PERMITS as u64 / 2);
        let permits = usize::try_from(units).unwrap_or(usize::MAX);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let memory = Memory {
            units: Arc::new(Semaphore::new(permits)),
            all: units,
            waiting: Semaphore::new(options.waiting_max),
        };
        Self { dir, memory: Arc::new(memory), threads: Arc::new(Semaphore::new(threads)), turns: Turns::default() }
    }

    /// Memory for whole pictures.
    pub(crate) fn memory(&self) -> Arc<Memory> {
        self.memory.clone()
    }

    /// Waits for memory: see [`Memory::reserve`].
    pub(crate) async fn reserve(&self, bytes: u64) -> Result<OwnedSemaphorePermit, CommandError> {
        self.memory.reserve(bytes).await
    }

    /// Waits until nobody else makes the same.
    pub(crate) async fn turn(&self, hash: &str) -> OwnedMutexGuard<()> {
        self.turns.take(hash).await
    }

    /// A smaller form, if it was made.
    pub(crate) async fn made(&self, hash: &str, form: SmallerForm) -> Result<Option<Smaller>, CommandError> {
        for (ending, content_type) in [("jpg", "image/jpeg"), ("png", "image/png")] {
            if let Some(bytes) = self.read(hash, &format!("{}.{ending}", name(form))).await? {
                return Ok(Some(Smaller { content_type, bytes: bytes.into() }));
            }
        }
        Ok(None)
    }

    /// Whether everything was made of a picture.
    pub(crate) async fn all_made(&self, hash: &str) -> Result<bool, CommandError> {
        for form in [SmallerForm::Thumbnail, SmallerForm::Preview] {
            if self.made(hash, form).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(self.blur_hash(hash).await?.is_some())
    }

    /// The blur hash, if it was made.
    pub(crate) async fn blur_hash(&self, hash: &str) -> Result<Option<String>, CommandError> {
        let read = self.read(hash, "blur").await?;
        read.map(|bytes| String::from_utf8(bytes).map_err(failed)).transpose()
    }

    /// Deletes whatever was made of a picture.
    pub(crate) async fn delete(&self, hash: &str) -> Result<(), CommandError> {
        let forms = [SmallerForm::Thumbnail, SmallerForm::Preview].map(name);
        let endings = forms.iter().flat_map(|form| [format!("{form}.jpg"), format!("{form}.png")]);
        let paths: Vec<PathBuf> =
            std::iter::once("blur".to_owned()).chain(endings).map(|ending| self.path(hash, &ending)).collect();
        let delete = move || {
            paths.iter().try_for_each(|path| match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            })
        };
        spawn_blocking(delete).await.map_err(failed)?.map_err(failed)
    }

    async fn read(&self, hash: &str, ending: &str) -> Result<Option<Vec<u8>>, CommandError> {
        let path = self.path(hash, ending);
        match spawn_blocking(move || fs::read(path)).await.map_err(failed)? {
            // An empty one is what a crash has left of it: it is not synced.
            Ok(bytes) => Ok(Some(bytes).filter(|bytes| !bytes.is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn path(&self, hash: &str, ending: &str) -> PathBuf {
        let folder: String = hash.chars().take(2).collect();
        self.dir.join(folder).join(format!("{hash}-{ending}"))
    }

    /// Makes all that is smaller than a picture.
    pub(crate) async fn make(&self, hash: &str, whole: Bytes, held: OwnedSemaphorePermit) -> Result<(), CommandError> {
        // It was taken in by these very rules; what they were then, it keeps.
        let rules = MediaPolicy { picture_pixels: u64::MAX / 8, ..MediaPolicy::default() };
        let picture = picture::inspect(&whole, &rules)?;
        // Beside the picture as it is, its pixels, and all that is made of them, which is far less.
        drop(held);
        let _memory = self.memory.reserve(picture.decoding_bytes()).await?;
        let threads = self.threads.clone().acquire_owned().await;
        let _thread = threads.map_err(|_: AcquireError| CommandError::Crowded)?;
        let paths = [SmallerForm::Preview, SmallerForm::Thumbnail].map(|form| (form, self.path(hash, name(form))));
        let blur = self.path(hash, "blur");
        let make = move || {
            let mut decoded = decoded(&whole, &picture)?;
            drop(whole);
            for (form, path) in paths {
                // Each is made of the larger one before it.
                decoded = fitting(decoded, form);
                let (ending, bytes) = written(&decoded).map_err(failed)?;
                keep(&path.with_extension(ending), &bytes).map_err(failed)?;
            }
            keep(&blur, blurred(&decoded)?.as_bytes()).map_err(failed)
        };
        spawn_blocking(make).await.map_err(failed)?
    }
}

fn name(form: SmallerForm) -> &'static str {
    match form {
        SmallerForm::Thumbnail => "thumbnail",
        SmallerForm::Preview => "preview",
    }
}

fn side(form: SmallerForm) -> u32 {
    match form {
        SmallerForm::Thumbnail => 320,
        SmallerForm::Preview => 1_280,
    }
}

/// The pixels of a picture, of a moving one's first frame, in the largest form. Turned last: turning takes as much memory
/// again as there is to be turned.
fn decoded(whole: &Bytes, picture: &Picture) -> Result<DynamicImage, CommandError> {
    let broken = |_| Rejection::MediumBroken { what: "its pixels can't be read" };
    let mut limits = Limits::default();
    limits.max_alloc = Some(picture.decoding_bytes());
    let mut reader = ImageReader::with_format(Cursor::new(whole), picture.format.decoded_as());
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = fitting(DynamicImage::from_decoder(decoder).map_err(broken)?, SmallerForm::Preview);
    image.apply_orientation(turned);
    Ok(image)
}

/// The picture, made smaller where it is larger than that form.
fn fitting(image: DynamicImage, form: SmallerForm) -> DynamicImage {
    let side = side(form);
    if image.width() <= side && image.height() <= side {
        return image;
    }
    // Averages over whole blocks of pixels, in one pass, however large the picture is; what is left is scaled well.
    let large = image.width().max(image.height()) > 4 * side;
    let image = if large { image.thumbnail(2 * side, 2 * side) } else { image };
    image.resize(side, side, FilterType::Triangle)
}

/// The picture as bytes, and their file's ending: JPEG, but for what one can see through.
fn written(image: &DynamicImage) -> Result<(&'static str, Vec<u8>), image::ImageError> {
    let mut bytes = vec![];
    if image.color().has_alpha() && image.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX) {
        DynamicImage::ImageRgba8(image.to_rgba8()).write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png)?;
        return Ok(("png", bytes));
    }
    JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(&image.to_rgb8())?;
    Ok(("jpg", bytes))
}

fn blurred(image: &DynamicImage) -> Result<String, CommandError> {
    let small = image.thumbnail(BLURRED_SIDE, BLURRED_SIDE).to_rgba8();
    blurhash::encode(WAVES.0, WAVES.1, small.width(), small.height(), &small).map_err(failed)
}

/// Writes a file whole or not at all. It is not synced: what a crash takes is made again.
fn keep(path: &std::path::Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(path);
    fs::create_dir_all(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
