//! The command index: a repeated key finds what was done, for two days at least.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't go on fails")]

mod support;

use std::path::Path;

use chrono::TimeDelta;
use domain::{CommandId, UserEvent, UserId, user::PasswordChanged};
use eventlog::Position;
use projections::{
    Projection,
    commands::{CommandIndexProjection, Found},
};
use support::Writer;

fn event() -> UserEvent {
    PasswordChanged { password: String::new() }.into()
}

/// Does a command of some records, and gives the position of the last.
fn command(writer: &Writer, id: CommandId, fingerprint: Option<[u8; 16]>, records: usize) -> Position {
    writer.command(format!("user-{}", UserId::new()), None, &vec![event(); records], id.0, fingerprint)
}

fn find(index: &CommandIndexProjection, id: CommandId) -> Option<Found> {
    index.view().find(id).unwrap()
}

fn fold(writer: &Writer, dir: &Path) -> CommandIndexProjection {
    writer.fold(dir)
}

#[test]
fn a_keyed_command_is_found_before_its_first_record() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let (one, other, unkeyed) = (CommandId::new(), CommandId::new(), CommandId::new());
    command(&writer, one, Some([1; 16]), 3);
    command(&writer, unkeyed, None, 1);
    command(&writer, other, Some([2; 16]), 1);
    // A second append of the first command, in another stream.
    command(&writer, one, Some([1; 16]), 1);
    let index = fold(&writer, dir.path());
    assert_eq!(find(&index, one), Some(Found { after: Position(0), fingerprint: [1; 16] }));
    assert_eq!(find(&index, other), Some(Found { after: Position(4), fingerprint: [2; 16] }));
    assert_eq!(find(&index, unkeyed), None);
    assert_eq!(find(&index, CommandId::new()), None);
}

#[test]
fn a_later_record_of_a_command_from_an_earlier_batch_changes_nothing() {
    let (writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let id = CommandId::new();
    command(&writer, id, Some([1; 16]), 1);
    let mut index = fold(&writer, dir.path());
    command(&writer, id, Some([1; 16]), 1);
    index.apply(&writer.facts(index.checkpoint())).unwrap();
    assert_eq!(find(&index, id), Some(Found { after: Position(0), fingerprint: [1; 16] }));
}

#[test]
fn a_command_is_known_for_two_days_and_forgotten_after_three() {
    let (mut writer, dir) = (Writer::new(), tempfile::tempdir().unwrap());
    let old = CommandId::new();
    command(&writer, old, Some([1; 16]), 1);
    let mut index = fold(&writer, dir.path());
    for (hours, known) in [(24, true), (24, true), (24, false)] {
        writer.pass(TimeDelta::hours(hours));
        command(&writer, CommandId::new(), Some([2; 16]), 1);
        index.apply(&writer.facts(index.checkpoint())).unwrap();
        assert_eq!(find(&index, old).is_some(), known);
    }
    drop(index);
    let index = CommandIndexProjection::open(dir.path()).unwrap();
    assert_eq!(find(&index, old), None);
    assert_eq!(index.checkpoint(), writer.last());
}

#[test]
fn the_rows_do_not_show_where_batches_ended() {
    let mut writer = Writer::new();
    let ids: Vec<CommandId> = (0..40).map(|_| CommandId::new()).collect();
    for (id, n) in ids.iter().zip(0_u8..) {
        // Some commands come back later, some clocks go backwards, and days pass in between.
        command(&writer, *id, Some([n; 16]), 1 + usize::from(n) % 3);
        command(&writer, ids[usize::from(n) / 2], Some([n; 16]), 1);
        writer.pass(TimeDelta::hours(if n % 7 == 6 { -30 } else { 9 }));
    }
    let rows = |batch: usize| {
        let dir = tempfile::tempdir().unwrap();
        let mut index = CommandIndexProjection::open(dir.path()).unwrap();
        writer.facts(Position::START).chunks(batch).for_each(|facts| index.apply(facts).unwrap());
        drop(index);
        CommandIndexProjection::rows(dir.path()).unwrap().collect::<Result<Vec<_>, _>>().unwrap()
    };
    let whole = rows(usize::MAX);
    assert!(whole.len() > 5);
    for batch in [1, 2, 3, 7, 20] {
        assert_eq!(rows(batch), whole, "in batches of {batch}");
    }
}
