"""sql/migrate itself, and the functions it leaves: again, at once, and checked."""
from calls import rows, value
from conftest import SCHEMAS


def state(cluster, database):
    """Everything a migration makes, as text."""
    with cluster.connect(database=database) as connection:
        found = [
            rows(connection, query, SCHEMAS) for query in (
                "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = ANY (%s) ORDER BY 1, 2, 3",
                "SELECT oid::regprocedure::text, prosrc, proacl::text FROM pg_proc"
                " WHERE pronamespace = ANY (%s::regnamespace[]) ORDER BY 1",
                "SELECT oid::regclass::text, relacl::text FROM pg_class"
                " WHERE relnamespace = ANY (%s::regnamespace[]) ORDER BY 1")]
    connection.close()
    return found


def test_a_second_run_changes_nothing(cluster):
    before = state(cluster, "orderline")
    assert "Applied" not in cluster.migrate()
    assert state(cluster, "orderline") == before


def test_runs_at_once_on_an_empty_server_all_succeed(cluster):
    runs = [cluster.start_migrate(database="contended") for _ in range(3)]
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], outputs
    assert sum("Applied: 10001" in output for output in outputs) == 1, "one did the work, the others waited"
    assert state(cluster, "contended") == state(cluster, "orderline")


def test_the_demo_stock_may_be_asked_for_again(cluster):
    cluster.migrate("--demo", database="demo")
    cluster.migrate("--demo", database="demo")


def test_a_missing_password_is_named(cluster):
    run = cluster.start_migrate(SERVICE_DB_PASSWORD="")
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 1 and "ORDERS_DB_PASSWORD" in output


def test_unknown_arguments_are_refused(cluster):
    run = cluster.start_migrate("--demmo")
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 1 and "--demmo" in output


def test_a_service_may_have_a_password_of_its_own(cluster):
    cluster.migrate(database="own", PAYMENT_DB_PASSWORD="it's another")
    cluster.migrate()


def test_every_function_passes_plpgsql_check(cluster):
    with cluster.connect() as connection:
        rows(connection, "CREATE EXTENSION IF NOT EXISTS plpgsql_check")
        complaints = rows(
            connection,
            "SELECT p.oid::regprocedure::text, c.lineno, c.level, c.message"
            " FROM pg_proc AS p LEFT JOIN pg_trigger AS t ON t.tgfoid = p.oid"
            " CROSS JOIN plpgsql_check_function_tb(p.oid, coalesce(t.tgrelid, 0), newtable => t.tgnewtable,"
            " performance_warnings => false) AS c"
            " WHERE p.pronamespace = ANY (%s::regnamespace[])"
            " AND p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')", [*SCHEMAS, "ops"])
        assert complaints == []
        assert value(connection, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'orders'::regnamespace"
                                 " AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')") > 10
    connection.close()


def test_every_function_says_what_it_does():
    """A comment stands right above each CREATE FUNCTION; what breaks an invariant has its words in ops.invariants()."""
    from conftest import ROOT
    for path in [*ROOT.glob("sql/*/*.sql")]:
        lines = path.read_text().splitlines()
        for at, line in enumerate(lines):
            if line.startswith("CREATE OR REPLACE FUNCTION") and "ops.broken_" not in line:
                assert lines[at - 1].startswith("--"), f"{path.name}:{at + 1} {line}"
