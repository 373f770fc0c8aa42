//! No two modules of the engine need each other, neither directly nor through others, and no two rooms of the program: what one is for
//! can then be understood from what stands below it. By reading the paths in the code; a method that is called names no module.

use crate::code::{code_of, paths_from, reexports};
use crate::tidy::library;
use std::collections::{BTreeMap, BTreeSet};

/// Two modules that do need each other, each with its reason. They stand in one folder.
const KNOTS: &[(&str, &str, &str)] =
    &[("sim::world", "sim::world::referee", "a world tells its referee of each step, and the referee looks at the world")];

type Graph = BTreeMap<String, BTreeSet<String>>;

/// `["sim", "world"]` and `["sim", "world", "clients"]`: which module below that folder of sources uses which. What a module only
/// passes on (`pub use`) is used from where it stands.
fn uses(sources: &str) -> Graph {
    // Each module: the code without what it passes on, and the paths of that.
    let split_off = |(path, code): (String, String)| Some((module(path.strip_prefix(sources)?), reexports(&code)));
    let files: Vec<_> = library().into_iter().filter_map(split_off).collect();
    let names: BTreeSet<String> = files.iter().map(|(module, _)| module.join("::")).collect();
    let absolute = |module: &[String], path: Vec<String>| -> Vec<String> {
        let ups = path.iter().take_while(|word| *word == "super").count();
        let base = if path[0] == "crate" { &[][..] } else { &module[..module.len() - ups] };
        // The program is a part of its crate.
        let part = usize::from(sources == "src/cli/" && path[0] == "crate" && path.get(1).is_some_and(|word| word == "cli"));
        let skipped = |word: &String| word == "super" || word == "crate" || word == "self";
        base.iter().cloned().chain(path.into_iter().skip_while(skipped).skip(part)).collect()
    };
    // A module, and what follows its name in the path.
    let split = |path: Vec<String>| -> (String, Option<String>) {
        let depth = (0..=path.len()).rev().find(|n| names.contains(&path[..*n].join("::"))).unwrap_or(0);
        (path[..depth].join("::"), path.get(depth).cloned())
    };
    let mut passed_on: BTreeMap<(String, String), String> = BTreeMap::new();
    for (module, (_, paths)) in &files {
        for path in paths {
            if let (from, Some(item)) = split(absolute(module, path.clone())) {
                passed_on.insert((module.join("::"), item), from);
            }
        }
    }
    let mut graph = Graph::new();
    for (module, (code, _)) in &files {
        let name = module.join("::");
        let children = names.iter().filter_map(|other| other.rsplit_once("::").filter(|(parent, _)| *parent == name));
        let roots: Vec<&str> = children.map(|(_, child)| child).chain(["crate", "super"]).collect();
        let used = graph.entry(name.clone()).or_default();
        for path in paths_from(code, &roots) {
            let (found, item) = split(absolute(module, path));
            let from = item.and_then(|item| passed_on.get(&(found.clone(), item)).cloned());
            used.insert(from.unwrap_or(found));
        }
        // What it passes on is in scope with itself, too.
        let words: BTreeSet<&str> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        used.extend(passed_on.iter().filter(|((by, item), _)| *by == name && words.contains(item.as_str())).map(|(_, from)| from.clone()));
        used.remove(&name);
    }
    graph
}

/// `sim/world/mod.rs` → `["sim", "world"]`.
fn module(path: &str) -> Vec<String> {
    path.trim_end_matches(".rs").split('/').filter(|part| !matches!(*part, "mod" | "lib")).map(str::to_owned).collect()
}

/// A way through the graph that comes back to where it began.
fn circle(graph: &Graph) -> Option<Vec<&str>> {
    fn below<'g>(graph: &'g Graph, at: &'g str, way: &mut Vec<&'g str>, fine: &mut BTreeSet<&'g str>) -> Option<Vec<&'g str>> {
        if let Some(begin) = way.iter().position(|seen| *seen == at) {
            return Some(way[begin..].iter().copied().chain([at]).collect());
        }
        if fine.contains(at) {
            return None;
        }
        way.push(at);
        let found = graph.get(at).into_iter().flatten().find_map(|next| below(graph, next, way, fine));
        way.pop();
        fine.insert(at);
        found
    }
    let mut fine = BTreeSet::new();
    graph.keys().find_map(|at| below(graph, at, &mut Vec::new(), &mut fine))
}

#[test]
fn modules_of_the_engine_have_no_circles() {
    let mut graph = uses("engine/src/");
    assert!(graph["harness"].contains("suite") && graph.len() > 50, "this test does not understand the engine any more: {graph:?}");
    for (a, b, reason) in KNOTS {
        let knot = graph[*b].contains(*a) && graph.get_mut(*a).is_some_and(|used| used.remove(*b));
        assert!(knot, "`{a}` and `{b}` do not need each other any more ({reason}): take them off KNOTS in tests/it/circles.rs");
    }
    assert_eq!(described(circle(&graph)), None, "between files");
    no_circles_between_rooms(&graph);
}

/// There a part may ask for what its folder begins with (a verb for the desk that all verbs share); its neighbours it may not need.
#[test]
fn rooms_of_the_program_have_no_circles() {
    let graph = uses("src/cli/");
    assert!(graph["commands::check"].contains("findings") && graph.len() > 100, "this test does not understand the program any more");
    no_circles_between_rooms(&graph);
}

fn described(circle: Option<Vec<&str>>) -> Option<String> {
    circle.map(|way| format!("a circle: {}: move what both need to a module below them", way.join(" → ")))
}

/// A folder is one thing to its neighbours.
fn no_circles_between_rooms(graph: &Graph) {
    let folders: BTreeSet<&str> = graph.keys().map(|name| name.rsplit_once("::").map_or("", |(folder, _)| folder)).collect();
    for folder in folders {
        let inside = |name: &str| -> Option<String> {
            let rest = if folder.is_empty() { name } else { name.strip_prefix(folder)?.strip_prefix("::")? };
            rest.split("::").next().filter(|first| !first.is_empty()).map(str::to_owned)
        };
        let mut rooms = Graph::new();
        for (name, used) in graph {
            let Some(room) = inside(name) else { continue };
            let others = used.iter().filter_map(|other| inside(other)).filter(|other| *other != room);
            rooms.entry(room.clone()).or_default().extend(others);
        }
        assert_eq!(described(circle(&rooms)), None, "between what stands in `{folder}`");
    }
}

#[test]
fn a_circle_is_seen() {
    let graph = |edges: &[(&str, &str)]| -> Graph {
        let mut graph = Graph::new();
        for (a, b) in edges {
            graph.entry((*a).to_owned()).or_default().insert((*b).to_owned());
        }
        graph
    };
    assert_eq!(circle(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    assert_eq!(circle(&graph(&[("a", "b"), ("b", "c"), ("c", "b")])), Some(vec!["b", "c", "b"]));
}

#[test]
fn what_is_passed_on_and_what_is_used() {
    let code = code_of(
        "mod child;\npub use child::{Thing, other::Part};\npub(super) use super::x::Y;\nuse child::Own;\nfn f(_: super::z::Z, _: child::W) {}\n",
    );
    let (rest, passed) = reexports(&code);
    let joined = |paths: Vec<Vec<String>>| paths.into_iter().map(|p| p.join("::")).collect::<Vec<_>>();
    assert_eq!(joined(passed), ["child::Thing", "child::other::Part", "super::x::Y"]);
    assert_eq!(joined(paths_from(&rest, &["child", "super"])), ["child::Own", "child::W", "super::z::Z"]);
}
