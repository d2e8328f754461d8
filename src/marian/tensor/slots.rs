//! Where the keys and values of a row's tokens lie, if they stay where they were first put.
//!
//! Each row of each step gets a slot, one after the other. When hypotheses are reordered, it is this table that is, not what
//! the slots hold: rows that go on from the same row share what is behind them.

use candle_core::{DType, Device, Tensor};

use super::memory::{grown, indexable};
use crate::error::Result;

/// Positions that the table grows by.
const BLOCK: usize = 32;

/// The slots of every row.
pub(super) struct Slots {
    /// `rows × room`, u32; `None` before the first position.
    table: Option<Tensor>,
    /// Positions that are filled.
    length: usize,
    /// Slots that were handed out.
    used: usize,
    device: Device,
}

impl Slots {
    pub fn new(device: &Device) -> Self {
        Self { table: None, length: 0, used: 0, device: device.clone() }
    }

    /// How many positions are filled.
    pub fn length(&self) -> usize {
        self.length
    }

    /// How many slots were handed out.
    pub fn used(&self) -> usize {
        self.used
    }

    /// The slot of each position of each row, `rows × room`: the first [`Slots::length`] of a row mean something.
    pub fn table(&self) -> Option<&Tensor> {
        self.table.as_ref()
    }

    /// Gives each of `rows` rows a slot for the next position; that of row `i` is `i` after what comes back.
    pub fn push(&mut self, rows: usize) -> Result<usize> {
        let first = self.used;
        let table = match self.table.take() {
            Some(table) if table.dim(1)? > self.length => table,
            full => grown(full.as_ref(), 1, &[rows, self.length + BLOCK], (DType::U32, &self.device))?,
        };
        indexable(&[first + rows])?;
        let slots: Vec<u32> = (first..first + rows).map(|slot| slot as u32).collect();
        table.slice_set(&Tensor::from_vec(slots, (rows, 1), &self.device)?, 1, self.length)?;
        self.table = Some(table);
        self.used += rows;
        self.length += 1;
        Ok(first)
    }

    /// Makes new rows out of the old: row `i` becomes what row `parents[i]` was.
    pub fn choose(&mut self, parents: &Tensor) -> Result<()> {
        if let Some(table) = &mut self.table {
            *table = table.index_select(parents, 0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_the_slots_of_those_that_they_come_from() {
        let device = Device::Cpu;
        let mut slots = Slots::new(&device);
        // What each row should find: its slots, first to last.
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); 3];
        let mut used = 0;
        for at in 0..2 * BLOCK + 5 {
            assert_eq!((slots.length(), slots.used()), (at, used));
            assert_eq!(slots.push(rows.len()).unwrap(), used);
            for row in &mut rows {
                row.push(used as u32);
                used += 1;
            }
            let table = slots.table().unwrap().to_vec2::<u32>().unwrap();
            assert_eq!(table.len(), rows.len());
            for (row, expected) in table.iter().zip(&rows) {
                assert_eq!(row[..=at], expected[..]);
            }
            // One ends, one goes on twice; then they are three again.
            let parents: &[u32] = [&[2, 0][..], &[0, 1, 1], &[1, 2, 0], &[0, 1, 2]][at % 4];
            let parents = if rows.len() == 2 { &[1, 0, 0] } else { parents };
            slots.choose(&Tensor::new(parents, &device).unwrap()).unwrap();
            rows = parents.iter().map(|&parent| rows[parent as usize].clone()).collect();
        }
    }
}
