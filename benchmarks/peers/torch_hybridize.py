"""The models of benchmarks/hybridize.py in PyTorch; reads sizes from standard input, writes times as JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time

import torch

TIME, BATCH, HIDDEN, WIDTH, RATE = 50, 16, 64, 128, 0.01


def rows(*shape, grad=False):
    return (torch.randn(*shape) / shape[-1] ** 0.5).requires_grad_(grad)


def measured(loss, params, data, rounds):
    """Median milliseconds of a step of gradient descent."""

    def step(*given):
        value = loss(*given)
        grads = torch.autograd.grad(value, params, allow_unused=True)
        with torch.no_grad():
            for p, g in zip(params, grads, strict=True):
                if g is not None:
                    p -= RATE * g

    taken = []
    for r in range(rounds + 1):
        for given in data:
            start = time.perf_counter()
            step(*given)
            if r:
                taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)


def lstm(rounds):
    module = torch.nn.LSTM(HIDDEN, HIDDEN)
    data = [(rows(TIME, BATCH, HIDDEN),)]

    def loss(frames):
        h = module(frames)[0][-1]
        return (h * h).mean()

    return {"torch_eager_ms": measured(loss, list(module.parameters()), data, rounds * 4)}


def dynamic_rnn(rounds):
    w, u = rows(HIDDEN, HIDDEN, grad=True), rows(HIDDEN, HIDDEN, grad=True)

    def loss(frames):
        h = torch.zeros(HIDDEN)
        for x in frames:
            if x.sum() > 0:
                h = torch.tanh(w @ x + u @ h)
        return (h * h).mean()

    return {"torch_eager_ms": measured(loss, [w, u], [(rows(TIME, HIDDEN),)], rounds * 4)}


def trees(shapes, rounds, leaf, cell, params):
    words = [rows(WIDTH) for _ in range(100)]

    def encode(node):
        if isinstance(node, int):
            return leaf(words[node])
        return cell(encode(node[0]), encode(node[1]))

    def loss(tree):
        return (encode(tree)[0] ** 2).mean()

    return {"torch_eager_ms": measured(loss, params, [(t,) for t in shapes], rounds)}


def tree_lstm(shapes, rounds):
    w, u = rows(3 * WIDTH, WIDTH, grad=True), rows(5 * WIDTH, 2 * WIDTH, grad=True)
    b = torch.zeros(5 * WIDTH, requires_grad=True)

    def leaf(word):
        i, o, g = (w @ word).chunk(3)
        c = i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    def cell(left, right):
        i, f, k, o, g = (u @ torch.cat([left[0], right[0]]) + b).chunk(5)
        c = i.sigmoid() * g.tanh() + f.sigmoid() * left[1] + k.sigmoid() * right[1]
        return o.sigmoid() * c.tanh(), c

    return trees(shapes, rounds, leaf, cell, [w, u, b])


def tree_rnn(shapes, rounds):
    u, b = rows(WIDTH, 2 * WIDTH, grad=True), torch.zeros(WIDTH, requires_grad=True)
    return trees(
        shapes, rounds, lambda w: (w,), lambda a, c: (torch.tanh(u @ torch.cat([a[0], c[0]]) + b),), [u, b]
    )


def main():
    asked = json.loads(sys.stdin.read())
    torch.manual_seed(asked["seed"])
    torch.set_num_threads(1)
    shapes, rounds = asked["trees"], asked["rounds"]
    found = {
        "tree_lstm": tree_lstm(shapes, rounds),
        "tree_rnn": tree_rnn(shapes, rounds),
        "lstm": lstm(rounds),
        "dynamic_rnn": dynamic_rnn(rounds),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
