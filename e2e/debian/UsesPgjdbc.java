import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;

/** What a program with pgjdbc does. Prints a line a step; nothing in it may differ between a direct session and one through the gateway. */
public class UsesPgjdbc {
  interface Work { Object run() throws Exception; }

  static Connection connection;

  static void step(String name, Work work) throws SQLException {
    String said;
    try {
      said = String.valueOf(work.run());
    } catch (Exception failed) {
      SQLException error = failed instanceof SQLException ? (SQLException) failed : new SQLException(failed);
      said = error.getClass().getSimpleName() + " " + error.getSQLState() + " " + error.getMessage().split("\n")[0];
    }
    System.out.println(name + " " + said);
    if (!connection.getAutoCommit()) connection.rollback();
  }

  static String rows(ResultSet result) throws SQLException {
    StringBuilder text = new StringBuilder();
    int columns = result.getMetaData().getColumnCount();
    for (int i = 1; i <= columns; i++) text.append(result.getMetaData().getColumnName(i)).append(':').append(result.getMetaData().getColumnTypeName(i)).append(' ');
    while (result.next()) {
      text.append('[');
      for (int i = 1; i <= columns; i++) text.append(result.getString(i)).append(',');
      text.append(']');
    }
    result.close();
    return text.toString();
  }

  static String query(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      return statement.execute(sql) ? rows(statement.getResultSet()) : "changed " + statement.getUpdateCount();
    }
  }

  static void everything(String mode, boolean binary) throws SQLException {
    String label = mode + (binary ? " binary " : " text ");
    connection.setAutoCommit(false);
    step(label + "types", () -> query("SELECT true, 32767::int2, 9223372036854775807, 1.5::float4, 'NaN'::numeric, 'é', '2024-02-29'::date, '2024-02-29 12:00+00'::timestamptz, '1 mon'::interval, '6f9619ff-8b86-d011-b42d-00cf4fc964ff'::uuid, '{\"a\":1}'::jsonb, ARRAY[1,NULL], '[1,10)'::int4range, NULL::text"));
    step(label + "prepared", () -> {
      StringBuilder text = new StringBuilder();
      try (PreparedStatement statement = connection.prepareStatement("SELECT id, name, price FROM products WHERE id = ?")) {
        for (int i = 1; i < 8; i++) {
          statement.setInt(1, i);
          text.append(rows(statement.executeQuery()));
        }
      }
      return text;
    });
    step(label + "fetch size", () -> {
      try (PreparedStatement statement = connection.prepareStatement("SELECT id FROM orders ORDER BY id, placed_at")) {
        statement.setFetchSize(97);
        ResultSet result = statement.executeQuery();
        long sum = 0;
        while (result.next()) sum += result.getInt(1);
        return sum;
      }
    });
    step(label + "batch", () -> {
      query("CREATE TEMP TABLE e2e_batch (id int PRIMARY KEY, v text) ON COMMIT DROP");
      try (PreparedStatement statement = connection.prepareStatement("INSERT INTO e2e_batch VALUES (?, ?)")) {
        for (int i = 0; i < 300; i++) {
          statement.setInt(1, i);
          statement.setString(2, "v" + i);
          statement.addBatch();
        }
        return Arrays.stream(statement.executeBatch()).sum() + query("SELECT count(*) FROM e2e_batch");
      }
    });
    step(label + "batch error", () -> {
      query("CREATE TEMP TABLE e2e_batch (id int PRIMARY KEY) ON COMMIT DROP");
      try (Statement statement = connection.createStatement()) {
        for (int id : new int[] {1, 1, 2}) statement.addBatch("INSERT INTO e2e_batch VALUES (" + id + ")");
        return statement.executeBatch().length;
      }
    });
    step(label + "unknown table", () -> query("SELECT * FROM e2e_nobody"));
    step(label + "one text", () -> query("DECLARE e2e_walk CURSOR FOR SELECT 1; PREPARE e2e_run AS SELECT 2; EXECUTE e2e_run; DEALLOCATE e2e_run"));
    step(label + "copy", () -> ((PGConnection) connection).getCopyAPI().copyOut("COPY (SELECT id FROM products) TO STDOUT", new java.io.StringWriter()));
    connection.setAutoCommit(true);
    // It takes a second: once is enough.
    if (mode.equals("extended") && binary) step(label + "cancel", () -> {
      try (Statement statement = connection.createStatement()) {
        statement.setQueryTimeout(1);
        return statement.execute("SELECT pg_sleep(10)");
      }
    });
    step(label + "lives on", () -> query("SELECT 1"));
  }

  static void metadata() throws SQLException {
    DatabaseMetaData data = connection.getMetaData();
    step("tables", () -> rows(data.getTables(null, "public", "c%", new String[] {"TABLE", "VIEW"})));
    step("columns", () -> rows(data.getColumns(null, "public", "customers", "%")));
    step("primary key", () -> rows(data.getPrimaryKeys(null, "public", "customers")));
    step("imported keys", () -> rows(data.getImportedKeys(null, "public", "order_items")));
    step("indexes", () -> rows(data.getIndexInfo(null, "public", "customers", false, true)));
    step("functions", () -> rows(data.getFunctions(null, "public", "%")));
  }

  static void run(String[] arguments, String mode, boolean binary) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", arguments[1]);
    properties.setProperty("password", arguments[2]);
    properties.setProperty("preferQueryMode", mode);
    properties.setProperty("prepareThreshold", binary ? "-1" : "3");
    connection = DriverManager.getConnection(arguments[0], properties);
    everything(mode, binary);
    if (mode.equals("extended") && binary) metadata();
    connection.close();
  }

  public static void main(String[] arguments) throws SQLException {
    run(arguments, "extended", true);
    run(arguments, "extended", false);
    run(arguments, "simple", false);
  }
}
