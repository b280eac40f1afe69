"""A run as a search would report it, small but with every part filled."""

import dataclasses

import numpy as np
import pytest

from antiphon.report import (
    BaselineScore,
    Confusion,
    Curve,
    DataSummary,
    FrontRow,
    Look,
    ProgramText,
    Reproduction,
    RunResult,
    Scatter,
    SearchTrace,
)


@pytest.fixture
def result():
    steps = np.arange(10)
    time = np.arange(20.0)
    frames = np.stack([np.sin(time), np.cos(time)], axis=1)
    return RunResult(
        data=DataSummary(
            name="walks",
            task="classification",
            n_train=80,
            n_test=20,
            length_range=(5, 30),
            feature_names=("speed", "angle"),
            feature_units=("cm/s", "rad"),
            class_names=("rest", "run"),
            train_counts=(40, 40),
            test_counts=(12, 8),
            rate_hz=30.0,
            description="Mice that rest or run.",
            source="made up",
        ),
        program=ProgramText(
            text="program\n  if mean(x.speed) > 2.1 then 1 else 0",
            size=5,
            math="1[mean(speed) > 2.1]",
            latex=r"\mathbb{1}[\bar{s} > 2.1]",
            sentences=("It runs when its mean speed is above 2.1 cm/s.",),
            sketch="if mean(speed) > ? then ? else ?",
        ),
        metric="accuracy",
        test_score=0.9,
        train_score=0.95,
        cv_score=0.92,
        front=(
            FrontRow(1, 0.6, "constant", note="always predicts one class"),
            FrontRow(5, 0.92, "if mean(speed) > ?", chosen=True, score_std=0.02, text="if mean(speed) > 2.1"),
            FrontRow(9, 0.93, "if mean(speed) > ? and last(angle) > ?", text="if ..."),
        ),
        baselines=(BaselineScore("majority", 0.6, 0.001), BaselineScore("GRU", 0.85, 12.0, "64 units")),
        confusion=Confusion(np.array([[11, 1], [1, 7]]), ("rest", "run")),
        importance=(("speed", 0.8), ("angle", -0.1)),
        looks=(
            Look(
                "Test sequence 3",
                frames,
                frames * 0.1,
                ("speed", "angle"),
                ("cm/s", "rad"),
                windows=(("mean over the last 0.5 s", 5, 20), ("reaches past the end", 15, 40)),
                thresholds=(("speed", 0.3, ">"),),
                true_label="run",
                predicted_label="rest",
                rate_hz=30.0,
            ),
        ),
        curves=(
            Curve("program", steps, np.exp(-steps / 3.0), np.exp(-steps / 4.0)),
            Curve("GRU", steps, np.full(10, np.nan), np.full(10, np.nan)),
        ),
        search=SearchTrace(
            "near",
            "5 min",
            40,
            2,
            61.5,
            20.25,
            np.array([1.0, 30.0]),
            np.array([1, 20]),
            np.array([0.6, 0.92]),
        ),
        reproduce=Reproduction(
            7,
            {"antiphon": "0.1.0", "numpy": "2.4"},
            "2 cores, no GPU",
            "antiphon learn walks --seed 7",
            "from antiphon import ProgramClassifier",
            "runs/walks/journal",
        ),
    )


@pytest.fixture
def regression(result):
    true = np.linspace(0, 1, 30)
    return dataclasses.replace(
        result,
        data=DataSummary("wear", "regression", 80, 30, (5, 5), ("speed",)),
        metric="RMSE",
        higher_is_better=False,
        test_score=1.2,
        baselines=(BaselineScore("mean", 3.0), BaselineScore("GRU", float("nan"))),
        confusion=None,
        scatter=Scatter(true, true + 0.1),
    )
