import numpy as np
import pytest
import soundfile

from lab.commands.main import call
from tests.detectors.watermark.hosts import melody


@pytest.mark.parametrize(
    ("name", "rate_hz", "channels"), [("a.wav", 44100, 2), ("b.flac", 16000, 1), ("c.ogg", 48000, 2)]
)
def test_a_mark_goes_into_a_file_and_is_heard_by_its_key_alone(tmp_path, capsys, name, rate_hz, channels):
    host, marked = tmp_path / name, tmp_path / f"marked_{name}"
    soundfile.write(host, np.stack([melody(3.0, rate_hz, seed) for seed in range(channels)], axis=1), rate_hz)
    assert call(["watermark", "embed", str(host), str(marked), "--start-s", "0.5"]) == 0
    said = capsys.readouterr().out
    assert "1 mark from 0.500 s to 2.548 s" in said and "noise to mask -" in said
    info = soundfile.info(marked)
    assert (info.samplerate, info.channels, info.frames) == (rate_hz, channels, 3 * rate_hz)
    assert call(["watermark", "detect", str(marked)]) == 0
    assert "key reference  score" in capsys.readouterr().out
    assert call(["watermark", "detect", str(marked), "--key-file", "stranger"]) == 0
    refused = capsys.readouterr().out
    assert "no mark of key stranger" in refused and "nan" not in refused


def test_a_short_host_is_named_and_nothing_is_written(tmp_path, capsys):
    host, marked = tmp_path / "short.wav", tmp_path / "out.wav"
    soundfile.write(host, melody(1.2), 16000)
    assert call(["watermark", "embed", str(host), str(marked)]) == 3
    said = capsys.readouterr().err
    assert str(host) in said and "2.048 s" in said
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["embed", "missing.wav", "out.wav"], "missing.wav"),
        (["embed", "{host}", "out.xyz"], ".xyz"),
        (["embed", "{host}", "out.wav", "--key-file", "no.toml"], "no.toml"),
        (["embed", "{host}", "gone/out.wav"], "gone/out.wav: no such folder"),
        (["detect", "{nan}"], "not a finite number"),
        (["embed", "{nan}", "out.wav"], "not a finite number"),
        (["detect", "{slow}"], "8000"),
        (["threshold", "{host}", "{short}"], "short.wav"),
    ],
)
def test_bad_input_ends_in_one_message_and_code_3(tmp_path, capsys, monkeypatch, arguments, named):
    monkeypatch.chdir(tmp_path)
    soundfile.write("host.wav", melody(3.0), 16000)
    broken = melody(3.0)
    broken[77] = np.nan
    soundfile.write("nan.wav", broken, 16000, subtype="FLOAT")
    soundfile.write("short.wav", melody(2.2), 16000)
    soundfile.write("slow.wav", melody(3.0), 4000)
    files = {"host": "host.wav", "nan": "nan.wav", "slow": "slow.wav", "short": "short.wav"}
    assert call(["watermark", *(a.format(**files) for a in arguments)]) == 3
    said = capsys.readouterr().err
    assert named in said and said.count("\n") == 1


def test_the_threshold_command_prints_one(tmp_path, capsys):
    host = tmp_path / "unmarked.wav"
    soundfile.write(host, melody(6.0), 16000)
    assert call(["watermark", "threshold", str(host), "--keys", "8000", "--days", "0.05"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert 3.5 < float(last.split()[-1]) < 6.0


def test_live_blocks_tell_each_mark_once(tmp_path):
    from detectors.watermark.embedder import embed
    from detectors.watermark.key import load_named
    from lab.commands.watermark import heard

    key = load_named("reference")
    audio = np.pad(embed(melody(6.5), 16000, key, start_s=1.0, duration_s=4.1).audio, (0, 8000))
    blocks = (audio[None, start : start + 800] for start in range(0, len(audio), 800))
    moments = [moment for moment, _ in heard(blocks, key, 1, 6.5)]
    assert len(moments) == 2
    assert moments == pytest.approx([1 + 2.048, 1 + 2 * 2.048], abs=0.5)


def test_listening_without_a_microphone_ends_in_one_message(capsys, monkeypatch):
    sounddevice = pytest.importorskip("sounddevice", exc_type=OSError)

    def refuse(*_, **__):
        raise sounddevice.PortAudioError("no input device")

    monkeypatch.setattr(sounddevice, "InputStream", refuse)
    assert call(["watermark", "listen"]) == 4
    assert "no input device" in capsys.readouterr().err
