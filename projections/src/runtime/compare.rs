//! Comparing two directories of read models row by row.

use std::{cmp::Ordering, iter::Peekable, path::Path};

use serde::Serialize;

use super::{ProjectionError, Row, Rows, kind::Kind};

/// How a row differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Only the first directory has the row.
    OnlyInFirst,
    /// Only the second directory has the row.
    OnlyInSecond,
    /// Both have the row, with different values.
    Value,
    /// Only the first directory has this projection, complete and of this version; keyspace and key are empty.
    ProjectionOnlyInFirst,
    /// Only the second directory has this projection, complete and of this version; keyspace and key are empty.
    ProjectionOnlyInSecond,
}

/// A row that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whose row it is.
    pub projection: &'static str,
    /// In which keyspace.
    pub keyspace: String,
    /// Its key.
    pub key: Vec<u8>,
    /// How it differs.
    pub what: What,
}

/// Compares all rows of two directories of read models that nobody has open, and tells each difference. The number of
/// rows compared is the answer.
///
/// # Errors
/// When rows can't be read.
pub fn compare(
    kinds: &[Kind],
    first: &Path,
    second: &Path,
    differs: &mut dyn FnMut(Difference),
) -> Result<u64, ProjectionError> {
    let mut compared = 0;
    for kind in kinds {
        let tell = &mut |keyspace: String, key: Vec<u8>, what| {
            differs(Difference { projection: kind.name, keyspace, key, what });
        };
        match (kind.rows(first)?, kind.rows(second)?) {
            (Some(first), Some(second)) => compared += merge(first, second, tell)?,
            (Some(_), None) => tell(String::new(), vec![], What::ProjectionOnlyInFirst),
            (None, Some(_)) => tell(String::new(), vec![], What::ProjectionOnlyInSecond),
            (None, None) => {}
        }
    }
    Ok(compared)
}

fn merge(first: Rows, second: Rows, tell: &mut dyn FnMut(String, Vec<u8>, What)) -> Result<u64, ProjectionError> {
    let (mut first, mut second) = (first.peekable(), second.peekable());
    let mut compared = 0;
    loop {
        let order = match (look(&mut first)?, look(&mut second)?) {
            (None, None) => return Ok(compared),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => (&one.keyspace, &one.key).cmp(&(&other.keyspace, &other.key)),
        };
        let one = if order.is_le() { first.next().transpose()? } else { None };
        let other = if order.is_ge() { second.next().transpose()? } else { None };
        match (one, other) {
            (Some(one), Some(other)) if one.value != other.value => tell(one.keyspace, one.key, What::Value),
            (Some(one), None) => tell(one.keyspace, one.key, What::OnlyInFirst),
            (None, Some(other)) => tell(other.keyspace, other.key, What::OnlyInSecond),
            _ => {}
        }
        compared += 1;
    }
}

fn look(rows: &mut Peekable<Rows>) -> Result<Option<&Row>, ProjectionError> {
    match rows.peek() {
        None => Ok(None),
        Some(Ok(row)) => Ok(Some(row)),
        Some(Err(error)) => Err(error.clone()),
    }
}
