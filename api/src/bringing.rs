//! Bodies of media on their way in: how many of one person at a time, and how slowly they may come. Places for uploads are
//! few, and nobody is to take all of them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix_web::web::Bytes;
use domain::UserId;
use futures::{Stream, StreamExt};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::problem::{Code, Problem};

/// Most bodies of one person at a time.
const EACH_MAX: usize = 16;
/// How long the next bytes are waited for.
const SILENCE: Duration = Duration::from_secs(30);
/// The least that has to come in a second, on average, after that.
const BYTES_A_SECOND: u64 = 2 * 1024;

/// What each person has on its way.
#[derive(Debug, Default)]
pub struct Bringing {
    under_way: Arc<Mutex<HashMap<UserId, usize>>>,
}

impl Bringing {
    /// A place for one more body of a person, until it is dropped.
    ///
    /// # Errors
    /// 429 where they have too many on their way.
    pub(crate) fn begin(&self, user: UserId) -> Result<Place, Problem> {
        let mut under_way = self.under_way.lock();
        let theirs = under_way.entry(user).or_default();
        if *theirs >= EACH_MAX {
            return Err(Problem::too_many(2));
        }
        *theirs += 1;
        Ok(Place { under_way: self.under_way.clone(), user, begun: Instant::now(), bytes: 0 })
    }
}

/// A body on its way in.
#[derive(Debug)]
pub(crate) struct Place {
    under_way: Arc<Mutex<HashMap<UserId, usize>>>,
    user: UserId,
    begun: Instant,
    bytes: u64,
}

impl Place {
    /// The next bytes of the body; none at its end.
    ///
    /// # Errors
    /// 408 where it comes too slowly, 400 where it is broken off.
    pub(crate) async fn next<E: std::fmt::Display>(
        &mut self,
        body: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    ) -> Result<Option<Bytes>, Problem> {
        let next = timeout_at(self.deadline(Instant::now()), body.next()).await.map_err(|_| too_slow())?;
        let bytes = next.transpose().map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))?;
        self.bytes += bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        Ok(bytes)
    }

    /// Until when the next bytes have to be here.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        let at_least = self.begun + SILENCE + Duration::from_secs(self.bytes / BYTES_A_SECOND);
        at_least.min(now + SILENCE)
    }
}

/// What is answered to whom does not go on.
pub(crate) fn too_slow() -> Problem {
    let rule = format!("bytes have to come within {} seconds, and {BYTES_A_SECOND} a second", SILENCE.as_secs());
    Problem::new(Code::BodyTooSlow, rule)
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.under_way.lock();
        if let Some(theirs) = under_way.get_mut(&self.user) {
            *theirs -= 1;
            if *theirs == 0 {
                under_way.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_a_share_of_the_places_and_gets_each_back() {
        let bringing = Bringing::default();
        let (mei, lin) = (UserId::new(), UserId::new());
        let mut places: Vec<Place> = (0..EACH_MAX).map(|_| bringing.begin(mei).unwrap()).collect();
        assert_eq!(bringing.begin(mei).unwrap_err().status, 429);
        drop(bringing.begin(lin).unwrap());
        places.pop();
        places.push(bringing.begin(mei).unwrap());
        drop(places);
        assert!(bringing.under_way.lock().is_empty());
    }

    #[test]
    fn a_byte_now_and_then_does_not_keep_a_place() {
        let mut place = Bringing::default().begin(UserId::new()).unwrap();
        let after = |seconds| place.begun + Duration::from_secs(seconds);
        let (begun, end) = (after(0), after(30));
        assert_eq!(place.deadline(begun), end);
        assert_eq!(place.deadline(after(20)), end);
        // A minute's worth has come at once: after that, silence counts.
        let (late, later) = (after(45), after(75));
        place.bytes = 60 * BYTES_A_SECOND;
        assert_eq!(place.deadline(begun), end);
        assert_eq!(place.deadline(late), later);
    }
}
