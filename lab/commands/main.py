"""The `lab` command: finds the verb, imports only its file, and turns errors into one message and an exit code."""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from detectors.errors import DetectorError, DetectorFault
from lab.commands.faults import of_path, trace
from lab.errors import EarshotError, ExitCode

# verb -> module:attribute; an attribute that is a Typer app is a group of verbs
VERBS = {
    "run": "lab.commands.run:run",
    "render": "lab.commands.render:render",
    "detect": "lab.commands.detect:detect",
    "score": "lab.commands.score:score",
    "report": "lab.commands.report:report",
    "rig": "lab.commands.rig:app",
    "corpus": "lab.commands.corpus:app",
    "watermark": "lab.commands.watermark:app",
    "train": "lab.commands.train:train",
    "mine": "lab.commands.mine:mine",
    "verifier": "lab.commands.verifier:app",
    "notifications": "lab.commands.notifications:app",
    "evidence": "lab.commands.evidence:app",
    "history": "lab.commands.history:history",
    "list": "lab.commands.listing:list_scenarios",
    "schema": "lab.commands.schema:schema",
}

# Typer carries its own copy of click; the base of its public BadParameter is the parser's usage error.
_UsageError = typer.BadParameter.__mro__[1]


def application(verbs: dict[str, str]) -> typer.Typer:
    """A Typer app with just these verbs; importing one never imports the others."""
    app = typer.Typer(
        name="lab",
        help="Scenarios to detection and false-alarm curves, in a simulated room or on a rig.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(lambda: None)  # keeps the verb in the command line even when only one is registered
    for verb, path in verbs.items():
        module, _, attribute = path.partition(":")
        target = getattr(import_module(module), attribute)
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=verb)
        else:
            app.command(verb)(target)
    return app


def call(arguments: list[str]) -> int:
    """Run one command line and answer its exit code. Errors are one message on stderr; only a fault in code has a traceback before it."""
    known = {arguments[0]: VERBS[arguments[0]]} if arguments and arguments[0] in VERBS else VERBS
    try:
        command = typer.main.get_command(application(known))
        code = command.main(args=arguments, prog_name="lab", standalone_mode=False)
        if code == ExitCode.INTERRUPTED:  # the parser catches Ctrl-C itself, and says nothing
            return _say("interrupted", ExitCode.INTERRUPTED)
        return int(code or ExitCode.PASS)
    except _UsageError as error:
        error.show()
        return ExitCode.BAD_INPUT
    except EarshotError as error:
        return _say(str(error), error.exit_code)
    except DetectorError as error:
        return _say(str(error), ExitCode.BAD_INPUT)
    except (KeyboardInterrupt, typer.Abort):
        return _say("interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away (`lab list | head`); nobody is left to tell.
        sys.stderr.close()
        return ExitCode.PASS
    except DetectorFault as error:
        return _fault(error.trace, str(error))
    except Exception as error:  # noqa: BLE001 - a crash must not look like a limit that fails
        if (said := of_path(error)) is not None:
            return _say(*said)
        return _fault(trace(error), f"a fault of the lab: {type(error).__name__}: {error}")


def _fault(told: str, message: str) -> ExitCode:
    print(told.rstrip(), file=sys.stderr)
    return _say(message, ExitCode.LAB_FAILURE)


def _say(message: str, code: ExitCode) -> ExitCode:
    print(f"lab: {message}", file=sys.stderr)
    return code


def main() -> None:
    sys.exit(int(call(sys.argv[1:])))
