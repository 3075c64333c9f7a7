"""What a model is, by the names that people know."""

from __future__ import annotations

from typing import Any

from . import _native

__all__ = ["model_info"]


def model_info(engine: _native.Engine) -> dict[str, Any]:
    """Sizes and constants of a model; None for what its family does not have."""
    facts = engine.facts()
    sizes, constants = facts["sizes"], facts["constants"]
    layers: list[tuple[str, str]] = facts["layers"]
    # "blocks.3.mlstm", "blocks.3.ffn"
    parts = [name.rpartition(".")[2] for name, _ in layers if name.startswith("blocks.")]
    blocks = [part for part in parts if part != "ffn"]
    heads = sizes.get("NH")
    return {
        "name": facts["name"],
        "family": facts["family"],
        "num_blocks": sizes.get("L"),
        "embedding_dim": sizes.get("D"),
        "num_heads": heads or sizes.get("SNH"),  # a stack of sLSTM blocks alone has SNH
        "vocab_size": facts["V"],
        "qk_dim": heads * sizes["DHQK"] if heads and "DHQK" in sizes else None,
        "v_dim": heads * sizes["DHV"] if heads and "DHV" in sizes else None,
        "ffn_dim": sizes.get("F"),
        "chunk_size": constants.get("chunk_size"),
        "gate_soft_cap": constants.get("gate_soft_cap"),
        "output_logit_soft_cap": constants.get("output_logit_soft_cap"),
        "total_blocks": len(blocks),
        "block_types": blocks,
        "has_embedding": any(kind == "embedding" for _, kind in layers),
        "has_out_norm": any(name in ("out_norm", "post_norm") for name, _ in layers),
        "has_lm_head": any(kind == "lm_head" for _, kind in layers),
        "pad_token_id": facts["pad_id"],
        "bos_token_id": engine.bos_id,
        "eos_token_id": next(iter(engine.end_ids), None),
        "parameters": facts["parameters"],
        "dtype": facts["dtype"],
        "device": facts["device"],
        "weight_bytes": facts["weight_bytes"],
        "state_bytes": facts["state_bytes"],
    }
