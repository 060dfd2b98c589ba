//! Times in queries.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de::Error};

/// Reads a time of a query. The `+` of an offset that was not escaped has become a space there.
///
/// # Errors
/// For what is no time, with how one is written.
pub(crate) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let time = DateTime::parse_from_rfc3339(&text).or_else(|_| DateTime::parse_from_rfc3339(&text.replace(' ', "+")));
    let time =
        time.map_err(|_| Error::custom("from and to are times like 2026-11-22T15:04:05Z or 2026-11-22T15:04:05+08:00"));
    time.map(|time| Some(time.to_utc()))
}

#[cfg(test)]
mod tests {
    use actix_web::web::Query;

    use super::*;

    #[derive(Deserialize)]
    struct Since {
        #[serde(default, deserialize_with = "time")]
        from: Option<DateTime<Utc>>,
    }

    #[test]
    fn a_time_has_a_date_a_time_of_day_and_an_offset() {
        let read = |query: &str| Query::<Since>::from_query(query).map(|since| since.from);
        let seven = DateTime::parse_from_rfc3339("2026-11-22T07:00:00Z").unwrap().to_utc();
        for good in ["2026-11-22T07:00:00Z", "2026-11-22T15:00:00%2B08:00", "2026-11-22T15:00:00+08:00"] {
            assert_eq!(read(&format!("from={good}")).unwrap(), Some(seven), "{good}");
        }
        assert_eq!(read("").unwrap(), None);
        for bad in ["2026-11-22", "", "yesterday", "2026-11-22T07:00:00"] {
            let refused = read(&format!("from={bad}")).unwrap_err().to_string();
            assert!(refused.contains("times like"), "{bad}: {refused}");
        }
    }
}
