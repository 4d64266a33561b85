// Times Quartz and Spring's CronExpression. Usage: Peers ZONE SECONDS < questions; see ../../run.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Arrays;
import java.util.Date;
import java.util.Locale;
import java.util.TimeZone;
import java.util.function.UnaryOperator;

public final class Peers {
  private static final long LAST = 2200000000L;
  private static Object sink;

  private static double measure(double seconds, Runnable call) {
    final int batch = 256;
    double best = Double.MAX_VALUE;
    // Long enough for the compiler to be done.
    long deadline = System.nanoTime() + (long) (2 * seconds * 1e9);
    do {
      long start = System.nanoTime();
      for (int i = 0; i < batch; i++) call.run();
      best = Math.min(best, (System.nanoTime() - start) / (double) batch);
    } while (System.nanoTime() < deadline);
    return best;
  }

  private static <T> void report(
      String engine, String expression, double seconds, T[] instants, T last, UnaryOperator<T> next) {
    if (next == null) {
      System.out.println(engine + "\t" + expression + "\t-\t-");
      return;
    }
    int[] index = {0};
    // So that the first expression finds the compiler done, too.
    measure(seconds, () -> sink = next.apply(instants[index[0]++ % instants.length]));
    double random = measure(seconds, () -> sink = next.apply(instants[index[0]++ % instants.length]));
    Object[] at = {instants[0]};
    @SuppressWarnings("unchecked")
    double chained =
        measure(
            seconds,
            () -> {
              at[0] = next.apply((T) at[0]);
              if (at[0] == null || ((Comparable<Object>) at[0]).compareTo(last) > 0) at[0] = instants[0];
            });
    System.out.println(
        String.format(Locale.ROOT, "%s\t%s\t%.1f\t%.1f", engine, expression, random, chained));
  }

  private static UnaryOperator<Date> quartz(String expression, TimeZone zone) {
    try {
      var parsed = new org.quartz.CronExpression(expression);
      parsed.setTimeZone(zone);
      return parsed::getNextValidTimeAfter;
    } catch (java.text.ParseException | RuntimeException refused) {
      return null;
    }
  }

  private static UnaryOperator<ZonedDateTime> spring(String expression) {
    try {
      var parsed = org.springframework.scheduling.support.CronExpression.parse(expression);
      return parsed::next;
    } catch (RuntimeException refused) {
      return null;
    }
  }

  public static void main(String[] arguments) throws Exception {
    ZoneId zone = ZoneId.of(arguments[0]);
    double seconds = Double.parseDouble(arguments[1]);
    var input = new BufferedReader(new InputStreamReader(System.in));
    long[] instants =
        Arrays.stream(input.readLine().split(" ")).mapToLong(Long::parseLong).toArray();
    ZonedDateTime[] zoned =
        Arrays.stream(instants)
            .mapToObj(at -> Instant.ofEpochSecond(at).atZone(zone))
            .toArray(ZonedDateTime[]::new);
    Date[] dates = Arrays.stream(instants).mapToObj(at -> new Date(at * 1000)).toArray(Date[]::new);
    for (String line; (line = input.readLine()) != null; ) {
      String[] fields = line.split("\t");
      report("Quartz", fields[0], seconds, dates, new Date(LAST * 1000),
          quartz(fields[2], TimeZone.getTimeZone(zone)));
      report("Spring", fields[0], seconds, zoned, Instant.ofEpochSecond(LAST).atZone(zone),
          spring(fields[1]));
    }
  }
}
