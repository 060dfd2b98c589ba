//! Tables on standard output, for people.

use std::io::{self, BufWriter, IsTerminal, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// Rows of one table. Further ones get tables of their own, so that memory does not grow with their number.
const TABLE_ROWS: usize = 200;

/// A table that is written as it grows.
pub(super) struct Rows<const COLUMNS: usize> {
    header: [&'static str; COLUMNS],
    /// Columns of numbers, which stand on the right.
    numbers: &'static [usize],
    out: BufWriter<io::Stdout>,
    table: Table,
    rows: usize,
}

impl<const COLUMNS: usize> Rows<COLUMNS> {
    /// An empty table, with numbers in some of its columns.
    pub(super) fn new(header: [&'static str; COLUMNS], numbers: &'static [usize]) -> Self {
        let table = empty(header, numbers);
        Self { header, numbers, out: BufWriter::new(io::stdout()), table, rows: 0 }
    }

    /// Adds a row.
    pub(super) fn add(&mut self, row: [String; COLUMNS]) -> io::Result<()> {
        self.table.add_row(row);
        self.rows += 1;
        if self.rows == TABLE_ROWS { self.end_table() } else { Ok(()) }
    }

    /// Writes the rest.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.end_table()?;
        self.out.flush()
    }

    fn end_table(&mut self) -> io::Result<()> {
        if self.rows > 0 {
            writeln!(self.out, "{}", self.table)?;
            self.table = empty(self.header, self.numbers);
            self.rows = 0;
        }
        Ok(())
    }
}

fn empty<const COLUMNS: usize>(header: [&'static str; COLUMNS], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(if io::stdout().is_terminal() { presets::UTF8_HORIZONTAL_ONLY } else { presets::NOTHING });
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    for at in numbers {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
