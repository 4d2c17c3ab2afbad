"""sql/migrate itself, and the functions it leaves: again, at once, and checked."""
import threading
import time
import uuid

from calls import rows, uuid7, value
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
    outputs = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], outputs
    assert sum("Applied: 10001" in output for output in outputs) == 1, "one did the work, the others waited"
    assert state(cluster, "contended") == state(cluster, "orderline")


def test_the_demo_stock_may_be_asked_for_again(cluster):
    cluster.migrate("--demo", database="demo")
    cluster.migrate("--demo", database="demo")


BEFORE_CUSTOMERS = """
    DROP TRIGGER fill_customer ON orders.progress;
    DROP FUNCTION orders.fill_customer();
    ALTER TABLE orders.progress DROP COLUMN customer_id;
    DELETE FROM orders.schema_migrations WHERE version >= '20003';
    INSERT INTO orders.orders
    SELECT orders.uuid_v7_floor(now() - i * interval '1 s'), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
           'EUR', 1, '[]', '{}'
    FROM generate_series(1, 5000) AS i;
    INSERT INTO orders.progress (order_id, status, version, updated_at)
    SELECT order_id, 'PENDING', 1, now() FROM orders.orders"""


def place_as_before(session):
    order = uuid7()
    rows(session, "INSERT INTO orders.orders VALUES (%s, %s, %s, %s, 'EUR', 1, '[]', '{}')",
         order, *(uuid.uuid4() for _ in "kbc"))
    rows(session, "INSERT INTO orders.progress (order_id, status, version, updated_at)"
                  " VALUES (%s, 'PENDING', 1, now())", order)


def test_orders_from_before_and_of_the_moment_get_their_customers(cluster):
    """One is uncommitted when the column comes, one waits with the old statement until it is there."""
    cluster.migrate(database="before")
    admin, first, second = (cluster.connect(database="before") for _ in range(3))
    admin.autocommit = second.autocommit = True

    def wait_for_waiting(count):
        while value(admin, "SELECT count(*) FROM pg_locks"
                           " WHERE relation = 'orders.progress'::regclass AND NOT granted") < count:
            time.sleep(0.02)

    try:
        rows(admin, BEFORE_CUSTOMERS)
        place_as_before(first)
        run = cluster.start_migrate(database="before")
        wait_for_waiting(1)
        waiting = threading.Thread(target=place_as_before, args=[second])
        waiting.start()
        wait_for_waiting(2)
        first.commit()
        output, _ = run.communicate(timeout=60)
        waiting.join()
        assert run.returncode == 0, output
        place_as_before(second)
        assert value(admin, "SELECT count(*) FROM orders.progress JOIN orders.orders USING (order_id, customer_id)") == 5003
        assert value(admin, "SELECT bool_and(indisvalid) AND count(*) = 5 FROM pg_index"
                            " WHERE indrelid = 'orders.progress'::regclass")
    finally:
        for session in (admin, first, second):
            session.close()


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
