"""Writes `torch_recurrent_golden.npz`: what PyTorch gives for small recurrent stacks, for tests without it.

Run by hand: `python tests/networks/make_torch_recurrent_golden.py`. Every weight is random; the batch is
packed, so that PyTorch reads each sequence to its own end. Computed in double precision from single-precision
numbers.
"""

from itertools import product
from pathlib import Path

import numpy as np

CELLS, LAYERS, DIRECTIONS = ("rnn", "lstm", "gru"), (1, 2), (1, 2)
IN_SIZE, HIDDEN, LENGTHS = 3, 4, (7, 4, 1)


def main() -> None:
    import torch

    kinds = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    arrays = {}
    for seed, (cell, layers, directions) in enumerate(product(CELLS, LAYERS, DIRECTIONS)):
        rng = np.random.default_rng(seed)

        def numbers(*shape, rng=rng):
            drawn = rng.normal(scale=0.6, size=shape).astype(np.float32)
            return torch.tensor(drawn, dtype=torch.float64)

        model = kinds[cell](
            IN_SIZE, HIDDEN, layers, batch_first=True, bidirectional=directions == 2, dtype=torch.float64
        )
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(numbers(*parameter.shape))
        frames = numbers(len(LENGTHS), max(LENGTHS), IN_SIZE).requires_grad_()
        packed = torch.nn.utils.rnn.pack_padded_sequence(frames, torch.tensor(LENGTHS), batch_first=True)
        outputs, state = model(packed)
        outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
        last = state[0] if cell == "lstm" else state
        final = torch.cat(list(last[-directions:]), dim=1)
        at_frames, at_end = numbers(*outputs.shape), numbers(*final.shape)
        ((outputs * at_frames).sum() + (final * at_end).sum()).backward()
        found = {
            "frames": frames,
            "outputs": outputs,
            "final": final,
            "at_frames": at_frames,
            "at_end": at_end,
            "slope/frames": frames.grad,
        }
        for name, parameter in model.named_parameters():
            found |= {f"weight/{name}": parameter, f"slope/{name}": parameter.grad}
        place = f"{cell}/{layers}/{directions}"
        arrays |= {f"{place}/{k}": v.detach().numpy().astype(np.float32) for k, v in found.items()}
    np.savez_compressed(Path(__file__).with_name("torch_recurrent_golden.npz"), **arrays)


if __name__ == "__main__":
    main()
