"""What the catalogue says of the probabilistic networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from antiphon.networks._entry import Entry
from antiphon.networks.probabilistic._bank import HMMBank
from antiphon.networks.probabilistic._crf import CRF
from antiphon.networks.probabilistic._ctc import ctc_loss
from antiphon.networks.probabilistic._hmm import HMM
from antiphon.networks.probabilistic._ngrams import count_ngrams

_TAGS = {"kind": "SequenceToSequence", "in_size": 2, "out_size": 3, "cell": "rnn", "hidden": 4}
_RABINER = "Rabiner, A Tutorial on Hidden Markov Models, Proceedings of the IEEE 77, 1989"


def _sequence(make: Callable[[], Callable[..., Any]]) -> Callable[[], tuple[Callable[..., Any], tuple]]:
    def run() -> tuple[Callable[..., Any], tuple]:
        network = make()
        return lambda frames, mask: network(frames, mask), (jnp.ones((5, 2)), jnp.ones(5, bool))

    return run


def _symbols(function: Callable[..., Any]) -> Callable[[], tuple[Callable[..., Any], tuple]]:
    def run() -> tuple[Callable[..., Any], tuple]:
        return function, (jnp.array([[0.0], [1.0], [1.0], [0.0], [1.0]]), jnp.ones(5, bool))

    return run


def _ctc() -> tuple[Callable[..., Any], tuple]:
    return ctc_loss, (jnp.zeros((5, 3)), jnp.ones(5, bool), jnp.array([1, 2]), jnp.ones(2, bool))


def _categorical(frames: Any, mask: Any) -> Any:
    return HMM(1, 2, emission="categorical", symbols=2, key=jax.random.key(0))(frames, mask)


def _bigrams(frames: Any, mask: Any) -> Any:
    return count_ngrams(frames, mask, symbols=2, n=2)


ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="HMM, Gaussian",
        kind="probabilistic",
        input="Seq[Real[n]]",
        output="Seq[Real[m]]",
        reference=f"{_RABINER}; EM: Baum, Petrie, Soules & Weiss, Annals of Mathematical Statistics 41, 1970",
        example="""import jax, numpy as np
from antiphon.networks.probabilistic import HMM, fit_hmm

values = np.random.default_rng(0).normal(size=(4, 6, 2))
mask = np.ones((4, 6), bool)
hmm = HMM(2, 3, emission="full", key=jax.random.key(0))
fit = fit_hmm(hmm, values, mask, key=jax.random.key(1), max_iterations=5)
result = fit.log_likelihood""",
        run=_sequence(lambda: HMM(2, 3, emission="full", key=jax.random.key(0))),
        masked=True,
        no_hole="it is fitted by EM or by its likelihood, not by the loss of a program: see HMMClassifier",
    ),
    Entry(
        name="HMM, mixture of Gaussians",
        kind="probabilistic",
        input="Seq[Real[n]]",
        output="Seq[Real[m]]",
        reference=(
            "Juang, Maximum-Likelihood Estimation for Mixture Multivariate Stochastic Observations of Markov "
            "Chains, AT&T Technical Journal 64, 1985"
        ),
        example="""import jax, jax.numpy as jnp
from antiphon.networks.probabilistic import HMM

hmm = HMM(2, 3, components=4, key=jax.random.key(0))
frames, states = hmm.sample(6, key=jax.random.key(1))
result = hmm.log_likelihood(frames, jnp.ones(6, bool))""",
        run=_sequence(lambda: HMM(2, 3, components=4, key=jax.random.key(0))),
        masked=True,
        no_hole="it is fitted by EM or by its likelihood, not by the loss of a program: see HMMClassifier",
    ),
    Entry(
        name="HMM, categorical",
        kind="probabilistic",
        input="Seq[Real[1]]",
        output="Seq[Real[m]]",
        reference=_RABINER,
        example="""import jax, jax.numpy as jnp
from antiphon.networks.probabilistic import HMM

hmm = HMM(1, 2, emission="categorical", symbols=3, key=jax.random.key(0))
symbols = jnp.array([[0.0], [2.0], [1.0]])
score, result = hmm.viterbi(symbols, jnp.ones(3, bool))""",
        run=_symbols(_categorical),
        masked=True,
        no_hole="it is fitted by EM or by its likelihood, not by the loss of a program: see HMMClassifier",
    ),
    Entry(
        name="HMM per class",
        kind="probabilistic",
        input="Seq[Real[n]]",
        output="Real[m]",
        reference=_RABINER,
        example="""import jax, jax.numpy as jnp
from antiphon.networks.probabilistic import HMMBank

bank = HMMBank(2, 3, states=2, key=jax.random.key(0))
result = bank(jnp.ones((5, 2)), jnp.ones(5, bool))""",
        run=_sequence(lambda: HMMBank(2, 3, states=2, key=jax.random.key(0))),
        masked=True,
        no_hole="it is fitted by EM or by its likelihood, not by the loss of a program: see HMMClassifier",
    ),
    Entry(
        name="CRF",
        kind="probabilistic",
        input="Seq[Real[n]]",
        output="Seq[Real[m]]",
        reference="Lafferty, McCallum & Pereira, Conditional Random Fields, ICML 2001",
        example="""import jax, jax.numpy as jnp
from antiphon.networks import SequenceToSequence
from antiphon.networks.probabilistic import CRF

network = SequenceToSequence(2, 3, cell="rnn", hidden=4, key=jax.random.key(0))
crf = CRF(network, key=jax.random.key(1))
score, result = crf.viterbi(jnp.ones((5, 2)), jnp.ones(5, bool))""",
        run=_sequence(lambda: CRF(_TAGS, key=jax.random.key(1))),
        masked=True,
        no_hole="its loss looks at whole paths of tags, not at frames one by one: see CRFTagger",
    ),
    Entry(
        name="CTC",
        kind="probabilistic",
        input="Seq[Real[n]]",
        output="Real[1]",
        reference="Graves, Fernández, Gomez & Schmidhuber, Connectionist Temporal Classification, ICML 2006",
        example="""import jax.numpy as jnp
from antiphon.networks.probabilistic import ctc_beam, ctc_loss

logits, mask = jnp.zeros((5, 3)), jnp.ones(5, bool)
loss = ctc_loss(logits, mask, jnp.array([1, 2]), jnp.ones(2, bool))
result, log_probability = ctc_beam(logits, mask)[0]""",
        run=_ctc,
        no_hole="it is a loss: it needs the right labels beside the frames.",
    ),
    Entry(
        name="Bag of n-grams",
        kind="probabilistic",
        input="Seq[Real[1]]",
        output="Real[m]",
        reference="Harris, Distributional Structure, Word 10, 1954; scikit-learn's CountVectorizer",
        example="""from antiphon.networks.probabilistic import BagOfWords

bag = BagOfWords(ngram_range=(1, 2))
result = bag.fit_transform([["up", "up", "down"], ["down"]]).toarray()""",
        run=_symbols(_bigrams),
        masked=True,
        no_hole="it has nothing to fit, and its answer has an entry for each of all possible n-grams.",
    ),
)
