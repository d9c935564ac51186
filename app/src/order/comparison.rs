//! The comparison of columns: whether all subscribers received the same messages in the same order. Pure.

use super::{digest::digest, row::Row};

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Fewer than two columns have rows.
    Nothing,
    /// All columns are equal as far as the shortest of them.
    Equal {
        /// Rows that all compared columns have.
        rows: usize,
        /// Columns that were compared.
        columns: usize,
        /// The digest of these rows.
        digest: u64,
    },
    Different(Difference),
}

/// The first row at which two columns differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The number of the row, from 1.
    pub row: usize,
    /// A column, by its index, and its message.
    pub first: (usize, Row),
    pub second: (usize, Row),
}

/// A column of another page, as that page describes it: its rows between two positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The positions of the first and of the last row.
    pub from: u64,
    pub to: u64,
    /// The number of rows.
    pub count: usize,
    pub digest: u64,
}

/// The result of comparing a column with a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    Same,
    Different,
    /// This page has not received all of these messages, or not yet.
    Unknown,
}

/// Compares columns row by row, each with the longest: two columns that differ at a row cannot both be equal to it there.
/// Columns without rows do not take part.
pub fn compare(columns: &[&[Row]]) -> Verdict {
    let filled = || {
        columns
            .iter()
            .enumerate()
            .filter(|(_, rows)| !rows.is_empty())
    };
    let longest = filled().reduce(|best, next| match next.1.len() > best.1.len() {
        true => next,
        false => best,
    });
    let Some((reference, longest)) = longest.filter(|_| filled().count() > 1) else {
        return Verdict::Nothing;
    };
    let differences = filled().filter_map(|(index, rows)| {
        let mut pairs = longest.iter().zip(rows.iter()).enumerate();
        let (at, (own, other)) = pairs.find(|(_, (own, other))| own != other)?;
        Some(Difference {
            row: at + 1,
            first: (reference, *own),
            second: (index, *other),
        })
    });
    if let Some(first) = differences.min_by_key(|difference| difference.row) {
        return Verdict::Different(first);
    }
    let rows = filled()
        .map(|(_, rows)| rows.len())
        .min()
        .unwrap_or_default();
    Verdict::Equal {
        rows,
        columns: filled().count(),
        digest: digest(&longest[..rows]),
    }
}

/// Returns the columns from the first message on that all of them can have: a subscriber that came later has none of the
/// messages before. A column that has not come so far is empty.
pub fn aligned<'a>(columns: &[&'a [Row]]) -> Vec<&'a [Row]> {
    let firsts = columns.iter().filter_map(|rows| rows.first());
    let start = firsts.map(|row| row.position).max().unwrap_or_default();
    let from_start = |rows: &&'a [Row]| {
        let index = rows.iter().position(|row| row.position >= start);
        &rows[index.unwrap_or(rows.len())..]
    };
    columns.iter().map(from_start).collect()
}

/// Returns true if the messages of each producer are in the order of their numbers, without gaps.
pub fn keeps_producers_order(rows: &[Row]) -> bool {
    let mut last = [None::<u32>; 256];
    rows.iter().all(|row| {
        let before = last[usize::from(row.producer)].replace(row.number);
        before.is_none_or(|before| before.checked_add(1) == Some(row.number))
    })
}

/// Returns the description of a column for other pages; `None` if it is empty.
pub fn claim(rows: &[Row]) -> Option<Claim> {
    let (first, last) = rows.first().zip(rows.last())?;
    Some(Claim {
        from: first.position,
        to: last.position,
        count: rows.len(),
        digest: digest(rows),
    })
}

/// Compares a column of this page with the claim of another page.
pub fn check(claim: &Claim, rows: &[Row]) -> Agreement {
    let at = |position| rows.iter().position(|row| row.position == position);
    let (Some(from), Some(to)) = (at(claim.from), at(claim.to)) else {
        let oldest = rows.iter().map(|row| row.position).min();
        let newest = rows.iter().map(|row| row.position).max();
        let covers = oldest.is_some_and(|oldest| oldest <= claim.from)
            && newest.is_some_and(|newest| newest >= claim.to);
        return match covers {
            // A message that the other page has is missing here.
            true => Agreement::Different,
            false => Agreement::Unknown,
        };
    };
    let Some(own) = rows.get(from..=to) else {
        return Agreement::Different;
    };
    match own.len() == claim.count && digest(own) == claim.digest {
        true => Agreement::Same,
        false => Agreement::Different,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(position: u64) -> Row {
        Row {
            position,
            producer: (position % 3) as u8,
            number: position as u32,
        }
    }

    fn rows(positions: std::ops::Range<u64>) -> Vec<Row> {
        positions.map(row).collect()
    }

    #[test]
    fn columns_are_equal_as_far_as_the_shortest() {
        let (long, short) = (rows(1..9), rows(1..4));
        let verdict = compare(&[&long, &[], &short]);
        let expected = Verdict::Equal {
            rows: 3,
            columns: 2,
            digest: digest(&short),
        };
        assert_eq!(verdict, expected);
        for columns in [&[][..], &[&long[..]], &[&long[..], &[]]] {
            assert_eq!(compare(columns), Verdict::Nothing);
        }
    }

    #[test]
    fn the_first_difference_of_all_columns_is_reported() {
        let own = rows(1..9);
        let (mut late, mut early) = (own.clone(), own.clone());
        late.swap(5, 6);
        early.swap(1, 2);
        let Verdict::Different(difference) = compare(&[&own, &late, &early]) else {
            panic!("the columns differ");
        };
        let expected = Difference {
            row: 2,
            first: (0, row(2)),
            second: (2, row(3)),
        };
        assert_eq!(difference, expected);
    }

    #[test]
    fn columns_that_begin_at_different_messages_are_compared_from_the_latest_begin() {
        let (early, late, behind) = (rows(1..9), rows(5..12), rows(1..3));
        let columns = aligned(&[&early, &late, &behind, &[]]);
        assert_eq!(columns, [&early[4..], &late[..], &[], &[]]);
        assert!(matches!(compare(&columns), Verdict::Equal { rows: 4, .. }));
        let mut without = early.clone();
        without.remove(4);
        let columns = aligned(&[&without, &late]);
        assert!(matches!(compare(&columns), Verdict::Different(_)));
    }

    #[test]
    fn a_claim_is_checked_against_the_same_messages() {
        let own = rows(3..20);
        for (other, agreement) in [
            (rows(3..20), Agreement::Same),
            (rows(5..9), Agreement::Same),
            (rows(1..9), Agreement::Unknown),
            (rows(9..25), Agreement::Unknown),
        ] {
            let claim = claim(&other).expect("rows");
            assert_eq!(check(&claim, &own), agreement, "{claim:?}");
            assert_eq!(check(&claim, &[]), Agreement::Unknown);
        }
        let mut swapped = rows(4..10);
        swapped.swap(2, 3);
        let mut missing = rows(4..10);
        missing.remove(2);
        for other in [swapped, missing] {
            let claim = claim(&other).expect("rows");
            assert_eq!(check(&claim, &own), Agreement::Different);
        }
        let mut lost = own.clone();
        lost.remove(2);
        let claim = claim(&rows(5..9)).expect("rows");
        assert_eq!(check(&claim, &lost), Agreement::Different);
        assert_eq!(super::claim(&[]), None);
    }

    #[test]
    fn a_gap_or_a_swap_breaks_the_order_of_a_producer() {
        let of = |numbers: &[u32]| {
            let row = |number: &u32| Row {
                number: *number,
                ..row(0)
            };
            numbers.iter().map(row).collect::<Vec<_>>()
        };
        assert!(keeps_producers_order(&of(&[1, 2, 3])));
        assert!(keeps_producers_order(&of(&[7, 8])));
        for numbers in [[1, 3], [2, 1], [1, 1]] {
            assert!(!keeps_producers_order(&of(&numbers)), "{numbers:?}");
        }
    }

    proptest! {
        #[test]
        fn any_swap_of_two_messages_is_found(length in 2_u64..60, one in 0_usize..60, other in 0_usize..60) {
            let own = rows(1..length + 1);
            let (one, other) = (one % own.len(), other % own.len());
            let mut swapped = own.clone();
            swapped.swap(one, other);
            let verdict = compare(&[&own, &swapped]);
            if one == other {
                let is_equal = matches!(verdict, Verdict::Equal { .. });
                prop_assert!(is_equal);
            } else {
                let Verdict::Different(difference) = verdict else {
                    return Err(TestCaseError::fail("not found"));
                };
                prop_assert_eq!(difference.row, one.min(other) + 1);
            }
        }

        #[test]
        fn the_order_of_the_columns_does_not_matter(cut in 1_usize..30, swap in 0_usize..29) {
            let own = rows(1..31);
            let mut swapped = own.clone();
            swapped.swap(swap, swap + 1);
            let columns: [&[Row]; 3] = [&own, &own[..cut], &swapped];
            let row = |verdict| match verdict {
                Verdict::Different(difference) => Some(difference.row),
                _ => None,
            };
            let expected = row(compare(&columns));
            prop_assert!(expected.is_some());
            for [a, b, c] in [[1, 0, 2], [2, 1, 0], [0, 2, 1]] {
                prop_assert_eq!(row(compare(&[columns[a], columns[b], columns[c]])), expected);
            }
        }
    }
}
