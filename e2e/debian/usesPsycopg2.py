"""What a program with psycopg2 does. Prints a line a step; nothing in it may differ between a direct session and one through the gateway."""

import io
import sys
import threading

import psycopg2
from psycopg2 import errors

con = psycopg2.connect(sys.argv[1], application_name="e2e psycopg2", options="-c statement_timeout=20s")


def step(name, work):
    try:
        print(name, work(), flush=True)
    except psycopg2.Error as error:
        print(name, type(error).__name__, error.pgcode, str(error).splitlines()[0], flush=True)
        con.rollback()


def rows(sql, arguments=None):
    with con.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchall() if cursor.description else cursor.statusmessage


def named_cursor():
    with con.cursor("walk") as cursor:
        cursor.itersize = 7
        cursor.execute("SELECT id FROM products WHERE id > %s ORDER BY id", (3,))
        return [row[0] for row in cursor]


def copy():
    rows("CREATE TEMP TABLE e2e_copy (id int, v text) ON COMMIT DROP")
    with con.cursor() as cursor:
        cursor.copy_from(io.StringIO("1\ta\n2\t\\N\n"), "e2e_copy")
        out = io.StringIO()
        cursor.copy_expert("COPY e2e_copy TO STDOUT (FORMAT csv, NULL 'none')", out)
    con.commit()
    return out.getvalue()


def savepoint():
    rows("CREATE TEMP TABLE e2e_savepoint (id int PRIMARY KEY) ON COMMIT DROP")
    rows("INSERT INTO e2e_savepoint VALUES (1)")
    rows("SAVEPOINT one")
    try:
        rows("INSERT INTO e2e_savepoint VALUES (1)")
    except errors.UniqueViolation as error:
        print("violated", error.diag.constraint_name, error.diag.message_detail)
    rows("ROLLBACK TO SAVEPOINT one")
    kept = rows("SELECT count(*) FROM e2e_savepoint")
    con.rollback()
    return kept


def cancel():
    threading.Timer(0.3, con.cancel).start()
    return rows("SELECT pg_sleep(10)")


step("parameters", lambda: rows("SELECT %s, %s, %s, %s", (1, "a'b", None, [1, 2])))
step("timeout", lambda: rows("SHOW statement_timeout"))
step("named cursor", named_cursor)
step("copy", copy)
step("savepoint", savepoint)
step("unknown table", lambda: rows("SELECT * FROM e2e_nobody"))
step("syntax", lambda: rows("SELEC 1"))
step("cancel", cancel)
step("lives on", lambda: rows("SELECT 1"))
