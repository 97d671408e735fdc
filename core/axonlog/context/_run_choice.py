"""Decide which run this is: a new one, or which one is resumed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from axonlog._polyaxon import FINAL_STATUSES
from axonlog.context._options import EXPLICIT, PRECEDENCE
from axonlog.context._origin import Answer, Origin, SourceId
from axonlog.context._precedence import Decision, Sources, decide
from axonlog.context._project import RunProject
from axonlog.context._sources import RunFile
from axonlog.errors import AxonlogError, ContextError

_STATED: tuple[SourceId, ...] = (*EXPLICIT, "document")


@dataclass(frozen=True)
class RunChoice:
    """The uuid, and whether the run has to be created."""

    run_uuid: Decision
    is_new: Decision
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def given_uuid(sources: Sources) -> Decision | None:
    """The uuid that the caller names, also by the directory of a run, if any."""
    decision = decide("run_uuid", sources, among=_STATED)
    return decision if decision.value else None


def instance_uuid(sources: Sources, run_project: RunProject) -> Answer | None:
    """The uuid of the managed run, if the run belongs where that one does."""
    source = sources["instance"]
    owner, project = source.answer("owner"), source.answer("project")
    if (owner and owner.value, project and project.value) != (
        run_project.owner.value,
        run_project.project.value,
    ):
        return None
    return source.answer("run_uuid")


def choose_online(
    sources: Sources, run_project: RunProject, *, is_managed: bool, is_elsewhere: bool
) -> RunChoice:
    """Choose for a run that the server knows or will know.

    Args:
        sources: Of this call.
        run_project: Where the run belongs.
        is_managed: Polyaxon started this process.
        is_elsewhere: The caller names another server than the caches belong to.

    Raises:
        ContextError: ``is_new`` contradicts a given uuid, a managed run is asked to belong
            elsewhere, or the cached run belongs elsewhere.
    """
    requested = decide("is_new", sources)
    uuid = _client_run_is_elsewhere(given_uuid(sources), sources, run_project)
    if requested.value and uuid:
        if uuid.origin.source in (requested.origin.source, "argument"):
            raise ContextError(
                f"is_new=True contradicts run_uuid={uuid.value!r}: a new run gets its own uuid; "
                "give one of them"
            )
        return _created(requested, overridden=uuid)
    if requested.value:
        return _created(requested)
    if uuid:
        return _resumed(
            _with_losers(uuid.answer, sources, run_project, is_managed=is_managed), requested
        )
    if is_managed:
        found = instance_uuid(sources, run_project)
        if found is None:
            raise ContextError(
                f"this managed run does not belong to {run_project.place()}, which "
                f"{run_project.project.origin} names: pass is_new=True to create a related run "
                "there, or run_uuid=... to resume one"
            )
        return _resumed(Decision(found), requested)
    return _cached_or_new(sources, run_project, requested, is_elsewhere=is_elsewhere)


def choose_offline(sources: Sources, uuid: Decision | None, *, is_on_disk: bool) -> RunChoice:
    """Choose for a run that no server is asked about: the caches are of no use then."""
    requested = decide("is_new", sources)
    if uuid is None:
        return _created(requested)
    if is_on_disk or uuid.origin.source == "in-cluster":
        return _resumed(uuid, requested) if not requested.value else RunChoice(uuid, requested)
    return RunChoice(uuid, Decision(Answer(True, uuid.origin)))


def new_uuid() -> Decision:
    """A uuid of our own, known before any server is asked."""
    return Decision(Answer(uuid4().hex, Origin("generated")))


def _created(requested: Decision, *, overridden: Decision | None = None) -> RunChoice:
    uuid = new_uuid()
    if overridden:
        uuid = Decision(uuid.answer, (overridden.answer, *overridden.shadowed))
    if requested.value:
        return RunChoice(uuid, requested)
    lost = () if requested.value is None else (requested.answer,)
    return RunChoice(uuid, Decision(Answer(True, uuid.origin), lost))


def _resumed(uuid: Decision, requested: Decision) -> RunChoice:
    said = requested.value is False
    return RunChoice(uuid, requested if said else Decision(Answer(False, uuid.origin)))


def _with_losers(
    winner: Answer, sources: Sources, run_project: RunProject, *, is_managed: bool
) -> Decision:
    """``winner`` with everything it overrides; what cannot be read has lost anyway."""
    # In a managed run, what the image's files say about runs is stale.
    stale = ("local_run", "global_run") if is_managed else ("instance",)
    names = [n for n in PRECEDENCE["run_uuid"] if n not in ("document", *stale)]
    lost = []
    for name in names:
        try:
            answer = sources[name].answer("run_uuid")
        except AxonlogError:
            continue
        if answer is not None and answer != winner:
            lost.append(answer)
    return Decision(winner, tuple(lost))


def _client_run_is_elsewhere(
    uuid: Decision | None, sources: Sources, run_project: RunProject
) -> Decision | None:
    """Drop a RunClient's uuid when the call names another project than that client's."""
    if uuid is None or uuid.origin.source != "client":
        return uuid
    named = sources["client"].answer("project")
    if named is None or named.origin == run_project.project.origin:
        return uuid
    name = str(named.value).replace(".", "/").rsplit("/", 1)[-1]
    return uuid if name == run_project.project.value else None


def _cached_or_new(
    sources: Sources, run_project: RunProject, requested: Decision, *, is_elsewhere: bool
) -> RunChoice:
    for name in PRECEDENCE["run_uuid"]:
        source = sources[name]
        if not isinstance(source, RunFile) or source.content() is None:
            continue
        uuid = source.answer("run_uuid")
        if uuid is None:
            break
        if is_elsewhere:
            choice = _created(requested, overridden=Decision(uuid))
            notice = f"The cached run `{uuid.value}` is left alone: it belongs to another host."
            return RunChoice(choice.run_uuid, choice.is_new, (), (notice,))
        _refuse_conflict(source, uuid, run_project)
        choice = _resumed(_with_losers(uuid, sources, run_project, is_managed=False), requested)
        notice = f"Using cached run `{uuid.value}` from `{source.path}`."
        warnings = _doubts(source, uuid, run_project)
        return RunChoice(choice.run_uuid, choice.is_new, warnings, (notice,))
    return _created(requested)


def _doubts(source: RunFile, uuid: Answer, run_project: RunProject) -> tuple[str, ...]:
    warnings = []
    if source.answer("owner") is None and source.answer("project") is None:
        warnings.append(
            f"the cached run {uuid.value} ({source.path}) does not say to which project it "
            f"belongs; it is resumed in {run_project.place()}"
        )
    status = source.status()
    if status in FINAL_STATUSES:
        warnings.append(
            f"the cached run {uuid.value} ({source.path}) has already {_past(status)} and is "
            "resumed; pass is_new=True for a new run"
        )
    return tuple(warnings)


def _past(status: str) -> str:
    return f"ended ({status})"


def _refuse_conflict(source: RunFile, uuid: Answer, run_project: RunProject) -> None:
    owner, project = source.answer("owner"), source.answer("project")
    # The run's owner may carry a team, which is not part of its address.
    owner_name = str(owner.value).split("/")[0] if owner else None
    project_name = str(project.value) if project else None
    if owner_name in (None, run_project.owner.value) and project_name in (
        None,
        run_project.project.value,
    ):
        return
    # As it stands in the file: that is what a person has to look for and correct.
    raise uuid.origin.refuse(
        f"the cached run {owner.value if owner else 'unknown'}/{project_name or 'unknown'}/"
        f"{uuid.value} "
        f"({source.name}) conflicts with project {run_project.place()} (owner: "
        f"{run_project.owner.origin}; project: {run_project.project.origin}); pass is_new=True for "
        "a new run, run_uuid=... to resume another, or remove the file"
    )
