//! The keys of the tree, as the ARIA Authoring Practices give them for a treegrid. Pure.

use super::tree::{NodeId, Row, Tree};

/// The effect of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Moves to a row.
    Go(usize),
    Open(NodeId),
    Close(NodeId),
    /// Shows the topic of a node, or opens or closes a node without topic.
    Enter(NodeId),
}

/// Returns the effect of a key, given by its name in events, on the row `at`. `page` is the number of rows in view.
pub fn action(tree: &Tree, at: Option<usize>, key: &str, page: usize) -> Option<Action> {
    let last = tree.rows().len().checked_sub(1)?;
    let Some(at) = at.map(|at| at.min(last)) else {
        return match key {
            "End" => Some(Action::Go(last)),
            "ArrowDown" | "ArrowUp" | "ArrowRight" | "Home" => Some(Action::Go(0)),
            _ => None,
        };
    };
    let target = match key {
        "ArrowDown" => at + 1,
        "ArrowUp" => at.saturating_sub(1),
        "PageDown" => at + page,
        "PageUp" => at.saturating_sub(page),
        "Home" => 0,
        "End" => last,
        _ => return on_node(tree, at, key),
    };
    Some(Action::Go(target.min(last)))
}

fn on_node(tree: &Tree, at: usize, key: &str) -> Option<Action> {
    let Row::Node(id) = tree.rows()[at] else {
        return None;
    };
    let node = tree.node(id)?;
    match key {
        "ArrowRight" if node.is_open => Some(Action::Go(tree.row_of(tree.first_child(id)?)?)),
        "ArrowRight" if node.can_open() => Some(Action::Open(id)),
        "ArrowLeft" if node.is_open => Some(Action::Close(id)),
        "ArrowLeft" => Some(Action::Go(tree.row_of(tree.parent(id)?)?)),
        "Enter" => Some(Action::Enter(id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::level::Level, super::tree::Order, *};

    fn level(names: &[&str]) -> Level {
        let children = names.iter().map(|name| super::super::level::Child {
            level: (*name).into(),
            name: (*name).into(),
            topics: 2,
            ..Default::default()
        });
        Level {
            children: children.collect(),
            next: None,
        }
    }

    /// Returns a tree with the rows `a`, `a.x` and `b`; `a` is open.
    fn tree() -> Tree {
        let mut tree = Tree::new(Order::Name);
        let first = tree.first();
        tree.take(&first, level(&["a", "b"]), 0.0);
        let Row::Node(a) = tree.rows()[0] else {
            unreachable!("a node")
        };
        tree.set_open(a, true);
        let request = tree.missing(0..2).pop().expect("a request");
        tree.take(&request, level(&["a.x"]), 0.0);
        tree
    }

    fn node(tree: &Tree, row: usize) -> NodeId {
        match tree.rows()[row] {
            Row::Node(id) | Row::More(id) => id,
        }
    }

    #[test]
    fn keys_move_between_the_ends() {
        let tree = tree();
        for (at, key, target) in [
            (None, "ArrowDown", 0),
            (None, "End", 2),
            (Some(0), "ArrowDown", 1),
            (Some(2), "ArrowDown", 2),
            (Some(0), "ArrowUp", 0),
            (Some(0), "PageDown", 2),
            (Some(2), "PageUp", 0),
            (Some(2), "Home", 0),
            (Some(9), "ArrowUp", 1),
        ] {
            let action = action(&tree, at, key, 10);
            assert_eq!(action, Some(Action::Go(target)), "{at:?} {key}");
        }
    }

    #[test]
    fn right_and_left_open_close_and_follow_the_branch() {
        let tree = tree();
        let at = |row, key| action(&tree, Some(row), key, 10);
        assert_eq!(at(0, "ArrowRight"), Some(Action::Go(1)));
        assert_eq!(at(0, "ArrowLeft"), Some(Action::Close(node(&tree, 0))));
        assert_eq!(at(1, "ArrowLeft"), Some(Action::Go(0)));
        assert_eq!(at(2, "ArrowRight"), Some(Action::Open(node(&tree, 2))));
        assert_eq!(at(2, "ArrowLeft"), None);
        assert_eq!(at(1, "Enter"), Some(Action::Enter(node(&tree, 1))));
    }

    #[test]
    fn other_keys_and_an_empty_tree_have_no_action() {
        assert_eq!(action(&tree(), Some(0), "x", 10), None);
        assert_eq!(action(&Tree::new(Order::Name), None, "End", 10), None);
    }
}
