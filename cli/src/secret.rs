//! The server's secret: given as a setting, or drawn at the first start and kept in the data directory.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rand::Rng;

use crate::settings::Hidden;

/// Name of the file in the data directory.
const FILE: &str = "secret.key";
/// The bits of a file's mode that let anybody but its owner in.
const OTHERS: u32 = 0o077;

/// Why there is no secret to work with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// The setting is not 64 hexadecimal digits.
    #[error("the setting secret_key is not 64 hexadecimal digits")]
    Setting,
    /// Others may read the file.
    #[error("{} can be read by others; after `chmod 600` it is taken", .0.display())]
    Open(PathBuf),
    /// The file has another length.
    #[error("{} is not 32 bytes long", .0.display())]
    Length(PathBuf),
    /// The file can't be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The secret that TURN servers know: the setting, else the first line of the file; none where neither is given.
///
/// # Errors
/// [`SecretError::Open`], [`SecretError::Io`]
pub(crate) fn of_turn(setting: Option<&Hidden>, file: &Path) -> Result<Option<String>, SecretError> {
    if let Some(secret) = setting {
        return Ok(Some(secret.reveal().to_owned()));
    }
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let failed = |source| SecretError::Io { path: file.to_owned(), source };
    if fs::metadata(file).map_err(failed)?.mode() & OTHERS != 0 {
        return Err(SecretError::Open(file.to_owned()));
    }
    let text = fs::read_to_string(file).map_err(failed)?;
    Ok(text.lines().next().map(|line| line.trim().to_owned()))
}

/// The secret of the setting, else of the data directory's file, which is made where it is missing.
///
/// # Errors
/// [`SecretError`]
pub(crate) fn load(setting: Option<&Hidden>, data: &Path) -> Result<[u8; 32], SecretError> {
    if let Some(hex) = setting {
        return from_hex(hex.reveal()).ok_or(SecretError::Setting);
    }
    let path = data.join(FILE);
    let failed = |source| SecretError::Io { path: path.clone(), source };
    match fs::metadata(&path) {
        Ok(found) if found.mode() & OTHERS != 0 => Err(SecretError::Open(path)),
        Ok(_) => {
            let bytes = fs::read(&path).map_err(failed)?;
            bytes.try_into().map_err(|_| SecretError::Length(path))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(data, &path).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

/// Draws a secret and puts it in place whole: under another name first, so that a crash leaves no half of it.
fn make(data: &Path, path: &Path) -> io::Result<[u8; 32]> {
    let mut secret = [0; 32];
    rand::rng().fill_bytes(&mut secret);
    let beside = path.with_extension("key.new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(&secret)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(data)?.sync_all()?;
    Ok(secret)
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    // The reader of hexadecimal hashes does exactly this.
    blake3::Hash::from_hex(text).ok().map(|hash| *hash.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_drawn_once_and_only_its_owner_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = load(None, dir.path()).unwrap();
        assert_ne!(first, [0; 32]);
        assert_eq!(load(None, dir.path()).unwrap(), first);
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        load(None, dir.path()).unwrap();
        fs::set_permissions(dir.path().join(FILE), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(load(None, dir.path()), Err(SecretError::Open(_))));
    }

    #[test]
    fn half_a_secret_is_refused_rather_than_drawn_anew() {
        let dir = tempfile::tempdir().unwrap();
        load(None, dir.path()).unwrap();
        let file = File::options().write(true).open(dir.path().join(FILE)).unwrap();
        file.set_len(16).unwrap();
        assert!(matches!(load(None, dir.path()), Err(SecretError::Length(_))));
    }

    #[test]
    fn a_secret_given_as_a_setting_needs_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let setting = |text: &str| serde_json::from_value::<Hidden>(text.into()).unwrap();
        assert_eq!(load(Some(&setting(&"0f".repeat(32))), dir.path()).unwrap(), [15; 32]);
        assert!(matches!(load(Some(&setting("0f")), dir.path()), Err(SecretError::Setting)));
        assert!(!dir.path().join(FILE).exists());
    }
}
