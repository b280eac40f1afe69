"""What the data classes refuse."""

import dataclasses

import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.report import Confusion, DataSummary, FrontRow, Look, Scatter


def test_an_unknown_task_is_refused():
    with pytest.raises(InputError, match="classification, regression, tagging"):
        DataSummary("walks", "ranking", 1, 1, (1, 1), ("a",))


@pytest.mark.parametrize("what", ["train_counts", "test_counts"])
def test_counts_must_match_the_classes(result, what):
    with pytest.raises(InputError, match=what):
        dataclasses.replace(result.data, **{what: (1, 2, 3)})


def test_a_confusion_matrix_must_match_its_labels():
    with pytest.raises(InputError, match=r"shape \(2, 3\) with 2 labels"):
        Confusion(np.zeros((2, 3), int), ("a", "b"))


@pytest.mark.parametrize("predicted", [np.zeros(2), np.zeros((3, 1))])
def test_a_scatter_needs_a_prediction_a_case(predicted):
    with pytest.raises(InputError, match="one length"):
        Scatter(np.zeros(3), predicted)


@pytest.mark.parametrize(
    ("frames", "weight", "names"),
    [
        (np.zeros((3, 2)), np.zeros((3, 1)), ("a", "b")),
        (np.zeros((3, 2)), np.zeros((3, 2)), ("a",)),
        (np.zeros(3), np.zeros(3), ("a",)),
        (np.zeros((0, 1)), np.zeros((0, 1)), ("a",)),
    ],
)
def test_a_look_must_match_its_sequence(frames, weight, names):
    with pytest.raises(InputError, match="a name a feature"):
        Look("x", frames, weight, names)


@pytest.mark.parametrize("tags", ["true_tags", "predicted_tags"])
def test_a_look_needs_a_tag_a_frame(tags):
    with pytest.raises(InputError, match="one tag a frame"):
        Look("x", np.zeros((3, 1)), np.zeros((3, 1)), ("a",), **{tags: ("b",)})


def test_a_front_has_one_choice(result):
    with pytest.raises(InputError, match="several chosen"):
        dataclasses.replace(result, front=(FrontRow(1, 0.1, "a", True), FrontRow(2, 0.2, "b", True)))
