"""A stage behind the guardian: what moves is stopped when the lab is gone, and whoever waits is told."""

import pytest

from rigs.emulators.grbl import GrblEmulator
from rigs.emulators.wire import PtyServer
from rigs.errors import RigError
from rigs.grbl import Stage
from rigs.guardian import Guarded, Guardian
from tests.rigs.stages import PROFILE, QUICK, SLOW, SPEED, Aside
from tests.rigs.wires import wait_until


def test_a_guardian_that_trips_stops_the_stage_in_mid_move():
    grbl = GrblEmulator(QUICK, speed=SPEED)
    with PtyServer(grbl) as server:
        rail = Guarded("rail", server.url, safe=PROFILE.safe_bytes())
        with Guardian.start((rail,), silence_s=20.0, limit_s=30.0) as guardian:
            stage = Stage(guardian.link("rail"), PROFILE, "rail")
            with guardian.keep_beating(within_s=60.0):
                stage.connect()
                stage.home()
                move = Aside(lambda: stage.move_to({"x": -200.0}, SLOW))
                wait_until(lambda: grbl.moving)
            guardian.trip("the test says so")
            assert isinstance(move.outcome(), RigError)
            wait_until(lambda: not grbl.moving)
            with pytest.raises(RigError):
                stage.move_to({"x": -5.0}, 600)
