# What a program with DBD::Pg does. Prints a line a result, "step | what"; nothing in it may differ between direct and through.
# A step that goes another way than it should prints "step | ! what". Signs in with what the environment says (PGHOST …).
use strict;
use warnings;
use utf8;
use DBI;
use DBD::Pg qw(:pg_types :async);

binmode STDOUT, ':utf8';
$| = 1;
my ($current, $lines) = ('?', 0);
my $dbh = open_session();

sub open_session { return DBI->connect('dbi:Pg:', undef, undef, {RaiseError => 0, PrintError => 0, PrintWarn => 0, AutoCommit => 1, pg_enable_utf8 => 1}) || die DBI->errstr }

sub say_it {
  my $text = join ' ', map { defined $_ ? ref $_ eq 'ARRAY' ? '[' . join(', ', map { defined $_ ? ref $_ ? "[@$_]" : "'$_'" : 'NULL' } @$_) . ']' : $_ : 'NULL' } @_;
  $text =~ s/\n/\\n/g;
  $text =~ s/\r/\\r/g;
  print "$current | $text\n";
  $lines++;
}

sub step {
  my ($name, $work) = @_;
  $current = $name;
  eval { $work->(); 1 } or say_it('!', $@);
  $dbh->rollback unless $dbh->{AutoCommit};
  $dbh->{AutoCommit} = 1;
}

sub say_error {
  my @fields = qw(severity severity_nonlocal sqlstate message_primary message_detail message_hint statement_position internal_position internal_query context schema_name table_name column_name datatype_name constraint_name);
  my $error = sub { defined $dbh->pg_error_field($_[0]) ? $dbh->pg_error_field($_[0]) : '' };
  my @known = map { my $value = $error->($_); $value eq '' ? () : "$_=$value;" } @fields;
  say_it('error', $dbh->state, @known, 'at ' . $error->('source_file') . ':' . $error->('source_line') . ' ' . $error->('source_function'));
}

# Says everything a statement gives.
sub run {
  my ($sql, @values) = @_;
  my $statement = $dbh->prepare($sql, {pg_server_prepare => 1}) or return say_error();
  my $changed = $statement->execute(@values) or return say_error();
  say_it('changed', $changed, $statement->{pg_cmd_status});
  return unless $statement->{NUM_OF_FIELDS};
  say_it($statement->{NAME}, $statement->{pg_type}, $statement->{PRECISION}, $statement->{SCALE});
  while (my $row = $statement->fetchrow_arrayref) { say_it([@$row]) }
}

sub must { defined $dbh->do($_[0]) or die "$_[0]: " . $dbh->errstr }

sub columns { return @{$dbh->selectall_arrayref("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'samples'::regclass AND attnum > 1 ORDER BY attnum")} }

sub shown { my $value = shift; return defined $value ? ref $value ? say_array($value) : $value =~ /[^\x20-\x{ffff}\t\n\r\x{10000}-\x{10ffff}]/ ? unpack('H*', $value) : $value : 'NULL' }
sub say_array { return '[' . join(',', map { shown($_) } @{$_[0]}) . ']' }

sub types {
  for my $expand (0, 1) {
    $dbh->{pg_expand_array} = $expand;
    my $statement = $dbh->prepare('SELECT * FROM samples ORDER BY id');
    $statement->execute or die;
    my ($names, $types) = ($statement->{NAME}, $statement->{pg_type});
    while (my $row = $statement->fetchrow_arrayref) {
      for my $i (1 .. $#$row) { say_it("$names->[$i]\[$row->[0]]", $types->[$i], shown($row->[$i])) if !$expand || $names->[$i] =~ /^a_/ }
    }
  }
}

sub parameters {
  for my $prepare (0, 1) {
    for my $column (columns()) {
      my ($name, $kind) = @$column;
      my $texts = $dbh->selectcol_arrayref("SELECT $name\::text FROM samples ORDER BY id");
      my $statement = $dbh->prepare('SELECT ' . join(', ', ("(?::text)::$kind\::text") x 4), {pg_server_prepare => $prepare});
      $statement->execute(@$texts) or die "$name: " . $dbh->errstr;
      my $back = $statement->fetchrow_arrayref;
      for my $i (0 .. 3) { say_it("$name\[" . ($i + 1) . ']', (defined $back->[$i] ? $back->[$i] : 'NULL') eq (defined $texts->[$i] ? $texts->[$i] : 'NULL') ? 'as sent' : "as $back->[$i]") }
    }
  }
  my $statement = $dbh->prepare('SELECT ?::bytea, ?::int[], $$a?b$$, ?');
  $statement->bind_param(1, "\0\xff", {pg_type => PG_BYTEA});
  $statement->bind_param(2, [1, undef, 3]);
  $statement->bind_param(3, 'é');
  $statement->execute or die;
  my $row = $statement->fetchrow_arrayref;
  say_it(unpack('H*', $row->[0]), $row->[1], @$row[2, 3]);
}

sub prepared {
  for my $options ({pg_server_prepare => 1, pg_switch_prepared => 1}, {pg_server_prepare => 1, pg_switch_prepared => 3}, {pg_server_prepare => 0}, {pg_server_prepare => 1, pg_prepare_now => 1}) {
    my $statement = $dbh->prepare('SELECT id, name FROM things WHERE id = ?', $options);
    for my $id (1 .. 5) { $statement->execute($id); say_it($statement->fetchrow_arrayref) }
    my $named = $dbh->prepare('SELECT name FROM things WHERE id = :id AND name <> :other', $options);
    $named->bind_param(':id', 3);
    $named->bind_param(':other', 'x');
    $named->execute;
    say_it($named->fetchrow_arrayref);
  }
  run('SELECT count(*) FROM pg_prepared_statements');
  # An error when it is prepared is thrown, whatever RaiseError says.
  eval { $dbh->prepare('SELECT nothing WHERE 1 = ?', {pg_prepare_now => 1}) };
  say_error();
  run('SELECT 1 AS alive');
}

sub copy {
  for my $options ('', '(FORMAT csv, HEADER)', '(FORMAT binary)') {
    must("COPY (SELECT * FROM samples ORDER BY id) TO STDOUT $options");
    my @rows;
    while ($dbh->pg_getcopydata(my $row) >= 0) { push @rows, $row }
    say_it($options, scalar @rows, map { $options =~ /binary/ ? unpack('H*', $_) : $_ } @rows);
    must('CREATE TEMP TABLE copied (LIKE samples)');
    must("COPY copied FROM STDIN $options");
    $dbh->pg_putcopydata($_) for @rows;
    $dbh->pg_putcopyend or die $dbh->errstr;
    run('SELECT count(*) FROM samples AS s JOIN copied AS c USING (id) WHERE s::text = c::text');
    must('DROP TABLE copied');
  }
  must('COPY things FROM STDIN');
  $dbh->pg_putcopydata("x\ty\n");
  say_it('! it was copied') if $dbh->pg_putcopyend;
  say_error();
  run('SELECT count(*) FROM things');
}

sub cancel {
  run('SELECT 1');
  for (1, 2) {
    my $statement = $dbh->prepare('SELECT pg_sleep(20)', {pg_async => PG_ASYNC});
    $statement->execute;
    select undef, undef, undef, 0.2;
    say_it('cancelled', $dbh->pg_cancel, $dbh->state);
  }
  run('SELECT 1 AS alive');
}

sub asynchronous {
  $dbh->do('SELECT pg_sleep(0.05)', {pg_async => PG_ASYNC});
  select undef, undef, undef, 0.01 until $dbh->pg_ready;
  say_it($dbh->pg_result);
}

sub notices {
  local $dbh->{PrintWarn} = 1;
  local $SIG{__WARN__} = sub { say_it($_[0]) };
  run("SELECT complain('all')");
  run("DO \$\$ BEGIN RAISE WARNING 'from a block'; END \$\$");
}

sub notify {
  run('LISTEN dbdpg_channel');
  run("NOTIFY dbdpg_channel, 'from itself ☃'");
  my $other = open_session();
  $other->do("SELECT pg_notify('dbdpg_channel', 'from another')");
  $other->disconnect;
  my @heard;
  for (1 .. 40) {
    while (my $note = $dbh->pg_notifies) { push @heard, $note }
    last if @heard >= 2;
    select undef, undef, undef, 0.05;
  }
  say_it($_->[0], $_->[2]) for @heard;
  run('UNLISTEN *');
}

sub large_object_by_sql {
  run("SELECT lo_from_bytea(88894, '\\x000102')");
  $dbh->begin_work;
  run('SELECT lo_open(88894, 393216)');
  run('SELECT loread(0, 3)');
  run("SELECT lowrite(0, 'more')");
  $dbh->commit;
  run('SELECT lo_get(88894)');
  run('SELECT lo_unlink(88894)');
}

sub large_object_by_driver {
  $dbh->begin_work;
  my $id = $dbh->pg_lo_creat($dbh->{pg_INV_WRITE} | $dbh->{pg_INV_READ}) or die $dbh->errstr || 'no large object';
  my $fd = $dbh->pg_lo_open($id, $dbh->{pg_INV_WRITE} | $dbh->{pg_INV_READ});
  say_it($dbh->pg_lo_write($fd, 'hello' x 1000, 5000), $dbh->pg_lo_lseek($fd, 3, 0), $dbh->pg_lo_tell($fd));
  my $bytes = '';
  say_it($dbh->pg_lo_read($fd, $bytes, 7), $bytes);
  say_it($dbh->pg_lo_truncate($fd, 2), $dbh->pg_lo_close($fd), $dbh->pg_lo_unlink($id));
  $dbh->commit;
}

sub errors {
  for my $sql ('SELEC 1', 'SELECT nothing FROM things', 'SELECT * FROM nobody', 'SELECT 1/0', "INSERT INTO things VALUES (1, 'again')", 'INSERT INTO things VALUES (1000, NULL)',
    "INSERT INTO things VALUES (1000, 'x', -1)", "SELECT 'sad'::mood", "SELECT complain('error')", 'CREATE ROLE somebody') {
    say_it($sql);
    run($sql);
    $dbh->do($sql);
    say_error();
    $dbh->begin_work;
    run($sql);
    say_it($dbh->ping, $dbh->pg_ping);
    run("SELECT 'in a failed transaction'");
    $dbh->rollback;
    run('SELECT 1 AS alive');
  }
}

sub transactions {
  must('CREATE TEMP TABLE kept (id int PRIMARY KEY)');
  $dbh->begin_work;
  run('INSERT INTO kept VALUES (1) RETURNING id');
  say_it($dbh->pg_savepoint('one'));
  run('INSERT INTO kept VALUES (1)');
  say_it($dbh->pg_rollback_to('one'));
  run('INSERT INTO kept VALUES (2)');
  say_it($dbh->pg_release('one'));
  $dbh->commit;
  $dbh->begin_work;
  run('INSERT INTO kept VALUES (3)');
  $dbh->rollback;
  $dbh->{AutoCommit} = 0;
  $dbh->{ReadOnly} = 1;
  run("SELECT current_setting('transaction_read_only')");
  run('INSERT INTO things VALUES (1000)');
  $dbh->rollback;
  $dbh->{ReadOnly} = 0;
  $dbh->{AutoCommit} = 1;
  run('SELECT * FROM kept ORDER BY id');
}

sub cursors {
  $dbh->begin_work;
  run('DECLARE walk SCROLL CURSOR FOR SELECT id, name FROM things ORDER BY id');
  run($_) for 'FETCH 2 FROM walk', 'MOVE 5 FROM walk', 'FETCH BACKWARD 1 FROM walk', 'CLOSE walk';
  $dbh->commit;
}

sub batches {
  must('CREATE TEMP TABLE batch (id int PRIMARY KEY, v text)');
  my $statement = $dbh->prepare('INSERT INTO batch VALUES (?, ?)');
  my @status;
  say_it(scalar $statement->execute_array({ArrayTupleStatus => \@status}, [1 .. 100], [map { $_ % 3 ? "v$_" : undef } 1 .. 100]));
  $statement->execute_array({ArrayTupleStatus => \@status}, [101, 1, 102], ['x', 'y', 'z']);
  say_it(map { ref $_ ? $_->[2] || $_->[0] : $_ } @status);
  run('SELECT count(*), count(v) FROM batch');
}

sub metadata {
  for my $statement ($dbh->table_info(undef, 'public', '%', 'TABLE'), $dbh->column_info(undef, 'public', 'samples', '%'), $dbh->primary_key_info(undef, 'public', 'things')) {
    while (my $row = $statement->fetchrow_arrayref) { say_it([@$row]) }
  }
}

sub parameter_status {
  say_it($_, $dbh->{$_}) for qw(pg_server_version pg_db pg_user pg_default_port pg_standard_conforming_strings pg_protocol);
  run("SELECT current_user, current_setting('client_encoding')");
}

# DBD::Pg's own reading of placeholders takes quadratic time: more would be a test of that.
sub many_parameters {
  my $statement = $dbh->prepare('SELECT cardinality(ARRAY[?::int' . ',?' x 7999 . '])');
  $statement->execute((7) x 8000) or die $dbh->errstr;
  say_it($statement->fetchrow_arrayref);
}

$current = 'transport';
say_it('tls=' . (($ENV{PGSSLMODE} || '') eq 'require' ? 'yes' : 'no'));
step('parameter status', \&parameter_status);
step('types text', \&types);
step('parameters text', \&parameters);
step('prepared', \&prepared);
step('empty query', sub { for my $sql ('', ';', '-- nothing') { $dbh->do($sql); say_it($dbh->state) } run('SELECT 1; SELECT 2 AS last') });
step('copy', \&copy);
step('cancel', \&cancel);
step('asynchronous', \&asynchronous);
step('notices', \&notices);
step('notify', \&notify);
step('large object by SQL', \&large_object_by_sql);
step('large object by driver', \&large_object_by_driver);
step('errors', \&errors);
step('transactions', \&transactions);
step('cursors', \&cursors);
step('batches', \&batches);
step('metadata', \&metadata);
step('8000 parameters', \&many_parameters);
step('backend pid', sub { say_it('is pg_backend_pid():', $dbh->selectrow_array('SELECT pg_backend_pid()') == $dbh->{pg_pid} ? 'yes' : 'no') });
$dbh->disconnect;
print "end | $lines\n";
