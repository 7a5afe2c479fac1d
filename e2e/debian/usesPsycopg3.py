"""What a program with psycopg 3 does. Prints a line a step; nothing in it may differ between a direct session and one through the gateway."""

import sys

import psycopg

con = psycopg.connect(sys.argv[1], application_name="e2e psycopg 3", prepare_threshold=2)


def step(name, work):
    try:
        print(name, work(), flush=True)
    except psycopg.Error as error:
        print(name, type(error).__name__, error.sqlstate, str(error).splitlines()[0], flush=True)
        con.rollback()


def rows(sql, arguments=None, binary=False, prepare=None):
    cursor = con.execute(sql, arguments, binary=binary, prepare=prepare)
    return cursor.fetchall() if cursor.description else cursor.statusmessage


TYPES = (
    "true, 32767::int2, 9223372036854775807, 1.5::float4, 'NaN'::numeric, 'snow ☃', '\\xdead00'::bytea, '2024-02-29'::date,"
    " '2024-02-29 12:34:56.789+00'::timestamptz, '1 mon 3 days'::interval, '6f9619ff-8b86-d011-b42d-00cf4fc964ff'::uuid,"
    " '{\"a\": [1, null]}'::jsonb, ARRAY[[1,2],[3,NULL]], '10.0.0.0/8'::cidr, '[1,10)'::int4range, ROW(1, 'a'), NULL::text"
)


def server_cursor():
    with con.cursor("walk", binary=True, scrollable=True) as cursor:
        cursor.execute("SELECT id, price FROM products ORDER BY id")
        first = cursor.fetchmany(2)
        cursor.scroll(5)
        return first, cursor.fetchone()


def pipeline():
    with con.pipeline():
        rows("CREATE TEMP TABLE e2e_pipeline (id int) ON COMMIT DROP")
        written = con.execute("INSERT INTO e2e_pipeline VALUES (%s), (%s) RETURNING id", (1, 2))
        con.execute("PREPARE e2e_prepared AS SELECT 42")
        prepared = con.execute("EXECUTE e2e_prepared")
        con.execute("DECLARE e2e_cursor CURSOR FOR SELECT id FROM e2e_pipeline ORDER BY id")
        fetched = con.execute("FETCH ALL FROM e2e_cursor")
        con.execute("DEALLOCATE e2e_prepared")
        answer = written.fetchall(), prepared.fetchall(), fetched.fetchall()
    con.rollback()
    return answer


def copy_binary():
    rows("CREATE TEMP TABLE e2e_copy (id int4, v text) ON COMMIT DROP")
    with con.cursor().copy("COPY e2e_copy FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["int4", "text"])
        for i in range(2000):
            copy.write_row((i, None if i % 3 == 0 else f"v{i}"))
    with con.cursor().copy("COPY e2e_copy TO STDOUT (FORMAT binary)") as copy:
        size = sum(len(part) for part in copy)
    con.rollback()
    return size


def nested():
    with con.transaction():
        rows("CREATE TEMP TABLE e2e_nested (id int PRIMARY KEY) ON COMMIT DROP")
        rows("INSERT INTO e2e_nested VALUES (1)")
        try:
            with con.transaction():
                rows("INSERT INTO e2e_nested VALUES (1)")
        except psycopg.errors.UniqueViolation as error:
            print("violated", error.diag.message_detail)
        return rows("SELECT count(*) FROM e2e_nested")


step("text", lambda: rows(f"SELECT {TYPES}"))
step("binary", lambda: rows(f"SELECT {TYPES}", binary=True))
step("prepared", lambda: [rows("SELECT name FROM products WHERE id = %s", (i,)) for i in range(1, 7)])
con.commit()
step("server cursor", server_cursor)
step("pipeline", pipeline)
step("copy", copy_binary)
step("nested", nested)
step("unknown table", lambda: rows("SELECT * FROM e2e_nobody WHERE id = %s", (1,)))
step("division", lambda: rows("SELECT 1 / %s", (0,)))
step("lives on", lambda: rows("SELECT 1"))
