import base64
import re

import pytest

from lab.errors import BadInput
from lab.store.results import (
    CalibrationRecord,
    DeviceIdentity,
    InstrumentIdentity,
    Metric,
    RigIdentity,
    WireIdentity,
)
from lab.store.results import write as write_results
from reports import clips, page
from reports.run import find_against, open_run
from tests.reports.reading import Tags, changed, visible
from tests.reports.synthetic_run import synthetic_results, write_run


def test_page_asks_the_network_for_nothing(html):
    for tag, attrs in Tags(html).found:
        for name in ("src", "href", "xlink:href", "srcset", "poster", "data", "action"):
            value = attrs.get(name) or ""
            assert value.startswith(("data:", "#")) or not value, (tag, name, value[:80])
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)", html.split("</style>")[0])
    assert not Tags(html).named("script") and not Tags(html).named("link")


def test_verdict_build_and_rule_come_before_any_figure(html):
    lead = visible(html[: html.index("<h2>")])
    assert "✗ FAIL" in lead
    assert "reference" in lead
    assert "one-sided 95 % confidence bound" in lead
    assert html.index("Verdicts and limits") < html.index("<svg")


def test_every_limit_is_listed_with_bound_evidence_and_need(html):
    text = visible(html)
    for scenario in synthetic_results().scenarios:
        for row in scenario.results:
            for accept in row.accept:
                assert f"of watermark {accept.limit}" in text
                if accept.needed:
                    assert f"INCONCLUSIVE {accept.needed}" in text
    assert "no limit set; 12 trials" in text


def test_names_from_files_are_shown_and_never_run(html):
    assert 'Noise <script>document.title="owned"</script> & "SNR"' in visible(html)
    assert "drama <i>one</i>" in visible(html)
    assert "<b>bold</b>" not in html


def test_environment_seeds_and_hashes_are_stated(html, run_folder):
    text = visible(html)
    run = open_run(run_folder)
    environment = run.results.environment
    expected = [
        environment.build.hash,
        environment.commit,
        environment.machine,
        "pyroomacoustics 0.10.1",
        run.sha256,
    ]
    expected += [scenario.hash for scenario in run.results.scenarios]
    assert [item for item in expected if item not in text] == []
    assert "End of report." in text


def held_to(html):
    return visible(html[html.index("Verdicts and limits") : html.index("<section id=")])


def test_limits_on_one_label_tell_which_detector_and_stage_they_were_held_against(small_folder, tmp_path):
    exposure, wake_word = open_run(small_folder).results.scenarios
    (row,) = exposure.results
    both = exposure.model_copy(update={"results": [row, row.model_copy(update={"stage": "cascade"})]})
    text = held_to(page.render([changed(small_folder, tmp_path, scenarios=[both, wake_word])]))
    assert "by watermark (device)" in text and "by watermark (cascade)" in text


def test_what_is_held_to_no_limit_is_told_with_the_verdicts(html):
    assert "Held to no limit, only reported: watermark by watermark (device) in 26 of 30 cells." in held_to(
        html
    )
    assert held_to(html).count("Held to no limit") == 2  # the exposure is held to one in its only cell


def test_the_lead_names_commit_trials_seed_and_how_far_the_verdict_reaches(small_folder, tmp_path):
    exposure, wake_word = open_run(small_folder).results.scenarios
    environment = open_run(small_folder).results.environment
    run = changed(
        small_folder,
        tmp_path,
        scenarios=[exposure.model_copy(update={"scope": "room lab_1 only"}), wake_word],
        environment=environment.model_copy(update={"commit": "2bac94f+changes"}),
    )
    text = page.render([run])
    lead = visible(text[: text.index("<h2>")])
    assert "FAIL (room lab_1 only)" in lead
    assert "commit 2bac94f with changes that no commit holds" in lead
    assert "156, of which invalid: 0; seed 1" in lead


def test_a_share_of_trials_with_an_alarm_is_told_in_trials(small_folder, tmp_path):
    exposure, _ = open_run(small_folder).results.scenarios
    (row,) = exposure.results
    metric = Metric(name="false_alarm_rate", value=0.125, low=0.03, high=0.3, n=24, unit="1")
    limit = row.accept[0].model_copy(update={"metric": "false_alarm_rate", "limit": "at most 0.2"})
    row = row.model_copy(update={"metrics": [metric], "accept": [limit]})
    run = changed(small_folder, tmp_path, scenarios=[exposure.model_copy(update={"results": [row]})])
    assert "3 of 24 trials with an alarm" in held_to(page.render([run]))


def test_the_page_ends_with_who_accepts_which_build(html, small_folder, tmp_path):
    text = visible(html[html.index("<h2>Acceptance</h2>") :])
    assert "build reference " + "9f8e7d6c5b4a" * 5 in text
    assert "No real device was measured: simulated only." in text
    assert "Quality lead Decision and conditions Name Date Signature" in text
    scenarios = [
        one.model_copy(update={"origin": "measured"}) for one in open_run(small_folder).results.scenarios
    ]
    assert "No real device" not in page.render([changed(small_folder, tmp_path, scenarios=scenarios)])


def test_misses_of_what_was_not_asked_for_are_not_shown(small_folder, tmp_path):
    exposure, wake_word = open_run(small_folder).results.scenarios
    miss = exposure.examples[0].model_copy(update={"kind": "miss", "clip": None})
    unasked = miss.model_copy(update={"label": "presence"})
    scenarios = [exposure, wake_word.model_copy(update={"examples": [miss, unasked]})]
    text = visible(page.render([changed(small_folder, tmp_path, scenarios=scenarios)]))
    assert "Worst misses 1 of 1 kept by the run" in text
    assert "presence (detector" not in text


def test_minutes_of_exposure_make_no_det(small_folder, tmp_path):
    exposure, wake_word = open_run(small_folder).results.scenarios
    (row,) = exposure.results
    short = row.false_alarms.model_copy(update={"hours": 0.12, "distinct_hours": 0.12})
    exposure = exposure.model_copy(update={"results": [row.model_copy(update={"false_alarms": short})]})
    text = visible(page.render([changed(small_folder, tmp_path, scenarios=[exposure, wake_word])]))
    assert "Detection rate against threshold" in text
    assert "DET" not in text


def test_sounds_and_pictures_have_names_that_tell_them_apart(html):
    tags = Tags(html)
    names = [attrs["aria-label"] for attrs in tags.named("audio")]
    assert "Trial 0, distance 9.1 m, RT60 0.3 s, variant pink" in names
    assert len(set(names)) == len(names)
    assert [attrs["alt"] for attrs in tags.named("img")] == [f"Spectrogram of t{name[1:]}" for name in names]


def test_origin_stands_with_every_scenario(html):
    for section in re.findall(r'<section id="r0-s\d+">.*?</section>', html, flags=re.DOTALL):
        assert "simulated the air is computed" in visible(section)


def test_invalid_trials_are_reported_with_their_reason(html):
    assert "3 trials were invalid and count neither as miss nor as pass: lost block (3)." in visible(html)


def test_few_recordings_are_listed_one_by_one(html):
    assert "news at ten 3 of 4" in visible(html)


def test_clips_are_whole_and_carry_author_licence_and_command(html, run_folder):
    sources = [attrs["src"] for attrs in Tags(html).named("audio")]
    stored = sorted(file.read_bytes() for file in (run_folder / "clips").iterdir())
    assert sorted(base64.b64decode(source.split(",", 1)[1]) for source in sources) == stored
    text = visible(html)
    assert text.count("A. N. Author – CC BY 4.0") == len(stored)
    assert "lab render scenarios/second_screen/unmarked_media.toml --trial 3 --seed 1" in text


def test_det_takes_its_false_alarms_from_the_long_exposure_and_says_so(html):
    section = visible(re.search(r'<section id="r0-s0">.*?</section>', html, flags=re.DOTALL)[0])
    assert "False alarms are those of scenario unmarked_media, 72 h (70.5 h distinct)." in section
    # minutes of target-free time say nothing about false alarms per hour
    assert "False alarms against threshold" not in section


def test_an_exposure_of_another_origin_never_joins_a_det(small_folder, tmp_path):
    results = open_run(small_folder).results
    exposure, wake_word = results.scenarios
    assert "Misses against false alarms (DET)" in visible(page.render([open_run(small_folder)]))
    measured = exposure.model_copy(update={"origin": "measured", "examples": []})
    write_results(results.model_copy(update={"scenarios": [measured, wake_word]}), tmp_path / "results.json")
    text = visible(page.render([open_run(tmp_path)]))
    assert "False alarms against threshold" in text
    assert "DET" not in text


def test_worst_examples_come_first(html):
    scores = [float(score) for score in re.findall(r"score (\d+(?:\.\d+)?), threshold", visible(html))]
    assert scores[:6] == sorted(scores[:6])


def test_large_clips_are_linked_not_embedded(run_folder, tmp_path):
    example = open_run(run_folder).results.scenarios[0].examples[0]
    clip = clips.load(example, run_folder, run_folder.parent, clips.Allowance(each=1000))
    assert not clip.embedded
    assert clip.audio == f"{run_folder.name}/clips/distance%20miss%200.flac"
    assert "too large" in clip.note


def test_embedded_clips_stop_at_the_total_allowance(run_folder):
    examples = open_run(run_folder).results.scenarios[0].examples
    size = max(file.stat().st_size for file in (run_folder / "clips").iterdir())
    allowance = clips.Allowance(left=3 * size)
    loaded = [clips.load(example, run_folder, run_folder, allowance) for example in examples]
    assert 0 < sum(clip.embedded for clip in loaded) < len(loaded)
    assert allowance.left >= 0


@pytest.mark.parametrize("name", ["../secret.flac", "/etc/hostname", "clips/gone.flac"])
def test_a_clip_outside_the_run_is_never_read(run_folder, name):
    (run_folder.parent / "secret.flac").write_bytes(b"secret")
    example = open_run(run_folder).results.scenarios[0].examples[0].model_copy(update={"clip": name})
    clip = clips.load(example, run_folder, run_folder, clips.Allowance())
    assert clip.audio is None and clip.picture is None
    assert name in clip.note


def test_an_unreadable_clip_costs_only_its_picture(tmp_path):
    folder = write_run(tmp_path / "run", only=("unmarked_media",))
    for file in (folder / "clips").iterdir():
        file.write_bytes(b"not audio")
    tags = Tags(page.render([open_run(folder)], folder=folder))
    assert len(tags.named("audio")) == 1
    assert not tags.named("img")


def test_the_same_run_gives_the_same_page(small_folder, older_folder):
    first, second = (
        page.render([open_run(small_folder)], open_run(older_folder), small_folder) for _ in range(2)
    )
    assert first == second


def test_several_runs_keep_their_own_tables(small_folder):
    text = page.render([open_run(small_folder)] * 2, folder=small_folder)
    ids = re.findall(r'<section id="([^"]+)"', text)
    assert len(ids) == len(set(ids)) == 4
    assert all(f'id="{attrs["href"][1:]}"' in text for attrs in Tags(text).named("a"))


def test_against_takes_a_folder_a_build_id_a_hash_or_a_build_file(run_folder, older_folder, tmp_path):
    run = open_run(run_folder)
    build = tmp_path / "build.toml"
    build.write_text('id = "older"\n')
    for against in (str(older_folder), "older", str(build)):
        assert find_against(against, run).folder.name == "old"


def test_against_an_unknown_build_names_the_ones_there_are(run_folder, older_folder):
    with pytest.raises(BadInput, match=r"--against newest: .*builds found there: .*older"):
        find_against("newest", open_run(run_folder))


def test_a_folder_without_results_is_refused_in_one_message(tmp_path):
    with pytest.raises(BadInput, match="no run here: cannot read results.json"):
        open_run(tmp_path)


def test_results_of_a_newer_format_are_refused(tmp_path):
    results = synthetic_results().model_copy(update={"format": "earshot-results/9"})
    write_results(results, tmp_path / "results.json")
    with pytest.raises(BadInput, match="earshot-results/9"):
        open_run(tmp_path)


def test_a_bench_is_told_with_its_instruments_and_calibrations(small_folder, tmp_path):
    results = open_run(small_folder).results
    rig = RigIdentity(
        id="lab_bench",
        title="Loudspeaker on a rail",
        kind="physical",
        room="lab_1",
        hash="ab" * 32,
        sound="USB Audio (ALSA, 2 out, 2 in)",
        instruments=[
            InstrumentIdentity(
                name="meter", driver="scpi", profile="nti_xl2", serial_number="A2A", says="NTi, XL2"
            ),
            InstrumentIdentity(name="relays", driver="lcus", profile="lcus_8", serial_number="", says=""),
        ],
        device=DeviceIdentity(
            name="speaker", serial_number="0001", version="1.0", build_id="reference", build_hash=""
        ),
        calibrations=[
            CalibrationRecord(
                of="meter", what="certificate", value=0.5, unit="dB", done="2026-01-15", due="2028-01-15"
            ),
            CalibrationRecord(
                of="microphone",
                what="full scale",
                value=118.0,
                unit="dB SPL",
                done="2026-02-01",
                due="2027-02-01",
                uncertainty=0.25,
                standard="calibrator 4231, number 77",
                by="A. Vogel",
                hz=(50.0, 7000.0),
            ),
        ],
        wires=[
            WireIdentity(name="microphone", does="microphone 1", serial_number="M-12"),
            WireIdentity(name="loudspeaker", does="media", serial_number=""),
        ],
    )
    made = results.environment.model_copy(update={"rigs": [rig]})
    write_results(results.model_copy(update={"environment": made}), tmp_path / "results.json")
    html = page.render([open_run(tmp_path)], None, tmp_path)
    text = visible(html)
    lead = visible(html[: html.index("<h2>")])
    assert "Device speaker, serial number 0001, version 1.0, build reference" in lead
    assert "Loudspeaker on a rail, physical, room lab_1" in text
    assert "scpi, profile nti_xl2, serial number A2A; it says: NTi, XL2" in text
    assert "lcus, profile lcus_8; cannot be asked" in text
    assert "meter: certificate, 0.5 dB, uncertainty not stated; done 2026-01-15, due 2028-01-15" in text
    assert (
        "microphone: full scale, 118 dB SPL from 50 to 7 000 Hz, ± 0.25 dB SPL (k = 2); done 2026-02-01 by A. Vogel, against calibrator 4231, number 77, "
        "due 2027-02-01"
    ) in text
    assert "microphone 1, serial number M-12" in text
    assert "media, no serial number stated" in text
