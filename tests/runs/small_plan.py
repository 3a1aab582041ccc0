"""A plan of three rows over two scenarios, small enough to be measured in a test."""

from pathlib import Path

SUITE = 'format = "earshot-suite/1"\ntitle = "small"\n[defaults]\ndevice = "ultrasonic_speaker"\nroom = {size_m = [5.0, 4.0, 2.7], rt60_s = 0.3}\n'
WALK = """
format = "earshot-scenario/1"
id = "walk"
title = "A person walks"
trials = 2
duration_s = 7.5
[placement]
position_m = [0.4, 2.0, 0.8]
[[movers]]
kind = "walker"
name = "person"
route = "tangential"
distance_m = {sweep = [1.5, 2.0]}
start_s = 5.5
[expect]
labels = ["major_motion"]
within_s = 2.0
guard_s = 0.0
[[accept]]
metric = "detection_rate"
label = "major_motion"
at_least = 0.5
where = {distance_m = 1.5}
"""
EMPTY = """
format = "earshot-scenario/1"
id = "empty"
title = "Nobody"
hours = 0.01
duration_s = 6.0
[placement]
position_m = [0.4, 2.0, 0.8]
"""
PLAN = """
format = "earshot-evidence/1"
title = "Small"
detector = "doppler_cfar"
[[row]]
name = "near"
group = "walking"
what = "walks across, 1.5 m"
scenario = "walk"
where = {distance_m = 1.5}
build = "presence_cfar_baseband"
label = "major_motion"
by = "movers.person.route"
trials = 2
[[row]]
name = "both"
group = "walking"
what = "walks across"
scenario = "walk"
build = "presence_cfar_baseband"
label = "major_motion"
by = "distance_m"
trials = 2
[[row]]
name = "empty"
group = "exposure"
what = "nobody"
scenario = "empty"
build = "presence_cfar_baseband"
label = "presence"
hours = 0.005
[[section]]
title = "Found"
form = "found"
groups = ["walking"]
note = "In one room."
[[section]]
title = "Nobody there"
form = "exposure"
groups = ["exposure"]
[[section]]
title = "Said"
form = "confusion"
groups = ["walking", "exposure"]
"""


def written(folder: Path) -> Path:
    """The folder, with the plan, its suite and its scenarios in it."""
    for name, text in (("suite", SUITE), ("walk", WALK), ("empty", EMPTY), ("evidence", PLAN)):
        (folder / f"{name}.toml").write_text(text)
    return folder


def cells_of(campaign):
    return {row.name: [dict(cell.values) for cell in row.cells] for row in campaign.plan.rows}
