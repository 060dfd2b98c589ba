//! What all handlers share.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use commands::Commands;
use eventlog::{EventLog, Position};
use projections::{ReadModels, chat::Reading, runtime::Slot};

use crate::{
    ApiOptions,
    bringing::Bringing,
    hub::Hub,
    ice::IceServers,
    limits::Limits,
    metrics::Metrics,
    problem::{Code, Problem},
    signals::Numbers,
};

/// What all handlers share.
pub struct App {
    /// The command side.
    pub commands: Arc<Commands>,
    /// The read side.
    pub read_models: Arc<ReadModels>,
    /// The log, for its position and its state of health.
    pub log: Arc<dyn EventLog>,
    /// The devices that are connected.
    pub hub: Arc<Hub>,
    /// Rate limits.
    pub limits: Limits,
    /// Media on their way in.
    pub bringing: Bringing,
    /// What is counted.
    pub metrics: Metrics,
    /// BLAKE3 hash of the operator's token; none where there is no operator's endpoint.
    operator: Option<blake3::Hash>,
    /// Servers that help devices to find a way to each other.
    pub ice: IceServers,
    /// How far the numbers of signals are.
    pub(crate) signals: Numbers,
    /// Settings.
    pub options: ApiOptions,
}

impl App {
    /// Puts the parts together. `operator_token` opens the operator's endpoints; without one they are closed.
    #[must_use]
    pub fn new(
        commands: Arc<Commands>,
        read_models: Arc<ReadModels>,
        log: Arc<dyn EventLog>,
        hub: Arc<Hub>,
        operator_token: Option<&str>,
        ice: IceServers,
        options: ApiOptions,
    ) -> Self {
        let limits = Limits::new(&options.rates);
        let operator = operator_token.map(|token| blake3::hash(token.as_bytes()));
        let (metrics, signals) = (Metrics::default(), Numbers::default());
        Self {
            commands,
            read_models,
            log,
            hub,
            limits,
            bringing: Bringing::default(),
            metrics,
            operator,
            ice,
            signals,
            options,
        }
    }

    /// Whether that is the operator's token; takes the same time whatever the answer.
    #[must_use]
    pub fn is_operator(&self, token: &str) -> bool {
        self.operator.is_some_and(|hash| hash == blake3::hash(token.as_bytes()))
    }

    /// When and how entries are read.
    #[must_use]
    pub fn reading(&self) -> Reading {
        Reading { now: self.commands.now(), re_edit: TimeDelta::seconds(self.commands.policy.re_edit_seconds) }
    }

    /// Refuses a position that this log does not come to: who names it has seen another log, or one that was restored from
    /// an older backup. Where several nodes share a log, another one may have shown it before this one heard of it: that is
    /// waited for.
    ///
    /// # Errors
    /// 409.
    pub async fn check_not_ahead(&self, position: Position) -> Result<(), Problem> {
        if position <= self.log.last_position() {
            return Ok(());
        }
        if self.log.is_shared() {
            let mut events = self.log.subscribe(self.log.last_position());
            let arrives = async {
                while position > self.log.last_position() {
                    if events.next().await.is_err() {
                        break;
                    }
                }
            };
            // Whether it came is seen below.
            let _ = tokio::time::timeout(Duration::from_millis(self.options.read_wait_ms), arrives).await;
        }
        let last = self.log.last_position();
        if position <= last {
            return Ok(());
        }
        let detail = format!(
            "the log ends at {last}, so {position} is of another log or of one that was restored from a backup; read the \
             lists anew and go on from there"
        );
        Err(Problem::new(Code::PositionAhead, detail))
    }

    /// A read model that has taken in everything acknowledged so far, and `at_least` that position: whoever reads finds
    /// what they wrote.
    ///
    /// # Errors
    /// 503 where it does not get there in time.
    pub async fn fresh<V>(&self, slot: &Slot<V>, at_least: Position) -> Result<Arc<V>, Problem> {
        let wanted = at_least.max(self.log.last_position());
        Ok(slot.at_least(wanted, Duration::from_millis(self.options.read_wait_ms)).await?)
    }
}
