import re

import pytest
import yaml
from pydantic import ValidationError

from conf.schema import FOLDER, ConfigError, dump, known_keys, load, overlays

BASE = FOLDER / "base.yaml"


@pytest.mark.parametrize("name", ["base", "demo", "imdb", "seed"])
def test_a_shipped_configuration_loads(name):
    assert name in overlays()
    assert load(name).train.random_seed == 7


@pytest.mark.parametrize("name", overlays())
def test_every_overlay_loads(name):
    load(name)


def test_an_overlay_changes_what_it_names_alone():
    base, seed = load(), load("seed")
    assert (base.prepare.summary.max_chars, seed.prepare.summary.max_chars) == (1000, 199)
    assert seed.prepare.min_genre_titles == base.prepare.min_genre_titles
    assert seed.embed == base.embed


def test_every_key_is_explained():
    assert unexplained(BASE.read_text()) == []


def test_a_key_without_a_comment_would_be_found():
    assert unexplained("# told\na: 1\n\nb: 2\n") == ["b"]


def unexplained(text: str) -> list[str]:
    """List keys with no comment above them: in their run of lines at one depth, or above one of their parents."""
    told: dict[int, bool] = {}
    missing = []
    for line in text.splitlines():
        depth = len(line) - len(line.lstrip())
        if not line.strip():
            told = {level: known for level, known in told.items() if level < depth}
        elif line.lstrip().startswith("#"):
            told[depth] = True
        elif key := re.match(r"\s*([a-z_]+):(\s|$)", line):
            told = {level: known for level, known in told.items() if level <= depth}
            is_section = not line.partition(":")[2].strip()
            if not is_section and not any(told.values()) and "#" not in line:
                missing.append(key[1])
    return missing


def test_overrides_are_laid_over_the_overlay():
    settings = load("demo", ["train.recipes=[linear]", "prepare.summary.max_chars=null", "site.titles=50"])
    assert settings.train.recipes == ("linear",)
    assert settings.prepare.summary.max_chars is None
    assert settings.site.titles == 50


def test_the_later_override_wins():
    assert load(overrides=["site.titles=5", "site.titles=6"]).site.titles == 6


def test_a_file_is_an_overlay(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("embed: {epochs: 3}\n")
    assert load(str(path)).embed.epochs == 3


def test_an_empty_file_changes_nothing(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("# nothing yet\n")
    assert load(str(path)) == load()


def test_an_unknown_key_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError) as error:
        load(overrides=["embed.epoch=3"])
    assert str(error.value) == "unknown configuration key 'embed.epoch'; did you mean 'embed.epochs'?"


def test_an_unknown_section_is_refused():
    with pytest.raises(ConfigError, match="unknown configuration key 'trian'; did you mean 'train'"):
        load(overrides=["trian.random_seed=3"])


def test_a_key_like_none_gets_no_suggestion():
    with pytest.raises(ConfigError, match="unknown configuration key 'zzzzqqq'$"):
        load(overrides=["zzzzqqq=3"])


def test_a_wrong_value_names_key_and_value():
    with pytest.raises(ConfigError, match=r"'site\.titles'.*got 'many'"):
        load(overrides=["site.titles=many"])


def test_every_wrong_value_is_told():
    with pytest.raises(ConfigError, match=r"site\.titles.*embed\.window|embed\.window.*site\.titles"):
        load(overrides=["site.titles=0", "embed.window=0"])


@pytest.mark.parametrize("override", ["site.titles", "=5", ""])
def test_an_override_without_key_and_value_is_refused(override):
    with pytest.raises(ConfigError, match=r"expected dotted\.key=value"):
        load(overrides=[override])


def test_an_override_that_is_no_yaml_is_refused():
    with pytest.raises(ConfigError, match="not readable as YAML"):
        load(overrides=["train.recipes=[linear"])


def test_an_unknown_configuration_names_the_shipped_ones():
    with pytest.raises(ConfigError, match=r"no configuration 'sead'.*base, demo, imdb.*did you mean 'seed'"):
        load("sead")


def test_wrong_item_of_a_list_is_told_once():
    with pytest.raises(ConfigError) as error:
        load(overrides=["train.recipes=[svm]"])
    assert str(error.value).startswith("configuration key 'train.recipes.0': Input should be 'seed', 'linear'")
    assert "configuration key 'train.recipes':" not in str(error.value)


@pytest.mark.parametrize("content", [b"embed: [1\n", b"\xff\xfe\x00a"])
def test_a_file_that_is_no_yaml_is_refused(tmp_path, content):
    path = tmp_path / "broken.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"broken\.yaml: not readable as YAML"):
        load(str(path))


def test_a_file_that_holds_a_list_is_refused(tmp_path):
    path = tmp_path / "list.yaml"
    path.write_text("- 1\n")
    with pytest.raises(ConfigError, match=r"list\.yaml: expected keys and values, got a list"):
        load(str(path))


def test_a_bilstm_reads_whole_windows():
    with pytest.raises(ConfigError, match=r"train\.bilstm\.summary.*max_words must be a multiple of window \(96\)"):
        load(overrides=["train.bilstm.summary.max_words=100"])


def test_the_shortest_n_gram_comes_first():
    with pytest.raises(ConfigError, match=r"train\.linear\.summary\.ngrams.*shortest n-gram first.*\[2, 1\]"):
        load(overrides=["train.linear.summary.ngrams=[2, 1]"])


def test_a_blend_is_no_member_of_itself():
    with pytest.raises(ConfigError, match=r"train\.blend\.summary\.members.*not a member of itself"):
        load(overrides=["train.blend.summary.members=[linear, blend]"])


def test_a_study_searches_values_of_bilstm_only():
    with pytest.raises(ConfigError, match=r"'unit' is no value of train\.bilstm; did you mean 'units'"):
        load(overrides=["study.space.unit=[32, 64]"])


def test_settings_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        load().embed.epochs = 1


def test_dump_holds_every_key_of_base_yaml_and_loads_again(tmp_path):
    settings = load("seed", ["embed.epochs=2"])
    path = tmp_path / "resolved.yaml"
    path.write_text(yaml.safe_dump(dump(settings)))
    assert load(str(path)) == settings
    assert set(dump(settings)) == {key for key in known_keys() if "." not in key}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("texst", "expected study, texts, all or a list of field names; did you mean 'texts'?"),
        ("[genres, budgt]", "unknown field 'budgt'; did you mean 'budget'?"),
    ],
)
def test_wrong_field_is_told_with_the_nearest(fields: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load("base", [f"collect.fields={fields}"])
    assert str(refused.value).startswith(f"configuration key 'collect.fields': {told}")
