import json
import pickle
import sys

import matplotlib.figure
import numpy
import pytest

from axonlog import media
from axonlog.errors import AxonlogError, EventError
from axonlog.events import ArtifactKind
from axonlog.media import _encode
from support.scripts import run_code

IMAGE = numpy.zeros((3, 4, 5))


@pytest.mark.parametrize("encoder", ["", "snapshot", "encode", "os", "../image", "image.x"])
def test_only_an_encoder_is_imported_by_name(encoder):
    with pytest.raises(EventError, match="audio, image"):
        media.encode(media.Snapshot(ArtifactKind.IMAGE, encoder))


@pytest.mark.parametrize("encoder", sorted(_encode.ENCODERS))
def test_every_encoder_has_a_module(encoder):
    module = getattr(__import__(f"axonlog.media._{encoder}").media, f"_{encoder}")
    assert callable(module.encode)


@pytest.mark.parametrize(
    "snapshot",
    [
        media.take_image(IMAGE),
        media.take_image(IMAGE.transpose(1, 2, 0), dataformats="HWC", rescale=2, ext="jpg"),
        media.take_boxes(IMAGE, numpy.array([[1, 1, 3, 3]], dtype=numpy.float32)),
        media.take_figure(matplotlib.figure.Figure(figsize=(1, 1))),
        media.take_audio(numpy.zeros(4, numpy.float32), sample_rate=numpy.int64(8000)),
        media.take_video(numpy.zeros((2, 3, 4, 5)), fps=numpy.float32(2)),
        media.take_text("a"),
        media.take_html("a"),
    ],
    ids=lambda snapshot: snapshot.kind.value,
)
def test_a_snapshot_is_json_and_bytes_and_encodes_alike_elsewhere(snapshot):
    parameters = json.loads(json.dumps(snapshot.parameters))
    elsewhere = media.Snapshot(
        ArtifactKind(snapshot.kind.value),
        snapshot.encoder,
        parameters,
        tuple(bytearray(buffer) for buffer in pickle.loads(pickle.dumps(snapshot.buffers))),
    )
    encoded = media.encode(snapshot)
    assert media.encode(elsewhere) == encoded
    assert json.loads(json.dumps(encoded.row)) == encoded.row


@pytest.fixture
def without(monkeypatch):
    """Take a library away, with its modules that other tests have imported."""

    def remove(library):
        for name in [name for name in sys.modules if name.split(".")[0] == library]:
            monkeypatch.setitem(sys.modules, name, None)

    return remove


TAKES = {
    "numpy": [
        lambda: media.take_image(IMAGE),
        lambda: media.take_boxes(IMAGE, []),
        lambda: media.take_audio([0.5]),
        lambda: media.take_video(IMAGE),
    ],
    "PIL": [
        lambda: media.take_image(IMAGE),
        lambda: media.take_boxes(IMAGE, [0, 0, 1, 1]),
        lambda: media.take_video(IMAGE),
    ],
}


@pytest.mark.parametrize(
    ("library", "take"), [(library, take) for library, takes in TAKES.items() for take in takes]
)
def test_without_a_library_the_error_says_what_to_install(without, library, take):
    without(library)
    with pytest.raises(media.DependencyError, match=f"without {library}.*axonlog.media") as raised:
        take()
    assert isinstance(raised.value, (AxonlogError, ImportError))
    assert raised.value.name.split(".")[0] == library


def test_without_matplotlib_a_figure_says_what_to_install(without):
    figure = matplotlib.figure.Figure()
    without("matplotlib")
    with pytest.raises(media.DependencyError, match="pip install 'matplotlib'"):
        media.take_figure(figure)


def test_files_and_sound_and_text_need_less(without, tmp_path):
    without("PIL")
    sound = media.take_audio([0.5])
    assert media.encode(sound).row["length_frames"] == 1
    without("numpy")
    path = tmp_path / "a.png"
    path.write_bytes(b"")
    assert media.encode(media.take_image(path)) == media.Encoded({}, media.Asset(path, "png"))
    assert media.encode(media.take_audio(path)).row == {}
    assert media.encode(media.take_video(path)).row == {"content_type": "png"}
    assert media.encode(media.take_text("a")).row == "a"


def test_importing_the_package_imports_no_module_of_it_and_no_library(tmp_path):
    done = run_code(
        "import sys, axonlog.media\n"
        "print(sorted(name for name in sys.modules if name.startswith('axonlog.media')))\n"
        "print([name for name in ('numpy', 'PIL', 'matplotlib', 'wave') if name in sys.modules])\n",
        tmp_path,
    )
    assert done.stdout.splitlines() == ["['axonlog.media']", "[]"]


def test_every_name_of_the_package_is_there():
    assert set(media.__all__) <= set(dir(media))
    assert all(getattr(media, name) is not None for name in media.__all__)
    with pytest.raises(AttributeError, match=r"axonlog\.media"):
        _ = media.take_nothing
