"""Decide which run this is: a new one, or which one is resumed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from axonlog.context._belonging import Belonging
from axonlog.context._options import EXPLICIT, PRECEDENCE
from axonlog.context._origin import Answer, Origin, SourceId
from axonlog.context._precedence import Decision, Sources, decide
from axonlog.context._sources import RunFile
from axonlog.errors import AxonlogError, ContextError

_STATED: tuple[SourceId, ...] = (*EXPLICIT, "document")
_FINAL = frozenset({"succeeded", "failed", "stopped", "skipped", "upstream_failed", "done"})


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


def instance_uuid(sources: Sources, belonging: Belonging) -> Answer | None:
    """The uuid of the managed run, if the run belongs where that one does."""
    source = sources["instance"]
    owner, project = source.answer("owner"), source.answer("project")
    if (owner and owner.value, project and project.value) != (
        belonging.owner.value,
        belonging.project.value,
    ):
        return None
    return source.answer("run_uuid")


def choose_online(
    sources: Sources, belonging: Belonging, *, is_managed: bool, is_elsewhere: bool
) -> RunChoice:
    """Choose for a run that the server knows or will know.

    Args:
        sources: Of this call.
        belonging: Where the run belongs.
        is_managed: Polyaxon started this process.
        is_elsewhere: The caller names another server than the caches belong to.

    Raises:
        ContextError: ``is_new`` contradicts a given uuid, a managed run is asked to belong
            elsewhere, or the cached run belongs elsewhere.
    """
    wish = decide("is_new", sources)
    uuid = _client_run_is_elsewhere(given_uuid(sources), sources, belonging)
    if wish.value and uuid:
        if uuid.origin.source in (wish.origin.source, "argument"):
            raise ContextError(
                f"is_new=True contradicts run_uuid={uuid.value!r}: a new run gets its own uuid; "
                "give one of them"
            )
        return _created(wish, overridden=uuid)
    if wish.value:
        return _created(wish)
    if uuid:
        return _resumed(_with_losers(uuid.answer, sources, belonging, is_managed=is_managed), wish)
    if is_managed:
        found = instance_uuid(sources, belonging)
        if found is None:
            raise ContextError(
                f"this managed run does not belong to {belonging.place()}, which "
                f"{belonging.project.origin} names: pass is_new=True to create a related run "
                "there, or run_uuid=... to resume one"
            )
        return _resumed(Decision(found), wish)
    return _cached_or_new(sources, belonging, wish, is_elsewhere=is_elsewhere)


def choose_offline(sources: Sources, uuid: Decision | None, *, is_on_disk: bool) -> RunChoice:
    """Choose for a run that no server is asked about: the caches are of no use then."""
    wish = decide("is_new", sources)
    if uuid is None:
        return _created(wish)
    if is_on_disk or uuid.origin.source == "in-cluster":
        return _resumed(uuid, wish) if not wish.value else RunChoice(uuid, wish)
    return RunChoice(uuid, Decision(Answer(True, uuid.origin)))


def mint() -> Decision:
    """A uuid of our own, known before any server is asked."""
    return Decision(Answer(uuid4().hex, Origin("generated")))


def _created(wish: Decision, *, overridden: Decision | None = None) -> RunChoice:
    uuid = mint()
    if overridden:
        uuid = Decision(uuid.answer, (overridden.answer, *overridden.shadowed))
    if wish.value:
        return RunChoice(uuid, wish)
    lost = () if wish.value is None else (wish.answer,)
    return RunChoice(uuid, Decision(Answer(True, uuid.origin), lost))


def _resumed(uuid: Decision, wish: Decision) -> RunChoice:
    said = wish.value is False
    return RunChoice(uuid, wish if said else Decision(Answer(False, uuid.origin)))


def _with_losers(
    winner: Answer, sources: Sources, belonging: Belonging, *, is_managed: bool
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
    uuid: Decision | None, sources: Sources, belonging: Belonging
) -> Decision | None:
    """Drop a RunClient's uuid when the call names another project than that client's."""
    if uuid is None or uuid.origin.source != "client":
        return uuid
    named = sources["client"].answer("project")
    if named is None or named.origin == belonging.project.origin:
        return uuid
    name = str(named.value).replace(".", "/").rsplit("/", 1)[-1]
    return uuid if name == belonging.project.value else None


def _cached_or_new(
    sources: Sources, belonging: Belonging, wish: Decision, *, is_elsewhere: bool
) -> RunChoice:
    for name in PRECEDENCE["run_uuid"]:
        source = sources[name]
        if not isinstance(source, RunFile) or source.content() is None:
            continue
        uuid = source.answer("run_uuid")
        if uuid is None:
            break
        if is_elsewhere:
            choice = _created(wish, overridden=Decision(uuid))
            notice = f"The cached run `{uuid.value}` is left alone: it belongs to another host."
            return RunChoice(choice.run_uuid, choice.is_new, (), (notice,))
        _refuse_conflict(source, uuid, belonging)
        choice = _resumed(_with_losers(uuid, sources, belonging, is_managed=False), wish)
        notice = f"Using cached run `{uuid.value}` from `{source.path}`."
        warnings = _doubts(source, uuid, belonging)
        return RunChoice(choice.run_uuid, choice.is_new, warnings, (notice,))
    return _created(wish)


def _doubts(source: RunFile, uuid: Answer, belonging: Belonging) -> tuple[str, ...]:
    warnings = []
    if source.answer("owner") is None and source.answer("project") is None:
        warnings.append(
            f"the cached run {uuid.value} ({source.path}) does not say to which project it "
            f"belongs; it is resumed in {belonging.place()}"
        )
    status = source.status()
    if status in _FINAL:
        warnings.append(
            f"the cached run {uuid.value} ({source.path}) has already {_past(status)} and is "
            "resumed; pass is_new=True for a new run"
        )
    return tuple(warnings)


def _past(status: str) -> str:
    return f"ended ({status})"


def _refuse_conflict(source: RunFile, uuid: Answer, belonging: Belonging) -> None:
    owner, project = source.answer("owner"), source.answer("project")
    # The run's owner may carry a team, which is not part of its address.
    owner_name = str(owner.value).split("/")[0] if owner else None
    project_name = str(project.value) if project else None
    if owner_name in (None, belonging.owner.value) and project_name in (
        None,
        belonging.project.value,
    ):
        return
    # As it stands in the file: that is what a person has to look for and correct.
    raise uuid.origin.refuse(
        f"the cached run {owner.value if owner else 'unknown'}/{project_name or 'unknown'}/"
        f"{uuid.value} "
        f"({source.name}) conflicts with project {belonging.place()} (owner: "
        f"{belonging.owner.origin}; project: {belonging.project.origin}); pass is_new=True for a "
        "new run, run_uuid=... to resume another, or remove the file"
    )
