"""Train scikit-learn's perceptron on its handwritten digits, tracked from a plain loop.

python examples/plain.py                               # kept under ./axonlog_data
python examples/plain.py --host http://localhost:8000  # and sent to a Polyaxon server

No framework is needed, and no integration: `axonlog.init` and `axonlog.log_metrics` do.
Needs `pip install . scikit-learn`.
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import axonlog
from axonlog.client import ClientConfig, PolyaxonClient


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", help="address of a Polyaxon server; without one: offline")
    parser.add_argument("--project", default="digits")
    parser.add_argument("--epochs", type=int, default=15)
    return parser.parse_args()


def main() -> None:
    args = arguments()
    run = axonlog.init(
        project=args.project,
        name="plain-digits",
        tags=["example", "scikit-learn"],
        is_offline=args.host is None,
        client=PolyaxonClient(ClientConfig(host=args.host)) if args.host else None,
    )

    images, labels = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        images.astype(np.float32) / 16, labels, test_size=0.2, stratify=labels, random_state=0
    )
    inputs = {"hidden_layer_sizes": (64,), "learning_rate_init": 0.01, "batch_size": 32}
    model = MLPClassifier(**inputs, random_state=0)
    axonlog.log_inputs(inputs)

    for epoch in range(1, args.epochs + 1):
        model.partial_fit(x_train, y_train, classes=np.unique(labels))
        axonlog.log_metrics(
            step=epoch,
            train_loss=log_loss(y_train, model.predict_proba(x_train)),
            test_loss=log_loss(y_test, model.predict_proba(x_test)),
            test_accuracy=model.score(x_test, y_test),
        )

    print(f"test accuracy {model.score(x_test, y_test):.3f}")
    print(f"run {run.run_uuid} in {run.get_artifacts_path()}")
    axonlog.end()


if __name__ == "__main__":
    main()
