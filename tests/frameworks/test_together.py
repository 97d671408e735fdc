import lightning.pytorch as pl
import pytest

import axonlog
from axonlog_keras import AxonCallback
from axonlog_lightning import AxonLogger
from support.kept import curves, only_run, record_of
from support.keras_digits import fit
from support.keras_digits import make_model as make_keras_model
from support.lightning_digits import loader, make_model, make_trainer

pytestmark = [
    pytest.mark.frameworks,
    # Advice on loading data faster, which a test of 32 images does not need.
    pytest.mark.filterwarnings("ignore:The '.*_dataloader' does not have many workers"),
    # Lightning 2.6 uses a class of torch that torch 2.13 deprecates.
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    # Keras 3.15 turns its variables into arrays in a way that numpy 2 deprecates.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword"),
]


def test_lightning_keras_and_the_script_share_one_run(work):
    logger = AxonLogger(project="digits", is_offline=True)
    trainer = make_trainer(pl, logger=logger, max_epochs=1, enable_checkpointing=False)
    trainer.fit(make_model(pl), loader(1), loader(1))
    fit(make_keras_model(), [AxonCallback(prefix="head")], epochs=1)
    axonlog.log_outputs(done=True)
    axonlog.end()

    directory = only_run(work)
    assert {"train_loss_step", "head__loss"} <= curves(directory)
    record = record_of(directory)
    assert (record.outputs["done"], record.status) == (True, "succeeded")
