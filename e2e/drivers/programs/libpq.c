/* What a C program does with libpq. Prints a line a result, "step | what"; nothing in it may differ between direct and through.
   A step that goes another way than it should prints "step | ! what". */
#include <libpq-fe.h>
#include <libpq/libpq-fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

static PGconn *con;
static const char *step = "?";
static int lines = 0;

static void put(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (s[i] == '\n') fputs("\\n", stdout);
    else if (s[i] == '\r') fputs("\\r", stdout);
    else putchar(s[i]);
  }
}

static void say(const char *format, ...) {
  static char text[200000];
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  printf("%s | ", step);
  put(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
  putchar('\n');
  fflush(stdout);
  lines++;
}

static void check(int good, const char *what) {
  if (!good) say("! %s: %s", what, PQerrorMessage(con));
}

/* Every field of an error or a notice. */
static const struct { int code; const char *name; } fields[] = {
  {PG_DIAG_SEVERITY, "severity"}, {PG_DIAG_SEVERITY_NONLOCALIZED, "severity2"}, {PG_DIAG_SQLSTATE, "sqlstate"},
  {PG_DIAG_MESSAGE_PRIMARY, "message"}, {PG_DIAG_MESSAGE_DETAIL, "detail"}, {PG_DIAG_MESSAGE_HINT, "hint"},
  {PG_DIAG_STATEMENT_POSITION, "position"}, {PG_DIAG_INTERNAL_POSITION, "internal position"}, {PG_DIAG_INTERNAL_QUERY, "internal query"},
  {PG_DIAG_CONTEXT, "context"}, {PG_DIAG_SCHEMA_NAME, "schema"}, {PG_DIAG_TABLE_NAME, "table"}, {PG_DIAG_COLUMN_NAME, "column"},
  {PG_DIAG_DATATYPE_NAME, "type"}, {PG_DIAG_CONSTRAINT_NAME, "constraint"}};

static const char *source(const PGresult *result, int code) {
  const char *value = PQresultErrorField(result, code);
  return value ? value : "";
}

static void say_fields(const char *kind, const PGresult *result) {
  char text[8000];
  size_t n = 0;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    const char *value = PQresultErrorField(result, fields[i].code);
    if (value) n += snprintf(text + n, sizeof text - n, " %s=%s;", fields[i].name, value);
  }
  say("%s%s at %s:%s %s", kind, text, source(result, PG_DIAG_SOURCE_FILE), source(result, PG_DIAG_SOURCE_LINE), source(result, PG_DIAG_SOURCE_FUNCTION));
}

static void on_notice(void *unused, const PGresult *result) {
  (void)unused;
  say_fields("notice", result);
}

/* A cell as it is: text, or bytes in hex. */
static const char *cell(const PGresult *result, int row, int column) {
  static char text[100000];
  if (PQgetisnull(result, row, column)) return "NULL";
  int n = PQgetlength(result, row, column);
  const unsigned char *value = (const unsigned char *)PQgetvalue(result, row, column);
  if (PQfformat(result, column) == 0) snprintf(text, sizeof text, "'%s'", value);
  else for (int i = 0; i <= n && i * 2 < (int)sizeof text - 2; i++) sprintf(text + 2 * i, i < n ? "%02x" : "", value[i]);
  return text;
}

/* Says what a result is, all of it, and frees it. */
static void say_result(PGresult *result) {
  ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_FATAL_ERROR) say_fields("error", result);
  else say("%s tag=%s changed=%s rows=%d columns=%d", PQresStatus(status), PQcmdStatus(result), PQcmdTuples(result), PQntuples(result), PQnfields(result));
  for (int row = 0; row < PQntuples(result) && row < 50; row++)
    for (int column = 0; column < PQnfields(result) && column < 20; column++) say("  %s=%s", PQfname(result, column), cell(result, row, column));
  PQclear(result);
}

static void run(const char *sql) { say_result(PQexec(con, sql)); }

/* For what only prepares a step. */
static void must(const char *sql) {
  PGresult *result = PQexec(con, sql);
  check(PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK, sql);
  PQclear(result);
}

static void rest(void) {
  for (PGresult *result; (result = PQgetResult(con));) say_result(result);
}

static PGresult *samples(int format) {
  return PQexecParams(con, "SELECT * FROM samples ORDER BY id", 0, NULL, NULL, NULL, NULL, format);
}

static void types(int format) {
  PGresult *result = samples(format);
  check(PQntuples(result) == 4, "samples");
  for (int c = 1; c < PQnfields(result); c++)
    for (int row = 0; row < 4; row++)
      say("%s[%d] oid=%u size=%d mod=%d origin=%d format=%d %s", PQfname(result, c), row + 1, PQftype(result, c), PQfsize(result, c),
          PQfmod(result, c), PQftablecol(result, c), PQfformat(result, c), cell(result, row, c));
  PQclear(result);
}

/* Sends each value back as a parameter of its type in the form it came in. */
static void parameters(int format) {
  PGresult *result = samples(format);
  for (int c = 1; c < PQnfields(result); c++) {
    Oid type = PQftype(result, c);
    for (int row = 0; row < 4; row++) {
      const char *value = PQgetisnull(result, row, c) ? NULL : PQgetvalue(result, row, c);
      int length = PQgetlength(result, row, c);
      PGresult *answer = PQexecParams(con, "SELECT $1", 1, &type, &value, &length, &format, format);
      if (PQresultStatus(answer) != PGRES_TUPLES_OK) say_fields(PQfname(result, c), answer);
      else {
        int same = (value == NULL) == PQgetisnull(answer, 0, 0) && (value == NULL || (PQgetlength(answer, 0, 0) == length && !memcmp(PQgetvalue(answer, 0, 0), value, length)));
        say("%s[%d] oid=%u %s %s", PQfname(result, c), row + 1, PQftype(answer, 0), same ? "as sent" : "changed", cell(answer, 0, 0));
      }
      PQclear(answer);
    }
  }
  PQclear(result);
}

static void prepared(void) {
  say_result(PQprepare(con, "one", "SELECT id, name, $2::text AS said FROM things WHERE id = $1", 0, NULL));
  PGresult *described = PQdescribePrepared(con, "one");
  say("parameters=%d %u %u columns=%d %s %s", PQnparams(described), PQparamtype(described, 0), PQparamtype(described, 1), PQnfields(described), PQfname(described, 0), PQfname(described, 2));
  PQclear(described);
  for (int i = 1; i <= 7; i++) {
    char id[12];
    snprintf(id, sizeof id, "%d", i);
    const char *values[] = {id, i % 2 ? "odd" : NULL};
    say_result(PQexecPrepared(con, "one", 2, values, NULL, NULL, i % 2));
  }
  say_result(PQprepare(con, "one", "SELECT 2", 0, NULL));
  say_result(PQdescribePrepared(con, "nobody"));
  say_result(PQexecPrepared(con, "nobody", 0, NULL, NULL, NULL, 0));
  run("SELECT name, statement, parameter_types, from_sql FROM pg_prepared_statements");
  run("EXECUTE one(3, 'by SQL')");
  run("PREPARE two (int) AS SELECT $1 + 1 AS next");
  const char *value = "41";
  say_result(PQexecPrepared(con, "two", 1, &value, NULL, NULL, 0));
  run("DEALLOCATE one");
  say_result(PQexecPrepared(con, "one", 0, NULL, NULL, NULL, 0));
  run("DISCARD ALL");
  say_result(PQexecPrepared(con, "two", 1, &value, NULL, NULL, 0));
  say_result(PQprepare(con, "", "SELECT id FROM things WHERE id < $1::int ORDER BY id", 0, NULL));
  value = "3";
  say_result(PQexecPrepared(con, "", 1, &value, NULL, NULL, 0));
  must("SELECT 1");
  say_result(PQexecPrepared(con, "", 1, &value, NULL, NULL, 0));
  must("CREATE TEMP TABLE changing (a int)");
  say_result(PQprepare(con, "changing", "SELECT * FROM changing", 0, NULL));
  must("ALTER TABLE changing ADD COLUMN b int");
  say_result(PQexecPrepared(con, "changing", 0, NULL, NULL, NULL, 0));
  must("DEALLOCATE ALL");
}

static void several(void) {
  check(PQsendQuery(con, "SELECT 1 AS a; SELECT 'two' AS b WHERE false; CREATE TEMP TABLE several (a int); INSERT INTO several VALUES (1), (2); SELECT 3 AS c"), "send");
  rest();
  check(PQsendQuery(con, "INSERT INTO several VALUES (3); SELECT 1/0; SELECT 5"), "send");
  rest();
  run("SELECT count(*) FROM several");
  check(PQsendQuery(con, "BEGIN; INSERT INTO several VALUES (3); COMMIT; SELECT nothing"), "send");
  rest();
  run("SELECT count(*) FROM several");
  run("SELECT 1; SELEC 2");
}

static void single_rows(void) {
  check(PQsendQueryParams(con, "SELECT g, 10 / (4 - g) AS q FROM generate_series(1, 6) AS g", 0, NULL, NULL, NULL, NULL, 0), "send");
  check(PQsetSingleRowMode(con), "single row");
  rest();
}

static void copy_in(const char *sql, const char *data, int length, const char *fail) {
  PGresult *result = PQexec(con, sql);
  if (PQresultStatus(result) != PGRES_COPY_IN) { say_result(result); return; }
  say("into %d columns, binary %d %d", PQnfields(result), PQbinaryTuples(result), PQfformat(result, 0));
  PQclear(result);
  /* In pieces of three bytes: a message may hold part of a row. */
  for (int at = 0; at < length; at += 3) check(PQputCopyData(con, data + at, length - at < 3 ? length - at : 3) == 1, "data");
  check(PQputCopyEnd(con, fail) == 1, "end");
  rest();
}

static int copy_out(const char *sql, char *into, int size, int hex) {
  PGresult *result = PQexec(con, sql);
  int total = 0;
  if (PQresultStatus(result) != PGRES_COPY_OUT) { say_result(result); return 0; }
  say("out of %d columns, binary %d %d", PQnfields(result), PQbinaryTuples(result), PQfformat(result, 0));
  PQclear(result);
  char *row;
  for (int n; (n = PQgetCopyData(con, &row, 0)) > 0; PQfreemem(row)) {
    if (into && total + n <= size) memcpy(into + total, row, n);
    total += n;
    if (!hex) say("row %.*s", n, row);
    else {
      char text[200000];
      for (int i = 0; i < n && i * 2 < (int)sizeof text - 2; i++) sprintf(text + 2 * i, "%02x", (unsigned char)row[i]);
      say("bytes %s", n ? text : "");
    }
  }
  rest();
  return total;
}

static void copy(const char *options, int binary) {
  static char data[500000];
  char sql[200];
  snprintf(sql, sizeof sql, "COPY (SELECT * FROM samples ORDER BY id) TO STDOUT %s", options);
  int n = copy_out(sql, data, sizeof data, binary);
  must("CREATE TEMP TABLE copied (LIKE samples)");
  snprintf(sql, sizeof sql, "COPY copied FROM STDIN %s", options);
  copy_in(sql, data, n, NULL);
  run("SELECT count(*), count(*) FILTER (WHERE s::text IS DISTINCT FROM c::text) AS differ FROM samples AS s JOIN copied AS c USING (id)");
  must("DROP TABLE copied");
}

static void copy_errors(void) {
  must("CREATE TEMP TABLE copied (id int PRIMARY KEY, b text)");
  copy_in("COPY copied FROM STDIN", "1\tx\ny\tz\n", 8, NULL);
  copy_in("COPY copied FROM STDIN", "1\tx\n1\tz\n", 8, NULL);
  copy_in("COPY copied FROM STDIN", "1\tx\n", 4, "the client gave up");
  copy_in("COPY copied FROM STDIN (FORMAT csv, HEADER match)", "id,c\n", 5, NULL);
  copy_in("COPY copied FROM STDIN (FORMAT binary)", "no header", 9, NULL);
  copy_in("COPY nobody FROM STDIN", "", 0, NULL);
  copy_in("COPY copied (id) FROM STDIN WHERE id > 1", "1\n2\n3\n", 6, NULL);
  run("SELECT * FROM copied");
  copy_out("COPY (SELECT 1/(3-g) FROM generate_series(1, 5) AS g) TO STDOUT", NULL, 0, 0);
  check(PQsendQuery(con, "SELECT 1 AS a; COPY copied FROM STDIN; SELECT 2 AS b; COPY copied TO STDOUT; SELECT 3 AS c"), "send");
  for (PGresult *result; (result = PQgetResult(con));) {
    ExecStatusType status = PQresultStatus(result);
    say_result(result);
    if (status == PGRES_COPY_IN) { PQputCopyData(con, "9\tnine\n", 7); PQputCopyEnd(con, NULL); }
    if (status == PGRES_COPY_OUT) for (char *row; PQgetCopyData(con, &row, 0) > 0; PQfreemem(row)) say("row %s", row);
  }
  must("DROP TABLE copied");
}

static void cancel(void) {
  char error[256];
  must("SELECT 1");
  for (int i = 0; i < 3; i++) {
    check(PQsendQuery(con, i == 1 ? "SELECT 1 AS first; SELECT pg_sleep(20)" : "SELECT pg_sleep(20)"), "send");
    usleep(150000);
    PGcancel *key = PQgetCancel(con);
    check(PQcancel(key, error, sizeof error), error);
    PQfreeCancel(key);
    rest();
  }
  /* Late: it hits nothing. */
  PGcancel *key = PQgetCancel(con);
  check(PQcancel(key, error, sizeof error), error);
  PQfreeCancel(key);
  usleep(50000);
  run("SELECT 1 AS alive");
}

/* The statement before it changed the catalog: whoever reads that again must not lose the cancel meanwhile. */
static void cancel_after_ddl(void) {
  char error[256];
  for (int i = 0; i < 3; i++) {
    must("CREATE TEMP TABLE churn (LIKE samples); DROP TABLE churn");
    check(PQsendQuery(con, "SELECT pg_sleep(1)"), "send");
    usleep(20000);
    PGcancel *key = PQgetCancel(con);
    check(PQcancel(key, error, sizeof error), error);
    PQfreeCancel(key);
    rest();
  }
}

static void notices(void) {
  must("SET client_min_messages = debug1");
  run("SELECT complain('all')");
  run("SELECT complain('error')");
  must("RESET client_min_messages");
  run("DO $$ BEGIN RAISE NOTICE 'from a block'; END $$");
  run("DROP TABLE IF EXISTS nobody");
  run("ROLLBACK");
  say_result(PQexecParams(con, "SELECT g, complain('row ' || g) FROM generate_series(1, 3) AS g", 0, NULL, NULL, NULL, NULL, 0));
}

/* Waits at most two seconds for a notification. */
static void say_notification(void) {
  PGnotify *note = NULL;
  for (int tries = 0; tries < 20 && !(note = PQnotifies(con)); tries++) {
    fd_set input;
    struct timeval wait = {0, 100000};
    FD_ZERO(&input);
    FD_SET(PQsocket(con), &input);
    select(PQsocket(con) + 1, &input, NULL, NULL, &wait);
    PQconsumeInput(con);
  }
  if (!note) { say("! no notification"); return; }
  say("%s '%s'", note->relname, note->extra);
  const char *was = step;
  step = "pid of a notification";
  say("is the session's own: %s", note->be_pid == PQbackendPID(con) ? "yes" : "no");
  step = was;
  PQfreemem(note);
}

static void notify(void) {
  run("LISTEN libpq_channel");
  run("NOTIFY libpq_channel, 'from itself ☃'");
  say_notification();
  run("SELECT pg_notify('libpq_channel', '')");
  say_notification();
  must("BEGIN");
  must("NOTIFY libpq_channel, 'in a transaction'");
  say("none yet: %s", PQnotifies(con) ? "no" : "yes");
  must("COMMIT");
  say_notification();
  PGconn *other = PQconnectdb("");
  check(PQstatus(other) == CONNECTION_OK, "other");
  PQclear(PQexec(other, "NOTIFY libpq_channel, 'from another'"));
  PQfinish(other);
  PGnotify *note = NULL;
  for (int tries = 0; tries < 40 && !(note = PQnotifies(con)); tries++) { usleep(50000); PQconsumeInput(con); }
  say("%s from another: %s", note ? note->extra : "! nothing", note && note->be_pid != PQbackendPID(con) ? "yes" : "no");
  if (note) PQfreemem(note);
  run("UNLISTEN *");
  run("NOTIFY libpq_channel, 'nobody listens'");
}

static void lo_by_sql(void) {
  must("BEGIN");
  must("CREATE TEMP TABLE lo ON COMMIT DROP AS SELECT lo_creat(-1) AS id");
  run("SELECT lo_open(id, 393216) AS fd FROM lo");
  run("SELECT lowrite(0, '\\x00ff10') AS written");
  run("SELECT lo_lseek(0, 1, 0) AS at");
  run("SELECT loread(0, 10) AS bytes");
  run("SELECT lo_tell64(0) AS at");
  run("SELECT lo_truncate(0, 2) AS truncated");
  run("SELECT lo_close(0) AS closed");
  run("SELECT lo_get(id) AS bytes FROM lo");
  run("SELECT lo_put(id, 5, '\\xab') FROM lo");
  run("SELECT lo_get(id, 1, 9) AS bytes FROM lo");
  run("SELECT lo_unlink(id) AS gone FROM lo");
  must("COMMIT");
  run("SELECT lo_from_bytea(77777, '\\x0102') AS id");
  run("SELECT encode(lo_get(77777), 'hex') AS bytes");
  run("SELECT loid, pageno, data FROM pg_largeobject WHERE loid = 77777");
  run("SELECT lo_unlink(77777) AS gone");
  run("SELECT lo_unlink(77777) AS gone");
}

/* libpq's functions use FunctionCall messages. */
static void lo_by_api(void) {
  must("BEGIN");
  Oid id = lo_creat(con, INV_READ | INV_WRITE);
  check(id != 0, "lo_creat");
  int fd = lo_open(con, id, INV_READ | INV_WRITE);
  check(fd >= 0, "lo_open");
  static char data[300000], back[300000];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (char)(i * 7);
  say("written %d", lo_write(con, fd, data, sizeof data));
  say("at %lld", (long long)lo_tell64(con, fd));
  say("moved to %d", lo_lseek(con, fd, 100, SEEK_SET));
  int n = lo_read(con, fd, back, sizeof back);
  say("read %d %s", n, n > 0 && !memcmp(back, data + 100, n) ? "the same" : "not the same");
  say("truncated %d", lo_truncate(con, fd, 10));
  say("end at %d", lo_lseek(con, fd, 0, SEEK_END));
  say("closed %d", lo_close(con, fd));
  say("unlinked %d", lo_unlink(con, id));
  say("status %d", PQtransactionStatus(con));
  must("COMMIT");
  say("no such object %d %s", lo_unlink(con, 4), PQerrorMessage(con));
  run("SELECT 1 AS alive");
}

static void errors(void) {
  static const char *texts[] = {
    "SELEC 1", "SELECT 'unterminated", "SELECT nothing FROM things", "SELECT * FROM nobody", "SELECT nobody(1)", "SELECT 1/0", "SELECT 'x'::int",
    "INSERT INTO things VALUES (1, 'again')", "INSERT INTO things VALUES (1000, NULL)", "INSERT INTO things VALUES (1000, repeat('x', 30))",
    "INSERT INTO things VALUES (1000, 'x', -1)", "SELECT 'sad'::mood", "SELECT '2024-02-30'::date", "SELECT 99999999999::int4", "SELECT complain('error')",
    "SET datestyle = 'nonsense'", "SET nobody.knows = 1", "SHOW nobody", "SELECT pg_read_file('/etc/passwd')", "CREATE ROLE somebody", "COMMIT AND CHAIN",
    "SELECT $1", "SELECT 1 AS a UNION SELECT 'x'", "VACUUM pg_class; SELECT 1", "CREATE TABLE things (a int)", "DO $$ BEGIN PERFORM 1/0; END $$",
    "SELECT * FROM things WHERE id = ANY('{1,x}')", "FETCH FROM nobody", "EXECUTE nobody", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "ROLLBACK TO nowhere"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    say("%s", texts[i]);
    run(texts[i]);
    say_result(PQexecParams(con, texts[i], 0, NULL, NULL, NULL, NULL, 0));
    run("SELECT 1 AS alive");
  }
  const char *values[] = {"x", NULL};
  say_result(PQexecParams(con, "SELECT $1::int", 1, NULL, values, NULL, NULL, 0));
  say_result(PQexecParams(con, "SELECT $1, $2", 1, NULL, values, NULL, NULL, 0));
  Oid unknown = 4;
  say_result(PQexecParams(con, "SELECT $1", 1, &unknown, values, NULL, NULL, 0));
  int length = 3, binary = 1;
  Oid int4 = 23;
  say_result(PQexecParams(con, "SELECT $1", 1, &int4, values, &length, &binary, 0));
  const char *wrong = "\xff\xfe";
  say_result(PQexecParams(con, "SELECT $1::text", 1, NULL, &wrong, NULL, NULL, 0));
  run("SELECT '\xff\xfe'");
  run("SELECT 1 AS alive");
}

static void transactions(void) {
  must("CREATE TEMP TABLE kept (id int PRIMARY KEY)");
  static const char *texts[] = {
    "BEGIN", "INSERT INTO kept VALUES (1)", "SAVEPOINT one", "INSERT INTO kept VALUES (1)", "SELECT 1", "ROLLBACK TO one", "INSERT INTO kept VALUES (2)",
    "RELEASE one", "COMMIT", "BEGIN", "INSERT INTO kept VALUES (3)", "SELECT 1/0", "COMMIT", "START TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE",
    "SHOW transaction_isolation", "SHOW transaction_read_only", "INSERT INTO kept VALUES (9)", "INSERT INTO things VALUES (9)", "ROLLBACK AND CHAIN", "COMMIT", "BEGIN; INSERT INTO kept VALUES (4)", "BEGIN",
    "COMMIT; INSERT INTO kept VALUES (5); INSERT INTO kept VALUES (5)", "SELECT * FROM kept ORDER BY id", "BEGIN", "SAVEPOINT a", "SAVEPOINT a", "RELEASE a", "ROLLBACK TO a",
    "SELECT pg_current_xact_id_if_assigned() IS NULL AS unassigned", "END", "COMMIT PREPARED 'nobody'"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    run(texts[i]);
    say("status %d", PQtransactionStatus(con));
  }
}

static void cursors(void) {
  static const char *texts[] = {
    "DECLARE outside CURSOR FOR SELECT 1", "BEGIN", "DECLARE walk SCROLL CURSOR FOR SELECT id, name FROM things ORDER BY id", "FETCH 2 FROM walk", "MOVE 3 FROM walk",
    "FETCH RELATIVE -1 FROM walk", "FETCH LAST FROM walk", "FETCH BACKWARD 2 FROM walk", "FETCH ABSOLUTE 5 FROM walk", "UPDATE things SET size = size WHERE CURRENT OF walk",
    "DECLARE bytes BINARY CURSOR FOR SELECT id, name FROM things ORDER BY id", "FETCH 2 FROM bytes", "SELECT name, is_scrollable, is_binary FROM pg_cursors ORDER BY name", "CLOSE walk", "FETCH 1 FROM walk", "ROLLBACK",
    "BEGIN", "DECLARE held CURSOR WITH HOLD FOR SELECT id FROM things ORDER BY id", "COMMIT", "FETCH 2 FROM held", "CLOSE ALL"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) run(texts[i]);
}

/* Everything up to the Sync's result. */
static void until_sync(void) {
  for (int empty = 0; empty < 2;) {
    PGresult *result = PQgetResult(con);
    if (!result) { empty++; continue; }
    empty = 0;
    ExecStatusType status = PQresultStatus(result);
    say_result(result);
    if (status == PGRES_PIPELINE_SYNC) return;
  }
}

static void send(const char *sql, const char *value) {
  check(PQsendQueryParams(con, sql, value ? 1 : 0, NULL, &value, NULL, NULL, 0), sql);
}

static void pipeline(void) {
  must("CREATE TEMP TABLE piped (id int PRIMARY KEY)");
  check(PQenterPipelineMode(con), "enter");
  send("INSERT INTO piped VALUES ($1) RETURNING id", "1");
  check(PQsendPrepare(con, "piped", "SELECT count(*) FROM piped WHERE id >= $1", 0, NULL), "prepare");
  const char *value = "0";
  check(PQsendQueryPrepared(con, "piped", 1, &value, NULL, NULL, 0), "prepared");
  check(PQsendDescribePrepared(con, "piped"), "describe");
  send("SELECT", NULL);
  send("", NULL);
  check(PQpipelineSync(con), "sync");
  until_sync();
  send("INSERT INTO piped VALUES (2)", NULL);
  send("INSERT INTO piped VALUES (1)", NULL);
  send("INSERT INTO piped VALUES (3)", NULL);
  check(PQpipelineSync(con), "sync");
  check(PQsendQueryPrepared(con, "piped", 1, &value, NULL, NULL, 1), "prepared");
  check(PQpipelineSync(con), "sync");
  until_sync();
  say("pipeline status %d", PQpipelineStatus(con));
  until_sync();
  send("BEGIN", NULL);
  send("INSERT INTO piped VALUES (5)", NULL);
  check(PQpipelineSync(con), "sync");
  send("SELEC", NULL);
  send("INSERT INTO piped VALUES (6)", NULL);
  check(PQpipelineSync(con), "sync");
  send("SELECT 1", NULL);
  send("COMMIT", NULL);
  check(PQpipelineSync(con), "sync");
  send("ROLLBACK", NULL);
  send("SELECT * FROM piped ORDER BY id", NULL);
  check(PQpipelineSync(con), "sync");
  for (int i = 0; i < 4; i++) until_sync();
  say("status %d", PQtransactionStatus(con));
  send("SELECT 1 AS flushed", NULL);
  check(PQsendFlushRequest(con) && PQflush(con) == 0, "flush");
  say_result(PQgetResult(con));
  PGresult *none = PQgetResult(con);
  check(none == NULL, "one result");
  for (int i = 0; i < 500; i++) send(i == 400 ? "SELECT 1/0" : "SELECT generate_series(1, 20)", NULL);
  check(PQpipelineSync(con), "sync");
  int rows = 0, aborted = 0, failed = 0;
  for (PGresult *result;;) {
    if (!(result = PQgetResult(con))) continue;
    ExecStatusType status = PQresultStatus(result);
    rows += PQntuples(result);
    aborted += status == PGRES_PIPELINE_ABORTED;
    failed += status == PGRES_FATAL_ERROR;
    PQclear(result);
    if (status == PGRES_PIPELINE_SYNC) break;
  }
  say("rows %d, failed %d, aborted %d", rows, failed, aborted);
  check(PQexitPipelineMode(con), "exit");
  run("SELECT 1 AS alive");
}

static void many_parameters(void) {
  enum { MANY = 65535 };
  static const char *values[MANY];
  char *sql = malloc(MANY * 8 + 100), *at = sql + sprintf(sql, "SELECT cardinality(ARRAY[$1::int");
  for (int i = 0; i < MANY; i++) values[i] = "7";
  for (int i = 2; i <= MANY; i++) at += sprintf(at, ",$%d", i);
  strcpy(at, "]) AS n");
  say_result(PQexecParams(con, sql, MANY, NULL, values, NULL, NULL, 0));
  free(sql);
}

static void sizes(void) {
  PGresult *result = PQexec(con, "SELECT repeat('x', 5000000) AS big");
  say("%d bytes", PQgetlength(result, 0, 0));
  PQclear(result);
  result = PQexec(con, "SELECT g, repeat('y', 100) FROM generate_series(1, 20000) AS g");
  say("%d rows, last %s", PQntuples(result), PQgetvalue(result, 19999, 0));
  PQclear(result);
  char *big = malloc(3000001);
  memset(big, 'z', 3000000);
  big[3000000] = 0;
  const char *value = big;
  say_result(PQexecParams(con, "SELECT length($1::text)", 1, NULL, &value, NULL, NULL, 0));
  free(big);
  run("SELECT FROM things LIMIT 3");
  char *wide = malloc(20000), *at = wide + sprintf(wide, "SELECT 1");
  for (int i = 2; i <= 1664; i++) at += sprintf(at, ",%d", i);
  result = PQexec(con, wide);
  say("%d columns, last %s", PQnfields(result), PQgetvalue(result, 0, 1663));
  PQclear(result);
  strcpy(at, ",1665");
  run(wide);
  free(wide);
}

static void status_of(const char *name) {
  const char *value = PQparameterStatus(con, name);
  say("%s=%s", name, value ? value : "NULL");
}

static void parameter_status(void) {
  static const char *names[] = {"server_version", "server_encoding", "client_encoding", "is_superuser", "session_authorization", "DateStyle", "IntervalStyle",
    "TimeZone", "integer_datetimes", "standard_conforming_strings", "application_name", "default_transaction_read_only", "in_hot_standby", "scram_iterations", "search_path", "nobody"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) status_of(names[i]);
  say("server %d, protocol %d, database %s, user %s", PQserverVersion(con), PQprotocolVersion(con), PQdb(con), PQuser(con));
  run("SELECT current_user, session_user, current_database(), current_schema, current_setting('application_name') AS app");
  must("SET application_name = 'renamed'; SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Europe/Zurich'; SET IntervalStyle = iso_8601; SET search_path = pg_catalog");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) status_of(names[i]);
  run("SELECT '2024-02-29 12:00+00'::timestamptz AS t, '1 mon'::interval AS i");
  must("BEGIN; SET LOCAL TimeZone = 'Asia/Tokyo'");
  status_of("TimeZone");
  must("ROLLBACK");
  status_of("TimeZone");
  must("RESET ALL");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) status_of(names[i]);
}

static void empty(void) {
  static const char *texts[] = {"", ";", "-- nothing", "/* nothing */ ;;", "; SELECT 1 AS one ;", " \n\t"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    run(texts[i]);
    say_result(PQexecParams(con, texts[i], 0, NULL, NULL, NULL, NULL, 0));
  }
}

/* Signs in with what the environment says (PGHOST …). */
int main(void) {
  con = PQconnectdb("");
  if (PQstatus(con) != CONNECTION_OK) { fputs(PQerrorMessage(con), stderr); return 1; }
  PQsetNoticeReceiver(con, on_notice, NULL);
  step = "transport", say("tls=%s", PQsslInUse(con) ? "yes" : "no");
  step = "parameter status", parameter_status();
  step = "types text", types(0);
  step = "types binary", types(1);
  step = "parameters text", parameters(0);
  step = "parameters binary", parameters(1);
  step = "prepared", prepared();
  step = "empty query", empty();
  step = "several statements", several();
  step = "single rows", single_rows();
  step = "copy text", copy("", 0);
  step = "copy csv", copy("(FORMAT csv, HEADER, FORCE_QUOTE *)", 0);
  step = "copy binary", copy("(FORMAT binary)", 1);
  step = "copy errors", copy_errors();
  step = "cancel", cancel();
  step = "cancel after DDL", cancel_after_ddl();
  step = "notices", notices();
  step = "notify", notify();
  step = "large object by SQL", lo_by_sql();
  step = "large object by driver", lo_by_api();
  step = "errors", errors();
  step = "transactions", transactions();
  step = "cursors", cursors();
  step = "pipeline", pipeline();
  step = "65535 parameters", many_parameters();
  step = "sizes", sizes();
  step = "reset", PQreset(con), run("SELECT 1 AS alive");
  step = "backend pid";
  PGresult *pid = PQexec(con, "SELECT pg_backend_pid()");
  say("is pg_backend_pid(): %s", atoi(PQgetvalue(pid, 0, 0)) == PQbackendPID(con) ? "yes" : "no");
  PQclear(pid);
  PQfinish(con);
  printf("end | %d\n", lines);
  return 0;
}
