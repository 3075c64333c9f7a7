"""Reads a converted model with Python's mlx.core: check_with_mlx.py ORIGINAL CONVERTED

Every quantised tensor, dequantised by mlx.core, must be near the original one (and say how near);
all others equal.
"""

import json
import pathlib
import sys

import mlx.core as mx


def load(folder):
    tensors = {}
    for file in sorted(pathlib.Path(folder).glob("model*.safetensors")):
        tensors |= mx.load(str(file))
    return tensors


def dequantised(tensors, name, config):
    path = name.removesuffix(".weight")
    layer = config.get(path, config)
    scales, biases = tensors[path + ".scales"], tensors.get(path + ".biases")
    if biases is not None:
        scales, biases = scales.astype(mx.float32), biases.astype(mx.float32)
    return mx.dequantize(
        tensors[name], scales, biases, group_size=layer["group_size"], bits=layer["bits"],
        mode=layer["mode"], dtype=mx.float32,
    )


def main():
    mx.set_default_device(mx.cpu)
    before, after = load(sys.argv[1]), load(sys.argv[2])
    config = json.loads((pathlib.Path(sys.argv[2]) / "config.json").read_text())["quantization"]
    worst, count = 0.0, 0
    for name, wanted in before.items():
        wanted = wanted.astype(mx.float32)
        if name.removesuffix(".weight") + ".scales" not in after:
            assert mx.array_equal(wanted, after[name].astype(mx.float32)), name
            continue
        got = dequantised(after, name, config)
        error = (mx.linalg.norm(got - wanted) / mx.linalg.norm(wanted)).item()
        worst, count = max(worst, error), count + 1
    # A step of b bits over a group's range of some 5 deviations, over sqrt(12), with room.
    bound = 8 / 2 ** config["bits"]
    print(f"{count} quantised tensors, worst relative error {worst:.4f}, bound {bound:.4f}")
    assert count > 0 and worst < bound


main()
