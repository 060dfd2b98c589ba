//! Tasks that go on for as long as the server does.
//!
//! None of them ends by itself. Where one panics, what it does would be left undone without a word until somebody
//! notices, so the server comes to its end with it, and whoever looks after the process starts it again.

use std::collections::HashMap;

use tokio::task::{Id, JoinSet};

use crate::error::Error;

/// Tasks that are under way. Those that are when this is dropped are ended.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    running: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// Starts one.
    pub(crate) fn start(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.running.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits until one of them ends, and says which, and how; for ever where there are none.
    pub(crate) async fn ended(&mut self) -> Error {
        let (id, how) = match self.running.join_next_with_id().await {
            Some(Ok((id, ()))) => (id, "it has nothing more to do".to_owned()),
            Some(Err(error)) => (error.id(), error.to_string()),
            None => return std::future::pending().await,
        };
        let name = self.names.get(&id).copied().unwrap_or_default();
        Error::failed(&format!("the task `{name}` came to its end"), how)
    }

    /// Ends them, wherever they are: what is not done is done by whoever looks next.
    pub(crate) fn stop(&mut self) {
        self.running.abort_all();
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_named_with_what_it_said() {
        let mut tasks = Tasks::default();
        tasks.start("waits", pending());
        tasks.start("breaks", async { panic!("seven is no answer") });
        let error = tasks.ended().await.to_string();
        assert!(error.contains("`breaks`") && error.contains("seven is no answer"), "{error}");
    }

    #[tokio::test]
    async fn a_task_that_ends_by_itself_is_named_too() {
        let mut tasks = Tasks::default();
        tasks.start("waits", pending());
        tasks.start("gives up", ready(()));
        assert!(tasks.ended().await.to_string().contains("`gives up`"));
    }

    #[tokio::test]
    async fn nothing_is_said_while_all_go_on_or_there_are_none() {
        let mut tasks = Tasks::default();
        assert!(poll!(Box::pin(tasks.ended())).is_pending());
        tasks.start("waits", pending());
        tokio::task::yield_now().await;
        assert!(poll!(Box::pin(tasks.ended())).is_pending());
    }
}
