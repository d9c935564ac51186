//! Segments that replace others: the last segment is copied to a new file at each unclean start.

use crate::{
    format::{ids::Generation, segment_header::SegmentHeader},
    record::Waiting,
};

/// Maps the generation of a replaced segment to the one that replaces it. Frames keep their offsets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Aliases {
    /// Ranges of replaced generations in ascending order, and the generation that replaces them.
    replaced: Vec<Replaced>,
}

#[derive(Debug, Clone, Copy)]
struct Replaced {
    first: Generation,
    last: Generation,
    by: Generation,
}

impl Aliases {
    /// Adds a segment that will have the generation `by` from now on.
    pub(crate) fn add(&mut self, header: &SegmentHeader, by: Generation) {
        if header.replaces != by {
            self.replaced.push(Replaced {
                first: header.replaces,
                last: header.generation,
                by,
            });
        }
    }

    pub(crate) fn current(&self, generation: Generation) -> Generation {
        self.replaced
            .iter()
            .find(|replaced| (replaced.first..=replaced.last).contains(&generation))
            .map_or(generation, |replaced| replaced.by)
    }

    pub(crate) fn update(&self, waiting: Waiting) -> Waiting {
        let mut waiting = waiting;
        waiting.location.generation = self.current(waiting.location.generation);
        waiting
    }
}
