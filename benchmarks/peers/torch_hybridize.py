"""The models of benchmarks/hybridize.py in PyTorch, eager and compiled; asked by JSON, answers in JSON.

`torch.compile` runs in a process of its own, which is stopped after `cap` seconds; what it raised, or that it
was stopped, stands in the place of its time.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import sys
import tempfile
import time
from multiprocessing import get_context

import _hybridize_data as data
import torch
from _hybridize_data import BATCH, HIDDEN, LIMIT, RATE
from torch.nn.functional import conv2d, cross_entropy, leaky_relu, log_softmax, max_pool2d, relu, softplus


def tensors(found):
    """Parameters that want a gradient, and data."""
    params, calls = found
    wanted = {k: torch.tensor(v, requires_grad=True) for k, v in params.items()}
    return wanted, [tuple(torch.tensor(a) for a in given) for given in calls]


def descend(params, grads):
    """New values of the parameters, as the step of the other side gives them."""
    with torch.no_grad():
        return [p if g is None else p - RATE * g for p, g in zip(params, grads, strict=True)]


def trained(loss, params):
    """A training step."""
    leaves = list(params.values())

    def step(*given):
        value = loss(params, *given)
        return value, descend(leaves, torch.autograd.grad(value, leaves, allow_unused=True))

    return step


def lenet(seed, wrap):
    params, calls = tensors(data.lenet(seed))

    def loss(params, images, labels):
        x = images
        for name in ("conv1", "conv2"):
            x = max_pool2d(relu(conv2d(x, params[name])), 2)
        x = x.reshape(len(x), -1)
        x = relu(x @ params["dense1"])
        x = relu(x @ params["dense2"])
        return cross_entropy(x @ params["dense3"], labels.long())

    return trained(wrap(loss), params), calls


def lstm(seed, wrap):
    params, calls = tensors(data.lstm(seed))

    def loss(params, frames):
        h = c = torch.zeros(BATCH, HIDDEN)
        for x in frames:
            i, f, g, o = (x @ params["w"].T + h @ params["u"].T + params["b"]).chunk(4, dim=1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        return (h * h).mean()

    return trained(wrap(loss), params), calls


def nn_lstm(seed, wrap):
    params, calls = tensors(data.lstm(seed))
    module = torch.nn.LSTM(HIDDEN, HIDDEN)
    with torch.no_grad():
        module.weight_ih_l0.copy_(params["w"])
        module.weight_hh_l0.copy_(params["u"])
        module.bias_ih_l0.zero_()
        module.bias_hh_l0.zero_()

    def loss(params, frames):
        h = module(frames)[0][-1]
        return (h * h).mean()

    return trained(wrap(loss), dict(module.named_parameters())), calls


def dynamic_rnn(seed, wrap):
    params, calls = tensors(data.dynamic_rnn(seed))

    def loss(params, frames):
        h = torch.zeros(HIDDEN)
        for x in frames:
            if x.sum() > 0:
                h = torch.tanh(params["w"] @ x + params["u"] @ h)
        return (h * h).mean()

    return trained(wrap(loss), params), calls


def fallen(state):
    return (state[0].abs() > 2.4) | (state[2].abs() > 0.2094)


def pushed(state, right):
    x, v, angle, turn = state
    force = torch.where(right, 10.0, -10.0)
    sine, cosine = angle.sin(), angle.cos()
    push = (force + 0.05 * turn**2 * sine) / 1.1
    bend = (9.8 * sine - cosine * push) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
    pull = push - 0.05 * bend * cosine / 1.1
    return torch.stack([x + 0.02 * v, v + 0.02 * pull, angle + 0.02 * turn, turn + 0.02 * bend])


def policy(seed, wrap):
    params, calls = tensors(data.policy(seed))

    def loss(params, noise):
        state, total, steps = torch.zeros(4), torch.zeros(()), 0
        for t in range(LIMIT):
            score = log_softmax(torch.tanh(state @ params["w"] + params["b"]) @ params["v"], 0)
            right = noise[t] < score[1].exp()
            total = total + torch.where(right, score[1], score[0])
            state = pushed(state, right)
            steps = steps + 1
            if fallen(state):
                break
        return -total * steps / LIMIT

    return trained(wrap(loss), params), calls


def gan(seed, wrap):
    found, calls = data.gan(seed)
    generator, calls = tensors((found["generator"], calls))
    critic, _ = tensors((found["critic"], []))

    def generated(params, noise):
        return torch.tanh(relu(noise @ params["w"]) @ params["v"] + params["b"])

    def judged(params, pictures):
        return leaky_relu(pictures @ params["w"]) @ params["v"] + params["b"]

    def critic_loss(params, real, fake):
        return (softplus(-judged(params, real)) + softplus(judged(params, fake))).mean()

    def generator_loss(params, critic, noise):
        return softplus(-judged(critic, generated(params, noise))).mean()

    lost_of, won_of = wrap(critic_loss), wrap(generator_loss)

    def step(real, noise):
        with torch.no_grad():
            fake = generated(generator, noise)
        now, leaves = critic, list(critic.values())
        lost = lost_of(now, real, fake)
        grads = torch.autograd.grad(lost, leaves)
        if lost > 0.5:
            now = dict(zip(critic, descend(leaves, grads), strict=True))
        won = won_of(generator, now, noise)
        leaves = list(generator.values())
        return lost + won, descend(leaves, torch.autograd.grad(won, leaves))

    return step, calls


def over_trees(seed, wrap, found, leaf, cell):
    params, ((words,),) = tensors(found)
    vectors = list(words)

    def encode(params, node):
        if isinstance(node, int):
            return leaf(params, vectors[node])
        return cell(params, encode(params, node[0]), encode(params, node[1]))

    def loss(params, node):
        return (encode(params, node)[0] ** 2).mean()

    return trained(wrap(loss), params), [(tree,) for tree in data.shapes_of_trees(seed)]


def tree_lstm(seed, wrap):
    def leaf(params, word):
        i, o, g = (params["w"] @ word).chunk(3)
        c = i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    def cell(params, left, right):
        i, f, k, o, g = (params["u"] @ torch.cat([left[0], right[0]]) + params["b"]).chunk(5)
        c = i.sigmoid() * g.tanh() + f.sigmoid() * left[1] + k.sigmoid() * right[1]
        return o.sigmoid() * c.tanh(), c

    return over_trees(seed, wrap, data.tree_lstm(seed), leaf, cell)


def tree_rnn(seed, wrap):
    def cell(params, left, right):
        return (torch.tanh(params["u"] @ torch.cat([left[0], right[0]]) + params["b"]),)

    return over_trees(seed, wrap, data.tree_rnn(seed), lambda params, word: (word,), cell)


MODELS = {
    "lenet": lenet,
    "lstm": lstm,
    "dynamic_rnn": dynamic_rnn,
    "policy_gradient": policy,
    "gan": gan,
    "tree_lstm": tree_lstm,
    "tree_rnn": tree_rnn,
}


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def measured(step, calls, asked):
    """Milliseconds of a step: medians for each call, averaged; and the loss of each call."""
    losses = [float(step(*given)[0].detach()) for given in calls]
    clock = CLOCKS[asked["clock"]]
    taken = [[] for _ in calls]
    for _ in range(asked["rounds"]):
        for times, given in zip(taken, calls, strict=True):
            start = clock()
            step(*given)
            times.append(1000 * (clock() - start))
    return statistics.fmean(map(statistics.median, taken)), losses


def compile_apart(pipe, name, asked):
    """In a process of its own: the time of the compiled step."""
    os.setsid()
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    try:
        start = time.perf_counter()
        step, calls = MODELS[name](asked["seed"], torch.compile)
        for given in calls:
            step(*given)
        ready = time.perf_counter() - start
        pipe.send({"torch_compile_ms": measured(step, calls, asked)[0], "torch_compile_s": ready})
    except Exception as error:
        pipe.send({"torch_compile_ms": f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"})


def compiled(name, asked):
    """The time of the compiled step, or why there is none."""
    context = get_context("fork")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
        child = context.Process(target=compile_apart, args=(theirs, name, asked))
        child.start()
        theirs.close()
        found = {"torch_compile_ms": f"not ready after {asked['cap']} s"}
        try:
            if ours.poll(asked["cap"]):
                found = ours.recv()
        except EOFError:
            found = {"torch_compile_ms": "the process died"}
        if child.is_alive():
            os.killpg(child.pid, signal.SIGKILL)
        child.join()
    return found


def main():
    asked = json.loads(sys.stdin.read())
    torch.set_num_threads(1)
    found = {}
    for name in asked["names"]:
        step, calls = MODELS[name](asked["seed"], lambda loss: loss)
        eager, losses = measured(step, calls, asked)
        found[name] = {"torch_eager_ms": eager, "losses": losses}
        if name == "lstm":
            own, same = measured(*nn_lstm(asked["seed"], lambda loss: loss), asked)
            assert abs(same[0] - losses[0]) < 1e-4
            found[name]["torch_nn_lstm_ms"] = own
        found[name] |= compiled(name, asked)
        print(name, {k: v for k, v in found[name].items() if k != "losses"}, file=sys.stderr)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
