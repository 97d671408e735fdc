"""The methods of `Run` as functions that speak to the current run.

Written by `make functions`; a test compares it with `Run`.
"""

from ._functions import of_current_run
from ._run import Run

end = of_current_run(Run.end)
get_artifacts_path = of_current_run(Run.get_artifacts_path)
get_outputs_path = of_current_run(Run.get_outputs_path)
get_tensorboard_path = of_current_run(Run.get_tensorboard_path)
log_artifact = of_current_run(Run.log_artifact)
log_artifact_lineage = of_current_run(Run.log_artifact_lineage)
log_artifact_ref = of_current_run(Run.log_artifact_ref)
log_audio = of_current_run(Run.log_audio)
log_code_ref = of_current_run(Run.log_code_ref)
log_data_ref = of_current_run(Run.log_data_ref)
log_dir_ref = of_current_run(Run.log_dir_ref)
log_env = of_current_run(Run.log_env)
log_failed = of_current_run(Run.log_failed)
log_file_ref = of_current_run(Run.log_file_ref)
log_html = of_current_run(Run.log_html)
log_image = of_current_run(Run.log_image)
log_image_with_boxes = of_current_run(Run.log_image_with_boxes)
log_inputs = of_current_run(Run.log_inputs)
log_meta = of_current_run(Run.log_meta)
log_model = of_current_run(Run.log_model)
log_model_ref = of_current_run(Run.log_model_ref)
log_mpl_image = of_current_run(Run.log_mpl_image)
log_outputs = of_current_run(Run.log_outputs)
log_progress = of_current_run(Run.log_progress)
log_status = of_current_run(Run.log_status)
log_stopped = of_current_run(Run.log_stopped)
log_succeeded = of_current_run(Run.log_succeeded)
log_tags = of_current_run(Run.log_tags)
log_tensorboard_ref = of_current_run(Run.log_tensorboard_ref)
log_text = of_current_run(Run.log_text)
log_video = of_current_run(Run.log_video)
set_description = of_current_run(Run.set_description)
set_name = of_current_run(Run.set_name)
set_readme = of_current_run(Run.set_readme)

__all__: list[str] = [
    "end",
    "get_artifacts_path",
    "get_outputs_path",
    "get_tensorboard_path",
    "log_artifact",
    "log_artifact_lineage",
    "log_artifact_ref",
    "log_audio",
    "log_code_ref",
    "log_data_ref",
    "log_dir_ref",
    "log_env",
    "log_failed",
    "log_file_ref",
    "log_html",
    "log_image",
    "log_image_with_boxes",
    "log_inputs",
    "log_meta",
    "log_model",
    "log_model_ref",
    "log_mpl_image",
    "log_outputs",
    "log_progress",
    "log_status",
    "log_stopped",
    "log_succeeded",
    "log_tags",
    "log_tensorboard_ref",
    "log_text",
    "log_video",
    "set_description",
    "set_name",
    "set_readme",
]
