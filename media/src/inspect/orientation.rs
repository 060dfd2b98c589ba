//! How a picture is to be turned: all that stays of EXIF (CIPA DC-008), in a block of our own.

use image::metadata::Orientation;

/// What stands before EXIF in a JPEG, and in files of some writers elsewhere.
pub(super) const MARK: &[u8] = b"Exif\0\0";

/// What EXIF says of it; none where it says nothing.
pub(super) fn told(exif: &[u8]) -> Option<Orientation> {
    Orientation::from_exif_chunk(exif.strip_prefix(MARK).unwrap_or(exif))
}

/// EXIF that says nothing else; none for a picture that stands as it is.
pub(super) fn exif(orientation: Orientation) -> Option<Vec<u8>> {
    let directory = [
        b"MM\0\x2A\0\0\0\x08\0\x01".as_slice(),
        // Tag, type short, one of them, the value, padding; no further directory.
        &[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation.to_exif(), 0, 0],
        &[0, 0, 0, 0],
    ];
    (orientation != Orientation::NoTransforms).then(|| directory.concat())
}

/// Width and height as they are shown.
pub(super) fn shown(orientation: Orientation, (width, height): (u32, u32)) -> (u32, u32) {
    let sideways = matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    if sideways { (height, width) } else { (width, height) }
}
