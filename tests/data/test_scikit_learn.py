"""The checks of tables and labels satisfy scikit-learn's checks of an estimator that uses them."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

from antiphon.data import as_labels, as_sequences


class _Linear(BaseEstimator):
    task = ""

    def fit(self, X, y):
        cases = as_sequences(X)
        y = as_labels(y, len(cases), self.task)
        validate_data(self, X, skip_check_array=True)
        self.linear_ = (LogisticRegression if self.task == "classification" else LinearRegression)()
        self.linear_.fit(np.asarray(cases, np.float64), y)
        return self

    def predict(self, X):
        check_is_fitted(self)
        cases = as_sequences(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        return self.linear_.predict(np.asarray(cases, np.float64))


class _Classifier(ClassifierMixin, _Linear):
    task = "classification"

    @property
    def classes_(self):
        return self.linear_.classes_


class _Regressor(RegressorMixin, _Linear):
    task = "regression"


@pytest.mark.parametrize(("estimator", "least"), [(_Classifier(), 45), (_Regressor(), 40)])
def test_estimator_checks(estimator, least):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None)
    failed = {result["check_name"]: result["exception"] for result in results if result["status"] == "failed"}
    assert not failed
    assert sum(result["status"] == "passed" for result in results) >= least
