"""Models in the words of Keras: compile, fit, evaluate, predict, summary; and the graph of the result."""

from __future__ import annotations

import logging
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from antiphon.errors import InputError
from antiphon.networks._cases import Cases
from antiphon.networks._checks import check_count, check_flag, check_rate
from antiphon.networks._history import Callback, History, Watch, check_callbacks
from antiphon.networks._keras_weights import from_keras_weights, to_keras_weights
from antiphon.networks._layer_graph import Network, Plan, make_plan
from antiphon.networks._losses import check_head, check_loss, check_metric
from antiphon.networks._network_graph import network_graph
from antiphon.networks._optimizers import make_optimizer
from antiphon.networks._reading import Reader
from antiphon.networks._summary import summary_of
from antiphon.networks._training import Objective, answer, judge, parameters_of, train_epoch
from antiphon.networks.layers._layer import SymbolicTensor

_log = logging.getLogger("antiphon.networks")


class Model:
    """Layers between inputs and outputs, trained as one.

    Sequences may be one array `(case, time, feature)` or a list of arrays `(time, feature)` of any lengths,
    which are padded to few lengths and masked: padding changes no result.

    Args:
        inputs: What `Input` gave: one, or a list.
        outputs: What the last layers gave: one, or a list.
        random_state: Seed of initial weights, batches and dropout. The same seed gives the same model.

    Raises:
        InputError: If the outputs need other inputs, an input is not used, or layers do not go together.

    Example:
        >>> from antiphon.networks.layers import LSTM, Add, Dense, Input
        >>> x = Input((None, 4))
        >>> y = Add()([x, LSTM(4, return_sequences=True)(x)])
        >>> model = Model(x, Dense(3, activation="softmax")(LSTM(8)(y)))
        >>> model.predict([np.ones((5, 4)), np.ones((7, 4))]).shape
        (2, 3)
    """

    def __init__(
        self,
        inputs: SymbolicTensor | Sequence[SymbolicTensor],
        outputs: SymbolicTensor | Sequence[SymbolicTensor],
        *,
        random_state: int = 0,
    ) -> None:
        self._start(random_state)
        self._set_plan(make_plan(_tensors("inputs", inputs), _tensors("outputs", outputs)), outputs)

    def _start(self, random_state: int) -> None:
        if isinstance(random_state, bool) or not isinstance(random_state, int) or random_state < 0:
            raise InputError(f"random_state={random_state!r}.", "A whole number from 0 up.", "Try 0.")
        self._seed = random_state
        self._key = jax.random.key(random_state)
        self._plan: Plan | None = None
        self._network: Network | None = None
        self._single, self._is_initial = True, False
        self._settings: tuple[Any, Any, Any] | None = None
        self._objective: Objective | None = None
        self._state: Any = None
        self._known: Reader | None = None
        self._epochs = 0

    def _set_plan(self, plan: Plan, outputs: Any) -> None:
        self._plan = plan
        self._single = isinstance(outputs, SymbolicTensor)
        # Shapes alone: initial weights cost time, and may be replaced by set_weights before they are needed.
        self._network = eqx.filter_eval_shape(lambda: self._initial(plan))
        self._is_initial = True

    def _initial(self, plan: Plan) -> Network:
        return plan.build(jax.random.fold_in(self._key, 0), single=self._single)

    @property
    def module(self) -> Network:
        """The network with its parameters, an Equinox module for one case: `module(frames, mask)`.

        It can be set to another with the same layers, for example by `from_arrays`.
        """
        plan, network = self._built()
        if self._is_initial:
            network = self._initial(plan)
            self._network, self._is_initial = network, False
        return network

    @module.setter
    def module(self, network: Network) -> None:
        _, old = self._built()
        if jax.tree.structure(old) != jax.tree.structure(network) or any(
            a.shape != b.shape for a, b in zip(jax.tree.leaves(old), jax.tree.leaves(network), strict=True)
        ):
            raise InputError(
                f"A module of type {type(network).__name__} that is not like the one of this model.",
                "The same layers with other parameters.",
                "Change model.module with equinox.tree_at or from_arrays.",
            )
        self._network, self._state, self._is_initial = network, None, False

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        metrics: Sequence[str] = (),
        *,
        learning_rate: float | None = None,
    ) -> None:
        """Say what to train for.

        Args:
            optimizer: `"adam"`, `"adamw"`, `"adamax"`, `"adagrad"`, `"rmsprop"`, `"sgd"` or
                `"lion"`, with the settings of Keras; or an `optax.GradientTransformation`.
            loss: `"sparse_categorical_crossentropy"`, `"categorical_crossentropy"`, `"binary_crossentropy"`,
                `"mse"`, `"mae"`, `"huber"`, or a function of output and target of one case that gives one
                number a case (or a frame); a list of them for several outputs.
            metrics: `"accuracy"`, `"mse"`, `"mae"`.
            learning_rate: Of an optimiser by name; by default 0.001, for `sgd` 0.01.

        Raises:
            InputError: If a name is not known, or loss, metrics and the model's last activation do not go
                together.
        """
        if loss is None:
            raise InputError("No loss.", "A loss by name, or a function.", 'Try compile("adam", loss="mse").')
        made = make_optimizer(optimizer, learning_rate)
        losses = tuple(map(check_loss, loss)) if isinstance(loss, list | tuple) else (check_loss(loss),)
        wanted = (metrics,) if isinstance(metrics, str) else tuple(metrics)
        for metric in wanted:
            for one in losses:
                check_metric(metric, one)
        self._settings, self._objective, self._state = (made, losses, wanted), None, None
        if self._network is not None:
            self._ready()

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        validation_data: tuple[Any, Any] | None = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        callbacks: Sequence[Callback] = (),
    ) -> History:
        """Train; another call goes on where this one ended. Ctrl-C keeps the weights of the last whole epoch.

        Args:
            X: Cases: one array, or a list of sequences; a list or dict of these for several inputs.
            y: Targets: class numbers from 0, or numbers; for an output at each frame one a frame.
            epochs: How often each case is seen.
            batch_size: Cases a step.
            validation_data: `(X, y)` to measure on after each epoch.
            validation_split: Share of the cases to measure on instead. Drawn at random, other than in Keras,
                which takes the last ones: where cases are sorted by class, these would be of one class.
            shuffle: Whether batches are drawn anew in each epoch.
            callbacks: `EarlyStopping`, or functions of the epoch's number and its figures; one that gives
                True ends the fit.

        Raises:
            InputError: If the model is not compiled, data or targets do not fit it, or the loss is no longer
                finite; the model then keeps the weights of the last epoch that was.
        """
        check_count("epochs", epochs)
        check_count("batch_size", batch_size)
        check_flag("shuffle", shuffle)
        stopping, functions = check_callbacks(callbacks)
        cases = self._cases(X, y)
        held = None
        if validation_data is not None:
            held = self._cases(*validation_data)
        elif validation_split:
            cases, held = self._split(cases, validation_split)
        return self._train(cases, held, epochs, batch_size, shuffle, Watch(stopping), functions)

    def _train(
        self,
        cases: Cases,
        held: Cases | None,
        epochs: int,
        size: int,
        shuffle: bool,
        watch: Watch,
        functions: Sequence[Any],
    ) -> History:
        objective, out_times = self._ready(), self._reader().out_times
        history: dict[str, list[float]] = {}
        numbers: list[int] = []
        if self._state is None:
            self._state = objective.optimizer.init(parameters_of(self.module))
        for number in range(self._epochs, self._epochs + epochs):
            network, state, logs = train_epoch(
                self.module,
                self._state,
                cases,
                size,
                objective,
                out_times,
                rng=np.random.default_rng([self._seed, number]) if shuffle else None,
                key=jax.random.fold_in(jax.random.fold_in(self._key, 1), number),
            )
            if not np.isfinite(logs["loss"]):
                raise InputError(
                    f"A loss that is NaN or infinite in epoch {number}.",
                    "A finite loss.",
                    "Lower learning_rate in compile, scale the features, and look for extreme values.",
                )
            self._network, self._state, self._epochs = network, state, number + 1
            if held is not None:
                found = judge(network, held, size, objective, out_times)
                logs |= {f"val_{name}": value for name, value in found.items()}
            numbers.append(number)
            for name, value in logs.items():
                history.setdefault(name, []).append(value)
            _log.info("epoch %d: %s", number, ", ".join(f"{n} {v:.4f}" for n, v in logs.items()))
            stops = [
                watch.see(number, logs, network),
                *(one(number, dict(logs)) is True for one in functions),
            ]
            if any(stops):
                break
        if watch.best is not None and watch.stopping is not None and watch.stopping.restore_best_weights:
            self._network = watch.best[2]
        return History(history, numbers, None if watch.best is None else watch.best[1])

    def evaluate(self, X: Any, y: Any, *, batch_size: int = 32) -> Any:
        """The loss and the metrics on some cases, without dropout.

        Args:
            X: Cases, as for `fit`.
            y: Targets, as for `fit`.
            batch_size: Cases at once.

        Returns:
            A named tuple, so that both `loss, accuracy = model.evaluate(X, y)` and `.accuracy` work.

        Raises:
            InputError: If the model is not compiled, or data or targets do not fit it.
        """
        size, cases = check_count("batch_size", batch_size), self._cases(X, y)
        found = judge(self.module, cases, size, self._ready(), self._reader().out_times)
        return namedtuple("Evaluation", list(found), rename=True)(**found)

    def predict(self, X: Any, *, batch_size: int = 32) -> Any:
        """What the model answers for each case, without dropout.

        Args:
            X: Cases, as for `fit`.
            batch_size: Cases at once.

        Returns:
            `(case, ...)`. For sequences of different lengths and an output at each frame, a list of arrays
            `(time, ...)`. A list of these for a model of several outputs.

        Raises:
            InputError: If the data does not fit the model.
        """
        size = check_count("batch_size", batch_size)
        cases = self._cases(X)
        found = answer(self.module, cases, size)
        return found[0] if self.module.single else found

    def summary(self) -> str:
        """The layers with the shapes that they give and their parameters, as text.

        Raises:
            InputError: If the model has not seen data yet.
        """
        plan, network = self._built()
        return summary_of(plan, network, type(self).__name__)

    def graph(self, *, time: int | str = "T", batch: int | str | None = None, masked: bool = False) -> Any:
        """The trained network as a symbolic graph: `antiphon.graph.Graph`.

        Args:
            time: The number of frames, or a name for any number.
            batch: The number of cases, or a name for any number; None for one case without an axis of cases.
            masked: Whether the graph takes masks, too.

        Raises:
            InputError: If the model has not seen data yet, or masks are wanted where there are no sequences.
        """
        plan, _ = self._built()
        return network_graph(plan, self.module, time=time, batch=batch, masked=masked)

    def get_weights(self) -> list[np.ndarray]:
        """All arrays in the order and layout of Keras (kernels `(in, out)`, the GRU's gates z, r, h)."""
        plan, _ = self._built()
        return to_keras_weights(plan, self.module)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take over the arrays of `get_weights`, of this model or of the same one in Keras.

        Raises:
            InputError: If their number or a shape does not fit.
        """
        plan, network = self._built()
        self.module = from_keras_weights(plan, network, weights)

    def _built(self) -> tuple[Plan, Network]:
        if self._plan is None or self._network is None:
            raise InputError(
                "A model that does not know the shape of its input yet.",
                "A model that was fitted, or begins with an Input.",
                "Put Input((None, 12)) first, or call build((None, 12)) or fit.",
            )
        return self._plan, self._network

    def _build_from(self, X: Any) -> None:
        """A model made of symbolic tensors is built from the first."""

    def _ready(self) -> Objective:
        if self._settings is None:
            raise InputError(
                "A model that is not compiled.",
                "A loss and an optimiser.",
                'Call model.compile(optimizer="adam", loss=...) first.',
            )
        if self._objective is None:
            plan, network = self._built()
            optimizer, losses, metrics = self._settings
            count = len(plan.outputs)
            if len(losses) not in (1, count):
                raise InputError(
                    f"{len(losses)} losses for {count} outputs.", "One, or one an output.", "Change loss."
                )
            losses = losses * count if len(losses) == 1 else losses
            for loss, head, tensor in zip(losses, network.heads, plan.outputs, strict=True):
                check_head(loss, head, tensor.shape[-1])
            names = tuple(plan.layer_name(t) for t in plan.outputs) if count > 1 else ()
            self._objective = Objective(optimizer, losses, (metrics,) * count, names)
        return self._objective

    def _reader(self) -> Reader:
        if self._known is None:
            self._known = Reader(*self._built())
        return self._known

    def _cases(self, X: Any, *y: Any) -> Cases:
        if y and self._settings is None:
            self._ready()
        if self._plan is None:
            self._build_from(X)
        if not y:
            return self._reader().read(X)
        return self._reader().read_both(X, y[0], self._ready().losses)

    def _split(self, cases: Cases, share: float) -> tuple[Cases, Cases]:
        rows = np.random.default_rng([self._seed, len(cases)]).permutation(len(cases))
        count = round(check_rate("validation_split", share) * len(cases))
        if not 0 < count < len(cases):
            raise InputError(
                f"validation_split={share} of {len(cases)} cases.",
                "A share that leaves one case or more on both sides.",
                "Change it, or give validation_data.",
            )
        return cases.take(np.sort(rows[count:])), cases.take(np.sort(rows[:count]))


def _tensors(name: str, given: Any) -> tuple[SymbolicTensor, ...]:
    tensors = tuple(given) if isinstance(given, list | tuple) else (given,)
    if not tensors or not all(isinstance(tensor, SymbolicTensor) for tensor in tensors):
        raise InputError(
            f"{name}={given!r}.",
            "What Input or a layer gave, or a list of these.",
            "Write x = Input((None, 12)) and y = LSTM(8)(x), then Model(x, y).",
        )
    if name == "inputs" and any(tensor.layer is not None for tensor in tensors):
        raise InputError("An input that a layer gave.", "What Input gave.", "Begin at Input.")
    return tensors
