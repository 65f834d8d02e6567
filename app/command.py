"""How a function becomes a command: the options that every command has, and errors as one line with an exit code."""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from app.console import Console
from app.presets import Preset, describe_presets
from app.session import Session
from corpus.errors import InterviewRagError

_COMMON: dict[str, tuple[Any, Any]] = {
    "index": (
        Annotated[
            Path | None,
            typer.Option("--index", envvar="INTERVIEW_RAG_INDEX", help="Folder of the index.", show_default=False),
        ],
        None,
    ),
    "config": (
        Annotated[Path | None, typer.Option("--config", help="Configuration file (TOML).", show_default=False)],
        None,
    ),
    "preset": (
        Annotated[
            Preset | None,
            typer.Option("--preset", help=f"A larger language model: {describe_presets()}.", show_default=False),
        ],
        None,
    ),
    "as_json": (
        Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")],
        False,
    ),
    "debug": (Annotated[bool, typer.Option("--debug", help="Show tracebacks and the log.")], False),
}

cli = typer.Typer(
    name="interview-rag",
    help="Ask questions over your own LLM-interview notes, offline, with every sentence cited and checked.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Register a command; `function` takes a Session and a Console before its own options."""
    return command_of(cli)(function)


def command_of(group: typer.Typer) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`command` for the commands of a group, such as `bench`."""
    return lambda function: _register(group, function)


def callback_of(group: typer.Typer) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`command` for what a group does when none of its own commands is named, such as `eval --out DIR`."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        run = _runner(function)

        @wraps(run)
        def run_alone(ctx: typer.Context, **options: Any) -> None:
            if ctx.invoked_subcommand is None:
                run(**options)
            elif given := [name for name in options if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"]:
                misplaced = ", ".join(p.opts[-1] for p in ctx.command.params if p.name in given)
                raise typer.BadParameter(f"{misplaced}: options go after `{ctx.invoked_subcommand}`")

        context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        own = inspect.signature(run).parameters.values()
        run_alone.__signature__ = inspect.Signature([context, *own])  # type: ignore[attr-defined]
        group.callback(invoke_without_command=True)(run_alone)
        return function

    return register


def _register(group: typer.Typer, function: Callable[..., None]) -> Callable[..., None]:
    group.command(name=function.__name__.rstrip("_").replace("_", "-"))(_runner(function))
    return function


def _runner(function: Callable[..., None]) -> Callable[..., None]:
    """What typer calls: it has the common options too, and turns errors into one line and an exit code."""

    @wraps(function)
    def run(*, index: Path | None, config: Path | None, preset: Preset | None, as_json: bool, debug: bool, **own: Any) -> None:
        console = Console(as_json, "en", debug)
        try:
            from app.settings import load_settings, message_language

            console = Console(as_json, message_language(), debug)
            _quiet_libraries(debug)
            settings = load_settings(config, preset, index=index)
            console = Console(as_json, message_language(settings.messages), debug)
            with console.progress() as progress:
                function(Session(settings, progress), console, **own)
        except InterviewRagError as error:
            _fail(console, error)
        except KeyboardInterrupt as stop:  # typer would end without a word
            console.interrupted()
            raise typer.Exit(130) from stop

    own = list(inspect.signature(function, eval_str=True).parameters.values())[2:]
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _COMMON.items()
    ]
    run.__signature__ = inspect.Signature([p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + common)  # type: ignore[attr-defined]
    return run


def _fail(console: Console, error: InterviewRagError) -> None:
    if console.debug:
        import traceback

        traceback.print_exception(error)
    console.error(error)
    raise typer.Exit(error.exit_code)


def _quiet_libraries(debug: bool) -> None:
    """Keep model libraries off the hub's network chatter and off standard error, unless debugging."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    if not debug:
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    logging.basicConfig(level=logging.INFO if debug else logging.ERROR, format="%(levelname)s %(name)s: %(message)s")


def run_cli() -> int:
    """Run the command line; returns the exit code: 0 fine, 1 a failure in the work, 2 wrong usage."""
    try:
        code = cli(standalone_mode=False)
    except typer.Exit as stop:
        return stop.exit_code
    except typer.TyperException as error:
        print(f"error: {' '.join(str(getattr(error, 'format_message', error.__str__)()).split())}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        print(f"error: {type(error).__name__}: {' '.join(str(error).split())} (--debug shows where)", file=sys.stderr)
        return 1
    return int(code or 0)
