//! A list that usually has one element, and then needs no allocation.

/// Elements in order.
#[derive(Debug)]
#[expect(
    clippy::box_collection,
    reason = "as small as one element, which is what most have"
)]
pub(crate) enum OneOrMany<T> {
    None,
    One(T),
    Many(Box<Vec<T>>),
}

impl<T> OneOrMany<T> {
    pub(crate) const fn new() -> Self {
        Self::None
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Self::None => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(all) => all,
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Self::None => &mut [],
            Self::One(one) => std::slice::from_mut(one),
            Self::Many(all) => all,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    pub(crate) fn push(&mut self, element: T) {
        self.insert(self.len(), element);
    }

    /// Inserts an element before the index `at`, which is at most the length.
    pub(crate) fn insert(&mut self, at: usize, element: T) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(element),
            Self::One(one) => {
                let mut all = vec![one];
                all.insert(at, element);
                Self::Many(Box::new(all))
            }
            Self::Many(mut all) => {
                all.insert(at, element);
                Self::Many(all)
            }
        };
    }

    /// Removes and returns the element at `at`, if there is one.
    pub(crate) fn remove(&mut self, at: usize) -> Option<T> {
        if at >= self.len() {
            return None;
        }
        match std::mem::take(self) {
            Self::None => None,
            Self::One(one) => Some(one),
            Self::Many(mut all) => {
                let removed = all.remove(at);
                if all.len() == 1 {
                    *self = all.pop().map_or(Self::None, Self::One);
                } else {
                    if all.len() < all.capacity() / 4 {
                        all.shrink_to_fit();
                    }
                    *self = Self::Many(all);
                }
                Some(removed)
            }
        }
    }

    /// Keeps the elements for which `keep` returns true.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        *self = match std::mem::take(self) {
            Self::None => Self::None,
            Self::One(one) if keep(&one) => Self::One(one),
            Self::One(_) => Self::None,
            Self::Many(mut all) => {
                all.retain(keep);
                match all.len() {
                    0 | 1 => all.pop().map_or(Self::None, Self::One),
                    _ => Self::Many(all),
                }
            }
        };
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_list_behaves_like_a_vector(steps in proptest::collection::vec((proptest::bool::ANY, 0..6_usize), 0..40)) {
            let mut few = OneOrMany::new();
            let mut all = Vec::new();
            for (step, (grows, at)) in steps.into_iter().enumerate() {
                if grows {
                    let at = at.min(all.len());
                    few.insert(at, step);
                    all.insert(at, step);
                } else {
                    let removed = (at < all.len()).then(|| all.remove(at));
                    proptest::prop_assert_eq!(few.remove(at), removed);
                }
                proptest::prop_assert_eq!(few.as_slice(), &all[..]);
                proptest::prop_assert_eq!(few.is_empty(), all.is_empty());
            }
        }

        #[test]
        fn retaining_keeps_the_same_elements_as_a_vector(all in proptest::collection::vec(0..9_u8, 0..6), least in 0..9_u8) {
            let mut few = OneOrMany::new();
            all.iter().for_each(|one| few.push(*one));
            few.retain(|one| *one >= least);
            let kept: Vec<_> = all.into_iter().filter(|one| *one >= least).collect();
            proptest::prop_assert_eq!(few.as_slice(), &kept[..]);
            proptest::prop_assert_eq!(few.is_empty(), kept.is_empty());
        }
    }

    #[test]
    fn the_list_has_the_size_of_two_words_also_in_an_option() {
        assert_eq!(
            size_of::<Option<OneOrMany<Box<u8>>>>(),
            2 * size_of::<Box<u8>>()
        );
    }
}
