//! How large is what is deployed.

use super::MB;
use crate::contender::Contender;
use crate::figure::{Figure, Figures};
use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write;
use std::path::Path;

/// What a zip with one file has besides the compressed bytes, about.
const ZIP_OVERHEAD: usize = 150;

pub(super) fn measure(contenders: &[Contender], figures: &mut Figures) -> Result<()> {
    for contender in contenders {
        if let Some(layer) = &contender.files.layer {
            figures.add(contender.name, Figure::LayerSize, read(layer)?.len() as f64 / MB);
            figures.add(contender.name, Figure::LayerZip, zipped(&read(layer)?)? as f64 / MB);
        }
        if let Some(function) = &contender.files.function {
            figures.add(contender.name, Figure::FunctionSize, read(function)?.len() as f64 / MB);
        }
    }
    Ok(())
}

/// The size of a zip of one file with these bytes, which is deflate and a few headers.
fn zipped(bytes: &[u8]) -> Result<usize> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len() + ZIP_OVERHEAD)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
