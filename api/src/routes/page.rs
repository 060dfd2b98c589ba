//! Pages of sorted lists, and the cursors between them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use eventlog::Position;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::IntoParams;

use crate::problem::{Code, Problem};

/// How many items a page may have.
///
/// # Errors
/// 400 for a number outside 1 to `max`.
pub(crate) fn page_limit(asked: Option<usize>, usual: usize, max: usize) -> Result<usize, Problem> {
    match asked.unwrap_or(usual) {
        limit if (1..=max).contains(&limit) => Ok(limit),
        _ => Err(Problem::new(Code::InvalidQuery, format!("limit: 1 to {max}"))),
    }
}

/// Which page of a list that has cursors.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// An earlier page's `next`.
    pub(crate) cursor: Option<String>,
    /// At most this many, 1 to 100; 50 if not given.
    #[param(minimum = 1, maximum = 100)]
    pub(crate) limit: Option<usize>,
}

impl PageQuery {
    /// How many items the page may have.
    ///
    /// # Errors
    /// 400 for a number out of range.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        page_limit(self.limit, 50, 100)
    }
}

/// The position to go on from; the beginning where none is given.
///
/// # Errors
/// 400 for one that no log gets to.
pub(crate) fn position(asked: Option<u64>) -> Result<Position, Problem> {
    Ok(place("after", asked)?.map_or(Position::START, Position))
}

/// The place to go back from; the end where none is given.
///
/// # Errors
/// 400 for one that there can't be.
pub(crate) fn before(asked: Option<u64>) -> Result<Option<u64>, Problem> {
    place("before", asked)
}

/// A place in an order that counts on, of the parameter with that name.
///
/// # Errors
/// 400 for one that the document's 64-bit integers leave out; nothing counts on so far.
pub(crate) fn place(name: &str, asked: Option<u64>) -> Result<Option<u64>, Problem> {
    match asked {
        Some(place) if i64::try_from(place).is_err() => {
            Err(Problem::new(Code::InvalidQuery, format!("{name}: no such place")))
        }
        asked => Ok(asked),
    }
}

/// The page of a list that follows a cursor, and the cursor of the page after it. The cursor names the last item by its
/// place in the order, so that whatever comes or goes between two requests shifts nothing.
///
/// The rows are in the order of their keys.
///
/// # Errors
/// 400 for a cursor that no page gave.
pub(crate) fn page<T, K>(
    rows: Vec<T>,
    key: impl Fn(&T) -> K,
    cursor: Option<&str>,
    limit: usize,
) -> Result<(Vec<T>, Option<String>), Problem>
where
    K: Ord + Serialize + DeserializeOwned,
{
    let first = match cursor.map(parse::<K>).transpose()? {
        Some(last) => rows.partition_point(|row| key(row) <= last),
        None => 0,
    };
    let more = rows.len() - first > limit;
    let rows: Vec<T> = rows.into_iter().skip(first).take(limit).collect();
    let next = rows.last().filter(|_| more).map(|row| link(&key(row)));
    Ok((rows, next))
}

/// The place in the order that a cursor names; none where the list begins.
///
/// # Errors
/// 400 for a cursor that no page gave.
pub(crate) fn resume<K: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<K>, Problem> {
    cursor.map(parse).transpose()
}

/// The page out of rows that begin where it is to begin, and of which one more than the limit was fetched, with the
/// cursor of the page after it.
pub(crate) fn cut<T, K: Serialize>(mut rows: Vec<T>, key: impl Fn(&T) -> K, limit: usize) -> (Vec<T>, Option<String>) {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| link(&key(row)));
    (rows, next)
}

/// The cursor that names a place in the order.
pub(crate) fn link<K: Serialize>(key: &K) -> String {
    BASE64.encode(serde_json::to_vec(key).unwrap_or_default())
}

fn parse<K: DeserializeOwned>(cursor: &str) -> Result<K, Problem> {
    let key = BASE64.decode(cursor).ok().and_then(|json| serde_json::from_slice(&json).ok());
    key.ok_or_else(|| Problem::new(Code::InvalidQuery, "no such cursor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(cursor: Option<&str>) -> (Vec<u32>, Option<String>) {
        page((0..25).collect(), |number| *number, cursor, 10).unwrap()
    }

    #[test]
    fn pages_follow_one_another_without_a_gap_or_a_double() {
        let (first, cursor) = numbers(None);
        let (second, next) = numbers(cursor.as_deref());
        let (third, end) = numbers(next.as_deref());
        assert_eq!([first, second, third].concat(), (0..25).collect::<Vec<_>>());
        assert_eq!(end, None);
    }

    #[test]
    fn a_page_goes_on_where_the_last_one_ended_although_its_last_item_is_gone() {
        let (_, cursor) = numbers(None);
        let without = (0..25).filter(|number| *number != 9).collect();
        let (rows, _) = page(without, |number: &u32| *number, cursor.as_deref(), 2).unwrap();
        assert_eq!(rows, [10, 11]);
    }

    #[test]
    fn a_page_is_cut_where_one_row_more_was_fetched() {
        let (rows, next) = cut(vec![9_u32, 8, 7], |number| *number, 2);
        assert_eq!((rows, resume::<u32>(next.as_deref()).unwrap()), (vec![9, 8], Some(8)));
        assert_eq!(cut(vec![7_u32], |number| *number, 2), (vec![7], None));
        assert_eq!(resume::<u32>(None).unwrap(), None);
        assert_eq!(resume::<u32>(Some("?")).unwrap_err().status, 400);
    }

    #[test]
    fn a_full_last_page_names_no_next_one() {
        let (rows, next) = page(vec![1, 2], |number: &u32| *number, None, 2).unwrap();
        assert_eq!((rows.len(), next), (2, None));
    }

    #[test]
    fn a_cursor_that_no_page_gave_is_refused() {
        for wrong in ["", "?", "AAAA", "IngiCg"] {
            let refused = page(vec![1_u32], |number| *number, Some(wrong), 1).unwrap_err();
            assert_eq!(refused.status, 400, "{wrong}");
        }
    }

    #[test]
    fn a_place_beyond_64_bit_integers_is_refused() {
        assert_eq!((before(None).unwrap(), before(Some(7)).unwrap()), (None, Some(7)));
        let refused = before(Some(1 << 63)).unwrap_err();
        assert_eq!((refused.status, refused.detail.as_str()), (400, "before: no such place"));
        assert_eq!(position(None).unwrap(), Position::START);
        assert_eq!(position(Some(7)).unwrap(), Position(7));
        assert_eq!(position(Some(1 << 63)).unwrap_err().status, 400);
    }

    #[test]
    fn a_limit_is_kept_within_its_bounds() {
        assert_eq!(page_limit(None, 50, 100).unwrap(), 50);
        assert_eq!(page_limit(Some(100), 50, 100).unwrap(), 100);
        assert!(page_limit(Some(0), 50, 100).is_err());
        assert!(page_limit(Some(101), 50, 100).is_err());
    }
}
