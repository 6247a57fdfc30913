package io.sluice.control.kubernetes;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * Times and sizes of following the API server.
 *
 * @param pageSize most objects in one answer to a list
 * @param maxObjects most objects of one kind
 * @param watchFor after which the server is asked to end a watch; each goes on where the one before
 *     ended, and a connection that died in silence is noticed by then
 * @param silence longest wait for the next byte of an answer that is due
 * @param shortestPause after the first failure
 * @param longestPause after many failures, and between looks for a kind that is not installed
 * @param listAgainAfter how long one list is trusted, however whole the watches after it looked
 * @param firstLists longest wait for all kinds at the start
 * @param gather how long changes are collected before they are delivered together
 */
record WatchSettings(
    int pageSize,
    int maxObjects,
    Duration watchFor,
    Duration silence,
    Duration shortestPause,
    Duration longestPause,
    Duration listAgainAfter,
    Duration firstLists,
    Duration gather) {
  /** For a site: a controller that is alone with its API server. */
  static final WatchSettings USUAL =
      new WatchSettings(
          500,
          100_000,
          Duration.ofSeconds(75),
          Duration.ofSeconds(15),
          Duration.ofMillis(200),
          Duration.ofSeconds(10),
          Duration.ofHours(1),
          Duration.ofSeconds(15),
          Duration.ofMillis(20));

  /** Asks for a page of a list; {@code next} is what the page before said, or empty. */
  String listQuery(String next) {
    return "?limit=" + pageSize + (next.isEmpty() ? "" : "&continue=" + encoded(next));
  }

  /** Asks for what has changed since {@code version}. */
  String watchQuery(String version) {
    return "?watch=true&allowWatchBookmarks=true&resourceVersion="
        + encoded(version)
        + "&timeoutSeconds="
        + Math.max(1, watchFor.toSeconds());
  }

  /** Longest wait for the next byte of a watch. */
  Duration silenceOfWatch() {
    return watchFor.plus(silence);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
