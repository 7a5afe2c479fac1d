"""What a program with psycopg2 does. Prints a line a result, "step | what"; nothing in it may differ between direct and through.
A step that goes another way than it should prints "step | ! what". Signs in with what the environment says (PGHOST …)."""

import io
import select
import threading

import psycopg2
import psycopg2.extensions
import psycopg2.extras
from psycopg2 import errors

con = psycopg2.connect("")
lines = 0
current = "?"


def say(*what):
    global lines
    lines += 1
    print(current, "|", " ".join(str(part) for part in what).replace("\n", "\\n").replace("\r", "\\r"), flush=True)


FIELDS = [name for name in dir(psycopg2.extensions.Diagnostics) if not name.startswith("_")]


def say_error(error):
    """Every field of an error."""
    values = [(name, getattr(error.diag, name)) for name in FIELDS if not name.startswith("source_")]
    diag = error.diag
    values = " ".join(f"{name}={value!r};" for name, value in values if value is not None)
    say("error", type(error).__name__, error.pgcode, values, f"at {diag.source_file}:{diag.source_line} {diag.source_function}")


def step(name, work):
    global current
    current = name
    try:
        work()
    except Exception as error:
        say("!", type(error).__name__, error)
    con.rollback()
    con.autocommit = False


def run(sql, arguments=None):
    """Says everything a statement gives."""
    with con.cursor() as cursor:
        try:
            cursor.execute(sql, arguments)
        except psycopg2.Error as error:
            say_error(error)
            return
        say(cursor.statusmessage, cursor.rowcount)
        if cursor.description:
            say([(c.name, c.type_code, c.internal_size, c.precision, c.scale) for c in cursor.description])
            for row in cursor.fetchall():
                say(shown(row))


def must(sql, arguments=None):
    with con.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchall() if cursor.description else None


def columns():
    return must("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'samples'::regclass AND attnum > 1 ORDER BY attnum")


def shown(value):
    """A value without addresses in it."""
    if isinstance(value, (list, tuple)):
        return type(value)(shown(part) for part in value)
    return bytes(value) if isinstance(value, memoryview) else value


def types():
    for name, _ in columns():
        with con.cursor() as cursor:
            cursor.execute(f"SELECT {name} FROM samples ORDER BY id")
            for i in range(4):
                cursor.scroll(i, mode="absolute")
                # What Python's own types cannot hold is an error of the driver: the same one on both ways.
                try:
                    value = repr(shown(cursor.fetchone()[0]))
                except (ValueError, OverflowError, psycopg2.DataError) as error:
                    value = f"cannot hold: {error}"
                say(f"{name}[{i + 1}]", cursor.description[0].type_code, value)


def parameters():
    for name, kind in columns():
        texts = [row[0] for row in must(f"SELECT {name}::text FROM samples ORDER BY id")]
        back = must("SELECT " + ", ".join([f"(%s::{kind})::text"] * 4), texts)[0]
        for i in range(4):
            say(f"{name}[{i + 1}]", repr(texts[i])[:60], back[i] == texts[i])
    run("SELECT %s, %s, %s, %s, %s, %s", (1, "a'b\\c", None, [1, None, 2], b"\x00\xff", 1.5))
    run("SELECT %(a)s::numeric + %(a)s, %(b)s", {"a": 2, "b": psycopg2.extras.Json({"x": [1, None]})})
    run("SELECT * FROM things WHERE id IN %s ORDER BY id", ((1, 2, 3),))
    run("SELECT %s::mood[], %s::pair", (["calm", "it's"], (1, "x")))


def copy():
    for options in ("", "(FORMAT csv, HEADER)", "(FORMAT csv, DELIMITER ';', NULL 'none')", "(FORMAT binary)"):
        out = io.BytesIO()
        with con.cursor() as cursor:
            cursor.copy_expert(f"COPY (SELECT * FROM samples ORDER BY id) TO STDOUT {options}", out)
            say(options, cursor.rowcount, out.getvalue())
            cursor.execute("CREATE TEMP TABLE copied (LIKE samples)")
            out.seek(0)
            cursor.copy_expert(f"COPY copied FROM STDIN {options}", out, size=1000)
            say(cursor.rowcount, cursor.statusmessage)
        run("SELECT count(*) FROM samples AS s JOIN copied AS c USING (id) WHERE s::text = c::text")
        con.rollback()
    must("CREATE TEMP TABLE copied (id int, v text)")
    con.commit()
    with con.cursor() as cursor:
        cursor.copy_from(io.StringIO("1\ta\n2\t\\N\n"), "copied")
        out = io.StringIO()
        cursor.copy_to(out, "copied", sep="|", null="none", columns=("v", "id"))
        say(out.getvalue())
        try:
            cursor.copy_from(io.StringIO("x\ta\n"), "copied")
            say("! it was copied")
        except psycopg2.Error as error:
            say_error(error)
    con.rollback()
    run("SELECT count(*) FROM copied")
    con.commit()

    class Failing(io.StringIO):
        def read(self, size=-1):
            raise ValueError("cannot be read")

    with con.cursor() as cursor:
        try:
            cursor.copy_expert("COPY copied FROM STDIN", Failing())
            say("! it was copied")
        except Exception as error:
            say(type(error).__name__, str(error).splitlines()[0])
    con.rollback()
    must("DROP TABLE copied")
    con.commit()


def cancel():
    must("SELECT 1")
    for _ in range(2):
        threading.Timer(0.2, con.cancel).start()
        run("SELECT pg_sleep(20)")
        con.rollback()
    con.cancel()
    run("SELECT 1 AS alive")


def notices():
    must("SET client_min_messages = debug1")
    del con.notices[:]
    run("SELECT complain('all')")
    run("DO $$ BEGIN RAISE WARNING 'from a block'; END $$")
    con.rollback()
    for notice in con.notices:
        say(notice)


def notify():
    con.autocommit = True
    run("LISTEN psycopg2_channel")
    run("NOTIFY psycopg2_channel, 'from itself ☃'")
    other = psycopg2.connect("")
    other.autocommit = True
    other.cursor().execute("SELECT pg_notify('psycopg2_channel', 'from another')")
    other.close()
    for _ in range(20):
        con.poll()
        if len(con.notifies) >= 2:
            break
        select.select([con], [], [], 0.1)
    for note in con.notifies:
        say(note.channel, note.payload)
    del con.notifies[:]
    run("UNLISTEN *")


def large_object_by_sql():
    must("SELECT lo_from_bytea(88888, %s)", (b"\x00\x01\x02",))
    run("SELECT lo_get(88888), lo_get(88888, 1, 1)")
    run("SELECT lo_put(88888, 1, 'xyz')")
    run("SELECT lo_open(88888, 393216)")
    run("SELECT loread(0, 3)")
    run("SELECT lowrite(0, 'more')")
    run("SELECT lo_close(0)")
    run("SELECT lo_get(88888)")
    run("SELECT lo_unlink(88888)")


def large_object_by_driver():
    lobject = con.lobject(0, "wb")
    oid = lobject.oid
    say(lobject.write(b"hello" * 100000))
    lobject.close()
    lobject = con.lobject(oid, "rw")
    say(lobject.seek(5), lobject.tell(), lobject.read(7))
    lobject.truncate(3)
    lobject.seek(0)
    say(lobject.read())
    lobject.unlink()
    say(lobject.closed)


def failures():
    for sql, arguments in (
        ("SELEC 1", None), ("SELECT nothing FROM things", None), ("SELECT * FROM nobody WHERE id = %s", (1,)), ("SELECT 1/%s", (0,)),
        ("INSERT INTO things VALUES (1, 'again')", None), ("INSERT INTO things VALUES (1000, NULL)", None),
        ("INSERT INTO things VALUES (1000, repeat('x', 30))", None), ("INSERT INTO things VALUES (1000, 'x', -1)", None),
        ("SELECT 'sad'::mood", None), ("SELECT complain('error')", None), ("CREATE ROLE somebody", None), ("SELECT 1; SELECT 1/0; SELECT 2", None),
    ):
        say(sql)
        run(sql, arguments)
        run("SELECT 'in a failed transaction'")
        con.rollback()
        run("SELECT 1 AS alive")
        con.commit()


def transactions():
    say(con.status, con.get_transaction_status())
    must("CREATE TEMP TABLE kept (id int PRIMARY KEY)")
    con.commit()
    must("INSERT INTO kept VALUES (1)")
    say(con.get_transaction_status())
    must("SAVEPOINT one")
    try:
        must("INSERT INTO kept VALUES (1)")
        say("! it was inserted")
    except errors.UniqueViolation as error:
        say("violated", error.diag.constraint_name, error.diag.message_detail)
    say(con.get_transaction_status())
    must("ROLLBACK TO SAVEPOINT one")
    must("INSERT INTO kept VALUES (2)")
    con.commit()
    with con:
        must("INSERT INTO kept VALUES (3)")
    try:
        with con:
            must("INSERT INTO kept VALUES (4)")
            raise KeyError
    except KeyError:
        pass
    run("SELECT * FROM kept ORDER BY id")
    con.rollback()
    for level in ("SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED"):
        con.set_session(isolation_level=level, readonly=True, deferrable=level == "SERIALIZABLE")
        run("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')")
        run("INSERT INTO things VALUES (1000, 'x')")
        con.rollback()
    con.set_session(isolation_level="DEFAULT", readonly="DEFAULT", deferrable="DEFAULT")
    con.tpc_begin("an id")
    must("INSERT INTO kept VALUES (9)")
    try:
        con.tpc_prepare()
        say("! it was prepared")
    except psycopg2.Error as error:
        say_error(error)
    con.reset()
    must("DROP TABLE IF EXISTS kept")
    con.commit()


def cursors():
    with con.cursor("walk") as cursor:
        cursor.itersize = 7
        cursor.execute("SELECT id FROM things WHERE id > %s ORDER BY id", (3,))
        say([row[0] for row in cursor])
    with con.cursor("scroll", scrollable=True, withhold=True) as cursor:
        cursor.execute("SELECT id, name FROM things ORDER BY id")
        say(cursor.fetchmany(3))
        cursor.scroll(5)
        con.commit()
        say(cursor.fetchone())
        cursor.scroll(-2)
        say(cursor.fetchone())
    with con.cursor() as cursor:
        cursor.callproc("two_rows", (5,))
        say(cursor.fetchall())


def batches():
    must("CREATE TEMP TABLE batch (id int PRIMARY KEY, v text)")
    with con.cursor() as cursor:
        cursor.executemany("INSERT INTO batch VALUES (%s, %s)", [(i, f"v{i}") for i in range(50)])
        psycopg2.extras.execute_batch(cursor, "INSERT INTO batch VALUES (%s, %s)", [(i, None) for i in range(50, 350)], page_size=100)
        say(psycopg2.extras.execute_values(cursor, "INSERT INTO batch VALUES %s RETURNING id", [(i, "x") for i in range(350, 1000)], fetch=True)[-1])
    run("SELECT count(*), count(v), sum(id) FROM batch")


def prepared():
    must("PREPARE one (int) AS SELECT name FROM things WHERE id = $1")
    for i in range(1, 8):
        say(must("EXECUTE one (%s)", (i,)))
    must("DEALLOCATE one")


def parameter_status():
    for name in ("server_version", "server_encoding", "client_encoding", "is_superuser", "session_authorization", "DateStyle", "TimeZone",
                 "integer_datetimes", "standard_conforming_strings", "application_name", "nobody"):
        say(name, con.get_parameter_status(name))
    say(con.encoding, con.server_version, con.protocol_version, con.info.dbname, con.info.user)
    con.set_client_encoding("UTF8")
    must("SET TimeZone = 'Asia/Tokyo'")
    say(con.get_parameter_status("TimeZone"))


def empty():
    for sql in ("", ";", "-- nothing"):
        with con.cursor() as cursor:
            try:
                cursor.execute(sql)
                say("! it was executed", cursor.statusmessage)
            except psycopg2.ProgrammingError as error:
                say(error)
    run("SELECT 1; SELECT 2 AS last;")


def backend_pid():
    say("is pg_backend_pid():", "yes" if must("SELECT pg_backend_pid()")[0][0] == con.get_backend_pid() else "no")


current = "transport"
say(f"tls={'yes' if con.info.ssl_in_use else 'no'}")
step("parameter status", parameter_status)
step("types text", types)
step("parameters text", parameters)
step("prepared", prepared)
step("empty query", empty)
step("copy", copy)
step("cancel", cancel)
step("notices", notices)
step("notify", notify)
step("large object by SQL", large_object_by_sql)
step("large object by driver", large_object_by_driver)
step("errors", failures)
step("transactions", transactions)
step("cursors", cursors)
step("batches", batches)
step("backend pid", backend_pid)
print("end |", lines)
