"""Train, and come to the end that the command line asks for: PACKAGE ENDING."""

import os
import signal
import sys

from axonlog_lightning import AxonLogger
from support.lightning_digits import loader, make_model, make_trainer, package


class Ends:
    """What a training step does when it comes to its third batch."""

    def failure(self):
        raise ValueError("loss is NaN")

    def interrupt(self):
        raise KeyboardInterrupt

    def sigterm(self):
        os.kill(os.getpid(), signal.SIGTERM)

    def killed(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def exit(self):
        sys.exit(0)

    def success(self):
        pass


def main(name, ending):
    pl = package(name)
    model = make_model(pl)
    step = model.training_step

    def ending_step(batch, batch_idx):
        if batch_idx == 2:
            getattr(Ends(), ending)()
        return step(batch, batch_idx)

    model.training_step = ending_step
    logger = AxonLogger(project="digits", is_offline=True)
    make_trainer(pl, logger=logger, enable_checkpointing=False).fit(model, loader(5))


if __name__ == "__main__":
    main(*sys.argv[1:])
