"""The Marian network as the Hugging Face checkpoints define it (post-norm, tied embeddings, sinusoidal positions),
its export to that layout, and a plain greedy search to check the export against. Needs torch, safetensors."""
import copy
import json
import os

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SHAPE = ('d', 'enc', 'dec', 'ffn', 'heads')          # what of the arguments makes the network


def sinusoid(n, d):
    """(n, d) table of positions: sines in the first half, cosines in the second."""
    angle = torch.arange(n).float()[:, None] / 10000 ** (torch.arange(0, d, 2).float() / d)[None]
    return torch.cat([angle.sin(), angle.cos()], 1)


def attention(q, k, v, mask, causal):
    """What F.scaled_dot_product_attention does, in plain products. On a CPU its gradient takes a quarter of a whole step; on a GPU its kernels
    for masks want lengths of 16 and are compiled anew for others, where sentences are too short to gain from them."""
    scores = (q @ k.transpose(2, 3)).float() * q.shape[3] ** -0.5
    if causal:
        mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, float('-inf'))
    return scores.softmax(3).to(v.dtype) @ v


class Attention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(d, d) for _ in range(4))

    def forward(self, x, kv, mask=None, causal=False):
        (B, T, D), S = x.shape, kv.shape[1]
        q, k, v = self.q_proj(x).view(B, T, self.heads, -1), self.k_proj(kv).view(B, S, self.heads, -1), self.v_proj(kv).view(B, S, self.heads, -1)
        o = attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), mask, causal)
        return self.out_proj(o.transpose(1, 2).reshape(B, T, D))


class Layer(nn.Module):
    """Post-norm layer; with `cross`, a decoder layer."""
    def __init__(self, d, ffn, heads, dropout, cross):
        super().__init__()
        self.self_attn, self.self_attn_layer_norm = Attention(d, heads), nn.LayerNorm(d)
        if cross:
            self.encoder_attn, self.encoder_attn_layer_norm = Attention(d, heads), nn.LayerNorm(d)
        self.fc1, self.fc2, self.final_layer_norm = nn.Linear(d, ffn), nn.Linear(ffn, d), nn.LayerNorm(d)
        self.drop, self.cross = nn.Dropout(dropout), cross

    def forward(self, x, mask, memory=None):
        x = self.self_attn_layer_norm(x + self.drop(self.self_attn(x, x, None if self.cross else mask, causal=self.cross)))
        if self.cross:
            x = self.encoder_attn_layer_norm(x + self.drop(self.encoder_attn(x, memory, mask)))
        return self.final_layer_norm(x + self.drop(self.fc2(F.silu(self.fc1(x)))))


class Stack(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)


class Marian(nn.Module):
    """Maps source ids (B, S) and decoder input ids (B, T) to decoder states (B, T, d); logits are states @ shared.T."""
    def __init__(self, vocab, pad, d=512, enc=6, dec=3, ffn=2048, heads=8, dropout=0.1, positions=512):
        super().__init__()
        self.d, self.pad, self.shared = d, pad, nn.Embedding(vocab, d)
        self.encoder = Stack(Layer(d, ffn, heads, dropout, False) for _ in range(enc))
        self.decoder = Stack(Layer(d, ffn, heads, dropout, True) for _ in range(dec))
        self.register_buffer('pos', sinusoid(positions, d), persistent=False)
        self.drop = nn.Dropout(dropout)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.xavier_uniform_(m.weight)
                nn.init.zeros_(m.bias)
        nn.init.normal_(self.shared.weight, std=d ** -0.5)
        for stack in (self.encoder, self.decoder):   # depth-scaled init keeps post-norm stable
            for layer in stack.layers:
                for m in (layer.fc2, layer.self_attn.out_proj):
                    m.weight.data /= max(1, len(stack.layers)) ** 0.5

    def embed(self, ids):
        return self.drop(self.shared(ids) * self.d ** 0.5 + self.pos[:ids.shape[1]])

    def encode(self, source):
        mask = (source != self.pad)[:, None, None, :]
        x = self.embed(source)
        for layer in self.encoder.layers:
            x = layer(x, mask)
        return x, mask

    def decode(self, ids, memory, mask):
        x = self.embed(ids)
        for layer in self.decoder.layers:
            x = layer(x, mask, memory)
        return x

    def forward(self, source, ids):
        return self.decode(ids, *self.encode(source))

    @torch.no_grad()
    def greedy(self, source, eos, limit=200):
        """Target ids of each row without eos, which is forced as the `limit`th; plain and slow, the reference for the export."""
        memory, mask = self.encode(source)
        ids = torch.full((len(source), 1), self.pad, dtype=torch.long, device=source.device)
        done = torch.zeros(len(source), dtype=torch.bool, device=source.device)
        for _ in range(limit - 1):
            logits = F.linear(self.decode(ids, memory, mask)[:, -1], self.shared.weight)
            logits[:, self.pad] = -1e9
            ids = torch.cat([ids, logits.argmax(1, keepdim=True).masked_fill(done[:, None], self.pad)], 1)
            done |= ids[:, -1] == eos
            if done.all():
                break
        return [[i for i in row[1:] if i not in (eos, self.pad)] for row in ids.tolist()]


def save_hf(state, path, vocab, pad, eos, d, enc, dec, ffn, heads):
    """Writes config.json, generation_config.json and model.safetensors (f16) in the Hugging Face layout."""
    from safetensors.torch import save_file
    os.makedirs(path, exist_ok=True)
    weights = {f'model.{k}': v.detach().to(torch.float16).cpu().contiguous() for k, v in state.items()}
    weights['final_logits_bias'] = torch.zeros(1, vocab, dtype=torch.float16)
    save_file(weights, f'{path}/model.safetensors.tmp', metadata={'format': 'pt'})
    os.replace(f'{path}/model.safetensors.tmp', f'{path}/model.safetensors')
    search = dict(num_beams=4, max_length=512, pad_token_id=pad, eos_token_id=eos, forced_eos_token_id=eos, decoder_start_token_id=pad, bad_words_ids=[[pad]])
    config = dict(architectures=['MarianMTModel'], model_type='marian', activation_function='swish', d_model=d, encoder_layers=enc, decoder_layers=dec,
                  encoder_ffn_dim=ffn, decoder_ffn_dim=ffn, encoder_attention_heads=heads, decoder_attention_heads=heads, vocab_size=vocab,
                  decoder_vocab_size=vocab, max_position_embeddings=512, bos_token_id=eos, scale_embedding=True, share_encoder_decoder_embeddings=True,
                  static_position_embeddings=True, normalize_before=False, normalize_embedding=False, is_encoder_decoder=True, use_cache=True,
                  dropout=0.0, torch_dtype='float16', num_hidden_layers=enc, tie_word_embeddings=True, **search)
    json.dump(config, open(f'{path}/config.json', 'w'), indent=1)
    json.dump(search, open(f'{path}/generation_config.json', 'w'), indent=1)


def load_hf(path, dropout=0.0):
    """(Marian in f32, eos) of an exported folder, or of one that `fr2en models quantize` wrote."""
    from safetensors.torch import load_file
    c = json.load(open(f'{path}/config.json'))
    shape = dict(d=c['d_model'], enc=c['encoder_layers'], dec=c['decoder_layers'], ffn=c['encoder_ffn_dim'], heads=c['encoder_attention_heads'])
    m = Marian(c['vocab_size'], c['pad_token_id'], dropout=dropout, **shape)
    weights = load_file(f'{path}/model.safetensors')
    floats = {k: v.float() * weights[f'{k}.scale'][:, None] if v.dtype == torch.int8 else v.float() for k, v in weights.items()}
    m.load_state_dict({k.removeprefix('model.'): v for k, v in floats.items() if k.startswith('model.') and not k.endswith('.scale')})
    return m, c['eos_token_id']


def mean(end, start, share):
    """`share` of the weights `end` and the rest of `start`, two state dicts of one shape."""
    return {k: share * v + (1 - share) * start[k].to(v.device) for k, v in end.items()}


def shape_of(net):
    layer = net.encoder.layers[0]
    return dict(d=net.d, enc=len(net.encoder.layers), dec=len(net.decoder.layers), ffn=layer.fc1.out_features, heads=layer.self_attn.heads)


@torch.no_grad()
def revocabulary(net, path, ours):
    """Gives a network that was loaded from `path` the vocabulary `ours`, if it has another: pieces both have keep their vectors, new ones
    get the mean of those they were written with before. A run's own export, without vocab.json, has that of its data."""
    if not os.path.exists(f'{path}/vocab.json'):
        assert len(net.shared.weight) == len(ours), f'{path} has another vocabulary, and no vocab.json to say which'
        return
    theirs = json.load(open(f'{path}/vocab.json', encoding='utf-8'))
    if theirs == ours:
        return
    import sentencepiece
    old = sentencepiece.SentencePieceProcessor(model_file=f'{path}/source.spm')
    table, before = torch.zeros(len(ours), net.d), net.shared.weight
    for piece, i in ours.items():
        if piece in theirs:
            table[i] = before[theirs[piece]]
        else:
            parts = [theirs[p] for p in old.encode(piece.replace('▁', ' '), out_type=str) if p in theirs]
            table[i] = before[parts or [theirs['<unk>']]].mean(0)
    net.pad = ours['<pad>']
    net.shared = nn.Embedding.from_pretrained(table, freeze=False)


@torch.no_grad()
def deepen(net, enc):
    """Puts encoder layers on top until there are `enc`, which at first change little (a seventh of the states of a trained network): they begin
    as the uppermost ones, from the top down, with outputs of zero, and their norms give back the mean spread and offset that the norms
    before took away."""
    layers = net.encoder.layers
    below = list(layers)
    last = below[-1].final_layer_norm
    spread, offset = (last.weight.square().mean() + last.bias.var()).sqrt(), last.bias.mean()
    while len(layers) < enc:
        layer = copy.deepcopy(below[-1 - (len(layers) - len(below)) % len(below)])
        for norm in (layer.self_attn_layer_norm, layer.final_layer_norm):
            norm.weight.fill_(spread)
            norm.bias.fill_(offset)
        for out in (layer.self_attn.out_proj, layer.fc2):
            out.weight.zero_()
            out.bias.zero_()
        layers.append(layer)


@torch.no_grad()
def widen(net, d):
    """The network with `d` = twice as many channels, heads and hidden units, which computes the same (Chen et al. 2016, Net2Net) but for
    the positions of every other channel, whose wave is new. Every channel becomes two equal ones side by side, every head two;
    what reads a pair splits its weight, w / 2 + r and w / 2 - r with r as large as w / 2, so that the two learn different things."""
    assert d == 2 * net.d, f'a network of {net.d} channels can be made {2 * net.d} wide, not {d}'
    attention = net.encoder.layers[0].self_attn
    wide = Marian(len(net.shared.weight), net.pad, d, len(net.encoder.layers), len(net.decoder.layers),
                  2 * net.encoder.layers[0].fc1.out_features, 2 * attention.heads, net.drop.p, len(net.pos))
    pairs = torch.arange(net.d).repeat_interleave(2)
    heads = torch.arange(net.d).view(attention.heads, 1, -1).expand(-1, 2, -1).flatten()
    units = torch.arange(net.encoder.layers[0].fc1.out_features).repeat_interleave(2)

    def split(w, columns):
        """Columns in two, in places that `columns` names; the random half has the opposite sign in the second of each two."""
        first = torch.zeros(len(columns), dtype=torch.bool)
        order = columns.argsort(stable=True)
        first[order[::2]] = True
        r = (torch.randn_like(w) * w.square().mean().sqrt() / 2)[:, columns]
        return w[:, columns] / 2 + torch.where(first, r, -r)

    old, new = dict(net.named_parameters()), {}
    for name, w in old.items():
        part = name.rsplit('.', 2)[-2]
        rows, columns = dict(fc1=(units, pairs), fc2=(pairs, units), out_proj=(pairs, heads)).get(part, (heads, pairs) if part.endswith('_proj') else (pairs, None))
        if part == 'shared':
            new[name] = w[:, pairs] / 2 ** 0.5       # embeddings are multiplied by the root of the width
        elif w.dim() == 2:
            new[name] = split(w, columns)[rows]
        else:
            new[name] = w[rows]
    for p in ('weight', 'bias'):                     # the products of pairs that the logits sum have grown by the same root
        new[f'decoder.layers.{len(net.decoder.layers) - 1}.final_layer_norm.{p}'] /= 2 ** 0.5
    wide.load_state_dict(new)
    return wide
