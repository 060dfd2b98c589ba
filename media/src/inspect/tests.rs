//! What is taken and what is not, on bytes made here.

use std::io::Cursor;

use bytes::Bytes;
use commands::media::Claim;
use domain::{MediumKind, Rejection, medium::MediumFacts, policy::MediaPolicy};
use image::{DynamicImage, ImageFormat};

use super::{Inspected, Kept, inspect};

/// A box of MPEG-4.
fn mpeg4_box(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).unwrap();
    [length.to_be_bytes().as_slice(), name, content].concat()
}

fn track(handler: &[u8; 4], width: u32, height: u32) -> Vec<u8> {
    let mut header = vec![0; 84];
    header[40..44].copy_from_slice(&0x1_0000_u32.to_be_bytes());
    header[76..80].copy_from_slice(&(width << 16).to_be_bytes());
    header[80..84].copy_from_slice(&(height << 16).to_be_bytes());
    let handled = [[0; 8].as_slice(), handler, &[0; 12]].concat();
    let media = mpeg4_box(b"mdia", &mpeg4_box(b"hdlr", &handled));
    mpeg4_box(b"trak", &[mpeg4_box(b"tkhd", &header), media].concat())
}

/// An MP4 that lasts so many milliseconds, with those tracks and a place in its user data.
fn mp4(milliseconds: u32, tracks: &[Vec<u8>]) -> Vec<u8> {
    let header = [[0; 12].as_slice(), &1_000_u32.to_be_bytes(), &milliseconds.to_be_bytes(), &[0; 80]].concat();
    let place = mpeg4_box(b"udta", b"+30.2741+120.1551/");
    let description = [vec![mpeg4_box(b"mvhd", &header)], tracks.to_vec(), vec![place]].concat().concat();
    [mpeg4_box(b"ftyp", b"isom\0\0\0\0"), mpeg4_box(b"moov", &description), mpeg4_box(b"mdat", &[7; 50])].concat()
}

/// A page of Ogg: its number, its marks, how many samples there are up to its end.
fn ogg_page(number: u32, marks: u8, granule: u64, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    let head = [b"OggS\0".as_slice(), &[marks], &granule.to_le_bytes(), &[1, 0, 0, 0], &number.to_le_bytes()].concat();
    let content = [&[1, length], content].concat();
    // As RFC 3533 has it, bit by bit.
    let checksum = [&head, [0; 4].as_slice(), &content].concat().iter().fold(0_u32, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte) << 24,
            |sum, _| {
                if sum >> 31 == 1 { sum << 1 ^ 0x04C1_1DB7 } else { sum << 1 }
            },
        )
    });
    [head, checksum.to_le_bytes().to_vec(), content].concat()
}

fn opus(milliseconds: u64) -> Vec<u8> {
    let header = [b"OpusHead\x01\x01".as_slice(), &312_u16.to_le_bytes(), &[0; 7]].concat();
    let sound = ogg_page(2, 4, 312 + milliseconds * 48, &[9; 40]);
    [ogg_page(0, 2, 0, &header), ogg_page(1, 0, 0, b"OpusTags"), sound].concat()
}

fn amr(frames: usize) -> Vec<u8> {
    [b"#!AMR\n".to_vec(), [[0x3C].as_slice(), &[1; 31]].concat().repeat(frames)].concat()
}

fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    [id, &[0x40, length], content].concat()
}

fn webm(told: bool) -> Vec<u8> {
    let video = element(&[0xE0], &[element(&[0xB0], &[0x02, 0x80]), element(&[0xBA], &[0x01, 0xE0])].concat());
    let tracks = element(&[0x16, 0x54, 0xAE, 0x6B], &element(&[0xAE], &video));
    let duration = if told { element(&[0x44, 0x89], &2_500_f32.to_be_bytes()) } else { vec![] };
    let info = element(&[0x15, 0x49, 0xA9, 0x66], &duration);
    let block = element(&[0xA3], &[0x81, 0x01, 0xF4, 0x80, 1, 2, 3]);
    let cluster = element(&[0x1F, 0x43, 0xB6, 0x75], &[element(&[0xE7], &[0x03, 0xE8]), block].concat());
    // The segment does not say where it ends, as of something that was recorded live.
    let segment = [[0x18, 0x53, 0x80, 0x67, 0xFF].as_slice(), &info, &tracks, &cluster].concat();
    [element(&[0x1A, 0x45, 0xDF, 0xA3], &element(&[0x42, 0x82], b"webm")), segment].concat()
}

fn picture(format: ImageFormat) -> Vec<u8> {
    let mut bytes = vec![];
    let pixels = image::RgbImage::from_fn(33, 21, |x, y| image::Rgb([x as u8 * 7, y as u8 * 9, (x * y) as u8]));
    DynamicImage::ImageRgb8(pixels).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

const FORMATS: [ImageFormat; 4] = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP];

fn claim(kind: MediumKind) -> Claim {
    Claim { kind, name: "leaf".into(), waveform: vec![], bytes: None, policy: MediaPolicy::default() }
}

fn look(kind: MediumKind, bytes: &[u8]) -> Result<Inspected, Rejection> {
    inspect(&claim(kind), &Bytes::copy_from_slice(bytes), u64::MAX)
}

fn facts(kind: MediumKind, bytes: &[u8]) -> MediumFacts {
    look(kind, bytes).unwrap().facts
}

/// What is kept of a picture.
fn kept(bytes: &[u8]) -> Vec<u8> {
    match look(MediumKind::Picture, bytes).unwrap().kept {
        Kept::Pieces(pieces) => pieces.concat(),
        other => panic!("{other:?}"),
    }
}

/// One sample of everything that is taken.
fn samples() -> Vec<(MediumKind, Vec<u8>)> {
    let pictures = FORMATS.map(|format| (MediumKind::Picture, picture(format)));
    let others = [
        (MediumKind::Voice, opus(2_000)),
        (MediumKind::Voice, amr(50)),
        (MediumKind::Voice, mp4(2_000, &[track(b"soun", 0, 0)])),
        (MediumKind::Video, mp4(9_000, &[track(b"soun", 0, 0), track(b"vide", 640, 480)])),
        (MediumKind::Video, webm(true)),
    ];
    pictures.into_iter().chain(others).collect()
}

#[test]
fn a_picture_stays_what_it_is_and_its_size_is_told() {
    for format in FORMATS {
        let bytes = picture(format);
        let facts = facts(MediumKind::Picture, &bytes);
        assert_eq!((facts.width, facts.height), (Some(33), Some(21)), "{format:?}");
        assert_eq!(facts.content_type, format.to_mime_type());
        assert_eq!(kept(&bytes), bytes, "{format:?}");
    }
}

#[test]
fn whatever_is_cut_off_anywhere_is_refused() {
    for (kind, bytes) in samples() {
        assert!(look(kind, &bytes).is_ok());
        let at_a_frame = |length: usize| bytes.starts_with(b"#!AMR") && length >= 38 && (length - 6).is_multiple_of(32);
        let at_a_page = |length: usize| bytes.starts_with(b"OggS") && bytes[length..].starts_with(b"OggS");
        for length in (0..bytes.len()).filter(|length| !at_a_page(*length) && !at_a_frame(*length)) {
            let cut = look(kind, &bytes[..length]);
            assert!(cut.is_err(), "{kind:?}: {length} of {} bytes", bytes.len());
        }
    }
}

#[test]
fn whatever_is_changed_anywhere_is_taken_or_refused_and_nothing_worse() {
    for (kind, bytes) in samples() {
        for at in 0..bytes.len().min(600) {
            for change in [0x00, 0x01, 0x7F, 0x80, 0xFF] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                // Whether it is taken depends on what was changed; what is taken as a picture is within the limits.
                if let Ok(Inspected { facts, .. }) = look(kind, &changed) {
                    let pixels =
                        facts.width.zip(facts.height).map(|(width, height)| u64::from(width) * u64::from(height));
                    assert!(kind != MediumKind::Picture || pixels.unwrap() <= 50_000_000);
                }
            }
        }
    }
}

#[test]
fn what_follows_the_end_of_a_picture_and_what_is_hidden_in_it_is_left_out() {
    let script = b"<script>alert(1)</script>PK\x03\x04";
    for format in FORMATS {
        let bytes = picture(format);
        assert_eq!(kept(&[&bytes, script.as_slice()].concat()), bytes, "{format:?}");
    }
    let jpeg = picture(ImageFormat::Jpeg);
    let comment = [[0xFF, 0xFE, 0, 2 + 25].as_slice(), &script[..25]].concat();
    assert_eq!(kept(&[&jpeg[..2], &comment, &jpeg[2..]].concat()), jpeg);
    let png = picture(ImageFormat::Png);
    let text = [b"tEXt".as_slice(), script].concat();
    let chunk = [&(script.len() as u32).to_be_bytes(), text.as_slice(), &crc32fast::hash(&text).to_be_bytes()].concat();
    assert_eq!(kept(&[&png[..33], &chunk, &png[33..]].concat()), png);
    let gif = picture(ImageFormat::Gif);
    let comment = [[0x21, 0xFE, 25].as_slice(), &script[..25], &[0]].concat();
    let (pixels, end) = gif.split_at(gif.len() - 1);
    assert_eq!(kept(&[pixels, &comment, end].concat()), gif);
    let mut webp = picture(ImageFormat::WebP);
    let plain = webp.clone();
    webp.extend([b"EXIF".as_slice(), &4_u32.to_le_bytes(), b"GPS!"].concat());
    let length = u32::try_from(webp.len() - 8).unwrap();
    webp[4..8].copy_from_slice(&length.to_le_bytes());
    assert_eq!(kept(&webp), plain);
}

#[test]
fn of_exif_stays_only_how_the_picture_is_turned() {
    let jpeg = picture(ImageFormat::Jpeg);
    let exif = [b"Exif\0\0".as_slice(), TURNED].concat();
    let block = [&[0xFF, 0xE1], &(exif.len() as u16 + 2).to_be_bytes(), exif.as_slice()].concat();
    let turned = [&jpeg[..2], &block, &jpeg[2..]].concat();
    let facts = facts(MediumKind::Picture, &turned);
    assert_eq!((facts.width, facts.height), (Some(21), Some(33)));
    let kept = kept(&turned);
    assert!(!kept.windows(3).any(|three| three == b"GPS"));
    let mut decoder = image::ImageReader::with_format(Cursor::new(&kept), ImageFormat::Jpeg).into_decoder().unwrap();
    let orientation = image::ImageDecoder::orientation(&mut decoder).unwrap();
    assert_eq!(orientation, image::metadata::Orientation::Rotate270);
    assert_eq!(look(MediumKind::Picture, &kept).map(|again| again.facts), Ok(facts));
}

/// EXIF that says that a picture is turned by three quarters, and where it was taken.
const TURNED: &[u8] = b"II\x2A\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0GPS here";

/// A chunk of PNG.
fn png_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let named = [name, content].concat();
    [&(content.len() as u32).to_be_bytes(), named.as_slice(), &crc32fast::hash(&named).to_be_bytes()].concat()
}

/// A WebP that describes itself, with a chunk of EXIF at its end.
fn webp_with_exif(exif: &[u8]) -> Vec<u8> {
    let pixels = &picture(ImageFormat::WebP)[12..];
    let description = [b"VP8X\x0A\0\0\0\x0C\0\0\0".as_slice(), &[32, 0, 0, 20, 0, 0]].concat();
    let padding = if exif.len().is_multiple_of(2) { b"".as_slice() } else { b"\0" };
    let exif = [b"EXIF".as_slice(), &(exif.len() as u32).to_le_bytes(), exif, padding].concat();
    let length = (4 + description.len() + pixels.len() + exif.len()) as u32;
    [b"RIFF".as_slice(), &length.to_le_bytes(), b"WEBP", &description, pixels, &exif].concat()
}

#[test]
fn a_png_and_a_webp_are_turned_as_exif_says_and_nothing_else_of_it_stays() {
    let png = picture(ImageFormat::Png);
    let png = |exif: &[u8], at: usize| [&png[..at], &png_chunk(b"eXIf", exif), &png[at..]].concat();
    let marked = [b"Exif\0\0".as_slice(), TURNED].concat();
    let end = picture(ImageFormat::Png).len() - 12;
    for (format, turned) in [
        (ImageFormat::Png, png(TURNED, 33)),
        (ImageFormat::Png, png(TURNED, end)),
        (ImageFormat::WebP, webp_with_exif(TURNED)),
        (ImageFormat::WebP, webp_with_exif(&marked)),
    ] {
        let facts = facts(MediumKind::Picture, &turned);
        assert_eq!((facts.width, facts.height), (Some(21), Some(33)), "{format:?}");
        let kept = kept(&turned);
        assert!(!kept.windows(3).any(|three| three == b"GPS"), "{format:?}");
        let mut decoder = image::ImageReader::with_format(Cursor::new(&kept), format).into_decoder().unwrap();
        let orientation = image::ImageDecoder::orientation(&mut decoder).unwrap();
        assert_eq!(orientation, image::metadata::Orientation::Rotate270, "{format:?}");
        assert_eq!(DynamicImage::from_decoder(decoder).unwrap().width(), 33, "{format:?}");
        assert_eq!(super::tests::kept(&kept), kept, "{format:?}");
    }
    // What says nothing of it leaves nothing behind.
    let plain = picture(ImageFormat::Png);
    assert_eq!(kept(&png(b"GPS!", 33)), plain);
    assert_eq!(kept(&webp_with_exif(b"GPS!"))[20], 0);
}

#[test]
fn a_picture_whose_pixels_need_more_memory_than_there_is_is_refused() {
    let needed = 33 * 21 * 4;
    let png = Bytes::from(picture(ImageFormat::Png));
    let look = |kind, memory| inspect(&claim(kind), &png, memory).map(|found| found.facts.width);
    assert_eq!(look(MediumKind::Picture, needed + png.len() as u64), Ok(Some(33)));
    let refused = Rejection::MediumTooLarge { max: needed, unit: "bytes of memory to be read" };
    assert_eq!(look(MediumKind::Picture, needed), Err(refused));
    // Of a file nothing is made smaller.
    assert_eq!(look(MediumKind::File, needed), Ok(Some(33)));
}

#[test]
fn a_picture_that_claims_too_many_pixels_is_refused_before_anybody_reads_one() {
    let mut png = picture(ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0x7F, 0xFF, 0, 0, 0x7F, 0xFF]);
    let checksum = crc32fast::hash(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    let refused = look(MediumKind::Picture, &png).map(|found| found.facts);
    assert_eq!(refused, Err(Rejection::MediumTooLarge { max: 50_000_000, unit: "pixels" }));
    // A moving picture of few bytes and many large frames: each is one pixel of a colour, repeated.
    let frame = [0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0];
    let gif = [b"GIF89a\x10\x27\x10\x27\0\0\0".as_slice(), &frame.repeat(3), b"\x3B"].concat();
    let refused = look(MediumKind::Picture, &gif).map(|found| found.facts);
    assert_eq!(refused, Err(Rejection::MediumTooLarge { max: 50_000_000, unit: "pixels" }));
    let gif = [b"GIF89a\x88\x13\x88\x13\0\0\0".as_slice(), &frame.repeat(9), b"\x3B"].concat();
    let refused = look(MediumKind::Picture, &gif).map(|found| found.facts);
    assert_eq!(refused, Err(Rejection::MediumTooLarge { max: 200_000_000, unit: "pixels in all frames" }));
}

#[test]
fn how_long_sound_and_films_last_is_read_from_them() {
    let lasting = |kind, bytes: &[u8]| facts(kind, bytes).duration_ms;
    assert_eq!(lasting(MediumKind::Voice, &opus(2_000)), Some(2_000));
    assert_eq!(lasting(MediumKind::Voice, &amr(50)), Some(1_000));
    assert_eq!(lasting(MediumKind::Voice, &mp4(60_900, &[track(b"soun", 0, 0)])), Some(60_900));
    assert_eq!(lasting(MediumKind::Video, &webm(true)), Some(2_500));
    assert_eq!(lasting(MediumKind::Video, &webm(false)), Some(1_500));
    let film = facts(MediumKind::Video, &mp4(9_000, &[track(b"vide", 640, 480)]));
    assert_eq!((film.width, film.height, film.content_type.as_str()), (Some(640), Some(480), "video/mp4"));
    for too_long in [opus(61_000), amr(3_050), mp4(61_000, &[track(b"soun", 0, 0)])] {
        let refused = look(MediumKind::Voice, &too_long).map(|found| found.facts);
        assert_eq!(refused, Err(Rejection::MediumTooLarge { max: 60, unit: "seconds" }));
    }
}

#[test]
fn a_film_of_too_many_parts_is_refused() {
    let film = [webm(true), [0xEC, 0x80].repeat(87)].concat();
    let look =
        |parts_max| super::webm::inspect(&mut Cursor::new(&film), film.len() as u64, parts_max).map(|film| film.size);
    assert_eq!(look(100), Ok(Some((640, 480))));
    assert_eq!(look(99), Err(super::broken("it has too many parts")));
}

/// The media box of a track of sound that says how long it lasts, and how long its 100 samples do, in milliseconds.
fn sound(told: u32, samples: u32) -> Vec<u8> {
    let header = [[0; 12].as_slice(), &1_000_u32.to_be_bytes(), &told.to_be_bytes(), &[0; 4]].concat();
    let table = [[0; 4].as_slice(), &1_u32.to_be_bytes(), &100_u32.to_be_bytes(), &(samples / 100).to_be_bytes()];
    let tables = mpeg4_box(b"minf", &mpeg4_box(b"stbl", &mpeg4_box(b"stts", &table.concat())));
    let handler = mpeg4_box(b"hdlr", &[[0; 8].as_slice(), b"soun", &[0; 12]].concat());
    mpeg4_box(b"trak", &mpeg4_box(b"mdia", &[mpeg4_box(b"mdhd", &header), handler, tables].concat()))
}

#[test]
fn a_header_that_says_less_than_there_is_does_not_make_it_shorter() {
    let lasting = |kind, bytes: &[u8]| look(kind, bytes).map(|found| found.facts.duration_ms.unwrap());
    let too_long = Err(Rejection::MediumTooLarge { max: 60, unit: "seconds" });
    assert_eq!(lasting(MediumKind::Voice, &mp4(1_000, &[sound(1_000, 900)])), Ok(1_000));
    assert_eq!(lasting(MediumKind::Voice, &mp4(1_000, &[sound(70_000, 900)])), too_long);
    assert_eq!(lasting(MediumKind::Voice, &mp4(1_000, &[sound(1_000, 70_000)])), too_long);
    assert_eq!(lasting(MediumKind::Voice, &mp4(1_000, &[sound(u32::MAX, 2_000)])), Ok(2_000));
    let beginning = &opus(1)[..opus(1).len() - 68];
    let pages = [ogg_page(2, 0, 312 + 70_000 * 48, &[9; 40]), ogg_page(3, 4, 312 + 48_000, &[9; 40])].concat();
    let back = [beginning, &pages].concat();
    assert_eq!(lasting(MediumKind::Voice, &back), Err(super::broken("a page goes back in time")));
    let mut film = webm(true);
    let told = film.windows(4).position(|four| four == 2_500_f32.to_be_bytes()).unwrap();
    film[told..told + 4].copy_from_slice(&5_f32.to_be_bytes());
    assert_eq!(lasting(MediumKind::Video, &film), Ok(1_500));
}

#[test]
fn sound_in_ogg_is_whole_in_its_pages() {
    let whole = opus(1_000);
    let beginning = &whole[..whole.len() - 68];
    let ending = |pages: &[Vec<u8>]| look(MediumKind::Voice, &[beginning, &pages.concat()].concat());
    let sound = |number, marks, ms: u64| ogg_page(number, marks, 312 + ms * 48, &[9; 40]);
    let lasting = ending(&[sound(2, 0, 500), ogg_page(3, 0, u64::MAX, &[9; 40]), sound(4, 4, 900)]);
    assert_eq!(lasting.unwrap().facts.duration_ms, Some(900));
    let unmarked = ending(&[sound(2, 0, 500)]);
    assert_eq!(unmarked.unwrap().facts.duration_ms, Some(500));
    for (pages, what) in [
        (vec![sound(2, 0, 500), sound(4, 4, 900)], "a page is missing"),
        (vec![sound(2, 4, 500), sound(3, 4, 900)], "there is more in it than one voice"),
        (vec![sound(2, 4, 500), whole.clone()], "there is more in it than one voice"),
    ] {
        assert_eq!(ending(&pages).map(|found| found.facts), Err(super::broken(what)));
    }
    let headless = look(MediumKind::Voice, &sound(0, 4, 500)).map(|found| found.facts);
    assert_eq!(headless, Err(super::broken("its beginning is missing")));
    for at in 0..whole.len() {
        let mut altered = whole.clone();
        altered[at] ^= 0x10;
        assert!(look(MediumKind::Voice, &altered).is_err(), "byte {at}");
    }
}

/// A film that was written while it was recorded: it says nothing of how long it lasts but in its fragments, here each with
/// a header, when it begins, and its samples.
fn fragmented(fragments: &[(Vec<u8>, u32, Vec<u8>)]) -> Vec<u8> {
    let header = [[0; 12].as_slice(), &1_000_u32.to_be_bytes(), &[0; 84]].concat();
    let mut described = track(b"vide", 640, 480);
    // Its number, and a media header with its units: a ninety thousandth of a second.
    described[8 + 8 + 12..][..4].copy_from_slice(&7_u32.to_be_bytes());
    let units = [[0; 12].as_slice(), &90_000_u32.to_be_bytes(), &[0; 8]].concat();
    let units = mpeg4_box(b"mdhd", &units);
    let (before, handled) = described.split_at(8 + 92 + 8);
    let mut described = [before, &units, handled].concat();
    for at in [0, 8 + 92] {
        let length = u32::from_be_bytes(described[at..at + 4].try_into().unwrap()) + units.len() as u32;
        described[at..at + 4].copy_from_slice(&length.to_be_bytes());
    }
    let usual = [[0; 4].as_slice(), &7_u32.to_be_bytes(), &[0; 4], &3_000_u32.to_be_bytes(), &[0; 8]].concat();
    let extends = mpeg4_box(b"mvex", &mpeg4_box(b"trex", &usual));
    let description = mpeg4_box(b"moov", &[mpeg4_box(b"mvhd", &header), described, extends].concat());
    let fragments = fragments.iter().map(|(header, begins, run)| {
        let begins = [[0; 4], begins.to_be_bytes()].concat();
        let parts = [mpeg4_box(b"tfhd", header), mpeg4_box(b"tfdt", &begins), mpeg4_box(b"trun", run)].concat();
        [mpeg4_box(b"moof", &mpeg4_box(b"traf", &parts)), mpeg4_box(b"mdat", &[7; 50])].concat()
    });
    [mpeg4_box(b"ftyp", b"iso5\0\0\0\0"), description, fragments.collect::<Vec<_>>().concat()].concat()
}

#[test]
fn a_film_in_fragments_lasts_as_long_as_what_is_in_them() {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    let lasting =
        |fragments: &[_]| look(MediumKind::Video, &fragmented(fragments)).map(|found| found.facts.duration_ms);
    // Thirty samples as long as the description says; as the fragment says; each as it says itself, with its size.
    let usual = (words(&[0, 7]), 0, words(&[0, 30]));
    let told = (words(&[0x09, 7, 0, 0, 6_000]), 90_000, words(&[0x01, 30, 88]));
    let each = (words(&[0, 7]), 270_000, words(&[0x305, 2, 88, 0, 45_000, 9, 90_000, 9]));
    assert_eq!(lasting(std::slice::from_ref(&usual)), Ok(Some(1_000)));
    assert_eq!(lasting(&[usual.clone(), told.clone(), each.clone()]), Ok(Some(4_500)));
    // What is left out in between is waited for; where all of it begins does not matter.
    assert_eq!(lasting(&[usual.clone(), each]), Ok(Some(4_500)));
    assert_eq!(lasting(&[told]), Ok(Some(2_000)));
    // Fragments that say to begin at the same time last as long as all of them.
    assert_eq!(lasting(&[usual.clone(), usual.clone()]), Ok(Some(2_000)));
    let long = (words(&[0, 7]), 0, words(&[0, 30 * 301]));
    assert_eq!(lasting(&[long]), Err(Rejection::MediumTooLarge { max: 300, unit: "seconds" }));
    let nobody_s = (words(&[0, 8]), 0, words(&[0, 30]));
    assert_eq!(lasting(&[nobody_s]), Err(super::broken("a fragment is of no track")));
    let cut = (words(&[0, 7]), 0, words(&[0x100, u32::MAX, 1]));
    assert_eq!(lasting(&[cut]), Err(super::CUT_OFF));
}

#[test]
fn what_cameras_write_into_a_film_is_blanked_wherever_it_is_also_in_a_file() {
    let place = |name| mpeg4_box(name, b"Hangzhou");
    let media = mpeg4_box(b"mdia", &[mpeg4_box(b"minf", &place(b"free")), place(b"udta")].concat());
    let described = mpeg4_box(b"trak", &[place(b"meta"), media].concat());
    let film = [mp4(9_000, &[track(b"vide", 640, 480), described]), place(b"free"), place(b"uuid")].concat();
    for kind in [MediumKind::Video, MediumKind::File] {
        let Kept::Blanked(boxes) = look(kind, &film).unwrap().kept else { panic!("nothing is blanked") };
        let blanked = crate::incoming::blanked(&Bytes::from(film.clone()), &boxes);
        assert_eq!(blanked.len(), film.len());
        assert!(!blanked.windows(8).any(|eight| eight == b"Hangzhou") && look(MediumKind::Video, &blanked).is_ok());
    }
    // Of anything else that begins like it, nobody knows what matters.
    let mut picture = film.clone();
    picture[8..12].copy_from_slice(b"heic");
    for kept in [picture, film[..film.len() - 1].to_vec()] {
        assert!(matches!(look(MediumKind::File, &kept).unwrap().kept, Kept::Whole));
    }
    let many = mpeg4_box(b"moof", &mpeg4_box(b"free", b"x").repeat(60_000));
    let many = [film.clone(), many.clone(), many].concat();
    let refused = look(MediumKind::Video, &many).map(|found| found.facts);
    assert_eq!(refused, Err(super::broken("it has too many parts")));
    let deep = (0..20).fold(vec![], |inner, _| mpeg4_box(b"trak", &inner));
    assert!(look(MediumKind::Video, &mp4(9_000, &[track(b"vide", 640, 480), deep])).is_err());
}

#[test]
fn a_file_that_only_begins_like_a_picture_is_kept_as_it_is() {
    for bytes in [b"GIF89a is a format".to_vec(), picture(ImageFormat::Jpeg)[..200].to_vec()] {
        assert!(look(MediumKind::Picture, &bytes).is_err());
        let Inspected { facts, kept } = look(MediumKind::File, &bytes).unwrap();
        assert_eq!((facts.content_type.as_str(), facts.width), ("application/octet-stream", None));
        assert!(matches!(kept, Kept::Whole), "{kept:?}");
    }
    let as_file = facts(MediumKind::File, &picture(ImageFormat::Png));
    assert_eq!((as_file.content_type.as_str(), as_file.width), ("image/png", Some(33)));
}

#[test]
fn what_the_writer_of_a_film_adds_for_itself_is_blanked() {
    let film = [mp4(9_000, &[track(b"vide", 640, 480)]), mpeg4_box(b"SDLN", b"Hangzhou")].concat();
    let Kept::Blanked(boxes) = look(MediumKind::Video, &film).unwrap().kept else { panic!("nothing is blanked") };
    assert!(boxes.iter().any(|(_, content)| &film[content.start as usize..content.end as usize] == b"Hangzhou"));
    assert!(look(MediumKind::Video, &[film, mpeg4_box(b"\0\x01\x02\x03", b"")].concat()).is_err());
}

#[test]
fn what_is_of_another_kind_than_it_is_brought_as_is_refused() {
    let film = mp4(9_000, &[track(b"vide", 640, 480)]);
    assert!(look(MediumKind::Voice, &film).is_err());
    assert!(look(MediumKind::Video, &mp4(9_000, &[track(b"soun", 0, 0)])).is_err());
    assert!(look(MediumKind::Voice, &opus(0)).is_err());
    for (kind, bytes) in samples() {
        for other in [MediumKind::Picture, MediumKind::Voice, MediumKind::Video] {
            assert!(other == kind || look(other, &bytes).is_err(), "{kind:?} as {other:?}");
        }
    }
}

#[test]
fn the_place_in_a_film_is_blanked_where_it_is() {
    let film = mp4(9_000, &[track(b"vide", 640, 480)]);
    let Kept::Blanked(boxes) = look(MediumKind::Video, &film).unwrap().kept else { panic!("nothing is blanked") };
    let [(name, content)] = boxes.as_slice() else { panic!("{boxes:?}") };
    let (name, content) = (*name as usize, content.start as usize..content.end as usize);
    assert_eq!((&film[name..name + 4], &film[content]), (b"udta".as_slice(), b"+30.2741+120.1551/".as_slice()));
}
