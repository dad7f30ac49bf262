"""Animation: a GIF whose frames are one figure, changed from frame to frame."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from figures.drawing.recorded_figure import Drawing

FRAME_MS, LAST_FRAME_MS = 200, 2500


class Animation(Drawing):
    """Drawing that becomes a GIF.

    Parameters
    ----------
    figure : Figure
        Figure with all that a frame shows.
    n_frames : int
        Number of frames.
    show : callable
        Changes the figure to a frame, 0 to n_frames - 1. The last frame decides where the panels are.
    """

    def __init__(self, figure: Figure, n_frames: int, show: Callable[[int], None]):
        super().__init__(figure)
        self.n_frames, self._show = n_frames, show

    def pictures(self, preview: bool = False) -> dict[str, bytes]:
        """Return the content of the .gif file, by suffix."""
        last = self._frame(self.n_frames - 1)
        self.figure.set_layout_engine("none")  # one layout for all frames: only the numbers move
        frames = [*(self._frame(i) for i in range(self.n_frames - 1)), last]
        sample = np.concatenate([np.asarray(frames[i]) for i in (0, len(frames) // 2, -1)])
        palette = Image.fromarray(sample).quantize()  # one for all frames, so that no colour flickers
        colours = np.array(palette.getpalette()).reshape(-1, 3)
        colours[(colours >= 248).all(axis=1)] = 255  # nearly white becomes white
        palette.putpalette(colours.ravel().tolist())
        drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
        content = io.BytesIO()
        duration = [FRAME_MS] * (len(drawn) - 1) + [LAST_FRAME_MS]
        drawn[0].save(content, "GIF", save_all=True, append_images=drawn[1:], duration=duration, loop=0)
        return {".gif": content.getvalue()}

    def _frame(self, i: int) -> Image.Image:
        """Return frame i as an image."""
        self._show(i)
        canvas = self.figure.canvas
        if not isinstance(canvas, FigureCanvasAgg):  # a window's
            canvas = FigureCanvasAgg(self.figure)
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
