"""Who may touch what: each role its own schema, nobody else anything."""
import psycopg2
import pytest

from calls import rows, value
from conftest import SCHEMAS

PAIRS = [(role, schema) for role in SCHEMAS for schema in SCHEMAS]


def objects(session, schema):
    """Tables and functions as they are called: (kind, name)."""
    tables = rows(session, "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'", schema)
    functions = rows(session, "SELECT oid FROM pg_proc WHERE pronamespace = %s::regnamespace", schema)
    assert tables and functions
    return [name for name, in tables], [oid for oid, in functions]


@pytest.mark.parametrize("role, schema", [pair for pair in PAIRS if pair[0] != pair[1]])
def test_a_role_is_kept_out_of_the_other_schemas(admin, connect, role, schema):
    session = connect(role, autocommit=True)
    tables, functions = objects(admin, schema)
    for table in tables:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            rows(session, f"SELECT * FROM {schema}.{table}")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows(session, f"SELECT {schema}.outbox_oldest_age_ms()")
    for table in tables:
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
            assert not value(admin, "SELECT has_table_privilege(%s, %s, %s)",
                             f"orderline_{role}", f"{schema}.{table}", right)
    for function in functions:
        assert not value(admin, "SELECT has_function_privilege(%s, %s::oid, 'EXECUTE')", f"orderline_{role}", function)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_role_uses_its_own_schema(connect, schema):
    session = connect(schema, autocommit=True)
    assert value(session, f"SELECT {schema}.outbox_oldest_age_ms()") == 0
    assert rows(session, f"SELECT * FROM {schema}.inbox_claim('{{}}', '{{}}', '{{}}')") == []


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("statement", [
    "CREATE TABLE {schema}.more (a int)", "CREATE TABLE public.more (a int)", "CREATE TEMPORARY TABLE more (a int)",
    "CREATE SCHEMA more", "DROP TABLE {schema}.outbox", "TRUNCATE {schema}.outbox",
    "SELECT * FROM {schema}.schema_migrations", "CREATE ROLE more",
])
def test_a_role_changes_no_structure(connect, schema, statement):
    with pytest.raises((psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InvalidSchemaName)):
        rows(connect(schema, autocommit=True), statement.format(schema=schema))


@pytest.mark.parametrize("statement", [
    "UPDATE orders.orders SET total_minor = 0", "DELETE FROM orders.orders", "UPDATE orders.timeline SET version = 9",
    "DELETE FROM orders.timeline", "DELETE FROM orders.progress", "UPDATE orders.secret SET value = ''",
])
def test_orders_and_their_history_are_written_once(connect, statement):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows(connect("orders", autocommit=True), statement)


@pytest.mark.parametrize("statement", [
    "SELECT notification.set_contact(gen_random_uuid(), 'a@b')",
    "SELECT notification.add_webhook(gen_random_uuid(), 'http://x', '{order.created}', '')",
    "DELETE FROM notification.contact", "UPDATE notification.webhook SET url = ''",
])
def test_contacts_and_webhooks_are_the_operators(connect, statement):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows(connect("notification", autocommit=True), statement)


def test_strangers_get_no_connection(cluster, admin):
    rows(admin, "CREATE ROLE stranger LOGIN")
    admin.commit()
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        cluster.connect("stranger")
    rows(admin, "DROP ROLE stranger")
    admin.commit()
