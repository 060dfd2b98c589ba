//! Pictures: taken apart and put together again, so that what is kept holds nothing but the picture.

use bytes::Bytes;
use domain::{Rejection, policy::MediaPolicy};
use image::ImageFormat;

use super::{PICTURES, gif, jpeg, png, webp};

/// Longest side, in pixels.
const SIDE_MAX: u64 = 32_767;
/// All frames of a moving picture may have so many times the pixels of a still one.
const MOVING: u64 = 4;

/// A format that pictures are taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    Gif,
    Webp,
}

impl Format {
    /// The format that bytes begin like.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            _ if head.starts_with(png::SIGNATURE) => Some(Self::Png),
            _ if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") => Some(Self::Gif),
            _ if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") => Some(Self::Webp),
            _ => None,
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    /// How `image` calls it.
    pub(crate) fn decoded_as(self) -> ImageFormat {
        match self {
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Png => ImageFormat::Png,
            Self::Gif => ImageFormat::Gif,
            Self::Webp => ImageFormat::WebP,
        }
    }
}

/// A picture that was taken apart. Its pixels were not looked at.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) format: Format,
    /// As it is shown.
    pub(crate) width: u32,
    /// As it is shown.
    pub(crate) height: u32,
    pub(crate) frames: u64,
    /// Most memory that a reader needs for each pixel.
    pub(crate) bytes_per_pixel: u64,
    /// What stays of it, in order.
    pub(crate) pieces: Vec<Bytes>,
}

impl Picture {
    /// Memory that reading its first frame takes at most, in bytes.
    pub(crate) fn decoding_bytes(&self) -> u64 {
        let whole: usize = self.pieces.iter().map(Bytes::len).sum();
        u64::from(self.width) * u64::from(self.height) * self.bytes_per_pixel + whole as u64
    }
}

/// What is said of a picture that is not read in so many bytes of memory.
pub(crate) fn needs_more_memory(max: u64) -> Rejection {
    Rejection::MediumTooLarge { max, unit: "bytes of memory to be read" }
}

/// Takes a picture apart.
///
/// # Errors
/// [`Rejection::MediumUnsupported`], [`Rejection::MediumBroken`], [`Rejection::MediumTooLarge`].
pub(crate) fn inspect(bytes: &Bytes, policy: &MediaPolicy) -> Result<Picture, Rejection> {
    let picture = match Format::of(bytes) {
        Some(Format::Jpeg) => jpeg::inspect(bytes),
        Some(Format::Png) => png::inspect(bytes),
        Some(Format::Gif) => gif::inspect(bytes),
        Some(Format::Webp) => webp::inspect(bytes),
        None => Err(Rejection::MediumUnsupported { formats: PICTURES }),
    }?;
    let (width, height) = (u64::from(picture.width), u64::from(picture.height));
    if width == 0 || height == 0 {
        return Err(super::cursor::broken("it has no pixels"));
    }
    if width.max(height) > SIDE_MAX {
        return Err(Rejection::MediumTooLarge { max: SIDE_MAX, unit: "pixels a side" });
    }
    if width * height > policy.picture_pixels {
        return Err(Rejection::MediumTooLarge { max: policy.picture_pixels, unit: "pixels" });
    }
    let moving_max = MOVING * policy.picture_pixels;
    if width * height * picture.frames > moving_max {
        return Err(Rejection::MediumTooLarge { max: moving_max, unit: "pixels in all frames" });
    }
    Ok(picture)
}
