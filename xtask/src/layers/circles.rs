//! Circles in a graph: its strongly connected components of more than one node.

use std::collections::{BTreeMap, BTreeSet};

/// For each node, the nodes that it leads to.
pub type Edges = BTreeMap<String, BTreeSet<String>>;

/// Returns the circles, the largest first. The nodes of a circle are sorted.
pub fn find(edges: &Edges) -> Vec<Vec<&str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = edges
        .keys()
        .map(|node| (node.as_str(), reachable(edges, node)))
        .collect();
    let mut circles = Vec::new();
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    for (node, targets) in &reached {
        if placed.contains(node) {
            continue;
        }
        let returns = |other: &&str| reached.get(other).is_some_and(|back| back.contains(node));
        let circle: Vec<&str> = targets.iter().copied().filter(returns).collect();
        placed.extend(&circle);
        if circle.len() > 1 {
            circles.push(circle);
        }
    }
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

fn reachable<'a>(edges: &'a Edges, start: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(node) = open.pop() {
        for target in edges.get(node).into_iter().flatten() {
            if reached.insert(target.as_str()) {
                open.push(target);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_lead_to_each_other_are_one_circle() {
        let pairs = ["ab", "bc", "ca", "cd", "de", "ed", "ef", "gg"];
        let mut edges = Edges::new();
        for pair in pairs {
            let (from, to) = pair.split_at(1);
            edges.entry(from.into()).or_default().insert(to.into());
        }
        assert_eq!(find(&edges), [vec!["a", "b", "c"], vec!["d", "e"]]);
    }
}
