"""The generative adversarial network: its losses, what training moves, padding, and that it learns."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.networks import from_arrays, to_arrays
from antiphon.networks.generative import SequenceGAN, fit_gan, gan_step, start_gan

# What is compiled runs a few times: to optimise it takes longer.
quick = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
KEY = jax.random.key(0)
GAN = SequenceGAN(2, 3, cell="rnn", hidden=3, key=KEY).set_scaling([5.0, -1.0], [2.0, 0.5])
FRAMES = jnp.asarray(np.random.default_rng(0).normal(size=(4, 6, 2)), jnp.float32)
MASK = jnp.arange(6)[None, :] < jnp.array([6, 4, 3, 1])[:, None]
step = quick(
    lambda gan, frames, rate, key: gan_step(gan, start_gan(gan), frames, MASK, learning_rate=rate, key=key)
)


def test_losses_are_those_of_the_paper_whatever_is_padded():
    """With a discriminator that says `c` of everything: its losses are known."""
    c = 0.7
    flat = eqx.tree_at(
        lambda g: (g.discriminator.linear.weight, g.discriminator.linear.bias),
        GAN,
        (jnp.zeros_like(GAN.discriminator.linear.weight), jnp.array([c])),
    )
    share = 1 / (1 + np.exp(-c))
    padded = jnp.where(MASK[:, :, None], FRAMES, jnp.nan)
    _, _, losses = step(flat, padded, 0.0, KEY)
    np.testing.assert_allclose(losses.discriminator, -np.log(share) - np.log(1 - share), rtol=1e-5)
    np.testing.assert_allclose(losses.generator, -np.log(share), rtol=1e-5)


def test_a_step_moves_both_halves_downhill_but_not_the_scaling():
    """Each half's loss falls along its own step; masked frames, even NaN, play no part."""
    padded = jnp.where(MASK[:, :, None], FRAMES, jnp.nan)
    moved, state, losses = step(GAN, padded, 1e-3, KEY)
    clean, *_ = step(GAN, FRAMES, 1e-3, KEY)
    before, after = to_arrays(GAN), to_arrays(moved)
    for name, array in to_arrays(clean).items():
        np.testing.assert_array_equal(after[name], array)
        assert np.isfinite(array).all()
        assert ("scaling" in name) == (after[name] == before[name]).all(), name
    # The same noise judged after the step: the halves are exchanged one at a time.
    judged = eqx.tree_at(lambda g: g.generator, moved, GAN.generator)
    assert step(judged, padded, 0.0, KEY)[2].discriminator < losses.discriminator
    fooled = step(judged, padded, 0.0, KEY)[2].generator
    assert step(moved, padded, 0.0, KEY)[2].generator < fooled
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state))


def test_samples_are_seeded_and_in_the_units_of_the_frames():
    many = quick(jax.vmap(lambda gan, key: gan.sample(6, key=key), in_axes=(None, 0)))
    keys = jax.random.split(KEY, 200)
    drawn = np.asarray(many(GAN, keys))
    np.testing.assert_array_equal(drawn, many(GAN, keys))
    plain = np.asarray(many(GAN.set_scaling([0.0, 0.0], [1.0, 1.0]), keys))
    np.testing.assert_allclose(drawn, plain * [2.0, 0.5] + [5.0, -1.0], atol=1e-5)
    assert drawn.std(0).min() > 0


def test_a_config_and_arrays_make_the_network_again():
    settings = dict(GAN.config)
    assert settings.pop("kind") == "SequenceGAN"
    again = from_arrays(eqx.filter_eval_shape(lambda: SequenceGAN(**settings, key=KEY)), to_arrays(GAN))
    assert again.config == GAN.config
    assert step(again, FRAMES, 0.0, KEY)[2].generator == step(GAN, FRAMES, 0.0, KEY)[2].generator


def test_wrong_data_and_settings():
    for frames, mask, part in (
        (FRAMES[:, :, :1], MASK, r"Frames of shape \(4, 6, 1\)"),
        (FRAMES, MASK[:, :5], r"masks of shape \(4, 5\)"),
        (FRAMES, MASK[:3], r"Arrays of \[3, 4\] cases"),
    ):
        with pytest.raises(InputError, match=part):
            fit_gan(GAN, frames, mask, steps=1, key=KEY)
    for settings in ({"steps": 0}, {"batch_size": 0}, {"learning_rate": -1.0}):
        with pytest.raises(InputError, match=next(iter(settings))):
            fit_gan(GAN, FRAMES, MASK, **{"steps": 1, "key": KEY, **settings})
    with pytest.raises(InputError, match="noise=0"):
        SequenceGAN(2, 0, key=KEY)
    with pytest.raises(InputError, match="temperature=0"):
        GAN.sample(3, temperature=0, key=KEY)
    with pytest.raises(InputError, match="A scale of shape"):
        GAN.set_scaling([0.0, 0.0], [1.0])


@pytest.mark.slow
def test_it_learns_sines_of_any_phase():
    """Samples come to vary and to swing as the sines do, and a generator that is not trained is found out."""
    rng = np.random.default_rng(0)
    phase = rng.uniform(0, 2 * np.pi, size=(400, 1))
    frames = np.sin(0.6 * np.arange(16) + phase)[:, :, None].astype(np.float32)
    mask = jnp.ones((400, 16), bool)
    start = SequenceGAN(1, 2, hidden=24, key=KEY)
    gan, losses = fit_gan(start, jnp.asarray(frames), mask, steps=2000, key=jax.random.key(1))
    sample = jax.jit(jax.vmap(lambda gan, key: gan.sample(16, key=key), in_axes=(None, 0)))
    keys = jax.random.split(jax.random.key(2), 400)
    made, raw = np.asarray(sample(gan, keys)), np.asarray(sample(start, keys))

    def swing(cases):
        """Correlation of a frame with the one half a turn later: -1 for these sines."""
        return np.corrcoef(cases[:, :-5].reshape(-1), cases[:, 5:].reshape(-1))[0, 1]

    assert abs(made.std() - frames.std()) < 0.15
    assert swing(made) < -0.6 < swing(raw)
    judge = jax.jit(
        jax.vmap(lambda gan, case: gan.discriminator(case, jnp.ones(16, bool))[0], in_axes=(None, 0))
    )
    assert (judge(gan, jnp.asarray(frames)) > jnp.median(judge(gan, jnp.asarray(raw)))).mean() > 0.9
    assert losses.discriminator[:10].mean() > losses.discriminator[100:].mean()
