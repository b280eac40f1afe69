"""Programs of the NEAR language on CalMS21, fitted by neurosym-lib; run by `search_throughput.py`.

Needs a Python of its own with `torch` (the CPU build) and `neurosym==0.0.80 --no-deps` and what it imports.
Every window is one mean over its frames, computed once: the library's own running averages, which compute
all thirteen and keep one, would only slow it down.
"""

import contextlib
import json
import os
import sys
import time

import neurosym as ns
import numpy as np
import torch
from neurosym.datasets.load_data import DatasetFromNpy, DatasetWrapper
from neurosym.examples.near.cost import (
    IdentityProgramEmbedding,
    MinimalStepsNearStructuralCost,
    NearCost,
)
from neurosym.examples.near.methods.near_example_trainer import NEARTrainerConfig
from neurosym.examples.near.models.generic_mlp_rnn import GenericMLPRNNNeuralHoleFiller
from neurosym.examples.near.neural_dsl import NeuralDSL
from neurosym.examples.near.search_graph import near_graph
from neurosym.examples.near.validation import ValidationCost
from torch import nn

HIDDEN = 16
WINDOWS = {"last5": (8, 13), "last10": (3, 13), "centre5": (4, 9), "centre11": (1, 12)}
GROUPS = {
    "res_angle_head_body": (0, 1),
    "axis_ratio": (2, 3),
    "speed": (4, 5),
    "acceleration": (6, 7),
    "tangential_velocity": (8, 9),
    "rel_angle_social": (10, 11),
    "angle_between": (12,),
    "facing_angle": (13, 14),
    "overlap_bboxes": (15,),
    "area_ellipse_ratio": (16,),
    "min_res_nose_dist": (17,),
}


def linear(inputs, outputs):
    """What makes a linear map."""
    return lambda: nn.Linear(inputs, outputs)


def language():
    """The language, in neurosym-lib's words."""
    factory = ns.DSLFactory(I=18, O=1, H=HIDDEN)
    factory.typedef("fI", "{f, $I}")
    factory.typedef("fH", "{f, $H}")
    factory.typedef("fO", "{f, $O}")
    for group, columns in GROUPS.items():
        index = torch.LongTensor(columns)
        factory.production(
            f"affine_{group}",
            "() -> $fI -> $fH",
            lambda lin, index=index: lambda x: lin(x[..., index]),
            {"lin": linear(len(columns), HIDDEN)},
        )
    pair = "([$fI] -> $fH, [$fI] -> $fH) -> [$fI] -> $fH"
    factory.production("add", pair, lambda a, b: lambda x: a(x) + b(x))
    factory.production("mul", pair, lambda a, b: lambda x: a(x) * b(x))
    for name, (first, after) in WINDOWS.items():
        factory.production(
            f"average_{name}",
            "($fI -> $fH) -> [$fI] -> $fH",
            lambda f, first=first, after=after: lambda x: f(x[:, first:after].mean(1)),
        )
    factory.production(
        "output",
        "([$fI] -> $fH) -> [$fI] -> $fO",
        lambda f, lin: lambda x: lin(f(x)),
        {"lin": linear(HIDDEN, 1)},
    )
    factory.prune_to("[$fI] -> $fO")
    return factory.finalize()


class Enough(Exception):  # noqa: N818
    """As many candidates as were asked for."""


def search(dsl, config, module, count):
    """The library's own NEAR search: A* over partial programs, with neural networks in their holes."""
    fitted = []

    class Counting(ValidationCost):
        def compute_cost(self, dsl, model, embedding):
            if len(fitted) == count:
                raise Enough
            fitted.append(super().compute_cost(dsl, model, embedding))
            return fitted[-1]

    cost = NearCost(
        structural_cost=MinimalStepsNearStructuralCost(symbol_costs={}),
        validation_heuristic=Counting(trainer_cfg=config, datamodule=module),
        structural_cost_weight=0.05,
    )
    neural = NeuralDSL.from_dsl(dsl=dsl, neural_hole_filler=GenericMLPRNNNeuralHoleFiller(hidden_size=HIDDEN))
    graph = near_graph(
        neural, ns.parse_type("([{f, 18}]) -> {f, 1}"), is_goal=lambda _: True, max_depth=6, cost=cost
    )
    begun = time.process_time()
    with contextlib.suppress(Enough):
        for _ in ns.search.bounded_astar(graph, max_depth=6):
            pass
    spent = time.process_time() - begun
    return {"fitted": len(fitted), "cpu_seconds_per_candidate": spent / len(fitted), "best": min(fitted)}


def main() -> None:
    """Fit what standard input asks for, and print what it cost."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    asked = json.load(sys.stdin)
    given = np.load(sys.argv[1])
    frames, labels = given["frames"], given["labels"].astype(np.float32)[:, None]
    trained = int(given["trained"])
    module = DatasetWrapper(
        DatasetFromNpy(frames[:trained], labels[:trained], 0),
        DatasetFromNpy(frames[trained:], labels[trained:], None),
        batch_size=asked["batch"],
    )
    config = NEARTrainerConfig(
        lr=asked["rate"],
        n_epochs=asked["epochs"],
        scheduler="none",
        loss_callback=nn.functional.binary_cross_entropy_with_logits,
    )
    dsl = language()
    if "search" in asked:
        print(json.dumps(search(dsl, config, module, asked["search"])))
        return
    cost = ValidationCost(trainer_cfg=config, datamodule=module)
    programs = [ns.parse_s_expression(p) for p in asked["programs"]]
    cost.compute_cost(dsl, dsl.initialize(programs[0]), IdentityProgramEmbedding())  # to warm up
    begun, wall = time.process_time(), time.perf_counter()
    losses, at = [], []
    for program in programs:
        losses.append(cost.compute_cost(dsl, dsl.initialize(program), IdentityProgramEmbedding()))
        at.append(time.process_time() - begun)
    spent = time.process_time() - begun
    steps = asked["epochs"] * -(-trained // asked["batch"])
    print(
        json.dumps(
            {
                "fitted": len(programs),
                "steps": steps,
                "cpu_seconds_per_candidate": spent / len(programs),
                "wall_seconds": time.perf_counter() - wall,
                "best_validation_loss": min(losses),
                "cpu_seconds_to_best": at[int(np.argmin(losses))],
                "torch": torch.__version__,
            }
        )
    )


main()
