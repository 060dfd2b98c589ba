//! Lists of a merchant's orders and refunds.

use chrono::{DateTime, Utc};
use domain::{MerchantId, OrderId, PaymentId};
use fjall::Keyspace;
use uuid::Uuid;

use super::{OrderRow, OrderState, RefundRow, ShopsView};
use crate::{ProjectionError, rows::id_at};

/// Most orders or refunds that are looked at for one page.
const SCAN_MAX: usize = 1_000;

/// The place of an order or a refund in a list: when it was made, in microseconds, and its id.
pub type ListPlace = (i64, Uuid);

/// Which of a merchant's orders or refunds are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListFilter {
    /// Only orders in that state.
    pub state: Option<OrderState>,
    /// Not made before that time.
    pub from: Option<DateTime<Utc>>,
    /// Made before that time.
    pub to: Option<DateTime<Utc>>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage<T> {
    /// The rows, the latest first.
    pub rows: Vec<T>,
    /// Behind which place to go on; none at the end.
    pub next: Option<ListPlace>,
}

impl ShopsView {
    /// A merchant's orders, the latest first, behind a place. Where few are wanted, a page may have less than `limit`, also
    /// none, and yet tell where to go on.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn orders_of(
        &self,
        merchant: MerchantId,
        filter: &ListFilter,
        behind: Option<ListPlace>,
        limit: usize,
    ) -> Result<ListPage<(OrderId, OrderRow)>, ProjectionError> {
        walk(&self.tables.orders_by_time, merchant, filter, behind, limit, |id| {
            let row = self.order(OrderId(id))?;
            let wanted = row.filter(|row| filter.state.is_none_or(|state| row.state == state));
            Ok(wanted.map(|row| (OrderId(id), row)))
        })
    }

    /// A merchant's refunds, the latest first, behind a place.
    ///
    /// # Errors
    /// When rows can't be read.
    pub fn refunds_of(
        &self,
        merchant: MerchantId,
        filter: &ListFilter,
        behind: Option<ListPlace>,
        limit: usize,
    ) -> Result<ListPage<(PaymentId, RefundRow)>, ProjectionError> {
        walk(&self.tables.refunds_by_time, merchant, filter, behind, limit, |id| {
            Ok(self.refund(PaymentId(id))?.map(|row| (PaymentId(id), row)))
        })
    }
}

/// Goes back in time through a keyspace of [`list_key`]s.
fn walk<T>(
    keyspace: &Keyspace,
    merchant: MerchantId,
    filter: &ListFilter,
    behind: Option<ListPlace>,
    limit: usize,
    take: impl Fn(Uuid) -> Result<Option<T>, ProjectionError>,
) -> Result<ListPage<T>, ProjectionError> {
    let micros = |time: DateTime<Utc>| time.timestamp_micros();
    let first = (filter.from.map_or(0, micros), Uuid::nil());
    let end = filter.to.map_or((i64::MAX, Uuid::max()), |to| (micros(to), Uuid::nil()));
    let end = behind.map_or(end, |behind| behind.min(end));
    let mut page = ListPage { rows: vec![], next: None };
    if first >= end {
        return Ok(page);
    }
    let mut last = None;
    for (seen, row) in keyspace.range(list_key(merchant, first)..list_key(merchant, end)).rev().enumerate() {
        if page.rows.len() >= limit || seen >= SCAN_MAX {
            page.next = last;
            break;
        }
        let (key, _) = row.into_inner()?;
        let place = place_in(&key).ok_or(ProjectionError::DamagedRow { keyspace: "by-time" })?;
        last = Some(place);
        page.rows.extend(take(place.1)?);
    }
    Ok(page)
}

/// The key of an order or a refund in the list of its merchant: merchant, time in microseconds, id.
pub(super) fn list_key(merchant: MerchantId, (micros, id): ListPlace) -> [u8; 40] {
    let mut key = [0; 40];
    let time = u64::try_from(micros).unwrap_or_default().to_be_bytes();
    let parts = merchant.0.into_bytes().into_iter().chain(time).chain(id.into_bytes());
    key.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    key
}

fn place_in(key: &[u8]) -> Option<ListPlace> {
    let time = u64::from_be_bytes(key.get(16..24)?.try_into().ok()?);
    Some((i64::try_from(time).ok()?, id_at(key, 24)?))
}
