//! The books of a search on the device: starts the kernels of `books.cu`.

use candle_core::{DType, Device, Result, Tensor, bail};

use super::super::state::indices;
use super::kernels;
use super::launch::{Arg, Grid, launch, unwritten};
use super::top::SUPPRESSED;
use crate::marian::config::EarlyStopping;
use crate::marian::{Config, End, Rules, Standing, Turn, penalty};

/// The widest beam that the kernel knows.
const MOST: usize = 32;
/// Numbers of an end.
const END: usize = 6;
const NONE: u32 = u32::MAX;

/// The hypotheses of the sources of a batch: `sources × beam` places.
pub(in super::super) struct Books {
    rules: Rules,
    eos: u32,
    forced: u32,
    stopping: EarlyStopping,
    /// The score of what is in each place: f32, -∞ in those that are empty.
    scores: Tensor,
    /// How many hypotheses of each source have ended, u32, and which, `sources × beam × END`.
    counts: Tensor,
    ends: Tensor,
    limits: Tensor,
    /// What the score of the longest hypothesis of each source is divided by.
    shrink_last: Tensor,
    /// Steps so far.
    length: usize,
    /// The sources that the last step was for, here and on the device, and what came of it, [`Books::numbers`] of each.
    live: Vec<usize>,
    live_there: Tensor,
    out: Option<Tensor>,
}

/// The rows of a step.
pub(in super::super) struct Rows {
    /// `rows`, u32.
    pub tokens: Tensor,
    /// The row of the step before that each goes on from; `None` where they are the same rows.
    pub parents: Option<Tensor>,
    /// The source of each, where it is not what it was.
    pub sources: Option<Vec<usize>>,
}

impl Books {
    /// Whether the kernels, this one and `top`, do what is asked for.
    pub fn takes(rules: &Rules, config: &Config) -> bool {
        // The end mark may not come at first.
        let suppressed = config.suppressed.len() + 1;
        (1..=MOST).contains(&rules.beam) && suppressed <= SUPPRESSED && !rules.limits.is_empty()
    }

    /// For rules that it [takes](Books::takes).
    pub fn new(rules: &Rules, config: &Config, device: &Device) -> Result<Self> {
        let (sources, beam) = (rules.limits.len(), rules.beam);
        let mut scores = vec![f32::NEG_INFINITY; sources * beam];
        scores.iter_mut().step_by(beam).for_each(|score| *score = 0.0);
        let small = |&limit: &usize| u32::try_from(limit).unwrap_or(u32::MAX);
        let limits: Vec<u32> = rules.limits.iter().map(small).collect();
        let last = |&limit: &usize| penalty(limit.saturating_add(1), rules.length_penalty);
        let shrink_last: Vec<f32> = rules.limits.iter().map(last).collect();
        let live: Vec<usize> = (0..sources).collect();
        Ok(Self {
            rules: rules.clone(),
            eos: config.eos_token_id,
            forced: config.forced_eos_token_id.unwrap_or(NONE),
            stopping: config.early_stopping,
            scores: Tensor::from_vec(scores, sources * beam, device)?,
            counts: Tensor::zeros(sources, DType::U32, device)?,
            ends: Tensor::zeros((sources, beam * END), DType::U32, device)?,
            limits: Tensor::from_vec(limits, sources, device)?,
            shrink_last: Tensor::from_vec(shrink_last, sources, device)?,
            length: 0,
            live_there: indices(&live, device)?,
            live,
            out: None,
        })
    }

    /// The rows of the next step, which is for the sources `live`: of those of the last one. They begin with `start`.
    pub fn rows(&mut self, live: &[usize], start: u32) -> Result<Rows> {
        let (device, beam) = (self.scores.device().clone(), self.rules.beam);
        let Some(out) = &self.out else {
            if live.len() != self.live.len() {
                bail!("a search begins with all of its {} sources", self.live.len());
            }
            return Ok(Rows { tokens: Tensor::full(start, live.len(), &device)?, parents: None, sources: None });
        };
        let rows = self.live.len() * beam;
        let part = |i: usize| out.narrow(0, self.live.len() + i * rows, rows);
        let (parents, tokens) = (part(0)?, part(2)?);
        let sources = || live.iter().flat_map(|&source| std::iter::repeat_n(source, beam)).collect();
        if live == self.live {
            return Ok(Rows {
                tokens,
                // With one hypothesis a source there is nothing to reorder.
                parents: (beam > 1).then_some(parents),
                // The first step has a row a source.
                sources: (beam > 1 && self.length == 1).then(sources),
            });
        }
        let mut places = self.live.iter().enumerate();
        let kept: Option<Vec<usize>> =
            live.iter().map(|source| places.find(|&(_, other)| other == source).map(|(place, _)| place)).collect();
        let Some(kept) = kept else { bail!("a step is for sources that the one before was not for") };
        let kept: Vec<usize> = kept.into_iter().flat_map(|place| place * beam..(place + 1) * beam).collect();
        let kept = indices(&kept, &device)?;
        let rows = Rows {
            tokens: tokens.index_select(&kept, 0)?,
            parents: Some(parents.index_select(&kept, 0)?),
            sources: Some(sources()),
        };
        self.live = live.to_vec();
        self.live_there = indices(live, &device)?;
        Ok(rows)
    }

    /// Takes the `k` candidates of each row of the step, as [`super::top`] gives them. Gives the numbers that [`Books::read`] reads.
    pub fn advance(&mut self, found: &Tensor, k: usize) -> Result<Tensor> {
        let (sources, beam) = (self.live.len(), self.rules.beam);
        let before = if self.length == 0 { 1 } else { beam };
        if found.dims2()? != (sources * before, 2 * k) || (beam == 1 && k != 1) {
            bail!("candidates of {:?} for {sources} sources", found.shape());
        }
        let device = found.device().as_cuda_device()?;
        let out = unwritten(device, DType::U32, self.numbers())?;
        let grid = Grid::one_each(sources);
        let file = ("fr2en_books", kernels::BOOKS);
        if beam == 1 {
            let arguments = [
                Arg::of(found)?,
                Arg::of(&self.live_there)?,
                Arg::of(&self.limits)?,
                Arg::of(&self.counts)?,
                Arg::of(&self.ends)?,
                Arg::count(sources)?,
                Arg::count(self.length)?,
                Arg::Count(self.eos),
                Arg::Count(self.forced),
                Arg::of(&out)?,
            ];
            // SAFETY: `follow(found, live, limits, counts, ends, sources, length, eos, forced, out)`: a thread a live source,
            // of which each is one of those that the tensors are for.
            unsafe { launch(device, file, "follow", grid, &arguments) }?;
        } else {
            let shrink = |length: usize| Arg::Number(penalty(length, self.rules.length_penalty));
            let stopping = match self.stopping {
                EarlyStopping::First => 0,
                EarlyStopping::Never if self.rules.length_penalty > 0.0 => 1,
                EarlyStopping::Never | EarlyStopping::Heuristic => 2,
            };
            let arguments = [
                Arg::of(found)?,
                Arg::of(&self.live_there)?,
                Arg::of(&self.limits)?,
                Arg::of(&self.shrink_last)?,
                Arg::of(&self.scores)?,
                Arg::of(&self.counts)?,
                Arg::of(&self.ends)?,
                Arg::count(sources)?,
                Arg::count(k)?,
                Arg::count(before)?,
                Arg::count(beam)?,
                Arg::count(self.length)?,
                Arg::Count(self.eos),
                Arg::Count(self.forced),
                Arg::Count(stopping),
                shrink(self.length.max(1)),
                shrink(self.length + 1),
                Arg::of(&out)?,
            ];
            // SAFETY: `advance(found, live, limits, shrink_last, scores, counts, ends, sources, k, before, beam, length, eos,
            // forced, stopping, shrink_here, shrink, out)`: as above; the beam is no wider than the kernel's memory for it.
            unsafe { launch(device, file, "advance", grid, &arguments) }?;
        }
        self.length += 1;
        self.out = Some(out.clone());
        Ok(out)
    }

    /// How many numbers come of a step.
    fn numbers(&self) -> usize {
        self.live.len() * (1 + 4 * self.rules.beam)
    }

    /// What the numbers that came back say.
    pub fn read(&self, numbers: &[u32], turn: &mut Turn) -> Result<()> {
        let (standings, rest) = numbers.split_at(self.live.len());
        let parts: Vec<&[u32]> = rest.chunks_exact(self.live.len() * self.rules.beam).collect();
        let [_, from, tokens, log_probs] = parts[..] else { bail!("{} numbers came of a step", numbers.len()) };
        turn.standings.extend(standings.iter().map(|standing| match standing {
            0 => Standing::Open,
            1 => Standing::Done,
            _ => Standing::Lost,
        }));
        turn.from.extend_from_slice(from);
        turn.tokens.extend_from_slice(tokens);
        turn.log_probs.extend(log_probs.iter().map(|&bits| f32::from_bits(bits)));
        Ok(())
    }

    /// See [`crate::marian::Books::ends`].
    pub fn ends(&self) -> Result<Vec<Vec<End>>> {
        let counts: Vec<u32> = self.counts.to_vec1()?;
        let ends: Vec<Vec<u32>> = self.ends.to_vec2()?;
        let of_source =
            |(ends, count): (&Vec<u32>, &u32)| ends.chunks_exact(END).take(*count as usize).map(end).collect();
        Ok(ends.iter().zip(&counts).map(of_source).collect())
    }
}

/// `struct End` of `books.cu`.
fn end(numbers: &[u32]) -> End {
    let number = |i: usize| numbers.get(i).copied().unwrap_or_default();
    let token = number(3);
    End {
        score: f32::from_bits(number(0)),
        step: number(1) as usize,
        from: number(2) as usize,
        last: (token != NONE).then(|| (token, f32::from_bits(number(4)))),
        by_itself: number(5) != 0,
    }
}
