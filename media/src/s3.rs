//! Blobs in a bucket of a store that speaks S3.
//!
//! A request that fails, or whose answer stands still, is made again a few times and then given up: nothing waits for a
//! bucket for ever, and nothing has to be told when it is back.

use std::{fmt, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder, path::Path as ObjectPath,
    prefix::PrefixStore,
};
use serde::{Deserialize, Serialize};

use crate::store::MediaError;

/// How often a request that failed is made again.
const RETRIES: usize = 2;
/// For how long after it was first made.
const RETRY: Duration = Duration::from_secs(10);

/// A secret that is never shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretKey(String);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(set)")
    }
}

/// Where the bucket is, and who may use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Options {
    /// The bucket, which has to be there.
    pub bucket: String,
    /// The folder in the bucket under which all objects are; empty for none.
    pub prefix: String,
    /// Where the store is, such as `https://s3.example.org`; empty for Amazon's, in the region.
    pub endpoint: String,
    /// The region, as the store calls it.
    pub region: String,
    /// The id of the access key.
    pub access_key_id: String,
    /// The access key's secret. Never shown and never written.
    #[serde(skip_serializing)]
    pub secret_access_key: SecretKey,
    /// Whether the bucket's name stands in the host's name rather than in the path.
    pub virtual_host: bool,
    /// Whether `endpoint` may be plain `http`: everybody on the way can read and change what is brought and fetched.
    pub allow_http: bool,
    /// Longest time until a connection stands, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long the store may be silent in the middle of a request, in milliseconds.
    pub timeout_ms: u64,
}

impl Default for S3Options {
    fn default() -> Self {
        Self {
            bucket: String::new(),
            prefix: String::new(),
            endpoint: String::new(),
            region: "us-east-1".to_owned(),
            access_key_id: String::new(),
            secret_access_key: SecretKey::default(),
            virtual_host: false,
            allow_http: false,
            connect_timeout_ms: 3_000,
            timeout_ms: 20_000,
        }
    }
}

/// What is wrong with the settings of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum S3OptionsError {
    /// Something has to be said.
    #[error("media.s3.{0} is missing")]
    Missing(&'static str),
    /// The address is none, or has more to it than host, port and path, such as a password.
    #[error("media.s3.endpoint is no address like https://s3.example.org")]
    Endpoint,
    /// Everybody on the way could read and change what goes there.
    #[error("media.s3.endpoint is plain http: that is taken only with media.s3.allow_http")]
    PlainHttp,
    /// No object can be named so.
    #[error("media.s3.prefix is no name of a folder, like teahouse/media")]
    Prefix,
}

impl S3Options {
    /// Whether there can be such a bucket. Nothing is asked of it.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn check(&self) -> Result<(), S3OptionsError> {
        let needed = [
            ("bucket", &self.bucket),
            ("region", &self.region),
            ("access_key_id", &self.access_key_id),
            ("secret_access_key", &self.secret_access_key.0),
        ];
        if let Some((name, _)) = needed.iter().find(|(_, value)| value.is_empty()) {
            return Err(S3OptionsError::Missing(name));
        }
        ObjectPath::parse(&self.prefix).map_err(|_| S3OptionsError::Prefix)?;
        let (host, plain) = match (self.endpoint.strip_prefix("https://"), self.endpoint.strip_prefix("http://")) {
            (Some(host), _) => (host, false),
            (None, Some(host)) => (host, true),
            (None, None) if self.endpoint.is_empty() => return Ok(()),
            (None, None) => return Err(S3OptionsError::Endpoint),
        };
        if host.is_empty() || host.contains(|sign: char| "@?#".contains(sign) || sign.is_whitespace()) {
            return Err(S3OptionsError::Endpoint);
        }
        if plain && !self.allow_http { Err(S3OptionsError::PlainHttp) } else { Ok(()) }
    }
}

/// The bucket. Nothing is asked of it yet: it may be away.
///
/// # Errors
/// When there can be no such bucket.
pub fn bucket(options: &S3Options) -> Result<Arc<dyn ObjectStore>, MediaError> {
    options.check()?;
    // Without a limit for a whole request: a film takes as long as whoever watches it.
    let client = ClientOptions::new()
        .with_connect_timeout(Duration::from_millis(options.connect_timeout_ms))
        .with_read_timeout(Duration::from_millis(options.timeout_ms))
        .with_timeout_disabled()
        .with_allow_http(options.allow_http);
    let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: RETRIES, retry_timeout: RETRY };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&options.bucket)
        .with_region(&options.region)
        .with_access_key_id(&options.access_key_id)
        .with_secret_access_key(&options.secret_access_key.0)
        .with_virtual_hosted_style_request(options.virtual_host)
        .with_client_options(client)
        .with_retry(retry);
    if !options.endpoint.is_empty() {
        builder = builder.with_endpoint(options.endpoint.trim_end_matches('/'));
    }
    let store = builder.build()?;
    Ok(if options.prefix.is_empty() {
        Arc::new(store)
    } else {
        Arc::new(PrefixStore::new(store, options.prefix.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> S3Options {
        S3Options {
            bucket: "tea".to_owned(),
            access_key_id: "mei".to_owned(),
            secret_access_key: SecretKey("leaves".to_owned()),
            endpoint: "https://s3.example.org".to_owned(),
            ..S3Options::default()
        }
    }

    #[test]
    fn plain_http_is_taken_only_where_it_was_allowed() {
        let plain = S3Options { endpoint: "http://127.0.0.1:9000".to_owned(), ..good() };
        assert_eq!(plain.check(), Err(S3OptionsError::PlainHttp));
        let allowed = S3Options { allow_http: true, ..plain };
        assert_eq!(allowed.check(), Ok(()));
        bucket(&allowed).unwrap();
    }

    #[test]
    fn settings_that_name_no_bucket_say_what_is_wrong_and_show_no_secret() {
        bucket(&good()).unwrap();
        bucket(&S3Options { endpoint: String::new(), prefix: "a/b".to_owned(), ..good() }).unwrap();
        for endpoint in ["s3.example.org", "ftp://s3.example.org", "https://", "https://mei:leaves@s3.example.org"] {
            let wrong = S3Options { endpoint: endpoint.to_owned(), ..good() };
            assert_eq!(wrong.check(), Err(S3OptionsError::Endpoint), "{endpoint}");
            assert!(!bucket(&wrong).unwrap_err().to_string().contains("leaves"));
        }
        let wrong = [
            (S3Options { bucket: String::new(), ..good() }, S3OptionsError::Missing("bucket")),
            (S3Options { access_key_id: String::new(), ..good() }, S3OptionsError::Missing("access_key_id")),
            (
                S3Options { secret_access_key: SecretKey::default(), ..good() },
                S3OptionsError::Missing("secret_access_key"),
            ),
            (S3Options { prefix: "a//b".to_owned(), ..good() }, S3OptionsError::Prefix),
        ];
        for (options, error) in wrong {
            assert_eq!(options.check(), Err(error));
        }
        assert!(!format!("{:?}", good()).contains("leaves"));
    }
}
