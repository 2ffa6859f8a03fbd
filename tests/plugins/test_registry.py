"""Components and registries: names, provenance, clashes, near matches."""

import pytest

from labkit.errors import NotFoundError, PluginError, UnknownComponentError
from labkit.plugins import KINDS, Component, Record, Registry


def record(name, aliases=(), plugin="mine", target="math:sqrt"):
    return Record("layers", name, target, tuple(aliases), plugin, "1.0", "mine.py", 3)


@pytest.fixture
def registry():
    registry = Registry(KINDS["layers"])
    registry.add(record("Dense", ["dense"]))
    registry.add(record("Conv2D", ["conv2d"], plugin="other"))
    return registry


def test_names_aliases_and_records(registry):
    assert registry.names() == ["Dense", "Conv2D"]
    assert registry.find("dense") is registry.find("Dense")
    assert registry.get("dense")(4.0) == 2.0
    assert "conv2d" in registry
    assert len(registry) == 2
    assert [r.line for r in registry.records()] == [3, 3]


@pytest.mark.parametrize("late", [record("Dense", plugin="late"), record("Den", ["dense"], plugin="late")])
def test_a_clash_is_refused_and_names_both_owners(registry, late):
    with pytest.raises(PluginError, match=r"claimed twice: by plugin 'mine' 1.0 \(mine.py:3\) and by plugin 'late'"):
        registry.add(late)
    assert registry.names() == ["Dense", "Conv2D"]
    assert "Den" not in registry


def test_names_are_frozen(registry):
    registry.freeze()
    with pytest.raises(PluginError, match="frozen"):
        registry.add(record("Snake"))


def test_discarding_a_plugin_frees_its_names(registry):
    assert [r.name for r in registry.discard("mine")] == ["Dense"]
    assert registry.names() == ["Conv2D"]
    assert "dense" not in registry
    registry.add(record("dense"))


@pytest.mark.parametrize(
    ("asked", "near"), [("dens", "Dense"), ("DENSE", "Dense"), ("conv_2d", "Conv2D"), ("Conv3D", "Conv2D")]
)
def test_an_unknown_name_lists_near_ones(registry, asked, near):
    with pytest.raises(UnknownComponentError, match=f"no layer named '{asked}'.*Did you mean.*'{near}'") as caught:
        registry.get(asked)
    assert isinstance(caught.value, NotFoundError)
    assert isinstance(caught.value, PluginError)


def test_a_name_that_is_like_no_other(registry):
    with pytest.raises(UnknownComponentError, match="labkit plugins list"):
        registry.get("zzz")


@pytest.mark.parametrize(
    ("target", "cause"),
    [
        ("no_such_module_at_all:x", "ModuleNotFoundError"),
        ("math:no_such_function", "AttributeError"),
        ("math:sqrt.no_such_attribute", "AttributeError"),
    ],
)
def test_a_target_that_is_not_there_names_plugin_and_cause(target, cause):
    registry = Registry(KINDS["layers"])
    registry.add(record("Broken", target=target))
    with pytest.raises(PluginError, match=rf"plugin 'mine' 1.0 \(mine.py:3\).*{cause}") as caught:
        registry.get("Broken")
    assert type(caught.value.__cause__).__name__ == cause


@pytest.mark.parametrize("name", ["", "2x", "a b", "a/b", "../a", None, "é"])
def test_names_that_are_refused(name):
    with pytest.raises(PluginError, match="name that is not allowed"):
        Component(name, "math:sqrt")
    with pytest.raises(PluginError, match="name that is not allowed"):
        Component("x", "math:sqrt", aliases=(name,))


@pytest.mark.parametrize("target", ["", "math", "math.sqrt", "math:", ":sqrt", "math:sqrt()", "os:path;import x", None])
def test_targets_that_are_refused(target):
    with pytest.raises(PluginError, match="target that is not allowed"):
        Component("x", target)


def test_aliases_are_a_tuple():
    with pytest.raises(PluginError, match=r"Write aliases=\('dense',\)"):
        Component("Dense", "math:sqrt", aliases="dense")
    assert Component("Dense", "math:sqrt", aliases=["dense"]).aliases == ("dense",)
