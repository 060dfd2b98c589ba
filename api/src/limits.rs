//! Rate limits: per address where nobody is known yet, per person after that.

use std::{hash::Hash, net::IpAddr, num::NonZeroU32, time::Duration};

use domain::{DeviceId, UserId};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::DashMapStateStore,
};

use crate::{RateOptions, problem::Problem};

/// A limit for each of many.
struct Limit<K: Hash + Eq + Clone> {
    limiter: Option<RateLimiter<K, DashMapStateStore<K>, DefaultClock>>,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn per_minute(count: u32) -> Self {
        // Half a minute's worth may come at once.
        let limiter = NonZeroU32::new(count).map(|count| {
            let burst = NonZeroU32::new(count.get() / 2).unwrap_or(NonZeroU32::MIN);
            let refill = Duration::from_secs(60) / count.get();
            let quota = Quota::with_period(refill).unwrap_or(Quota::per_minute(count)).allow_burst(burst);
            RateLimiter::dashmap(quota)
        });
        Self { limiter }
    }

    fn check(&self, key: &K) -> Result<(), Problem> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check_key(key).map_err(|refused| {
            let wait = refused.wait_time_from(DefaultClock::default().now());
            Problem::too_many(wait.as_secs() + 1)
        })
    }

    /// Forgets those who have not been heard of for a while, so that memory stays bounded.
    fn forget_idle(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

macro_rules! limits {
    ($($(#[$meta:meta])* $name:ident($key:ty) = $field:ident;)*) => {
        /// All rate limits.
        pub struct Limits {
            $($name: Limit<$key>,)*
        }

        impl Limits {
            /// Limits as the settings say.
            #[must_use]
            pub fn new(rates: &RateOptions) -> Self {
                Self { $($name: Limit::per_minute(rates.$field),)* }
            }

            $($(#[$meta])*
            ///
            /// # Errors
            /// 429 when it happens too often.
            pub fn $name(&self, key: &$key) -> Result<(), Problem> {
                self.$name.check(key)
            })*

            /// Forgets those who have not been heard of for a while.
            pub fn forget_idle(&self) {
                $(self.$name.forget_idle();)*
            }
        }
    };
}

limits! {
    /// A log-in from an address.
    log_in_from(IpAddr) = log_ins_per_address;
    /// A log-in to a handle from an address.
    log_in_to((String, IpAddr)) = log_ins_per_handle;
    /// A log-in to a handle from anywhere.
    log_in_to_from_anywhere(String) = log_ins_per_handle_everywhere;
    /// A change of a password: a guess at the old one.
    password_change(UserId) = log_ins_per_handle;
    /// A registration from an address.
    registration(IpAddr) = registrations_per_address;
    /// A search for people.
    people_search(UserId) = people_searches;
    /// A search in messages.
    message_search(UserId) = message_searches;
    /// A friend request.
    friend_request(UserId) = friend_requests;
    /// A message.
    message(UserId) = messages;
    /// A command that moves money.
    payment(UserId) = payments;
    /// A request that a bank or biller is asked for.
    outside_call(UserId) = outside_calls;
    /// Placing a call.
    call(UserId) = calls;
    /// A signal within a call.
    signal(DeviceId) = signals;
    /// Something that is brought.
    upload(UserId) = uploads;
    /// The bytes of a medium.
    download(UserId) = downloads;
    /// Reading an article from an address.
    article(IpAddr) = article_reads;
    /// Another command.
    command(UserId) = commands;
    /// A query.
    query(UserId) = queries;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_burst_one_is_told_when_to_try_again_and_others_are_not_affected() {
        let limits = Limits::new(&RateOptions { messages: 4, ..RateOptions::default() });
        let (loud, quiet) = (UserId::new(), UserId::new());
        assert!(limits.message(&loud).is_ok());
        assert!(limits.message(&loud).is_ok());
        let refused = limits.message(&loud).unwrap_err();
        assert_eq!(refused.status, 429);
        assert!(refused.retry_after.is_some_and(|seconds| (1..=16).contains(&seconds)));
        assert!(limits.message(&quiet).is_ok());
    }

    #[test]
    fn zero_means_no_limit() {
        let limits = Limits::new(&RateOptions { messages: 0, ..RateOptions::default() });
        let user = UserId::new();
        assert!((0..10_000).all(|_| limits.message(&user).is_ok()));
    }
}
