//! The query of a request.

use std::{
    future::{Ready, ready},
    ops::Deref,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;

use crate::problem::{Code, Problem};

/// What the query of a request says. Where it can't be read, the answer names the parameter, which the framework's own
/// extractor doesn't.
#[derive(Debug)]
pub struct Query<T>(T);

impl<T> Query<T> {
    /// What the query says.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self))
    }
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    // Where a parameter is missing there is no path, and the error names it itself.
    serde_path_to_error::deserialize(pairs).map_err(|error| match error.path().iter().next() {
        Some(_) => Problem::new(Code::InvalidQuery, error.to_string()),
        None => Problem::new(Code::InvalidQuery, error.into_inner().to_string()),
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Page {
        q: String,
        limit: Option<u8>,
    }

    fn refusal(query: &str) -> String {
        read::<Page>(query).unwrap_err().detail
    }

    #[test]
    fn a_parameter_that_cannot_be_read_is_named() {
        assert_eq!(read::<Page>("q=a+b%21&limit=7&more=1").unwrap(), Page { q: "a b!".to_owned(), limit: Some(7) });
        assert_eq!(refusal("q=tea&limit=-1"), "limit: invalid digit found in string");
        assert_eq!(refusal("q=tea&limit=256"), "limit: number too large to fit in target type");
        assert_eq!(refusal("limit=1"), "missing field `q`");
    }
}
