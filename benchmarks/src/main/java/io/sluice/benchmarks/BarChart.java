package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Bars in an SVG file: a group for each thing that was measured, in a scale of its own, and in it a
 * bar for each path, as long as the median, with a line over four fifths of its values.
 */
final class BarChart {
  private static final List<String> COLOURS =
      List.of("#8c959f", "#0969da", "#54aeff", "#bf8700", "#1a7f37");

  private static final int WIDTH = 760;
  private static final int BARS_AT = 120;
  private static final int LONGEST_BAR = 480;
  private static final int ROW = 16;
  private static final int BAR = 10;
  private static final int HEADING = 24;
  private static final int MARGIN = 10;

  private final StringBuilder body = new StringBuilder();
  private final List<String> names = new ArrayList<>();
  private int y = MARGIN;

  /** One bar of a group. */
  record Bar(String name, Values values) {}

  /** Adds a group below those before; bars of one name have one colour in all of them. */
  BarChart add(String label, String unit, List<Bar> bars) {
    double longest = bars.stream().mapToDouble(bar -> bar.values().high()).max().orElseThrow();
    double scale = longest == 0 ? 0 : LONGEST_BAR / longest;
    text(MARGIN, y + ROW, " font-weight=\"bold\"", label + ", " + unit);
    y += HEADING;
    for (Bar bar : bars) {
      if (!names.contains(bar.name())) {
        names.add(bar.name());
      }
      bar(bar, scale, COLOURS.get(names.indexOf(bar.name()) % COLOURS.size()));
      y += ROW;
    }
    return this;
  }

  private void bar(Bar bar, double scale, String colour) {
    Values values = bar.values();
    double low = BARS_AT + values.low() * scale;
    double high = BARS_AT + values.high() * scale;
    int middle = y + ROW / 2;
    text(MARGIN, middle + 4, "", bar.name());
    append(
        "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>",
        BARS_AT, middle - BAR / 2, values.median() * scale, BAR, colour);
    append(
        "<path d=\"M%.1f %dH%.1fM%.1f %dv6M%.1f %dv6\" stroke=\"#1f2328\"/>",
        low, middle, high, low, middle - 3, high, middle - 3);
    text((int) Math.max(high, BARS_AT) + 8, middle + 4, "", Report.number(values.median()));
  }

  private void text(int x, int baseline, String attributes, String text) {
    append("<text x=\"%d\" y=\"%d\"%s>%s</text>", x, baseline, attributes, escaped(text));
  }

  private void append(String format, Object... values) {
    body.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }

  /** The whole file. */
  String svg() {
    int height = y + MARGIN;
    return String.format(
            Locale.ROOT,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\""
                + " height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">%n",
            WIDTH,
            height,
            WIDTH,
            height)
        + "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        + body
        + "</svg>\n";
  }
}
