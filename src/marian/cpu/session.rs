//! A batch through the network.

use super::attention::{Scratch, attend, attend_all};
use super::cells::{Cells, Form, keep};
use super::product::{Activate, Add, Aligned, Rows, Store, Team, normalise, product, quantise};
use super::simd::LANES;
use super::top::{Top, offer_some};
use super::wanted::Wanted;
use super::{CpuNetwork, Feed, Matrix, Norm};
use crate::error::{Error, Result};
use crate::marian::config::Activation;
use crate::marian::{Candidates, Row, Session, Want};

/// Tokens that go through the encoder together, as whole sources: enough to use each weight often, few enough that their
/// activations stay in the cache of a core.
const GROUP: usize = 128;

/// Buffers for one batch at a time, kept from one to the next. `F` is how keys and values are kept.
pub struct CpuSession<'n, F> {
    network: &'n CpuNetwork,
    team: Team,
    /// Rows of the network's width that run through the layers.
    x: Rows,
    /// What attention gives, before its output projection.
    mixed: Rows,
    /// Between the two products of a feed-forward layer.
    hidden_encoder: Rows,
    hidden_decoder: Rows,
    /// Queries, keys and values, or some of them.
    projected: Aligned<f32>,
    scratch: Scratch,
    positions: Positions,
    top: Top,
    /// With a shortlist: the tokens of this batch.
    wanted: Option<Wanted>,
    /// The ids of all sources, and where each starts; one more at the end.
    ids: Vec<u32>,
    starts: Vec<usize>,
    /// Keys and values of the sources: cell `i` is token `i` of `ids`.
    cross: Cells<F>,
    /// Keys and values of all rows of all steps so far.
    past: Cells<F>,
    past_count: usize,
    /// The rows of the last step: source and the past cells, a step each.
    rows: Vec<usize>,
    history: Vec<u32>,
    /// The same of the step before: `step` goes from one to the other.
    rows_before: Vec<usize>,
    history_before: Vec<u32>,
    steps: usize,
    /// `0..`: numbers of cells that lie one behind the other.
    numbers: Vec<u32>,
}

impl<'n, F: Form> CpuSession<'n, F> {
    /// `threads` work on a batch together.
    pub fn new(network: &'n CpuNetwork, threads: usize) -> Self {
        let config = &network.config;
        let rows = |width| Rows::new(width, network.compute);
        let cells = || Cells::new(config.decoder_layers, config.d_model);
        Self {
            network,
            team: Team::new(network.isa, threads),
            x: rows(config.d_model),
            mixed: rows(config.d_model),
            hidden_encoder: rows(config.encoder_ffn_dim),
            hidden_decoder: rows(config.decoder_ffn_dim),
            projected: Aligned::default(),
            scratch: Scratch::default(),
            positions: Positions::new(config.d_model),
            top: Top::default(),
            wanted: None,
            ids: Vec::new(),
            starts: vec![0],
            cross: cells(),
            past: cells(),
            past_count: 0,
            rows: Vec::new(),
            history: Vec::new(),
            rows_before: Vec::new(),
            history_before: Vec::new(),
            steps: 0,
            numbers: Vec::new(),
        }
    }

    fn sources(&self) -> usize {
        self.starts.len() - 1
    }

    /// Embeds `ids` as rows of `x`, each at its position.
    fn embed(&mut self, vocabulary: &Matrix, ids: impl Iterator<Item = (u32, usize)>) {
        let config = &self.network.config;
        let factor = if config.scale_embedding { (config.d_model as f32).sqrt() } else { 1.0 };
        for (i, (id, position)) in ids.enumerate() {
            let row = self.x.row_mut(i);
            vocabulary.row(id as usize, factor, row);
            for (x, p) in row.iter_mut().zip(self.positions.get(position)) {
                *x += p;
            }
        }
    }

    /// Runs sources `first..end` through the encoder: their states become the first rows of `x`.
    fn run_encoder(&mut self, first: usize, end: usize) {
        let network = self.network;
        let (isa, width) = (network.isa, network.config.d_model);
        let range = self.starts[first]..self.starts[end];
        let tokens = range.len();
        for rows in [&mut self.x, &mut self.mixed, &mut self.hidden_encoder] {
            rows.reserve(tokens);
        }
        if self.projected.len() < tokens * 3 * width {
            self.projected.resize(tokens * 3 * width);
        }
        let starts = std::mem::take(&mut self.starts);
        let ids = std::mem::take(&mut self.ids);
        let longest = starts[first..=end].windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0);
        self.positions.reserve(longest);
        let placed = (first..end).flat_map(|i| ids[starts[i]..starts[i + 1]].iter().copied().zip(0..));
        self.embed(&network.vocabularies[network.source], placed);
        quantise(isa, &mut self.x, tokens);
        for layer in &network.encoder {
            let heads = network.config.encoder_attention_heads;
            let to = Store::to(&mut self.projected, 3 * width);
            product(&self.team, &self.x, tokens, &layer.attention.all, to);
            for i in first..end {
                let at = starts[i] - range.start..starts[i + 1] - range.start;
                let rows = &self.projected[at.start * 3 * width..at.end * 3 * width];
                let mixed = &mut self.mixed.values[at.start * width..at.end * width];
                attend_all(isa, rows, width, heads, &mut self.scratch, mixed);
            }
            self.close(tokens, &layer.attention.out, &layer.attention.norm);
            let activation = network.config.activation;
            feed(&self.team, &mut self.x, &mut self.hidden_encoder, tokens, &layer.feed, activation);
        }
        self.starts = starts;
        self.ids = ids;
    }

    /// Adds the projection of `mixed` to `x` and normalises.
    fn close(&mut self, rows: usize, out: &Matrix, norm: &Norm) {
        let isa = self.network.isa;
        quantise(isa, &mut self.mixed, rows);
        product(&self.team, &self.mixed, rows, out, Add::to(&mut self.x.values, self.mixed.width));
        normalise(isa, &mut self.x, rows, &norm.gain, &norm.bias);
        quantise(isa, &mut self.x, rows);
    }

    /// The groups of whole sources that go through the encoder together.
    fn groups(&self) -> Vec<(usize, usize)> {
        let mut groups = Vec::new();
        let mut first = 0;
        for i in 0..self.sources() {
            if i > first && self.starts[i + 1] - self.starts[first] > GROUP {
                groups.push((first, i));
                first = i;
            }
        }
        groups.push((first, self.sources()));
        groups
    }

    /// Takes over the rows of a new step: their sources and their past.
    fn follow(&mut self, rows: &[Row]) -> Result<()> {
        std::mem::swap(&mut self.rows, &mut self.rows_before);
        std::mem::swap(&mut self.history, &mut self.history_before);
        self.rows.clear();
        self.history.clear();
        let before = if self.steps == 0 { self.sources() } else { self.rows_before.len() };
        let vocabulary = self.network.config.decoder_vocab_size;
        for (i, row) in rows.iter().enumerate() {
            if row.parent >= before || row.token as usize >= vocabulary {
                return Err(Error::input(format!(
                    "row {i} continues row {} of {before} with token {} of {vocabulary}; please report this",
                    row.parent, row.token
                )));
            }
            let source = if self.steps == 0 { row.parent } else { self.rows_before[row.parent] };
            self.rows.push(source);
            let past = &self.history_before[row.parent * self.steps..][..self.steps];
            self.history.extend_from_slice(past);
            self.history.push((self.past_count + i) as u32);
        }
        Ok(())
    }
}

/// The feed-forward half of a layer.
fn feed(team: &Team, x: &mut Rows, hidden: &mut Rows, rows: usize, layer: &Feed, activation: Activation) {
    let (isa, width) = (team.isa, x.width);
    let wide = hidden.width;
    product(team, x, rows, &layer.up, Activate::to(&mut hidden.values, wide, activation));
    quantise(isa, hidden, rows);
    product(team, hidden, rows, &layer.down, Add::to(&mut x.values, width));
    normalise(isa, x, rows, &layer.norm.gain, &layer.norm.bias);
    quantise(isa, x, rows);
}

impl<F: Form> Session for CpuSession<'_, F> {
    fn encode(&mut self, sources: &[&[u32]]) -> Result<()> {
        let vocabulary = self.network.config.vocab_size;
        self.ids.clear();
        self.starts.clear();
        self.starts.push(0);
        self.rows.clear();
        self.history.clear();
        self.steps = 0;
        self.past_count = 0;
        for (i, source) in sources.iter().enumerate() {
            if let Some(id) = source.iter().find(|id| **id as usize >= vocabulary) {
                return Err(Error::input(format!(
                    "token {id} of source {i} is outside the vocabulary of {vocabulary}"
                )));
            }
            if source.is_empty() {
                return Err(Error::input(format!("source {i} has no token, not even an end mark")));
            }
            self.ids.extend_from_slice(source);
            self.starts.push(self.ids.len());
        }
        if let Some(shortlist) = &self.network.shortlist {
            self.wanted = Some(Wanted::new(shortlist, self.network.output(), sources)?);
        }
        let tokens = self.ids.len();
        while self.numbers.len() < tokens {
            self.numbers.push(self.numbers.len() as u32);
        }
        self.cross.reserve(tokens)?;
        let network = self.network;
        for (first, end) in self.groups() {
            self.run_encoder(first, end);
            let start = self.starts[first];
            let rows = self.starts[end] - start;
            let wide = 2 * network.config.d_model;
            for (i, layer) in network.decoder.iter().enumerate() {
                product(&self.team, &self.x, rows, &layer.cross.kept, Store::to(&mut self.projected, wide));
                keep(network.isa, &self.projected[..rows * wide], wide, &mut self.cross, i, start);
            }
        }
        Ok(())
    }

    fn step(&mut self, rows: &[Row], want: &Want<'_>, out: &mut Candidates) -> Result<()> {
        self.follow(rows)?;
        let network = self.network;
        let (isa, config, width) = (network.isa, &network.config, network.config.d_model);
        let (count, steps) = (rows.len(), self.steps + 1);
        let position = self.steps;
        for rows in [&mut self.x, &mut self.mixed, &mut self.hidden_decoder] {
            rows.reserve(count);
        }
        if self.projected.len() < count * 3 * width {
            self.projected.resize(count * 3 * width);
        }
        self.past.reserve(self.past_count + count)?;
        out.width = self.starts.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0);
        out.attention.clear();
        if want.attention {
            out.attention.resize(count * out.width, 0.0);
        }
        self.positions.reserve(position + 1);
        self.embed(&network.vocabularies[network.target], rows.iter().map(|row| (row.token, position)));
        quantise(isa, &mut self.x, count);
        let heads = config.decoder_attention_heads;
        let alignment = &config.alignment;
        // Lane i belongs to head i % heads; the mean over the lanes of the heads that align.
        let aligning = (0..LANES).filter(|lane| alignment.has(lane % heads)).count();
        let share = std::array::from_fn(|lane| f32::from(u8::from(alignment.has(lane % heads))) / aligning as f32);
        for (i, layer) in network.decoder.iter().enumerate() {
            let wide = 3 * width;
            product(&self.team, &self.x, count, &layer.attention.all, Store::to(&mut self.projected, wide));
            keep(isa, &self.projected[..count * wide], wide, &mut self.past, i, self.past_count);
            for row in 0..count {
                let query = &self.projected[row * wide..][..width];
                let at = &self.history[row * steps..][..steps];
                let mixed = self.mixed.row_mut(row);
                attend(isa, query, heads, &self.past, i, at, &mut self.scratch, &mut [], &share, mixed);
            }
            self.close(count, &layer.attention.out, &layer.attention.norm);

            product(&self.team, &self.x, count, &layer.cross.query, Store::to(&mut self.projected, width));
            for row in 0..count {
                let query = &self.projected[row * width..][..width];
                let source = self.rows[row];
                let at = &self.numbers[self.starts[source]..self.starts[source + 1]];
                let weights: &mut [f32] = match want.attention && i == alignment.layer {
                    true => &mut out.attention[row * out.width..][..at.len()],
                    false => &mut [],
                };
                let mixed = self.mixed.row_mut(row);
                attend(isa, query, heads, &self.cross, i, at, &mut self.scratch, weights, &share, mixed);
            }
            self.close(count, &layer.cross.out, &layer.cross.norm);
            feed(&self.team, &mut self.x, &mut self.hidden_decoder, count, &layer.feed, config.activation);
        }
        self.top.start(count, want);
        match &mut self.wanted {
            None => self.top.take(&self.team, &self.x, count, network.output()),
            Some(wanted) => {
                wanted.compute(&self.team, &self.x, count);
                for (row, &source) in self.rows.iter().enumerate() {
                    let (logits, places, tokens) = wanted.of(row, source);
                    offer_some(isa, &mut self.top, row, logits, places, tokens);
                }
            }
        }
        self.top.finish(out);
        self.past_count += count;
        self.steps = steps;
        Ok(())
    }

    fn encoder_states(&mut self) -> Result<Vec<f32>> {
        let width = self.network.config.d_model;
        let longest = self.starts.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0);
        let mut states = vec![0.0; self.sources() * longest * width];
        // Not kept: computed once more. The rows of the last step go, but not what they know of the past.
        for i in 0..self.sources() {
            self.run_encoder(i, i + 1);
            let tokens = self.starts[i + 1] - self.starts[i];
            states[i * longest * width..][..tokens * width].copy_from_slice(&self.x.values[..tokens * width]);
        }
        Ok(states)
    }

    fn logits(&mut self) -> Result<Vec<f32>> {
        let vocabulary = self.network.config.decoder_vocab_size;
        let mut logits = vec![0.0; self.rows.len() * vocabulary];
        product(&self.team, &self.x, self.rows.len(), self.network.output(), Store::to(&mut logits, vocabulary));
        Ok(logits)
    }
}

/// Sinusoidal positions: `sin(p · f)` in the first half, `cos(p · f)` in the second, `f = 10000^(−2j / width)`.
struct Positions {
    frequencies: Vec<f64>,
    table: Vec<f32>,
}

impl Positions {
    fn new(width: usize) -> Self {
        let frequency = |j: usize| 10_000f64.powf(-2.0 * j as f64 / width as f64);
        Self { frequencies: (0..width / 2).map(frequency).collect(), table: Vec::new() }
    }

    /// Makes sure of positions `0..count`.
    fn reserve(&mut self, count: usize) {
        let width = 2 * self.frequencies.len();
        for position in self.table.len() / width..count {
            let angles = self.frequencies.iter().map(|f| position as f64 * f);
            self.table.extend(angles.clone().map(|a| a.sin() as f32));
            self.table.extend(angles.map(|a| a.cos() as f32));
        }
    }

    fn get(&self, position: usize) -> &[f32] {
        let width = 2 * self.frequencies.len();
        &self.table[position * width..][..width]
    }
}
