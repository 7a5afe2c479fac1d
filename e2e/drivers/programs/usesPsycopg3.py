"""What a program with psycopg 3 does. Prints a line a result, "step | what"; nothing in it may differ between direct and through.
A step that goes another way than it should prints "step | ! what". Signs in with what the environment says (PGHOST …)."""

import asyncio
import threading

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

con = psycopg.connect("")
lines = 0
current = "?"


def say(*what):
    global lines
    lines += 1
    print(current, "|", " ".join(str(part) for part in what).replace("\n", "\\n").replace("\r", "\\r"), flush=True)


FIELDS = [name for name in dir(psycopg.errors.Diagnostic) if not name.startswith("_") and name.islower()]


def say_fields(kind, diag):
    values = [(name, getattr(diag, name)) for name in FIELDS if not name.startswith("source_")]
    values = " ".join(f"{name}={value!r};" for name, value in values if isinstance(value, str))
    say(kind, values, f"at {diag.source_file}:{diag.source_line} {diag.source_function}")


def step(name, work):
    global current
    current = name
    try:
        work()
    except Exception as error:
        say("!", type(error).__name__, error)
    con.rollback()
    con.autocommit = False
    con.prepare_threshold = 5


def run(text, arguments=None, **options):
    """Says everything a statement gives."""
    try:
        cursor = con.execute(text, arguments, **options)
    except psycopg.Error as error:
        say_fields("error " + type(error).__name__, error.diag)
        return
    while True:
        say(cursor.statusmessage, cursor.rowcount)
        if cursor.description:
            say([(c.name, c.type_code, c.internal_size, c.precision, c.scale) for c in cursor.description])
            for row in cursor:
                say(row)
        if not cursor.nextset():
            return


def must(text, arguments=None, **options):
    cursor = con.execute(text, arguments, **options)
    return cursor.fetchall() if cursor.description else None


def columns():
    return must("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'samples'::regclass AND attnum > 1 ORDER BY attnum")


def types(binary):
    for name, _ in columns():
        cursor = con.execute(f"SELECT {name} FROM samples ORDER BY id", binary=binary)
        for i in range(4):
            cursor.scroll(i, mode="absolute")
            # What Python's own types cannot hold is an error of the driver: the same one on both ways.
            try:
                value = repr(cursor.fetchone()[0])
            except (psycopg.Error, ValueError, OverflowError) as error:
                value = f"cannot hold: {error}"
            raw = cursor.pgresult.get_value(i, 0)
            say(f"{name}[{i + 1}]", cursor.description[0].type_code, cursor.pgresult.fformat(0), raw, value)


def parameters():
    for name, kind in columns():
        texts = [row[0] for row in must(f"SELECT {name}::text FROM samples ORDER BY id")]
        back = must("SELECT " + ", ".join([f"(%s::{kind})::text"] * 4), texts)[0]
        for i in range(4):
            say(f"{name}[{i + 1}]", repr(texts[i])[:60], back[i] == texts[i])


def parameters_binary():
    """Values of Python's types that go as they are in binary, and come back so."""
    for name, _ in columns():
        cursor = con.execute(f"SELECT {name} FROM samples WHERE id < 4 ORDER BY id", binary=True)
        values = []
        for i in range(3):
            cursor.scroll(i, mode="absolute")
            try:
                values.append(cursor.fetchone()[0])
            except (psycopg.Error, ValueError, OverflowError):
                values.append(None)
        try:
            back = con.execute("SELECT %b, %b, %b", values, binary=True).fetchone()
            say(name, repr(back)[:200])
        except (psycopg.Error, ValueError, OverflowError) as error:
            say(name, type(error).__name__, str(error).splitlines()[0])
            con.rollback()
    run("SELECT %b, %b, %b, %b, %b, %b", (1, "a'b\\c", 2**40, [1, None, 2], b"\x00\xff", 1.5))
    run("SELECT %t, %s, %b", (1, Jsonb({"x": [1, None]}), "é"), binary=True)


def prepared():
    for threshold in (0, 2, None):
        con.prepare_threshold = threshold
        for i in range(1, 8):
            say(threshold, must("SELECT name, %s::text FROM things WHERE id = %s", (f"x{i}", i)))
        run("SELECT name, statement, from_sql FROM pg_prepared_statements")
        con.commit()
    con.prepare_threshold, con.prepared_max = 0, 3
    for i in range(8):
        must(f"SELECT {i} + %s", (1,))
    run("SELECT count(*) <= 4 FROM pg_prepared_statements")
    must("CREATE TEMP TABLE changing (a int)")
    run("SELECT * FROM changing")
    must("ALTER TABLE changing ADD COLUMN b int")
    run("SELECT * FROM changing")
    con.rollback()
    must("DEALLOCATE ALL")
    run("SELECT 1 WHERE true = %s", (True,), prepare=True)


def copy():
    for options in ("", "(FORMAT csv, HEADER)", "(FORMAT binary)"):
        with con.cursor().copy(f"COPY (SELECT * FROM samples ORDER BY id) TO STDOUT {options}") as out:
            data = [bytes(part) for part in out]
        say(options, len(data), *data)
        must("CREATE TEMP TABLE copied (LIKE samples)")
        cursor = con.cursor()
        with cursor.copy(f"COPY copied FROM STDIN {options}") as into:
            for part in data:
                into.write(part[:5])
                into.write(part[5:])
        say(cursor.statusmessage)
        run("SELECT count(*) FROM samples AS s JOIN copied AS c USING (id) WHERE s::text = c::text")
        con.rollback()
    must("CREATE TEMP TABLE copied (id int4, v text)")
    with con.cursor().copy("COPY copied FROM STDIN (FORMAT binary)") as into:
        into.set_types(["int4", "text"])
        for i in range(2000):
            into.write_row((i, None if i % 3 == 0 else f"v{i}"))
    con.commit()
    with con.cursor().copy("COPY copied TO STDOUT (FORMAT binary)") as out:
        out.set_types(["int4", "text"])
        say(sum(row[0] for row in out.rows()))
    with con.cursor().copy("COPY copied TO STDOUT") as out:
        say(sum(1 for _ in out.rows()))
    for text, data in (("COPY copied FROM STDIN", b"x\ty\n"), ("COPY copied FROM STDIN (FORMAT binary)", b"no header at all")):
        try:
            with con.cursor().copy(text) as into:
                into.write(data)
            say("! it was copied")
        except psycopg.Error as error:
            say_fields("error", error.diag)
        con.rollback()
    try:
        with con.cursor().copy("COPY copied FROM STDIN") as into:
            raise KeyError("gave up")
    except (KeyError, psycopg.errors.QueryCanceled) as error:
        say(type(error).__name__, str(error))
    con.rollback()
    with con.cursor().copy("COPY copied TO STDOUT") as out:
        say(bytes(next(iter(out))), sum(1 for _ in out))
    run("SELECT count(*) FROM copied")
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


def cancel_async():
    async def work():
        other = await psycopg.AsyncConnection.connect("")
        task = asyncio.create_task(other.execute("SELECT pg_sleep(20)"))
        await asyncio.sleep(0.2)
        other.cancel()
        try:
            await task
            say("! it ran")
        except psycopg.errors.QueryCanceled as error:
            say(error)
        await other.rollback()
        say(await (await other.execute("SELECT 1 AS alive")).fetchall())
        await other.close()

    asyncio.run(work())


def notices():
    def on_notice(diag):
        say_fields("notice", diag)

    con.add_notice_handler(on_notice)
    must("SET client_min_messages = debug1")
    run("SELECT complain('all')")
    run("SELECT complain(%s)", ("extended",))
    con.remove_notice_handler(on_notice)


def notify():
    con.autocommit = True
    heard = []
    con.add_notify_handler(heard.append)
    run("LISTEN psycopg3_channel")
    run("NOTIFY psycopg3_channel, 'from itself ☃'")
    other = psycopg.connect("", autocommit=True)
    other.execute("SELECT pg_notify('psycopg3_channel', 'from another')")
    other.close()
    for _ in range(50):
        if len(heard) >= 2:
            break
        con.execute("SELECT pg_sleep(0.02)")
    for note in heard:
        say(note.channel, note.payload)
    run("UNLISTEN *")


def large_object_by_sql():
    run("SELECT lo_from_bytea(88889, %b)", (b"\x00\x01\x02",))
    run("SELECT lo_get(88889), lo_get(88889, 1, 1)", binary=True)
    run("SELECT lo_put(88889, 1, %b)", (b"xyz",))
    run("SELECT lo_open(88889, 393216)")
    run("SELECT loread(0, 3)", binary=True)
    run("SELECT lowrite(0, %b)", (b"more",))
    run("SELECT lo_close(0)")
    run("SELECT lo_get(88889)")
    run("SELECT lo_unlink(88889)")


def failures():
    for text, arguments in (
        ("SELEC 1", None), ("SELECT nothing FROM things", None), ("SELECT * FROM nobody WHERE id = %s", (1,)), ("SELECT 1/%s", (0,)),
        ("INSERT INTO things VALUES (1, 'again')", None), ("INSERT INTO things VALUES (1000, NULL)", None),
        ("INSERT INTO things VALUES (1000, repeat('x', 30))", None), ("INSERT INTO things VALUES (1000, 'x', %s)", (-1,)),
        ("SELECT %s::mood", ("sad",)), ("SELECT complain('error')", None), ("CREATE ROLE somebody", None), ("SELECT 1; SELECT 1/0; SELECT 2", None),
        ("SELECT 1; SELECT %s", (2,)), ("SELECT %s || %s", (1, 2)), ("SELECT %s::int", ("x",)), ("SELECT %s::text", ("a\0b",)),
    ):
        say(text)
        run(text, arguments)
        run("SELECT 'in a failed transaction'")
        con.rollback()
        run("SELECT 1 AS alive")
        con.commit()


def transactions():
    say(con.info.transaction_status.name)
    with con.transaction():
        must("CREATE TEMP TABLE kept (id int PRIMARY KEY)")
    with con.transaction():
        must("INSERT INTO kept VALUES (1)")
        say(con.info.transaction_status.name)
        try:
            with con.transaction(savepoint_name="inner one"):
                must("INSERT INTO kept VALUES (1)")
        except psycopg.errors.UniqueViolation as error:
            say("violated", error.diag.message_detail)
        must("INSERT INTO kept VALUES (2)")
        with con.transaction(force_rollback=True):
            must("INSERT INTO kept VALUES (3)")
    con.isolation_level, con.read_only, con.deferrable = psycopg.IsolationLevel.SERIALIZABLE, True, True
    run("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')")
    run("SELECT * FROM kept ORDER BY id")
    con.rollback()
    con.isolation_level, con.read_only, con.deferrable = None, None, None
    must("INSERT INTO kept VALUES (9)")
    run("PREPARE TRANSACTION 'an id'")
    con.rollback()
    must("DROP TABLE kept")
    con.commit()


def cursors():
    for binary in (False, True):
        with con.cursor("walk", binary=binary, scrollable=True) as cursor:
            cursor.itersize = 7
            cursor.execute("SELECT id, name, size::numeric / 3 FROM things WHERE id > %s ORDER BY id", (3,))
            say(cursor.fetchmany(2))
            cursor.scroll(5)
            say(cursor.fetchone())
            cursor.scroll(0, mode="absolute")
            say(sum(row[0] for row in cursor))
    with con.cursor(row_factory=dict_row) as cursor:
        say([row for row in cursor.stream("SELECT id, name FROM things WHERE id < %s ORDER BY id", (4,))])
    run(sql.SQL("SELECT {}, {} FROM things LIMIT 1").format(sql.Identifier("id"), sql.Literal("a'b")))
    run("CALL doubled(21)")
    run("SELECT * FROM two_rows(%s)", (3,))


def batches():
    must("CREATE TEMP TABLE batch (id int PRIMARY KEY, v text)")
    cursor = con.cursor()
    cursor.executemany("INSERT INTO batch VALUES (%s, %s)", [(i, f"v{i}") for i in range(300)])
    say(cursor.rowcount)
    cursor.executemany("INSERT INTO batch VALUES (%s, %s) RETURNING id", [(i, None) for i in range(300, 310)], returning=True)
    while True:
        say(cursor.fetchone())
        if not cursor.nextset():
            break
    try:
        cursor.executemany("INSERT INTO batch VALUES (%s, %s)", [(400, "x"), (1, "y"), (401, "z")])
        say("! they were inserted")
    except psycopg.Error as error:
        say(error.sqlstate, error.diag.message_detail)


def pipeline():
    with con.pipeline() as pipe:
        con.execute("CREATE TEMP TABLE piped (id int PRIMARY KEY)")
        written = con.execute("INSERT INTO piped VALUES (%s), (%s) RETURNING id", (1, 2))
        con.execute("PREPARE piped_one AS SELECT 42")
        prepared_one = con.execute("EXECUTE piped_one")
        con.execute("DECLARE piped_cursor CURSOR FOR SELECT id FROM piped ORDER BY id")
        fetched = con.execute("FETCH ALL FROM piped_cursor")
        pipe.sync()
        con.execute("DEALLOCATE piped_one")
        say(written.fetchall(), prepared_one.fetchall(), fetched.fetchall())
    con.commit()
    try:
        with con.pipeline():
            con.execute("INSERT INTO piped VALUES (3)")
            con.execute("INSERT INTO piped VALUES (1)")
            con.execute("INSERT INTO piped VALUES (4)")
        say("! it went through")
    except psycopg.Error as error:
        say(type(error).__name__, error.sqlstate)
    con.rollback()
    with con.pipeline():
        cursors = [con.execute("SELECT %s::int + g FROM generate_series(1, 3) AS g", (i,)) for i in range(200)]
    say(sum(row[0] for cursor in cursors for row in cursor))
    try:
        with con.pipeline(), con.transaction():
            con.execute("INSERT INTO piped VALUES (5)")
            try:
                with con.transaction():
                    con.execute("SELECT 1/0").fetchall()
            except psycopg.errors.DivisionByZero as error:
                say(error)
            con.execute("INSERT INTO piped VALUES (6)")
    except psycopg.Error as error:
        say("!", error)
    run("SELECT * FROM piped ORDER BY id")
    con.rollback()
    must("DROP TABLE piped")
    con.commit()


def many_parameters():
    values = list(range(65535))
    run("SELECT cardinality(ARRAY[" + ",".join(["%s::int"] + ["%s"] * 65534) + "]) AS n", values)
    con.rollback()
    try:
        con.execute("SELECT cardinality(ARRAY[" + ",".join(["%s"] * 65536) + "]) AS n", values + [1])
        say("! it was executed")
    except psycopg.Error as error:
        say(error)


def parameter_status():
    for name in ("server_version", "server_encoding", "client_encoding", "is_superuser", "session_authorization", "DateStyle", "IntervalStyle",
                 "TimeZone", "integer_datetimes", "standard_conforming_strings", "application_name", "in_hot_standby", "nobody"):
        say(name, con.info.parameter_status(name))
    say(con.info.encoding, con.info.server_version, con.info.dbname, con.info.user, con.info.timezone)
    must("SET TimeZone = 'Asia/Tokyo'")
    say(con.info.parameter_status("TimeZone"), must("SELECT '2024-02-29 12:00+00'::timestamptz"))


def empty():
    for text in ("", ";", "-- nothing"):
        for arguments in (None, ()):
            run(text, arguments)
    run("SELECT 1; SELECT 2 AS last;")


def backend_pid():
    say("is pg_backend_pid():", "yes" if must("SELECT pg_backend_pid()")[0][0] == con.info.backend_pid else "no")


current = "transport"
say(f"tls={'yes' if con.pgconn.ssl_in_use else 'no'}")
step("parameter status", parameter_status)
step("types text", lambda: types(False))
step("types binary", lambda: types(True))
step("parameters text", parameters)
step("parameters binary", parameters_binary)
step("prepared", prepared)
step("empty query", empty)
step("copy", copy)
step("cancel", cancel)
step("cancel, asynchronous", cancel_async)
step("notices", notices)
step("notify", notify)
step("large object by SQL", large_object_by_sql)
step("errors", failures)
step("transactions", transactions)
step("cursors", cursors)
step("batches", batches)
step("pipeline", pipeline)
step("65535 parameters", many_parameters)
step("backend pid", backend_pid)
print("end |", lines)
