"""Loading plugins: order, provenance, the environment, and what a broken plugin costs."""

import sys
import threading
import types

import pytest

from labkit.errors import InvalidArgumentError, PluginError, UnknownComponentError
from labkit.plugins import KINDS, Component, Lab, PluginWarning, current_lab, doctor, hookimpl, installed, rows

GOOD = """
    from labkit.plugins import Component, hookimpl

    @hookimpl
    def labkit_activations():
        yield Component("snake", "{module}:snake", aliases=("wave",))

    def snake(x):
        return x
"""


def good(module):
    return GOOD.format(module=module)


def names(lab):
    return {kind: lab.registry(kind).names() for kind in KINDS}


def test_an_installed_plugin_is_found_with_its_origin(distribution):
    folder = distribution("labkit-snake", {"snake": "good_snake"}, good_snake=good("good_snake"))
    with Lab() as lab:
        assert "good_snake" in sys.modules
        record = lab.registry("activations").find("wave")
        assert (record.name, record.plugin, record.version) == ("snake", "snake", "1.2")
        assert (record.file, record.line) == (str(folder / "good_snake.py"), 6)
        assert current_lab().registry("activations").get("snake")(3) == 3
    row = next(row for row in rows(lab) if row.name == "snake")
    assert (row.kind, row.plugin, row.version, row.status, row.aliases) == (
        "activations",
        "snake",
        "1.2",
        "ok",
        ("wave",),
    )
    assert row.origin == f"{folder / 'good_snake.py'}:6"
    assert "plugin 'snake' (labkit-snake 1.2): 1 components, ok" in doctor(lab)


def test_a_distribution_without_metadata_still_provides_its_plugin(distribution):
    folder = distribution("labkit-bare", {"bare": "bare_plugin"}, bare_plugin=good("bare_plugin"))
    (folder / "labkit_bare-1.2.dist-info" / "METADATA").unlink()
    lab = Lab()
    assert lab.registry("activations").find("snake").plugin == "bare"
    assert [s.distribution for s in lab.plugins if s.name == "bare"] == ["an unnamed distribution"]


def test_registering_imports_no_target(distribution):
    distribution(
        "labkit-lazy", {"lazy": "lazy_plugin"},
        lazy_plugin="""
            from labkit.plugins import Component, hookimpl
            @hookimpl
            def labkit_layers():
                yield Component("Lazy", "lazy_target:Lazy")
        """,
        lazy_target="class Lazy: pass",
    )  # fmt: skip
    lab = Lab()
    assert rows(lab)
    assert "lazy_target" not in sys.modules
    assert lab.registry("layers").get("Lazy").__name__ == "Lazy"


def test_built_ins_come_first_then_distributions_by_name(distribution):
    distribution("b-plugin", {"b": "b_plugin"}, b_plugin=good("b_plugin"))
    distribution("A_plugin", {"a": "a_plugin"}, a_plugin=good("a_plugin"))
    sources = installed()
    distributions = list(dict.fromkeys(source.distribution for source in sources))
    assert distributions[0] == "labkit"
    assert distributions.index("A_plugin") < distributions.index("b-plugin")


def test_of_two_plugins_with_one_name_the_first_keeps_it(distribution):
    distribution("labkit-a", {"a": "clash_a"}, clash_a=good("clash_a"))
    distribution("labkit-b", {"b": "clash_b"}, clash_b=good("clash_b"))
    with pytest.warns(
        PluginWarning, match=r"'b' \(labkit-b 1.2\) failed.*'snake'.*plugin 'a' 1.2.*plugin 'b' 1.2"
    ) as caught:
        lab = Lab()
    assert len(caught) == 1
    assert lab.registry("activations").find("snake").plugin == "a"


BROKEN = {
    "missing module": ({"bad": "no_such_module_anywhere"}, None, "ModuleNotFoundError"),
    "missing import": ({"bad": "bad_module"}, "import no_such_dependency", "no_such_dependency"),
    "syntax error": ({"bad": "bad_module"}, "def f(:", "SyntaxError"),
    "raises when imported": ({"bad": "bad_module"}, "1 / 0", "ZeroDivisionError"),
    "exits when imported": ({"bad": "bad_module"}, "import sys\nsys.exit(3)", "SystemExit: 3"),
    "missing attribute": ({"bad": "bad_module:plugin"}, "", "AttributeError"),
    "malformed entry point": ({"bad": "bad module!"}, None, "AttributeError|ValueError|ModuleNotFound|TypeError"),
    "unreadable entry points": ("[labkit]\nbad\n", None, "entry_points.txt cannot be read"),
    "binary entry points": (b"[labkit]\nbad = x\xff\xfe", None, "entry_points.txt cannot be read"),
    "misspelt hook": ({"bad": "bad_module"}, "labkit_layer|yield Component('X', 'm:x')", "mean 'labkit_layers'"),
    "unknown argument": ({"bad": "bad_module"}, "labkit_layers(lab)|yield Component('X', 'm:x')", "lab"),
    "no hook": ({"bad": "bad_module"}, "x = 1", "implements no hook"),
    "not marked": ({"bad": "bad_module"}, "def labkit_layers():\n    yield 1", "not marked.*@hookimpl"),
    "hook raises": (
        {"bad": "bad_module"}, "labkit_layers|yield Component('BadLayer', 'm:x', ('bad',)); raise OSError('disk')",
        "OSError: disk",
    ),
    "hook returns nothing": ({"bad": "bad_module"}, "labkit_layers|pass", "gave no components.*None"),
    "hook returns text": ({"bad": "bad_module"}, "labkit_layers|return 'Dense'", "gave no components"),
    "hook yields a class": ({"bad": "bad_module"}, "labkit_layers|yield int", r"bad_module.py:5.*no Component.*int"),
    "bad name": ({"bad": "bad_module"}, "labkit_layers|yield Component('a b', 'm:x')", "name that is not allowed"),
    "bad target": ({"bad": "bad_module"}, "labkit_layers|yield Component('BadLayer', 'm')", "target that is not allowed"),
    "clash with a built-in": ({"bad": "bad_module"}, "labkit_layers|yield Component('Dense', 'm:x')", "'Dense'.*'layers'"),
    "clash with itself": (
        {"bad": "bad_module"}, "labkit_layers|yield Component('BadLayer', 'm:x'); yield Component('BadLayer', 'm:y')",
        "claimed twice",
    ),
    "name of another plugin": ({"layers": "bad_module"}, "x = 1", "'layers' is taken"),
    "endless names": ({"bad": "bad_module"}, "labkit_layers|while True: yield Component('BadLayer', 'm:x')", "claimed twice"),
}  # fmt: skip


def broken_module(text):
    if text is None:
        return {}
    if "|" not in text:
        return {"bad_module": text}
    hook, body = text.split("|")
    head = "from labkit.plugins import Component, hookimpl\n\n@hookimpl\n"
    return {"bad_module": f"{head}def {hook if '(' in hook else hook + '()'}:\n    {body}\n"}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_costs_only_itself(distribution, case):
    points, text, cause = BROKEN[case]
    healthy = names(Lab())
    distribution("labkit-zgood", {"zgood": "good_plugin"}, good_plugin=good("good_plugin"))
    distribution("labkit-bad", points, **broken_module(text))
    with pytest.warns(PluginWarning, match=cause) as caught:
        lab = Lab()
    assert len(caught) == 1, "one warning for one plugin"
    assert "labkit-bad" in str(caught[0].message)
    assert "labkit plugins doctor" in str(caught[0].message)
    expected = {kind: [*known, "snake"] if kind == "activations" else known for kind, known in healthy.items()}
    assert names(lab) == expected, "what the plugin had registered is rolled back, all others are there"
    assert len(lab.failures) == 1
    report = doctor(lab)
    assert "1 of " in report
    assert "need attention" in report
    assert "labkit-bad" in report
    assert rows(lab)[-1].kind == "plugin"
    assert rows(lab)[-1].status.startswith("failed: ")
    with pytest.raises(PluginError, match="labkit-bad") as strict:
        Lab(strict=True)
    assert strict.value.__cause__ is not None


def test_the_traceback_is_kept_for_the_doctor(distribution):
    distribution("labkit-bad", {"bad": "bad_module"}, bad_module="def deep():\n    1 / 0\ndeep()")
    with pytest.warns(PluginWarning):
        lab = Lab()
    assert 'bad_module.py", line 2, in deep' in doctor(lab)


def test_an_unknown_name_tells_of_the_plugin_that_failed_to_provide_it(distribution):
    distribution("labkit-bad", BROKEN["hook raises"][0], **broken_module(BROKEN["hook raises"][1]))
    with pytest.warns(PluginWarning):
        lab = Lab()
    for name in ("BadLayer", "bad"):
        with pytest.raises(UnknownComponentError, match=r"'bad' \(labkit-bad 1.2\) provides it, but .*OSError: disk"):
            lab.registry("layers").get(name)
    with pytest.raises(UnknownComponentError, match=r"may belong to one of these: plugin 'bad' \(labkit-bad 1.2\)"):
        lab.registry("optimizers").get("BadOptimizer")


def test_the_doctor_imports_every_component(distribution):
    text = """
        from labkit.plugins import Component, hookimpl
        @hookimpl
        def labkit_layers():
            yield Component("Hollow", "hollow_target:Hollow")
    """
    distribution(
        "labkit-hollow", {"hollow": "hollow_plugin"}, hollow_plugin=text, hollow_target="raise OSError('no disk')"
    )
    lab = Lab()
    report = doctor(lab)
    assert "plugin 'hollow' (labkit-hollow 1.2): 1 components, 1 of its components cannot be loaded" in report
    assert 'hollow_target.py", line 1' in report
    with pytest.raises(
        PluginError, match=r"'Hollow' \(layers\) cannot be loaded: plugin 'hollow' 1.2.*OSError: no disk"
    ):
        lab.registry("layers").get("Hollow")


def test_a_healthy_lab():
    assert doctor(Lab([plugin("Snake")])).endswith("All well.") is False
    assert doctor(Lab(["labkit.activations.plugin"])).endswith("All well.")


# --- which plugins ---


def test_labkit_plugins_lists_plugins_or_distributions(distribution, monkeypatch):
    distribution("labkit-snake", {"snake": "good_snake"}, good_snake=good("good_snake"))
    monkeypatch.setenv("LABKIT_PLUGINS", "snake, losses")
    assert [source.name for source in Lab().plugins] == ["losses", "snake"]
    monkeypatch.setenv("LABKIT_PLUGINS", "labkit")
    assert "snake" not in [source.name for source in Lab().plugins]
    assert set(KINDS) <= {source.name for source in Lab().plugins}
    monkeypatch.setenv("LABKIT_PLUGINS", "snaje")
    with pytest.raises(PluginError, match=r"'snaje', which is not installed.*Did you mean 'snake'"):
        Lab()


@pytest.mark.parametrize(("value", "none"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_labkit_no_plugins(monkeypatch, value, none):
    monkeypatch.setenv("LABKIT_NO_PLUGINS", value)
    lab = Lab()
    assert (not lab.plugins) is none
    if none:
        with pytest.raises(UnknownComponentError, match="No plugin is loaded"):
            lab.registry("layers").get("Dense")


def test_labkit_strict_plugins(distribution, monkeypatch):
    distribution("labkit-bad", {"bad": "no_such_module_anywhere"})
    monkeypatch.setenv("LABKIT_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="no_such_module_anywhere"):
        Lab()


# --- plugins that a program hands over ---


def plugin(*layers, name="handmade"):
    """A module that registers layers of these names."""
    module = types.ModuleType(name)

    @hookimpl
    def labkit_layers():
        for layer in layers:
            yield Component(layer, f"{name}:{layer}")

    module.labkit_layers = labkit_layers
    return module


def test_modules_objects_and_names_can_be_handed_over():
    class Plugin:
        @hookimpl
        def labkit_optimizers(self):
            return [Component("Own", "math:sqrt")]

    lab = Lab([plugin("Snake"), Plugin(), "labkit.losses.plugin"])
    assert names(lab)["layers"] == ["Snake"]
    assert names(lab)["optimizers"] == ["Own"]
    assert names(lab)["losses"] == names(current_lab())["losses"]
    record = lab.registry("optimizers").find("Own")
    assert record.plugin.endswith("Plugin")
    assert record.file == __file__
    assert [record.line for record in lab.registry("layers").records()] == [plugin.__code__.co_firstlineno + 7]


def test_installed_plugins_and_one_more():
    lab = Lab([*installed(), plugin("Snake")])
    assert set(names(lab)["layers"]) == {*names(current_lab())["layers"], "Snake"}


def test_the_names_of_a_lab_are_frozen():
    lab = Lab([plugin("Snake")])
    with pytest.raises(PluginError, match="frozen"):
        lab.registry("layers").add(lab.registry("layers").find("Snake"))


def test_an_unknown_kind():
    with pytest.raises(InvalidArgumentError, match="Did you mean 'layers'"):
        current_lab().registry("layer")


def test_labs_stack_in_each_thread():
    default, seen = current_lab(), []
    with Lab([plugin("A")]) as outer, Lab([plugin("B")]) as inner:
        assert current_lab() is inner
        thread = threading.Thread(target=lambda: seen.append(current_lab()))
        thread.start()
        thread.join()
    assert outer is not inner
    assert seen == [default]
    assert current_lab() is default


def test_a_plugin_may_look_up_names_while_it_is_imported(distribution):
    text = good("curious") + "\n    from labkit.layers import Dense\n    class Wide(Dense): pass\n"
    distribution("labkit-curious", {"curious": "curious"}, curious=text)
    with Lab() as lab:
        assert not lab.failures
        assert sys.modules["curious"].Wide.__mro__[1] is lab.registry("layers").get("Dense")


def test_keyboard_interrupt_is_no_broken_plugin():
    def interrupt():
        raise KeyboardInterrupt

    module = types.ModuleType("interrupting")
    module.labkit_layers = hookimpl(interrupt, specname="labkit_layers")
    module.interrupt = module.labkit_layers
    before = current_lab()
    with pytest.raises(KeyboardInterrupt):
        Lab([module])
    assert current_lab() is before
