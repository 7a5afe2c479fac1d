<?php
// What a program with PHP does, by the pgsql extension and by PDO. Prints a line a result, "step | what"; nothing in it may differ between
// direct and through. A step that goes another way than it should prints "step | ! what". Signs in with what the environment says (PGHOST …).
declare(strict_types=1);
error_reporting(E_ALL & ~E_WARNING & ~E_NOTICE);

$current = '?';
$lines = 0;

function say(...$what): void {
  global $current, $lines;
  $text = implode(' ', array_map(fn ($part) => is_string($part) ? $part : json_encode($part, JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE | JSON_PARTIAL_OUTPUT_ON_ERROR), $what));
  echo $current, ' | ', str_replace(["\n", "\r"], ['\n', '\r'], $text), "\n";
  $lines++;
}

function step(string $name, callable $work): void {
  global $current;
  $current = $name;
  try {
    $work();
  } catch (Throwable $error) {
    say('!', get_class($error), $error->getMessage());
  }
}

const COLUMNS = "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'samples'::regclass AND attnum > 1 ORDER BY attnum";
const FAILING = ['SELEC 1', 'SELECT nothing FROM things', 'SELECT * FROM nobody', 'SELECT 1/0', "INSERT INTO things VALUES (1, 'again')", 'INSERT INTO things VALUES (1000, NULL)',
  "INSERT INTO things VALUES (1000, 'x', -1)", "SELECT 'sad'::mood", "SELECT complain('error')", 'CREATE ROLE somebody'];

$con = pg_connect('', PGSQL_CONNECT_FORCE_NEW);

/** Every field of the error of a result. */
function say_error($result): void {
  $names = ['SEVERITY', 'SEVERITY_NONLOCALIZED', 'SQLSTATE', 'MESSAGE_PRIMARY', 'MESSAGE_DETAIL', 'MESSAGE_HINT', 'STATEMENT_POSITION', 'INTERNAL_POSITION', 'INTERNAL_QUERY',
    'CONTEXT', 'SCHEMA_NAME', 'TABLE_NAME', 'COLUMN_NAME', 'DATATYPE_NAME', 'CONSTRAINT_NAME'];
  $known = [];
  foreach ($names as $name) {
    $value = pg_result_error_field($result, constant("PGSQL_DIAG_$name"));
    if ($value !== null && $value !== false) $known[] = "$name=$value;";
  }
  $source = array_map(fn ($name) => pg_result_error_field($result, constant("PGSQL_DIAG_SOURCE_$name")), ['FILE', 'LINE', 'FUNCTION']);
  say('error', ...[...$known, "at $source[0]:$source[1] $source[2]"]);
}

function say_result($result): void {
  $status = pg_result_status($result);
  if ($status === PGSQL_FATAL_ERROR) { say_error($result); return; }
  say($status, pg_result_status($result, PGSQL_STATUS_STRING), pg_affected_rows($result), pg_num_rows($result));
  for ($i = 0; $i < pg_num_fields($result); $i++) say('  column', pg_field_name($result, $i), pg_field_type_oid($result, $i), pg_field_size($result, $i));
  while ($row = pg_fetch_row($result)) say('  row', $row);
}

/** Says everything a text gives, by simple or extended query. */
function run(string $sql, ?array $values = null): void {
  global $con;
  if ($values === null) pg_send_query($con, $sql); else pg_send_query_params($con, $sql, $values);
  while ($result = pg_get_result($con)) say_result($result);
}

function must(string $sql) {
  global $con;
  $result = pg_query($con, $sql);
  if ($result === false) throw new Exception("$sql: " . pg_last_error($con));
  return $result;
}

step('transport', fn () => say('tls=' . (getenv('PGSSLMODE') === 'require' ? 'yes' : 'no')));
step('parameter status', function () use ($con) {
  foreach (['server_version', 'server_encoding', 'client_encoding', 'is_superuser', 'session_authorization', 'DateStyle', 'TimeZone', 'integer_datetimes', 'standard_conforming_strings', 'application_name'] as $name) say($name, pg_parameter_status($con, $name));
  say(pg_version($con)['server'], pg_dbname($con), pg_client_encoding($con));
  must("SET TimeZone = 'Asia/Tokyo'");
  say(pg_parameter_status($con, 'TimeZone'));
  must('RESET ALL');
});
step('types text', function () use ($con) {
  $result = must('SELECT * FROM samples ORDER BY id');
  while ($row = pg_fetch_row($result)) {
    for ($i = 1; $i < pg_num_fields($result); $i++) say(pg_field_name($result, $i) . "[$row[0]]", pg_field_type($result, $i), pg_field_prtlen($result, (int) $row[0] - 1, $i), $row[$i] ?? 'NULL');
  }
});
step('parameters text', function () use ($con) {
  foreach (pg_fetch_all(must(COLUMNS), PGSQL_NUM) as [$name, $kind]) {
    $texts = pg_fetch_all_columns(must("SELECT $name::text FROM samples ORDER BY id"));
    $back = pg_fetch_row(pg_query_params($con, 'SELECT ' . implode(', ', array_map(fn ($n) => "(\$$n::text)::$kind::text", [1, 2, 3, 4])), $texts));
    foreach ($texts as $i => $text) say($name . '[' . ($i + 1) . ']', $back[$i] === $text ? 'as sent' : "as $back[$i]");
  }
  run('SELECT $1::int, $2::bytea, $3::text', [42, pg_escape_bytea($con, "\0\xff"), null]);
  say(pg_escape_literal($con, "a'b\\c"), pg_escape_identifier($con, 'a"b'));
});
step('prepared', function () use ($con) {
  pg_prepare($con, 'one', 'SELECT id, name FROM things WHERE id = $1');
  for ($i = 1; $i < 7; $i++) say_result(pg_execute($con, 'one', [$i]));
  pg_send_prepare($con, 'one', 'SELECT 2');
  say_result(pg_get_result($con));
  pg_send_execute($con, 'nobody', []);
  say_result(pg_get_result($con));
  must('DEALLOCATE ALL');
});
step('empty query', function () { foreach (['', ';', '-- nothing', 'SELECT 1; ; SELECT 2 AS last'] as $sql) run($sql); });
step('several statements', fn () => run('SELECT 1 AS a; SELECT 2 AS b WHERE false; SELECT 1/0; SELECT 4'));
step('copy', function () use ($con) {
  say(pg_copy_to($con, '(SELECT * FROM things ORDER BY id LIMIT 5)'));
  must('CREATE TEMP TABLE copied (id int, name text)');
  say(pg_copy_from($con, 'copied', ["1\tone\n", "2\t\\N\n"]));
  run('SELECT * FROM copied');
  foreach (['', '(FORMAT csv)'] as $options) {
    must("COPY copied FROM STDIN $options");
    pg_put_line($con, $options === '' ? "3\tthree\n" : "4,\"fo,ur\"\n");
    if ($options === '') pg_put_line($con, "\\.\n");
    say(pg_end_copy($con));
  }
  run('SELECT * FROM copied ORDER BY id');
  must('COPY copied FROM STDIN');
  pg_put_line($con, "x\ty\n");
  say(pg_end_copy($con), pg_last_error($con));
  run('SELECT count(*) FROM copied');
  must('DROP TABLE copied');
});
step('cancel', function () use ($con) {
  run('SELECT 1');
  for ($i = 0; $i < 2; $i++) {
    pg_send_query($con, 'SELECT pg_sleep(20)');
    usleep(200000);
    say(pg_connection_busy($con));
    // It waits for the results itself and throws them away.
    say(pg_cancel_query($con));
  }
  run('SELECT 1 AS alive');
});
step('notices', function () use ($con) {
  must('SET client_min_messages = debug1');
  run("SELECT complain('all')");
  say(pg_last_notice($con, PGSQL_NOTICE_ALL));
  must('RESET client_min_messages');
});
step('notify', function () use ($con) {
  run('LISTEN php_channel');
  run("NOTIFY php_channel, 'from itself ☃'");
  $own = pg_get_notify($con);
  say($own['message'], $own['payload']);
  $other = pg_connect('', PGSQL_CONNECT_FORCE_NEW);
  pg_query($other, "NOTIFY php_channel, 'from another'");
  pg_close($other);
  for ($i = 0; $i < 40 && !($note = pg_get_notify($con, PGSQL_ASSOC)); $i++) usleep(50000);
  say($note['message'], $note['payload']);
  run('UNLISTEN *');
  global $current;
  $current = 'pid of a notification';
  say("is the session's own:", $own['pid'] === pg_get_pid($con) ? 'yes' : 'no');
});
step('large object by SQL', function () {
  run("SELECT lo_from_bytea(88896, '\\x000102')");
  must('BEGIN');
  run('SELECT lo_open(88896, 393216)');
  run('SELECT loread(0, 3)');
  run("SELECT lowrite(0, 'more')");
  run('COMMIT');
  run('SELECT lo_get(88896)');
  run('SELECT lo_unlink(88896)');
});
step('large object by driver', function () use ($con) {
  must('BEGIN');
  $id = pg_lo_create($con);
  if ($id === false) throw new Exception(pg_last_error($con));
  $object = pg_lo_open($con, $id, 'w+');
  say(pg_lo_write($object, str_repeat('hello', 10000)), pg_lo_seek($object, 3, PGSQL_SEEK_SET), pg_lo_tell($object), pg_lo_read($object, 7), pg_lo_truncate($object, 2), pg_lo_close($object), pg_lo_unlink($con, $id));
  must('COMMIT');
});
run('ROLLBACK');
step('errors', function () use ($con) {
  foreach (FAILING as $sql) {
    say($sql);
    run($sql);
    run($sql, []);
    must('BEGIN');
    run($sql);
    run("SELECT 'in a failed transaction'");
    say(pg_transaction_status($con));
    run('ROLLBACK');
    run('SELECT 1 AS alive');
  }
  run('SELECT $1::int', ['x']);
});
step('transactions', function () use ($con) {
  must('CREATE TEMP TABLE kept (id int PRIMARY KEY)');
  foreach (['BEGIN', 'INSERT INTO kept VALUES (1)', 'SAVEPOINT one', 'INSERT INTO kept VALUES (1)', 'ROLLBACK TO one', 'INSERT INTO kept VALUES (2) RETURNING id', 'RELEASE one', 'COMMIT',
    'BEGIN', 'INSERT INTO kept VALUES (3)', 'ROLLBACK', 'SELECT * FROM kept ORDER BY id', 'DROP TABLE kept'] as $sql) {
    run($sql);
    say(pg_transaction_status($con));
  }
});
step('cursors', function () {
  foreach (['BEGIN', 'DECLARE walk SCROLL CURSOR FOR SELECT id, name FROM things ORDER BY id', 'FETCH 2 FROM walk', 'MOVE 5 FROM walk', 'FETCH BACKWARD 1 FROM walk', 'CLOSE walk', 'COMMIT'] as $sql) run($sql);
});
step('convenience', function () use ($con) {
  say(pg_select($con, 'things', ['id' => '3']));
  must('BEGIN');
  say(pg_update($con, 'things', ['size' => '3'], ['id' => '3']));
  must('ROLLBACK');
  say(array_keys(pg_meta_data($con, 'things')), pg_meta_data($con, 'things')['size']['type']);
});
step('65535 parameters', fn () => run('SELECT cardinality(ARRAY[$1::int' . implode('', array_map(fn ($n) => ",\$$n", range(2, 65535))) . '])', array_fill(0, 65535, 7)));
step('reset', function () use ($con) { say(pg_connection_reset($con)); run('SELECT 1 AS alive'); });
step('backend pid', fn () => say('is pg_backend_pid():', (int) pg_fetch_result(must('SELECT pg_backend_pid()'), 0, 0) === pg_get_pid($con) ? 'yes' : 'no'));
pg_close($con);

$pdo = null;

function pdo_run(string $sql, ?array $values = null): void {
  global $pdo;
  try {
    if ($values === null) $statement = $pdo->query($sql);
    else ($statement = $pdo->prepare($sql))->execute($values);
    say($statement->rowCount(), $statement->columnCount());
    for ($i = 0; $i < $statement->columnCount(); $i++) {
      $meta = $statement->getColumnMeta($i);
      say('  column', $meta['name'], $meta['native_type'], $meta['pgsql:oid'], $meta['len'], $meta['precision']);
    }
    if ($statement->columnCount() > 0) foreach ($statement->fetchAll(PDO::FETCH_NUM) as $row) say('  row', array_map(fn ($value) => is_resource($value) ? bin2hex(stream_get_contents($value)) : $value, $row));
  } catch (PDOException $error) {
    say('error', $error->getMessage(), $error->errorInfo);
  }
}

foreach (['prepared' => [], 'emulated' => [PDO::ATTR_EMULATE_PREPARES => true], 'not prepared' => [PDO::PGSQL_ATTR_DISABLE_PREPARES => true]] as $label => $options) {
  $pdo = new PDO('pgsql:', getenv('PGUSER'), getenv('PGPASSWORD'), $options + [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
  step("PDO $label: types", fn () => pdo_run('SELECT * FROM samples ORDER BY id'));
  step("PDO $label: parameters", function () {
    global $pdo;
    foreach ($pdo->query(COLUMNS)->fetchAll(PDO::FETCH_NUM) as [$name, $kind]) {
      $texts = $pdo->query("SELECT $name::text FROM samples ORDER BY id")->fetchAll(PDO::FETCH_COLUMN);
      ($statement = $pdo->prepare('SELECT ' . implode(', ', array_fill(0, 4, "CAST(CAST(CAST(? AS text) AS $kind) AS text)"))))->execute($texts);
      $back = $statement->fetch(PDO::FETCH_NUM);
      foreach ($texts as $i => $text) say($name . '[' . ($i + 1) . ']', $back[$i] === $text ? 'as sent' : "as $back[$i]");
    }
    $statement = $pdo->prepare('SELECT CAST(:a AS int), :b, CAST(:c AS bytea), CAST(:d AS bool)');
    $statement->bindValue(':a', 42, PDO::PARAM_INT);
    $statement->bindValue(':b', null, PDO::PARAM_NULL);
    $statement->bindValue(':c', "\0\xff", PDO::PARAM_LOB);
    $statement->bindValue(':d', true, PDO::PARAM_BOOL);
    $statement->execute();
    say(array_map(fn ($value) => is_resource($value) ? bin2hex(stream_get_contents($value)) : $value, $statement->fetch(PDO::FETCH_NUM)));
  });
  step("PDO $label: repeated", function () {
    global $pdo;
    $statement = $pdo->prepare('SELECT id, name FROM things WHERE id = ?');
    for ($i = 1; $i < 6; $i++) { $statement->execute([$i]); say($statement->fetch(PDO::FETCH_NUM)); }
  });
  step("PDO $label: errors", function () {
    global $pdo;
    foreach (FAILING as $sql) {
      pdo_run($sql);
      pdo_run($sql, []);
      $pdo->beginTransaction();
      pdo_run($sql);
      pdo_run("SELECT 'in a failed transaction'");
      say($pdo->inTransaction());
      $pdo->rollBack();
    }
    pdo_run('SELECT CAST(? AS int)', ['x']);
  });
  step("PDO $label: transactions", function () {
    global $pdo;
    $pdo->exec('CREATE TEMP TABLE kept (id int PRIMARY KEY)');
    $pdo->beginTransaction();
    pdo_run('INSERT INTO kept VALUES (?) RETURNING id', [1]);
    $pdo->exec('SAVEPOINT one');
    pdo_run('INSERT INTO kept VALUES (1)');
    $pdo->exec('ROLLBACK TO one');
    $pdo->commit();
    pdo_run('TABLE kept');
    $cursor = $pdo->prepare('SELECT id FROM things ORDER BY id LIMIT 5', [PDO::ATTR_CURSOR => PDO::CURSOR_SCROLL]);
    $pdo->beginTransaction();
    $cursor->execute();
    say($cursor->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_ABS, 3), $cursor->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_PRIOR));
    $cursor = null;
    $pdo->rollBack();
    say($pdo->exec('SELECT 1; INSERT INTO kept VALUES (5), (6)'));
  });
  step("PDO $label: copy", function () {
    global $pdo;
    $pdo->exec('CREATE TEMP TABLE copied (id int, name text)');
    say($pdo->pgsqlCopyFromArray('copied', ["1\tone", "2\t\\N"]), $pdo->pgsqlCopyToArray('copied'));
    try { say('! copied', $pdo->pgsqlCopyFromArray('copied', ['x'])); } catch (PDOException $error) { say($error->getMessage()); }
    say($pdo->pgsqlCopyToArray('copied'));
  });
  step("PDO $label: notify", function () {
    global $pdo;
    $pdo->exec('LISTEN pdo_channel');
    $pdo->exec("NOTIFY pdo_channel, 'from itself ☃'");
    $note = $pdo->pgsqlGetNotify(PDO::FETCH_ASSOC, 2000);
    say($note['message'], $note['payload']);
  });
  step("PDO $label: large object by driver", function () {
    global $pdo;
    $pdo->beginTransaction();
    $id = $pdo->pgsqlLOBCreate();
    $stream = $pdo->pgsqlLOBOpen($id, 'w');
    say(fwrite($stream, str_repeat('hello', 1000)), fseek($stream, 3), fread($stream, 7));
    $stream = null;
    say($pdo->pgsqlLOBUnlink($id));
    $pdo->commit();
  });
  if ($pdo->inTransaction()) $pdo->rollBack();
  step("PDO $label: backend pid", function () {
    global $pdo;
    say('is pg_backend_pid():', (int) $pdo->query('SELECT pg_backend_pid()')->fetchColumn() === $pdo->pgsqlGetPid() ? 'yes' : 'no');
  });
}
echo "end | $lines\n";
