import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.data import Features, identifiers, read_features
from antiphon.errors import DatasetError, InputError


@given(st.lists(st.one_of(st.text(max_size=6), st.integers()), max_size=8))
def test_identifiers_are_valid_and_all_different(names):
    made = identifiers(names)
    assert len(made) == len(names)
    assert Features(made).names == made


def test_valid_names_stay():
    assert identifiers(["speed", "_x1", "B"]) == ("speed", "x1", "B")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((("a b",),), "'a b' as the name"),
        (((3,),), "3 as the name"),
        ((("a", "a"),), "'a' twice"),
        ((("a", "b"), ("cm",)), "1 units for 2 features"),
        ((("a",), (), {"g": ("b",)}), "The feature 'b' in group 'g'"),
        ((("a",), (), {"1g": ("a",)}), "'1g' as the name"),
    ],
)
def test_wrong_features(arguments, message):
    with pytest.raises(InputError, match=message):
        Features(*arguments)


def test_columns_of_features_and_groups():
    features = Features(("a", "b", "c"), groups={"outer": ("c", "a")})
    assert features.columns("outer") == (2, 0)
    assert features.columns("b") == (1,)
    with pytest.raises(InputError, match="No feature and no group of features is called 'd'"):
        features.columns("d")


def test_features_are_values():
    one, two = (Features(("a",), ("cm",), {"g": ("a",)}) for _ in range(2))
    assert one == two == pickle.loads(pickle.dumps(one))
    assert hash(one) == hash(two)


def test_reading_names_units_and_groups(tmp_path):
    file = tmp_path / "features.csv"
    file.write_text("name,unit,group\nvx,cm/s,velocity;all\nvy,,all\n")
    features = read_features(file)
    assert features.units == ("cm/s", "")
    assert dict(features.groups) == {"velocity": ("vx",), "all": ("vx", "vy")}


def test_reading_wrong_files_of_features(tmp_path):
    with pytest.raises(DatasetError, match="cannot be read"):
        read_features(tmp_path / "none.csv")
    file = tmp_path / "features.csv"
    file.write_text("feature\nvx\n")
    with pytest.raises(DatasetError, match="has the columns feature and 1 lines"):
        read_features(file)
    file.write_text("")
    with pytest.raises(DatasetError, match="has the columns none"):
        read_features(file)
