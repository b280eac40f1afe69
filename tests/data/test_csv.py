import pytest

from antiphon.data import load
from antiphon.errors import DatasetError, InputError

LONG = """case,time,speed,angle,label,subject
a,1,2.0,0.2,x,ann
a,0,1.0,0.1,x,ann
b,0,3.0,0.3,y,bob
c,0,4.0,0.4,x,bob
c,1,5.0,0.5,x,bob
d,0,6.0,0.6,y,ann
"""


def _write(folder, text):
    (folder / "data.csv").write_text(text)
    return folder / "data.csv"


def test_long(tmp_path):
    dataset = load(_write(tmp_path, LONG), test_size=1)
    assert dataset.train.X.lengths.tolist() == [2, 1, 2]
    assert dataset.train.X[0][:, 0].tolist() == [1, 2]
    assert dataset.train.X.features.names == ("speed", "angle")
    assert dataset.train.y.tolist() == ["x", "y", "x"]
    assert dataset.train.subjects is not None
    assert dataset.train.subjects.tolist() == ["ann", "bob", "bob"]
    assert dataset.test.X[0].tolist() == [[6.0, pytest.approx(0.6)]]


def test_long_with_tags_and_a_named_target(tmp_path):
    text = "id,v,state,label\n1,1,s,0\n1,2,m,0\n2,3,m,1\n2,4,m,1\n3,1,s,1\n"
    dataset = load(_write(tmp_path, text), target="state", test_size=1)
    assert dataset.task == "tagging"
    assert [tags.tolist() for tags in dataset.train.y] == [["s", "m"], ["m", "m"]]
    assert dataset.train.X.features.names == ("v",)  # the other label is no feature


def test_a_table(tmp_path):
    text = "id,time,Speed (cm),y,split\n1,0,1.5,0.5,train\n2,1,2.5,1.5,train\n3,2,0.5,1,test\n"
    text = text.replace("id,", "row,")
    dataset = load(_write(tmp_path, text))
    assert dataset.train.X.is_table
    assert dataset.train.X.features.names == ("row", "time", "Speed_cm")
    assert (dataset.task, len(dataset.train), len(dataset.test)) == ("regression", 2, 1)


def test_coordinates_are_no_labels(tmp_path):
    text = "case,x,y,z,class\n1,1,2,3,p\n1,1,2,3,p\n2,4,5,6,q\n3,4,5,6,q\n"
    assert load(_write(tmp_path, text), test_size=1).train.X.features.names == ("x", "y", "z")
    with pytest.raises(DatasetError, match="has no labels: no column label"):
        load(_write(tmp_path, "x,y,z\n1,2,3\n"))


def test_wide_sequences(tmp_path):
    text = "label,v[0],v[1],v[2],w[0],w[1],w[2]\np,1,2,3,4,5,6\nq,1,2,,4,5,\np,1,,,4,,\n"
    dataset = load(_write(tmp_path, text), test_size=1)
    assert dataset.train.X.lengths.tolist() == [3, 2]
    assert dataset.train.X.features.names == ("v", "w")
    assert dataset.train.X[1].tolist() == [[1, 4], [2, 5]]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "cannot be read as CSV"),
        ("a,label\n", {}, "a header and no rows"),
        ("a,b\n1,2\n", {}, "has no labels: no column label, class, target, y among a, b"),
        ("a,label\n1,2\n", {"target": "b"}, "no target 'b'.*a, label"),
        ("label\n1\n", {}, "no columns of features, only label"),
        ("a,label\n1,x\nfast,y\n", {}, "column 'a': 'fast' in row 2 is no number"),
        ("a,label\n2020-01-01,x\n", {}, "column 'a': '2020-01-01' in row 1"),
        ("v[0],b,label\n1,2,x\n", {}, r"'v\[0\]' beside columns without a frame: b"),
        ("case,time,v,label\n1,0,1,x\n1,0,2,x\n", {}, "case 1 has two rows at time 0"),
        ("case,time,v,label\n1,0,1,x\n,1,2,x\n", {}, "rows without a value in 'case'"),
        ("case,v,label,group\n1,0,x,a\n1,1,x,b\n", {}, "case 1 has several values of 'group'"),
        ("v,label,split\n1,x,train\n2,y,rest\n", {}, "'rest' as a split"),
        ("v,label\n1,x\n,y\n3,x\n", {}, "NaN: case 1, feature 'v'"),
        ("v,label\n1,x\n2,\n3,x\n", {}, "the class at place 1 is missing"),
        ("v[0],v[1],label\n1,2,x\n,2,y\n1,1,x\n", {}, "NaN: case 1, frame 0, feature 'v'"),
        ("v[0],v[1],label\n1,2,x\n,,y\n", {}, "Case 1 is an empty sequence"),
        ("v,label\n1,x\n2,x\n3,x\n", {}, "one class only"),
    ],
)
def test_wrong_files(tmp_path, text, options, message):
    with pytest.raises((DatasetError, InputError), match=message):
        load(_write(tmp_path, text), **options)
