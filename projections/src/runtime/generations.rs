//! The directories of one projection: `{name}-v{version}-g{generation}`, and a file `{name}.current` that names the
//! one whose rows are complete and answer queries. Every other directory is a build that is not finished or a
//! remainder, and goes once another one is settled.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use eventlog::Position;

use super::{Projection, ProjectionError};

/// The directories of one projection in a directory of read models.
#[derive(Clone, Debug)]
pub(crate) struct Generations {
    root: PathBuf,
    name: &'static str,
    version: u32,
}

/// A projection that was opened, and where.
pub(crate) struct Opened<P> {
    pub(crate) projection: P,
    pub(crate) dir: PathBuf,
}

impl Generations {
    pub(crate) fn of<P: Projection>(root: &Path) -> Self {
        Self { root: root.to_owned(), name: P::NAME, version: P::VERSION }
    }

    /// Opens the settled generation, else goes on with an unfinished build of this version, else begins one. Rows that
    /// can't be opened, or that are ahead of the log and so belong to another one, are left aside: they are rebuilt.
    pub(crate) fn open<P: Projection>(&self, last: Position) -> Result<Opened<P>, ProjectionError> {
        let unfinished = || self.all().into_iter().rfind(|found| found.version == self.version);
        if let Some(dir) = self.settled().or_else(|| unfinished().map(|found| found.dir)) {
            match P::open(&dir) {
                Ok(projection) if projection.checkpoint() <= last => return Ok(Opened { projection, dir }),
                Ok(projection) => {
                    let checkpoint = projection.checkpoint();
                    tracing::warn!(projection = self.name, %checkpoint, %last, "rows are ahead of the log; rebuilding");
                }
                Err(error) => {
                    tracing::warn!(projection = self.name, %error, "rows can't be opened; rebuilding");
                }
            }
        }
        self.begin()
    }

    /// Begins a new generation beside the others.
    pub(crate) fn begin<P: Projection>(&self) -> Result<Opened<P>, ProjectionError> {
        let generation = self.all().iter().map(|found| found.generation).max().unwrap_or(0) + 1;
        let dir = self.root.join(format!("{}-v{}-g{generation}", self.name, self.version));
        fs::create_dir_all(&dir)?;
        Ok(Opened { projection: P::open(&dir)?, dir })
    }

    /// Whether this is the generation that is known to be complete.
    pub(crate) fn is_settled(&self, dir: &Path) -> bool {
        self.settled().as_deref() == Some(dir)
    }

    /// The generation that is known to be complete, if it is of this version.
    pub(crate) fn settled(&self) -> Option<PathBuf> {
        let named = fs::read_to_string(self.pointer()).ok()?;
        self.all()
            .into_iter()
            .find(|found| found.version == self.version && found.has_name(named.trim()))
            .map(|f| f.dir)
    }

    /// Declares a generation complete. After a crash either the former or this one is.
    pub(crate) fn settle(&self, dir: &Path) -> io::Result<()> {
        let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let draft = self.root.join(format!("{}.current.new", self.name));
        let mut file = File::create(&draft)?;
        file.write_all(name.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, self.pointer())?;
        File::open(&self.root)?.sync_all()
    }

    /// Deletes every generation but one.
    pub(crate) fn sweep(&self, keep: &Path) {
        for found in self.all().into_iter().filter(|found| found.dir != keep) {
            if let Err(error) = fs::remove_dir_all(&found.dir) {
                let dir = found.dir.display();
                tracing::warn!(%dir, %error, "an old generation of a read model could not be deleted");
            }
        }
    }

    fn pointer(&self) -> PathBuf {
        self.root.join(format!("{}.current", self.name))
    }

    /// Every directory of this projection, by version and generation.
    fn all(&self) -> Vec<Found> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut found: Vec<Found> = entries.filter_map(|entry| self.parse(entry.path())).collect();
        found.sort_by_key(|found| (found.version, found.generation));
        found
    }

    fn parse(&self, dir: PathBuf) -> Option<Found> {
        let numbers = dir.file_name()?.to_str()?.strip_prefix(self.name)?.strip_prefix("-v")?;
        let (version, generation) = numbers.split_once("-g")?;
        let (version, generation) = (version.parse().ok()?, generation.parse().ok()?);
        dir.is_dir().then_some(Found { version, generation, dir })
    }
}

struct Found {
    version: u32,
    generation: u64,
    dir: PathBuf,
}

impl Found {
    fn has_name(&self, name: &str) -> bool {
        self.dir.file_name().is_some_and(|own| own == name)
    }
}
