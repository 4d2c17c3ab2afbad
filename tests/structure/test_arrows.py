"""Includes point down only, and each foreign library is known to one file (ARCHITECTURE.md, "The floors")."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A folder may include from the folders in its row, and from itself.
MAY_INCLUDE = {
    "common/base": [],
    "common/model": ["common/base"],
    "common/io": ["common/base"],
    "common/store": ["common/base", "common/model", "common/io"],
    "fcgi": ["common/base", "common/model", "common/io", "common/store"],
    "workers/relay": ["common/base", "common/model", "common/io", "common/store"],
    "workers/runtime": ["common/base", "common/model", "common/io", "common/store"],
    "workers/services": ["common/base", "common/model", "common/io", "common/store", "workers/runtime"],
}

# Which folders an #include "x/y.h" can mean, by its first parts.
PREFIXES = {
    "base/": "common/base",
    "model/": "common/model",
    "io/": "common/io",
    "store/": "common/store",
    "fcgi/": "fcgi",
    "workers/relay/": "workers/relay",
    "workers/runtime/": "workers/runtime",
    "workers/services/": "workers/services",
}

# Headers of foreign libraries, and the one place each may be included from.
FOREIGN = {
    "fcgiapp.h": ["fcgi/fastcgi.c"],
    "libpq-fe.h": ["common/io/pg.c"],
    "hiredis/hiredis.h": ["common/io/redis.c"],
    "cjson/cJSON.h": ["common/io/json.c"],
    "microhttpd.h": ["common/io/http_server.c"],
    "openssl/": ["common/io/digest.c"],
    "librdkafka/rdkafka.h": ["common/io/kafka.c"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def sources():
    for part in ("common", "fcgi", "workers"):
        for path in sorted((ROOT / part).rglob("*.[ch]")):
            yield path.relative_to(ROOT).as_posix(), path.read_text()


def includes():
    for path, text in sources():
        for quote, name in INCLUDE.findall(text):
            yield path, quote, name


def folder_of(path):
    return max((folder for folder in MAY_INCLUDE if path.startswith(folder + "/")), key=len)


def test_there_is_something_to_check():
    assert len(list(sources())) > 40
    assert len(list(includes())) > 100


def test_includes_point_down_only():
    wrong = []
    for path, quote, name in includes():
        if quote == "<":
            continue
        target = next((folder for prefix, folder in PREFIXES.items() if name.startswith(prefix)), None)
        own = folder_of(path)
        if target is None or (target != own and target not in MAY_INCLUDE[own]):
            wrong.append(f'{path}: #include "{name}"')
    assert not wrong


def test_a_foreign_library_is_known_to_one_file():
    seen = {header: set() for header in FOREIGN}
    for path, quote, name in includes():
        for header in FOREIGN:
            if quote == "<" and name.startswith(header):
                seen[header].add(path)
    assert {header: sorted(paths) for header, paths in seen.items()} == FOREIGN


def test_no_sql_is_put_together_in_c():
    """Statements are whole literals that call functions; values travel as parameters."""
    wrong = []
    for path, text in sources():
        for literal in re.findall(r'"((?:SELECT|INSERT|UPDATE|DELETE)\b[^"]*)"', text):
            if "%" in literal or not re.match(r"SELECT (\* FROM )?\w+\(", literal):
                wrong.append(f"{path}: {literal}")
    assert not wrong
