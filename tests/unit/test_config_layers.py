from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from bgcopyd.cli.config import config
from bgcopyd.config import Configuration, ConfigurationError, Settings, load
from bgcopyd.config.sources import flag_of, variable_of


class House:
    """Directories for every layer of configuration."""

    def __init__(self, directory: Path) -> None:
        self.system = directory / "etc"
        self.user = directory / "config" / "bgcopy"
        self.environment = {"XDG_CONFIG_HOME": str(directory / "config"), "HOME": str(directory)}
        self.given = directory / "given.toml"
        (self.system / "conf.d").mkdir(parents=True)
        self.user.mkdir(parents=True)

    def load(
        self, flags: dict[str, object] | None = None, config: Path | None = None
    ) -> Configuration:
        return load(flags, config=config, environment=self.environment, system=self.system)

    def problems(self, flags: dict[str, object] | None = None, config: Path | None = None) -> str:
        with pytest.raises(ConfigurationError) as caught:
            self.load(flags, config)
        return str(caught.value)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_defaults_stand_alone(house: House) -> None:
    configuration = house.load()
    assert set(configuration.origins.values()) == {"default"}
    assert configuration.settings.background_jobs == 4
    assert configuration.settings.policy.jobs_per_owner == 100_000
    assert dict(configuration.settings.all_roots) == {"fs": Path("/")}


def test_each_layer_overrides_the_one_below(house: House) -> None:
    steps = [
        (house.system / "config.toml", str(house.system / "config.toml")),
        (house.system / "conf.d" / "10-a.toml", str(house.system / "conf.d" / "10-a.toml")),
        (house.system / "conf.d" / "20-b.toml", str(house.system / "conf.d" / "20-b.toml")),
        (house.user / "config.toml", str(house.user / "config.toml")),
    ]
    for number, (path, origin) in enumerate(steps, 11):
        path.write_text(f"background_jobs = {number}\n")
        loaded = house.load()
        assert loaded.settings.background_jobs == number
        assert loaded.origins["background_jobs"] == origin
    house.given.write_text("background_jobs = 20\n")
    assert house.load(config=house.given).settings.background_jobs == 20
    house.environment["BGCOPY_BACKGROUND_JOBS"] = "21"
    assert house.load(config=house.given).origins["background_jobs"] == "BGCOPY_BACKGROUND_JOBS"
    top = house.load({"background_jobs": "22"}, house.given)
    assert top.settings.background_jobs == 22
    assert top.origins["background_jobs"] == "flag --background-jobs"


def test_the_same_in_every_spelling(house: House, tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    house.given.write_text(
        f'listen = ["unix:/run/x.sock", "tcp://127.0.0.1:5"]\nmax_bytes_per_second = "2M"\n'
        f'retention = "7d"\n[roots]\nmedia = "{media}"\n'
    )
    from_file = house.load(config=house.given).settings
    from_flags = house.load(
        {
            "listen": ("unix:/run/x.sock", "tcp://127.0.0.1:5"),
            "roots": (f"media={media}",),
            "max_bytes_per_second": "2M",
            "retention": "7d",
        }
    ).settings
    house.environment |= {
        "BGCOPY_LISTEN": "unix:/run/x.sock, tcp://127.0.0.1:5",
        "BGCOPY_ROOTS": f"media={media}",
        "BGCOPY_MAX_BYTES_PER_SECOND": "2M",
        "BGCOPY_RETENTION": "7d",
    }
    assert from_file == from_flags == house.load().settings
    assert from_file.all_roots == {"media": media, "fs": Path("/")}


def test_stores_and_proxies_in_every_spelling(house: House, tmp_path: Path) -> None:
    pem = tmp_path / "x.pem"
    pem.write_text("")
    house.given.write_text(
        f'proxy = ["http://a:1", "socks5h://b:2"]\nproxy_bypass = ["<local>", "*.x.test"]\n'
        f'[ca_bundles]\nmine = "{pem}"\n[client_certificates]\nme = "{pem}"\n'
    )
    from_file = house.load(config=house.given).settings
    from_flags = house.load(
        {
            "proxy": ("http://a:1", "socks5h://b:2"),
            "proxy_bypass": ("<local>", "*.x.test"),
            "ca_bundles": (f"mine={pem}",),
            "client_certificates": (f"me={pem}",),
        }
    ).settings
    house.environment |= {
        "BGCOPY_PROXY": "http://a:1, socks5h://b:2",
        "BGCOPY_PROXY_BYPASS": "<local>,*.x.test",
        "BGCOPY_CA_BUNDLES": f"mine={pem}",
        "BGCOPY_CLIENT_CERTIFICATES": f"me={pem}",
    }
    assert from_file == from_flags == house.load().settings
    assert from_file.proxy_settings.proxies == ("http://a:1", "socks5h://b:2")
    assert from_file.ca_bundles == {"mine": pem}


def test_wrong_stores_and_proxies(house: House) -> None:
    text = house.problems(
        {
            "proxy": ("http://u:hidden@a:1",),
            "proxy_bypass": ("a b",),
            "ca_bundles": ("A=/x", "b=/absent", "c"),
            "client_certificates": ("a=/x", "a=/y"),
        }
    )
    for line in (
        "flag --proxy: proxy: has a proxy (number 1) that has user information",
        "flag --proxy-bypass: proxy_bypass: has a bypass entry (number 1) that is neither",
        "flag --ca-bundle: ca_bundles: 'A' is no name",
        "flag --ca-bundle: ca_bundles: /absent cannot be read",
        "flag --ca-bundle: 'c' is no CA bundle; write NAME=FILE",
        "flag --client-certificate: the certificate 'a' is given more than once",
    ):
        assert line in text
    assert "hidden" not in text


def test_unknown_key_is_refused_with_place_and_suggestion(house: House) -> None:
    house.given.write_text("background_job = 3\nxyzzy = 1\n")
    text = house.problems(config=house.given)
    assert f"{house.given}: unknown key 'background_job'; did you mean 'background_jobs'?" in text
    assert f"{house.given}: unknown key 'xyzzy'; see 'bgcopyd config show'" in text


def test_unknown_variable_is_refused_with_suggestion(house: House) -> None:
    house.environment["BGCOPY_LISTENS"] = "unix:/x"
    assert house.problems() == "unknown variable BGCOPY_LISTENS; did you mean 'BGCOPY_LISTEN'?"


def test_variables_of_the_client_and_empty_ones_are_left_alone(house: House) -> None:
    house.environment |= {
        "BGCOPY_TARGET": "unix:/x",
        "BGCOPY_TOKEN_FILE": "/x",
        "BGCOPY_TLS_CA": "/x",
        "BGCOPY_TLS_CERT": "/x",
        "BGCOPY_TLS_KEY": "/x",
        "BGCOPY_LISTEN": "",
    }
    assert house.load().origins["listen"] == "default"


def test_all_problems_come_at_once(house: House) -> None:
    house.environment["BGCOPY_TIME_SLICE"] = "0"
    house.given.write_text('state_dirr = "/x"\nretention = "soon"\nfiles_in_parallel = 0\n')
    problems = house.problems(
        {"listen": ("tcp://0.0.0.0:1",), "roots": ("fs=/", "A=/", "a=rel", "b=/absent", "c")},
        house.given,
    ).splitlines()
    beginnings = [
        f"{house.given}: unknown key 'state_dirr'",
        "flag --root: 'c' is no root",
        "flag --listen: listen: tcp://0.0.0.0:1 would send tokens in plain text",
        "flag --root: roots: the name 'fs' is reserved",
        "flag --root: roots: 'A' is no name of a root",
        "flag --root: roots: 'rel' is not absolute",
        "flag --root: roots: /absent is no directory",
        f"{house.given}: files_in_parallel: input should be greater than or equal to 1, not 0",
        "BGCOPY_TIME_SLICE: time_slice: input should be greater than 0, not '0'",
        f"{house.given}: retention: 'soon' is no duration",
    ]
    for beginning in beginnings:
        assert [line for line in problems if line.startswith(beginning)], beginning
    assert len(problems) == len(beginnings)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"background_jobs =\n", "is no TOML"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (b"retention = inf\n", "is no duration"),
        (b"max_bytes_per_second = -1\n", "is no rate"),
        (b"listen = []\n", "at least one listener is needed"),
        (b'listen = "unix:/x"\n', "listen: input should be a valid tuple"),
        (b'listen = ["unix:/x", "unix:/x"]\n', "given more than once"),
        (b"roots = 5\n", "roots: "),
        (b'[roots]\n"../x" = "/"\n', "no name of a root"),
        (b'ca_file = "/absent.pem"\n', "cannot be read"),
        (b'log_level = "loud"\n', "log_level: input should be 'debug', 'info'"),
        (b"[limits]\njobs = 5\n", "unknown key 'limits'"),
    ],
)
def test_bad_file(house: House, content: bytes, problem: str) -> None:
    house.given.write_bytes(content)
    assert problem in house.problems(config=house.given)


def test_given_file_must_exist(house: House) -> None:
    assert "cannot be read: No such file" in house.problems(config=house.given)


def test_settings_cannot_be_changed(house: House) -> None:
    settings = house.load().settings
    with pytest.raises(ValueError, match="frozen"):
        settings.background_jobs = 5
    with pytest.raises(TypeError):
        settings.all_roots["x"] = Path("/")  # type: ignore[index] # that is what is tested


def test_two_free_ports_are_two_listeners(house: House) -> None:
    flags: dict[str, object] = {"listen": ("tcp://127.0.0.1:0", "tcp://127.0.0.1:0")}
    assert len(house.load(flags).settings.listen) == 2


def test_what_show_prints_is_a_file_that_means_the_same(house: House, tmp_path: Path) -> None:
    shown = CliRunner().invoke(
        config,
        ["show", "--root", f"a={tmp_path}", "--retention", "7d", "--no-daily-backup"],
        env={**house.environment, "XDG_RUNTIME_DIR": None, "XDG_STATE_HOME": None},
    )
    assert shown.exit_code == 0, shown.output
    assert "retention = 604800.0  # flag --retention" in shown.output
    house.given.write_text(shown.output)
    settings = house.load(config=house.given).settings
    assert settings.roots == {"a": tmp_path}
    assert (settings.retention, settings.daily_backup) == (604_800.0, False)


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "configuration.md").read_text()
    for key, info in Settings.model_fields.items():
        assert info.description, key
        row = f"| `{key}` | `{flag_of(key)}` | `{variable_of(key)}` |"
        assert row in page, f"docs/configuration.md lacks the row {row}"
        assert info.description in page, key


def test_the_documented_defaults_are_those_of_the_settings() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "configuration.md").read_text()
    told = {
        key: default.strip("`")
        for key, default in re.findall(r"(?m)^\| `(\w+)` \| `--.*? \| .*? \| (.*?) \|", page)
    }
    assert told.keys() == Settings.model_fields.keys()
    plain = Settings()
    # Those two depend on the user.
    for key in told.keys() - {"state_dir", "listen"}:
        default = getattr(plain, key)
        if told[key] == "none":
            assert not default, key
        else:
            assert getattr(Settings.model_validate({key: told[key]}), key) == default, key


def test_no_setting_is_accepted_and_ignored() -> None:
    server = Path(__file__).resolve().parents[2] / "server" / "bgcopyd"
    readers = [
        server / "daemon.py",
        server / "doors.py",
        server / "cli" / "serve.py",
        server / "config" / "settings.py",
    ]
    code = "\n".join(path.read_text() for path in readers)
    # Roots and limits reach the daemon through the properties that settings.py makes of them.
    unread = [
        key
        for key in Settings.model_fields
        if f"settings.{key}" not in code and f"self.{key}" not in code
    ]
    assert not unread
