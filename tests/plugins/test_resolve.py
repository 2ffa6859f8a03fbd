"""From names and mappings to objects, and back."""

import functools

import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, PluginError, UnknownComponentError
from labkit.plugins import Component, Lab, hookimpl, resolve, settings_of, show, spec_of


class Penalty:
    """A regularizer with settings."""

    def __init__(self, size=1.0, *, power=2):
        self.size, self.power = size, power
        if power > 3:
            raise TypeError("this comes from inside")

    def __call__(self, weights):
        return weights

    def __repr__(self):
        return show(self)


def leaky(x, slope=0.1):
    return x * slope


def make_block(units):
    """A layer that a function makes."""
    return functools.partial(leaky, slope=units)


class Plugin:
    @hookimpl
    def labkit_regularizers(self):
        yield Component("Penalty", f"{__name__}:Penalty", aliases=("penalty",))

    @hookimpl
    def labkit_activations(self):
        yield Component("leaky", f"{__name__}:leaky")
        yield Component("hollow", "no_such_module:hollow")

    @hookimpl
    def labkit_layers(self):
        yield Component("Block", f"{__name__}:make_block")


@pytest.fixture(autouse=True)
def lab():
    with Lab([Plugin()]) as lab:
        yield lab


def test_a_name_makes_an_object():
    assert repr(resolve("regularizers", "penalty")) == "Penalty(size=1.0, power=2)"
    assert repr(resolve("regularizers", "Penalty", size=3.0)) == "Penalty(size=3.0, power=2)"


def test_a_mapping_holds_name_and_settings():
    spec = {"name": "penalty", "power": 3}
    assert repr(resolve("regularizers", spec, size=5.0, power=1)) == "Penalty(size=5.0, power=3)"
    assert spec == {"name": "penalty", "power": 3}


def test_an_object_stays_as_it_is_and_a_class_is_called():
    penalty = Penalty()
    assert resolve("regularizers", penalty, size=9.0) is penalty
    assert resolve("regularizers", Penalty, size=9.0).size == 9.0
    assert resolve("activations", leaky) is leaky


def test_a_function_is_itself_where_functions_are_meant():
    assert resolve("activations", "leaky") is leaky
    assert resolve("activations", {"name": "leaky", "slope": 0.5})(4.0) == 2.0


def test_a_function_is_a_factory_elsewhere():
    assert resolve("layers", {"name": "Block", "units": 3})(1.0) == 3
    with pytest.raises(InvalidArgumentError, match="missing a required argument: 'units'"):
        resolve("layers", "Block")


@pytest.mark.parametrize(
    ("kind", "spec", "text"),
    [
        ("regularizers", {"power": 2}, "stands for a regularizer has no name"),
        ("activations", {"name": 3}, "stands for an activation has no name"),
        (
            "regularizers",
            {"name": "penalty", "powr": 3},
            "'penalty'.*powr.*Its settings are size=1.0, power=2.*'power'",
        ),
        ("activations", {"name": "leaky", "slop": 3}, "activation 'leaky'.*slop.*Did you mean 'slope'"),
        ("regularizers", 3, "3 is no regularizer"),
        ("regularizers", None, "None is no regularizer"),
        ("optimizers", len, "no optimizer.*attribute minimize"),
        ("penalties", "penalty", "no kind of component named 'penalties'"),
    ],
)
def test_what_stands_for_nothing(kind, spec, text):
    with pytest.raises(InvalidArgumentError, match=text):
        resolve(kind, spec)


def test_a_type_error_from_inside_a_component_is_its_own():
    with pytest.raises(TypeError, match="this comes from inside"):
        resolve("regularizers", {"name": "penalty", "power": 4})


def test_names_that_cannot_be_provided():
    with pytest.raises(UnknownComponentError, match=r"no regularizer named 'penlty'.*Did you mean 'Penalty'"):
        resolve("regularizers", "penlty")
    with pytest.raises(PluginError, match=r"'hollow' \(activations\) cannot be loaded.*Plugin.*no_such_module"):
        resolve("activations", "hollow")


def test_a_spec_makes_an_equal_object():
    assert settings_of(Penalty(4.0)) == {"size": 4.0, "power": 2}
    spec = spec_of("regularizers", Penalty(4.0))
    assert spec == {"name": "Penalty", "size": 4.0, "power": 2}
    assert settings_of(resolve("regularizers", spec)) == settings_of(Penalty(4.0))
    assert spec_of("activations", leaky) == "leaky"
    with pytest.raises(InvalidArgumentError, match="has no name among the regularizers"):
        spec_of("regularizers", lk.Graph())


def test_attributes_of_a_family():
    with Lab([Plugin(), "labkit.optimizers.plugin"]):
        assert lk.regularizers.Penalty is Penalty
        assert "Penalty" in dir(lk.regularizers)
        with pytest.raises(AttributeError, match=r"alias.*lk\.regularizers\.Penalty"):
            lk.regularizers.penalty
        with pytest.raises(AttributeError, match="Did you mean 'Penalty'"):
            lk.regularizers.Penalt
        with pytest.raises(AttributeError):
            lk.regularizers.__wrapped__
        assert lk.optimizers.Optimizer.__name__ == "Optimizer"
        assert lk.optimizers.Adam.__name__ == "Adam"
    with pytest.raises(AttributeError, match="no optimizer named 'Adam'"):
        lk.optimizers.Adam
