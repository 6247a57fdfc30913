package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.mesh.Printable;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** An answer of {@code sluice why} on one page, for people. */
record WhyPage(JsonNode answer, PrintWriter out) {
  private static final int MOST_WAYS = 8;
  private static final String NONE = "-";

  static void print(JsonNode answer, PrintWriter out) {
    WhyPage page = new WhyPage(answer, out);
    page.verdict();
    page.causes();
    page.steps();
    page.ways();
    page.change();
    page.list("Only others know:", "unknown");
    page.probe();
    page.node();
    out.flush();
  }

  private void verdict() {
    String request = text(answer, "request");
    JsonNode to = answer.path("destination");
    String service = text(to, "service");
    String asked = text(to, "asked");
    out.println(
        text(answer.path("source"), "pod")
            + " -> "
            + asked
            + (service.equals(NONE) || asked.startsWith(service)
                ? ""
                : " (Service " + service + ")")
            + (request.equals(NONE) ? "" : ", " + request)
            + (text(answer, "protocol").equals("udp") ? ", UDP" : ""));
    int status = answer.path("status").asInt();
    out.println(
        text(answer, "verdict").toUpperCase(Locale.ROOT)
            + ": "
            + text(answer, "explanation")
            + " ("
            + text(answer, "reason")
            + (status == 0 ? "" : ", answered " + status)
            + ")");
  }

  private void causes() {
    heading("Because of:", "because");
    for (JsonNode cause : answer.path("because")) {
      List<String> words = new ArrayList<>();
      for (String member : List.of("kind", "name", "field")) {
        String word = text(cause, member);
        if (!word.equals(NONE) && !word.equals("node")) {
          words.add(word);
        }
      }
      out.println("  " + String.join(" ", words) + (words.isEmpty() ? "" : ": ") + text(cause));
    }
  }

  private void steps() {
    heading("On the way:", "steps");
    for (JsonNode step : answer.path("steps")) {
      out.printf("  %-5s %s%n", text(step, "mark"), text(step));
    }
  }

  private void ways() {
    JsonNode ways = answer.path("ways");
    if (ways.size() < 2) {
      return;
    }
    out.println("\nWays that such calls go:");
    int left = MOST_WAYS;
    for (JsonNode way : ways) {
      if (left-- == 0) {
        out.println("  and " + (ways.size() - MOST_WAYS) + " more");
        break;
      }
      out.printf(
          Locale.ROOT,
          "  %3.0f %% %s %s: %s (%s)%n",
          way.path("share").asDouble() * 100,
          text(way, "endpoint"),
          text(way, "pod"),
          text(way, "verdict"),
          text(way, "reason"));
    }
  }

  private void change() {
    JsonNode change = answer.path("change");
    if (change.isMissingNode()) {
      return;
    }
    out.println("\nTo permit it: " + text(change, "what"));
    change
        .path("yaml")
        .asText()
        .lines()
        .forEach(line -> out.println("    " + Printable.line(line)));
    String then = text(change, "then");
    if (!then.equals(NONE)) {
      out.println("Then it is " + then + ".");
    }
    String scope = text(change, "scope");
    if (!scope.isEmpty()) {
      out.println("What that permits: " + scope + ".");
    }
    JsonNode pairs = change.path("pairs");
    if (!pairs.isEmpty()) {
      int more = change.path("besides").asInt() - pairs.size();
      out.println("Of pods that are there now, besides:");
      pairs.forEach(pair -> out.println("  " + Printable.line(pair.asText())));
      if (more > 0) {
        out.println("  and " + more + " more");
      }
    }
  }

  private void probe() {
    JsonNode probe = answer.path("probe");
    if (!probe.isMissingNode()) {
      int status = probe.path("status").asInt();
      String reason = text(probe, "reason");
      out.println(
          "\nTried: "
              + text(probe, "end")
              + (status == 0 ? "" : " " + status)
              + (reason.equals(NONE) ? "" : " by the mesh, " + reason + ",")
              + " after "
              + probe.path("millis").asLong()
              + " ms, "
              + (probe.path("agrees").asBoolean()
                  ? "as foretold."
                  : "which is NOT as foretold: see `sluice node events`"
                      + (reason.equals(NONE) ? " and the application." : ".")));
    }
  }

  private void node() {
    JsonNode node = answer.path("node");
    boolean runs = text(node, "daemon").equals("running");
    out.println(
        "\nNode "
            + text(node, "name")
            + ", snapshot "
            + text(node, "snapshotRevision")
            + (runs
                ? "."
                : ". NO DAEMON ANSWERS: pods of this node are refused until it runs again, but for what"
                    + " is excluded; this is what it left on the disk."));
  }

  private void list(String heading, String member) {
    heading(heading, member);
    answer.path(member).forEach(line -> out.println("  " + Printable.line(line.asText())));
  }

  private void heading(String heading, String member) {
    if (!answer.path(member).isEmpty()) {
      out.println("\n" + heading);
    }
  }

  private static String text(JsonNode node) {
    return text(node, "text");
  }

  private static String text(JsonNode node, String member) {
    return Printable.line(node.path(member).asText());
  }
}
