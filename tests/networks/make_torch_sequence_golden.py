"""Writes `torch_sequence_golden.npz`: what PyTorch gives for convolutions and attention, and its gradients.

Run by hand, with PyTorch: `python tests/networks/make_torch_sequence_golden.py`. Parameters have the names
and the layout of ours, so that gradients come out in it; all else is PyTorch's, in float64. PyTorch gets real
frames only, but for one case of attention.
"""

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.func import functional_call

TIME = 9


def linear(name, out, size, bias=True):
    return {f"{name}.weight": (out, size)} | ({f"{name}.bias": (out,)} if bias else {})


def kernel(name, *sizes):
    return {f"{name}.kernel": sizes, f"{name}.bias": sizes[-1:]}


def conv1d(x, p, name, dilation=1, causal=True):
    """`(time, feature)` through a kernel `(width, in, out)`."""
    weight = p[f"{name}.kernel"].permute(2, 1, 0)
    x = x.T[None]
    if causal:
        x = F.pad(x, ((weight.shape[2] - 1) * dilation, 0))
    return F.conv1d(x, weight, p[f"{name}.bias"], dilation=dilation, padding=0 if causal else "same")[0].T


def affine(x, p, name):
    return F.linear(x, p[f"{name}.weight"], p.get(f"{name}.bias"))


def dilated(p, x):
    return conv1d(x, p, "convolution", dilation=3)


def centred(p, x):
    return conv1d(x, p, "convolution", dilation=2, causal=False)


def pooled(p, x):
    x = F.relu(conv1d(x, p, "convolutions.0.convolution", causal=False))
    x = F.max_pool1d(x.T[None], 2, ceil_mode=True)[0].T
    x = F.relu(conv1d(x, p, "convolutions.1.convolution", causal=False))
    return affine(x.mean(0), p, "linear")


def spectrogram(p, x):
    x = x[None, None]
    for index in range(2):
        weight = p[f"convolutions.{index}.kernel"].permute(3, 2, 0, 1)
        x = F.relu(F.conv2d(x, weight, p[f"convolutions.{index}.bias"], padding="same"))
        x = F.max_pool2d(x, 2, ceil_mode=True)
    return affine(x[0].mean(1).permute(1, 0).reshape(-1), p, "linear")


def wavenet(p, x):
    x, total = conv1d(x, p, "first.convolution"), 0.0
    for index in range(3):
        z = conv1d(x, p, f"blocks.{index}.gated.convolution", dilation=2**index)
        z = torch.tanh(z[:, :4]) * torch.sigmoid(z[:, 4:])
        x = x + affine(z, p, f"blocks.{index}.residual")
        total = total + affine(z, p, f"blocks.{index}.skip")
    return affine(F.relu(affine(F.relu(total), p, "hidden")), p, "linear")


def packed(p, prefix, torch_prefix=""):
    """Our four maps as the parameters of nn.MultiheadAttention."""
    return {
        f"{torch_prefix}in_proj_{kind}": torch.cat(
            [p[f"{prefix}{one}.{kind}"] for one in ("query", "key", "value")]
        )
        for kind in ("weight", "bias")
    } | {f"{torch_prefix}out_proj.{kind}": p[f"{prefix}output.{kind}"] for kind in ("weight", "bias")}


def attention(p, x, memory=None, *, causal=False, padded=0):
    """Self-attention, or attention to a memory whose last frames are masked."""
    memory = x if memory is None else memory
    mask = torch.arange(len(memory)) >= len(memory) - padded
    block = torch.triu(torch.ones(len(x), len(memory), dtype=torch.bool), 1) if causal else None
    module = nn.MultiheadAttention(8, 2, batch_first=True, dtype=torch.float64)
    arguments = (x[None], memory[None], memory[None])
    settings = {"key_padding_mask": mask[None], "attn_mask": block, "need_weights": False}
    return functional_call(module, packed(p, ""), arguments, settings)[0][0]


def encoder_layer(p, x, prefix="", *, norm_first, causal=False):
    module = nn.TransformerEncoderLayer(
        8, 2, 16, dropout=0.0, batch_first=True, norm_first=norm_first, dtype=torch.float64
    )
    names = {
        "first": "linear1",
        "second": "linear2",
        "attention_norm": "norm1",
        "perceptron_norm": "norm2",
    }
    parameters = packed(p, f"{prefix}attention.", "self_attn.") | {
        f"{theirs}.{kind}": p[f"{prefix}{ours}.{kind}"]
        for ours, theirs in names.items()
        for kind in ("weight", "bias")
    }
    block = torch.triu(torch.ones(len(x), len(x), dtype=torch.bool), 1) if causal else None
    return functional_call(module, parameters, (x[None],), {"src_mask": block})[0]


def transformer(p, x):
    """Linear map, positions written out, two layers, a last normalisation, the mean, linear map."""
    x = affine(x, p, "encoder.embed")
    places = [
        [(math.cos if entry % 2 else math.sin)(place / 10_000 ** (entry // 2 * 2 / 8)) for entry in range(8)]
        for place in range(len(x))
    ]
    x = x + torch.tensor(places, dtype=torch.float64)
    for index in range(2):
        x = encoder_layer(p, x, f"encoder.layers.{index}.", norm_first=True)
    x = F.layer_norm(x, (8,), p["encoder.norm.weight"], p["encoder.norm.bias"])
    return affine(x.mean(0), p, "linear")


def additive(p, x, query):
    scores = affine(torch.tanh(affine(query, p, "query") + affine(x, p, "memory")), p, "score")
    weights = torch.softmax(scores[:, 0], 0)
    return torch.cat([weights @ x, weights])


MAPS = {
    key: shape
    for one in ("query", "key", "value", "output")
    for key, shape in linear(f"attention.{one}", 8, 8).items()
}
NORMS = {
    f"{one}.{kind}": (8,) for one in ("attention_norm", "perceptron_norm") for kind in ("weight", "bias")
}
LAYER = MAPS | linear("first", 16, 8) | linear("second", 8, 16) | NORMS
HEADS = {key.removeprefix("attention."): shape for key, shape in MAPS.items()}
CASES = {
    "dilated": (dilated, kernel("convolution", 3, 3, 4), [(TIME, 3)], {}),
    "centred": (centred, kernel("convolution", 3, 3, 4), [(TIME, 3)], {}),
    "pooled": (
        pooled,
        kernel("convolutions.0.convolution", 3, 3, 5)
        | kernel("convolutions.1.convolution", 3, 5, 5)
        | linear("linear", 4, 5),
        [(TIME, 3)],
        {},
    ),
    "spectrogram": (
        spectrogram,
        kernel("convolutions.0", 3, 3, 1, 4) | kernel("convolutions.1", 3, 3, 4, 4) | linear("linear", 3, 8),
        [(TIME, 7)],
        {},
    ),
    "wavenet": (
        wavenet,
        {
            key: shape
            for index in range(3)
            for key, shape in (
                kernel(f"blocks.{index}.gated.convolution", 2, 4, 8)
                | linear(f"blocks.{index}.residual", 4, 4)
                | linear(f"blocks.{index}.skip", 5, 4)
            ).items()
        }
        | kernel("first.convolution", 2, 3, 4)
        | linear("hidden", 5, 5)
        | linear("linear", 2, 5),
        [(TIME, 3)],
        {},
    ),
    "attention": (attention, HEADS, [(TIME, 8)], {}),
    "causal": (attention, HEADS, [(TIME, 8)], {"causal": True}),
    "cross": (attention, HEADS, [(4, 8), (TIME, 8)], {"padded": 3}),
    "post": (encoder_layer, LAYER, [(TIME, 8)], {"norm_first": False}),
    "pre": (encoder_layer, LAYER, [(TIME, 8)], {"norm_first": True, "causal": True}),
    "transformer": (
        transformer,
        {f"encoder.layers.{index}.{key}": shape for index in range(2) for key, shape in LAYER.items()}
        | linear("encoder.embed", 8, 3)
        | {"encoder.norm.weight": (8,), "encoder.norm.bias": (8,)}
        | linear("linear", 4, 8),
        [(TIME, 3)],
        {},
    ),
    "additive": (
        additive,
        linear("query", 6, 5) | linear("memory", 6, 3, bias=False) | linear("score", 1, 6, bias=False),
        [(TIME, 3), (5,)],
        {},
    ),
}


def main() -> None:
    arrays = {"torch": np.array(torch.__version__)}
    for number, (name, (function, shapes, inputs, settings)) in enumerate(CASES.items()):
        rng = np.random.default_rng(number)

        def tensor(shape, scale, rng=rng):
            # In float32 first, so that both start from the same numbers.
            drawn = rng.normal(scale=scale, size=shape).astype(np.float32).astype(np.float64)
            return torch.tensor(drawn, requires_grad=True)

        p = {key: tensor(shape, 0.5) for key, shape in shapes.items()}
        given = [tensor(shape, 1.0) for shape in inputs]
        out = function(p, *given, **settings)
        weights = tensor(tuple(out.shape), 1.0)
        (out * weights.detach()).sum().backward()
        arrays |= {f"{name}/out": out.detach().numpy(), f"{name}/weights": weights.detach().numpy()}
        for index, one in enumerate(given):
            arrays |= {f"{name}/in/{index}": one.detach().numpy(), f"{name}/din/{index}": one.grad.numpy()}
        for key, one in p.items():
            gradient = (
                torch.zeros_like(one) if one.grad is None else one.grad
            )  # the last residual is not used
            arrays |= {f"{name}/p/{key}": one.detach().numpy(), f"{name}/dp/{key}": gradient.numpy()}
    arrays = {key: a.astype(np.float32) if a.dtype == np.float64 else a for key, a in arrays.items()}
    np.savez_compressed(Path(__file__).with_name("torch_sequence_golden.npz"), **arrays)


if __name__ == "__main__":
    main()
