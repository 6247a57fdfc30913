package io.sluice.chaos;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;

/**
 * How often things happened as time went, as an SVG file: a column for each quarter of a second.
 */
final class TimeChart {
  private static final long COLUMN_NANOS = 250_000_000;
  private static final int COLUMNS_A_SECOND = 4;
  private static final int WIDTH = 760;
  private static final int LEFT = 50;
  private static final int TOP = 40;
  private static final int HEIGHT = 180;
  private static final int LABELS = 40;

  private final String unit;
  private final int most;
  private final List<Series> series;
  private final List<Event> events = new ArrayList<>();

  /** One colour. */
  record Series(String of, String label, String colour) {}

  private record Event(long nanos, String of) {}

  /**
   * Of nothing yet.
   *
   * @param most in a second
   * @param series from below
   */
  TimeChart(String unit, int most, List<Series> series) {
    this.unit = unit;
    this.most = most;
    this.series = series;
  }

  /** It happened then; what no series is of is not drawn. */
  void add(long nanos, String of) {
    events.add(new Event(nanos, of));
  }

  /** The whole file. */
  String svg() {
    long first = events.stream().mapToLong(Event::nanos).min().orElse(0);
    TreeMap<Integer, List<Event>> columns = new TreeMap<>();
    for (Event event : events) {
      columns
          .computeIfAbsent((int) ((event.nanos - first) / COLUMN_NANOS), _ -> new ArrayList<>())
          .add(event);
    }
    int count = columns.isEmpty() ? 1 : columns.lastKey() + 1;
    double width = (double) (WIDTH - LEFT - 10) / count;
    StringBuilder body = new StringBuilder();
    int labelAt = LEFT;
    for (Series one : series) {
      if (events.stream().anyMatch(event -> event.of.equals(one.of))) {
        body.append(
            written(
                "<rect x=\"%d\" y=\"8\" width=\"10\" height=\"10\" fill=\"%s\"/>"
                    + "<text x=\"%d\" y=\"17\">%s %s</text>%n",
                labelAt, one.colour, labelAt + 15, one.of, one.label));
        labelAt += 180;
      }
    }
    columns.forEach((column, those) -> {
      double y = TOP + HEIGHT;
      for (Series one : series) {
        long times = those.stream().filter(event -> event.of.equals(one.of)).count();
        double height = (double) times * COLUMNS_A_SECOND * HEIGHT / most;
        if (times > 0) {
          y -= height;
          body.append(
              written(
                  "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>%n",
                  LEFT + column * width, y, width - 1, height, one.colour));
        }
      }
    });
    for (int second = 0; second * COLUMNS_A_SECOND <= count; second += 2) {
      double x = LEFT + second * COLUMNS_A_SECOND * width;
      body.append(
          written(
              "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d s</text>%n",
              x, TOP + HEIGHT + 18, second));
    }
    for (int level : new int[] {0, most / 2, most}) {
      body.append(
          written(
              "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%d</text>%n",
              LEFT - 6, TOP + HEIGHT - level * HEIGHT / most + 4, level));
    }
    return written(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %1$d %2$d\" width=\"%1$d\""
                + " height=\"%2$d\" font-family=\"sans-serif\" font-size=\"12\">%n",
            WIDTH, TOP + HEIGHT + LABELS)
        + "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        + written(
            "<path d=\"M%1$d %2$dV%3$dH%4$d\" stroke=\"#1f2328\" fill=\"none\"/>"
                + "<text x=\"%1$d\" y=\"%5$d\">%6$s</text>%n",
            LEFT, TOP, TOP + HEIGHT, WIDTH - 10, TOP - 8, unit)
        + body
        + "</svg>\n";
  }

  private static String written(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
