//! Settings: from a file, then the environment, then flags; each overrides the one before.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use api::{ApiOptions, ice::IceOptions};
use commands::CommandsOptions;
use config::{Config, Environment, File, FileFormat};
use domain::Policy;
use eventlog::StoreKind;
use gateways::{CallbackOptions, GatewayOptions};
use media::{MediaOptions, S3Options, S3OptionsError};
use serde::{Deserialize, Serialize};
use sfu::SfuOptions;

use crate::ranges;

/// What the names of all environment variables begin with. Two underscores stand between nested names.
const PREFIX: &str = "TEAHOUSE_";
/// Shortest token of operators, in characters.
const TOKEN_CHARS: usize = 16;
/// Variables with the prefix that are no settings: the file's place, the commit that a build was made from, and what
/// `teahouse listen` and the tour take.
const NOT_SETTINGS: [&str; 4] = ["TEAHOUSE_CONFIG", "TEAHOUSE_COMMIT", "TEAHOUSE_URL", "TEAHOUSE_TOKEN"];
/// Settings that a written form of the settings leaves out.
const NOT_WRITTEN: [&str; 7] = [
    "secret_key",
    "operator_token",
    "bank.secret",
    "biller.secret",
    "turn_secret",
    "cluster.url",
    "media.s3.secret_access_key",
];

/// Everything that an operator can set. `teahouse.example.toml` explains each of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// The data directory.
    pub(crate) data: PathBuf,
    /// The engine of the event log.
    pub(crate) store: Store,
    /// Memory for what was read from the event log, in bytes.
    pub(crate) log_cache_bytes: u64,
    /// The server's secret, as 64 hexadecimal digits; none for the file in the data directory.
    #[serde(skip_serializing)]
    pub(crate) secret_key: Option<Hidden>,
    /// What operators show to use the operator's endpoints; none closes them.
    #[serde(skip_serializing)]
    pub(crate) operator_token: Option<Hidden>,
    /// What is written about the server's doings.
    pub(crate) log: Logging,
    /// The interface: where to listen, limits.
    pub(crate) api: ApiOptions,
    /// The numbers of the rules.
    pub(crate) policy: Policy,
    /// The command side.
    pub(crate) commands: CommandsOptions,
    /// Where media are kept, and the work on them.
    pub(crate) media: MediaOptions,
    /// The bank; none where people can neither link cards nor top up nor withdraw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bank: Option<GatewayOptions>,
    /// The billers; none where no household bills can be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) biller: Option<GatewayOptions>,
    /// Calls to programs of official accounts.
    pub(crate) callbacks: CallbackOptions,
    /// Servers that help devices in a call to find a way to each other.
    pub(crate) ice: IceOptions,
    /// What forwards sound and pictures of groups' calls.
    pub(crate) sfu: SfuOptions,
    /// What the TURN servers among them know too; none for what the file says.
    #[serde(skip_serializing)]
    pub(crate) turn_secret: Option<Hidden>,
    /// A file with that secret; empty for none.
    pub(crate) turn_secret_file: PathBuf,
    /// The cluster that keeps the log, for servers that share one.
    pub(crate) cluster: Cluster,
    /// What only a server under development should do.
    pub(crate) development: Development,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: "teahouse-data".into(),
            store: Store::Fjall,
            log_cache_bytes: 64 * 1024 * 1024,
            secret_key: None,
            operator_token: None,
            log: Logging::default(),
            api: ApiOptions::default(),
            policy: Policy::default(),
            commands: CommandsOptions::default(),
            media: MediaOptions::default(),
            bank: None,
            biller: None,
            callbacks: CallbackOptions::default(),
            ice: IceOptions::default(),
            sfu: SfuOptions::default(),
            turn_secret: None,
            turn_secret_file: PathBuf::new(),
            cluster: Cluster::default(),
            development: Development::default(),
        }
    }
}

/// A setting that is never shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Hidden(String);

impl Hidden {
    /// The secret itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Hidden {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(set)")
    }
}

/// The engines of the event log, as they are named in settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub(crate) enum Store {
    /// The default.
    #[default]
    Fjall,
    /// The alternative.
    Sled,
}

impl TryFrom<String> for Store {
    type Error = eventlog::UnknownStore;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Ok(match name.parse()? {
            StoreKind::Fjall => Self::Fjall,
            StoreKind::Sled => Self::Sled,
        })
    }
}

impl From<Store> for StoreKind {
    fn from(store: Store) -> Self {
        match store {
            Store::Fjall => Self::Fjall,
            Store::Sled => Self::Sled,
        }
    }
}

/// What is written about the server's doings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Logging {
    /// Which lines: levels, also per module, such as `info,eventlog=debug`.
    pub(crate) filter: String,
    /// How a line looks.
    pub(crate) format: LogFormat,
}

impl Default for Logging {
    fn default() -> Self {
        Self {
            filter: "info,fjall=warn,lsm_tree=warn,actix_server=warn,actix_http::h1=off,tantivy=warn,html5ever=error"
                .to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// How a line of the server's own log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl TryFrom<String> for LogFormat {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match name.as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("there is no log format {other:?}; there are \"text\" and \"json\"")),
        }
    }
}

/// The cluster that keeps the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cluster {
    /// Its address, `esdb://...`, which may hold a password; none for a log in the data directory.
    #[serde(skip_serializing)]
    pub(crate) url: Option<Hidden>,
    /// How many servers share it: each keeps to its part of the rate limits.
    pub(crate) nodes: u32,
    /// The folder `media/blobs` of the data directory is one that all of them share.
    pub(crate) shared_media: bool,
    /// How long an append or a read tries before it is given up, in milliseconds.
    pub(crate) patience_ms: u64,
    /// For how long one server does what only one is to do, unless it renews that, in seconds.
    pub(crate) lease_seconds: u32,
}

impl Default for Cluster {
    fn default() -> Self {
        Self { url: None, nodes: 1, shared_media: false, patience_ms: 4_000, lease_seconds: 15 }
    }
}

/// What only a server under development should do.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Development {
    /// Lets operators move the server's clock ahead.
    pub(crate) adjustable_clock: bool,
    /// Takes `tlsVerifyCert=false` in the cluster's address: anybody on the way could read and change everything.
    pub(crate) unverified_cluster: bool,
    /// A file that may tell the server to end itself as if it was killed: see [`crate::crash`]. Empty: never.
    pub(crate) crash_file: String,
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The file or a flag says something that is no setting, or has no such value.
    #[error("the settings can't be used: {0}")]
    Unusable(#[from] config::ConfigError),
    /// A variable says something that its setting can't be.
    #[error("the variable {variable} can't be used: {error}")]
    Variable {
        /// Its name.
        variable: String,
        /// What is wrong with it.
        error: Box<config::ConfigError>,
    },
    /// A number is too small or too large.
    #[error("the setting {setting} is {value}, out of its range: {least} to {most}")]
    OutOfRange {
        /// Its name.
        setting: String,
        /// What it is.
        value: String,
        /// The least it may be.
        least: String,
        /// The most it may be.
        most: i64,
    },
    /// The settings can't be looked through.
    #[error("the settings can't be checked: {0}")]
    Unwritable(String),
    /// The bucket for media can't be used so.
    #[error("the setting {0}")]
    Bucket(#[from] S3OptionsError),
    /// A token that is soon guessed, or was meant to be none.
    #[error(
        "the setting operator_token has fewer than {TOKEN_CHARS} characters; leave it out to close operators' endpoints"
    )]
    ShortToken,
}

/// Settings given as flags.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    /// `--data`
    pub(crate) data: Option<PathBuf>,
    /// `--listen`
    pub(crate) listen: Option<SocketAddr>,
    /// `--store`
    pub(crate) store: Option<Store>,
    /// `--log`
    pub(crate) cluster: Option<String>,
}

impl Settings {
    /// Reads the settings: from a file if one is named, this process's environment, and flags.
    ///
    /// # Errors
    /// When the file can't be read, or something is set that is no setting or has no such value.
    pub(crate) fn load(file: Option<&Path>, flags: &Flags) -> Result<Self, SettingsError> {
        let environment = std::env::vars_os();
        let environment =
            environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let (ours, unknown) = sort(environment);
        // Others use the prefix too: a cluster says with such names where a service is.
        for name in unknown {
            eprintln!("teahouse: warning: the variable {name} is no setting of this version; it is ignored");
        }
        Self::layered(file, ours, flags)
    }

    /// The settings of a file, of variables that are settings, and of flags.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub(crate) fn layered(
        file: Option<&Path>,
        ours: HashMap<String, String>,
        flags: &Flags,
    ) -> Result<Self, SettingsError> {
        for (name, value) in &ours {
            let alone = Config::builder().add_source(variables([(name.clone(), value.clone())].into())).build();
            if let Err(error) = alone.and_then(Config::try_deserialize::<Self>) {
                return Err(SettingsError::Variable { variable: name.clone(), error: error.into() });
            }
        }
        let mut layers = Config::builder();
        if let Some(path) = file {
            layers = layers.add_source(File::from(path).format(FileFormat::Toml).required(true));
        }
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let store = flags.store.map(|store| StoreKind::from(store).to_string());
        let layers = layers
            .add_source(variables(ours))
            .set_override_option("data", flags.data.as_ref().map(text))?
            .set_override_option("api.listen", flags.listen.map(|listen| listen.to_string()))?
            .set_override_option("store", store)?
            .set_override_option("cluster.url", flags.cluster.clone())?;
        let settings: Self = layers.build()?.try_deserialize()?;
        ranges::check(&settings)?;
        settings.media.s3.as_ref().map_or(Ok(()), S3Options::check)?;
        match &settings.operator_token {
            Some(token) if token.reveal().chars().count() < TOKEN_CHARS => Err(SettingsError::ShortToken),
            _ => Ok(settings),
        }
    }
}

fn variables(ours: HashMap<String, String>) -> Environment {
    Environment::with_prefix("TEAHOUSE").prefix_separator("_").separator("__").source(Some(ours.into_iter().collect()))
}

/// The variables that are settings, and the names of those that have the prefix and are none.
fn sort(environment: impl Iterator<Item = (String, String)>) -> (HashMap<String, String>, Vec<String>) {
    let known = names();
    let (mut ours, mut unknown) = (HashMap::new(), vec![]);
    for (name, value) in environment {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        if known.contains(&rest.to_lowercase().replace("__", ".")) {
            ours.insert(name, value);
        } else if !NOT_SETTINGS.contains(&name.as_str()) {
            unknown.push(name);
        }
    }
    unknown.sort();
    (ours, unknown)
}

/// The names of all settings.
fn names() -> BTreeSet<String> {
    fn collect(value: &serde_json::Value, name: String, names: &mut BTreeSet<String>) {
        match value.as_object() {
            Some(fields) => {
                let dot = if name.is_empty() { "" } else { "." };
                fields.iter().for_each(|(field, value)| collect(value, format!("{name}{dot}{field}"), names));
            }
            None => {
                names.insert(name);
            }
        }
    }
    let whole = Settings {
        bank: Some(GatewayOptions::default()),
        biller: Some(GatewayOptions::default()),
        media: MediaOptions { s3: Some(S3Options::default()), ..MediaOptions::default() },
        sfu: SfuOptions {
            listen: Some((Ipv4Addr::UNSPECIFIED, 0).into()),
            address: Some(Ipv4Addr::UNSPECIFIED.into()),
            ..SfuOptions::default()
        },
        ..Settings::default()
    };
    let mut names: BTreeSet<String> = NOT_WRITTEN.map(str::to_owned).into();
    if let Ok(written) = serde_json::to_value(&whole) {
        collect(&written, String::new(), &mut names);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../teahouse.example.toml");

    fn from_text(text: &str) -> Result<Settings, config::ConfigError> {
        Config::builder().add_source(File::from_str(text, FileFormat::Toml)).build()?.try_deserialize()
    }

    fn from_environment(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::layered(None, sort(variables).0, &Flags::default())
    }

    #[test]
    fn the_example_file_names_every_setting_with_its_default() {
        let written: serde_json::Value = from_text_as_value(EXAMPLE);
        let defaults = serde_json::to_value(Settings::default()).unwrap();
        assert_eq!(written, defaults);
        from_text(EXAMPLE).unwrap();
    }

    fn from_text_as_value(text: &str) -> serde_json::Value {
        let config = Config::builder().add_source(File::from_str(text, FileFormat::Toml)).build().unwrap();
        config.try_deserialize().unwrap()
    }

    #[test]
    fn the_example_file_shows_how_to_set_the_secrets() {
        let names = ["secret_key", "operator_token", "turn_secret", "url"];
        let uncommented = names
            .iter()
            .fold(EXAMPLE.to_owned(), |text, name| text.replace(&format!("# {name} ="), &format!("{name} =")));
        let settings = from_text(&uncommented).unwrap();
        assert!(settings.secret_key.is_some() && settings.operator_token.is_some() && settings.turn_secret.is_some());
        assert!(settings.cluster.url.is_some());
    }

    #[test]
    fn the_example_file_shows_every_setting_of_a_bucket() {
        let section = EXAMPLE.split_once("# [media.s3]").unwrap().1.split_once("\n\n").unwrap().0;
        let settings = section.lines().filter_map(|line| line.strip_prefix("# ")).collect::<Vec<_>>().join("\n");
        let s3 = from_text(&format!("[media.s3]\n{settings}")).unwrap().media.s3.unwrap();
        let own = |s3: S3Options| S3Options { bucket: "".into(), endpoint: "".into(), access_key_id: "".into(), ..s3 };
        let secret_access_key = s3.secret_access_key.clone();
        assert_ne!(secret_access_key, S3Options::default().secret_access_key);
        assert_eq!(own(s3), S3Options { secret_access_key, ..S3Options::default() });
        for name in names().iter().filter_map(|name| name.strip_prefix("media.s3.")) {
            assert!(section.contains(&format!("\n# {name} = ")), "{name}");
        }
    }

    #[test]
    fn a_variable_sets_a_nested_setting_and_keeps_a_token_as_it_is() {
        let settings = from_environment(&[
            ("TEAHOUSE_COMMANDS__PASSWORDS__MEMORY_KIB", "64"),
            ("TEAHOUSE_DEVELOPMENT__ADJUSTABLE_CLOCK", "true"),
            ("TEAHOUSE_STORE", "sled"),
            ("TEAHOUSE_OPERATOR_TOKEN", "0071007100710071"),
            ("TEAHOUSE_CONFIG", "/elsewhere.toml"),
            ("HOME", "/root"),
        ])
        .unwrap();
        assert_eq!(settings.commands.passwords.memory_kib, 64);
        assert!(settings.development.adjustable_clock);
        assert_eq!(settings.store, Store::Sled);
        assert_eq!(settings.operator_token.unwrap().reveal(), "0071007100710071");
    }

    #[test]
    fn a_setting_that_does_not_exist_is_refused() {
        assert!(from_text("colour = 'green'").is_err());
        assert!(from_text("[policy]\nrecal_seconds = 1").is_err());
    }

    #[test]
    fn a_variable_that_is_no_setting_is_named_and_ignored() {
        let variables = [
            ("TEAHOUSE_API__LISTNE", "x"),
            ("TEAHOUSE_PORT", "tcp://10.0.0.1:8080"),
            ("TEAHOUSE_SERVICE_HOST", "10.0.0.1"),
            ("TEAHOUSE_API", "x"),
            ("TEAHOUSE_URL", "http://127.0.0.1:8080"),
            ("TEAHOUSE_CONFIG", "x"),
            ("TEAHOUSE_DATA", "d"),
            ("HOME", "/root"),
        ];
        let (ours, unknown) = sort(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter());
        assert_eq!(unknown, ["TEAHOUSE_API", "TEAHOUSE_API__LISTNE", "TEAHOUSE_PORT", "TEAHOUSE_SERVICE_HOST"]);
        assert_eq!(ours.into_keys().collect::<Vec<_>>(), ["TEAHOUSE_DATA"]);
        assert_eq!(from_environment(&variables).unwrap().data, Path::new("d"));
    }

    #[test]
    fn a_variable_with_a_value_that_its_setting_can_not_have_is_named() {
        let wrong = [
            ("TEAHOUSE_STORE", "rocks", "there are \"fjall\" and \"sled\""),
            ("TEAHOUSE_LOG__FORMAT", "xml", "there are \"text\" and \"json\""),
            ("TEAHOUSE_API__WORKERS", "many", ""),
            ("TEAHOUSE_API__WORKERS", "-1", ""),
            ("TEAHOUSE_API__LISTEN", "here", ""),
            ("TEAHOUSE_DEVELOPMENT__ADJUSTABLE_CLOCK", "maybe", ""),
        ];
        for (name, value, more) in wrong {
            let said = from_environment(&[(name, value)]).unwrap_err().to_string();
            assert!(said.contains(name) && said.contains(more), "{said}");
        }
    }

    #[test]
    fn a_flag_overrides_a_variable_which_overrides_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("any.conf");
        std::fs::write(&file, "data = 'a'\nlog_cache_bytes = 7\napi.listen = '127.0.0.1:1'").unwrap();
        let variables = [("TEAHOUSE_DATA", "b"), ("TEAHOUSE_API__LISTEN", "127.0.0.1:2")]
            .map(|(n, v)| (n.to_owned(), v.to_owned()));
        let flags = Flags { data: Some("c".into()), ..Flags::default() };
        let settings = Settings::layered(Some(&file), variables.into(), &flags).unwrap();
        assert_eq!(settings.data, Path::new("c"));
        assert_eq!(settings.api.listen.port(), 2);
        assert_eq!(settings.log_cache_bytes, 7);
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        assert!(Settings::layered(Some(Path::new("/nowhere.toml")), HashMap::new(), &Flags::default()).is_err());
    }

    #[test]
    fn an_empty_or_short_operator_token_opens_nothing() {
        for token in ["", "guess me"] {
            let outcome = from_environment(&[("TEAHOUSE_OPERATOR_TOKEN", token)]);
            assert!(matches!(outcome, Err(SettingsError::ShortToken)), "{token:?}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let text = "operator_token = 'open sesame'\nturn_secret = 'sesame too'\ncluster.url = 'esdb://a:sesame@b'\n\
                    media.s3.secret_access_key = 'sesame also'";
        let settings = from_text(text).unwrap();
        assert!(!format!("{settings:?}").contains("sesame"));
        assert!(!serde_json::to_string(&settings).unwrap().contains("sesame"));
    }
}
