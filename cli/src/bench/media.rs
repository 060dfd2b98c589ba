//! `teahouse bench media`: bringing pictures, durable before it is acknowledged, against the disk itself; then fetching.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    Bench, Place, client,
    figure::Figure,
    load::{Repeated, Traffic, closed_loop},
    process::disk_bytes,
    server::{self, Server},
    world::{self, Census, Person},
};
use crate::error::Error;

const NAME: &str = "media";
/// Connections that bring pictures.
const BRINGERS: usize = 16;
/// Connections that fetch.
const FETCHERS: usize = 8;
/// How large a picture is, in bytes, but for a few.
const PICTURE_BYTES: usize = 1024 * 1024;
/// How large the file is that is fetched, in MiB.
const FILE_MIB: usize = 16;
/// Where in the picture below the numbers stand that make each unlike the others.
const NUMBERS: std::ops::Range<usize> = 41..49;

/// Measures.
///
/// # Errors
/// When the disk refuses, a server does not come up or a connection can't be made.
pub(super) async fn run(bench: &Bench) -> Result<(), Error> {
    let picture = picture()?;
    // They stay, empty, while the server writes: ext4 without a journal gives out no inode again that was freed within the
    // last minutes, and each new file would first pass over all of those.
    let bare_files = Place::make(bench)?;
    let bare = bare(bench, bare_files.path(), &picture)?;
    bare.tell(bench.json);
    empty(bare_files.path()).map_err(|error| Error::failed("emptying bare files", error))?;
    let place = Place::make(bench)?;
    let settings = server::settings(&place.data(), bench.store)?;
    let people = world::people(&settings, Census { loners: BRINGERS, ..Census::default() })?.loners;
    let server = Server::serve(&place.data(), bench.store)?;
    let idle = server.process().resident_mib();
    let before = disk_bytes(&place.data());
    let traffic = people.iter().zip(0..).map(|(person, number)| Bringing::new(person, &picture, number)).collect();
    let answered = closed_loop(server.address, server.process(), traffic, bench.seconds).await?;
    let (all, resident) = (answered.all, answered.rss_mib);
    let case = format!("pictures of 1 MiB, {BRINGERS} connections, {:.0} MiB more than idle", resident - idle);
    let mut figure = answered.figure(NAME, case, bench.seconds).with_ceiling(bare.per_second);
    let grown = disk_bytes(&place.data()).saturating_sub(before);
    figure.disk_bytes_per_item = Some(grown as f64 / all.max(1) as f64);
    figure.tell(bench.json);
    fetching(bench, &server, people.first()).await?;
    server.stop()
}

/// Writes pictures as bare files, each synced, from as many threads as there are connections.
fn bare(bench: &Bench, dir: &Path, picture: &[u8]) -> Result<Figure, Error> {
    let (begun, took) = (Instant::now(), Duration::from_secs(bench.seconds));
    let write = |thread: usize| -> std::io::Result<u64> {
        let mut count = 0;
        while begun.elapsed() < took {
            let mut file = File::create(dir.join(format!("{thread}-{count}")))?;
            file.write_all(picture)?;
            file.sync_all()?;
            count += 1;
        }
        Ok(count)
    };
    let counts: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..BRINGERS).map(|thread| scope.spawn(move || write(thread))).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    let mut all = 0;
    for count in counts {
        let count = count.map_err(|_| Error::Failed("a thread that writes ended".to_owned()))?;
        all += count.map_err(|error| Error::failed("writing bare files", error))?;
    }
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|error| Error::failed("writing bare files", error))?;
    Ok(Figure::new(NAME, format!("bare files of 1 MiB, synced, {BRINGERS} threads"), all, begun.elapsed()))
}

/// Frees what files take of the disk and of memory.
fn empty(dir: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        File::options().write(true).open(entry?.path())?.set_len(0)?;
    }
    Ok(())
}

/// A real PNG of noise, which no compression makes smaller. Its physical size, which nothing looks at, is a number.
fn picture() -> Result<Vec<u8>, Error> {
    let failed = |error: png::EncodingError| Error::failed("drawing a picture", error);
    let side = 590_u32;
    let mut noise = 0x9E37_79B9_7F4A_7C15_u64;
    let pixels: Vec<u8> = (0..side * side * 3)
        .map(|_| {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            noise as u8
        })
        .collect();
    let mut bytes = Vec::with_capacity(PICTURE_BYTES);
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::NoCompression);
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: 0, yppu: 0, unit: png::Unit::Unspecified }));
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

/// Somebody who brings one picture after the other.
struct Bringing {
    request: Vec<u8>,
    /// Where the picture begins in the request.
    head: usize,
    number: u64,
}

impl Bringing {
    fn new(person: &Person, picture: &[u8], connection: u64) -> Self {
        let length = picture.len();
        let head = format!(
            "POST /v1/media?kind=picture HTTP/1.1\r\nHost: teahouse\r\nAuthorization: Bearer {}\r\n\
             Content-Type: image/png\r\nContent-Length: {length}\r\n\r\n",
            person.token
        );
        let request = [head.as_bytes(), picture].concat();
        Self { request, head: head.len(), number: connection << 40 }
    }
}

impl Traffic for Bringing {
    fn next(&mut self) -> &[u8] {
        self.number += 1;
        let at = |place: usize| self.head + place;
        if let Some(numbers) = self.request.get_mut(at(NUMBERS.start)..at(NUMBERS.end)) {
            numbers.copy_from_slice(&self.number.to_be_bytes());
        }
        // The checksum covers the chunk's name, the numbers and the unit.
        let checksum = self.request.get(at(NUMBERS.start - 4)..at(NUMBERS.end + 1)).map(crc32fast::hash);
        if let (Some(checksum), Some(place)) =
            (checksum, self.request.get_mut(at(NUMBERS.end + 1)..at(NUMBERS.end + 5)))
        {
            place.copy_from_slice(&checksum.to_be_bytes());
        }
        &self.request
    }
}

/// Fetches one file again and again: it is in the system's cache.
async fn fetching(bench: &Bench, server: &Server, person: Option<&Person>) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::failed("bringing the file", error);
    let person = person.ok_or_else(|| Error::Failed("there is nobody".to_owned()))?;
    let mut connection = client::Connection::open(server.address).await.map_err(failed)?;
    let file = vec![b'x'; FILE_MIB * 1024 * 1024];
    let head = format!(
        "POST /v1/media?kind=file&name=leaves HTTP/1.1\r\nHost: teahouse\r\nAuthorization: Bearer {}\r\n\
         Content-Length: {}\r\n\r\n",
        person.token,
        file.len()
    );
    let text = |answer: &[u8], at: &str| -> Result<String, Error> {
        let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
        let found = answer.pointer(at).and_then(serde_json::Value::as_str).map(str::to_owned);
        found.ok_or_else(|| Error::Failed(format!("no {at} in {answer}")))
    };
    let (_, answer) = connection.exchange(&[head.as_bytes(), &file].concat()).await.map_err(failed)?;
    let path = format!("/v1/media/{}", text(answer, "/medium")?);
    let (_, answer) = connection.exchange(&client::get(&path, &person.token)).await.map_err(failed)?;
    let link = text(answer, "/links/original")?;
    let traffic = (0..FETCHERS).map(|_| Repeated(client::get(&link, &person.token))).collect();
    let answered = closed_loop(server.address, server.process(), traffic, bench.seconds).await?;
    let mut figure =
        answered.figure(NAME, format!("MiB of files of {FILE_MIB} MiB, cached, {FETCHERS} connections"), bench.seconds);
    figure.items *= FILE_MIB as u64;
    figure.per_second *= FILE_MIB as f64;
    figure.tell(bench.json);
    Ok(())
}
