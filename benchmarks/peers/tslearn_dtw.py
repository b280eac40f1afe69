"""1-NN with dynamic time warping by tslearn, on sequences that an `.npz` file holds; one line of JSON."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from tslearn.neighbors import KNeighborsTimeSeriesClassifier
from tslearn.utils import to_time_series_dataset

data = np.load(sys.argv[1])
train, test = (
    to_time_series_dataset([x[:n] for x, n in zip(data[part], data[f"{part}_lengths"], strict=True)])
    for part in ("train", "test")
)
begun = time.perf_counter()
model = KNeighborsTimeSeriesClassifier(n_neighbors=1, metric="dtw").fit(train, data["train_y"])
score = float(np.mean(model.predict(test) == data["test_y"]))
print(json.dumps({"test": score, "seconds": time.perf_counter() - begun}))
