//! The marks of a block as a tree.

use crate::document::Mark;

/// For each mark (and, last, for the block) the marks directly inside it.
pub fn children(marks: &[Mark]) -> Vec<Vec<usize>> {
    let mut tree = vec![Vec::new(); marks.len() + 1];
    let mut order: Vec<usize> = (0..marks.len()).collect();
    order.sort_by_key(|&i| (marks[i].range.start, std::cmp::Reverse(marks[i].range.end), i));
    let mut open: Vec<usize> = Vec::new();
    for i in order {
        let r = &marks[i].range;
        while open.last().is_some_and(|&o| {
            let outer = &marks[o].range;
            // An empty mark at the end of another stands after it.
            outer.end < r.end || outer.end <= r.start
        }) {
            open.pop();
        }
        tree[open.last().copied().unwrap_or(marks.len())].push(i);
        if !r.is_empty() {
            open.push(i);
        }
    }
    tree
}

/// For each mark how many marks it lies in.
pub fn depths(tree: &[Vec<usize>], n: usize) -> Vec<usize> {
    let mut depth = vec![0; n];
    let mut todo: Vec<(usize, usize)> = tree[n].iter().map(|&i| (i, 0)).collect();
    while let Some((i, d)) = todo.pop() {
        depth[i] = d;
        todo.extend(tree[i].iter().map(|&c| (c, d + 1)));
    }
    depth
}
