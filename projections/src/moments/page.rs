//! A page of a list that goes back in time, while it is being filled: of what is looked at, the viewer sees only some.

/// A page.
pub(super) struct Page<T> {
    items: Vec<T>,
    limit: usize,
    /// How many more things that are not seen it goes past.
    passes: usize,
    /// The position of the last item.
    last: u64,
    next: Option<u64>,
}

impl<T> Page<T> {
    /// An empty page for at most `limit` items, which ends early once it has gone past so many things that are not seen.
    pub(super) fn new(limit: usize, passed_over: usize) -> Self {
        Self { items: vec![], limit, passes: passed_over, last: 0, next: None }
    }

    /// Takes what is at a position, where the viewer sees it. Whether the page wants more.
    pub(super) fn take(&mut self, position: u64, seen: Option<T>) -> bool {
        match seen {
            Some(_) if self.items.len() >= self.limit => self.next = Some(self.last),
            Some(item) => {
                self.items.push(item);
                self.last = position;
            }
            None => {
                self.passes = self.passes.saturating_sub(1);
                if self.passes == 0 {
                    self.next = Some(position);
                }
            }
        }
        self.next.is_none()
    }

    /// The items, and before which position the next page begins, if there is one.
    pub(super) fn done(self) -> (Vec<T>, Option<u64>) {
        (self.items, self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_goes_on_before_its_last_item_if_something_more_is_seen() {
        let mut page = Page::new(2, 100);
        assert!(page.take(9, Some('a')) && page.take(8, None) && page.take(7, Some('b')) && page.take(6, None));
        assert!(!page.take(5, Some('c')));
        assert_eq!(page.done(), (vec!['a', 'b'], Some(7)));
    }

    #[test]
    fn a_full_page_with_nothing_seen_behind_it_is_the_last() {
        let mut page = Page::new(1, 100);
        assert!(page.take(9, Some('a')) && page.take(8, None));
        assert_eq!(page.done(), (vec!['a'], None));
    }

    #[test]
    fn a_page_ends_early_once_it_has_gone_past_enough() {
        let mut page = Page::new(5, 2);
        assert!(page.take(9, None) && page.take(8, Some('a')));
        assert!(!page.take(7, None));
        assert_eq!(page.done(), (vec!['a'], Some(7)));
    }
}
