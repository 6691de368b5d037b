"""Make a tiny model with random weights: `tiny.py DIRECTORY SEED`. It speaks in random words and letters."""

import json
import sys
from pathlib import Path

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm.models import llama
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

WORDS = "rain river stone cloud tree bird night salt lamp moon road field glass iron paper winter bread horse"


def main(directory: Path, seed: int) -> None:
    directory.mkdir(parents=True)
    letters = [chr(number) for number in range(33, 127)]
    known = {word: number for number, word in enumerate(["<|end|>", "<unk>", *WORDS.split(), *letters])}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split("", "isolated")]
    )
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.save(str(directory / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|end|>",
        "chat_template": "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:",
    }
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))
    shape = {
        "model_type": "llama",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "intermediate_size": 128,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "rms_norm_eps": 1e-5,
        "vocab_size": len(known),
        "max_position_embeddings": 512,
        "tie_word_embeddings": False,
        "eos_token_id": 0,
    }
    (directory / "config.json").write_text(json.dumps(shape))
    mx.random.seed(seed)
    model = llama.Model(llama.ModelArgs.from_dict(shape))
    mx.save_safetensors(str(directory / "model.safetensors"), dict(tree_flatten(model.parameters())))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
