//! Turns: who works on the same blob does so one after the other.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Whose turn it is, for each hash that anybody works on.
#[derive(Default)]
pub(crate) struct Turns {
    taken: Mutex<HashMap<String, Weak<Turn<()>>>>,
}

impl Turns {
    /// Waits until nobody else has the turn of a hash.
    pub(crate) async fn take(&self, hash: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut taken = self.taken.lock();
            match taken.get(hash).and_then(Weak::upgrade) {
                Some(turn) => turn,
                None => {
                    taken.retain(|_, turn| turn.strong_count() > 0);
                    let turn = Arc::new(Turn::new(()));
                    taken.insert(hash.to_owned(), Arc::downgrade(&turn));
                    turn
                }
            }
        };
        turn.lock_owned().await
    }
}
