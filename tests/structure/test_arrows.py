"""Includes point down only, and each foreign library is known to one place (ARCHITECTURE.md, "The floors")."""
import pathlib
import re
import shutil
import subprocess

import pytest

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
    "ctl": ["common/base", "common/model", "common/io", "common/store"],
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
    "ctl/": "ctl",
}

# Headers of foreign libraries, and who knows them: one file each, but for two, where a small group shares one header.
FOREIGN = {
    "fcgiapp.h": {"fcgi/fastcgi.c"},
    "libpq-fe.h": {"common/io/pg.c"},
    "curl/": {"common/io/curl_transfer.h"},
    "hiredis/hiredis.h": {"common/io/redis.c"},
    "cjson/cJSON.h": {"common/io/json.c"},
    "microhttpd.h": {"common/io/http_server.c"},
    "openssl/": {"common/io/digest.c"},
    "librdkafka/": {"common/io/kafka_conf.h"},
}
# The group's own header: whoever includes it knows the library as well.
GROUPS = {
    "io/curl_transfer.h": {"common/io/transfers.c", "common/io/http_client.c", "common/io/smtp.c"},
    "io/kafka_conf.h": {"common/io/kafka_conf.c", "common/io/kafka_producer.c", "common/io/kafka_consumer.c",
                         "common/io/kafka_groups.c"},
}
# What a C program has without any library: ISO C, POSIX, Linux and glibc.
SYSTEM = {
    "arpa/inet.h", "assert.h", "ctype.h", "endian.h", "errno.h", "fcntl.h", "inttypes.h", "limits.h", "netinet/in.h",
    "poll.h", "pthread.h", "sanitizer/asan_interface.h", "sched.h", "semaphore.h", "signal.h", "stdalign.h", "stdarg.h",
    "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "strings.h", "sys/auxv.h",
    "sys/epoll.h", "sys/eventfd.h", "sys/mman.h", "sys/queue.h", "sys/random.h", "sys/resource.h", "sys/socket.h",
    "sys/stat.h", "sys/time.h", "sys/types.h", "sysexits.h", "time.h", "unistd.h",
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def sources():
    for part in ("common", "fcgi", "workers", "ctl"):
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


def known_to(prefix):
    return {path for path, _, name in includes() if name.startswith(prefix)}


@pytest.mark.parametrize("header", FOREIGN)
def test_a_foreign_library_is_known_to_one_place(header):
    assert known_to(header) == FOREIGN[header]


@pytest.mark.parametrize("header", GROUPS)
def test_a_group_does_not_grow_unseen(header):
    assert known_to(header) == GROUPS[header]


def test_there_is_no_other_foreign_library():
    foreign = {f"{path}: #include <{name}>" for path, quote, name in includes()
               if quote == "<" and name not in SYSTEM and not name.startswith(tuple(FOREIGN))}
    assert not foreign


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
def test_every_header_compiles_alone():
    """All of them in one run of the compiler: -fsyntax-only takes many files, each a translation unit of its own."""
    headers = [path for path, _ in sources() if path.endswith(".h")]
    flags = ["-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-unused-function", "-fsyntax-only", "-Icommon", "-I."]
    done = subprocess.run(["gcc", *flags, "-x", "c", *headers], cwd=ROOT, capture_output=True, text=True, check=False)
    problems = [line for line in done.stderr.splitlines() if ": error: " in line or ": warning: " in line]
    assert [line for line in problems if "#pragma once in main file" not in line] == []
    assert done.returncode == 0, done.stderr


def test_no_sql_is_put_together_in_c():
    """Statements are whole literals that call functions, or ask whether anyone is there; values travel as parameters."""
    wrong = []
    for path, text in sources():
        for literal in re.findall(r'"((?:SELECT|INSERT|UPDATE|DELETE) [^"]*)"', text):
            if "%" in literal or not re.match(r"SELECT (1$|(\* FROM )?\w+\()", literal):
                wrong.append(f"{path}: {literal}")
    assert not wrong


def test_orderctl_knows_what_each_group_takes():
    """ctl may not include workers: its table of groups and topics is held to the services' own."""
    known = dict(re.findall(r'\{ "orderline-(\w+)", \{ ([^}]*) \} \}', (ROOT / "ctl/consumers.c").read_text()))
    taken = {}
    for path in (ROOT / "workers/services").glob("*.c"):
        topics = re.search(r"\btopics\[\] = \{ (.*), NULL \};", path.read_text())
        if topics:
            taken[path.stem] = topics.group(1)
    assert known == taken and len(taken) >= 5
