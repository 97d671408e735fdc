"""What a run shows: images, sounds, videos and texts, each at a step."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import axonlog.media as media
from axonlog.events import check_name, to_step, to_timestamp

from ._run_base import RunBase, recording


class RunMedia(RunBase):
    """The part of a run that keeps media.

    A call checks the value, copies it to the run's disk and returns. The copy is encoded in the
    background; what a process leaves behind is encoded when the run is opened again.
    """

    @recording
    def log_image(
        self,
        data: Any,
        name: str | None = None,
        step: int | None = None,
        timestamp: Any = None,
        rescale: float = 1,
        dataformats: str = "CHW",
        ext: str | None = None,
    ) -> None:
        """Record an image.

        Args:
            data: A path; an array, tensor or nested lists: uint8, or floats in 0..1; an image of
                Pillow; a figure of matplotlib; or a list of these, shown as a grid.
            name: Name of the series; ``image``, or the file's name, if not given.
            step: See ``log_metric``.
            timestamp: See ``log_metric``.
            rescale: Factor for height and width of the kept image.
            dataformats: The axes of an array: ``HW``, ``CHW``, ``HWC``, ``NCHW`` or ``NHWC``.
            ext: The format, such as ``png`` or ``jpg``.

        Raises:
            EventError: The value is no image, or its shape does not fit ``dataformats``.
            DependencyError: NumPy or Pillow is not installed: ``pip install 'axonlog[media]'``.
        """
        snapshot = media.take_image(data, rescale=rescale, dataformats=dataformats, ext=ext)
        self._log_event(name, snapshot, step, timestamp, default="image")

    @recording
    def log_image_with_boxes(
        self,
        tensor_image: Any,
        tensor_boxes: Any,
        name: str | None = None,
        step: int | None = None,
        timestamp: Any = None,
        rescale: float = 1,
        dataformats: str = "CHW",
    ) -> None:
        """Record an image with red boxes on it; other arguments as for ``log_image``.

        Args:
            tensor_image: As ``data`` of ``log_image``.
            tensor_boxes: Shape ``(n, 4)``: left, top, right and bottom, in pixels.
            name: Name of the series; ``figure`` if not given.
            step: See ``log_metric``.
            timestamp: See ``log_metric``.
            rescale: See ``log_image``.
            dataformats: See ``log_image``.
        """
        snapshot = media.take_boxes(
            tensor_image, tensor_boxes, rescale=rescale, dataformats=dataformats
        )
        self._log_event(name, snapshot, step, timestamp, default="figure")

    @recording
    def log_mpl_image(
        self,
        data: Any,
        name: str | None = None,
        close: bool = True,
        step: int | None = None,
        timestamp: Any = None,
    ) -> None:
        """Record a figure of matplotlib as an image.

        Args:
            data: A figure, axes or ``pyplot``; a list of them becomes a grid.
            name: Name of the series; ``figure`` if not given.
            close: Whether pyplot forgets the figure afterwards.
            step: See ``log_metric``.
            timestamp: See ``log_metric``.
        """
        self._log_event(
            name, media.take_figure(data, close=close), step, timestamp, default="figure"
        )

    @recording
    def log_audio(
        self,
        data: Any,
        name: str | None = None,
        sample_rate: int = 44100,
        step: int | None = None,
        timestamp: Any = None,
        content_type: str | None = None,
    ) -> None:
        """Record a sound.

        Args:
            data: A path; or samples of shape ``(frames,)``, ``(channels, frames)`` or
                ``(frames, channels)``: floats in -1..1, or integers that fill their range.
            name: Name of the series; ``audio``, or the file's name, if not given.
            sample_rate: Frames a second, of an array.
            step: See ``log_metric``.
            timestamp: See ``log_metric``.
            content_type: ``wav`` for an array.

        Raises:
            EventError: The value is no sound.
            DependencyError: NumPy is not installed: ``pip install 'axonlog[media]'``.
        """
        snapshot = media.take_audio(data, sample_rate=sample_rate, content_type=content_type)
        self._log_event(name, snapshot, step, timestamp, default="audio")

    @recording
    def log_video(
        self,
        data: Any,
        name: str | None = None,
        fps: float = 4,
        step: int | None = None,
        timestamp: Any = None,
        content_type: str | None = None,
    ) -> None:
        """Record a video; an array becomes a GIF.

        Args:
            data: A path; or frames of shape ``(batch, time, channels, height, width)`` or
                ``(time, channels, height, width)``: uint8, or floats in 0..1.
            name: Name of the series; ``video``, or the file's name, if not given.
            fps: Frames a second, of an array.
            step: See ``log_metric``.
            timestamp: See ``log_metric``.
            content_type: ``gif`` for an array.

        Raises:
            EventError: The value is no video.
            DependencyError: NumPy or Pillow is not installed: ``pip install 'axonlog[media]'``.
        """
        snapshot = media.take_video(data, fps=fps, content_type=content_type)
        self._log_event(name, snapshot, step, timestamp, default="video")

    @recording
    def log_text(
        self, name: str, text: str, step: int | None = None, timestamp: Any = None
    ) -> None:
        """Record a text of any length.

        Raises:
            EventError: It is not a string.
        """
        self._log_event(name, media.take_text(text), step, timestamp)

    @recording
    def log_html(
        self, name: str, html: str, step: int | None = None, timestamp: Any = None
    ) -> None:
        """Record a piece of HTML of any length.

        Raises:
            EventError: It is not a string.
        """
        self._log_event(name, media.take_html(html), step, timestamp)

    def _log_event(
        self,
        name: str | None,
        snapshot: media.Snapshot,
        step: int | None,
        timestamp: Any,
        *,
        default: str = "",
    ) -> None:
        """Record one event of any kind of media: the one way into the run."""
        if name is None:
            name = snapshot.source.name.partition(".")[0] if snapshot.source else default
        name = check_name(name)
        position = to_step(step)
        moment = datetime.now(timezone.utc) if timestamp is None else to_timestamp(timestamp)
        recorder = self._open
        if not self.context.collect_artifacts.value:
            recorder.report_dropped_media(snapshot.kind.value)
            return
        with recorder.tolerating_disk_failure():
            recorder.media.put(name, position, moment, snapshot)
