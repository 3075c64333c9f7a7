"""Makes tests/data/quantized/cases.safetensors: small matrices that Python's mlx.core quantised and
dequantised, in every format that we read.

    python -m venv v && v/bin/pip install 'mlx[cpu]==0.32.4' && v/bin/python make_quantized_cases.py

For each format "<mode>-<bits>-<group>-<type of the scales>" there are
    .words [N, K * bits / 32], .scales and .biases [N, K / group], .values [N, K] in the scales'
    type (mxfp4: float32).
"""

import pathlib

import mlx.core as mx

N, K = 3, 256
TYPES = {"f32": mx.float32, "bf16": mx.bfloat16, "f16": mx.float16}


def matrix(dtype):
    w = mx.random.normal((N, K)) * 0.05
    w[1, 32:64] = 0.0  # a group of zeros
    w[1, 100] = 3.0  # and one with an outlier
    w[2] = mx.abs(w[2]) + 0.5  # a row of one sign
    return w.astype(dtype)


def main():
    mx.set_default_device(mx.cpu)
    mx.random.seed(4)
    cases = {}
    for name, dtype in TYPES.items():
        for bits in (2, 3, 4, 5, 6, 8):
            for group in (32, 64, 128):
                words, scales, biases = mx.quantize(matrix(dtype), group_size=group, bits=bits)
                case = f"affine-{bits}-{group}-{name}"
                cases[case + ".words"] = words
                cases[case + ".scales"] = scales
                cases[case + ".biases"] = biases
                cases[case + ".values"] = mx.dequantize(
                    words, scales, biases, group_size=group, bits=bits
                )
    wide = mx.array([[1e-30], [1.0], [1e20]])  # exponents from one end to the other
    words, scales = mx.quantize(matrix(mx.float32) * wide, group_size=32, bits=4, mode="mxfp4")
    values = mx.dequantize(words, scales, group_size=32, bits=4, mode="mxfp4", dtype=mx.float32)
    cases |= {"mxfp4-4-32-u8.words": words, "mxfp4-4-32-u8.scales": scales}
    cases |= {"mxfp4-4-32-u8.values": values}
    data = pathlib.Path(__file__).resolve().parent.parent / "data" / "quantized"
    mx.save_safetensors(str(data / "cases.safetensors"), cases)


if __name__ == "__main__":
    main()
