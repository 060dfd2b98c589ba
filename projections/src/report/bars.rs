//! How fast messages are counted. Run by hand, in a release build:
//! `cargo test --release -p projections bars -- --ignored --nocapture`

use std::time::Instant;

use super::ReportProjection;
use crate::{
    runtime::Projection,
    search::bars::{facts, measure, user},
};

#[test]
#[ignore = "a measurement"]
fn a_million_messages() {
    let facts = facts();
    let dir = tempfile::tempdir().unwrap();
    let projection: ReportProjection = measure(&facts, dir.path());
    let began = Instant::now();
    (0..100).for_each(|number| assert!(projection.view().year(user(number), 2026).unwrap().messages > 0));
    println!("a report: {:?}", began.elapsed() / 100);
}
