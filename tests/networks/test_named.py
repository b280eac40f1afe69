"""Networks as plain data: configs and named arrays."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load, save

from antiphon.errors import InputError, ModelFileError
from antiphon.networks import (
    Recurrent,
    SequenceToSequence,
    SequenceToVector,
    VectorToVector,
    build,
    from_arrays,
    to_arrays,
    with_scaling,
)

KEY = jax.random.key(0)


def networks():
    recurrent = {"hidden": 3, "layers": 2, "bidirectional": True, "dropout": 0.25, "key": KEY}
    return [
        Recurrent("rnn", 2, 3, key=KEY),
        with_scaling(SequenceToVector(2, 4, cell="lstm", **recurrent), [0.1, 0.2], [0.3, 0.4]),
        SequenceToSequence(2, 4, cell="gru", hidden=3, key=KEY),
        VectorToVector(2, 4, hidden=5, depth=3, activation="relu", dropout=0.5, key=KEY),
    ]


NETWORK = SequenceToVector(2, 4, cell="lstm", hidden=3, key=KEY)


@pytest.mark.parametrize("network", networks(), ids=lambda network: type(network).__name__)
def test_config_and_arrays_make_the_same_network_again_bit_by_bit(network):
    config = json.loads(json.dumps(network.config))
    arrays = load(save(to_arrays(network)))
    for again in (from_arrays(config, arrays), from_arrays(build(config, key=jax.random.key(9)), arrays)):
        assert type(again) is type(network)
        assert jax.tree.structure(again) == jax.tree.structure(network)
        assert again.config == network.config
        assert eqx.tree_equal(again, network)
    here = (jnp.ones(2),) if isinstance(network, VectorToVector) else (jnp.ones((4, 2)), jnp.ones(4, bool))
    run = jax.jit(lambda network, *inputs: network(*inputs))
    np.testing.assert_array_equal(run(again, *here), run(network, *here))


@pytest.mark.parametrize("network", networks(), ids=lambda network: type(network).__name__)
def test_every_leaf_is_a_named_float32_array(network):
    arrays = to_arrays(network)
    assert len(arrays) == len(jax.tree.leaves(network))
    assert all(isinstance(array, np.ndarray) and array.dtype == np.float32 for array in arrays.values())
    assert all(part.isidentifier() or part.isdigit() for name in arrays for part in name.split("."))


def test_names():
    assert list(to_arrays(NETWORK)) == [
        "scaling.shift",
        "scaling.scale",
        "recurrent.layers.0.forward.weight_ih",
        "recurrent.layers.0.forward.weight_hh",
        "recurrent.layers.0.forward.bias",
        "linear.weight",
        "linear.bias",
    ]


def test_build_makes_other_weights_with_another_key():
    first, other = (build(NETWORK.config, key=jax.random.key(seed)) for seed in (1, 2))
    assert not np.array_equal(first.linear.weight, other.linear.weight)


@pytest.mark.parametrize(
    ("config", "part"),
    [
        ({}, "kind=None. Expected: one of Recurrent, SequenceToVector"),
        ({"kind": "os.system"}, "kind='os.system'"),
        ({"kind": "VectorToVector", "in_size": 2}, "out_size"),
        ({"kind": "VectorToVector", "in_size": 2, "out_size": 1, "width": 3}, "'width'"),
        ({"kind": "VectorToVector", "in_size": 2, "out_size": "1"}, "out_size='1'"),
    ],
)
def test_wrong_config(config, part):
    with pytest.raises(InputError) as caught:
        build(config, key=KEY)
    assert part in str(caught.value)
    with pytest.raises(ModelFileError) as caught:
        from_arrays(config, {})
    assert part in str(caught.value)


def without(name):
    return {key: array for key, array in to_arrays(NETWORK).items() if key != name}


@pytest.mark.parametrize(
    ("arrays", "part"),
    [
        (without("linear.bias"), "The arrays lack linear.bias. Expected: the 7 arrays of this network."),
        ({}, "lack linear.bias, linear.weight, recurrent.layers.0.forward.bias and 4 more"),
        (to_arrays(NETWORK) | {"extra": np.zeros(1)}, "have the unknown extra"),
        (
            without("linear.bias") | {"linear.bias": np.zeros(5, np.float32)},
            "The array linear.bias has shape (5,) and type float32. Expected: shape (4,) and type float32.",
        ),
        (without("linear.bias") | {"linear.bias": np.zeros(4)}, "type float64"),
    ],
)
def test_wrong_arrays(arrays, part):
    for network in (NETWORK, NETWORK.config):
        with pytest.raises(ModelFileError) as caught:
            from_arrays(network, arrays)
        assert part in str(caught.value)


def test_checking_shapes_of_a_huge_config_allocates_nothing():
    config = NETWORK.config | {"hidden": 10**9}
    with pytest.raises(ModelFileError, match="4000000000"):
        from_arrays(config, to_arrays(NETWORK))
