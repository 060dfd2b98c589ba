//! A projection that is nothing but a list of what it has taken in, to try the runtime with.

use std::{fs, path::Path, sync::Arc, time::Duration};

use eventlog::Position;
use parking_lot::RwLock;
use projections::{
    Fact, Projection, ProjectionError,
    runtime::{Row, Rows},
};

/// The event type that a strict tally can't take in.
pub const POISON: &str = "test.poison";
/// The event type at which a strict tally panics.
pub const PANIC: &str = "test.panic";

/// The version that takes an hour's leisure while nobody waits for it.
pub const LEISURELY: u32 = 60;

/// The positions taken in, in order. `STRICT` ones stop at events that the others don't mind.
pub struct Tally<const VERSION: u32, const STRICT: bool> {
    view: Arc<TallyView>,
    file: std::path::PathBuf,
}

#[derive(Default)]
pub struct TallyView {
    taken: RwLock<Vec<u64>>,
}

impl TallyView {
    pub fn taken(&self) -> Vec<u64> {
        self.taken.read().clone()
    }
}

impl<const V: u32, const STRICT: bool> Projection for Tally<V, STRICT> {
    const NAME: &'static str = if STRICT { "strict" } else { "lenient" };
    const VERSION: u32 = V;
    const LEISURE: Duration = if V == LEISURELY { Duration::from_secs(3600) } else { Self::PACE };
    type View = TallyView;

    fn open(dir: &Path) -> Result<Self, ProjectionError> {
        let file = dir.join("taken");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let parsed: Result<Vec<u64>, _> = text.split_whitespace().map(str::parse).collect();
        let taken = parsed.map_err(|error| ProjectionError::Storage(error.to_string()))?;
        Ok(Self { view: Arc::new(TallyView { taken: RwLock::new(taken) }), file })
    }

    fn view(&self) -> Arc<TallyView> {
        Arc::clone(&self.view)
    }

    fn checkpoint(&self) -> Position {
        self.view.taken.read().last().map_or(Position::START, |last| Position(*last))
    }

    fn apply(&mut self, batch: &[Arc<Fact>]) -> Result<(), ProjectionError> {
        let mut taken = self.view.taken.read().clone();
        for fact in batch {
            match fact.event_type() {
                POISON if STRICT => return Err(fact.poison("it tastes bad")),
                PANIC if STRICT => panic!("as the test wants"),
                _ => taken.push(fact.position().0),
            }
        }
        let words: Vec<String> = taken.iter().map(u64::to_string).collect();
        fs::write(&self.file, words.join(" "))?;
        *self.view.taken.write() = taken;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ProjectionError> {
        Ok(())
    }

    fn rows(dir: &Path) -> Result<Rows, ProjectionError> {
        let taken = Self::open(dir)?.view.taken();
        let row = |position: u64| Row { keyspace: "taken".into(), key: position.to_be_bytes().to_vec(), value: vec![] };
        Ok(Box::new(taken.into_iter().map(move |position| Ok(row(position)))))
    }
}
