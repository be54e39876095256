#!/usr/bin/env python3
"""Numbers of Hugging Face's libraries for the tests of policy/: tests/golden/policy/.

    python3 -m venv DIR && DIR/bin/pip install -r scripts/golden-requirements.txt
    DIR/bin/python scripts/make_policy_golden.py                       makes tests/golden/policy anew
    DIR/bin/python scripts/make_policy_golden.py --out DIR --seed N    other weights, into another folder
    DIR/bin/python scripts/make_policy_golden.py --check DIR           transformers must load the folder that entrain wrote and agree with the
                                                                       log-probs in its logprobs.jsonl, made by `entrain logprobs`

`scripts/test --slow` does all three.

Makes two tiny Qwen2 folders with random weights (tied and untied), a byte-level BPE tokenizer (Qwen2's pattern) and a character-level one, and what the
libraries say of them: token ids, decoded texts, log-prob, entropy, S and N of given completions, greedy continuations with the gap between the two largest logits.
"""
import argparse
import json
import pathlib
import shutil
import sys

STORED = pathlib.Path(__file__).resolve().parents[1] / "tests" / "golden" / "policy"
QWEN2_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")

TRAINING_TEXT = """The quick brown fox jumps over the lazy dog. She sells 12 apples for $3.50 each, and he'll buy 7 more tomorrow.
How many eggs are left? There are 24 - 9 = 15 eggs. Die Würde des Menschen ist unantastbar; l'été est arrivé. Где мой ключ? 東京は夜の七時。
We've seen that it's easy; they're sure. I'd say 100% of 1,000 is 1000. for (int i = 0; i < n; ++i) { sum += a[i]; }
"""

TEXTS = [
    "", "a", " ", "Hello, world!", "the quick brown fox", "  two  spaces   and\ttabs\n", "line one\r\nline two\n\n\nline five", "I'll we've IT'S don't",
    "3.14159 and 1,234,567 or 50%", "naïve café résumé", "e\u0301 combining and é composed", "東京は夜の七時。", "Привет, мир", "🙂 and 👩‍👩‍👧‍👦 family",
    "a\u200bzero\u00a0width", "<|endoftext|>", "before<|endoftext|>after <|im_start|>user", "x" * 200, "if (a<b && c>d) { return; }", "\x00\x01control\x7f",
    "trailing space ", "ſ long s and K kelvin's", "١٢٣ arabic digits ½ ⅷ", "a\n \n b", "'S 'LL 'x",
]


def train_bpe():
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers, Regex
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2_PATTERN), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator([TRAINING_TEXT] * 4, trainer)
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", normalized=False, special=True)])
    tokenizer.add_tokens([AddedToken("<|im_start|>", normalized=False, special=False)])
    return tokenizer


def tokenizer_rows(tokenizer, texts):
    rows = []
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        rows.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=True)})
    return rows


def partial_rows(tokenizer):
    """Decodings of cut multi-byte characters: what a completion that stops in the middle looks like."""
    rows = []
    for text in ("東京", "🙂🙂", "é", "Würde"):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        for cut in range(1, len(ids)):
            for part in (ids[:cut], ids[cut:]):
                rows.append({"ids": part, "decoded": tokenizer.decode(part, skip_special_tokens=True)})
    return rows


def make_model(folder, vocab_size, tied, seed):
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM
    torch.manual_seed(seed)
    config = Qwen2Config(vocab_size=vocab_size, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                         max_position_embeddings=64, rope_theta=10000.0, tie_word_embeddings=tied, rms_norm_eps=1e-6, eos_token_id=1, pad_token_id=0)
    model = Qwen2ForCausalLM(config).eval()
    with torch.no_grad():  # larger than the default, so that distributions are far from uniform; biases and norms that matter
        for parameter_name, parameter in model.named_parameters():
            parameter.copy_(torch.randn_like(parameter) * (0.3 if parameter.dim() > 1 else 0.2) + (1.0 if "norm" in parameter_name else 0.0))
    model.save_pretrained(folder, safe_serialization=True)
    return model


def score(model, prompt, completion):
    """Log-prob, H, S and N in float64 from the model's float32 logits."""
    import torch
    with torch.no_grad():
        logits = model(torch.tensor([prompt + completion])).logits[0].double()
    rows = logits[len(prompt) - 1:len(prompt) + len(completion) - 1]
    logp = torch.log_softmax(rows, -1)
    p = logp.exp()
    entropy = -(p * logp).sum(-1)
    chosen = logp[torch.arange(len(completion)), torch.tensor(completion)]
    s = chosen.exp() * (chosen + entropy)
    n = (p * p * (logp + entropy[:, None])).sum(-1)
    return {"logprobs": chosen.tolist(), "entropy": entropy.tolist(), "s": s.tolist(), "n": n.tolist()}


def greedy(model, prompt, steps):
    """Tokens one by one with the whole context each time, and the gap between the two largest logits."""
    import torch
    tokens, gaps = [], []
    for _ in range(steps):
        with torch.no_grad():
            logits = model(torch.tensor([prompt + tokens])).logits[0, -1].double()
        top = torch.topk(logits, 2)
        tokens.append(int(top.indices[0]))
        gaps.append(float(top.values[0] - top.values[1]))
    return {"prompt_ids": prompt, "ids": tokens, "gaps": gaps}


def model_rows(model, vocab_size):
    import random
    draw = random.Random(7)
    rows = []
    for prompt_length, completion_length in ((1, 1), (1, 7), (5, 3), (17, 20), (40, 20)):
        prompt = [draw.randrange(vocab_size) for _ in range(prompt_length)]
        completion = [draw.randrange(vocab_size) for _ in range(completion_length)]
        rows.append({"prompt_ids": prompt, "completion_ids": completion, **score(model, prompt, completion)})
    return {"scores": rows, "greedy": [greedy(model, row["prompt_ids"][:4], 12) for row in rows]}


def make(out, seed):
    import tokenizers
    import torch
    import transformers
    torch.set_num_threads(1)
    bpe = train_bpe()
    (out / "bpe").mkdir(parents=True, exist_ok=True)
    bpe.save(str(out / "bpe" / "tokenizer.json"))
    if out != STORED:  # chars/tokenizer.json is written by entrain and read by the library
        shutil.copytree(STORED / "chars", out / "chars", dirs_exist_ok=True)
    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "tokenizers": tokenizers.__version__}
    result = {"versions": versions, "bpe": tokenizer_rows(bpe, TEXTS), "bpe_partial": partial_rows(bpe)}
    chars = tokenizers.Tokenizer.from_file(str(out / "chars" / "tokenizer.json"))
    result["chars"] = tokenizer_rows(chars, ["137:45+92", "1", "0+0:", ""])
    for name, tied in (("tied", True), ("untied", False)):
        result[name] = model_rows(make_model(out / name, 40, tied, seed + (0 if tied else 1)), 40)
    (out / "golden.json").write_text(json.dumps(result, ensure_ascii=True) + "\n")
    print(f"{out}: {versions}")


def check(folder):
    from transformers import AutoModelForCausalLM
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
    rows = [json.loads(line) for line in (folder / "logprobs.jsonl").read_text().splitlines()]
    worst = 0.0
    for row in rows:
        expected = score(model, row["prompt_ids"], row["completion_ids"])
        worst = max(worst, *(abs(a - b) for a, b in zip(row["logprobs"], expected["logprobs"], strict=True)))
    print(f"{len(rows)} completions, largest difference of a log-prob: {worst:.2e}")
    return 0 if rows and worst < 2e-5 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=STORED, help="folder to write (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the random weights; the stored numbers are of 1")
    parser.add_argument("--check", type=pathlib.Path, metavar="DIR", help="compare this folder instead")
    arguments = parser.parse_args()
    if arguments.check:
        sys.exit(check(arguments.check))
    make(arguments.out, arguments.seed)


if __name__ == "__main__":
    main()
