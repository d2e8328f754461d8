"""Trains a Marian-shaped translation model from id shards against the clock, on one GPU or on the cores of a CPU.

    python train_marian.py --data DIR --out OUT --minutes 20 --compile           # a GPU
    python train_marian.py --data DIR --out OUT --minutes 90 --processes 2 …     # a CPU: one process a core

DIR holds vocab.json and shards NAME.bin + NAME.idx.npy of prepare.py; `dev` is the validation shard, every other one is
training data. Shards may arrive while training runs: the folder is read again before each round of batches.

The clock: the learning rate warms up, stays flat and falls linearly to zero over the last --decay share of the time, and
reaches zero exactly when the time is over. The end is --minutes from the start, or the epoch second in OUT/finish-by,
which is read again all the time: write an earlier one to finish early. OUT/status.json says how far it got.

Interruption: OUT/checkpoint.pt (weights, optimiser, running average, time spent) is written every --save-every minutes;
--resume goes on from it, on the same schedule if the end is the same. --resume --fresh-clock starts a second run from it.
--init MODEL starts from an exported model's weights, whatever its vocabulary; --deepen N gives it more encoder layers, --widen N
twice the width. The result, OUT/hf, is the better by validation loss of the last weights and their average over the last --average share;
what the loss of its mean with the start would be is said too (mean.py makes it).
"""
import argparse
import concurrent.futures
import contextlib
import glob
import json
import multiprocessing
import os
import time

import numpy as np
import torch
import torch.distributed as dist
import torch.fx.experimental._config
import torch.nn as nn
import torch.nn.functional as F

import model as marian


class Corpus:
    """The shards of a folder, end to end in one int32 tensor on the device, with one index; new ones are read as they arrive."""
    def __init__(self, folder, device):
        self.folder, self.device, self.read, self.dev = folder, device, [], None
        self.train = torch.zeros(0, dtype=torch.int32, device=device), np.zeros((0, 3), np.int64)

    def waiting(self):
        """Names of the shards that have not been read."""
        found = (f.removesuffix('.idx.npy') for f in sorted(glob.glob(f'{self.folder}/*.idx.npy')))
        return [f for f in found if f not in self.read and not f.endswith('/dev')]

    def load(self, name):
        return torch.from_numpy(np.fromfile(name + '.bin', np.uint16).astype(np.int32)).to(self.device), np.load(name + '.idx.npy')

    def refresh(self, names):
        """Reads shards; row numbers that were given out stay good."""
        if not self.dev and os.path.exists(f'{self.folder}/dev.idx.npy'):
            self.dev = self.load(f'{self.folder}/dev')
        for name in names:
            ids, index = self.load(name)
            before = np.array([len(self.train[0]), 0, 0])
            self.train = torch.cat([self.train[0], ids]), np.concatenate([self.train[1], index + before])
            self.read.append(name)

    def batch(self, shard, rows, eos, pad):
        """Padded source and target ids (rows, length + eos), lengths rounded up to 8 so that few shapes occur; and the places
        of the target that are no padding, in the flattened target. Every size is known beforehand: nothing waits for the GPU."""
        ids, index = shard
        lengths = index[rows]
        at = torch.from_numpy(lengths)
        at = at.pin_memory().to(self.device, non_blocking=True) if self.device == 'cuda' else at
        source = pack(ids, at[:, 0], at[:, 1], eos, pad, int(lengths[:, 1].max()))
        target = pack(ids, at[:, 0] + at[:, 1], at[:, 2], eos, pad, int(lengths[:, 2].max()))
        n, total = at[:, 2] + 1, int(lengths[:, 2].sum()) + len(rows)
        skipped = torch.arange(len(rows), device=self.device) * target.shape[1] - (n.cumsum(0) - n)
        live = torch.arange(total, device=self.device) + torch.repeat_interleave(skipped, n, output_size=total)
        return source, target, live


def pack(ids, offset, n, eos, pad, longest):
    at = torch.arange(-(-(longest + 1) // 8) * 8, device=ids.device)
    live = at < n[:, None]
    out = ids[(offset[:, None] + at).clamp_(max=len(ids) - 1)].long()
    return torch.where(live, out, torch.where(at == n[:, None], eos, pad))


def plan(index, rows, tokens, rng):
    """Batches of the row numbers `rows`, of pairs of like length, at most `tokens` padded positions on the longer side."""
    wide = -(-(index[rows, 1:] + 1) // 8) * 8        # source and target with eos, as they are padded
    order = np.lexsort((index[rows, 2], wide[:, 0], wide.max(1)))
    rows, width = rows[order], wide.max(1)[order]
    out, i = [], 0
    while i < len(rows):
        j = i + max(1, int(np.searchsorted(width[i:i + tokens // 8] * np.arange(1, len(rows[i:i + tokens // 8]) + 1), tokens, 'right')))
        out.append(rows[i:j])
        i = j
    rng.shuffle(out)
    return out


def nll(x, table, bias, t, smooth: float):
    return F.cross_entropy(F.linear(x, table, bias).float(), t, label_smoothing=smooth, reduction='sum')


class Sample:
    """A part of the vocabulary for the softmax of one batch: its own targets, the `n` most frequent ones and n / 4 random ones,
    these with the logarithm of their odds of being drawn added, so that the normaliser is right on average. For a CPU,
    where the full softmax is half of the work."""
    def __init__(self, n, corpus, vocab):
        counts = torch.zeros(vocab)
        ids, index = corpus.train
        for at, source, target in index[:50_000].tolist():
            counts[ids[at + source:at + source + target].long()] += 1
        order = counts.argsort(descending=True)
        self.frequent, self.rest, self.drawn, self.vocab = order[:n], order[n:], n // 4, vocab
        self.odds = float(np.log(len(self.rest) / self.drawn))

    def __call__(self, t):
        """(ids of the part, bias of each, the targets as numbers within the part)"""
        bias = torch.full((self.vocab,), -1.0)
        bias[self.rest[torch.randint(len(self.rest), (self.drawn,))]] = self.odds
        bias[self.frequent] = 0.0
        bias[t] = 0.0
        part = (bias >= 0).nonzero()[:, 0]
        place = torch.zeros(self.vocab, dtype=torch.long)
        place[part] = torch.arange(len(part))
        return part, bias[part], place[t]


class Trainer:
    def __init__(self, a, rank, counter):
        self.a, self.rank, self.counter = a, rank, counter
        vocabulary = json.load(open(f'{a.data}/vocab.json'))
        self.vocab, self.pad, self.eos = len(vocabulary), vocabulary['<pad>'], vocabulary['</s>']
        self.cuda = torch.cuda.is_available() and a.processes == 1
        self.device = 'cuda' if self.cuda else 'cpu'
        torch.manual_seed(a.seed)
        if self.cuda:
            torch.set_float32_matmul_precision('high')
        else:
            torch.set_num_threads(1 if a.processes > 1 else a.threads)
        self.origin = None
        if a.init:
            net, _ = marian.load_hf(a.init, a.dropout)
            marian.revocabulary(net, a.init, vocabulary)
            if a.widen:
                net = marian.widen(net, a.widen)
            marian.deepen(net, a.deepen)
            self.origin = None if a.widen else {k: v.clone() for k, v in net.state_dict().items()}
        else:
            net = marian.Marian(self.vocab, self.pad, dropout=a.dropout, **{k: getattr(a, k) for k in marian.SHAPE})
        self.shape, self.net = marian.shape_of(net), net.to(self.device)
        self.opt = torch.optim.AdamW(net.parameters(), lr=a.lr, betas=(0.9, 0.98), eps=1e-8, weight_decay=a.weight_decay, fused=True)
        self.loss = nll
        if a.compile:                                # layer by layer: equal layers share what was compiled for the first
            torch.fx.experimental._config.use_duck_shape = False   # equal lengths in the first batch are chance
            for layer in (*net.encoder.layers, *net.decoder.layers):
                layer.compile(dynamic=True)
            self.loss = torch.compile(nll, dynamic=True)
        self.scale = float(max(a.update, a.tokens))
        self.corpus = Corpus(a.data, self.device)
        self.corpus.refresh(self.corpus.waiting())
        self.sample = Sample(a.sampled, self.corpus, self.vocab) if a.sampled and not self.cuda else None
        self.step = self.seen = self.spent = self.means = 0
        self.queue, self.passed, self.best, self.good = np.zeros(0, np.int64), 0, float('inf'), None
        self.mean, self.checkpoint = None, f'{a.out}/checkpoint.pt'
        if a.resume and os.path.exists(self.checkpoint):
            c = torch.load(self.checkpoint, map_location=self.device)
            self.net.load_state_dict(c['model'])
            self.opt.load_state_dict(c['optimiser'])
            if not a.fresh_clock:
                self.step, self.seen, self.spent, self.mean, self.means = c['step'], c['seen'], c['spent'], c['mean'], c['means']
        self.blank()
        self.started = time.time()
        self.end = self.started + a.minutes * 60
        self.warm_from = 0 if not a.resume else self.step

    @torch.no_grad()
    def blank(self):
        """The padding token, which starts every target, is embedded as zeros: so does Marian, and CTranslate2 whatever the weights say."""
        self.net.shared.weight[self.pad] = 0

    def say(self, *words):
        if self.rank == 0:
            print(time.strftime('%H:%M:%S'), *words, flush=True)

    def share(self):
        """How much of the time is over, 0 to 1; in step on every process because rank 0 decides."""
        with contextlib.suppress(OSError, ValueError):
            self.end = float(open(f'{self.a.out}/finish-by').read())
        now = time.time()
        spent = self.spent + now - self.started
        return min(1.0, spent / max(1e-9, spent + self.end - now)) if self.end > now else 1.0

    def objective(self, shard, rows, smooth):
        """Summed loss of a batch and how many target pieces it has."""
        S, T, live = self.corpus.batch(shard, rows, self.eos, self.pad)
        I = torch.cat([torch.full_like(T[:, :1], self.pad), T[:, :-1]], 1)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.cuda or self.a.bf16):
            # no logits for padding: the softmax is a third of the work
            x, T = self.net(S, I).flatten(0, 1).index_select(0, live), T.flatten().index_select(0, live)
            if self.sample and self.net.training:
                part, bias, T = self.sample(T)
                return self.loss(x, self.net.shared.weight[part], bias, T, smooth), len(live)
            return self.loss(x, self.net.shared.weight, None, T, smooth), len(live)

    @torch.no_grad()
    def valid(self):
        if not self.corpus.dev:
            return float('nan')
        self.net.eval()
        total = n = 0
        index = self.corpus.dev[1]
        with torch.compiler.set_stance('force_eager'):   # no second compilation for evaluation
            for rows in plan(index, np.arange(len(index)), self.a.tokens, np.random.default_rng(0)):
                loss, k = self.objective(self.corpus.dev, rows, 0.0)
                total, n = total + float(loss), n + k
        self.net.train()
        return total / n

    def save(self):
        if self.rank:
            return
        torch.save(dict(model=self.net.state_dict(), optimiser=self.opt.state_dict(), step=self.step, seen=self.seen, mean=self.mean, means=self.means,
                        spent=self.spent + time.time() - self.started, shape=self.shape), self.checkpoint + '.tmp')
        os.replace(self.checkpoint + '.tmp', self.checkpoint)
        self.export(self.average() or self.net.state_dict())

    def average(self):
        """The mean of the weights that were accumulated; None before the first."""
        return {k: v / self.means for k, v in self.mean.items()} if self.means else None

    def export(self, state):
        marian.save_hf(state, f'{self.a.out}/hf', self.vocab, self.pad, self.eos, **self.shape)

    def accumulate(self):
        self.means += 1
        state = self.net.state_dict()
        if self.mean is None:
            self.mean = {k: v.float().clone() for k, v in state.items()}
        else:
            torch._foreach_add_(list(self.mean.values()), [v.float() for v in state.values()])

    def round(self, rng):
        """The updates of one round, lists of batches of row numbers: the next part of a shuffled pass over the corpus, which new
        shards join as they come, so that every pair comes once before any comes twice."""
        names = self.corpus.waiting()
        if self.a.processes > 1:                     # all processes must see the same shards
            n = torch.tensor(len(names))
            dist.all_reduce(n, dist.ReduceOp.MIN)
            names = names[:int(n)]
        self.corpus.refresh(names)
        index = self.corpus.train[1]
        fit = np.nonzero(index[:, 1:].max(1) <= self.a.longest)[0]
        new = fit[fit >= self.passed]
        if len(new):
            self.queue, self.passed = rng.permutation(np.concatenate([self.queue, new])), len(index)
        if len(self.queue) < min(self.a.round, len(fit)):
            self.queue = np.concatenate([self.queue, rng.permutation(fit)])
        rows, self.queue = self.queue[:self.a.round], self.queue[self.a.round:]
        updates, update, tokens = [], [], 0
        for batch in plan(index, rows, self.a.tokens, rng):
            update.append(batch)
            tokens += int(index[batch, 2].sum()) + len(batch)
            if tokens >= self.a.update:
                updates.append(update)
                update, tokens = [], 0
        return updates or [update]

    def updates(self, rng):
        """Update after update; on a GPU the next round is planned, and new shards are read, while this one is trained on."""
        if not self.cuda:
            while True:
                yield from self.round(rng)
        with concurrent.futures.ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self.round, rng)
            while True:
                now, coming = coming.result(), ahead.submit(self.round, rng)
                yield from now

    def gradients(self, update):
        """Sums the gradients of one update's batches; several processes take them from one counter, so none waits long."""
        total, n = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        if self.counter is None:
            mine = iter(update)
        else:
            mine = (update[i] for i in iter(lambda: self.take(len(update)), None))
        for rows in mine:
            loss, k = self.objective(self.corpus.train, rows, self.a.smooth)
            (loss / self.scale).backward()           # a fixed number first: the sum over many tokens is large for half precision
            total, n = total + loss.detach(), n + k
        if self.counter is not None:
            grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.net.parameters()]
            flat = torch.cat([g.flatten() for g in grads] + [total[None], n[None].float()])
            dist.all_reduce(flat)
            at = 0
            for p in self.net.parameters():
                p.grad = flat[at:at + p.numel()].view_as(p)
                at += p.numel()
            total, n = flat[-2], flat[-1]
            if self.rank == 0:
                self.counter.value = 0
            dist.barrier()
        torch._foreach_mul_([p.grad for p in self.net.parameters()], self.scale / n)
        return total, n

    def compiled(self, update):
        """As `gradients`; where the compiler fails, without it from then on."""
        try:
            return self.gradients(update)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            if not self.a.compile:
                raise
            self.a.compile = False
            self.say(f'the compiler failed ({type(error).__name__}: {str(error)[:300]}); going on without it')
            torch.compiler.set_stance('force_eager')
            self.opt.zero_grad(set_to_none=True)
            return self.gradients(update)

    def tensors(self):
        return [*self.net.parameters(), *(t for p in self.net.parameters() for t in self.opt.state[p].values())]

    def guard(self, loss):
        """Keeps the last good state; goes back to it, with half the learning rate, when the loss has run away."""
        if loss < self.best + 0.3:
            self.best, self.good = min(self.best, loss), [t.detach().clone() for t in self.tensors()]
        elif not loss < self.best + 1.0 and self.good:
            self.a.lr /= 2
            self.warm_from = self.step
            self.say(f'loss {loss:.2f} after {self.best:.2f}: back to the last good state, learning rate {self.a.lr:.1e}')
            with torch.no_grad():
                torch._foreach_copy_(self.tensors(), self.good)

    def take(self, n):
        with self.counter.get_lock():
            i = self.counter.value
            self.counter.value = i + 1
        return i if i < n else None

    def train(self):
        a, rng = self.a, np.random.default_rng(self.a.seed + self.step)
        params = sum(p.numel() for p in self.net.parameters())
        self.say(f'{params / 1e6:.1f}M parameters, vocabulary {self.vocab}, {self.device}, shape {self.shape}, step {self.step}, start valid nll {self.valid() if a.check else float("nan"):.4f}')
        saved = logged = time.time()
        losses = tokens = since = 0
        for update in self.updates(rng):
            share = torch.tensor(self.share())
            if self.counter is not None:
                dist.broadcast(share, 0)
            share = float(share)
            if share >= 1:
                return self.finish()
            rate = a.lr * min(1.0, (self.step - self.warm_from + 1) / a.warmup) * min(1.0, (1 - share) / a.decay)
            for g in self.opt.param_groups:
                g['lr'] = rate
            total, n = self.compiled(update)
            nn.utils.clip_grad_norm_(self.net.parameters(), 1.0, foreach=True)
            self.opt.step()
            self.blank()
            self.opt.zero_grad(set_to_none=True)
            self.step += 1
            losses, tokens, since = losses + total, tokens + n, since + 1
            if share > 1 - a.average and self.step % a.average_every == 0:
                self.accumulate()
            now = time.time()
            if since == a.log:
                self.seen += int(tokens)
                per = float(losses) / float(tokens)
                speed = float(tokens) / (now - logged)
                self.say(f'step {self.step} lr {rate:.1e} loss {per:.3f} {since / (now - logged):.2f} updates/s {speed:.0f} target tokens/s, {len(self.corpus.read)} shards, {100 * share:.0f} %')
                if self.rank == 0:
                    json.dump(dict(step=self.step, seen=self.seen, loss=per, rate=rate, share=share, speed=speed, time=now), open(f'{a.out}/status.json', 'w'))
                losses = tokens = since = 0
                logged = now
                self.guard(per)
            if self.rank == 0 and now - saved > a.save_every * 60:
                self.save()
                self.say(f'saved; valid nll {self.valid():.4f}')
                saved = logged = time.time()

    def choose(self):
        """Exports the better of the last weights and their average; says what its mean with where the run started, which another run
        had brought to an end of its own, would give."""
        found = {'the last': {k: v.clone() for k, v in self.net.state_dict().items()}}
        if average := self.average():
            found[f'the average of {self.means}'] = average
        losses = {}
        for name, state in found.items():
            self.net.load_state_dict(state)
            losses[name] = self.valid()
        best = min(losses, key=lambda name: (losses[name] != losses[name], losses[name]))
        self.export(found[best])
        if self.origin:
            name = f'0.6 of {best} and 0.4 of the start'
            self.net.load_state_dict(marian.mean(found[best], self.origin, 0.6))
            losses[name] = self.valid()
        self.say('valid nll of', ', of '.join(f'{name} {loss:.4f}' for name, loss in losses.items()))

    def finish(self):
        if self.rank == 0:
            self.save()                              # first of all: the lease may end any second
            self.say('saved')
            self.choose()
            json.dump(dict(step=self.step, seen=self.seen, share=1.0, done=True, time=time.time()), open(f'{self.a.out}/status.json', 'w'))
            self.say(f'done: {self.step} updates, {self.seen} target tokens')
        if self.counter is not None:
            dist.barrier()


def work(rank, a, counter):
    if counter is not None:
        import datetime
        dist.init_process_group('gloo', init_method=f'file://{os.path.abspath(a.out)}/meeting', rank=rank, world_size=a.processes, timeout=datetime.timedelta(hours=12))
    Trainer(a, rank, counter).train()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--data', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--init', help='start from this exported model')
    p.add_argument('--deepen', type=int, default=0, help='with --init: encoder layers to have at least; new ones change little at first')
    p.add_argument('--widen', type=int, default=0, help='with --init: twice its width; channels, heads and hidden units are doubled, and compute almost the same at first')
    p.add_argument('--resume', action='store_true', help='go on from OUT/checkpoint.pt')
    p.add_argument('--fresh-clock', action='store_true', help='with --resume: a new run, from the checkpoint on')
    p.add_argument('--compile', action='store_true')
    p.add_argument('--bf16', action='store_true', help='half precision on a CPU too (a GPU always has it)')
    p.add_argument('--check', action='store_true', help='validation loss before the first update')
    for k, v, h in (('d', 512, 'width'), ('enc', 6, 'encoder layers'), ('dec', 2, 'decoder layers'), ('ffn', 2048, ''), ('heads', 8, ''), ('tokens', 60_000, 'padded positions of a batch'),
                    ('update', 1, 'target tokens of an update at least; more than a batch has: gradients accumulate'), ('longest', 160, 'pieces of the longest pair'), ('seed', 1, ''),
                    ('warmup', 1500, 'updates'), ('threads', 2, 'of a CPU'), ('sampled', 0, 'CPU: frequent pieces in the softmax of a batch, 0 for all'), ('processes', 1, 'one for each core of a CPU'), ('log', 50, 'updates'),
                    ('average-every', 20, 'updates'), ('round', 400_000, 'pairs in one round of shuffled batches')):
        p.add_argument(f'--{k}', type=int, default=v, help=h)
    for k, v, h in (('lr', 1e-3, 'highest learning rate'), ('dropout', 0.1, ''), ('minutes', 20.0, ''), ('smooth', 0.1, 'label smoothing'), ('decay', 0.6, 'share of the time'),
                    ('average', 0.15, 'share of the time'), ('save-every', 3.0, 'minutes'), ('weight-decay', 0.0, '')):
        p.add_argument(f'--{k}', type=float, default=v, help=h)
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    if a.processes == 1:
        return work(0, a, None)
    with contextlib.suppress(FileNotFoundError):
        os.remove(f'{a.out}/meeting')
    context = multiprocessing.get_context('fork')     # forked children keep this name, so one signal reaches them all
    counter = context.Value('q', 0)
    children = [context.Process(target=work, args=(r, a, counter)) for r in range(a.processes)]
    for c in children:
        c.start()
    for c in children:
        c.join()
    raise SystemExit(max(abs(c.exitcode) for c in children))


if __name__ == '__main__':
    main()
