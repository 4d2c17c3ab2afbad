"""A PostgreSQL cluster of the tests' own, migrated by sql/migrate."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import psycopg2
import psycopg2.extras
import pytest
from world import World

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(subprocess.check_output(["pg_config", "--bindir"], text=True).strip())
SCHEMAS = (ROOT / "sql/services").read_text().split()
PASSWORD = "only-for-tests"


class Cluster:
    """A server on a unix socket in a directory that goes with it."""

    def __init__(self, directory):
        self.directory = directory

    def url(self, database="orderline", user="postgres"):
        return f"postgresql://{user}:{PASSWORD}@/{database}?host={self.directory}"

    def connect(self, user="postgres", database="orderline", **options):
        return psycopg2.connect(self.url(database, user), **options)

    def run(self, *command):
        """Server programs refuse to be root."""
        prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run([*prefix, *map(str, command)], check=True, stdout=subprocess.DEVNULL, cwd=self.directory)

    def start_migrate(self, *arguments, database="orderline", **environment):
        return subprocess.Popen(
            [ROOT / "sql/migrate", *arguments],
            env={**os.environ, "DATABASE_URL": self.url(database), "SERVICE_DB_PASSWORD": PASSWORD, **environment},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def migrate(self, *arguments, **keywords):
        process = self.start_migrate(*arguments, **keywords)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        return output


@pytest.fixture(scope="session")
def cluster():
    directory = tempfile.mkdtemp(prefix="orderline-sql-")
    if os.geteuid() == 0:
        shutil.chown(directory, "postgres")
    server = Cluster(directory)
    server.run(BIN / "initdb", "-D", f"{directory}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
    server.run(BIN / "pg_ctl", "-D", f"{directory}/data", "-w", "-l", f"{directory}/log", "-o",
               f"-k {directory} -c listen_addresses= -c fsync=off -c deadlock_timeout=200ms", "start")
    try:
        server.migrate("--demo")
        yield server
    finally:
        server.run(BIN / "pg_ctl", "-D", f"{directory}/data", "-m", "immediate", "stop")
        shutil.rmtree(directory)


@pytest.fixture
def connect(cluster):
    """Opens sessions of a service's role with its schema as search_path, as programs do; they end with the test."""
    opened = []

    def session(schema, autocommit=False):
        connection = cluster.connect(f"orderline_{schema}", options=f"-c search_path={schema}")
        connection.autocommit = autocommit
        opened.append(connection)
        return connection

    yield session
    for connection in opened:
        connection.close()


@pytest.fixture(scope="session")
def admin(cluster):
    """The administrator's session; each test that writes by it commits."""
    connection = cluster.connect()
    yield connection
    connection.close()


@pytest.fixture(autouse=True)
def empty_tables(admin):
    """Each test begins with tables as migration left them."""
    yield
    admin.rollback()
    with admin.cursor() as cursor:
        for schema in SCHEMAS:
            cursor.execute(f"TRUNCATE {schema}.outbox, {schema}.inbox, {schema}.deadletter")
        cursor.execute("TRUNCATE orders.orders, orders.progress, orders.timeline")
    admin.commit()


@pytest.fixture(scope="module")
def audited(cluster, request):
    """A database of the module's own with the world in it, and its URL."""
    database = request.module.__name__
    cluster.migrate("--demo", database=database)
    session = cluster.connect(database=database)
    psycopg2.extras.register_uuid(conn_or_curs=session)
    world = World(session)
    session.commit()
    yield world, cluster.url(database)
    session.close()
