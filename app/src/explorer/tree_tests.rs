use std::collections::BTreeSet;

use super::*;

fn child(name: &str, topics: u64) -> Child {
    Child {
        level: name.rsplit('.').next().unwrap_or_default().into(),
        name: name.into(),
        topics,
        is_system: name.starts_with('$'),
        ..Child::default()
    }
}

fn level(children: &[(&str, u64)], next: Option<&str>) -> Level {
    Level {
        children: children
            .iter()
            .map(|(name, topics)| child(name, *topics))
            .collect(),
        next: next.map(str::to_owned),
    }
}

/// Returns the rows as text: indented names, `+` for further children.
fn rows(tree: &Tree) -> Vec<String> {
    let text = |row: &Row| match row {
        Row::Node(id) => {
            let node = &tree.nodes[*id];
            format!("{}{}", " ".repeat(node.depth - 1), node.child.level)
        }
        Row::More(_) => "+".into(),
    };
    tree.rows().iter().map(text).collect()
}

fn id(tree: &Tree, name: &str) -> NodeId {
    tree.by_name[name]
}

/// Answers the requests for all missing rows.
fn load(tree: &mut Tree, answer: Level) -> Request {
    let all = 0..tree.rows().len();
    let mut requests = tree.missing(all.clone());
    let request = requests.pop().expect("something is missing");
    assert!(requests.is_empty());
    assert!(tree.missing(all).is_empty(), "it is requested once");
    tree.take(&request, answer, 0.0);
    request
}

fn loaded(children: &[(&str, u64)], next: Option<&str>, order: Order) -> Tree {
    let mut tree = Tree::new(order);
    let first = tree.first();
    tree.take(&first, level(children, next), 0.0);
    tree
}

#[test]
fn nodes_are_loaded_when_they_are_opened() {
    let mut tree = loaded(&[("a", 3), ("b", 1)], None, Order::Name);
    assert_eq!(rows(&tree), ["a", "b"]);
    assert!(tree.missing(0..2).is_empty());
    let a = id(&tree, "a");
    tree.set_open(a, true);
    let request = load(&mut tree, level(&[("a.x", 1), ("a.y", 1)], None));
    assert_eq!((&*request.under, request.after), ("a", None));
    assert_eq!(rows(&tree), ["a", " x", " y", "b"]);
    tree.set_open(a, false);
    assert_eq!(rows(&tree), ["a", "b"]);
    tree.set_open(a, true);
    assert!(tree.missing(0..4).is_empty(), "it is loaded already");
    assert_eq!(rows(&tree).len(), 4);
}

#[test]
fn further_children_are_loaded_when_their_row_is_in_view() {
    let mut tree = loaded(&[("a", 1), ("b", 1)], Some("b"), Order::Name);
    assert_eq!(rows(&tree), ["a", "b", "+"]);
    assert!(tree.missing(0..2).is_empty());
    let request = load(&mut tree, level(&[("c", 1)], None));
    assert_eq!(request.after.as_deref(), Some("b"));
    assert_eq!(rows(&tree), ["a", "b", "c"]);
}

#[test]
fn a_failed_request_can_be_repeated() {
    let mut tree = loaded(&[("a", 1)], Some("a"), Order::Name);
    let request = tree.missing(0..2).pop().expect("a request");
    tree.failed(&request);
    assert_eq!(tree.missing(0..2), [request]);
}

#[test]
fn the_brokers_own_topics_are_in_a_closed_folder_at_the_end() {
    let mut tree = loaded(&[("$SYS", 4), ("a", 1)], None, Order::Name);
    assert_eq!(rows(&tree), ["a", "System topics"]);
    tree.set_open(SYSTEM, true);
    assert_eq!(rows(&tree), ["a", "System topics", " $SYS"]);
    assert!(tree.missing(0..3).is_empty());
    assert_eq!(tree.nodes[SYSTEM].child.topics, 4);
}

#[test]
fn a_new_answer_adds_and_removes_nodes_and_keeps_open_ones() {
    let mut tree = loaded(&[("a", 2), ("c", 1), ("d", 1)], None, Order::Name);
    let a = id(&tree, "a");
    tree.set_open(a, true);
    load(&mut tree, level(&[("a.x", 1)], None));
    let request = tree.refreshing(0..1, 0).pop().expect("a request");
    tree.take(&request, level(&[("a", 2), ("b", 1), ("d", 5)], None), 0.0);
    assert_eq!(rows(&tree), ["a", " x", "b", "d"]);
    assert_eq!(id(&tree, "a"), a);
    assert_eq!(tree.nodes[id(&tree, "d")].child.topics, 5);
    // A new name between the last two, with room for only three.
    let full = level(&[("a", 2), ("b", 1), ("bb", 1)], Some("bb"));
    tree.take(&request, full, 0.0);
    assert_eq!(rows(&tree), ["a", " x", "b", "bb", "d", "+"]);
}

#[test]
fn rows_keep_their_places_in_other_orders() {
    let mut tree = loaded(&[("c", 1), ("a", 1)], None, Order::Rate);
    let request = tree.refreshing(0..2, 0).pop().expect("a request");
    tree.take(&request, level(&[("a", 1), ("b", 1), ("c", 1)], None), 0.0);
    assert_eq!(rows(&tree), ["c", "a", "b"]);
}

#[test]
fn only_the_parts_in_view_are_brought_up_to_date() {
    let mut tree = loaded(&[("a", 2), ("b", 1)], Some("b"), Order::Name);
    load(&mut tree, level(&[("c", 1)], None));
    let afters = |tree: &Tree, rows| {
        let requests = tree.refreshing(rows, 0).into_iter();
        requests.map(|request| request.after).collect::<Vec<_>>()
    };
    assert_eq!(afters(&tree, 0..2), [None]);
    assert_eq!(afters(&tree, 2..3), [Some("b".to_owned())]);
    assert_eq!(afters(&tree, 0..3), [None, Some("b".to_owned())]);
    assert_eq!(Tree::new(Order::Name).refreshing(0..9, 0).len(), 1);
}

#[test]
fn each_open_folder_in_view_is_brought_up_to_date_in_turn() {
    const FOLDERS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let mut tree = loaded(&FOLDERS.map(|name| (name, 2)), None, Order::Name);
    for folder in FOLDERS {
        let name = format!("{folder}.x");
        tree.set_open(id(&tree, folder), true);
        load(&mut tree, level(&[(&name, 1)], None));
    }
    let parents = |turn| {
        let requests = tree.refreshing(0..12, turn).into_iter();
        requests
            .map(|request| request.parent)
            .collect::<BTreeSet<_>>()
    };
    let turns = (0..2).map(parents).collect::<Vec<_>>();
    assert!(turns.iter().all(|turn| turn.len() == MOST_PARTS));
    let all: BTreeSet<_> = turns.into_iter().flatten().collect();
    assert_eq!(all.len(), 1 + FOLDERS.len());
}

#[test]
fn an_answer_to_an_outdated_request_is_ignored() {
    let mut tree = loaded(&[("a", 1)], None, Order::Name);
    let stale = Request {
        after: Some("x".into()),
        ..tree.first()
    };
    tree.take(&stale, level(&[("y", 1)], None), 0.0);
    assert_eq!(rows(&tree), ["a"]);
}

#[test]
fn removed_nodes_make_room_for_new_ones() {
    let mut tree = loaded(&[("a", 1)], None, Order::Name);
    let first = tree.first();
    for round in 0..100 {
        let name = format!("n{round}");
        tree.take(&first, level(&[(&name, 1)], None), 0.0);
        assert_eq!(rows(&tree), [name]);
    }
    assert!(tree.nodes.len() <= 4, "{}", tree.nodes.len());
    assert_eq!(tree.by_name.len(), 1);
}

#[test]
fn nodes_know_their_neighbours() {
    let mut tree = loaded(&[("a", 3), ("b", 1)], None, Order::Name);
    let a = id(&tree, "a");
    tree.set_open(a, true);
    load(&mut tree, level(&[("a.x", 1), ("a.y", 1)], None));
    let y = id(&tree, "a.y");
    assert_eq!(tree.parent(y), Some(a));
    assert_eq!(tree.parent(a), None);
    assert_eq!(tree.first_child(a), Some(id(&tree, "a.x")));
    assert_eq!(tree.row_of(y), Some(2));
}
