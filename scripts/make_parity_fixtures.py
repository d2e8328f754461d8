#!/usr/bin/env python3
"""Writes small Marian models and what `transformers` computes with them, for tests/parity.rs.

    python scripts/make_parity_fixtures.py tests/data/parity [MODEL…]

Needs torch, transformers 4.57 and safetensors (a 4.x release: 5.x changed Marian). Every model directory gets the
usual files of the Hugging Face layout without a tokenizer, `reference.safetensors` (encoder states, logits and
cross-attention on a padded batch) and `expected.json` (what `generate` returns for several settings).

Random weights repeat one token for ever, so each model is trained for a moment on a toy language: it knows enough to vary
and to stop, and too little to be sure. Seeds are tried until the outputs are telling, and until a relative disturbance of the
weights by 1e-5 changes none of them: a fixture that hangs on the last bit would test luck.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import GenerationConfig, MarianConfig, MarianMTModel

LENGTHS = [1, 2, 5, 9, 14, 14, 23]
STEPS = 9
MORE_ROWS = 7
TRAINING = 500

SETTINGS = {
    "greedy": dict(num_beams=1, max_length=26),
    "greedy_least": dict(num_beams=1, max_length=26, min_length=9),
    "greedy_short": dict(num_beams=1, max_length=6),
    "beam": dict(num_beams=4, max_length=26),
    "beam_least": dict(num_beams=4, max_length=26, min_length=9),
    "beam_short": dict(num_beams=4, max_length=6),
    "beam_shortest": dict(num_beams=4, max_length=2),
    "beam_brief": dict(num_beams=4, max_length=26, length_penalty=0.6),
    "beam_lengthy": dict(num_beams=4, max_length=26, length_penalty=2.0),
    "beam_first": dict(num_beams=4, max_length=26, early_stopping=True),
    "beam_never": dict(num_beams=4, max_length=26, early_stopping="never"),
    "beam_two": dict(num_beams=2, max_length=26),
    "beam_seven": dict(num_beams=7, max_length=26),
}

COMMON = dict(
    max_position_embeddings=64, max_length=64, num_beams=4, static_position_embeddings=True, normalize_before=False,
    normalize_embedding=False, add_final_layer_norm=False, dropout=0.0,
)

MODELS = {
    # As opus-mt-fr-en: swish, the end mark first, pad last.
    "base": dict(
        d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
        encoder_ffn_dim=64, decoder_ffn_dim=64, activation_function="swish", vocab_size=120, decoder_vocab_size=120,
        pad_token_id=119, eos_token_id=0, bos_token_id=0, forced_eos_token_id=0, decoder_start_token_id=119,
        scale_embedding=True, share_encoder_decoder_embeddings=True,
    ),
    # As opus-mt-tc-big-fr-en: relu, the end mark in the middle, other widths; stored as f16.
    "big": dict(
        d_model=40, encoder_layers=3, decoder_layers=4, encoder_attention_heads=5, decoder_attention_heads=2,
        encoder_ffn_dim=96, decoder_ffn_dim=72, activation_function="relu", vocab_size=131, decoder_vocab_size=131,
        pad_token_id=130, eos_token_id=83, bos_token_id=0, forced_eos_token_id=83, decoder_start_token_id=130,
        scale_embedding=True, share_encoder_decoder_embeddings=True,
    ),
    # Separate vocabularies, an output projection of its own, embeddings not scaled. `transformers` cannot search where
    # the sizes differ, so the source embedding gets more rows when it is written; no source uses them.
    "separate": dict(
        d_model=32, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=4,
        encoder_ffn_dim=48, decoder_ffn_dim=80, activation_function="gelu", vocab_size=140, decoder_vocab_size=140,
        pad_token_id=139, eos_token_id=7, bos_token_id=0, forced_eos_token_id=7, decoder_start_token_id=139,
        scale_embedding=False, share_encoder_decoder_embeddings=False, tie_word_embeddings=False,
    ),
}


def train(model, seed):
    """The toy language: every word has one translation, every word divisible by 5 has two, and the order is reversed."""
    config = model.config
    generator = torch.Generator().manual_seed(seed)
    words = [t for t in range(1, config.vocab_size - 1) if t != config.eos_token_id]
    shuffled = [words[i] for i in torch.randperm(len(words), generator=generator)]
    dictionary = {word: [other] + [word] * (word % 5 == 0) for word, other in zip(words, shuffled)}
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    model.train()
    for _ in range(TRAINING):
        sources, labels = [], []
        for n in torch.randint(0, 16, (24,), generator=generator).tolist():
            picked = [words[i] for i in torch.randint(0, len(words), (n,), generator=generator)]
            translated = [other for word in reversed(picked) for other in dictionary[word]]
            sources.append(picked + [config.eos_token_id])
            labels.append(translated + [config.eos_token_id])
        longest = max(map(len, labels))
        labels = torch.tensor([l + [-100] * (longest - len(l)) for l in labels])
        loss = model(**pad(sources, config), labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


def build(name, seed):
    torch.manual_seed(seed)
    config = MarianConfig(**COMMON, **MODELS[name])
    config.bad_words_ids = [[config.pad_token_id]]
    model = MarianMTModel(config).eval()
    with torch.no_grad():
        for key, weight in model.named_parameters():
            if "layer_norm" in key or key.endswith("bias"):
                weight.add_(torch.randn_like(weight) * 0.1)
            elif "embed_positions" not in key:
                weight.copy_(torch.randn_like(weight) * weight.shape[1] ** -0.5)
    train(model, seed)
    with torch.no_grad():
        bias = torch.randn_like(model.final_logits_bias) * 0.3
        bias[0, config.pad_token_id] += 6.0  # suppressed, so it may well be large
        model.final_logits_bias.copy_(bias)
        if name == "big":
            model.half().float()  # the reference computes with what the f16 file holds
    # `generate` would take from here whatever equals its own default in the configuration that it is given.
    model.generation_config = GenerationConfig()
    generator = torch.Generator().manual_seed(seed + 1)
    eos = config.eos_token_id
    sources = [torch.randint(1, config.vocab_size - 1, (n - 1,), generator=generator).tolist() + [eos] for n in LENGTHS]
    targets = torch.randint(1, config.decoder_vocab_size - 1, (len(sources), STEPS), generator=generator)
    targets[:, 0] = config.decoder_start_token_id
    return model, sources, targets


def pad(sources, config):
    longest = max(map(len, sources))
    ids = torch.tensor([s + [config.pad_token_id] * (longest - len(s)) for s in sources])
    return dict(input_ids=ids, attention_mask=torch.tensor([[1] * len(s) + [0] * (longest - len(s)) for s in sources]))


def trim(row, config):
    """Without the start token, and without the padding after the end mark."""
    row = row.tolist()[1:]
    return row[: row.index(config.eos_token_id) + 1]


@torch.no_grad()
def generate(model, sources, settings):
    config = model.config
    n_best = settings["num_beams"]
    generation = GenerationConfig(
        pad_token_id=config.pad_token_id, eos_token_id=config.eos_token_id,
        decoder_start_token_id=config.decoder_start_token_id, forced_eos_token_id=config.forced_eos_token_id,
        bad_words_ids=config.bad_words_ids, num_return_sequences=n_best, **settings,
    )
    out = model.generate(
        **pad(sources, config), generation_config=generation, return_dict_in_generate=True, output_scores=True,
        output_logits=True,
    )
    scores = getattr(out, "sequences_scores", None)
    result = []
    for i in range(len(sources)):
        found = []
        for j in range(i * n_best, (i + 1) * n_best):
            # A slot that no hypothesis filled holds the start token and padding.
            if scores is not None and scores[j] < -1e8:
                continue
            found.append(dict(tokens=trim(out.sequences[j], config), score=None if scores is None else scores[j].item()))
        result.append(found)
    if n_best == 1:
        # The log-probabilities of the tokens, before anything is suppressed; 0 for a forced end.
        for i, found in enumerate(result):
            tokens = found[0]["tokens"]
            found[0]["log_probs"] = [
                0.0 if len(tokens) == settings["max_length"] - 1 and t == len(tokens) - 1
                else out.logits[t][i].log_softmax(-1)[token].item()
                for t, token in enumerate(tokens)
            ]
    return result


def is_telling(results):
    """Whether the outputs vary: many tokens, different lengths, and beam search finds others than greedy."""
    greedy = [found[0]["tokens"] for found in results["greedy"]]
    beam = [found[0]["tokens"] for found in results["beam"]]
    lengths = {len(tokens) for tokens in greedy}
    distinct = {token for tokens in greedy for token in tokens}
    differ = sum(a != b for a, b in zip(greedy, beam))
    others = ("beam_brief", "beam_lengthy", "beam_first")
    print(sorted(lengths), len(distinct), differ, [results["beam"] != results[other] for other in others], file=sys.stderr)
    return (
        len(lengths) >= 5
        and sum(len(tokens) == 25 for tokens in greedy) <= 2
        and len(distinct) >= 15
        and differ >= 3
        and sum(results["beam"] != results[other] for other in others) >= 2
    )


def tokens_of(results):
    return [[hypothesis["tokens"] for hypothesis in found] for found in results]


@torch.no_grad()
def is_steady(model, sources, results):
    kept = {key: value.clone() for key, value in model.state_dict().items()}
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        for key, value in model.state_dict().items():
            value.mul_(1 + 1e-5 * torch.randn(value.shape, generator=generator))
        disturbed = {key: generate(model, sources, settings) for key, settings in SETTINGS.items()}
        model.load_state_dict(kept)
        if any(tokens_of(disturbed[key]) != tokens_of(results[key]) for key in SETTINGS):
            return False
    return True


@torch.no_grad()
def write(name, folder, model, sources, targets, results, seed):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    config = model.config
    batch = pad(sources, config)
    states = model.model.encoder(**batch).last_hidden_state
    model.set_attn_implementation("eager")
    out = model(**batch, decoder_input_ids=targets, output_attentions=True)
    layer = config.decoder_layers - 2 if config.decoder_layers >= 4 else config.decoder_layers - 1
    # In all company a row is what it is alone.
    for i, source in enumerate(sources):
        alone = model(**pad([source], config), decoder_input_ids=targets[i : i + 1])
        assert (alone.logits[0] - out.logits[i]).abs().max() < 1e-4
    reference = dict(
        encoder_states=states, targets=targets, logits=out.logits,
        attention=out.cross_attentions[layer].mean(1),
    )
    save_file({key: value.contiguous() for key, value in reference.items()}, folder / "reference.safetensors")
    if name == "big":
        model.half()
    model.generation_config = GenerationConfig(
        pad_token_id=config.pad_token_id, eos_token_id=config.eos_token_id,
        decoder_start_token_id=config.decoder_start_token_id, forced_eos_token_id=config.forced_eos_token_id,
        bad_words_ids=config.bad_words_ids, num_beams=4, max_length=64,
    )
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    fields = json.loads((folder / "config.json").read_text())
    # `transformers` moves these to the generation configuration alone; published models have them in both.
    fields.update(MODELS[name], bad_words_ids=config.bad_words_ids, max_length=64, num_beams=4)
    if name == "separate":
        fields["vocab_size"] += MORE_ROWS
    (folder / "config.json").write_text(json.dumps(fields, indent=1, sort_keys=True) + "\n")
    # The published checkpoints hold the position tables as well; `save_pretrained` leaves them out, and so does this.
    state = {key: value for key, value in model.state_dict().items() if "embed_positions" not in key}
    tied = ["model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight"]
    once = {key: value for key, value in state.items() if not (config.share_encoder_decoder_embeddings and key in tied)}
    if name == "separate":
        source = once["model.encoder.embed_tokens.weight"]
        more = torch.full((MORE_ROWS, source.shape[1]), 9.0)
        once["model.encoder.embed_tokens.weight"] = torch.cat([source, more])
    save_file({key: value.contiguous() for key, value in once.items()}, folder / "model.safetensors", {"format": "pt"})
    if name == "base":
        torch.save(state, folder / "pytorch_model.bin")
    expected = dict(seed=seed, sources=sources, settings=SETTINGS, results=results)
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


def main():
    target = Path(sys.argv[1])
    for name in sys.argv[2:] or MODELS:
        for seed in range(100):
            model, sources, targets = build(name, seed)
            results = {key: generate(model, sources, settings) for key, settings in SETTINGS.items()}
            if is_telling(results) and is_steady(model, sources, results):
                break
        else:
            sys.exit(f"{name}: no seed gives telling outputs")
        write(name, target / name, model, sources, targets, results, seed)
        print(name, "seed", seed, "lengths", [len(found[0]["tokens"]) for found in results["greedy"]],
              [len(found[0]["tokens"]) for found in results["beam"]])


if __name__ == "__main__":
    main()
