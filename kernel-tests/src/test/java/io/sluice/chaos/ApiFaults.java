package io.sluice.chaos;

import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.FakeCluster.Failing;
import io.sluice.control.objects.ReadableKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** What an API server does to who lists and watches: every answer but the right one. */
final class ApiFaults {
  private static final List<Integer> STATUSES =
      List.of(401, 403, 404, 409, 410, 422, 429, 500, 503, 504);
  private static final List<Named> TEXTS =
      List.of(
          new Named("a login page", "<html>Log in to the hotel network</html>"),
          new Named("an array", "[]"),
          new Named("nothing", ""),
          new Named("a list without an end", "{\"items\":[{\"metadata\":{\"name\":\"we"),
          new Named("a list without a version", "{\"items\":[],\"metadata\":{}}"),
          new Named("a deep tree", "{\"a\":" + "[".repeat(1_000)),
          new Named("an object of 5 MiB", "{\"a\":\"" + "x".repeat(5 << 20)));
  private static final List<Named> LINES =
      List.of(
          new Named("a watch is cut in an event", ClusterHistory.CUT),
          new Named("a watch ends early", ""),
          new Named("an event of no known type", "{\"type\":\"MOVED\",\"object\":{}}"),
          new Named("an event without an object", "{\"type\":\"ADDED\"}"),
          new Named("an event that is no JSON", "<event/>"),
          new Named("a watch ends with 410", error(410)),
          new Named("a watch ends with 500", error(500)),
          new Named("a watch ends with 403", error(403)),
          new Named(
              "a bookmark that is too old",
              "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}}}"));
  private static final int LONGEST_MILLIS = 3_000;

  private final ClusterHistory history;
  private final FakeCluster cluster;
  private final ClusterChanges changes;
  private final Random random;

  ApiFaults(FakeCluster cluster, ClusterHistory history, ClusterChanges changes, Random random) {
    this.cluster = cluster;
    this.history = history;
    this.changes = changes;
    this.random = random;
  }

  /** What is sent, and what that is. */
  private record Named(String name, String text) {}

  private static String error(int code) {
    return "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":" + code + "}}";
  }

  /** A fault of answers. */
  Fault ofAnswers() {
    int choice = random.nextInt(20);
    if (choice < 11) {
      int status = any(STATUSES);
      String after = status >= 429 && random.nextBoolean() ? "1" : "";
      String name = "API: " + status + (after.isEmpty() ? "" : " with Retry-After");
      return failing(name, new Failing.Status(status, after));
    }
    if (choice < 15) {
      Named text = any(TEXTS);
      return failing("API: answers " + text.name(), new Failing.Text(text.text()));
    }
    return switch (choice) {
      case 15 -> failing("API: headers and then nothing", new Failing.Silence());
      case 16, 17 -> failing("API: half an answer", new Failing.Half());
      default ->
          failing("API: a late answer", new Failing.Late(Duration.ofMillis(random.nextInt(4_000))));
    };
  }

  private Fault failing(String name, Failing how) {
    List<String> resources = resources();
    return new Fault(
        name,
        Duration.ofMillis(100 + random.nextInt(LONGEST_MILLIS)),
        () -> resources.forEach(resource -> cluster.fail(resource, how)),
        () -> resources.forEach(cluster::heal));
  }

  /** One, some or all. */
  private List<String> resources() {
    List<String> all =
        new ArrayList<>(
            Stream.of(ReadableKind.values()).map(ReadableKind::resource).distinct().toList());
    Collections.shuffle(all, random);
    int count = any(List.of(1, 1, 1, 3, all.size()));
    return List.copyOf(all.subList(0, count));
  }

  /** A fault of watches. */
  Fault ofEvents() {
    ReadableKind kind = any(List.of(ReadableKind.values()));
    return switch (random.nextInt(14)) {
      case 0, 1 -> Fault.moment("events: all forgotten, 410", history::compact);
      case 2, 3 -> Fault.moment("events: a gap with changes in it, 410", changes::unseen);
      case 4, 5 -> Fault.moment("events: the newest comes twice", () -> history.repeat(kind, 0));
      case 6 -> {
        int back = 1 + random.nextInt(20);
        yield Fault.moment("events: an old one comes again", () -> history.repeat(kind, back));
      }
      case 7, 8 -> Fault.moment("events: two in the wrong order", changes::swapped);
      default -> {
        Named line = any(LINES);
        yield Fault.moment("events: " + line.name(), () -> history.send(kind, line.text()));
      }
    };
  }

  private <T> T any(List<T> choices) {
    return choices.get(random.nextInt(choices.size()));
  }
}
