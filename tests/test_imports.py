"""What `import twingrad` loads, what it offers, and what it says of a package that is missing."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

import twingrad as tg
from twingrad import engine, nn, viz

ROOT = Path(__file__).parents[1]
OPTIONAL = ["IPython", "graphviz", "matplotlib", "pygraphviz", "scipy", "sklearn", "tqdm"]


def run(program: str) -> str:
    """What a program prints in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# What is loaded


def test_importing_twingrad_imports_numpy_and_no_optional_package() -> None:
    loaded = run(f"import sys, twingrad; print([m for m in {OPTIONAL} if m in sys.modules])")
    assert loaded == "[]"


def test_numpy_alone_is_enough_to_train_both_twins_and_to_draw_a_graph() -> None:
    program = f"""
import sys
sys.modules |= dict.fromkeys({OPTIONAL})
import twingrad as tg
from twingrad import nn
X, y = nn.data.xor()
mlp = nn.MLP(2, [4, 1], rng=2)
for model, targets in ((mlp, y), (mlp.to_tensor(), y[:, None])):
    sgd = nn.SGD(model.parameters(), lr=0.5, momentum=0.9)
    nn.fit(model, X, targets, loss=nn.mse_loss, optimizer=sgd, epochs=200, progress=False)
    print(((nn.predict(model, X).ravel() > 0.5) == y).all())
print(tg.viz.draw(mlp([1.0, 0.0])).svg().count("<svg"))
"""
    assert run(program).split() == ["True", "True", "1"]


# What is offered

ENGINE = """
    Value Tensor exp log sqrt tanh sigmoid relu leaky_relu gelu softplus sin cos maximum minimum
    where concatenate stack matmul sum dot logsumexp softmax log_softmax mean max min var std
    reshape transpose squeeze expand_dims broadcast_to clip apply zero_grad no_grad grad
    value_and_grad vjp jvp jacobian hessian hvp gradcheck ShapeError AnomalyError GraphError
""".split()
NN = """
    Module Neuron Layer MLP Linear Sequential ReLU LeakyReLU Tanh Sigmoid GELU Softplus Softmax
    Dropout BatchNorm1d LayerNorm Residual Conv2d MaxPool2d AvgPool2d Flatten
    mse_loss l1_loss huber_loss hinge_loss binary_cross_entropy_with_logits cross_entropy nll_loss
    init SGD Adam AdamW RMSprop Lion StepLR ExponentialLR CosineAnnealing WarmupCosine OneCycle
    CyclicLR schedule clip_grad_norm clip_grad_value lr_range_test fit History EarlyStopping
    Checkpoint save load data predict summary Callback
""".split()
INIT = "xavier_uniform xavier_normal he_uniform he_normal lecun_normal orthogonal uniform zeros"
VIZ = """
    draw plot_history plot_decision_boundary plot_confusion_matrix plot_misclassified plot_weights
    plot_lr_range
""".split()


@pytest.mark.parametrize("name", ENGINE)
def test_the_engine_is_offered_by_the_package_itself(name: str) -> None:
    assert callable(getattr(tg, name))
    assert getattr(tg, name) is getattr(engine, name)
    assert name in tg.__all__


@pytest.mark.parametrize("name", NN)
def test_models_and_training_are_offered_by_nn(name: str) -> None:
    assert hasattr(nn, name)
    assert name in nn.__all__


def test_initialisers_data_and_drawings_go_by_their_names() -> None:
    assert all(callable(getattr(nn.init, name)) for name in INIT.split())
    assert all(callable(getattr(nn.data, name)) for name in ("mnist", "digits", "moons", "xor"))
    assert callable(nn.data.train_test_split)
    assert all(callable(getattr(viz, name)) for name in VIZ)
    assert (tg.nn, tg.viz) == (nn, viz)


@pytest.mark.parametrize("module", [tg, engine, nn, viz])
def test_everything_announced_is_there_once(module: object) -> None:
    names = list(vars(module)["__all__"])
    assert len(set(names)) == len(names)
    assert all(hasattr(module, name) for name in names)


def test_what_is_offered_says_what_it_is() -> None:
    for module in (tg, nn, viz):
        for name in vars(module)["__all__"]:
            assert (getattr(module, name).__doc__ or "").strip(), name


def test_errors_are_the_kinds_that_python_has_for_them() -> None:
    assert issubclass(tg.ShapeError, ValueError)
    assert issubclass(tg.AnomalyError, ArithmeticError)
    assert issubclass(tg.GraphError, RuntimeError)


def test_the_version_is_that_of_the_project_and_types_are_announced() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert tg.__version__ == project["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", tg.__version__)
    assert (files("twingrad") / "py.typed").is_file()


def test_only_numpy_is_required() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [requirement[:5] for requirement in project["dependencies"]] == ["numpy"]
    assert {"viz", "learn", "all", "dev"} <= set(project["optional-dependencies"])


# What is missing


@pytest.mark.parametrize(
    "ask",
    [
        nn.data.digits,
        nn.data.moons,
        lambda: nn.data.train_test_split([[0.0], [1.0]], [0, 1], 0.5),
    ],
)
def test_without_scikit_learn_its_data_names_what_to_install(
    ask: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(
        ImportError, match=r'scikit-learn, which is missing.*pip install "twingrad\[learn\]"'
    ):
        ask()
