# What a program with ruby-pg does. Prints a line a result, "step | what"; nothing in it may differ between direct and through.
# A step that goes another way than it should prints "step | ! what". Signs in with what the environment says (PGHOST …).
require 'pg'

$stdout.sync = true
$current = '?'
$lines = 0
CON = PG.connect

def say(*what)
  text = what.map { |part| part.is_a?(String) ? part.dup.force_encoding('UTF-8') : part.inspect }.join(' ')
  puts "#{$current} | #{text.gsub("\n", '\n').gsub("\r", '\r')}"
  $lines += 1
end

def step(name)
  $current = name
  yield
rescue StandardError => error
  say '!', error.class.name, error.message
ensure
  CON.exec('ROLLBACK') if CON.transaction_status != PG::PQTRANS_IDLE
end

FIELDS = %i[SEVERITY SEVERITY_NONLOCALIZED SQLSTATE MESSAGE_PRIMARY MESSAGE_DETAIL MESSAGE_HINT STATEMENT_POSITION INTERNAL_POSITION INTERNAL_QUERY
            CONTEXT SCHEMA_NAME TABLE_NAME COLUMN_NAME DATATYPE_NAME CONSTRAINT_NAME].freeze

def say_fields(kind, result)
  field = ->(name) { result.error_field(PG::Result.const_get("PG_DIAG_#{name}")) }
  known = FIELDS.map { |name| "#{name}=#{field[name]};" if field[name] }.compact
  say kind, *known, "at #{field[:SOURCE_FILE]}:#{field[:SOURCE_LINE]} #{field[:SOURCE_FUNCTION]}"
end

def say_error(error)
  error.respond_to?(:result) && error.result ? say_fields("error #{error.class}", error.result) : say('error', error.class.name, error.message)
end

def say_result(result)
  say result.res_status(result.result_status), result.cmd_status, result.cmd_tuples, result.nfields
  result.fields.each_index { |i| say ' ', result.fname(i), result.ftype(i), result.fmod(i), result.fsize(i), result.fformat(i) }
  result.values.each { |row| say ' ', row }
end

# Says everything a statement gives.
def run(sql, values = nil, format = 0)
  say_result(values ? CON.exec_params(sql, values, format) : CON.exec(sql))
rescue PG::Error => error
  say_error(error)
end

def columns
  CON.exec("SELECT attname, format_type(atttypid, atttypmod), atttypid FROM pg_attribute WHERE attrelid = 'samples'::regclass AND attnum > 1 ORDER BY attnum").values
end

step('transport') { say "tls=#{CON.ssl_in_use? ? 'yes' : 'no'}" }
step('parameter status') do
  %w[server_version server_encoding client_encoding is_superuser session_authorization DateStyle IntervalStyle TimeZone integer_datetimes
     standard_conforming_strings application_name in_hot_standby nobody].each { |name| say name, CON.parameter_status(name) }
  say CON.db, CON.user, CON.server_version, CON.protocol_version, CON.internal_encoding.to_s
  CON.exec("SET TimeZone = 'Asia/Tokyo'")
  say CON.parameter_status('TimeZone')
  CON.exec('RESET ALL')
end
[0, 1].each do |format|
  step("types #{format.zero? ? 'text' : 'binary'}") do
    result = CON.exec_params('SELECT * FROM samples ORDER BY id', [], format)
    columns.each_with_index do |(name, _), i|
      4.times { |row| say "#{name}[#{row + 1}]", result.ftype(i + 1), result.fformat(i + 1), result.getisnull(row, i + 1) ? 'NULL' : result.getvalue(row, i + 1).inspect }
    end
  end
  step("parameters #{format.zero? ? 'text' : 'binary'}") do
    result = CON.exec_params('SELECT * FROM samples ORDER BY id', [], format)
    columns.each_with_index do |(name, kind, oid), i|
      4.times do |row|
        value = result.getisnull(row, i + 1) ? nil : result.getvalue(row, i + 1)
        begin
          back = CON.exec_params("SELECT $1::#{kind}", [{ value: value, type: oid.to_i, format: format }], format)
          say "#{name}[#{row + 1}]", back.getvalue(0, 0) == value ? 'as sent' : back.getvalue(0, 0).inspect
        rescue PG::Error => error
          say_error(error)
        end
      end
    end
  end
end
step('values of Ruby') do
  map = PG::BasicTypeMapForResults.new(CON)
  [0, 1].each do |format|
    result = CON.exec_params('SELECT t_bool, t_int2, t_int8, t_float8, t_numeric, t_bytea, t_date, t_timestamp, t_timestamptz, t_json, t_inet, a_int4, a_text, a_bool FROM samples WHERE id IN (1, 4) ORDER BY id', [], format)
    result.type_map = map
    result.values.each { |row| say row }
  end
  queries = PG::BasicTypeMapForQueries.new(CON)
  say CON.exec_params('SELECT $1, $2, $3, $4, $5, $6', [1, 1.5, true, nil, [1, nil, 3], 'é'], 0, queries).values
  CON.prepare('typed', 'SELECT $1::bytea, $2::int4')
  say CON.exec_prepared('typed', [{ value: "\x00\xff".b, format: 1 }, { value: [42].pack('N'), format: 1 }], 1).values
  CON.exec('DEALLOCATE ALL')
end
step('prepared') do
  CON.prepare('one', 'SELECT id, name FROM things WHERE id = $1')
  say_result CON.describe_prepared('one')
  6.times { |i| say CON.exec_prepared('one', [i + 1], i % 2).values }
  %w[one nobody].each do |name|
    begin
      name == 'one' ? CON.prepare(name, 'SELECT 2') : CON.exec_prepared(name)
      say '! it was executed'
    rescue PG::Error => error
      say_error(error)
    end
  end
  CON.exec('BEGIN; DECLARE described CURSOR FOR SELECT id FROM things')
  say_result CON.describe_portal('described')
  CON.exec('COMMIT; DEALLOCATE ALL')
end
step('empty query') { ['', ';', '-- nothing', 'SELECT 1; ; SELECT 2 AS last'].each { |sql| run(sql) } }
step('several statements') do
  CON.send_query('SELECT 1 AS a; SELECT 2 AS b WHERE false; SELECT 1/0; SELECT 4')
  while (result = CON.get_result)
    result.result_status == PG::PGRES_FATAL_ERROR ? say_fields('error', result) : say_result(result)
  end
end
step('single rows') do
  CON.send_query('SELECT g FROM generate_series(1, 1000) AS g')
  CON.set_single_row_mode
  sum = 0
  CON.get_result.stream_each { |row| sum += row['g'].to_i }
  say sum
end
step('copy') do
  { '' => nil, '(FORMAT csv, HEADER)' => nil, '(FORMAT binary)' => nil }.each_key do |options|
    data = []
    CON.copy_data("COPY (SELECT * FROM samples ORDER BY id) TO STDOUT #{options}") { while (row = CON.get_copy_data) do data << row end }
    say options, data.length, data.join.b.inspect
    CON.exec('CREATE TEMP TABLE copied (LIKE samples)')
    CON.copy_data("COPY copied FROM STDIN #{options}") { data.each { |row| CON.put_copy_data(row) } }
    run('SELECT count(*) FROM samples AS s JOIN copied AS c USING (id) WHERE s::text = c::text')
    CON.exec('DROP TABLE copied')
  end
  coded = []
  CON.copy_data('COPY (SELECT id, name FROM things ORDER BY id LIMIT 2) TO STDOUT', PG::TextDecoder::CopyRow.new) { while (row = CON.get_copy_data) do coded << row end }
  say coded
  begin
    CON.copy_data('COPY things FROM STDIN') { CON.put_copy_data("x\ty\n") }
    say '! it was copied'
  rescue PG::Error => error
    say_error(error)
  end
  begin
    CON.copy_data('COPY things FROM STDIN') { raise ArgumentError, 'gave up' }
  rescue ArgumentError => error
    say error.message
  end
  run('SELECT count(*) FROM things')
end
step('cancel') do
  run('SELECT 1')
  2.times do
    CON.send_query('SELECT pg_sleep(20)')
    sleep 0.2
    say CON.cancel
    begin
      CON.get_last_result
      say '! it ran'
    rescue PG::Error => error
      say_error(error)
    end
  end
  run('SELECT 1 AS alive')
end
step('notices') do
  CON.set_notice_receiver { |result| say_fields('notice', result) }
  CON.exec('SET client_min_messages = debug1')
  run("SELECT complain('all')")
  run('SELECT complain($1)', ['extended'])
  CON.exec('RESET client_min_messages')
  CON.set_notice_receiver
end
step('notify') do
  run('LISTEN rubypg_channel')
  run("NOTIFY rubypg_channel, 'from itself ☃'")
  own = []
  CON.wait_for_notify(2) { |channel, pid, payload| say channel, payload.force_encoding('UTF-8'); own << (pid == CON.backend_pid) }
  other = PG.connect
  other.exec("SELECT pg_notify('rubypg_channel', 'from another')")
  other.close
  CON.wait_for_notify(2) { |channel, _, payload| say channel, payload }
  run('UNLISTEN *')
  $current = 'pid of a notification'
  say "is the session's own:", own == [true] ? 'yes' : 'no'
end
step('large object by SQL') do
  run("SELECT lo_from_bytea(88895, '\\x000102')")
  CON.exec('BEGIN')
  run('SELECT lo_open(88895, 393216)')
  run('SELECT loread(0, 3)', [], 1)
  run("SELECT lowrite(0, 'more')")
  CON.exec('COMMIT')
  run('SELECT lo_get(88895)')
  run('SELECT lo_unlink(88895)')
end
step('large object by driver') do
  CON.transaction do
    id = CON.lo_creat
    fd = CON.lo_open(id, PG::INV_READ | PG::INV_WRITE)
    say CON.lo_write(fd, 'hello' * 10_000), CON.lo_lseek(fd, 3, PG::SEEK_SET), CON.lo_tell(fd)
    say CON.lo_read(fd, 7)
    CON.lo_truncate(fd, 2)
    CON.lo_close(fd)
    CON.lo_unlink(id)
  end
  begin
    CON.transaction { CON.lo_open(4, PG::INV_READ) }
    say '! opened'
  rescue PG::Error => error
    say error.message
  end
end
step('errors') do
  ['SELEC 1', 'SELECT nothing FROM things', 'SELECT * FROM nobody', 'SELECT 1/0', "INSERT INTO things VALUES (1, 'again')", 'INSERT INTO things VALUES (1000, NULL)',
   "INSERT INTO things VALUES (1000, 'x', -1)", "SELECT 'sad'::mood", "SELECT complain('error')", 'CREATE ROLE somebody'].each do |sql|
    say sql
    run(sql)
    run(sql, [])
    CON.exec('BEGIN')
    run(sql)
    run("SELECT 'in a failed transaction'")
    CON.exec('ROLLBACK')
    run('SELECT 1 AS alive')
  end
  run('SELECT $1::int', ['x'])
  run('SELECT $1, $2', ['x'])
end
step('transactions') do
  CON.exec('CREATE TEMP TABLE kept (id int PRIMARY KEY)')
  CON.transaction { CON.exec('INSERT INTO kept VALUES (1)') }
  begin
    CON.transaction { run('INSERT INTO kept VALUES (2)'); raise ArgumentError, 'back' }
  rescue ArgumentError => error
    say error.message
  end
  ['BEGIN', 'SAVEPOINT one', 'INSERT INTO kept VALUES (1)', 'ROLLBACK TO one', 'INSERT INTO kept VALUES (3)', 'RELEASE one', 'COMMIT', 'SELECT * FROM kept ORDER BY id'].each do |sql|
    run(sql)
    say CON.transaction_status
  end
end
step('cursors') do
  CON.exec('BEGIN; DECLARE walk SCROLL CURSOR FOR SELECT id, name FROM things ORDER BY id')
  ['FETCH 2 FROM walk', 'MOVE 5 FROM walk', 'FETCH BACKWARD 1 FROM walk', 'CLOSE walk'].each { |sql| run(sql) }
  CON.exec('COMMIT')
end
step('pipeline') do
  CON.enter_pipeline_mode
  CON.send_query_params('SELECT $1::int + 1', [1])
  CON.send_query_params('SELECT 1/0', [])
  CON.send_query_params('SELECT 3', [])
  CON.pipeline_sync
  CON.send_query_params('SELECT 4', [])
  CON.pipeline_sync
  syncs = 0
  while syncs < 2
    result = CON.get_result or next
    syncs += 1 if result.result_status == PG::PGRES_PIPELINE_SYNC
    result.result_status == PG::PGRES_FATAL_ERROR ? say_fields('error', result) : say(result.res_status(result.result_status), result.values)
  end
  CON.exit_pipeline_mode
  run('SELECT 1 AS alive')
end
step('65535 parameters') { run("SELECT cardinality(ARRAY[$1::int#{(2..65_535).map { |i| ",$#{i}" }.join}])", [7] * 65_535) }
step('reset') do
  CON.reset
  run('SELECT 1 AS alive')
end
step('backend pid') { say 'is pg_backend_pid():', CON.exec('SELECT pg_backend_pid()').getvalue(0, 0).to_i == CON.backend_pid ? 'yes' : 'no' }
CON.close
puts "end | #{$lines}"
