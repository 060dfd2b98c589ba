//! QR codes as pictures.

use actix_web::HttpResponse;
use fast_qr::{ECL, QRBuilder, QRCode};

use crate::problem::Problem;

/// The light border that readers want around a code, in modules.
const BORDER: usize = 4;
/// How large a module is in a PNG, in pixels.
const MODULE_PIXELS: usize = 8;

/// The code of a text as an SVG picture.
///
/// # Errors
/// 500 for a text that fits into no code.
pub(crate) fn svg(text: &str) -> Result<HttpResponse, Problem> {
    let code = code(text)?;
    let side = code.size + 2 * BORDER;
    let dark: String = dark(&code).map(|(x, y)| format!("M{} {}h1v1h-1z", x + BORDER, y + BORDER)).collect();
    let picture = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><rect width="{side}" height="{side}" fill="#fff"/><path fill="#000" d="{dark}"/></svg>"##
    );
    Ok(HttpResponse::Ok().content_type("image/svg+xml").body(picture))
}

/// The code of a text as a PNG picture.
///
/// # Errors
/// 500 for a text that fits into no code.
pub(crate) fn png(text: &str) -> Result<HttpResponse, Problem> {
    let picture = png_bytes(&code(text)?).map_err(|error| failed(&error))?;
    Ok(HttpResponse::Ok().content_type("image/png").body(picture))
}

fn code(text: &str) -> Result<QRCode, Problem> {
    QRBuilder::new(text).ecl(ECL::M).build().map_err(|error| failed(&error))
}

fn failed(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "a code can't be drawn");
    Problem::no_event()
}

/// The places of the dark modules: column and row.
fn dark(code: &QRCode) -> impl Iterator<Item = (usize, usize)> {
    (0..code.size).flat_map(move |y| {
        let row = code[y].iter().take(code.size).enumerate();
        row.filter(|(_, module)| module.value()).map(move |(x, _)| (x, y))
    })
}

fn png_bytes(code: &QRCode) -> Result<Vec<u8>, png::EncodingError> {
    let side = (code.size + 2 * BORDER) * MODULE_PIXELS;
    let mut pixels = vec![255_u8; side * side];
    for (x, y) in dark(code) {
        let (left, top) = ((x + BORDER) * MODULE_PIXELS, (y + BORDER) * MODULE_PIXELS);
        for row in pixels.chunks_mut(side).skip(top).take(MODULE_PIXELS) {
            row.iter_mut().skip(left).take(MODULE_PIXELS).for_each(|pixel| *pixel = 0);
        }
    }
    let mut picture = vec![];
    let width = u32::try_from(side).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut picture, width, width);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(picture)
}
