//! `teahouse audit export-books`: the books for tools that we did not write.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use ledger::export::{Books, BooksError, Depth, Dialect, Exported, Shelf};
use sha2::{Digest, Sha256};

use super::{
    journal,
    source::{self, SourceArgs},
};
use crate::{
    error::{Ending, Error},
    output,
    progress::{Progress, grouped},
    settings::Settings,
};

/// The file with the hashes of all others. It is written last: where it is missing, the export was interrupted.
const SUMS: &str = "SHA256SUMS";

/// For which tool, and where.
#[derive(Args, Debug)]
pub(crate) struct ExportBooks {
    #[command(flatten)]
    source: SourceArgs,
    /// The tool that the books are for
    #[arg(long, value_enum)]
    format: BooksFormat,
    /// The directory to write them into, which must be new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only the control-account book: no account of a person, a merchant or a hold
    #[arg(long)]
    rollup: bool,
}

/// A tool for books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BooksFormat {
    /// beancount: bean-check
    Beancount,
    /// hledger
    Hledger,
    /// ledger-cli
    Ledger,
}

impl From<BooksFormat> for Dialect {
    fn from(format: BooksFormat) -> Self {
        match format {
            BooksFormat::Beancount => Self::Beancount,
            BooksFormat::Hledger => Self::Hledger,
            BooksFormat::Ledger => Self::Ledger,
        }
    }
}

/// Writes the books of the whole log.
///
/// # Errors
/// A breach where the log has one, [`Error::Unavailable`] where log or directory are out of reach.
pub(super) fn run(args: &ExportBooks, settings: &Settings) -> Result<Ending, Error> {
    let dialect = Dialect::from(args.format);
    let depth = if args.rollup { Depth::Control } else { Depth::SubLedgers };
    let mut source = source::open(&args.source, settings)?;
    let mut books = Books::begin(dialect, depth, Folder::new(&args.out)?).map_err(written)?;
    let progress = Progress::begin("writing books", source.last().map(|last| last.0));
    journal::read(source.as_mut(), None, Some(&progress), |moved| {
        books.post(moved.booked, &moved.origin()).map_err(written)
    })?;
    progress.end();
    let (mut folder, exported) = books.finish().map_err(written)?;
    folder.append("README.md", &readme(dialect, depth, &exported))?;
    folder.complete("README.md")?;
    folder.seal()?;
    output::line(&format!(
        "{} entries of {} days up to position {} in {}; README.md there says how to check them",
        grouped(exported.entries),
        grouped(exported.days),
        exported.last_position,
        args.out.display(),
    ));
    Ok(Ending::Well)
}

fn written(error: BooksError<Error>) -> Error {
    match error {
        BooksError::Shelf(error) => error,
        BooksError::Money(error) => Error::failed("the balances can't be added up", error),
    }
}

/// The directory of the books.
struct Folder {
    root: PathBuf,
    open: HashMap<String, OpenFile>,
    /// Hashes of the files that are complete, by path.
    sums: BTreeMap<String, String>,
}

struct OpenFile {
    out: BufWriter<File>,
    hash: Sha256,
}

impl Folder {
    fn new(root: &Path) -> Result<Self, Error> {
        let failed = |error| Error::unavailable(root.display(), error);
        fs::create_dir_all(root).map_err(failed)?;
        if fs::read_dir(root).map_err(failed)?.next().is_some() {
            return Err(Error::Unavailable(format!("{} is not empty; nothing is overwritten", root.display())));
        }
        Ok(Self { root: root.to_owned(), open: HashMap::new(), sums: BTreeMap::new() })
    }

    fn create(&self, file: &str) -> std::io::Result<OpenFile> {
        let path = self.root.join(file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(OpenFile { out: BufWriter::new(File::create_new(path)?), hash: Sha256::new() })
    }

    /// Writes the hashes of all files.
    fn seal(mut self) -> Result<(), Error> {
        let lines: String = self.sums.iter().map(|(file, sum)| format!("{sum}  {file}\n")).collect();
        self.append(SUMS, &lines)?;
        self.complete(SUMS)
    }
}

impl Shelf for Folder {
    type Error = Error;

    fn append(&mut self, file: &str, text: &str) -> Result<(), Error> {
        let failed = |error| Error::failed("the books can't be written", format!("{file}: {error}"));
        if !self.open.contains_key(file) {
            let fresh = self.create(file).map_err(failed)?;
            self.open.insert(file.to_owned(), fresh);
        }
        let Some(open) = self.open.get_mut(file) else { return Ok(()) };
        open.hash.update(text.as_bytes());
        open.out.write_all(text.as_bytes()).map_err(failed)
    }

    fn complete(&mut self, file: &str) -> Result<(), Error> {
        let failed = |error| Error::failed("the books can't be written", format!("{file}: {error}"));
        let Some(mut open) = self.open.remove(file) else { return Ok(()) };
        open.out.flush().map_err(failed)?;
        let mut hex = String::new();
        for byte in open.hash.finalize() {
            let _ = write!(hex, "{byte:02x}");
        }
        self.sums.insert(file.to_owned(), hex);
        Ok(())
    }
}

/// What the directory says about itself.
fn readme(dialect: Dialect, depth: Depth, exported: &Exported) -> String {
    let x = dialect.extension();
    let mut text = format!(
        "# Books of a Teahouse log\n\n\
         {} journal entries of {} days, up to position {} of the log. Amounts are signed from the debit side: what the house\n\
         owes is negative. Days begin at midnight UTC. The commands below find nothing when all is well.\n\n\
         ## That these are the files that were written\n\n    sha256sum --check --quiet {SUMS}\n\n\
         ## The control accounts\n\n\
         `control.{x}` has one account for all wallets, one for all merchants and one for the holds of each kind. A day's\n\
         entries of a kind are one transaction with the turnover of both sides. What the accounts that it touched stand at is\n\
         asserted at the end of each day, exactly.\n\n    {}\n\n",
        exported.entries,
        exported.days,
        exported.last_position,
        dialect.check(&format!("control.{x}")),
    );
    if depth == Depth::Control {
        return text;
    }
    let _ = write!(
        text,
        "## Every account\n\n\
         `book.{x}` includes the days in `days/`, each with every entry and, at its end, what the accounts that it touched stand\n\
         at. A transaction names the event that it comes from: `position`, `stream`, `version`, `event`, and the `hash` of its\n\
         record, which `teahouse audit events` shows too.\n\n    {}\n\n",
        dialect.check(&format!("book.{x}")),
    );
    if let Some(day) = exported.last_day {
        let _ = write!(
            text,
            "A day can be checked by itself, too: `days/{day}.alone.{x}` takes what its accounts opened with from\n\
             `days/{day}.opening.{x}`; all that it leaves alone stands in `Equity:Untouched`.\n\n    {}\n\n",
            dialect.check(&format!("days/{day}.alone.{x}")),
        );
    }
    let balances = |file: &str, depth, name| dialect.balance(&format!("{file}.{x}"), depth, name);
    let _ = write!(
        text,
        "## That the accounts add up to the control accounts\n\n\
         Each pair gives the same figures:\n\n    {}\n    {}\n\n    {}\n    {}\n\n    {}\n    {}\n",
        balances("control", 2, "Liabilities:Wallet"),
        balances("book", 2, "Liabilities:Wallet"),
        balances("control", 2, "Liabilities:Merchant"),
        balances("book", 2, "Liabilities:Merchant"),
        balances("control", 3, "Liabilities:Hold"),
        balances("book", 3, "Liabilities:Hold"),
    );
    text
}
