//! Settings of the interface.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Settings of the interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiOptions {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Worker threads; 0 for one per core.
    pub workers: usize,
    /// Largest body of a request, in bytes.
    pub body_bytes_max: usize,
    /// How long the body of a request may take to arrive, in seconds.
    pub body_seconds: u64,
    /// Most connections at a time, WebSockets included.
    pub connections_max: usize,
    /// How long a query waits for the read models to take in what was acknowledged, in milliseconds.
    pub read_wait_ms: u64,
    /// How long a stop waits for requests under way, in seconds.
    pub stop_seconds: u64,
    /// A device whose unsent pushes exceed this many bytes is cut off, to catch up by itself.
    pub push_bytes_max: usize,
    /// After this many seconds without a sign of life a WebSocket is closed, and any connection whose client takes
    /// nothing of what it is sent.
    pub socket_idle_seconds: u64,
    /// Rate limits.
    pub rates: RateOptions,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            workers: 0,
            body_bytes_max: 128 * 1024,
            body_seconds: 30,
            connections_max: 25_000,
            read_wait_ms: 2_000,
            stop_seconds: 10,
            push_bytes_max: 1024 * 1024,
            socket_idle_seconds: 90,
            rates: RateOptions::default(),
        }
    }
}

/// How often somebody may do something, each per minute; 0 for as often as they like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateOptions {
    /// Log-ins per address.
    pub log_ins_per_address: u32,
    /// Log-ins per handle from one address.
    pub log_ins_per_handle: u32,
    /// Log-ins per handle from all addresses.
    pub log_ins_per_handle_everywhere: u32,
    /// Registrations per address.
    pub registrations_per_address: u32,
    /// Searches for people per person.
    pub people_searches: u32,
    /// Searches in messages per person.
    pub message_searches: u32,
    /// Friend requests per person.
    pub friend_requests: u32,
    /// Messages per person.
    pub messages: u32,
    /// Commands that move money per person.
    pub payments: u32,
    /// Requests that a bank or biller is asked for, per person.
    pub outside_calls: u32,
    /// Calls that a person places.
    pub calls: u32,
    /// Signals within calls that a device sends.
    pub signals: u32,
    /// Pictures, voice, video and files that one person brings.
    pub uploads: u32,
    /// Times that one person's links to such are followed.
    pub downloads: u32,
    /// Articles, and pictures in them, that are fetched from an address.
    pub article_reads: u32,
    /// Other commands per person.
    pub commands: u32,
    /// Queries per person.
    pub queries: u32,
}

impl RateOptions {
    /// The part of one of so many nodes, among which requests are spread: together they allow no more than one would,
    /// but for rounding up.
    #[must_use]
    pub fn for_one_of(self, nodes: u32) -> Self {
        let part = |rate: u32| rate.div_ceil(nodes.max(1));
        Self {
            log_ins_per_address: part(self.log_ins_per_address),
            log_ins_per_handle: part(self.log_ins_per_handle),
            log_ins_per_handle_everywhere: part(self.log_ins_per_handle_everywhere),
            registrations_per_address: part(self.registrations_per_address),
            people_searches: part(self.people_searches),
            message_searches: part(self.message_searches),
            friend_requests: part(self.friend_requests),
            messages: part(self.messages),
            payments: part(self.payments),
            outside_calls: part(self.outside_calls),
            calls: part(self.calls),
            // All of one call's come to the node where both devices are.
            signals: self.signals,
            uploads: part(self.uploads),
            downloads: part(self.downloads),
            article_reads: part(self.article_reads),
            commands: part(self.commands),
            queries: part(self.queries),
        }
    }
}

impl Default for RateOptions {
    fn default() -> Self {
        Self {
            log_ins_per_address: 60,
            log_ins_per_handle: 10,
            log_ins_per_handle_everywhere: 300,
            registrations_per_address: 20,
            people_searches: 30,
            message_searches: 60,
            friend_requests: 30,
            messages: 1_200,
            payments: 300,
            outside_calls: 30,
            calls: 60,
            signals: 1_200,
            uploads: 120,
            downloads: 6_000,
            article_reads: 6_000,
            commands: 600,
            queries: 3_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_share_a_rate_and_no_limit_stays_none() {
        let rates = RateOptions { messages: 10, queries: 0, ..RateOptions::default() };
        assert_eq!((rates.for_one_of(3).messages, rates.for_one_of(3).queries), (4, 0));
        assert_eq!((rates.for_one_of(1), rates.for_one_of(0)), (rates, rates));
    }
}
