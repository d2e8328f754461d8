//! Finds every piece that starts at a place in a text, in one walk.

/// A byte trie over a fixed set of pieces, laid out breadth first: a node's children stand side by side, sorted.
#[derive(Clone, Debug)]
pub struct Trie {
    /// The byte that leads to each node; the root is node 0.
    labels: Vec<u8>,
    nodes: Vec<Node>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    first_child: u32,
    children: u16,
    /// The piece that ends here, or [`NONE`].
    piece: u32,
}

const NONE: u32 = u32::MAX;

impl Trie {
    /// Of `pieces` with their numbers; of equal pieces the smaller number is kept, the empty piece is left out.
    pub fn new<'a>(pieces: impl Iterator<Item = (&'a str, u32)>) -> Self {
        let mut sorted: Vec<Key<'a>> = pieces
            .filter(|(piece, _)| !piece.is_empty())
            .map(|(piece, number)| Key { first: first_bytes(piece.as_bytes()), piece: piece.as_bytes(), number })
            .collect();
        sorted.sort_unstable_by(|a, b| {
            a.first.cmp(&b.first).then_with(|| a.piece.cmp(b.piece)).then(a.number.cmp(&b.number))
        });
        sorted.dedup_by(|later, kept| later.piece == kept.piece);

        let mut labels = vec![0];
        let mut nodes = vec![Node { first_child: 0, children: 0, piece: NONE }];
        // What lies below each node of the level, as a range of `sorted`.
        let mut level = vec![(0usize, 0, sorted.len())];
        let mut depth = 0;
        while !level.is_empty() {
            let mut next = Vec::new();
            for (node, mut from, to) in level {
                if let Some(key) = sorted[from..to].first()
                    && key.piece.len() == depth
                {
                    nodes[node].piece = key.number;
                    from += 1;
                }
                nodes[node].first_child = nodes.len() as u32;
                while from < to {
                    let label = sorted[from].byte(depth);
                    let end = from + sorted[from..to].iter().take_while(|key| key.byte(depth) == label).count();
                    next.push((nodes.len(), from, end));
                    labels.push(label);
                    nodes.push(Node { first_child: 0, children: 0, piece: NONE });
                    nodes[node].children += 1;
                    from = end;
                }
            }
            level = next;
            depth += 1;
        }
        Self { labels, nodes }
    }

    /// Calls `found(length, piece)` for every piece that `bytes` begins with, shortest first.
    #[inline]
    pub fn prefixes(&self, bytes: &[u8], mut found: impl FnMut(usize, u32)) {
        let mut node = self.nodes[0];
        for (i, &byte) in bytes.iter().enumerate() {
            let first = node.first_child as usize;
            let labels = &self.labels[first..first + usize::from(node.children)];
            let Some(child) = position(labels, byte) else { return };
            node = self.nodes[first + child];
            if node.piece != NONE {
                found(i + 1, node.piece);
            }
        }
    }

    /// The piece that is `bytes`, whole.
    pub fn get(&self, bytes: &[u8]) -> Option<u32> {
        let mut whole = None;
        self.prefixes(bytes, |length, piece| whole = (length == bytes.len()).then_some(piece));
        whole
    }

    /// Whether there is no piece at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.len() == 1
    }
}

#[inline]
fn position(labels: &[u8], byte: u8) -> Option<usize> {
    if labels.len() <= 8 { labels.iter().position(|&label| label == byte) } else { labels.binary_search(&byte).ok() }
}

/// A piece to be laid out.
struct Key<'a> {
    /// Its first sixteen bytes as one number: they decide nearly every comparison, and spare following the pointer.
    first: u128,
    piece: &'a [u8],
    number: u32,
}

impl Key<'_> {
    fn byte(&self, depth: usize) -> u8 {
        if depth < 16 { (self.first >> (120 - 8 * depth)) as u8 } else { self.piece[depth] }
    }
}

fn first_bytes(piece: &[u8]) -> u128 {
    let mut first = [0; 16];
    let n = piece.len().min(16);
    first[..n].copy_from_slice(&piece[..n]);
    u128::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_trie_finds_nothing() {
        let trie = Trie::new([("", 0)].into_iter());
        assert!(trie.is_empty());
        trie.prefixes(b"abc", |_, _| panic!("found something"));
        assert_eq!(trie.get(b""), None);
    }

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(
            pieces in proptest::collection::vec("[ab\0é▁]{0,20}", 0..40), text in "[ab\0é▁c]{0,30}",
        ) {
            let trie = Trie::new(pieces.iter().enumerate().map(|(i, piece)| (piece.as_str(), i as u32)));
            let mut found = Vec::new();
            trie.prefixes(text.as_bytes(), |length, piece| found.push((length, piece)));
            let plain: Vec<_> = (1..=text.len())
                .filter_map(|n| {
                    let number = pieces.iter().position(|p| p.as_bytes() == &text.as_bytes()[..n])?;
                    Some((n, number as u32))
                })
                .collect();
            prop_assert_eq!(found, plain);
        }
    }
}
