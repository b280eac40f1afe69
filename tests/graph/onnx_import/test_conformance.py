"""The standard's own test cases: all of those pass whose operators the table has."""

import warnings
from collections import Counter

import jax
import numpy as np
import onnx.numpy_helper as nh
import pytest

from antiphon.errors import AntiphonError, ImportedModelError
from antiphon.graph.onnx_import import from_onnx

# Cases that differ, and why.
DIFFERENT = {
    "test_resize_downsample_scales_linear_align_corners": "onnxruntime takes the whole length, as we do",
    "test_resize_downsample_scales_cubic_align_corners": "onnxruntime takes the whole length, as we do",
    "test_dynamicquantizelinear": "-127.5 is rounded, which 32 bits miss by one unit",
    "test_dynamicquantizelinear_expanded": "-127.5 is rounded, which 32 bits miss by one unit",
    "test_training_dropout": "draws at random",
    "test_training_dropout_mask": "draws at random",
    "test_training_dropout_default": "draws at random",
    "test_training_dropout_default_mask": "draws at random",
}
# What the table leaves out: text, files of images, trees, training, random numbers, detection, and more.
OUT = [
    "Adagrad",
    "Adam",
    "ArrayFeatureExtractor",
    "Attention",
    "Bernoulli",
    "Binarizer",
    "CausalConvWithState",
    "CenterCropPad",
    "Col2Im",
    "DFT",
    "DeformConv",
    "FlexAttention",
    "GridSample",
    "ImageDecoder",
    "LabelEncoder",
    "LinearAttention",
    "MaxUnpool",
    "MelWeightMatrix",
    "Momentum",
    "NegativeLogLikelihoodLoss",
    "NonMaxSuppression",
    "Optional",
    "OptionalGetElement",
    "OptionalHasElement",
    "RandomUniformLike",
    "RegexFullMatch",
    "RoiAlign",
    "RotaryEmbedding",
    "STFT",
    "Scan",
    "SoftmaxCrossEntropyLoss",
    "StringConcat",
    "StringNormalizer",
    "StringSplit",
    "TfIdfVectorizer",
    "TreeEnsemble",
]  # `Scan` in its version of opset 8


def numbers(x):
    """Inputs and outputs of a case, whose tensors are sometimes still in protobuf."""
    if isinstance(x, list | tuple):
        return [numbers(v) for v in x]
    return nh.to_array(x) if hasattr(x, "data_type") else x


def assert_close(got, want, rtol, atol):
    if isinstance(want, list | tuple):
        assert len(got) == len(want)
        for a, b in zip(got, want, strict=True):
            assert_close(a, b, rtol, atol)
        return
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    if want.dtype.name == "bfloat16":
        rtol = max(rtol, 2.0**-6)
    np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), rtol=rtol, atol=atol)


def run(case):
    model = from_onnx(case.model)
    for given, want in case.data_sets:
        got = model(*numbers(given))
        assert_close(
            got if isinstance(got, tuple) else (got,),
            numbers(want),
            max(case.rtol, 1e-5),
            max(case.atol, 1e-6),
        )


@pytest.mark.slow
def test_cases_of_the_standard():
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = [c for c in collect_testcases(None) if c.model is not None]
    passed, refused, failed = 0, Counter(), {}
    with jax.enable_x64(True):
        for case in cases:
            try:
                run(case)
                passed += 1
            except (AssertionError, AntiphonError) as error:
                told = error.got if isinstance(error, ImportedModelError) else ""
                if told.startswith("operator ") and "is not supported" in told:
                    refused[told.split()[1]] += 1
                elif "holds tensors of" in told:
                    refused["types"] += 1
                else:
                    failed[case.name] = str(error)[:300]
    assert sorted(set(failed) - set(DIFFERENT)) == [], failed
    assert sorted(set(refused) - {"types"}) == sorted(OUT)
    assert passed >= 1400, (passed, refused)
