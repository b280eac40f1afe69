"""Networks over trees as plain recursion over one tree, written after the papers' equations, node by node."""

import numpy as np


def sigmoid(xp, a):
    return 1 / (1 + xp.exp(-a))


def value_of(xp, tree, size):
    return xp.zeros(size, np.float32) if tree.value is None else xp.asarray(tree.value, np.float32)


def rnn(xp, network, tree):
    """The states of all nodes, children first; the root is last."""
    w, u, b = network["weight_ih"], network["weight_hh"], network["bias"]
    below = [rnn(xp, network, child) for child in tree.children]
    a = w @ value_of(xp, tree, w.shape[1]) + b
    for k, states in enumerate(below):
        if network["arity"] is None:
            a = a + u @ states[-1]
        else:
            m = len(b)
            a = a + u[:, k * m : (k + 1) * m] @ states[-1]
    return [s for states in below for s in states] + [xp.tanh(a)]


def lstm(xp, network, tree):
    """The pairs (h, c) of all nodes, children first (Tai et al. 2015, equations 2-8 and 9-14)."""
    m = len(network["bias"]) // 4
    below = [lstm(xp, network, child) for child in tree.children]
    x = value_of(xp, tree, network["weight_ih"].shape[1])
    w = {g: network["weight_ih"][i * m : (i + 1) * m] @ x for i, g in enumerate("ifou")}
    b = {g: network["bias"][i * m : (i + 1) * m] for i, g in enumerate("ifou")}
    u = {g: network["weight_hh"][i * m : (i + 1) * m] for i, g in enumerate("iou")}
    uf = network["weight_f"]
    h = [states[-1][0] for states in below]
    c = [states[-1][1] for states in below]
    if network["arity"] is None:
        total = xp.zeros(m, np.float32)
        for one in h:
            total = total + one
        gate = {g: w[g] + u[g] @ total + b[g] for g in "iou"}
        forget = [sigmoid(xp, w["f"] + uf @ one + b["f"]) for one in h]
    else:
        gate = {g: w[g] + b[g] for g in "iou"}
        for g in "iou":
            for k, one in enumerate(h):
                gate[g] = gate[g] + u[g][:, k * m : (k + 1) * m] @ one
        forget = []
        for k in range(len(h)):
            a = w["f"] + b["f"]
            for j, one in enumerate(h):
                a = a + uf[k * m : (k + 1) * m, j * m : (j + 1) * m] @ one
            forget.append(sigmoid(xp, a))
    memory = sigmoid(xp, gate["i"]) * xp.tanh(gate["u"])
    for f, one in zip(forget, c, strict=True):
        memory = memory + f * one
    new = sigmoid(xp, gate["o"]) * xp.tanh(memory)
    return [s for states in below for s in states] + [(new, memory)]


def autoencoder(xp, network, tree):
    """Triples (code, loss, leaves) of all nodes, children first (Socher et al. 2011)."""
    if not tree.children:
        return [(value_of(xp, tree, network["size"]), 0.0, 1)]
    below = [autoencoder(xp, network, child) for child in tree.children]
    (a, _, left), (b, _, right) = below[0][-1], below[1][-1]
    pair = xp.concatenate([a, b])
    code = xp.tanh(network["weight_in"] @ pair + network["bias_in"])
    if network["normalised"]:
        code = code / xp.sqrt((code**2).sum())
    back = network["weight_out"] @ code + network["bias_out"]
    size = network["size"]
    if network["weighted"]:
        share = left / (left + right)
        loss = share * ((a - back[:size]) ** 2).sum() + (1 - share) * ((b - back[size:]) ** 2).sum()
    else:
        loss = ((pair - back) ** 2).sum() / 2
    return [s for states in below for s in states] + [(code, loss, left + right)]
