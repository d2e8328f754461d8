//! A search whose books the device keeps.

use super::{TensorSession, cuda, memory};
use crate::error::{Error, ErrorKind, Result};
use crate::marian::{self, End, Rules, Turn, Want};

struct Books<'a, 'n> {
    session: &'a mut TensorSession<'n>,
    kept: cuda::Books,
}

/// `None` where this batch or device has no kernels for it.
pub(super) fn books<'a>(
    session: &'a mut TensorSession<'_>,
    rules: &Rules,
) -> Result<Option<Box<dyn marian::Books + 'a>>> {
    let kept = session.run(|network, work| {
        let takes = cuda::Books::takes(rules, &network.config) && work.batch()?.state.paged().is_some();
        Ok(if takes { Some(cuda::Books::new(rules, &network.config, &network.device)?) } else { None })
    })?;
    Ok(kept.map(|kept| Box::new(Books { session, kept }) as _))
}

impl marian::Books for Books<'_, '_> {
    fn advance(&mut self, live: &[usize], want: &Want<'_>, out: &mut Turn) -> Result<()> {
        let kept = &mut self.kept;
        self.session.run(|network, work| {
            let position = work.batch()?.state.position();
            let position = work.positions.row(position)?;
            let batch = work.batch()?;
            out.width = batch.longest;
            let rows = kept.rows(live, network.config.decoder_start_token_id)?;
            let count = rows.tokens.dims1()?;
            memory::indexable(&[count, network.config.decoder_vocab_size])?;
            let unpaged = || Error::new(ErrorKind::Device, "a search was begun on a batch that it does not suit");
            batch.state.paged().ok_or_else(unpaged)?.choose(rows.parents.as_ref(), rows.sources)?;
            let step = network.decoder.step(&rows.tokens, batch.state.as_mut(), &position, want.attention)?;
            let found = cuda::top(&step.logits, network.decoder.bias(), want)?;
            let found =
                found.ok_or_else(|| Error::new(ErrorKind::Device, "there is no kernel for what a step wants"))?;
            let numbers = kept.advance(&found, want.k)?;
            Ok(work.back.fetch(&numbers, step.attention.as_ref())?)
        })?;
        // Meanwhile another session's work may be given to the device.
        let (numbers, attention) = self.session.work.back.wait()?;
        out.attention.extend(attention.iter().map(|&bits| f32::from_bits(bits)));
        Ok(self.kept.read(numbers, out)?)
    }

    fn ends(&mut self) -> Result<Vec<Vec<End>>> {
        let kept = &self.kept;
        self.session.run(|_, _| Ok(kept.ends()?))
    }
}
