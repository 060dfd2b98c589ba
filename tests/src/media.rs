//! Pictures and files in tests: made here, brought, sent and fetched.

use std::{fs, io::Cursor, path::PathBuf};

use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::{
    Person, Reply, Server,
    people::{list_at, text_at},
};

/// A picture of some pixels, each unlike the one beside it.
#[must_use]
pub fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 7) as u8, (y * 5) as u8, (x * y) as u8]))
}

/// A picture in some format.
///
/// # Panics
/// For formats that it can't be written in.
#[must_use]
pub fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = vec![];
    picture(width, height).write_to(&mut Cursor::new(&mut bytes), format).expect("a format for pictures");
    bytes
}

/// A JPEG as a camera writes it: with EXIF that says where it was taken (`Hangzhou` stands for the place), turned by a
/// quarter.
#[must_use]
pub fn camera_picture(width: u32, height: u32) -> Vec<u8> {
    let plain = encoded(width, height, ImageFormat::Jpeg);
    let tiff = [
        b"MM\0\x2A\0\0\0\x08\0\x02".as_slice(),
        // How it is turned: 6. Where the directory with the place is.
        &[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0],
        &[0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0x26],
        b"\0\0\0\0GPSHangzhou",
    ]
    .concat();
    let exif = [b"Exif\0\0".as_slice(), &tiff].concat();
    let length = u16::try_from(exif.len() + 2).expect("it is short").to_be_bytes();
    [&plain[..2], &[0xFF, 0xE1], &length, &exif, &plain[2..]].concat()
}

/// The files in a server's folder of blobs.
///
/// # Panics
/// When it can't be read.
#[must_use]
pub fn blobs(server: &Server) -> Vec<PathBuf> {
    let folders = fs::read_dir(server.data().join("media/blobs")).expect("there is a folder of blobs");
    let files = folders.flat_map(|folder| fs::read_dir(folder.expect("a folder").path()).expect("a folder of files"));
    files.map(|file| file.expect("a file").path()).collect()
}

impl Person {
    /// Brings something as a kind, its bytes as the body.
    #[track_caller]
    pub fn bring(&self, kind: &str, bytes: &[u8]) -> Reply {
        self.send_bytes(
            "POST",
            &format!("/v1/media?kind={kind}&name=leaf.bin"),
            "application/octet-stream",
            bytes,
            None,
        )
    }

    /// Brings something, which must be taken, and gives its id.
    #[track_caller]
    #[must_use]
    pub fn medium(&self, kind: &str, bytes: &[u8]) -> String {
        text_at(&self.bring(kind, bytes).done(), "medium")
    }

    /// Sends a medium.
    #[track_caller]
    pub fn send_medium(&self, conversation: &str, kind: &str, medium: &str) -> Reply {
        let content = json!({ "kind": kind, "medium": medium });
        self.post(&format!("/v1/conversations/{conversation}/messages"), json!({ "content": content }))
    }

    /// The links to what a message carries.
    #[track_caller]
    #[must_use]
    pub fn links(&self, conversation: &str, seq: u64) -> Vec<Value> {
        list_at(&self.get(&format!("/v1/conversations/{conversation}/media?seqs={seq}")).done(), "media")
    }
}
