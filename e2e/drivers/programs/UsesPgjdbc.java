import java.io.*;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.copy.*;
import org.postgresql.largeobject.*;
import org.postgresql.util.*;

/**
 * What a program with pgjdbc does. Prints a line a result, "step | what"; nothing in it may differ between direct and through.
 * A step that goes another way than it should prints "step | ! what". Signs in with what the environment says (PGHOST …).
 */
public class UsesPgjdbc {
  interface Work { void run() throws Exception; }

  static Connection con;
  static String current = "?";
  static int lines = 0;
  /** Whether statements are sent by simple Query, which knows no parameters. */
  static boolean simple = false;
  static final PrintStream out = new PrintStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16), true, StandardCharsets.UTF_8);

  static void say(Object... what) {
    StringJoiner text = new StringJoiner(" ");
    for (Object part : what) text.add(String.valueOf(part));
    out.println(current + " | " + text.toString().replace("\n", "\\n").replace("\r", "\\r"));
    lines++;
  }

  static String env(String name) { return System.getenv(name); }

  static Connection connect(String... settings) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", env("PGUSER"));
    properties.setProperty("password", env("PGPASSWORD"));
    properties.setProperty("sslmode", env("PGSSLMODE"));
    for (int i = 0; i < settings.length; i += 2) properties.setProperty(settings[i], settings[i + 1]);
    return DriverManager.getConnection("jdbc:postgresql://" + env("PGHOST") + ":" + env("PGPORT") + "/" + env("PGDATABASE"), properties);
  }

  static String fields(ServerErrorMessage m) {
    return "severity=" + m.getSeverity() + "; sqlstate=" + m.getSQLState() + "; message=" + m.getMessage() + "; detail=" + m.getDetail() + "; hint=" + m.getHint()
        + "; position=" + m.getPosition() + "; internal=" + m.getInternalPosition() + " " + m.getInternalQuery() + "; where=" + m.getWhere() + "; schema=" + m.getSchema()
        + "; table=" + m.getTable() + "; column=" + m.getColumn() + "; type=" + m.getDatatype() + "; constraint=" + m.getConstraint()
        + " at " + m.getFile() + ":" + m.getLine() + " " + m.getRoutine();
  }

  static void sayError(SQLException error) {
    ServerErrorMessage message = error instanceof PSQLException ? ((PSQLException) error).getServerErrorMessage() : null;
    say("error", error.getClass().getSimpleName(), message == null ? error.getSQLState() + " " + error.getMessage() : fields(message));
  }

  static void step(String name, Work work) throws SQLException {
    current = name;
    try {
      work.run();
    } catch (Exception error) {
      say("!", error);
      error.printStackTrace();
    }
    if (!con.getAutoCommit()) con.rollback();
    con.setAutoCommit(true);
  }

  /** As text, without addresses of arrays in it. */
  static String text(ResultSet result, int column) throws SQLException {
    byte[] bytes = result.getMetaData().getColumnTypeName(column).equals("bytea") ? result.getBytes(column) : null;
    return bytes == null ? result.getString(column) : "\\x" + HexFormat.of().formatHex(bytes);
  }

  static void sayRows(ResultSet result) throws SQLException {
    ResultSetMetaData data = result.getMetaData();
    int columns = data.getColumnCount();
    StringBuilder text = new StringBuilder();
    for (int i = 1; i <= columns; i++) text.append(data.getColumnLabel(i)).append(':').append(data.getColumnTypeName(i)).append('(').append(data.getPrecision(i)).append(',').append(data.getScale(i)).append(") ");
    say(text);
    while (result.next()) {
      text.setLength(0);
      for (int i = 1; i <= columns; i++) text.append('[').append(text(result, i)).append(']');
      say(text);
    }
    result.close();
  }

  static void run(String sql) throws SQLException {
    try (Statement statement = con.createStatement()) {
      boolean rows = statement.execute(sql);
      while (true) {
        if (rows) sayRows(statement.getResultSet());
        else if (statement.getUpdateCount() < 0) break;
        else say("changed", statement.getUpdateCount());
        rows = statement.getMoreResults();
      }
      sayWarnings(statement.getWarnings());
    } catch (SQLException error) {
      sayError(error);
    }
  }

  static void sayWarnings(SQLWarning warning) {
    for (; warning != null; warning = warning.getNextWarning()) say("notice", fields(((PSQLWarning) warning).getServerErrorMessage()));
  }

  static List<String[]> columns() throws SQLException {
    List<String[]> list = new ArrayList<>();
    try (Statement statement = con.createStatement(); ResultSet rows = statement.executeQuery("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'samples'::regclass AND attnum > 1 ORDER BY attnum")) {
      while (rows.next()) list.add(new String[] {rows.getString(1), rows.getString(2)});
    }
    return list;
  }

  static Object shown(Object value) throws Exception {
    if (value instanceof byte[]) return HexFormat.of().formatHex((byte[]) value);
    if (value instanceof Array) return "array " + value;
    if (value instanceof SQLXML) return "xml " + ((SQLXML) value).getString();
    return value instanceof PGobject ? ((PGobject) value).getType() + " " + value : value;
  }

  /** Six times, and says the first and the last: between them the driver may have turned to binary. */
  static void types() throws Exception {
    try (PreparedStatement statement = con.prepareStatement("SELECT * FROM samples WHERE id > ? ORDER BY id")) {
      for (int turn = 1; turn <= 6; turn++) {
        statement.setInt(1, 0);
        try (ResultSet result = statement.executeQuery()) {
          while ((turn == 1 || turn == 6) && result.next()) {
            for (int i = 2; i <= result.getMetaData().getColumnCount(); i++) {
              String value;
              try {
                value = text(result, i) + " " + shown(result.getObject(i));
              } catch (SQLException error) {
                value = "cannot hold: " + error.getMessage();
              }
              say(result.getMetaData().getColumnName(i) + "[" + result.getInt(1) + "]", result.getMetaData().getColumnTypeName(i), value);
            }
          }
        }
      }
    }
  }

  static void parameters() throws Exception {
    for (String[] column : columns()) {
      List<String> texts = new ArrayList<>();
      try (Statement source = con.createStatement(); ResultSet result = source.executeQuery("SELECT " + column[0] + "::text FROM samples ORDER BY id")) {
        while (result.next()) texts.add(result.getString(1));
      }
      String one = "?::" + column[1];
      try (PreparedStatement statement = con.prepareStatement("SELECT " + String.join(", ", one, one, one, one))) {
        for (int i = 1; i <= 4; i++) statement.setObject(i, texts.get(i - 1), Types.OTHER);
        try (ResultSet result = statement.executeQuery()) {
          result.next();
          for (int i = 1; i <= 4; i++) say(column[0] + "[" + i + "]", Objects.equals(text(result, i), texts.get(i - 1)) ? "as sent" : "as " + text(result, i));
        }
      }
    }
    try (PreparedStatement statement = con.prepareStatement("SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::text")) {
      for (int i = 0; i < 8; i++) {
        statement.setInt(1, i);
        statement.setLong(2, 1L << 40);
        statement.setDouble(3, Double.NaN);
        statement.setFloat(4, 1.5f);
        statement.setBigDecimal(5, new BigDecimal("123.4500"));
        statement.setBytes(6, new byte[] {0, (byte) 255});
        statement.setBoolean(7, true);
        statement.setObject(8, UUID.fromString("6f9619ff-8b86-d011-b42d-00cf4fc964ff"));
        statement.setObject(9, java.time.LocalDate.of(2024, 2, 29));
        statement.setObject(10, java.time.OffsetDateTime.parse("2024-02-29T12:00:00Z"));
        statement.setArray(11, con.createArrayOf("int4", new Integer[] {1, null, 3}));
        statement.setNull(12, Types.VARCHAR);
        // Not all of them can be sent in simple mode.
        try { sayRows(statement.executeQuery()); } catch (SQLException error) { sayError(error); }
      }
    }
  }

  static void prepared() throws Exception {
    try (PreparedStatement statement = con.prepareStatement("SELECT id, name, size::numeric / 3 AS third FROM things WHERE id = ?")) {
      if (!simple) say(statement.getParameterMetaData().getParameterTypeName(1), statement.getMetaData().getColumnTypeName(3));
      for (int i = 1; i < 8; i++) {
        statement.setInt(1, i);
        sayRows(statement.executeQuery());
      }
      say(((org.postgresql.PGStatement) statement).isUseServerPrepare());
      run("DEALLOCATE ALL");
      statement.setInt(1, 9);
      try { sayRows(statement.executeQuery()); } catch (SQLException error) { sayError(error); }
    }
    con.setAutoCommit(true);
    run("CREATE TEMP TABLE changing (a int)");
    try (PreparedStatement statement = con.prepareStatement("SELECT * FROM changing")) {
      for (int i = 0; i < 7; i++) sayRows(statement.executeQuery());
      run("ALTER TABLE changing ADD COLUMN b int");
      try { sayRows(statement.executeQuery()); } catch (SQLException error) { sayError(error); }
      sayRows(statement.executeQuery());
    }
    run("DROP TABLE changing");
    try (PreparedStatement statement = con.prepareStatement("INSERT INTO things VALUES (?, ?) RETURNING id", Statement.RETURN_GENERATED_KEYS)) {
      con.setAutoCommit(false);
      statement.setInt(1, 5000);
      statement.setString(2, "x");
      statement.execute();
      sayRows(statement.getGeneratedKeys());
      con.rollback();
    }
    if (simple) return;
    try (CallableStatement call = con.prepareCall("{ ? = call upper(?) }")) {
      call.registerOutParameter(1, Types.VARCHAR);
      call.setString(2, "quiet");
      call.execute();
      say(call.getString(1));
    }
  }

  static void fetchSize() throws Exception {
    con.setAutoCommit(false);
    try (PreparedStatement statement = con.prepareStatement("SELECT g, repeat('x', 50) FROM generate_series(1, ?) AS g")) {
      for (int size : new int[] {1, 7, 100, 1000}) {
        statement.setFetchSize(size);
        statement.setInt(1, size * 3 + 1);
        try (ResultSet result = statement.executeQuery()) {
          long sum = 0;
          while (result.next()) {
            sum += result.getInt(1);
            // Another statement between the portions.
            if (result.getRow() == size) run("SELECT 'between'");
          }
          say(size, sum);
        }
      }
    }
    try (Statement statement = con.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE); ResultSet result = statement.executeQuery("SELECT id, name FROM things ORDER BY id")) {
      result.absolute(5);
      result.updateString(2, "changed");
      result.updateRow();
      say(result.getString(2));
    }
    run("SELECT name FROM things WHERE id = 5");
    for (String text : "DECLARE walk CURSOR FOR SELECT id FROM things ORDER BY id; FETCH 2 FROM walk; MOVE 3 FROM walk; FETCH 1 FROM walk; CLOSE walk".split("; ")) run(text);
  }

  static void batches() throws Exception {
    con.setAutoCommit(false);
    run("CREATE TEMP TABLE batch (id int PRIMARY KEY, v text) ON COMMIT DROP");
    try (PreparedStatement statement = con.prepareStatement("INSERT INTO batch VALUES (?, ?)")) {
      for (int i = 0; i < 700; i++) {
        statement.setInt(1, i);
        statement.setString(2, i % 3 == 0 ? null : "v" + i);
        statement.addBatch();
      }
      say(Arrays.stream(statement.executeBatch()).sum());
    }
    run("SELECT count(*), count(v) FROM batch");
    try (Statement statement = con.createStatement()) {
      for (int id : new int[] {1000, 1, 1001}) statement.addBatch("INSERT INTO batch VALUES (" + id + ")");
      say("! executed", statement.executeBatch().length);
    } catch (BatchUpdateException error) {
      say(Arrays.toString(error.getUpdateCounts()), error.getSQLState());
      sayError((SQLException) error.getCause());
    }
    con.rollback();
    try (PreparedStatement statement = con.prepareStatement("UPDATE things SET size = size WHERE id = ? RETURNING id", Statement.RETURN_GENERATED_KEYS)) {
      for (int i = 1; i < 5; i++) {
        statement.setInt(1, i);
        statement.addBatch();
      }
      say(Arrays.toString(statement.executeBatch()));
      sayRows(statement.getGeneratedKeys());
    }
  }

  static void copy() throws Exception {
    CopyManager copies = ((PGConnection) con).getCopyAPI();
    con.setAutoCommit(false);
    for (String options : new String[] {"", "(FORMAT csv, HEADER)", "(FORMAT binary)"}) {
      ByteArrayOutputStream data = new ByteArrayOutputStream();
      say(copies.copyOut("COPY (SELECT * FROM samples ORDER BY id) TO STDOUT " + options, data), HexFormat.of().formatHex(data.toByteArray()).hashCode(), data.size());
      run("CREATE TEMP TABLE copied (LIKE samples) ON COMMIT DROP");
      say(copies.copyIn("COPY copied FROM STDIN " + options, new ByteArrayInputStream(data.toByteArray()), 100));
      run("SELECT count(*) FROM samples AS s JOIN copied AS c USING (id) WHERE s::text = c::text");
      con.rollback();
    }
    try {
      say("! copied", copies.copyIn("COPY things FROM STDIN", new StringReader("x\ty\n")));
    } catch (SQLException error) {
      sayError(error);
    }
    con.rollback();
    CopyIn into = copies.copyIn("COPY things (id, name) FROM STDIN");
    say(into.getFieldCount(), into.getFormat());
    into.writeToCopy("5000\tx\n".getBytes(), 0, 7);
    into.cancelCopy();
    con.rollback();
    CopyOut from = copies.copyOut("COPY things TO STDOUT");
    byte[] first = from.readFromCopy();
    int rows = 1;
    while (from.readFromCopy() != null) rows++;
    say(rows, new String(first, StandardCharsets.UTF_8));
    run("SELECT count(*) FROM things");
  }

  static void cancel() throws Exception {
    run("SELECT 1");
    try (Statement statement = con.createStatement()) {
      for (int i = 0; i < 2; i++) {
        java.util.Timer timer = new java.util.Timer(true);
        timer.schedule(new TimerTask() {
          public void run() {
            try { statement.cancel(); } catch (SQLException error) { say("!", error); }
          }
        }, 200);
        try {
          say("! ran", statement.execute("SELECT pg_sleep(20)"));
        } catch (SQLException error) {
          sayError(error);
        }
      }
      statement.setQueryTimeout(1);
      try {
        say("! ran", statement.execute("SELECT pg_sleep(20)"));
      } catch (SQLException error) {
        sayError(error);
      }
    }
    run("SELECT 1 AS alive");
  }

  static void notices() throws Exception {
    run("SET client_min_messages = debug1");
    run("SELECT complain('all')");
    run("RESET client_min_messages");
    run("DO $$ BEGIN RAISE NOTICE 'from a block'; END $$");
  }

  static void listen() throws Exception {
    run("LISTEN pgjdbc_channel");
    run("NOTIFY pgjdbc_channel, 'from itself ☃'");
    try (Connection other = connect()) {
      other.createStatement().execute("NOTIFY pgjdbc_channel, 'from another'");
    }
    int heard = 0;
    for (int tries = 0; tries < 20 && heard < 2; tries++) {
      PGNotification[] notes = ((PGConnection) con).getNotifications(200);
      if (notes != null) for (PGNotification note : notes) { say(note.getName(), note.getParameter()); heard++; }
    }
    run("UNLISTEN *");
  }

  static void largeObjectBySql() throws Exception {
    run("SELECT lo_from_bytea(88890, '\\x000102')");
    run("SELECT lo_get(88890), lo_get(88890, 1, 1)");
    con.setAutoCommit(false);
    run("SELECT lo_open(88890, 393216)");
    run("SELECT loread(0, 3)");
    run("SELECT lowrite(0, 'more')");
    run("SELECT lo_close(0)");
    con.commit();
    run("SELECT lo_get(88890)");
    run("SELECT lo_unlink(88890)");
    con.commit();
  }

  /** The driver's interface uses FunctionCall messages, or their like over the extended protocol. */
  static void largeObjectByDriver() throws Exception {
    con.setAutoCommit(false);
    LargeObjectManager manager = ((PGConnection) con).getLargeObjectAPI();
    long id = manager.createLO(LargeObjectManager.READWRITE);
    LargeObject object = manager.open(id, LargeObjectManager.READWRITE);
    byte[] data = new byte[300000];
    for (int i = 0; i < data.length; i++) data[i] = (byte) (i * 7);
    object.write(data);
    say(object.tell64(), object.size64());
    object.seek64(100, LargeObject.SEEK_SET);
    say(Arrays.equals(object.read(500), Arrays.copyOfRange(data, 100, 600)));
    object.truncate64(10);
    say(object.size());
    object.close();
    manager.unlink(id);
    con.commit();
    try {
      manager.open(4, LargeObjectManager.READ);
      say("! opened");
    } catch (SQLException error) {
      sayError(error);
    }
  }

  static void errors() throws Exception {
    String[] texts = {
      "SELEC 1", "SELECT nothing FROM things", "SELECT * FROM nobody", "SELECT 1/0", "INSERT INTO things VALUES (1, 'again')", "INSERT INTO things VALUES (1000, NULL)",
      "INSERT INTO things VALUES (1000, repeat('x', 30))", "INSERT INTO things VALUES (1000, 'x', -1)", "SELECT 'sad'::mood", "SELECT complain('error')", "CREATE ROLE somebody",
      "SELECT 1; SELECT 1/0; SELECT 2"};
    for (String text : texts) {
      for (boolean auto : new boolean[] {true, false}) {
        say(text);
        con.setAutoCommit(auto);
        run(text);
        run("SELECT 'after it'");
        if (!auto) con.rollback();
      }
    }
  }

  static void transactions() throws Exception {
    con.setAutoCommit(false);
    run("CREATE TEMP TABLE kept (id int PRIMARY KEY)");
    con.commit();
    run("INSERT INTO kept VALUES (1)");
    Savepoint one = con.setSavepoint("one");
    run("INSERT INTO kept VALUES (1)");
    con.rollback(one);
    run("INSERT INTO kept VALUES (2)");
    Savepoint two = con.setSavepoint();
    run("INSERT INTO kept VALUES (3)");
    con.releaseSavepoint(two);
    con.commit();
    run("INSERT INTO kept VALUES (4)");
    con.rollback();
    run("SELECT * FROM kept ORDER BY id");
    run("SELECT 1/0");
    try { con.commit(); say("the commit says nothing"); } catch (SQLException error) { sayError(error); }
    con.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
    con.setReadOnly(true);
    run("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')");
    run("INSERT INTO things VALUES (1000, 'x')");
    con.rollback();
    con.setReadOnly(false);
    con.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    run("DROP TABLE kept");
    con.commit();
  }

  static void manyParameters() throws Exception {
    try (PreparedStatement statement = con.prepareStatement("SELECT cardinality(ARRAY[?::int" + ",?".repeat(65534) + "]) AS n")) {
      for (int i = 1; i <= 65535; i++) statement.setInt(i, i);
      sayRows(statement.executeQuery());
    }
  }

  static void emptyQuery() throws Exception {
    for (String text : new String[] {"", ";", "-- nothing", "SELECT 1; ; SELECT 2"}) run(text);
  }

  static void parameterStatus() throws Exception {
    Map<String, String> all = ((PGConnection) con).getParameterStatuses();
    for (String name : new TreeSet<>(all.keySet())) say(name, all.get(name));
    DatabaseMetaData data = con.getMetaData();
    say(data.getDatabaseProductVersion(), data.getUserName(), con.getCatalog(), con.getSchema());
  }

  static void metadata() throws Exception {
    DatabaseMetaData data = con.getMetaData();
    sayRows(data.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"}));
    sayRows(data.getColumns(null, "public", "samples", "%"));
    sayRows(data.getPrimaryKeys(null, "public", "things"));
    sayRows(data.getIndexInfo(null, "public", "things", false, true));
    sayRows(data.getFunctions(null, "public", "%"));
    sayRows(data.getUDTs(null, "public", "%", null));
    sayRows(data.getSchemas());
  }

  static void backendPid() throws Exception {
    try (Statement statement = con.createStatement(); ResultSet rows = statement.executeQuery("SELECT pg_backend_pid()")) {
      rows.next();
      say("is pg_backend_pid():", rows.getInt(1) == ((PGConnection) con).getBackendPID() ? "yes" : "no");
    }
  }

  /** Most steps under one way to send statements. */
  static void under(String label, boolean first, String... settings) throws Exception {
    con = connect(settings);
    simple = label.equals("simple");
    step(label + ": types", UsesPgjdbc::types);
    step(label + ": parameters", UsesPgjdbc::parameters);
    step(label + ": prepared", UsesPgjdbc::prepared);
    step(label + ": fetch size", UsesPgjdbc::fetchSize);
    step(label + ": batches", UsesPgjdbc::batches);
    step(label + ": errors", UsesPgjdbc::errors);
    step(label + ": transactions", UsesPgjdbc::transactions);
    step(label + ": empty query", UsesPgjdbc::emptyQuery);
    step(label + ": notices", UsesPgjdbc::notices);
    if (first) {
      current = "transport";
      say("tls=" + (new String[] {"require"}[0].equals(env("PGSSLMODE")) ? "yes" : "no"));
      step("parameter status", UsesPgjdbc::parameterStatus);
      step("copy", UsesPgjdbc::copy);
      step("cancel", UsesPgjdbc::cancel);
      step("notify", UsesPgjdbc::listen);
      step("large object by SQL", UsesPgjdbc::largeObjectBySql);
      step("large object by driver", UsesPgjdbc::largeObjectByDriver);
      step("65535 parameters", UsesPgjdbc::manyParameters);
      step("metadata", UsesPgjdbc::metadata);
      step("backend pid", UsesPgjdbc::backendPid);
    }
    con.close();
  }

  public static void main(String[] arguments) throws Exception {
    under("binary", true, "prepareThreshold", "-1");
    under("text", false, "binaryTransfer", "false", "prepareThreshold", "0");
    under("threshold", false, "prepareThreshold", "3", "reWriteBatchedInserts", "true", "autosave", "always");
    under("extended for prepared", false, "preferQueryMode", "extendedForPrepared");
    under("cache everything", false, "preferQueryMode", "extendedCacheEverything");
    under("simple", false, "preferQueryMode", "simple");
    out.println("end | " + lines);
  }
}
