"""Recurrent layers of PyTorch, forward and backward; asked by lines of JSON, answers in lines of JSON."""

from __future__ import annotations

import json
import sys
import time

import torch

torch.set_num_threads(1)


def main() -> None:
    """Read the sizes, then a name of a model for each round."""
    sizes = json.loads(sys.stdin.readline())
    now = {"wall": time.perf_counter, "cpu": time.process_time}[sizes["clock"]]
    batch, frames, inputs, units = (sizes[k] for k in ("batch", "time", "inputs", "units"))
    torch.manual_seed(sizes["seed"])
    # Both layouts: whichever is the faster counts.
    models = {}
    for layout in (True, False):
        settings = {"input_size": inputs, "hidden_size": units, "batch_first": layout}
        models |= {
            ("lstm", layout): torch.nn.LSTM(**settings),
            ("gru", layout): torch.nn.GRU(**settings),
            ("rnn", layout): torch.nn.RNN(**settings),
            ("bilstm", layout): torch.nn.LSTM(**settings, bidirectional=True),
            ("lstm2", layout): torch.nn.LSTM(**settings, num_layers=2),
        }
    data = {
        layout: torch.randn((batch, frames, inputs) if layout else (frames, batch, inputs))
        for layout in (True, False)
    }
    slopes = {
        (layout, width): torch.randn((batch, frames, width) if layout else (frames, batch, width))
        for layout in (True, False)
        for width in (units, 2 * units)
    }

    def once(name: str, layout: bool) -> float:
        model = models[name, layout]
        model.zero_grad()
        start = now()
        outputs, _ = model(data[layout])
        outputs.backward(slopes[layout, outputs.shape[-1]])
        return 1000 * (now() - start)

    print(json.dumps({"torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        found = {}
        for layout in (True, False):
            once(asked["model"], layout)
            found["batch_first" if layout else "time_first"] = [
                once(asked["model"], layout) for _ in range(asked["times"])
            ]
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
