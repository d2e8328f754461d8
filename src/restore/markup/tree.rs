//! The marks of a block as a tree.

use std::ops::Range;

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

/// For each mark how many marks it lies in. Verbatim text that came to stand outside the mark round it lies deeper than all
/// others: it may be inside any of them, and none is inside it but its own.
pub fn depths(tree: &[Vec<usize>], marks: &[Mark], places: &[Range<usize>]) -> Vec<usize> {
    let n = marks.len();
    let mut depth = vec![0; n];
    let mut todo: Vec<(usize, usize)> = tree[n].iter().map(|&i| (i, 0)).collect();
    while let Some((i, own)) = todo.pop() {
        depth[i] = own;
        todo.extend(tree[i].iter().map(|&c| {
            let strayed = marks[c].verbatim && !super::lies_in(&places[c], &places[i]);
            (c, own + 1 + if strayed { n } else { 0 })
        }));
    }
    depth
}
