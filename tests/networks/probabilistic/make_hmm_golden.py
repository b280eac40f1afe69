"""Writes `hmm_golden.npz`: what hmmlearn gives for small models, so that tests need no hmmlearn.

Run by hand, with hmmlearn: `python tests/networks/probabilistic/make_hmm_golden.py`. Priors are flat, so that
one iteration of EM is the maximum-likelihood one. hmmlearn's mixtures take covariances around the old means;
what it gives is written down as it is.
"""

from pathlib import Path

import numpy as np

STATES, FEATURES, COMPONENTS, SYMBOLS = 3, 3, 2, 5
LENGTHS = (7, 1, 12, 4)
FIXED = {"n_components": STATES, "init_params": "", "n_iter": 1, "tol": -np.inf, "implementation": "log"}


def models(rng):
    from hmmlearn import hmm

    means = rng.normal(size=(STATES, FEATURES))
    mixture_means = rng.normal(size=(STATES, COMPONENTS, FEATURES))
    factor = rng.normal(size=(STATES, COMPONENTS, FEATURES, FEATURES))
    matrices = factor @ factor.swapaxes(-1, -2) + 0.5 * np.eye(FEATURES)
    weights = rng.dirichlet(np.ones(COMPONENTS), STATES)
    flat = {"covars_prior": 0.0, "covars_weight": 1.0}

    made = hmm.CategoricalHMM(**FIXED, n_features=SYMBOLS)
    made.emissionprob_ = rng.dirichlet(np.ones(SYMBOLS), STATES)
    yield "categorical", made, {"probabilities": made.emissionprob_}
    made = hmm.GaussianHMM(**FIXED, covariance_type="diag", **flat)
    made.means_, made.covars_ = means, rng.uniform(0.5, 2.0, (STATES, FEATURES))
    yield "diagonal", made, {"means": means, "covariances": made._covars_}
    made = hmm.GaussianHMM(**FIXED, covariance_type="full", **flat)
    made.means_, made.covars_ = means, matrices[:, 0]
    yield "full", made, {"means": means, "covariances": matrices[:, 0]}
    for name in ("diag", "full"):
        made = hmm.GMMHMM(**FIXED, n_mix=COMPONENTS, covariance_type=name)
        made.weights_, made.means_ = weights, mixture_means
        made.covars_ = matrices if name == "full" else np.diagonal(matrices, axis1=-2, axis2=-1)
        given = {"means": mixture_means, "covariances": made.covars_.copy(), "weights": weights}
        yield f"mixture-{'diagonal' if name == 'diag' else name}", made, given


def main() -> None:
    rng = np.random.default_rng(0)
    initial, transition = rng.dirichlet(np.ones(STATES)), rng.dirichlet(np.ones(STATES), STATES)
    initial = np.array([0.7, 0.3, 0.0])
    transition[1] = [0.0, 0.4, 0.6]  # a step that cannot be
    frames = rng.normal(scale=1.5, size=(sum(LENGTHS), FEATURES))
    # No symbol twice in a row: else two paths are equally probable, and either may be found.
    symbols = rng.integers(1, SYMBOLS, (sum(LENGTHS), 1)).cumsum(0) % SYMBOLS
    arrays = {"initial": initial, "transition": transition, "frames": frames, "symbols": symbols}
    arrays["lengths"] = np.array(LENGTHS)
    for name, made, given in models(rng):
        X = symbols if name == "categorical" else frames
        made.startprob_, made.transmat_ = initial.copy(), transition.copy()
        arrays |= {f"{name}/{key}": np.array(value) for key, value in given.items()}
        ends = np.cumsum(LENGTHS)
        parts = [X[end - length : end] for end, length in zip(ends, LENGTHS, strict=True)]
        arrays[f"{name}/log_likelihood"] = np.array([made.score(part) for part in parts])
        arrays[f"{name}/posteriors"] = made.predict_proba(X, LENGTHS)
        paths = [made.decode(part) for part in parts]
        arrays[f"{name}/path_score"] = np.array([score for score, _ in paths])
        arrays[f"{name}/path"] = np.concatenate([path for _, path in paths])
        made.fit(X, LENGTHS)
        arrays |= {f"{name}/new/initial": made.startprob_, f"{name}/new/transition": made.transmat_}
        for key in given:
            attribute = {"probabilities": "emissionprob_", "means": "means_", "weights": "weights_"}
            arrays[f"{name}/new/{key}"] = getattr(
                made, attribute.get(key, "_covars_" if "mix" not in name else "covars_")
            )
    np.savez_compressed(Path(__file__).with_name("hmm_golden.npz"), **arrays)


if __name__ == "__main__":
    main()
