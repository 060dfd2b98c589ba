//! A device that fails: writes are refused from then on, reads go on, opening anew tells what is really there.

mod support;

use std::path::Path;

use eventlog::{EventLog, ExpectedVersion, StoreKind};
use support::{
    append,
    child::{Appender, append_without_end},
    open, verified,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of the other tests"]
async fn appending_child() {
    append_without_end().await;
}
