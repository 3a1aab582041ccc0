"""From a `[[detector]]` table to a detector, and what its author is told where that cannot be."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from traceback import walk_tb
from types import FrameType, ModuleType

from detectors.answers import check_detector
from detectors.build import Build, DetectorSpec
from detectors.errors import DetectorError, fault
from detectors.interface import Detector
from detectors.shipped import SHIPPED

_UNFIT = re.compile(r"(.+)\(\) got (?:an unexpected keyword argument|multiple values for argument) '(\w+)'")
_MISSING = re.compile(r".+\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.+)")
# What a factory hands on from the table itself is no setting.
_OF_TABLE = tuple(field.name for field in fields(DetectorSpec))
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def construct(spec: DetectorSpec, build: Build) -> Detector:
    """The detector of one table. Raises DetectorError naming the build file, DetectorFault where its code raises."""
    path = spec.factory or SHIPPED.get(spec.name)
    if path is None:
        raise DetectorError(
            f"{build.path}: no detector named {spec.name!r}; shipped: {', '.join(SHIPPED)}; "
            'or give factory = "module:callable"'
        )
    where = f"{build.path}: detector {spec.name!r}"
    factory = _factory(path, build, where)
    try:
        made = factory(spec)
    except DetectorError:
        raise
    except TypeError as error:
        if said := _misfit(error, spec, path):
            raise DetectorError(f"{build.path}: {said}") from None
        raise fault(where, error) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever foreign code raises
        raise fault(where, error) from None
    check_detector(made, where)
    return made


def _factory(path: str, build: Build, where: str) -> Callable[[DetectorSpec], Detector]:
    module, _, attribute = path.partition(":")
    refused = f"{build.path}: factory {path!r} cannot be loaded"
    try:
        return getattr(import_module(module), attribute)
    except SyntaxError as error:
        raise DetectorError(f"{refused}: {error.filename}:{error.lineno}: {error.msg}") from None
    except ModuleNotFoundError as error:
        looked = "; Python looks in its packages and in the folders of PYTHONPATH"
        raise DetectorError(f"{refused}: {error}{looked}") from None
    except (ImportError, AttributeError, ValueError) as error:
        raise DetectorError(f"{refused}: {error}") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever foreign code raises
        raise fault(where, error) from None


def _misfit(error: TypeError, spec: DetectorSpec, path: str) -> str | None:
    """What is wrong with the settings, in one line; None where the TypeError is not about them."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    if len(frames) == 1:
        return f"factory {path!r} cannot be called with the table of its detector: {error}"
    if (unfit := _UNFIT.match(str(error))) and unfit[2] in spec.settings:
        allowed = _parameters(unfit[1], frames[-1])
        return f"{spec.name}: unknown settings.{unfit[2]}" + (
            f"; allowed: {', '.join(allowed) or 'none'}" if allowed is not None else ""
        )
    if len(frames) == 2 and (missing := _MISSING.match(str(error))):
        keys = [f"settings.{key}" for key in re.findall(r"'(\w+)'", missing[1])]
        return f"{spec.name}: {', '.join(keys)} {'is' if len(keys) == 1 else 'are'} missing"
    return None


def _parameters(called: str, frame: FrameType) -> list[str] | None:
    """Settings that a class or function takes, as the code that called it names it; None where it cannot be found."""
    name = called.removesuffix(".__init__").removesuffix(".__new__")
    seen = [*frame.f_locals.values(), *frame.f_globals.values()]
    seen += [getattr(one, name, None) for one in seen if isinstance(one, ModuleType)]
    found = next((one for one in seen if callable(one) and getattr(one, "__qualname__", "") == name), None)
    if found is None:
        return None
    parameters = inspect.signature(found).parameters.values()
    return [one.name for one in parameters if one.kind in _NAMED and one.name not in _OF_TABLE]
