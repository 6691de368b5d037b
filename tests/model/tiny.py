"""Make a tiny llama with random weights, which speaks in random words and letters.

`tiny.py DIRECTORY SEED` makes what transformers and MLX load, `tiny.py FILE.gguf SEED` what llama.cpp does.
"""

import json
import sys
from pathlib import Path

import numpy as np

WORDS = "rain river stone cloud tree bird night salt lamp moon road field glass iron paper winter bread horse"
CHAT = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
HIDDEN, INNER, LAYERS, HEADS, CONTEXT = 64, 128, 2, 4, 2048


def weights(seed: int, tokens: int, name: dict[str, str]) -> dict[str, np.ndarray]:
    """The tensors, by the names that a format has for them."""
    numbers = np.random.default_rng(seed)
    shapes = {name["embedding"]: (tokens, HIDDEN), name["head"]: (tokens, HIDDEN), name["norm"]: (HIDDEN,)}
    for layer in range(LAYERS):
        parts = dict.fromkeys(("q", "k", "v", "o"), (HIDDEN, HIDDEN))
        parts |= {"gate": (INNER, HIDDEN), "up": (INNER, HIDDEN), "down": (HIDDEN, INNER)}
        parts |= dict.fromkeys(("before", "after"), (HIDDEN,))
        shapes |= {name[part].format(layer): shape for part, shape in parts.items()}
    return {
        key: np.ones(shape, np.float32)
        if len(shape) == 1
        else numbers.normal(0, 0.2, shape).astype(np.float32)
        for key, shape in shapes.items()
    }


def make_directory(directory: Path, seed: int) -> None:
    """A model as Hugging Face lays it out."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    directory.mkdir(parents=True)
    letters = [chr(number) for number in range(33, 127)]
    known = {word: number for number, word in enumerate(["<|end|>", "<unk>", *WORDS.split(), *letters])}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split("", "isolated")]
    )
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.save(str(directory / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>", "chat_template": CHAT}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))
    shape = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "intermediate_size": INNER,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "rms_norm_eps": 1e-5,
        "vocab_size": len(known),
        "max_position_embeddings": CONTEXT,
        "tie_word_embeddings": False,
        "bos_token_id": 0,
        "eos_token_id": 0,
    }
    (directory / "config.json").write_text(json.dumps(shape))
    attention = {part: f"model.layers.{{}}.self_attn.{part}_proj.weight" for part in ("q", "k", "v", "o")}
    mlp = {part: f"model.layers.{{}}.mlp.{part}_proj.weight" for part in ("gate", "up", "down")}
    name = {"embedding": "model.embed_tokens.weight", "head": "lm_head.weight", "norm": "model.norm.weight"}
    name |= attention | mlp
    name["before"] = "model.layers.{}.input_layernorm.weight"
    name["after"] = "model.layers.{}.post_attention_layernorm.weight"
    save_file(weights(seed, len(known), name), directory / "model.safetensors", metadata={"format": "pt"})


def make_gguf(file: Path, seed: int) -> None:
    """A model as llama.cpp has it: words, and bytes for the rest."""
    from gguf import GGUFWriter, TokenType

    words = [f"\u2581{word}" for word in WORDS.split()]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, *[TokenType.BYTE] * 256]
    out = GGUFWriter(file, "llama")
    out.add_context_length(CONTEXT)
    out.add_embedding_length(HIDDEN)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(INNER)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(HIDDEN // HEADS)
    out.add_tokenizer_model("llama")
    out.add_token_list(tokens)
    out.add_token_scores([0.0] * 259 + [-float(place) for place in range(len(words))])
    out.add_token_types([*kinds, *[TokenType.NORMAL] * len(words)])
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_unk_token_id(0)
    out.add_chat_template(CHAT)
    parts = {"q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "before": "attn_norm"}
    parts |= {"gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down", "after": "ffn_norm"}
    name = {part: f"blk.{{}}.{own}.weight" for part, own in parts.items()}
    name |= {"embedding": "token_embd.weight", "head": "output.weight", "norm": "output_norm.weight"}
    for key, tensor in weights(seed, len(tokens), name).items():
        out.add_tensor(key, tensor)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    (make_gguf if place.suffix == ".gguf" else make_directory)(place, int(sys.argv[2]))
